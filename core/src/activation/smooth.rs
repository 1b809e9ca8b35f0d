//! The z-subproblem of sigmoid and tanh: `min_z omega (z - c)^2 + (t - f(z))^2`, globally, for every omega above 0.
//!
//! Both are `f(z) = centre + half tanh(z/unit)`, so everything is done for tanh. Mirrored where `f(c) > t`, so that the
//! data pull to the right, and divided by the largest of omega, `|t|` and 1, a minimiser solves
//!
//! `p(z) = kappa (z - c) - h(z) = 0`, `h(z) = (r - u tanh z)/cosh^2 z`, with `kappa`, `|r|` and `u` at most 1,
//!
//! and lies between c and the point of `tanh z = t`. In between, h rises to its one peak, first convex and then concave,
//! and falls. Where it rises most, the separator, depends on t alone, neither on c nor on omega: that is the table.
//! p is concave left of it, and right of it convex up to a point from where on p rises: at most one minimiser on each
//! side.
//! - The left one is reached from c.
//! - The right one is reached from where the asymptotic form of p has its zero.
//!
//! The sign of p at the separator says on which side there is a minimiser for certain. Where p falls there, there may be
//! one on the other side too; then the two are compared by the difference of their objectives, in a form that does not
//! cancel. The elements that have two are collected, so that they fill lanes of their own.
//!
//! Each minimiser is found by Halley's iteration (Newton's with the second derivative, which costs next to nothing here)
//! inside a bracket, which shrinks by the sign of p; a step that leaves it becomes a halving. All loops are over a fixed
//! number of lanes, without branches; what has converged has a bracket of one point and stays, so that no element's result
//! depends on its neighbours.

mod problem;
mod search;
mod separator;

use crate::real::Real;
use problem::Problem;
use search::Candidates;

/// Elements that are solved together.
const LANES: usize = 16;
type Lanes<T> = [T; LANES];

/// `f(z) = centre + half tanh(z/unit)`.
#[derive(Clone, Copy)]
pub(super) struct Curve {
    pub(super) centre: f64,
    pub(super) half: f64,
    pub(super) unit: f64,
}

/// The minimisers of `omega (z - c)^2 + (t - f(z))^2`; the slices are of one length.
pub(super) fn minimise<T: Real>(curve: Curve, omega: T, c: &[T], t: &[T], z: &mut [T]) {
    let mut contest = Contest::empty();
    for start in (0..z.len()).step_by(LANES) {
        let end = z.len().min(start + LANES);
        let (mut some_c, mut some_t) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        some_c[..end - start].copy_from_slice(&c[start..end]);
        some_t[..end - start].copy_from_slice(&t[start..end]);
        let problem = Problem::new(curve, omega, &some_c, &some_t);
        let bounds = problem.bounds();
        let (side, other) = problem.sides(&bounds);
        let mut first = problem.candidates(&bounds, &side);
        problem.improve(&mut first);
        z[start..end].copy_from_slice(&problem.finish(curve, &first.z)[..end - start]);
        if other == [T::ZERO; LANES] {
            continue;
        }
        let second = problem.candidates(&bounds, &other);
        for (i, _) in other.iter().enumerate().filter(|&(_, &side)| side != T::ZERO) {
            contest.add(&problem, &first.z, &second, i, start + i);
            if contest.count == LANES {
                contest.settle(curve, z);
            }
        }
    }
    contest.settle(curve, z);
}

/// The minimiser of one element, to the same bits.
pub(super) fn minimise_scalar<T: Real>(curve: Curve, omega: T, c: T, t: T) -> T {
    let mut z = [T::ZERO];
    minimise(curve, omega, &[c], &[t], &mut z);
    z[0]
}

/// Elements with a second candidate, collected until they fill the lanes.
struct Contest<T> {
    problem: Problem<T>,
    first: Lanes<T>,
    second: Candidates<T>,
    place: [usize; LANES],
    count: usize,
}

impl<T: Real> Contest<T> {
    fn empty() -> Self {
        let (problem, second) = (Problem::empty(), Candidates::empty());
        Self { problem, first: [T::ZERO; LANES], second, place: [0; LANES], count: 0 }
    }

    fn add(
        &mut self,
        problem: &Problem<T>,
        first: &Lanes<T>,
        second: &Candidates<T>,
        i: usize,
        place: usize,
    ) {
        let to = self.count;
        self.problem.copy_lane(to, problem, i);
        self.second.copy_lane(to, second, i);
        self.first[to] = first[i];
        self.place[to] = place;
        self.count += 1;
    }

    /// Finds the second candidates and keeps the better of both.
    fn settle(&mut self, curve: Curve, z: &mut [T]) {
        if self.count == 0 {
            return;
        }
        self.second.close(self.count);
        self.problem.improve(&mut self.second);
        self.problem.keep_better(&mut self.first, &self.second.z);
        let found = self.problem.finish(curve, &self.first);
        for (&place, &found) in self.place[..self.count].iter().zip(&found) {
            z[place] = found;
        }
        self.count = 0;
    }
}

#[inline]
fn select<T>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}

/// `x` within `low .. high`; NaN becomes a bound.
#[inline]
fn clamp<T: Real>(x: T, low: T, high: T) -> T {
    x.min(high).max(low)
}
