//! Gradient descent.

use crate::real::Real;

pub(super) fn step<T: Real>(rate: T, gradient: &[T], parameters: &mut [T]) {
    for (x, &g) in parameters.iter_mut().zip(gradient) {
        *x -= rate * g;
    }
}
