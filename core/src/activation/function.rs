//! What a member of [`Activation`](super::Activation) is made of. Its public methods say what these must do.

use super::preimage::clip;
use crate::real::Real;

/// An elementwise function `f`. Slices of one call are of one length.
///
/// The provided loops are compiled once a member, so that they vectorise where the element's function has no branches.
pub(super) trait Function<T: Real>: Copy {
    /// `f(z)`.
    fn value(self, z: T) -> T;

    /// `f'(z)`, from the left at a kink.
    fn derivative(self, z: T) -> T;

    /// `f'(z)` from `a = f(z)`.
    fn derivative_at_value(self, a: T) -> T;

    /// The Lipschitz constant of f.
    fn lipschitz(self) -> T;

    /// The minimiser of `omega (z - c)^2 + (t - f(z))^2`.
    fn minimise_scalar(self, omega: T, c: T, t: T) -> T;

    /// The ends of `{ z : |f(z) - a| <= epsilon }`.
    fn preimage(self, epsilon: T, a: T) -> (T, T);

    /// [`minimise_scalar`](Self::minimise_scalar), to the same bits.
    #[inline]
    fn minimise(self, omega: T, c: &[T], t: &[T], z: &mut [T]) {
        for ((z, &c), &t) in z.iter_mut().zip(c).zip(t) {
            *z = self.minimise_scalar(omega, c, t);
        }
    }

    /// `z` becomes the point nearest to `c` of the [`preimage`](Self::preimage) widened to contain z.
    #[inline]
    fn clip_to_preimage(self, epsilon: T, a: &[T], c: &[T], z: &mut [T], scratch: &mut [T]) {
        let _ = scratch;
        clip(a, c, z, |a| self.preimage(epsilon, a));
    }

    /// `out = f(z)`.
    #[inline]
    fn apply(self, z: &[T], out: &mut [T]) {
        for (out, &z) in out.iter_mut().zip(z) {
            *out = self.value(z);
        }
    }

    /// `z <- f(z)`.
    #[inline]
    fn apply_in_place(self, z: &mut [T]) {
        for z in z {
            *z = self.value(*z);
        }
    }

    /// `out = f'(z)`.
    #[inline]
    fn derivatives(self, z: &[T], out: &mut [T]) {
        for (out, &z) in out.iter_mut().zip(z) {
            *out = self.derivative(z);
        }
    }

    /// `e <- f'(z) e` from `a = f(z)`.
    #[inline]
    fn backward(self, a: &[T], e: &mut [T]) {
        for (e, &a) in e.iter_mut().zip(a) {
            *e *= self.derivative_at_value(a);
        }
    }
}
