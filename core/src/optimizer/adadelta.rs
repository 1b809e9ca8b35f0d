//! Adadelta (Zeiler, 2012).

use super::{BLOCK, roots};
use crate::real::Real;

pub(super) fn step<T: Real>(
    rate: T,
    decay: T,
    epsilon: T,
    gradient: &[T],
    squares: &mut [T],
    steps: &mut [T],
    parameters: &mut [T],
) {
    let fresh = T::ONE - decay;
    let moments = squares.chunks_mut(BLOCK).zip(steps.chunks_mut(BLOCK));
    let blocks = gradient.chunks(BLOCK).zip(moments).zip(parameters.chunks_mut(BLOCK));
    for ((gradient, (squares, steps)), parameters) in blocks {
        let mut buffer = [T::ZERO; BLOCK];
        let scale = &mut buffer[..gradient.len()];
        for (((scale, &g), e), &s) in scale.iter_mut().zip(gradient).zip(squares).zip(&*steps) {
            *e = decay * *e + fresh * g * g;
            *scale = (s + epsilon) / (*e + epsilon);
        }
        roots(scale);
        for (((x, &g), &scale), s) in parameters.iter_mut().zip(gradient).zip(&*scale).zip(steps) {
            let d = scale * g;
            *s = decay * *s + fresh * d * d;
            *x -= rate * d;
        }
    }
}
