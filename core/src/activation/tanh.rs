//! `f(z) = tanh z`, from one exponential of a number that is not positive, as the sigmoid is.

use super::function::Function;
use super::preimage::{clip_by_image, lower, upper};
use super::sigmoid::Sigmoid;
use super::smooth::{self, Curve};
use crate::exponential::tanh;
use crate::real::Real;

#[derive(Clone, Copy)]
pub(super) struct Tanh;

const CURVE: Curve = Curve { centre: 0.0, half: 1.0, unit: 1.0 };

impl<T: Real> Function<T> for Tanh {
    #[inline]
    fn value(self, z: T) -> T {
        tanh(z)
    }

    /// `4 exp(-2 |z|)/(1 + exp(-2 |z|))^2`: no difference of equals where f is saturated.
    #[inline]
    fn derivative(self, z: T) -> T {
        T::from_f64(4.0) * Sigmoid.derivative(T::from_f64(2.0) * z)
    }

    #[inline]
    fn derivative_at_value(self, a: T) -> T {
        T::ONE - a * a
    }

    fn lipschitz(self) -> T {
        T::ONE
    }

    fn minimise_scalar(self, omega: T, c: T, t: T) -> T {
        smooth::minimise_scalar(CURVE, omega, c, t)
    }

    fn minimise(self, omega: T, c: &[T], t: &[T], z: &mut [T]) {
        smooth::minimise(CURVE, omega, c, t, z);
    }

    fn preimage(self, epsilon: T, a: T) -> (T, T) {
        (lower(-T::ONE, epsilon, a, inverse), upper(T::ONE, epsilon, a, inverse))
    }

    fn clip_to_preimage(self, epsilon: T, a: &[T], c: &[T], z: &mut [T], scratch: &mut [T]) {
        self.apply(c, scratch);
        let ends = (|a| lower(-T::ONE, epsilon, a, inverse), |a| upper(T::ONE, epsilon, a, inverse));
        clip_by_image(epsilon, a, c, scratch, z, ends);
    }
}

/// `ln((1 + value)/(1 - value))/2`.
fn inverse<T: Real>(value: T) -> T {
    let (half, two) = (T::from_f64(0.5), T::from_f64(2.0));
    if value <= -T::ONE {
        T::NEG_INFINITY
    } else if value >= T::ONE {
        -T::NEG_INFINITY
    } else {
        let size = value.abs();
        let inverse = half * (two * size / (T::ONE - size)).ln_1p();
        if value < T::ZERO { -inverse } else { inverse }
    }
}
