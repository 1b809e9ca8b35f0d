//! ReLU and leaky ReLU.
//!
//! A maximum of this crate returns its second operand where either is NaN, so the constant stands first throughout:
//! a NaN that comes in must come out, or divergence would go unseen.

use crate::real::Real;

#[inline]
pub(super) fn value<T: Real>(z: T) -> T {
    T::ZERO.max(z)
}

#[inline]
pub(super) fn leaky_value<T: Real>(slope: T, z: T) -> T {
    let left = slope * z;
    if z > T::ZERO { z } else { left }
}

#[inline]
pub(super) fn derivative<T: Real>(slope: T, z: T) -> T {
    if z > T::ZERO { T::ONE } else { slope }
}

/// The minimiser of `omega (z - c)^2 + (t - f(z))^2`, both branches computed and one selected.
///
/// The denominators are the same for every element: they are inverted once where this is inlined into a loop, since two
/// divisions an element would cost more than everything else.
#[inline]
pub(super) fn minimise<T: Real>(slope: T, omega: T, c: T, t: T) -> T {
    let (left_scale, right_scale) = (T::ONE / (omega + slope * slope), T::ONE / (omega + T::ONE));
    let left = T::ZERO.min((omega * c + slope * t) * left_scale);
    let right = T::ZERO.max((omega * c + t) * right_scale);
    let value = |z: T, f: T| omega * (z - c) * (z - c) + (t - f) * (t - f);
    if value(right, right) < value(left, slope * left) { right } else { left }
}
