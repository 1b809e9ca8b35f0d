//! A layer's weights and what belongs to them from one phase to the next.

mod momentum;

pub use momentum::Momentum;

use super::Steps;
use crate::error::{Error, Result};
use crate::executor::{Executor, Runs};
use crate::forward::linear;
use crate::gemm::Gemm;
use crate::matrix::{Matrix, Memory};
use crate::real::Real;
use crate::reduce::max_abs;
use crate::update::StepRule;
use crate::update::input::{self, Prepared, Probe, StepKind};
use crate::update::sums::{self, Parts, SumsShape, add_slice};
use crate::update::weights::{self, Change, Factor, Order, Reduced};
use crate::view::{MatMut, MatRef, dense, dense_mut};
use crate::workspace::{Requirement, Stack};

/// Elements of the sums that are added up at a time where threads share the work.
const STRETCH: usize = 1 << 15;

/// Weights, bias, their last change, the sums over all samples.
#[derive(Debug, Clone)]
pub struct Layer<T, S> {
    weights: Matrix<T, S>,
    bias: Matrix<T, S>,
    change: Matrix<T, S>,
    bias_change: Matrix<T, S>,
    sums: S,
    /// The inverse Hessian of the input's exact step, or, in the first layer, the Cholesky factor of the data's sums.
    solve: S,
    tau: T,
    input_known: bool,
    factor_known: bool,
    factored: bool,
    reduced: Reduced,
}

/// Elements that a layer's [`Layer::new`] wants of each memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerShape {
    /// Inputs and outputs.
    pub sums: SumsShape,
    /// Elements of `solve`: the square of the size of the matrix that a step of this layer solves with, or 0.
    pub solve: usize,
}

impl LayerShape {
    /// The shape of layer `index` of a network under these step rules.
    pub fn new<T: Real>(steps: &Steps<T>, index: usize, n_out: usize, n_in: usize) -> Self {
        let size = match (index, steps.weights) {
            (0, StepRule::LeastSquares { .. }) => n_in,
            (0, _) => 0,
            _ => StepKind::of(&steps.inputs, n_out, n_in).inverse_size(n_out, n_in),
        };
        Self { sums: SumsShape { n_out, n_in }, solve: size * size }
    }

    /// Elements of one layer in all.
    pub fn elements(&self) -> usize {
        let SumsShape { n_out, n_in } = self.sums;
        2 * (n_out * n_in + n_out) + self.sums.elements() + self.solve
    }
}

impl<T: Real, S: Memory<T>> Layer<T, S> {
    /// A layer whose weights and bias are what their memory holds; the other memory is scratch that must live as long.
    ///
    /// `allocate(elements)` is called for weights (n_out n_in), bias (n_out), their changes, the sums and the solve.
    ///
    /// # Errors
    /// [`Length`](Error::Length) if a memory is not as long as asked for.
    pub fn new(shape: LayerShape, mut allocate: impl FnMut(usize) -> S) -> Result<Self> {
        let SumsShape { n_out, n_in } = shape.sums;
        Ok(Self {
            weights: Matrix::new("weights", allocate(n_out * n_in), n_out, n_in)?,
            bias: Matrix::new("bias", allocate(n_out), n_out, 1)?,
            change: Matrix::new("change", allocate(n_out * n_in), n_out, n_in)?,
            bias_change: Matrix::new("bias change", allocate(n_out), n_out, 1)?,
            sums: exact("sums", allocate(shape.sums.elements()), shape.sums.elements())?,
            solve: exact("solve", allocate(shape.solve), shape.solve)?,
            tau: T::ZERO,
            input_known: false,
            factor_known: false,
            factored: false,
            reduced: Reduced::default(),
        })
    }

    /// Outputs and inputs.
    pub fn shape(&self) -> (usize, usize) {
        self.weights.shape()
    }

