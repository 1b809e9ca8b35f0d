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
#[inline]
pub(super) fn minimise<T: Real>(slope: T, omega: T, c: T, t: T) -> T {
    let left = T::ZERO.min((omega * c + slope * t) / (omega + slope * slope));
    let right = T::ZERO.max((omega * c + t) / (omega + T::ONE));
    let value = |z: T, f: T| omega * (z - c) * (z - c) + (t - f) * (t - f);
    if value(right, right) < value(left, slope * left) { right } else { left }
}
