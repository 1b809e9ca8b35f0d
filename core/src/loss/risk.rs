//! What a member of [`Loss`](super::Loss) is made of. Its public methods say what these must do.

use super::target::ColumnTarget;
use super::{OutputReport, OutputSolver, Target};
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef};
use crate::workspace::Stack;

/// A risk `R(z; y)`, a sum over columns.
pub(super) trait Risk: Copy {
    /// H, the Lipschitz constant of the gradient of R.
    fn lipschitz(self) -> f64;

    /// The largest `|gradient|^2` of a column of so many outputs; none where there is no largest one.
    fn largest_gradient_squared(self, outputs: usize) -> Option<f64>;

    /// Whether softmax(z) are probabilities of classes, so that a target's values must be probabilities too.
    fn has_probabilities(self) -> bool;

    /// R of one column.
    fn value<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>) -> f64;

    /// The gradient of R of one column.
    fn gradient<T: Real>(self, z: &[T], target: ColumnTarget<'_, T>, gradient: &mut [T]);

    /// Vectors as long as a column that [`solve`](Self::solve) takes from the stack.
    fn solver_vectors(self, solver: OutputSolver) -> usize;

    /// Moves every column of `z` to the minimiser of `R(z; y) + (mu/2)|z - c|^2`, in at most `cap` iterations each.
    fn solve<T: Real>(
        self,
        solver: OutputSolver,
        mu: T,
        c: MatRef<'_, T>,
        target: Target<'_, T>,
        z: MatMut<'_, T>,
        cap: usize,
        stack: Stack<'_, T>,
    ) -> Result<OutputReport>;
}
