//! Adagrad (Duchi, Hazan, Singer, JMLR 2011).

use super::{BLOCK, roots};
use crate::real::Real;

pub(super) fn step<T: Real>(rate: T, epsilon: T, gradient: &[T], squares: &mut [T], parameters: &mut [T]) {
    let blocks = gradient.chunks(BLOCK).zip(squares.chunks_mut(BLOCK)).zip(parameters.chunks_mut(BLOCK));
    for ((gradient, squares), parameters) in blocks {
        let mut buffer = [T::ZERO; BLOCK];
        let scale = &mut buffer[..gradient.len()];
        for ((scale, &g), s) in scale.iter_mut().zip(gradient).zip(squares) {
            *s += g * g;
            *scale = *s;
        }
        roots(scale);
        for ((x, &g), &scale) in parameters.iter_mut().zip(gradient).zip(&*scale) {
            *x -= rate * g / (scale + epsilon);
        }
    }
}