    /// `W`, n_out x n_in.
    pub fn weights(&self) -> MatRef<'_, T> {
        self.weights.view()
    }

    /// `W` column by column and `b`, to be set before the state is initialised.
    pub fn parameters_mut(&mut self) -> (&mut [T], &mut [T]) {
        (self.weights.as_mut_slice(), self.bias.as_mut_slice())
    }

    /// `W` column by column and `b`.
    pub fn parameters(&self) -> (&[T], &[T]) {
        (self.weights.as_slice(), self.bias.as_slice())
    }

    /// `b`, n_out.
    pub fn bias(&self) -> &[T] {
        self.bias.as_slice()
    }

    /// `z <- W p + b`; `p` is n_in x m, `z` n_out x m.
    pub(super) fn forward<G: Gemm<T>>(
        &self,
        gemm: &G,
        p: &MatRef<'_, T>,
        z: &mut MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        linear(gemm, &self.weights(), self.bias(), p, z, stack)
    }

    /// `D`, the weights' last change.
    pub(super) fn change(&self) -> MatRef<'_, T> {
        self.change.view()
    }

    /// The same, column by column.
    pub(super) fn change_slice(&self) -> &[T] {
        self.change.as_slice()
    }

    /// The bias's last change.
    pub(super) fn bias_change(&self) -> &[T] {
        self.bias_change.as_slice()
    }

    /// What the last step of the weights did.
    pub(super) fn reduced(&self) -> Reduced {
        self.reduced
    }

    /// Which sums the samples must add: the input's are kept once they are known and do not change.
    pub(super) fn parts(&self) -> Parts {
        if self.input_known { Parts::Residual } else { Parts::All }
    }

    /// Forgets what was known of the data.
    pub(super) fn reset(&mut self) {
        self.input_known = false;
        self.forget_factor();
    }

    /// Forgets the factor of the data's sums, which depends on the weight w where there is an l2 regulariser; the sums
    /// themselves do not, and are kept.
    pub(super) fn forget_factor(&mut self) {
        self.factor_known = false;
        self.factored = false;
    }

    /// `r p'` column by column, and the row sums of `r`, as they were collected last.
    pub(super) fn residual_sums(&self) -> (&[T], &[T]) {
        let (n_out, n_in) = self.shape();
        self.sums.as_ref()[..n_out * (n_in + 1)].split_at(n_out * n_in)
    }

    /// `W`, `b`, and the memory of their [`residual_sums`](Self::residual_sums), for a gradient that is made there.
    pub(super) fn descent_mut(&mut self) -> (&mut [T], &mut [T], &mut [T], &mut [T]) {
        let (n_out, n_in) = self.shape();
        let (weights, bias) = self.sums.as_mut()[..n_out * (n_in + 1)].split_at_mut(n_out * n_in);
        (self.weights.as_mut_slice(), self.bias.as_mut_slice(), weights, bias)
    }

    /// The shape of the layer's sums.
    pub(super) fn sums_shape(&self) -> SumsShape {
        let (n_out, n_in) = self.shape();
        SumsShape { n_out, n_in }
    }

    /// `Ok` when the layer, the `index`-th of its network, has the memory that these step rules ask for.
    pub(super) fn check(&self, steps: &Steps<T>, index: usize) -> Result {
        let (n_out, n_in) = self.shape();
        let (found, needed) = (self.solve.as_ref().len(), LayerShape::new(steps, index, n_out, n_in).solve);
        if found < needed { Err(Error::Length { argument: "solve", found, needed }) } else { Ok(()) }
    }

    /// `Ok` when `sums` is long enough for this layer's.
    pub(super) fn check_sums(&self, sums: &[T]) -> Result {
        let (found, needed) = (sums.len(), self.sums_shape().elements());
        if found < needed { Err(Error::Length { argument: "sums", found, needed }) } else { Ok(()) }
    }

    /// Adds up the groups' sums, in their order.
    pub(super) fn collect<'s>(&mut self, groups: impl Iterator<Item = &'s [T]>) -> Result {
        let (shape, parts) = (self.sums_shape(), self.parts());
        shape.carve(self.sums.as_mut())?.clear(parts);
        for group in groups {
            sums::add(shape, parts, group, self.sums.as_mut())?;
        }
        if parts == Parts::All {
            shape.carve(self.sums.as_mut())?.finish();
        }
        Ok(())
    }

    /// The same for a layer that is worked on alone: a stretch of the sums is a unit, so that all threads add. The same
    /// bits as [`Layer::collect`].
    pub(super) fn collect_at_once<'s, E: Executor<T>, I: Iterator<Item = &'s [T]>>(
        &mut self,
        executor: &mut E,
        groups: impl Fn() -> I + Sync,
    ) -> Result {
        let (shape, parts) = (self.sums_shape(), self.parts());
        let counted = &mut self.sums.as_mut()[..shape.counted(parts)];
        executor.run(Runs::new(counted, STRETCH), |index, stretch, _| {
            stretch.fill(T::ZERO);
            for group in groups() {
                add_slice(&group[index * STRETCH..][..stretch.len()], stretch);
            }
            Ok(())
        })?;
        if parts == Parts::All {
            shape.carve(self.sums.as_mut())?.finish();
        }
        Ok(())
    }

    /// Steps weights and bias from the collected sums. `data` says that the input never changes (the first layer).
    pub(super) fn step<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        steps: &Steps<T>,
        order: Order,
        w: T,
        data: bool,
        samples: usize,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let shape = self.sums_shape();
        let sums = shape.read(self.sums.as_ref(), samples)?;
        let n = shape.n_in;
        if data && !self.factor_known && samples > 0 {
            self.input_known = true;
            self.factor_known = true;
            if let StepRule::LeastSquares { damping } = steps.weights {
                let lower = &mut dense_mut(self.solve.as_mut(), n, n);
                self.factored =
                    weights::factor(gemm, damping, w, steps.regularizer, &sums, lower, stack.rest())?;
            }
        }
        let factor = self.factored.then(|| Factor { lower: dense(self.solve.as_ref(), n, n) });
        let mut change = Change { weights: self.change.view_mut(), bias: self.bias_change.as_mut_slice() };
        self.reduced = weights::reduce(
            gemm,
            &steps.weights,
            order,
            w,
            steps.regularizer,
            &sums,
            factor.as_ref(),
            &mut self.weights.view_mut(),
            self.bias.as_mut_slice(),
            &mut change,
            stack,
        )?;
        Ok(())
    }

    /// A second step on the same samples: the sums follow the last change instead of being added up again, and the
    /// change becomes that of both steps.
    pub(super) fn step_again<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        steps: &Steps<T>,
        order: Order,
        w: T,
        samples: usize,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let shape = self.sums_shape();
        let mut sums = shape.carve(self.sums.as_mut())?;
        sums.follow(gemm, &self.change.view(), self.bias_change.as_slice(), samples, stack.rest())?;
        let (first, first_bias) = (stack.vector(shape.n_out * shape.n_in)?, stack.vector(shape.n_out)?);
        first.copy_from_slice(self.change.as_slice());
        first_bias.copy_from_slice(self.bias_change.as_slice());
        let reduced = self.reduced;
        self.step(gemm, steps, order, w, true, samples, stack)?;
        add_slice(first, self.change.as_mut_slice());
        add_slice(first_bias, self.bias_change.as_mut_slice());
        self.reduced.promised += reduced.promised;
        self.reduced.weights_squared += reduced.weights_squared;
        self.reduced.bias_squared += reduced.bias_squared;
        Ok(())
    }

    /// Scratch of [`Layer::collect`], [`Layer::step`] and [`Layer::step_again`].
    pub(super) fn step_workspace<G: Gemm<T>>(gemm: &G, steps: &Steps<T>, shape: SumsShape) -> Requirement {
        let SumsShape { n_out, n_in } = shape;
        let step = weights::reduce_workspace(gemm, &steps.weights, n_out, n_in)
            .or(weights::factor_workspace(gemm, n_in));
        Requirement::matrix(n_out, n_in + 1).and(step).or(gemm.workspace(n_out, n_in, n_in))
    }

    /// Makes the input's exact step ready from the present weights, which divergence may have made infinite or NaN: that
    /// is told apart from a Hessian that is not positive definite.
    pub(super) fn prepare_input<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        steps: &Steps<T>,
        w: T,
        c: T,
        stack: Stack<'_, T>,
    ) -> Result {
        if !max_abs(self.weights.as_slice()).is_finite() {
            return Err(Error::NonFinite { quantity: "the weights" });
        }
        let (n_out, n_in) = self.shape();
        let (kind, weights) = (StepKind::of(&steps.inputs, n_out, n_in), self.weights.view());
        let n = kind.inverse_size(n_out, n_in);
        let inverse = &mut dense_mut(self.solve.as_mut(), n, n);
        match kind {
            StepKind::Gradient => Ok(()),
            StepKind::Exact => input::invert_hessian(gemm, w, c, &weights, inverse, stack),
            StepKind::OuterExact => input::invert_outer_hessian(gemm, w, c, &weights, inverse, stack),
        }
    }

    /// Scratch of [`Layer::prepare_input`].
    pub(super) fn prepare_input_workspace<G: Gemm<T>>(
        gemm: &G,
        steps: &Steps<T>,
        SumsShape { n_out, n_in }: SumsShape,
    ) -> Requirement {
        match StepKind::of(&steps.inputs, n_out, n_in) {
            StepKind::Gradient => Requirement::NONE,
            StepKind::Exact => input::invert_hessian_workspace(gemm, n_out, n_in),
            StepKind::OuterExact => input::invert_outer_hessian_workspace(gemm, n_out, n_in),
        }
    }

    /// Finds the input's scalar tau from the samples' probes.
    pub(super) fn set_tau(&mut self, steps: &Steps<T>, w: T, c: T, probe: Probe) -> Result {
        self.tau = input::scalar_tau(&steps.inputs, w, c, &self.weights.view(), probe)?;
        Ok(())
    }

    /// How the input steps.
    pub(super) fn prepared(&self, steps: &Steps<T>) -> Prepared<'_, T> {
        let (n_out, n_in) = self.shape();
        let kind = StepKind::of(&steps.inputs, n_out, n_in);
        let n = kind.inverse_size(n_out, n_in);
        let inverse = dense(self.solve.as_ref(), n, n);
        match (kind, steps.inputs) {
            (StepKind::Exact, _) => Prepared::Inverse(inverse),
            (StepKind::OuterExact, _) => Prepared::OuterInverse(inverse),
            (StepKind::Gradient, StepRule::Vector) => Prepared::Columns,
            (StepKind::Gradient, _) => Prepared::Tau(self.tau),
        }
    }
}

/// `memory`, if it holds as many elements as were asked for.
fn exact<T: Real, S: Memory<T>>(argument: &'static str, memory: S, needed: usize) -> Result<S> {
    let found = memory.as_ref().len();
    if found == needed { Ok(memory) } else { Err(Error::Length { argument, found, needed }) }
}
