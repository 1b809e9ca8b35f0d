//! What members share about the values of z that an activation maps near to `a`.

use crate::real::Real;

/// `x` held between two bounds; NaN stays NaN.
#[inline]
pub(crate) fn between<T: Real>(low: T, x: T, high: T) -> T {
    high.min(low.max(x))
}

/// `z` becomes the point nearest to `c` of an interval, widened to contain z.
#[inline]
pub(super) fn clip<T: Real>(a: &[T], c: &[T], z: &mut [T], preimage: impl Fn(T) -> (T, T)) {
    for ((z, &a), &c) in z.iter_mut().zip(a).zip(c) {
        let (low, high) = preimage(a);
        *z = between(low.min(*z), c, high.max(*z));
    }
}

/// The same with the image of `c`, which tells whether `c` is in the interval, and otherwise which of the two ends is
/// wanted: a logarithm for few elements instead of two for all.
#[inline]
pub(super) fn clip_by_image<T: Real>(
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

/// The preimage under ReLU.
#[inline]
pub(super) fn of_relu<T: Real>(epsilon: T, a: T) -> (T, T) {
    let low = a - epsilon;
    let open = low <= rounding(epsilon, a);
    (if open { T::NEG_INFINITY } else { low }, T::ZERO.max(a + epsilon))
}

/// What rounding may have added to `a - epsilon` or `a + epsilon`.
#[inline]
fn rounding<T: Real>(epsilon: T, a: T) -> T {
    T::from_f64(4.0) * T::EPSILON * (a.abs() + epsilon)
}

/// The inverse of `a - epsilon`, infinite at `least`, the end of the range.
#[inline]
pub(super) fn lower<T: Real>(least: T, epsilon: T, a: T, inverse: impl Fn(T) -> T) -> T {
    let value = a - epsilon;
    if value - least <= rounding(epsilon, a) { T::NEG_INFINITY } else { inverse(value) }
}

/// The inverse of `a + epsilon`, infinite at `greatest`.
#[inline]
pub(super) fn upper<T: Real>(greatest: T, epsilon: T, a: T, inverse: impl Fn(T) -> T) -> T {
    let value = a + epsilon;
    if greatest - value <= rounding(epsilon, a) { -T::NEG_INFINITY } else { inverse(value) }
}
