//! Newton's method, some columns side by side.
//!
//! Every column has a lane of a [`Block`], with its own line search and its own end; a lane whose column is done takes the
//! next. Lanes never exchange anything, so a column's result is the same to the bit wherever it is and whatever
//! is beside it.

mod block;

use crate::error::{Error, Result};
use crate::loss::{OutputReport, Target};
use crate::real::Real;
use crate::reduce::max_abs;
use crate::view::{MatMut, MatRef, column, column_mut};
use crate::workspace::Stack;
use block::{Block, Known, LANES};

/// Vectors that [`solve`] takes from the stack.
pub(super) const VECTORS: usize = LANES * block::VECTORS;

/// Halvings after which a step has no length left in double precision.
const HALVINGS: usize = 60;

/// The fall that a step must bring, as a share of what the slope promises.
const SUFFICIENT: f64 = 1e-4;

/// The state of a column's iteration.
#[derive(Clone, Copy)]
struct Iteration {
    column: usize,
    /// F at the start and the residual there, once they are known.
    start: Option<(f64, f64)>,
    steps: usize,
    halvings: usize,
    length: f64,
}

impl Iteration {
    fn to(column: usize) -> Self {
        Self { column, start: None, steps: 0, halvings: 0, length: 1.0 }
    }

    /// Takes note of a trial; `true` if the lane moves to it.
    fn judge(&mut self, point: &Known, trial: &Known) -> bool {
        if self.start.is_none() {
            self.start = Some((trial.value, trial.residual));
            return true;
        }
        let accepted = is_progress(self.length, point, trial);
        if accepted {
            (self.steps, self.halvings, self.length) = (self.steps + 1, 0, 1.0);
        } else {
            (self.halvings, self.length) = (self.halvings + 1, 0.5 * self.length);
        }
        accepted
    }

    /// The steps to be reported, if the column is at its end.
    fn end(&self, point: &Known, cap: usize) -> Option<usize> {
        if point.converged() {
            return Some(self.steps);
        }
        (self.steps == cap || self.halvings > HALVINGS).then_some(cap)
    }
}

/// Whether F can be trusted to fall by a step of `length`.
///
/// F falls where its computed value does. Near the solution that difference drowns in rounding, and two other signs
/// stand for it. F is convex: where it still slopes down at the end of a step, it has fallen all the way (half of a
/// Newton step does at the latest then). And where F is the same but for rounding, a residual that is at most half
/// of what it was is progress that cannot go in circles.
fn is_progress(length: f64, point: &Known, trial: &Known) -> bool {
    let falls = trial.value <= point.value + SUFFICIENT * length * point.slope;
    let is_same = trial.value <= point.value + point.noise && trial.residual <= 0.5 * point.residual;
    falls || is_same || trial.slope <= 0.0
}

/// The columns of a tile, and what came of those that are done.
struct Tile<'a, T: Real> {
    c: MatRef<'a, T>,
    target: Target<'a, T>,
    z: MatMut<'a, T>,
    /// The first column that no lane has taken.
    next: usize,
    cap: usize,
    report: OutputReport,
    /// The first column that failed.
    failed: Option<(usize, Error)>,
}

/// Moves every column of `z` until it has converged or `cap` steps are made.
pub(super) fn solve<'a, T: Real>(
    mu: T,
    c: MatRef<'a, T>,
    target: Target<'a, T>,
    z: MatMut<'a, T>,
    cap: usize,
    mut stack: Stack<'_, T>,
) -> Result<OutputReport> {
    let mut block = Block::new(mu, z.nrows(), &mut stack)?;
    let mut tile = Tile { c, target, z, next: 0, cap, report: OutputReport::default(), failed: None };
    let mut iterations = [None; LANES];
    for (lane, iteration) in iterations.iter_mut().enumerate() {
        *iteration = tile.take(&mut block, lane);
    }
    while iterations.iter().any(Option::is_some) {
        advance(&mut block, &mut iterations);
        for (lane, iteration) in iterations.iter_mut().enumerate() {
            if iteration.as_ref().is_some_and(|iteration| tile.finish(&block, lane, iteration)) {
                *iteration = tile.take(&mut block, lane);
            }
        }
    }
    match tile.failed {
        Some((_, error)) => Err(error),
        None => Ok(tile.report),
    }
}

/// One trial in every lane.
fn advance<T: Real>(block: &mut Block<'_, T>, iterations: &mut [Option<Iteration>; LANES]) {
    let length = |iteration: &Option<Iteration>| iteration.as_ref().map_or(0.0, |iteration| iteration.length);
    block.attempt(&core::array::from_fn(|lane| T::from_f64(length(&iterations[lane]))));
    let mut accepted = [true; LANES];
    for (lane, iteration) in iterations.iter_mut().enumerate() {
        if let Some(iteration) = iteration {
            accepted[lane] = iteration.judge(&block.point.known[lane], &block.trial.known[lane]);
        }
    }
    block.accept(&accepted);
}

impl<T: Real> Tile<'_, T> {
    /// Puts the next column, if there is one, into a lane.
    fn take(&mut self, block: &mut Block<'_, T>, lane: usize) -> Option<Iteration> {
        if self.next == self.z.ncols() || self.failed.is_some() {
            return None;
        }
        let j = self.next;
        self.next += 1;
        block.load(lane, column(&self.c, j), self.target.column(j), column_mut(&mut self.z, j));
        Some(Iteration::to(j))
    }

    /// Whether a lane's column is at its end; if so, writes it out and reports it.
    fn finish(&mut self, block: &Block<'_, T>, lane: usize, iteration: &Iteration) -> bool {
        let known = &block.point.known[lane];
        let Some((value, residual)) = iteration.start else { return false };
        if !value.is_finite() {
            self.fail(iteration.column, "objective of the output layer");
            return true;
        }
        let Some(iterations) = iteration.end(known, self.cap) else { return false };
        let z = column_mut(&mut self.z, iteration.column);
        let solved = if known.converged() || known.value <= value {
            block.store(lane, z);
            let capped = usize::from(!known.converged());
            OutputReport { residual: known.residual, iterations, capped }
        } else {
            OutputReport { residual, iterations, capped: 1 }
        };
        if max_abs(z).is_finite() {
            self.report = self.report.merge(solved);
        } else {
            self.fail(iteration.column, "z of the output layer");
        }
        true
    }

    fn fail(&mut self, column: usize, quantity: &'static str) {
        if self.failed.as_ref().is_none_or(|&(earlier, _)| column < earlier) {
            self.failed = Some((column, Error::NonFinite { quantity }));
        }
    }
}
