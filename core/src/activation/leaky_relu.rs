//! Leaky ReLU, `f(z) = z` for `z > 0`, else `slope z`.

use super::function::Function;
use super::preimage::{clip, of_relu};
use crate::real::Real;

#[derive(Clone, Copy)]
pub(super) struct LeakyRelu<T> {
    pub(super) slope: T,
}

impl<T: Real> LeakyRelu<T> {
    /// The value's inverse. A slope so small that the quotient overflows gives an infinite bound.
    #[inline]
    fn inverse(self, value: T) -> T {
        let left = value / self.slope;
        if value > T::ZERO { value } else { left }
    }

    /// The preimage under a slope above 0, where f is one to one.
    #[inline]
    fn inverses(self, epsilon: T, a: T) -> (T, T) {
        (self.inverse(a - epsilon), self.inverse(a + epsilon))
    }
}

impl<T: Real> Function<T> for LeakyRelu<T> {
    #[inline]
    fn value(self, z: T) -> T {
        let left = self.slope * z;
        if z > T::ZERO { z } else { left }
    }

    #[inline]
    fn derivative(self, z: T) -> T {
        if z > T::ZERO { T::ONE } else { self.slope }
    }

    #[inline]
    fn derivative_at_value(self, a: T) -> T {
        self.derivative(a)
    }

    fn lipschitz(self) -> T {
        T::ONE.max(self.slope.abs())
    }

    // Both branches are computed and one is selected; constants stand first in maxima and minima, so that NaN comes out.
    // The denominators are the same for every element: they are inverted once where this is inlined into a loop, since two
    // divisions an element would cost more than everything else.
    #[inline]
    fn minimise_scalar(self, omega: T, c: T, t: T) -> T {
        let slope = self.slope;
        let (left_scale, right_scale) = (T::ONE / (omega + slope * slope), T::ONE / (omega + T::ONE));
        let left = T::ZERO.min((omega * c + slope * t) * left_scale);
        let right = T::ZERO.max((omega * c + t) * right_scale);
        let value = |z: T, f: T| omega * (z - c) * (z - c) + (t - f) * (t - f);
        if value(right, right) < value(left, slope * left) { right } else { left }
    }

    #[inline]
    fn preimage(self, epsilon: T, a: T) -> (T, T) {
        if self.slope == T::ZERO { of_relu(epsilon, a) } else { self.inverses(epsilon, a) }
    }

    fn clip_to_preimage(self, epsilon: T, a: &[T], c: &[T], z: &mut [T], _: &mut [T]) {
        if self.slope == T::ZERO {
            clip(a, c, z, |a| of_relu(epsilon, a));
        } else {
            clip(a, c, z, |a| self.inverses(epsilon, a));
        }
    }
}
