//! Sigmoid and tanh.

use crate::real::Real;

#[inline]
pub(super) fn sigmoid<T: Real>(z: T) -> T {
    T::ONE / (T::ONE + (-z).exp())
}

#[inline]
pub(super) fn tanh<T: Real>(z: T) -> T {
    let two = T::from_f64(2.0);
    two * sigmoid(two * z) - T::ONE
}

#[inline]
pub(super) fn sigmoid_derivative<T: Real>(z: T) -> T {
    let value = sigmoid(z);
    value * (T::ONE - value)
}

#[inline]
pub(super) fn tanh_derivative<T: Real>(z: T) -> T {
    let value = tanh(z);
    T::ONE - value * value
}
