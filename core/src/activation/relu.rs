//! ReLU, `f(z) = max(z, 0)`: leaky ReLU of slope 0, but for the value, which needs no product.

use super::function::Function;
use super::leaky_relu::LeakyRelu;
use super::preimage::of_relu;
use crate::real::Real;

#[derive(Clone, Copy)]
pub(super) struct Relu;

impl Relu {
    #[inline]
    fn leaky<T: Real>(self) -> LeakyRelu<T> {
        LeakyRelu { slope: T::ZERO }
    }
}

impl<T: Real> Function<T> for Relu {
    // A maximum of this crate returns its second operand where either is NaN, so the constant stands first: a NaN that
    // comes in must come out, or divergence would go unseen.
    #[inline]
    fn value(self, z: T) -> T {
        T::ZERO.max(z)
    }

    #[inline]
    fn derivative(self, z: T) -> T {
        self.leaky().derivative(z)
    }

    #[inline]
    fn derivative_at_value(self, a: T) -> T {
        self.leaky().derivative_at_value(a)
    }

    fn lipschitz(self) -> T {
        T::ONE
    }

    #[inline]
    fn minimise_scalar(self, omega: T, c: T, t: T) -> T {
        self.leaky().minimise_scalar(omega, c, t)
    }

    #[inline]
    fn preimage(self, epsilon: T, a: T) -> (T, T) {
        of_relu(epsilon, a)
    }
}
