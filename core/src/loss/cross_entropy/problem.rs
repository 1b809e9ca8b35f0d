//! One column of the output subproblem with cross-entropy, as FISTA sees it.

use super::{exponentials, maximum};
use crate::error::Result;
use crate::loss::{Loss, kkt_tolerance};
use crate::real::Real;
use crate::reduce::max_abs;
use crate::workspace::Stack;

/// `F(z) = log(sum_i exp z_i) - <y, z> + (mu/2)|z - c|^2`.
pub(super) struct Problem<'a, T> {
    pub(super) mu: T,
    c: &'a [T],
    y: &'a [T],
    largest_c: T,
    largest_y: T,
}

/// A point with what is known of F there.
pub(super) struct Point<'a, T> {
    pub(super) z: &'a mut [T],
    /// softmax(z)
    pub(super) softmax: &'a mut [T],
    /// The gradient of F, in double precision until it is stored.
    pub(super) gradient: &'a mut [T],
    /// F, in double precision: differences of F steer the line search.
    pub(super) value: f64,
    /// How far rounding may have put F off.
    pub(super) noise: f64,
    /// The largest absolute value of the gradient.
    pub(super) residual: f64,
    /// What the residual has to reach.
    tolerance: f64,
}

impl<'a, T: Real> Point<'a, T> {
    /// Vectors that a point takes from the stack.
    pub(super) const VECTORS: usize = 3;

    /// A point whose content is undefined until it is evaluated.
    pub(super) fn new(rows: usize, stack: &mut Stack<'a, T>) -> Result<Self> {
        let (z, softmax, gradient) = (stack.vector(rows)?, stack.vector(rows)?, stack.vector(rows)?);
        Ok(Self { z, softmax, gradient, value: 0.0, noise: 0.0, residual: 0.0, tolerance: 0.0 })
    }

    pub(super) fn converged(&self) -> bool {
        self.residual <= self.tolerance
    }
}

impl<'a, T: Real> Problem<'a, T> {
    pub(super) fn new(mu: T, c: &'a [T], y: &'a [T]) -> Self {
        Self { mu, c, y, largest_c: max_abs(c), largest_y: max_abs(y) }
    }

    /// Fills in everything about `point.z`.
    pub(super) fn evaluate(&self, point: &mut Point<'_, T>) {
        let Point { z, softmax, gradient, .. } = point;
        let largest = maximum(z);
        let sum = exponentials(z, largest, softmax);
        let (mu, inverse) = (self.mu.to_f64(), 1.0 / sum);
        let (mut inner, mut distance, mut residual) = (0.0, 0.0, 0.0f64);
        let known = z.iter().zip(self.c).zip(self.y);
        for (((&z, &c), &y), (s, g)) in known.zip(softmax.iter_mut().zip(gradient.iter_mut())) {
            let (z, y, share) = (z.to_f64(), y.to_f64(), s.to_f64() * inverse);
            let difference = z - c.to_f64();
            let slope = (share - y) + mu * difference;
            inner += y * z;
            distance += difference * difference;
            residual = residual.max(slope.abs());
            (*s, *g) = (T::from_f64(share), T::from_f64(slope));
        }
        let (largest, distance) = (largest.to_f64(), 0.5 * mu * distance);
        point.value = (largest - inner) + Real::ln(sum) + distance;
        point.noise = T::EPSILON.to_f64() * (1.0 + largest.abs() + inner.abs() + distance);
        point.residual = residual;
        let magnitudes = (self.largest_y, max_abs(point.z), self.largest_c);
        point.tolerance = kkt_tolerance(Loss::CrossEntropy, self.mu, magnitudes);
    }
}
