//! Gradient descent with momentum (Polyak 1964), and Nesterov's.

use crate::real::Real;

pub(super) fn step<T: Real>(
    rate: T,
    momentum: T,
    nesterov: bool,
    gradient: &[T],
    velocity: &mut [T],
    parameters: &mut [T],
) {
    let each = parameters.iter_mut().zip(gradient).zip(velocity);
    if nesterov {
        each.for_each(|((x, &g), b)| {
            *b = momentum * *b + g;
            *x -= rate * (g + momentum * *b);
        });
    } else {
        each.for_each(|((x, &g), b)| {
            *b = momentum * *b + g;
            *x -= rate * *b;
        });
    }
}
