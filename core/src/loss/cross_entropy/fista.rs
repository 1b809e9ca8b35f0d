//! FISTA, column by column.

use super::problem::{Point, Problem};
use crate::error::{Error, Result};
use crate::loss::output::{OutputReport, require_finite};
use crate::loss::{Loss, Target};
use crate::real::Real;
use crate::view::{MatMut, MatRef, column, column_mut};
use crate::workspace::Stack;

/// Vectors that [`solve`] takes from the stack: the target written out, the point, and those of [`iterate`].
pub(super) const VECTORS: usize = 1 + Point::<f64>::VECTORS + 2;

/// Moves every column of `z` until it has converged or `cap` steps are made.
pub(super) fn solve<T: Real>(
    mu: T,
    c: MatRef<'_, T>,
    target: Target<'_, T>,
    mut z: MatMut<'_, T>,
    cap: usize,
    mut stack: Stack<'_, T>,
) -> Result<OutputReport> {
    let mut report = OutputReport::default();
    for j in 0..z.ncols() {
        let (z, mut stack) = (column_mut(&mut z, j), stack.rest());
        let y = stack.vector(z.len())?;
        target.column(j).write(y);
        let problem = Problem::new(mu, column(&c, j), y);
        let solved = solve_column(&problem, z, cap, stack)?;
        require_finite(z)?;
        report = report.merge(solved);
    }
    Ok(report)
}

fn solve_column<T: Real>(
    problem: &Problem<'_, T>,
    z: &mut [T],
    cap: usize,
    mut stack: Stack<'_, T>,
) -> Result<OutputReport> {
    let rows = z.len();
    let mut point = Point::new(rows, &mut stack)?;
    point.z.copy_from_slice(z);
    problem.evaluate(&mut point);
    if !point.value.is_finite() {
        return Err(Error::NonFinite { quantity: "objective of the output layer" });
    }
    let (value, residual) = (point.value, point.residual);
    let iterations = iterate(problem, &mut point, &mut stack, cap)?;
    let converged = point.converged();
    // FISTA is not monotone: a column that the cap stopped on its way uphill stays where it was.
    if converged || point.value <= value {
        z.copy_from_slice(point.z);
        return Ok(OutputReport { residual: point.residual, iterations, capped: usize::from(!converged) });
    }
    Ok(OutputReport { residual, iterations, capped: 1 })
}

/// Moves the evaluated `point` until it has converged or `cap` steps are made; returns the steps.
///
/// F is smooth, so the proximal operator of Beck and Teboulle's algorithm is the identity: gradient steps of length
/// `1/(H + mu)` from the extrapolated point, at which the KKT residual is known without a further gradient. The
/// momentum is restarted when the gradient points along the last move (O'Donoghue and Candes 2015), which gives
/// linear convergence without knowing the curvature.
fn iterate<'s, T: Real>(
    problem: &Problem<'_, T>,
    point: &mut Point<'s, T>,
    stack: &mut Stack<'s, T>,
    cap: usize,
) -> Result<usize> {
    let rows = point.z.len();
    let (mut previous, mut next) = (stack.vector(rows)?, stack.vector(rows)?);
    previous.copy_from_slice(point.z);
    let length = T::ONE / (Loss::CrossEntropy.lipschitz::<T>() + problem.mu);
    let mut momentum = 1.0f64;
    for iteration in 0..cap {
        if point.converged() {
            return Ok(iteration);
        }
        let uphill = gradient_step(length, point, previous, next);
        if uphill > 0.0 {
            momentum = 1.0;
            point.z.copy_from_slice(next);
        } else {
            let following = 0.5 * (1.0 + Real::sqrt(1.0 + 4.0 * momentum * momentum));
            extrapolate(T::from_f64((momentum - 1.0) / following), previous, next, point.z);
            momentum = following;
        }
        core::mem::swap(&mut previous, &mut next);
        problem.evaluate(point);
    }
    Ok(cap)
}

/// `next = y - length g(y)`; returns `<g(y), next - previous>`.
fn gradient_step<T: Real>(length: T, y: &Point<'_, T>, previous: &[T], next: &mut [T]) -> f64 {
    let mut along = 0.0;
    for (((next, &previous), &y), &g) in next.iter_mut().zip(previous).zip(y.z.iter()).zip(y.gradient.iter())
    {
        *next = y - length * g;
        along += g.to_f64() * (next.to_f64() - previous.to_f64());
    }
    along
}

/// `y = next + beta (next - previous)`.
fn extrapolate<T: Real>(beta: T, previous: &[T], next: &[T], y: &mut [T]) {
    for ((y, &next), &previous) in y.iter_mut().zip(next).zip(previous) {
        *y = next + beta * (next - previous);
    }
}
