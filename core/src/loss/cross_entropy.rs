//! Softmax cross-entropy of one column, `R = log(sum_i exp z_i) - <y, z>`.

mod fista;
mod newton;
mod problem;

use super::risk::Risk;
use super::target::ColumnTarget;
use super::{OutputReport, OutputSolver, Target};
use crate::error::Result;
use crate::exponential::exp_of_negative;
use crate::real::Real;
use crate::view::{MatMut, MatRef};
use crate::workspace::Stack;

#[derive(Clone, Copy)]
pub(super) struct CrossEntropy;

/// Entries that are taken together: a register of `f32`, and little waste where there are ten classes.
const WIDTH: usize = 4;

/// The last entries of a column, filled up with what adds nothing to a maximum or to a sum of exponentials.
#[inline]
fn padded<T: Real>(rest: &[T]) -> [T; WIDTH] {
    core::array::from_fn(|i| rest.get(i).copied().unwrap_or(T::NEG_INFINITY))
}

/// The largest element. Of a column with NaN in it, anything: its exponentials are NaN.
#[inline]
fn maximum<T: Real>(z: &[T]) -> T {
    let mut largest = [T::NEG_INFINITY; WIDTH];
    let (groups, rest) = z.as_chunks();
    for group in groups {
        take_larger(group, &mut largest);
    }
    take_larger(&padded(rest), &mut largest);
    largest[0].max(largest[2]).max(largest[1].max(largest[3]))
}

#[inline(always)]
fn take_larger<T: Real>(z: &[T; WIDTH], largest: &mut [T; WIDTH]) {
    for (largest, &z) in largest.iter_mut().zip(z) {
        *largest = z.max(*largest);
    }
}

#[inline(always)]
fn add_group<T: Real>(z: &[T; WIDTH], largest: T, sums: &mut [f64; WIDTH]) -> [T; WIDTH] {
    let mut exponentials = *z;
    for e in &mut exponentials {
        *e = exp_of_negative(*e - largest);
    }
    for (sum, e) in sums.iter_mut().zip(exponentials) {
        *sum += e.to_f64();
    }
    exponentials
}

#[inline]
fn join(sums: [f64; WIDTH]) -> f64 {
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// `sum exp(z_i - max z)`, which is at least 1.
///
/// The sum is in double precision, so that in `f32` a confident column's small rest is not lost beside the 1.
#[inline]
fn sum_of_exponentials<T: Real>(z: &[T], largest: T) -> f64 {
    let mut sums = [0.0; WIDTH];
    let (groups, rest) = z.as_chunks();
    for group in groups {
        add_group(group, largest, &mut sums);
    }
    if !rest.is_empty() {
        add_group(&padded(rest), largest, &mut sums);
    }
    join(sums)
}

/// Writes `exp(z_i - max z)` out and returns their sum as [`sum_of_exponentials`] does, to the same bits.
#[inline]
fn exponentials<T: Real>(z: &[T], largest: T, out: &mut [T]) -> f64 {
    let mut sums = [0.0; WIDTH];
    let ((groups, rest), (out, out_rest)) = (z.as_chunks(), out.as_chunks_mut());
    for (group, out) in groups.iter().zip(out) {
        *out = add_group(group, largest, &mut sums);
    }
    if !rest.is_empty() {
        for (out, e) in out_rest.iter_mut().zip(add_group(&padded(rest), largest, &mut sums)) {
            *out = e;
        }
    }
    join(sums)
}

impl Risk for CrossEntropy {
    /// The largest eigenvalue that `diag(s) - s s'` can have.
    fn lipschitz(self) -> f64 {
        0.5
    }

    /// `softmax(z) - y` is the difference of two points of the simplex.
    fn largest_gradient_squared(self, _: usize) -> Option<f64> {
        Some(2.0)
    }

    fn has_probabilities(self) -> bool {
        true
    }

    fn value<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>) -> f64 {
        let largest = maximum(z);
        let logarithm = Real::ln(sum_of_exponentials(z, largest));
        let largest = largest.to_f64();
        match target {
            ColumnTarget::Class(class) => (largest - z[class].to_f64()) + logarithm,
            ColumnTarget::Values(y) => {
                let inner: f64 = y.iter().zip(z).map(|(y, z)| y.to_f64() * z.to_f64()).sum();
                (largest - inner) + logarithm
            }
        }
    }

    fn gradient<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>, gradient: &mut [T]) {
        let inverse = 1.0 / exponentials(z, maximum(z), gradient);
        let share = |exponential: T| exponential.to_f64() * inverse;
        match target {
            ColumnTarget::Class(class) => {
                // The difference is taken before it is rounded: a confident column's is far below EPSILON.
                let at_class = T::from_f64(share(gradient[class]) - 1.0);
                for g in gradient.iter_mut() {
                    *g = T::from_f64(share(*g));
                }
                gradient[class] = at_class;
            }
            ColumnTarget::Values(y) => {
                for (g, y) in gradient.iter_mut().zip(y) {
                    *g = T::from_f64(share(*g) - y.to_f64());
                }
            }
        }
    }

    fn solver_vectors(self, solver: OutputSolver) -> usize {
        match solver {
            OutputSolver::Newton => newton::VECTORS,
            OutputSolver::Fista => fista::VECTORS,
        }
    }

    fn solve<T: Real>(
        self,
        solver: OutputSolver,
        mu: T,
        c: MatRef<'_, T>,
        target: Target<'_, T>,
        z: MatMut<'_, T>,
        cap: usize,
        stack: Stack<'_, T>,
    ) -> Result<OutputReport> {
        match solver {
            OutputSolver::Newton => newton::solve(mu, c, target, z, cap, stack),
            OutputSolver::Fista => fista::solve(mu, c, target, z, cap, stack),
        }
    }
}
