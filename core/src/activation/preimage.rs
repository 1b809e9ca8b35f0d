//! The values of z that an activation maps near to `a`: DLAM's interval `[B1, B2] = { z : |h(z) - a| <= epsilon }`.

use super::Activation;
use crate::error::Result;
use crate::real::Real;
use crate::view::require_length;

impl<T: Real> Activation<T> {
    /// `(B1, B2)`, the ends of `{ z : |f(z) - a| <= epsilon }` (DLAM, the bounds of equation 4); `epsilon` is above 0.
    ///
    /// - ReLU: `B2 = a + epsilon`; `B1 = a - epsilon` if that is above 0, else minus infinity, and so for leaky ReLU of
    ///   slope 0;
    /// - leaky ReLU: the inverses of `a - epsilon` and `a + epsilon`;
    /// - sigmoid, tanh: the inverses, to a few roundings; a bound below their range is minus infinity, one above infinity.
    ///
    /// A lower bound that is above the least value of f by no more than rounding, `4 EPSILON (|a| + epsilon)`, is minus
    /// infinity, and so is an upper one at the greatest: where `a = f(z) + epsilon` and f(z) is the least value, it is
    /// chance on which side `a - epsilon` falls.
    ///
    /// Where no z is in the set, because `a` is further than epsilon from the range of f, the interval is what lies
    /// nearest to it: `(-inf, 0]` for ReLU, an infinite point for sigmoid and tanh. NaN gives NaN.
    pub fn preimage(&self, a: T, epsilon: T) -> (T, T) {
        match *self {
            Self::Relu => relu(epsilon, a),
            Self::LeakyRelu { slope } if slope == T::ZERO => relu(epsilon, a),
            Self::LeakyRelu { slope } => leaky(slope, epsilon, a),
            Self::Sigmoid => (lower(T::ZERO, epsilon, a, logit), upper(T::ONE, epsilon, a, logit)),
            Self::Tanh => (lower(-T::ONE, epsilon, a, inverse_tanh), upper(T::ONE, epsilon, a, inverse_tanh)),
        }
    }

    /// `z_i` becomes the point nearest to `c_i` of the [`preimage`](Self::preimage) of `a_i`, widened to contain the
    /// present `z_i`: rounding must not throw it out. Entry by entry `|z - c|` does not rise, and `|f(z) - a|` stays
    /// below epsilon, or below what it was, but for rounding.
    ///
    /// `scratch` is as long as the others; its content does not matter.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `a`, `c` or `scratch` if it is not as long as `z`.
    pub fn clip_to_preimage(&self, epsilon: T, a: &[T], c: &[T], z: &mut [T], scratch: &mut [T]) -> Result {
        require_length("a", a.len(), z.len())?;
        require_length("c", c.len(), z.len())?;
        require_length("scratch", scratch.len(), z.len())?;
        match *self {
            Self::Relu => clip(a, c, z, |a| relu(epsilon, a)),
            Self::LeakyRelu { slope } if slope == T::ZERO => clip(a, c, z, |a| relu(epsilon, a)),
            Self::LeakyRelu { slope } => clip(a, c, z, |a| leaky(slope, epsilon, a)),
            Self::Sigmoid => {
                self.apply(c, scratch)?;
                let ends = (|a| lower(T::ZERO, epsilon, a, logit), |a| upper(T::ONE, epsilon, a, logit));
                clip_by_image(epsilon, a, c, scratch, z, ends);
            }
            Self::Tanh => {
                self.apply(c, scratch)?;
                let low = |a| lower(-T::ONE, epsilon, a, inverse_tanh);
                let high = |a| upper(T::ONE, epsilon, a, inverse_tanh);
                clip_by_image(epsilon, a, c, scratch, z, (low, high));
            }
        }
        Ok(())
    }
}

/// `x` held between two bounds; NaN stays NaN.
#[inline]
pub(crate) fn between<T: Real>(low: T, x: T, high: T) -> T {
    high.min(low.max(x))
}

#[inline]
fn clip<T: Real>(a: &[T], c: &[T], z: &mut [T], preimage: impl Fn(T) -> (T, T)) {
    for ((z, &a), &c) in z.iter_mut().zip(a).zip(c) {
        let (low, high) = preimage(a);
        *z = between(low.min(*z), c, high.max(*z));
    }
}

/// The image of `c` tells whether `c` is in the set, and otherwise which of the two ends is wanted: a logarithm for
/// few elements instead of two for all.
#[inline]
fn clip_by_image<T: Real>(
    epsilon: T,
    a: &[T],
    c: &[T],
    image: &[T],
    z: &mut [T],
    (low, high): (impl Fn(T) -> T, impl Fn(T) -> T),
) {
    for (((z, &a), &c), &image) in z.iter_mut().zip(a).zip(c).zip(image) {
        *z = if image > a + epsilon {
            high(a).max(*z).min(c)
        } else if image < a - epsilon {
            low(a).min(*z).max(c)
        } else {
            c
        };
    }
}

/// What rounding may have added to `a - epsilon` or `a + epsilon`.
#[inline]
fn rounding<T: Real>(epsilon: T, a: T) -> T {
    T::from_f64(4.0) * T::EPSILON * (a.abs() + epsilon)
}

#[inline]
fn relu<T: Real>(epsilon: T, a: T) -> (T, T) {
    let low = a - epsilon;
    let open = low <= rounding(epsilon, a);
    (if open { T::NEG_INFINITY } else { low }, T::ZERO.max(a + epsilon))
}

#[inline]
fn leaky<T: Real>(slope: T, epsilon: T, a: T) -> (T, T) {
    (inverse_leaky(slope, a - epsilon), inverse_leaky(slope, a + epsilon))
}

/// A slope so small that the quotient overflows gives an infinite bound.
#[inline]
fn inverse_leaky<T: Real>(slope: T, value: T) -> T {
    let left = value / slope;
    if value > T::ZERO { value } else { left }
}

/// The inverse of `a - epsilon`, infinite at `least`, the end of the range.
#[inline]
fn lower<T: Real>(least: T, epsilon: T, a: T, inverse: impl Fn(T) -> T) -> T {
    let value = a - epsilon;
    if value - least <= rounding(epsilon, a) { T::NEG_INFINITY } else { inverse(value) }
}

/// The inverse of `a + epsilon`, infinite at `greatest`.
#[inline]
fn upper<T: Real>(greatest: T, epsilon: T, a: T, inverse: impl Fn(T) -> T) -> T {
    let value = a + epsilon;
    if greatest - value <= rounding(epsilon, a) { -T::NEG_INFINITY } else { inverse(value) }
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

/// `ln((1 + value)/(1 - value))/2`.
fn inverse_tanh<T: Real>(value: T) -> T {
    let (half, two) = (T::from_f64(0.5), T::from_f64(2.0));
    if value <= -T::ONE {
        T::NEG_INFINITY
    } else if value >= T::ONE {
        -T::NEG_INFINITY
    } else {
        let size = value.abs();
        let inverse = half * (two * size / (T::ONE - size)).ln_1p();
        if value < T::ZERO { -inverse } else { inverse }
    }
}
