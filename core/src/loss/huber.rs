//! Huber's loss of one column, `R = sum_i rho(z_i - y_i)`, where `rho(d) = d^2/2` for `|d| <= delta` and
//! `delta (|d| - delta/2)` beyond: least squares near the target, and no more than a slope of delta far from it.

use super::output::require_finite;
use super::risk::Risk;
use super::target::ColumnTarget;
use super::{OutputReport, OutputSolver, Target};
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef, column, column_mut};
use crate::workspace::Stack;

#[derive(Clone, Copy)]
pub(super) struct Huber {
    pub(super) delta: f64,
}

impl Huber {
    /// `rho(d)`.
    fn of(self, d: f64) -> f64 {
        let size = d.abs();
        if size <= self.delta { 0.5 * d * d } else { self.delta * (size - 0.5 * self.delta) }
    }

    /// `rho'(d)`, d held between -delta and delta; NaN stays NaN.
    fn slope<T: Real>(self, d: T) -> T {
        let delta = T::from_f64(self.delta);
        delta.min((-delta).max(d))
    }
}

impl Risk for Huber {
    fn lipschitz(self) -> f64 {
        1.0
    }

    fn largest_gradient_squared(self, outputs: usize) -> Option<f64> {
        Some(outputs as f64 * self.delta * self.delta)
    }

    fn has_probabilities(self) -> bool {
        false
    }

    fn value<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>) -> f64 {
        match target {
            ColumnTarget::Class(class) => {
                let y = |i: usize| if i == class { 1.0 } else { 0.0 };
                z.iter().enumerate().map(|(i, z)| self.of(z.to_f64() - y(i))).sum()
            }
            ColumnTarget::Values(y) => z.iter().zip(y).map(|(z, y)| self.of(z.to_f64() - y.to_f64())).sum(),
        }
    }

    fn gradient<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>, gradient: &mut [T]) {
        target.write(gradient);
        for (g, &z) in gradient.iter_mut().zip(z) {
            *g = self.slope(z - *g);
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
            let residual = self.minimise(mu, column(&c, j), target.column(j), z);
            require_finite(z)?;
            report = report.merge(OutputReport { residual, ..OutputReport::default() });
        }
        Ok(report)
    }
}

impl Huber {
    /// `argmin_z R(z; y) + (mu/2)|z - c|^2`, with the KKT residual that rounding leaves: that of least squares,
    /// `(y + mu c)/(1 + mu)`, where it is no further than delta from y, else `c` moved towards y by `delta/mu`.
    ///
    /// `z` is written with `y` first, so that a class needs no buffer.
    fn minimise<T: Real>(self, mu: T, c: &[T], target: ColumnTarget<'_, T>, z: &mut [T]) -> f64 {
        target.write(z);
        let delta = T::from_f64(self.delta);
        let divisor = T::ONE + mu;
        // How far c may pull: beside y, the distance of z from it would be lost in rounding.
        let (most, far) = (delta * divisor, delta / mu);
        let mut residual = 0.0f64;
        for (z, &c) in z.iter_mut().zip(c) {
            let y = *z;
            let pull = mu * (c - y);
            *z = if pull > most {
                c - far
            } else if pull < -most {
                c + far
            } else {
                (y + mu * c) / divisor
            };
            let found = z.to_f64();
            let slope = self.slope(found - y.to_f64());
            residual = residual.max((slope + mu.to_f64() * (found - c.to_f64())).abs());
        }
        residual
    }
}
