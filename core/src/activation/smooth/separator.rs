//! Where the two basins of the z-subproblem part: a generated table.

mod table;

use crate::exponential::rough_ln;
use crate::real::Real;
use table::SEPARATOR;

/// Intervals of the table.
const INTERVALS: usize = SEPARATOR.len() - 1;

/// The point at which `h(z) = (t - tanh z)/cosh^2 z` rises most, of those left of its peak; error below 1e-5.
///
/// `t` is `right/unit` and not below -1. In `s = tanh z` the slope of h is `(1 - s^2)(3 s^2 - 2 t s - 1)`, and s is the
/// least root of its derivative, `6 s^3 - 3 t s^2 - 4 s + t = 0`. With `a = (1 + t)/(3 + t)`, from 0 to 1, the table holds
/// `exp(2 z)/a`, which varies between 0.25 and 0.32, and between its points the line.
#[inline]
pub(super) fn separator<T: Real>(right: T, unit: T) -> T {
    let a = (right + unit) / (right + T::from_f64(3.0) * unit);
    let place = a * T::from_usize(INTERVALS);
    let index = (place - T::from_f64(0.5)).round().index().min(INTERVALS - 1);
    let (low, high) = (T::from_f64(SEPARATOR[index].into()), T::from_f64(SEPARATOR[index + 1].into()));
    let ratio = low + (place - T::from_usize(index)) * (high - low);
    T::from_f64(0.5) * rough_ln(T::SMALLEST.max(a * ratio))
}
