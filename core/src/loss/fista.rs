//! FISTA on one column.

use super::problem::{Point, Problem};
use crate::error::Result;
use crate::loss::Loss;
use crate::real::Real;
use crate::workspace::Stack;

/// Vectors that [`solve`] takes from the stack.
pub(super) const VECTORS: usize = 2;

/// Moves the evaluated `point` until it has converged or `cap` steps are made; returns the steps.
///
/// F is smooth, so the proximal operator of Beck and Teboulle's algorithm is the identity: gradient steps of length
/// `1/(H + mu)` from the extrapolated point, at which the KKT residual is known without a further gradient. The
/// momentum is restarted when the gradient points along the last move (O'Donoghue and Candes 2015), which gives
/// linear convergence without knowing the curvature.
pub(super) fn solve<'s, T: Real>(
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
