//! Where the minimisers of either basin lie, and the iteration that finds them.

use super::problem::{Point, Problem};
use super::separator::separator;
use super::{LANES, Lanes, clamp, select};
use crate::exponential::rough_ln;
use crate::real::Real;

/// Steps after which the iteration ends in any case. Less than ten are enough but where both minimisers and the maximum
/// between them meet: there a step halves the error, and the objective's error is its fourth power.
const MOST_STEPS: usize = 24;

/// The separator, and where the search right of it starts.
pub(super) struct Bounds<T> {
    separator: Lanes<T>,
    start: Lanes<T>,
}

/// Approximate minimisers in their brackets, on one side of the separator: 1 is right of it and -1 left. 0 is none,
/// with a bracket of one point.
pub(super) struct Candidates<T> {
    pub(super) z: Lanes<T>,
    low: Lanes<T>,
    high: Lanes<T>,
    side: Lanes<T>,
}

impl<T: Real> Candidates<T> {
    pub(super) fn empty() -> Self {
        let zero = [T::ZERO; LANES];
        Self { z: zero, low: zero, high: zero, side: zero }
    }

    /// Lane `to` becomes lane `from` of another.
    pub(super) fn copy_lane(&mut self, to: usize, other: &Self, from: usize) {
        self.z[to] = other.z[from];
        self.low[to] = other.low[from];
        self.high[to] = other.high[from];
        self.side[to] = other.side[from];
    }

    /// Puts a bracket of one point around all lanes from `used` on.
    pub(super) fn close(&mut self, used: usize) {
        self.low[used..].copy_from_slice(&self.z[used..]);
        self.high[used..].copy_from_slice(&self.z[used..]);
    }
}

impl<T: Real> Problem<T> {
    /// The start on the right: with `w = exp(-2 z)`, h is close to `4 w (r - u + 2 u w)` where f is saturated, and
    /// `z - c`, which matters less, is taken at z = 1. Then p = 0 is a quadratic equation in w. The minimiser is not
    /// right of `tanh z = t`, where `w = (u - r)/(u + r)`.
    pub(super) fn bounds(&self) -> Bounds<T> {
        let (half, two, four) = (T::from_f64(0.5), T::from_f64(2.0), T::from_f64(4.0));
        let much = T::from_f64(1e18);
        let Self { kappa, c, r, u, .. } = self;
        let mut bounds = Bounds { separator: [T::ZERO; LANES], start: [T::ZERO; LANES] };
        let (mut b, mut root) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for i in 0..LANES {
            bounds.separator[i] = separator(r[i], u[i]);
            let excess = r[i] - u[i];
            b[i] = much.min(kappa[i] * (T::ONE - c[i]).max(T::ONE));
            root[i] = excess * excess + two * b[i] * u[i];
        }
        for root in &mut root {
            *root = root.sqrt();
        }
        for i in 0..LANES {
            let excess = r[i] - u[i];
            let (beyond, inside) = (half * b[i] / (excess + root[i]), (root[i] - excess) / (four * u[i]));
            let w = select(excess > T::ZERO, beyond, inside).max(much.min(-excess / (u[i] + r[i])));
            bounds.start[i] = c[i].max(bounds.separator[i]).max(-half * rough_ln(T::SMALLEST.max(w)));
        }
        bounds
    }

    /// The side of the separator where there is a minimiser for certain, and the other side where there may be one.
    pub(super) fn sides(&self, bounds: &Bounds<T>) -> (Lanes<T>, Lanes<T>) {
        let (mut side, mut other) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for (i, &separator) in bounds.separator.iter().enumerate() {
            let Point { p, slope, .. } = self.at(i, separator);
            let before = self.c[i] < separator;
            side[i] = select(before, select(p < T::ZERO, T::ONE, -T::ONE), T::ONE);
            other[i] = select(before, select(slope < T::ZERO, -side[i], T::ZERO), T::ZERO);
        }
        (side, other)
    }

    /// Where the iteration begins on `side`.
    pub(super) fn candidates(&self, bounds: &Bounds<T>, side: &Lanes<T>) -> Candidates<T> {
        // For steps that end a little beyond a minimiser close to the separator.
        let margin = T::from_f64(1.0 / 32.0);
        let mut found = Candidates { side: *side, ..Candidates::empty() };
        for (i, &side) in side.iter().enumerate() {
            let right = side > T::ZERO;
            found.z[i] = select(right, bounds.start[i], self.c[i]);
            found.low[i] = select(right, self.c[i].max(bounds.separator[i] - margin), self.c[i]);
            found.high[i] = select(right, T::MAX, bounds.separator[i] + margin);
        }
        found
    }

    /// Halley's iteration in the brackets.
    pub(super) fn improve(&self, found: &mut Candidates<T>) {
        let (half, two) = (T::from_f64(0.5), T::from_f64(2.0));
        let enough = T::from_f64(8.0) * T::EPSILON.sqrt();
        let Candidates { z: points, low: lows, high: highs, side: sides } = found;
        for _ in 0..MOST_STEPS {
            for (i, z) in points.iter_mut().enumerate() {
                let Point { p, slope, curvature, .. } = self.at(i, *z);
                let below = p < T::ZERO;
                let low = select(below, *z, lows[i]);
                let high = select(below, highs[i], *z);
                let step = two * p * slope / (two * slope * slope - p * curvature);
                let halved = (low + half * (high - low)).min(low + T::ONE);
                let wanted = *z - step;
                let next = select(wanted >= low, wanted, halved);
                let next = select(wanted <= high, next, halved);
                // A small step ends the iteration, not a small halving: that says nothing of the distance left.
                let near = step.abs() <= enough * (wanted.abs() + T::ONE.min(self.c[i].abs()));
                let next = select(near, clamp(wanted, low, high), next);
                // A side without a minimiser: p has passed its extreme there and has not changed its sign.
                let extreme = select(slope <= T::ZERO, p * sides[i], T::ZERO);
                // Where p is nothing but rounding, its step would lead anywhere.
                let rounding = T::EPSILON * self.kappa[i] * (z.abs() + self.c[i].abs());
                let stay = select(p.abs() <= rounding, T::ONE, extreme);
                let next = select(stay > T::ZERO, *z, next);
                let done = select(stay > T::ZERO, T::ONE, select(near, T::ONE, T::ZERO)) > T::ZERO;
                *z = next;
                lows[i] = select(done, next, low);
                highs[i] = select(done, next, high);
            }
            if lows == highs {
                break;
            }
        }
    }
}
