//! Softmax cross-entropy of one column, `R = log(sum_i exp z_i) - <y, z>`.

use super::target::ColumnTarget;
use crate::real::Real;

/// The largest element.
#[inline]
pub(super) fn maximum<T: Real>(z: &[T]) -> T {
    z.iter().fold(T::NEG_INFINITY, |largest, &z| largest.max(z))
}

/// `exp(z_i - max z)` one by one through `take`, and their sum, which is at least 1.
///
/// The sum is in double precision, so that in `f32` a confident column's small rest is not lost beside the 1.
#[inline]
pub(super) fn exponentials<T: Real>(z: &[T], largest: T, mut take: impl FnMut(usize, T)) -> f64 {
    let mut sum = 0.0;
    for (i, &z) in z.iter().enumerate() {
        let exponential = (z - largest).exp();
        take(i, exponential);
        sum += exponential.to_f64();
    }
    sum
}

pub(super) fn value<T: Real>(z: &[T], target: ColumnTarget<'_, T>) -> f64 {
    let largest = maximum(z);
    let logarithm = Real::ln(exponentials(z, largest, |_, _| ()));
    let largest = largest.to_f64();
    match target {
        ColumnTarget::Class(class) => (largest - z[class].to_f64()) + logarithm,
        ColumnTarget::Values(y) => {
            let inner: f64 = y.iter().zip(z).map(|(y, z)| y.to_f64() * z.to_f64()).sum();
            (largest - inner) + logarithm
        }
    }
}

pub(super) fn gradient<T: Real>(z: &[T], target: ColumnTarget<'_, T>, gradient: &mut [T]) {
    let sum = exponentials(z, maximum(z), |i, exponential| gradient[i] = exponential);
    let share = |exponential: T| exponential.to_f64() / sum;
    match target {
        ColumnTarget::Class(class) => {
            // The difference is taken before it is rounded: a confident column's is far below EPSILON.
            let at_class = T::from_f64(share(gradient[class]) - 1.0);
            for g in gradient.iter_mut() {
                *g = T::from_f64(share(*g));
            }
            gradient[class] = at_class;
        }
        ColumnTarget::Values(y) => {
            for (g, y) in gradient.iter_mut().zip(y) {
                *g = T::from_f64(share(*g) - y.to_f64());
            }
        }
    }
}
