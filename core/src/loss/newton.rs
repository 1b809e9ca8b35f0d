//! Newton's method on one column.

use super::problem::{Point, Problem};
use crate::error::Result;
use crate::real::Real;
use crate::reduce::dot;
use crate::workspace::Stack;

/// Vectors that [`solve`] takes from the stack.
pub(super) fn vectors<T: Real>() -> usize {
    Point::<T>::VECTORS + 1
}

/// Halvings after which a step has no length left in double precision.
const HALVINGS: usize = 60;

/// The fall that a step must bring, as a share of what the slope promises.
const SUFFICIENT: f64 = 1e-4;

/// Moves the evaluated `point` until it has converged or `cap` steps are made; returns the steps.
pub(super) fn solve<'s, T: Real>(
    problem: &Problem<'_, T>,
    point: &mut Point<'s, T>,
    stack: &mut Stack<'s, T>,
    cap: usize,
) -> Result<usize> {
    let rows = point.z.len();
    let mut trial = Point::new(rows, stack)?;
    let step = stack.vector(rows)?;
    for iteration in 0..cap {
        if point.converged() {
            return Ok(iteration);
        }
        direction(problem.mu, point, step);
        if !search(problem, point, step, &mut trial) {
            return Ok(cap);
        }
        core::mem::swap(point, &mut trial);
    }
    Ok(cap)
}

/// `step = -(diag(s) - s s' + mu I)^-1 g` by Sherman and Morrison.
///
/// With `D = diag(s) + mu I` the formula divides by `1 - s'D^-1 s`. Since `s` adds up to 1, that is
/// `mu sum s_i/(s_i + mu)`: no difference of nearly equal numbers, whatever mu.
fn direction<T: Real>(mu: T, point: &Point<'_, T>, step: &mut [T]) {
    let mu = mu.to_f64();
    let (mut inner, mut divisor) = (0.0, 0.0);
    for (s, g) in point.softmax.iter().zip(point.gradient.iter()) {
        let share = s.to_f64() / (s.to_f64() + mu);
        inner += share * g.to_f64();
        divisor += share;
    }
    let along = inner / (mu * divisor);
    for ((d, s), g) in step.iter_mut().zip(point.softmax.iter()).zip(point.gradient.iter()) {
        let s = s.to_f64();
        *d = T::from_f64(-(g.to_f64() + s * along) / (s + mu));
    }
}

/// Puts `trial` at the longest of the steps 1, 1/2, 1/4, ... that F can be trusted to fall by; `false` if none is.
///
/// F falls where its computed value does. Near the solution that difference drowns in rounding, and two other signs
/// stand for it. F is convex: where it still slopes down at the end of a step, it has fallen all the way (half of a
/// Newton step does at the latest then). And where F is the same but for rounding, a residual that is at most half
/// of what it was is progress that cannot go in circles.
fn search<T: Real>(
    problem: &Problem<'_, T>,
    point: &Point<'_, T>,
    step: &[T],
    trial: &mut Point<'_, T>,
) -> bool {
    let slope = dot(point.gradient, step);
    let mut length = 1.0;
    for _ in 0..=HALVINGS {
        let scale = T::from_f64(length);
        for ((trial, &z), &d) in trial.z.iter_mut().zip(point.z.iter()).zip(step) {
            *trial = z + scale * d;
        }
        problem.evaluate(trial);
        let falls = trial.value <= point.value + SUFFICIENT * length * slope;
        let is_same = trial.value <= point.value + point.noise && trial.residual <= 0.5 * point.residual;
        if falls || is_same || dot(trial.gradient, step) <= 0.0 {
            return true;
        }
        length *= 0.5;
    }
    false
}
