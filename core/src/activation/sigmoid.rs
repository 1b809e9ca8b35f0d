//! The sigmoid, `f(z) = 1/(1 + exp(-z))`, from one exponential of a number that is not positive: nothing overflows, and
//! what is small keeps its relative precision.

use super::function::Function;
use super::preimage::{clip_by_image, lower, upper};
use super::smooth::{self, Curve};
use crate::exponential::exp_of_negative;
use crate::real::Real;

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

const CURVE: Curve = Curve { centre: 0.5, half: 0.5, unit: 2.0 };

impl<T: Real> Function<T> for Sigmoid {
    #[inline]
    fn value(self, z: T) -> T {
        let e = exp_of_negative(-z.abs());
        let numerator = if z < T::ZERO { e } else { T::ONE };
        numerator / (T::ONE + e)
    }

    /// `exp(-|z|)/(1 + exp(-|z|))^2`: no difference of equals where f is saturated.
    #[inline]
    fn derivative(self, z: T) -> T {
        let e = exp_of_negative(-z.abs());
        let sum = T::ONE + e;
        e / (sum * sum)
    }

    #[inline]
    fn derivative_at_value(self, a: T) -> T {
        a * (T::ONE - a)
    }

    fn lipschitz(self) -> T {
        T::from_f64(0.25)
    }

    fn minimise_scalar(self, omega: T, c: T, t: T) -> T {
        smooth::minimise_scalar(CURVE, omega, c, t)
    }

    fn minimise(self, omega: T, c: &[T], t: &[T], z: &mut [T]) {
        smooth::minimise(CURVE, omega, c, t, z);
    }

    fn preimage(self, epsilon: T, a: T) -> (T, T) {
        (lower(T::ZERO, epsilon, a, logit), upper(T::ONE, epsilon, a, logit))
    }

    fn clip_to_preimage(self, epsilon: T, a: &[T], c: &[T], z: &mut [T], scratch: &mut [T]) {
        self.apply(c, scratch);
        let ends = (|a| lower(T::ZERO, epsilon, a, logit), |a| upper(T::ONE, epsilon, a, logit));
        clip_by_image(epsilon, a, c, scratch, z, ends);
    }
}

/// `ln(value/(1 - value))`. Around 1/2 the two logarithms cancel, but the differences below are exact; towards 0 one of
/// them is small.
fn logit<T: Real>(value: T) -> T {
    let two = T::from_f64(2.0);
    if value <= T::ZERO {
        T::NEG_INFINITY
    } else if value >= T::ONE {
        -T::NEG_INFINITY
    } else if value < T::from_f64(0.25) {
        value.ln() - (-value).ln_1p()
    } else if value < T::from_f64(0.5) {
        -((T::ONE - two * value) / value).ln_1p()
    } else {
        ((two * value - T::ONE) / (T::ONE - value)).ln_1p()
    }
}
