//! The subproblem in its normal form, and its function p at a point.

use super::{Curve, LANES, Lanes, clamp, select};
use crate::exponential::{exp_and_minus_one, tanh};
use crate::real::Real;

/// `p`, lane by lane: tanh, a pull to the right, and `kappa, |r|, u <= 1`.
pub(super) struct Problem<T> {
    pub(super) kappa: Lanes<T>,
    pub(super) c: Lanes<T>,
    pub(super) r: Lanes<T>,
    pub(super) u: Lanes<T>,
    /// -1 where c and t were mirrored, else 1.
    sign: Lanes<T>,
    /// c and t as they were given.
    given: (Lanes<T>, Lanes<T>),
}

/// `p(z)`, its first two derivatives, and `tanh z`.
pub(super) struct Point<T> {
    pub(super) p: T,
    pub(super) slope: T,
    pub(super) curvature: T,
    pub(super) s: T,
}

impl<T: Real> Problem<T> {
    pub(super) fn empty() -> Self {
        let zero = [T::ZERO; LANES];
        Self { kappa: zero, c: zero, r: zero, u: zero, sign: zero, given: (zero, zero) }
    }

    pub(super) fn new(curve: Curve, omega: T, c: &Lanes<T>, t: &Lanes<T>) -> Self {
        let (centre, half) = (T::from_f64(curve.centre), T::from_f64(curve.half));
        let per_unit = T::from_f64(1.0 / curve.unit);
        let weight = T::MAX.min(omega * T::from_f64(curve.unit * curve.unit / curve.half));
        let mut problem = Self { given: (*c, *t), ..Self::empty() };
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

    /// Lane `to` becomes lane `from` of another.
    pub(super) fn copy_lane(&mut self, to: usize, other: &Self, from: usize) {
        self.kappa[to] = other.kappa[from];
        self.c[to] = other.c[from];
        self.r[to] = other.r[from];
        self.u[to] = other.u[from];
        self.sign[to] = other.sign[from];
        self.given.0[to] = other.given.0[from];
        self.given.1[to] = other.given.1[from];
    }

    /// What lane i's p is at z.
    // A call would keep the loops around it from being vectorised.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, z: T) -> Point<T> {
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

    /// `first <- second` where that has the lower objective.
    pub(super) fn keep_better(&self, first: &mut Lanes<T>, second: &Lanes<T>) {
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
    pub(super) fn finish(&self, curve: Curve, z: &Lanes<T>) -> Lanes<T> {
        let mut result = *z;
        for i in 0..LANES {
            let (c, t) = (self.given.0[i], self.given.1[i]);
            let z = self.sign[i] * z[i] * T::from_f64(curve.unit);
            let z = select(t.abs() > T::MAX, t, z);
            let z = select(c.abs() > T::MAX, c, z);
            #[allow(clippy::eq_op)] // NaN alone differs from itself.
            let number = (c == c) & (t == t);
            result[i] = select(number, z, c + t);
        }
        result
    }
}
