//! Adam (Kingma, Ba, ICLR 2015).

use super::{BLOCK, roots};
use crate::real::Real;

pub(super) fn step<T: Real>(
    rate: T,
    [beta1, beta2]: [T; 2],
    epsilon: T,
    t: u64,
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
    parameters: &mut [T],
) {
    let corrected = |beta: T| 1.0 - libm::pow(beta.to_f64(), t as f64);
    let rate = T::from_f64(rate.to_f64() / corrected(beta1));
    let shrink = T::from_f64(1.0 / libm::sqrt(corrected(beta2)));
    let (fresh1, fresh2) = (T::ONE - beta1, T::ONE - beta2);
    let moments = first.chunks_mut(BLOCK).zip(second.chunks_mut(BLOCK));
    let blocks = gradient.chunks(BLOCK).zip(moments).zip(parameters.chunks_mut(BLOCK));
    for ((gradient, (first, second)), parameters) in blocks {
        let mut buffer = [T::ZERO; BLOCK];
        let scale = &mut buffer[..gradient.len()];
        for ((scale, &g), v) in scale.iter_mut().zip(gradient).zip(second) {
            *v = beta2 * *v + fresh2 * g * g;
            *scale = *v;
        }
        roots(scale);
        for (((x, &g), &scale), m) in parameters.iter_mut().zip(gradient).zip(&*scale).zip(first) {
            *m = beta1 * *m + fresh1 * g;
            *x -= rate * *m / (scale * shrink + epsilon);
        }
    }
}
