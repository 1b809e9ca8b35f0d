//! The z-subproblem of sigmoid and tanh: `min_z omega (z - c)^2 + (t - f(z))^2`, globally, for every omega above 0.
//!
//! Both are `f(z) = centre + half tanh(z/unit)`, so everything is done for tanh. Mirrored where `f(c) > t`, so that the
//! data pull to the right, and divided by the larger of `|t|` and 1, a minimiser solves
//!
//! `p(z) = kappa (z - c) - h(z) = 0`, `h(z) = (r - u tanh z)/cosh^2 z`, `|r| <= 1`, `0 < u <= 1`,
//!
//! and lies between c and `tanh z = t`. There h rises to its one peak, first convex and then concave, and falls. The
//! point z_m where it rises most depends on t alone, neither on c nor on omega: the [`separator`]'s table. Left of z_m
//! p is concave, right of it p has its other convex stretch, so that there is at most one minimiser on each side:
//! - the left one is reached from c;
//! - the right one from where the asymptotic form of p says.
//!
//! The sign of `p(z_m)` says on which side there is a minimiser for certain. Where `p'(z_m) < 0` there may be one on
//! the other side too; then the two are compared by the difference of their objectives, which does not cancel.
//!
//! Each is found by Halley's iteration (Newton's with the second derivative, which costs nothing here) inside a
//! bracket, which shrinks by the sign of p; a step that leaves it becomes a halving. Everything works on a fixed number of
//! lanes without branches; what has converged has a bracket of one point and stays.

use super::exponential::{exp_and_minus_one, rough_ln};
use super::separator::separator;
use super::tanh;
use crate::real::Real;

/// Elements that are solved together.
const LANES: usize = 16;
type Lanes<T> = [T; LANES];

/// Halley's steps after which the iteration ends in any case. Seven are enough but where both minimisers and the maximum
/// between them meet: there a step halves the error, whose fourth power is that of the objective.
const MOST_STEPS: usize = 24;

/// `f(z) = centre + half tanh(z/unit)`.
#[derive(Clone, Copy)]
pub(in super::super) struct Curve {
    centre: f64,
    half: f64,
    unit: f64,
}

impl Curve {
    pub(in super::super) const TANH: Self = Self { centre: 0.0, half: 1.0, unit: 1.0 };
    pub(in super::super) const SIGMOID: Self = Self { centre: 0.5, half: 0.5, unit: 2.0 };
}

/// The minimisers of `omega (z - c)^2 + (t - f(z))^2`; the slices are of one length.
pub(in super::super) fn minimise<T: Real>(curve: Curve, omega: T, c: &[T], t: &[T], z: &mut [T]) {
    for ((c, t), z) in c.chunks(LANES).zip(t.chunks(LANES)).zip(z.chunks_mut(LANES)) {
        let (mut some_c, mut some_t) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        some_c[..c.len()].copy_from_slice(c);
        some_t[..t.len()].copy_from_slice(t);
        z.copy_from_slice(&solve(curve, omega, &some_c, &some_t)[..z.len()]);
    }
}

/// The minimiser of one element, to the same bits.
pub(in super::super) fn minimise_scalar<T: Real>(curve: Curve, omega: T, c: T, t: T) -> T {
    let mut z = [T::ZERO];
    minimise(curve, omega, &[c], &[t], &mut z);
    z[0]
}

fn solve<T: Real>(curve: Curve, omega: T, c: &Lanes<T>, t: &Lanes<T>) -> Lanes<T> {
    let problem = Problem::new(curve, omega, c, t);
    let bounds = problem.bounds();
    let (side, other) = problem.sides(&bounds);
    let mut first = problem.candidates(&bounds, &side, &problem.c);
    problem.improve(&mut first);
    if other.iter().any(|&side| side != T::ZERO) {
        let mut second = problem.candidates(&bounds, &other, &first.z);
        problem.improve(&mut second);
        problem.keep_better(&mut first.z, &second.z);
    }
    problem.finish(curve, &first.z, c, t)
}

/// `p`, lane by lane: tanh, a pull to the right, and `kappa, |r|, u <= 1`.
struct Problem<T> {
    kappa: Lanes<T>,
    c: Lanes<T>,
    r: Lanes<T>,
    u: Lanes<T>,
    /// -1 where c and t were mirrored, else 1.
    sign: Lanes<T>,
}

