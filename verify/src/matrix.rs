//! Dense matrices in double precision with plain loops: what the checks compute with, and nothing of the core in it.

use altmin_core::view::{MatMut, MatRef, column, dense, dense_mut};

/// A matrix, column after column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mat {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) data: Vec<f64>,
}

impl Mat {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, data: vec![0.0; rows * columns] }
    }

    pub(super) fn from_fn(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let data = (0..rows * columns).map(|index| entry(index % rows, index / rows)).collect();
        Self { rows, columns, data }
    }

    pub(super) fn of(matrix: MatRef<'_, f64>) -> Self {
        let (rows, columns) = matrix.shape();
        let data = (0..columns).flat_map(|j| column(&matrix, j).iter().copied()).collect();
        Self { rows, columns, data }
    }

    pub(super) fn view(&self) -> MatRef<'_, f64> {
        dense(&self.data, self.rows, self.columns)
    }

    pub(super) fn view_mut(&mut self) -> MatMut<'_, f64> {
        dense_mut(&mut self.data, self.rows, self.columns)
    }

    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.data[j * self.rows + i]
    }

    pub(super) fn column(&self, j: usize) -> &[f64] {
        &self.data[j * self.rows..][..self.rows]
    }

    pub(super) fn row(&self, i: usize) -> impl Iterator<Item = f64> + '_ {
        (0..self.columns).map(move |j| self.at(i, j))
    }

    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { data: self.data.iter().map(|&x| f(x)).collect(), ..*self }
    }

    pub(super) fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        let data = self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect();
        Self { data, ..*self }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    pub(super) fn abs(&self) -> Self {
        self.map(f64::abs)
    }

    /// `self other`.
    pub(super) fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows);
        let mut product = Self::zeros(self.rows, other.columns);
        for j in 0..other.columns {
            for k in 0..self.columns {
                let factor = other.at(k, j);
                let target = &mut product.data[j * self.rows..][..self.rows];
                for (target, &a) in target.iter_mut().zip(self.column(k)) {
                    *target += a * factor;
                }
            }
        }
        product
    }

    pub(super) fn transposed(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |i, j| self.at(j, i))
    }

    /// The mean of each row.
    pub(super) fn means(&self) -> Vec<f64> {
        self.row_sums().into_iter().map(|sum| sum / self.columns.max(1) as f64).collect()
    }

    /// Every row around its mean.
    pub(super) fn centred(&self) -> Self {
        let means = self.means();
        Self::from_fn(self.rows, self.columns, |i, j| self.at(i, j) - means[i])
    }

    pub(super) fn row_sums(&self) -> Vec<f64> {
        (0..self.rows).map(|i| self.row(i).sum()).collect()
    }

    /// `|A|^2` (Frobenius).
    pub(super) fn squared(&self) -> f64 {
        self.data.iter().map(|x| x * x).sum()
    }

    /// `|A|` (Frobenius).
    pub(super) fn norm(&self) -> f64 {
        libm::sqrt(self.squared())
    }

    /// `|A|^2` of a row.
    pub(super) fn row_squared(&self, i: usize) -> f64 {
        self.row(i).map(|x| x * x).sum()
    }

    /// `|A|^2` of a column.
    pub(super) fn column_squared(&self, j: usize) -> f64 {
        self.column(j).iter().map(|x| x * x).sum()
    }
}

/// A number and the size of what was added up to it, against which its rounding is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Value {
    pub(super) value: f64,
    /// The sum of the absolute values of all terms, those inside the terms included.
    pub(super) scale: f64,
}

/// A sum that loses nothing but its last bits (Neumaier 1974), so that checks need no allowance for the number of terms.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    total: f64,
    correction: f64,
    scale: f64,
}

impl Sum {
    /// Adds `term`, whose parts have the size `scale`.
    pub(super) fn add(&mut self, term: f64, scale: f64) {
        let next = self.total + term;
        let (large, small) =
            if self.total.abs() >= term.abs() { (self.total, term) } else { (term, self.total) };
        self.correction += (large - next) + small;
        self.total = next;
        self.scale += scale;
    }

    pub(super) fn value(&self) -> Value {
        Value { value: self.total + self.correction, scale: self.scale }
    }
}
