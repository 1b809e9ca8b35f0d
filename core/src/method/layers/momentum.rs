//! Weights and bias that are extrapolated before they step.

use super::{LayerMut, Layers, LayersMut, step_workspace};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::method::Steps;
use crate::method::run::carve_mut;
use crate::real::Real;
use crate::update::extrapolation::{self, Before};
use crate::update::sums::{SumsShape, add_slice};
use crate::update::weights::{Change, Order};
use crate::view::dense_mut;
use crate::workspace::{Requirement, Stack};

impl<T: Real> Layers<'_, T> {
    /// Elements of the momentum of all layers: of each its weights and bias before their last step, and t of each row.
    pub(in crate::method) fn momentum(&self) -> usize {
        (0..self.count()).map(|l| self.momentum_of(l)).sum()
    }

    fn momentum_of(&self, l: usize) -> usize {
        self.parameters(l) + self.n_out(l)
    }
}

impl<T: Real> LayersMut<'_, T> {
    /// Begins at rest where the layers stand; `momentum` is of [`Layers::momentum`] elements.
    pub(in crate::method) fn start_momentum(&mut self, momentum: &mut [T]) {
        for l in 0..self.count {
            let own = self.momentum_of_mut(momentum, l);
            let LayerMut { shape, weights, bias, .. } = self.get(l);
            let [before, bias_before, t] = carve_mut(own, [weights.len(), shape.n_out, shape.n_out]);
            before.copy_from_slice(weights);
            bias_before.copy_from_slice(bias);
            t.fill(T::ONE);
        }
    }

    /// The momentum of layer `l` among that of all layers.
    pub(in crate::method) fn momentum_of_mut<'m>(&self, momentum: &'m mut [T], l: usize) -> &'m mut [T] {
        let start: usize = (0..l).map(|l| self.layers.momentum_of(l)).sum();
        &mut momentum[start..][..self.layers.momentum_of(l)]
    }
}

impl<T: Real> LayerMut<'_, T> {
    /// Extrapolates weights and bias where the objective does not rise, and [steps](LayerMut::step) from there. The
    /// change becomes that of both; what is promised is that of the step alone.
    pub(in crate::method) fn step_extrapolated<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        w: T,
        data: bool,
        samples: usize,
        momentum: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        let SumsShape { n_out, n_in } = self.shape;
        let (weights, bias) = (stack.vector(n_out * n_in)?, stack.vector(n_out)?);
        let [before, bias_before, t] = carve_mut(momentum, [n_out * n_in, n_out, n_out]);
        extrapolation::parameters(
            gemm,
            w,
            self.steps.regularizer,
            samples,
            &mut self.shape.carve(self.sums)?,
            &mut Before { weights: dense_mut(before, n_out, n_in), bias: bias_before, t },
            &mut dense_mut(self.weights, n_out, n_in),
            self.bias,
            &mut Change { weights: dense_mut(self.change, n_out, n_in), bias: self.bias_change },
            stack.rest(),
        )?;
        weights.copy_from_slice(self.change);
        bias.copy_from_slice(self.bias_change);
        self.step(gemm, Order::WeightsFirst, w, data, samples, stack)?;
        add_slice(weights, self.change);
        add_slice(bias, self.bias_change);
        Ok(())
    }
}

/// Scratch of [`LayerMut::step_extrapolated`].
pub(in crate::method) fn step_extrapolated_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    steps: &Steps<T>,
    shape: SumsShape,
) -> Requirement {
    let SumsShape { n_out, n_in } = shape;
    let either =
        extrapolation::parameters_workspace(gemm, n_out, n_in).or(step_workspace(gemm, steps, shape));
    Requirement::matrix(n_out, n_in + 1).and(either)
}
