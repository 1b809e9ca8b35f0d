//! Exponential and logarithm without branches, so that loops over them vectorise.

use crate::real::Real;

/// `1/k!` from k = 1.
const SERIES: [f64; 13] = {
    let mut series = [1.0; 13];
    let mut k = 1;
    while k < series.len() {
        series[k] = series[k - 1] / (k + 1) as f64;
        k += 1;
    }
    series
};

/// `x = n ln 2 + r` with whole n and `|r| <= ln(2)/2`: n and `exp r - 1`. `x` is at most 0.
#[inline]
fn reduce<T: Real>(x: T) -> (T, T) {
    // In this order, since a comparison with NaN leaves the argument: NaN.
    let x = T::EXP_IS_ZERO.max(x);
    let n = (x * T::from_f64(core::f64::consts::LOG2_E)).round();
    let r = (x - n * T::LN_2_HIGH) - n * T::LN_2_LOW;
    let mut series = T::from_f64(SERIES[T::EXP_TERMS - 1]);
    for k in (1..T::EXP_TERMS - 1).rev() {
        series = series * r + T::from_f64(SERIES[k]);
    }
    (n, series * (r * r) + r)
}

/// `exp x` for x at most 0, relative error 1 unit in the last place, down to gradual underflow. NaN stays NaN.
#[inline]
pub(crate) fn exp_of_negative<T: Real>(x: T) -> T {
    let (n, less) = reduce(x);
    (T::ONE + less).scale(n)
}

/// `exp x - 1` for x at most 0, to a few units in the last place also near 0. NaN stays NaN.
#[inline]
pub(crate) fn exp_minus_one<T: Real>(x: T) -> T {
    exp_and_minus_one(x).1
}

/// [`exp_of_negative`] and [`exp_minus_one`] at once.
#[inline]
pub(crate) fn exp_and_minus_one<T: Real>(x: T) -> (T, T) {
    let (n, less) = reduce(x);
    let power = T::ONE.scale(n);
    (power * less + power, power * less + (power - T::ONE))
}

/// `tanh z = (1 - exp(-2 |z|))/(1 + exp(-2 |z|))` with the sign of z. NaN stays NaN.
#[inline]
pub(crate) fn tanh<T: Real>(z: T) -> T {
    let two = T::from_f64(2.0);
    let less = exp_minus_one(-(two * z.abs()));
    let value = less / (two + less);
    if z < T::ZERO { value } else { -value }
}

/// `ln x` of a positive number of full precision, error 1e-8: enough for a start.
#[inline]
pub(crate) fn rough_ln<T: Real>(x: T) -> T {
    let (exponent, mantissa) = x.split();
    let ratio = (mantissa - T::ONE) / (mantissa + T::ONE);
    let square = ratio * ratio;
    let term = |k: f64| T::from_f64(2.0 / k);
    let series = term(1.0) + square * (term(3.0) + square * (term(5.0) + square * term(7.0)));
    exponent * T::from_f64(core::f64::consts::LN_2) + ratio * series
}
