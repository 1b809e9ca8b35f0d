//! Weights and bias that are extrapolated before they step.

use super::Layer;
use crate::error::Result;
use crate::gemm::Gemm;
use crate::matrix::{Matrix, Memory};
use crate::method::Steps;
use crate::real::Real;
use crate::update::extrapolation::{self, Before};
use crate::update::sums::{SumsShape, add_slice};
use crate::update::weights::{Change, Order};
use crate::workspace::{Requirement, Stack};

/// Where a layer's weights and bias stood before their last step, and the momentum of each row.
#[derive(Debug, Clone)]
pub struct Momentum<T, S> {
    weights: Matrix<T, S>,
    bias: Matrix<T, S>,
    t: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Momentum<T, S> {
    /// The momentum of a layer; `allocate(elements)` is called for weights (n_out n_in), bias and t (n_out each), whose
    /// content does not matter.
    ///
    /// # Errors
    /// [`Length`](crate::error::Error::Length) if a memory is not as long as asked for.
    pub fn new(shape: SumsShape, mut allocate: impl FnMut(usize) -> S) -> Result<Self> {
        let SumsShape { n_out, n_in } = shape;
        Ok(Self {
            weights: Matrix::new("weights before", allocate(n_out * n_in), n_out, n_in)?,
            bias: Matrix::new("bias before", allocate(n_out), n_out, 1)?,
            t: Matrix::new("t", allocate(n_out), n_out, 1)?,
        })
    }

    /// Outputs and inputs of the layer.
    pub fn shape(&self) -> (usize, usize) {
        self.weights.shape()
    }

    /// Begins at rest where the layer stands.
    pub(in crate::method) fn start(&mut self, layer: &Layer<T, S>) {
        self.weights.as_mut_slice().copy_from_slice(layer.weights.as_slice());
        self.bias.as_mut_slice().copy_from_slice(layer.bias.as_slice());
        self.t.as_mut_slice().fill(T::ONE);
    }
}

impl<T: Real, S: Memory<T>> Layer<T, S> {
    /// Extrapolates weights and bias where the objective does not rise, and [steps](Layer::step) from there. The change
    /// becomes that of both; what is promised is that of the step alone.
    pub(in crate::method) fn step_extrapolated<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        steps: &Steps<T>,
        w: T,
        data: bool,
        samples: usize,
        momentum: &mut Momentum<T, S>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let shape = self.sums_shape();
        let (weights, bias) = (stack.vector(shape.n_out * shape.n_in)?, stack.vector(shape.n_out)?);
        let mut before = Before {
            weights: momentum.weights.view_mut(),
            bias: momentum.bias.as_mut_slice(),
            t: momentum.t.as_mut_slice(),
        };
        let change = &mut Change { weights: self.change.view_mut(), bias: self.bias_change.as_mut_slice() };
        let sums = &mut shape.carve(self.sums.as_mut())?;
        let (own_weights, own_bias) = (&mut self.weights.view_mut(), self.bias.as_mut_slice());
        extrapolation::parameters(
            gemm,
            w,
            steps.regularizer,
            samples,
            sums,
            &mut before,
            own_weights,
            own_bias,
            change,
            stack.rest(),
        )?;
        weights.copy_from_slice(self.change.as_slice());
        bias.copy_from_slice(self.bias_change.as_slice());
        self.step(gemm, steps, Order::WeightsFirst, w, data, samples, stack)?;
        add_slice(weights, self.change.as_mut_slice());
        add_slice(bias, self.bias_change.as_mut_slice());
        Ok(())
    }

    /// Scratch of [`Layer::step_extrapolated`].
    pub(in crate::method) fn step_extrapolated_workspace<G: Gemm<T>>(
        gemm: &G,
        steps: &Steps<T>,
        shape: SumsShape,
    ) -> Requirement {
        let SumsShape { n_out, n_in } = shape;
        let either = extrapolation::parameters_workspace(gemm, n_out, n_in)
            .or(Self::step_workspace(gemm, steps, shape));
        Requirement::matrix(n_out, n_in + 1).and(either)
    }
}
