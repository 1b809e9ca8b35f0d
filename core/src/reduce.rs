//! Sums, dot products and maxima in a fixed order.
//!
//! **The order.** A slice is cut into blocks of [`BLOCK`] elements from its start. Within a block, element `i` is added
//! to lane `i mod` [`LANES`] in the slice's own type, so that the lanes fill vector registers and do not wait for one
//! another; the lanes are then added in pairs (`k` and `k + 8`, then `k + 4`, `k + 2`, `k + 1`). Blocks are added one
//! after the other in double precision. The order depends on the length alone: the same bits on every call, on every
//! machine and for every number of threads.
//!
//! **The error.** An element passes through at most `BLOCK / LANES + 4 = 20` roundings of its own type, whatever the
//! length, so a sum of `n` elements is off by at most about `20 EPSILON sum |x_i|` (the sum in double precision adds
//! `n / 256` roundings of its own).

use crate::real::Real;

/// Elements that are summed in their own type before double precision takes over.
pub const BLOCK: usize = 256;

/// Independent partial sums within a block: four SSE registers of `f32`, eight of `f64`.
pub const LANES: usize = 16;

/// Adds (or maximises) the lanes in pairs.
#[inline]
fn join<T: Real>(mut lanes: [T; LANES], combine: impl Fn(T, T) -> T) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for k in 0..half {
            lanes[k] = combine(lanes[k], lanes[k + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// The last elements of a block, filled up with a value whose term is 0.
#[inline]
fn padded<T: Real>(rest: &[T], neutral: T) -> [T; LANES] {
    let mut group = [neutral; LANES];
    group[..rest.len()].copy_from_slice(rest);
    group
}

#[inline]
fn accumulate<T: Real>(lanes: &mut [T; LANES], group: &[T; LANES], term: impl Fn(T) -> T) {
    for (lane, &x) in lanes.iter_mut().zip(group) {
        *lane += term(x);
    }
}

#[inline]
fn maximise<T: Real>(lanes: &mut [T; LANES], group: &[T; LANES]) {
    for (lane, &x) in lanes.iter_mut().zip(group) {
        *lane = x.abs().max(*lane);
    }
}

#[inline]
fn accumulate_pairs<T: Real>(
    lanes: &mut [T; LANES],
    a: &[T; LANES],
    b: &[T; LANES],
    term: impl Fn(T, T) -> T,
) {
    for ((lane, &x), &y) in lanes.iter_mut().zip(a).zip(b) {
        *lane += term(x, y);
    }
}

/// Of terms that are 0 for 0.
#[inline]
fn sum_terms<T: Real>(values: &[T], term: impl Fn(T) -> T + Copy) -> f64 {
    sum_terms_beside(T::ZERO, values, term)
}

/// Of terms that are 0 for `neutral`.
#[inline]
fn sum_terms_beside<T: Real>(neutral: T, values: &[T], term: impl Fn(T) -> T + Copy) -> f64 {
    let mut total = 0.0;
    for block in values.chunks(BLOCK) {
        let mut lanes = [T::ZERO; LANES];
        let (groups, rest) = block.as_chunks();
        for group in groups {
            accumulate(&mut lanes, group, term);
        }
        if !rest.is_empty() {
            accumulate(&mut lanes, &padded(rest, neutral), term);
        }
        total += join(lanes, |x, y| x + y).to_f64();
    }
    total
}

#[inline]
fn sum_pair_terms<T: Real>(a: &[T], b: &[T], term: impl Fn(T, T) -> T + Copy) -> f64 {
    assert_eq!(a.len(), b.len(), "two slices of one length");
    let mut total = 0.0;
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let mut lanes = [T::ZERO; LANES];
        let ((a_groups, a_rest), (b_groups, b_rest)) = (a.as_chunks(), b.as_chunks());
        for (a, b) in a_groups.iter().zip(b_groups) {
            accumulate_pairs(&mut lanes, a, b, term);
        }
        if !a_rest.is_empty() {
            accumulate_pairs(&mut lanes, &padded(a_rest, T::ZERO), &padded(b_rest, T::ZERO), term);
        }
        total += join(lanes, |x, y| x + y).to_f64();
    }
    total
}

/// `sum x_i`, in the order that the module describes; 0 for an empty slice.
pub fn sum<T: Real>(x: &[T]) -> f64 {
    sum_terms(x, |x| x)
}

/// `sum |x_i|`, in the order that the module describes.
pub fn sum_abs<T: Real>(x: &[T]) -> f64 {
    sum_terms(x, |x| x.abs())
}

/// `sum x_i^2`, in the order that the module describes.
///
/// Squares are formed in the slice's own type: in `f32`, elements above about 1e19 overflow and those below about 1e-23
/// vanish.
pub fn sum_squares<T: Real>(x: &[T]) -> f64 {
    sum_terms(x, |x| x * x)
}

/// `sum a_i b_i`, in the order that the module describes; products are formed in the slices' own type.
///
/// # Panics
/// If the lengths differ.
pub fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    sum_pair_terms(a, b, |a, b| a * b)
}

/// `sum (x_i - mean)^2`, in the order that the module describes; deviations are formed in the slice's own type.
pub fn sum_squared_deviations<T: Real>(x: &[T], mean: T) -> f64 {
    sum_terms_beside(mean, x, |x| (x - mean) * (x - mean))
}

/// `sum a_i (x_i - mean)`, in the order that the module describes; deviations are formed in the slice's own type.
///
/// # Panics
/// If the lengths differ.
pub fn dot_deviations<T: Real>(a: &[T], x: &[T], mean: T) -> f64 {
    sum_pair_terms(a, x, |a, x| a * (x - mean))
}

/// `sum (a_i - b_i)^2`, in the order that the module describes: the square of a distance without a buffer for the
/// difference.
///
/// # Panics
/// If the lengths differ.
pub fn sum_squared_differences<T: Real>(a: &[T], b: &[T]) -> f64 {
    sum_pair_terms(a, b, |a, b| (a - b) * (a - b))
}

/// `max |x_i|`; 0 for an empty slice, NaN if any element is NaN, else infinite if any is infinite.
pub fn max_abs<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    // A maximum forgets NaN, a sum does not: 0 x is 0 for every finite x.
    let mut taint = [T::ZERO; LANES];
    let (groups, rest) = x.as_chunks();
    for group in groups {
        maximise(&mut lanes, group);
        accumulate(&mut taint, group, |x| x * T::ZERO);
    }
    maximise(&mut lanes, &padded(rest, T::ZERO));
    accumulate(&mut taint, &padded(rest, T::ZERO), |x| x * T::ZERO);
    let tainted = join(taint, |x, y| x + y);
    let nan = tainted != T::ZERO && x.iter().any(|&x| x.partial_cmp(&x).is_none());
    if nan { tainted } else { join(lanes, T::max) }
}
