//! Dense matrices by plain loops, for references that share nothing with the code under test.

use altmin_core::view::MatRef;

/// Column-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mat {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) data: Vec<f64>,
}

impl Mat {
    pub(crate) fn from_fn(rows: usize, columns: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let mut data = Vec::with_capacity(rows * columns);
        for j in 0..columns {
            for i in 0..rows {
                data.push(entry(i, j));
            }
        }
        Self { rows, columns, data }
    }

    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self::from_fn(rows, columns, |_, _| 0.0)
    }

    /// The columns of all parts, one part after the other.
    pub(crate) fn gather<'a>(parts: impl Iterator<Item = MatRef<'a, f64>>) -> Self {
        let (mut rows, mut columns, mut data) = (0, 0, Vec::new());
        for part in parts {
            rows = part.nrows();
            columns += part.ncols();
            data.extend(part.iter().copied());
        }
        Self { rows, columns, data }
    }

    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.data[j * self.rows + i]
    }

    pub(crate) fn set(&mut self, i: usize, j: usize, value: f64) {
        self.data[j * self.rows + i] = value;
    }

    pub(crate) fn column(&self, j: usize) -> &[f64] {
        &self.data[j * self.rows..(j + 1) * self.rows]
    }

    pub(crate) fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |i, j| self.at(j, i))
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows);
        Self::from_fn(self.rows, other.columns, |i, j| {
            (0..self.columns).map(|k| self.at(i, k) * other.at(k, j)).sum()
        })
    }

    /// `self + scale other`.
    pub(crate) fn plus(&self, scale: f64, other: &Self) -> Self {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        Self::from_fn(self.rows, self.columns, |i, j| self.at(i, j) + scale * other.at(i, j))
    }

    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::from_fn(self.rows, self.columns, |i, j| f(self.at(i, j)))
    }

    pub(crate) fn dot(&self, other: &Self) -> f64 {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        self.data.iter().zip(&other.data).map(|(a, b)| a * b).sum()
    }

    pub(crate) fn squared(&self) -> f64 {
        self.dot(self)
    }

    pub(crate) fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |most, x| most.max(x.abs()))
    }
}

/// The largest difference of two matrices of one shape, relative to their size; NaN counts as infinite.
pub(crate) fn distance(a: &Mat, b: &Mat) -> f64 {
    let difference = a.plus(-1.0, b);
    if difference.data.iter().any(|x| x.is_nan()) {
        return f64::INFINITY;
    }
    difference.largest() / b.largest().max(1.0)
}

/// `a^-1 b` by Gauss's elimination with row exchanges.
pub(crate) fn solve(a: &Mat, b: &Mat) -> Mat {
    let n = a.rows;
    assert_eq!((a.columns, b.rows), (n, n));
    let (mut a, mut b) = (a.clone(), b.clone());
    for k in 0..n {
        let best = (k..n).max_by(|&i, &j| a.at(i, k).abs().total_cmp(&a.at(j, k).abs())).unwrap();
        exchange(&mut a, k, best);
        exchange(&mut b, k, best);
        for i in k + 1..n {
            let factor = a.at(i, k) / a.at(k, k);
            eliminate(&mut a, i, k, factor);
            eliminate(&mut b, i, k, factor);
        }
    }
    for k in (0..n).rev() {
        for j in 0..b.columns {
            let known: f64 = (k + 1..n).map(|i| a.at(k, i) * b.at(i, j)).sum();
            b.set(k, j, (b.at(k, j) - known) / a.at(k, k));
        }
    }
    b
}

fn exchange(a: &mut Mat, i: usize, k: usize) {
    for j in 0..a.columns {
        let (x, y) = (a.at(i, j), a.at(k, j));
        a.set(i, j, y);
        a.set(k, j, x);
    }
}

fn eliminate(a: &mut Mat, i: usize, k: usize, factor: f64) {
    for j in 0..a.columns {
        let value = a.at(i, j) - factor * a.at(k, j);
        a.set(i, j, value);
    }
}
