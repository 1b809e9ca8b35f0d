//! Sigmoid and tanh, both from one exponential of a number that is not positive: nothing overflows, and what is small
//! keeps its relative precision.

mod hidden;
mod separator;

use crate::exponential::{exp_minus_one, exp_of_negative};
use crate::real::Real;

pub(super) use hidden::{Curve, minimise, minimise_scalar};

/// `1/(1 + exp(-z))`.
#[inline]
pub(super) fn sigmoid<T: Real>(z: T) -> T {
    let e = exp_of_negative(-z.abs());
    let numerator = if z < T::ZERO { e } else { T::ONE };
    numerator / (T::ONE + e)
}

/// `(1 - exp(-2 |z|))/(1 + exp(-2 |z|))` with the sign of z.
#[inline]
pub(super) fn tanh<T: Real>(z: T) -> T {
    let two = T::from_f64(2.0);
    let less = exp_minus_one(-(two * z.abs()));
    let value = less / (two + less);
    if z < T::ZERO { value } else { -value }
}

/// `exp(-|z|)/(1 + exp(-|z|))^2`: no difference of equals where f is saturated.
#[inline]
pub(super) fn sigmoid_derivative<T: Real>(z: T) -> T {
    let e = exp_of_negative(-z.abs());
    let sum = T::ONE + e;
    e / (sum * sum)
}

/// `4 exp(-2 |z|)/(1 + exp(-2 |z|))^2`, as above.
#[inline]
pub(super) fn tanh_derivative<T: Real>(z: T) -> T {
    T::from_f64(4.0) * sigmoid_derivative(T::from_f64(2.0) * z)
}