/// `p(z)`, its first two derivatives, and `tanh z`.
struct Point<T> {
    p: T,
    slope: T,
    curvature: T,
    s: T,
}

/// The separator, and what is right of it: a start and a bracket.
struct Bounds<T> {
    separator: Lanes<T>,
    low: Lanes<T>,
    start: Lanes<T>,
    high: Lanes<T>,
}

/// Approximate minimisers in their brackets, on one side of the separator: 1 is right of it, -1 left, and 0 is none,
/// with a bracket of one point.
struct Candidates<T> {
    z: Lanes<T>,
    low: Lanes<T>,
    high: Lanes<T>,
    side: Lanes<T>,
}

impl<T: Real> Problem<T> {
    fn new(curve: Curve, omega: T, c: &Lanes<T>, t: &Lanes<T>) -> Self {
        let (centre, half) = (T::from_f64(curve.centre), T::from_f64(curve.half));
        let per_unit = T::from_f64(1.0 / curve.unit);
        let weight = T::MAX.min(omega * T::from_f64(curve.unit * curve.unit / curve.half));
        let zero = [T::ZERO; LANES];
        let mut problem = Self { kappa: zero, c: zero, r: zero, u: zero, sign: zero };
        for i in 0..LANES {
            let c = clamp(c[i], -T::MAX, T::MAX) * per_unit;
            let distance = clamp(t[i], -T::MAX, T::MAX) - centre;
            let scale = T::ONE / distance.abs().max(half.max(weight));
            let (r, u) = (distance * scale, half * scale);
            let sign = if r - u * tanh(c) < T::ZERO { -T::ONE } else { T::ONE };
            problem.kappa[i] = weight * scale;
            problem.c[i] = sign * c;
            problem.r[i] = sign * r;
            problem.u[i] = u;
            problem.sign[i] = sign;
        }
        problem
    }

    #[inline]
    fn at(&self, i: usize, z: T) -> Point<T> {
        let (two, four) = (T::from_f64(2.0), T::from_f64(4.0));
        let (kappa, c, r, u) = (self.kappa[i], self.c[i], self.r[i], self.u[i]);
        let (e, less) = exp_and_minus_one(-(two * z.abs()));
        let share = T::ONE / (T::ONE + e);
        // 1 - |s| where s is saturated, |s| where it is not: no difference of equals in either.
        let short = two * e * share;
        let sign = if z < T::ZERO { -T::ONE } else { T::ONE };
        let s = -(sign * less * share);
        let gap = if short < T::from_f64(0.5) { (r - sign * u) + sign * u * short } else { r - u * s };
        let m = four * e * share * share;
        let h = gap * m;
        let rise = -(u * m * m) - two * s * h;
        let bend = four * u * s * m * m - two * m * h - two * s * rise;
        Point { p: kappa * (z - c) - h, slope: kappa - rise, curvature: -bend, s }
    }

    /// Right of zero and of `z = c`, with `w = exp(-2 z)`: h is close to `4 w (r - u + 2 u w)` and `z - c` varies
    /// little, so that p = 0 is a quadratic equation in w. A better `z - c` then gives a better w.
    fn bounds(&self) -> Bounds<T> {
        let (half, two, four) = (T::from_f64(0.5), T::from_f64(2.0), T::from_f64(4.0));
        let zero = [T::ZERO; LANES];
        let mut bounds = Bounds { separator: zero, low: zero, start: zero, high: zero };
        for i in 0..LANES {
            bounds.separator[i] = separator(self.r[i], self.u[i]);
        }
        for i in 0..LANES {
            let (kappa, c, r, u) = (self.kappa[i], self.c[i], self.r[i], self.u[i]);
            let low = c.max(bounds.separator[i]);
            // The point of tanh z = t, and a little more than the error of the logarithm.
            let end = half * rough_ln(T::SMALLEST.max((u + r) / T::SMALLEST.max(u - r)));
            let end = end + (T::ONE + end.abs()) * T::from_f64(1e-6);
            let high = if r < u { low.max(end) } else { T::MAX };
            let mut start = (T::ONE - c).max(T::ONE) + c;
            for _ in 0..2 {
                let b = T::from_f64(1e18).min(kappa * (start - c).max(T::from_f64(0.25)));
                let excess = r - u;
                let root = (excess * excess + two * b * u).sqrt();
                let w = if excess > T::ZERO { half * b / (excess + root) } else { (root - excess) / (four * u) };
                start = -half * rough_ln(T::SMALLEST.max(w));
            }
            bounds.low[i] = low;
            bounds.high[i] = high;
            bounds.start[i] = clamp(start, low, high);
        }
        bounds
    }

