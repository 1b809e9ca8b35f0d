//! Double-precision matrices computed with plain loops, and exact random numbers to fill them with.

use std::ops::{Index, IndexMut};

use altmin_core::Real;
use altmin_core::view::MatRef;

/// The same numbers for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A multiple of 1/1024 in [-1, 1): exact in both precisions.
    pub(crate) fn number(&mut self) -> f64 {
        (self.bits() % 2048) as f64 / 1024.0 - 1.0
    }

    /// A whole number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.bits() as usize % bound
    }

    /// A multiple of 1/64 in [low, high), both multiples of it: exact in both precisions.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.below(((high - low) * 64.0) as usize) as f64 / 64.0
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize) -> Plain {
        Plain::new(rows, columns, |_, _| self.number())
    }
}

/// A matrix, column after column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plain {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) data: Vec<f64>,
}

impl Index<(usize, usize)> for Plain {
    type Output = f64;

    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.data[j * self.rows + i]
    }
}

impl IndexMut<(usize, usize)> for Plain {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.data[j * self.rows + i]
    }
}

impl Plain {
    pub(crate) fn new(rows: usize, columns: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let mut data = Vec::new();
        for j in 0..columns {
            for i in 0..rows {
                data.push(entry(i, j));
            }
        }
        Self { rows, columns, data }
    }

    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self::new(rows, columns, |_, _| 0.0)
    }

    pub(crate) fn vector(data: Vec<f64>) -> Self {
        Self { rows: data.len(), columns: 1, data }
    }

    pub(crate) fn of<T: Real>(matrix: &MatRef<'_, T>) -> Self {
        Self::new(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)].to_f64())
    }

    pub(crate) fn of_slice<T: Real>(vector: &[T]) -> Self {
        Self::vector(vector.iter().map(|x| x.to_f64()).collect())
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows);
        let terms = self.columns;
        Self::new(self.rows, other.columns, |i, j| (0..terms).map(|k| self[(i, k)] * other[(k, j)]).sum())
    }

    pub(crate) fn transposed(&self) -> Self {
        Self::new(self.columns, self.rows, |i, j| self[(j, i)])
    }

    /// `self + scale other`.
    pub(crate) fn plus(&self, scale: f64, other: &Self) -> Self {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        Self::new(self.rows, self.columns, |i, j| self[(i, j)] + scale * other[(i, j)])
    }

    /// `self + vector 1'`.
    pub(crate) fn plus_to_columns(&self, vector: &Self) -> Self {
        Self::new(self.rows, self.columns, |i, j| self[(i, j)] + vector[(i, 0)])
    }

    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::new(self.rows, self.columns, |i, j| f(self[(i, j)]))
    }

    pub(crate) fn inner(&self, other: &Self) -> f64 {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        self.data.iter().zip(&other.data).map(|(a, b)| a * b).sum()
    }

    pub(crate) fn squared(&self) -> f64 {
        self.inner(self)
    }

    pub(crate) fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |most, x| x.abs().max(most))
    }

    pub(crate) fn column(&self, j: usize) -> Self {
        self.part(j, 1)
    }

    pub(crate) fn part(&self, start: usize, count: usize) -> Self {
        Self::new(self.rows, count, |i, j| self[(i, start + j)])
    }

    pub(crate) fn row(&self, i: usize) -> Self {
        Self::new(1, self.columns, |_, j| self[(i, j)])
    }

    pub(crate) fn row_sums(&self) -> Self {
        Self::new(self.rows, 1, |i, _| (0..self.columns).map(|j| self[(i, j)]).sum())
    }

    pub(crate) fn row_means(&self) -> Self {
        self.row_sums().map(|sum| sum / self.columns as f64)
    }

    pub(crate) fn identity(n: usize) -> Self {
        Self::new(n, n, |i, j| if i == j { 1.0 } else { 0.0 })
    }

    /// `self^-1 right`, by Gaussian elimination with row pivots.
    pub(crate) fn solve(&self, right: &Self) -> Self {
        let n = self.rows;
        assert!(n == self.columns && n == right.rows);
        let (mut a, mut x) = (self.clone(), right.clone());
        for k in 0..n {
            let pivot = (k..n).max_by(|&i, &j| a[(i, k)].abs().total_cmp(&a[(j, k)].abs())).unwrap();
            a.swap_rows(k, pivot);
            x.swap_rows(k, pivot);
            for i in 0..n {
                if i != k {
                    let factor = a[(i, k)] / a[(k, k)];
                    a.subtract_row(i, k, factor);
                    x.subtract_row(i, k, factor);
                }
            }
        }
        Self::new(n, x.columns, |i, j| x[(i, j)] / a[(i, i)])
    }

    fn swap_rows(&mut self, i: usize, k: usize) {
        for j in 0..self.columns {
            self.data.swap(j * self.rows + i, j * self.rows + k);
        }
    }

    fn subtract_row(&mut self, i: usize, k: usize, factor: f64) {
        for j in 0..self.columns {
            self[(i, j)] -= factor * self[(k, j)];
        }
    }
}
