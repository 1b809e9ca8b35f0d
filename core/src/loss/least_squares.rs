//! Least squares of one column, `R = 1/2 |z - y|^2`.

use super::output::require_finite;
use super::risk::Risk;
use super::target::ColumnTarget;
use super::{OutputReport, OutputSolver, Target};
use crate::error::Result;
use crate::real::Real;
use crate::reduce::{sum_squared_differences, sum_squares};
use crate::view::{MatMut, MatRef, column, column_mut};
use crate::workspace::Stack;

#[derive(Clone, Copy)]
pub(super) struct LeastSquares;

impl Risk for LeastSquares {
    fn lipschitz(self) -> f64 {
        1.0
    }

    fn largest_gradient_squared(self, _: usize) -> Option<f64> {
        None
    }

    fn has_probabilities(self) -> bool {
        false
    }

    fn value<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>) -> f64 {
        let total = match target {
            ColumnTarget::Class(class) => {
                let at_class = z[class].to_f64() - 1.0;
                sum_squares(&z[..class]) + at_class * at_class + sum_squares(&z[class + 1..])
            }
            ColumnTarget::Values(y) => sum_squared_differences(z, y),
        };
        0.5 * total
    }

    fn gradient<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>, gradient: &mut [T]) {
        match target {
            ColumnTarget::Class(class) => {
                gradient.copy_from_slice(z);
                gradient[class] = z[class] - T::ONE;
            }
            ColumnTarget::Values(y) => {
                for ((g, &z), &y) in gradient.iter_mut().zip(z).zip(y) {
                    *g = z - y;
                }
            }
        }
    }

    fn solver_vectors(self, _: OutputSolver) -> usize {
        0
    }

    fn solve<T: Real>(
        self,
        _: OutputSolver,
        mu: T,
        c: MatRef<'_, T>,
        target: Target<'_, T>,
        mut z: MatMut<'_, T>,
        _: usize,
        _: Stack<'_, T>,
    ) -> Result<OutputReport> {
        let mut report = OutputReport::default();
        for j in 0..z.ncols() {
            let z = column_mut(&mut z, j);
            let residual = minimise(mu, column(&c, j), target.column(j), z);
            require_finite(z)?;
            report = report.merge(OutputReport { residual, ..OutputReport::default() });
        }
        Ok(report)
    }
}

/// `argmin_z R(z; y) + (mu/2)|z - c|^2 = (y + mu c)/(1 + mu)`, with the KKT residual that rounding leaves.
///
/// `z` is written with `y` first, so that a class needs no buffer.
fn minimise<T: Real>(mu: T, c: &[T], target: ColumnTarget<'_, T>, z: &mut [T]) -> f64 {
    target.write(z);
    let divisor = T::ONE + mu;
    let wide = mu.to_f64();
    let mut residual = 0.0f64;
    for (z, &c) in z.iter_mut().zip(c) {
        let y = z.to_f64();
        *z = (*z + mu * c) / divisor;
        let found = z.to_f64();
        residual = residual.max(((found - y) + wide * (found - c.to_f64())).abs());
    }
    residual
}