    /// The side of the separator where there is a minimiser for certain, and the other side where there may be one.
    fn sides(&self, bounds: &Bounds<T>) -> (Lanes<T>, Lanes<T>) {
        let (mut side, mut other) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for i in 0..LANES {
            let separator = bounds.separator[i];
            let Point { p, slope, .. } = self.at(i, separator);
            let before = self.c[i] < separator;
            side[i] = if before && p >= T::ZERO { -T::ONE } else { T::ONE };
            other[i] = if before && slope < T::ZERO { -side[i] } else { T::ZERO };
        }
        (side, other)
    }

    /// Where the iteration begins on `side`, or `z` where there is no side.
    fn candidates(&self, bounds: &Bounds<T>, side: &Lanes<T>, z: &Lanes<T>) -> Candidates<T> {
        let mut found = Candidates { z: *z, low: *z, high: *z, side: *side };
        for i in 0..LANES {
            let (right, left) = (side[i] > T::ZERO, side[i] < T::ZERO);
            let pick = |on_right: T, on_left: T| {
                if right {
                    on_right
                } else if left {
                    on_left
                } else {
                    z[i]
                }
            };
            found.z[i] = pick(bounds.start[i], self.c[i]);
            found.low[i] = pick(bounds.low[i], self.c[i]);
            found.high[i] = pick(bounds.high[i], bounds.separator[i]);
        }
        found
    }

    /// Halley's iteration in the brackets.
    fn improve(&self, found: &mut Candidates<T>) {
        let (half, two) = (T::from_f64(0.5), T::from_f64(2.0));
        let enough = two * T::EPSILON.sqrt();
        for _ in 0..MOST_STEPS {
            for i in 0..LANES {
                let z = found.z[i];
                let Point { p, slope, curvature, .. } = self.at(i, z);
                let low = if p < T::ZERO { z } else { found.low[i] };
                let high = if p < T::ZERO { found.high[i] } else { z };
                let next = z - two * p * slope / (two * slope * slope - p * curvature);
                let inside = next >= low && next <= high;
                let next = if inside { next } else { (low + half * (high - low)).min(low + T::ONE) };
                // A side without a minimiser: p has passed its extreme there and has not changed its sign.
                let none = p * found.side[i] > T::ZERO && slope <= T::ZERO;
                let next = if none { z } else { next };
                let done = none || (next - z).abs() <= enough * (next.abs() + T::ONE.min(self.c[i].abs()));
                found.z[i] = next;
                found.low[i] = if done { next } else { low };
                found.high[i] = if done { next } else { high };
            }
            if found.low.iter().zip(&found.high).all(|(low, high)| low == high) {
                break;
            }
        }
    }

    /// `first <- second` where that has the lower objective.
    fn keep_better(&self, first: &mut Lanes<T>, second: &Lanes<T>) {
        let two = T::from_f64(2.0);
        for i in 0..LANES {
            let (a, b, c) = (first[i], second[i], self.c[i]);
            let (s_a, s_b) = (self.at(i, a).s, self.at(i, b).s);
            let pull = self.kappa[i] * (a - b) * ((a - c) + (b - c));
            let more = pull - (s_a - s_b) * (two * self.r[i] - self.u[i] * (s_a + s_b));
            first[i] = if more > T::ZERO { b } else { a };
        }
    }

    /// Back to the activation, and what no iteration finds: infinities and NaN.
    fn finish(&self, curve: Curve, z: &Lanes<T>, c: &Lanes<T>, t: &Lanes<T>) -> Lanes<T> {
        let mut result = *z;
        for i in 0..LANES {
            let (c, t) = (c[i], t[i]);
            let z = self.sign[i] * z[i] * T::from_f64(curve.unit);
            let z = if t.abs() > T::MAX { t } else { z };
            let z = if c.abs() > T::MAX { c } else { z };
            #[allow(clippy::eq_op)] // NaN alone differs from itself.
            let number = c == c && t == t;
            result[i] = if number { z } else { c + t };
        }
        result
    }
}

/// `x` within `low .. high`; NaN stays NaN.
#[inline]
fn clamp<T: Real>(x: T, low: T, high: T) -> T {
    low.max(high.min(x))
}
