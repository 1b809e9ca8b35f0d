//! Plain loops over samples, to compare with, and numbers to start from.

use altmin_core::Real;
use altmin_core::view::{MatMut, MatRef};

/// A linear congruential generator (Knuth's MMIX), of which the upper bits are used.
pub struct Random(pub u64);

impl Random {
    /// The next number, from -1 to 1.
    pub fn number<T: Real>(&mut self) -> T {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        T::from_f64((self.0 >> 40) as f64 / (1u64 << 23) as f64 - 1.0)
    }

    /// Fills `values`.
    pub fn fill<T: Real>(&mut self, values: &mut [T]) {
        values.iter_mut().for_each(|value| *value = self.number());
    }

    /// A matrix from `stack`'s memory.
    pub fn matrix<T: Real>(&mut self, matrix: &mut MatMut<'_, T>) {
        for j in 0..matrix.ncols() {
            for i in 0..matrix.nrows() {
                matrix[(i, j)] = self.number();
            }
        }
    }
}

/// `max(x, 0)`.
pub fn relu<T: Real>(x: T) -> f64 {
    let x = x.to_f64();
    if x > 0.0 { x } else { 0.0 }
}

/// `1/(1 + exp(-x))`.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + Real::exp(-x))
}

/// Element (i, j) of `W p + b - z`.
pub fn residual<T: Real>(
    weights: &MatRef<'_, T>,
    bias: &[T],
    p: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    (i, j): (usize, usize),
) -> f64 {
    let product: f64 = (0..p.nrows()).map(|k| weights[(i, k)].to_f64() * p[(k, j)].to_f64()).sum();
    product + bias[i].to_f64() - z[(i, j)].to_f64()
}

/// The sum of `term` over all indices of a matrix of this shape.
pub fn total((rows, columns): (usize, usize), term: impl Fn(usize, usize) -> f64) -> f64 {
    (0..columns).map(|j| (0..rows).map(|i| term(i, j)).sum::<f64>()).sum()
}

/// The largest of `value`'s magnitudes over all indices; NaN wins.
pub fn largest((rows, columns): (usize, usize), value: impl Fn(usize, usize) -> f64) -> f64 {
    let mut largest = 0.0;
    for j in 0..columns {
        for i in 0..rows {
            let magnitude = value(i, j).abs();
            if magnitude.is_nan() {
                return magnitude;
            }
            if magnitude > largest {
                largest = magnitude;
            }
        }
    }
    largest
}

/// What rounding may do to numbers of size 1 in sums of a few hundred terms.
pub fn rounding<T: Real>() -> f64 {
    500.0 * T::EPSILON.to_f64()
}
