//! Taylor's ADMM (Taylor, Burmeister, Xu, Singh, Patel, Goldstein, ICML 2016, Algorithm 1): forward, each block in closed
//! form.
//!
//! The problem, with the biases and weights that dlADMM's papers give it when they compare:
//!
//! `min R(z_L; y) + sum Omega(W_l) + (nu/2) sum_{l<L} (|z_l - W_l a_{l-1} - b_l|^2 + |a_l - f(z_l)|^2)` so that
//! `z_L = W_L a_{L-1} + b_L`,
//!
//! where only the last constraint has a multiplier u and a weight rho. (The paper has `beta_l` and `gamma_l` without the half
//! for nu, and no biases.) Its Lagrangian is dlADMM's equation 1, so that state, start and accounts are
//! those of [`dladmm`](super::dladmm); what differs is the order, and that every block is minimised.
//!
//! For l = 1..L-1, each with what the others are by then:
//! - `(W_l, b_l)` by least squares from sums over samples (the paper's transpose reduction), with the damping of
//!   [`StepRule::LeastSquares`] where the paper has a pseudo-inverse;
//! - `a_l <- (w W'W + nu I)^-1 (w W'(z_{l+1} - b) + nu f(z_l))` with W, b of layer l + 1, `w = nu`, and in the last hidden layer
//!   `w = rho` and `z + u/rho` in place of z;
//! - `z_l <- argmin |z - W_l a_{l-1} - b_l|^2 + |a_l - f(z)|^2`, element by element.
//!
//! Then `(W_L, b_L)`, `z_L <- argmin R(z; y) + <u, z> + (rho/2)|z - W_L a_{L-1} - b_L|^2` and
//! `u <- u + rho (z_L - W_L a_{L-1} - b_L)`.
//!
//! **The dual** starts at `-grad R(z_L)`, where every sweep leaves it, and not at 0 as in the paper, whose first sweeps
//! without a dual step serve the same end: from 0 the first sweep may raise L_rho.
//!
//! **Guarantee**: none is in the paper, and none about stationary points is claimed here. But each block's share is known, and
//! with that start they add up: L_rho falls in every sweep by at least [`Sweep::promised`], which is what (W, b) and a report
//! ([`Reduced`](crate::update::weights::Reduced), [`Moved`](crate::update::input::Moved)), nothing for the hidden z (exact, but
//! not convex), and [`taylor_output_constant`](theory::taylor_output_constant) times `|dz_L|^2`, the dual step's rise included. For
//! `rho > sqrt(2) H` no share is negative.
//!
//! **Products** a sweep: 2 in the first layer, 4.5 in the others, and the exact input's solve. One pass over the samples a
//! layer: a, the residual, z and the sums for the next layer while a tile is in cache.

use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::layerwise::{self, Layerwise, Terms, Variables};
use super::{Hyperparameters, Memory, Method, Partition, Penalties, Run, State, Sweep};
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::real::Real;
use crate::theory;
use crate::update::StepRule;
use crate::update::weights::Order;
use crate::workspace::Requirement;

type VariablesMut<'s, T> = layerwise::VariablesMut<'s, T, Terms>;

/// What is known of Taylor's ADMM without a run.
///
/// Defaults from held-out images of MNIST (eight pairs of nu and rho, 50 sweeps of 196-500-500-10 on 10,000 images): with 30
/// and 0.3 it reaches 0.93 in 2 sweeps and 0.955 in 50; with rho of 1.1, above the threshold sqrt(2) H, it takes 5 and ends at
/// 0.956; with nu of 1, 12 and 0.950.
pub const CARD: Card = Card {
    name: "taylor",
    code: 3,
    title: "Taylor's ADMM",
    summary: "Least-squares weights and closed-form inputs, layer after layer forward (Taylor et al., ICML 2016)",
    paper: "G. Taylor, R. Burmeister, Z. Xu, B. Singh, A. Patel, T. Goldstein, Training Neural Networks Without Gradients: \
            A Scalable ADMM Approach, ICML 2016",
    layers_only: true,
    uses: &[Use::Nu, Use::NuSchedule, Use::Rho, Use::RhoSchedule, Use::Damping],
    in_minibatches: &[],
    defaults: |_| Defaults { nu: 30.0, rho: 0.3, ..Defaults::UNUSED },
    batch: None,
    composed: false,
    products: |first, _, n_out, n_in| LayerProducts::alternating(first, true, n_out, n_in),
    // a, z and r of a hidden layer; z, r and u of the last.
    state: StateMatrices { hidden: 3, last: 3, cut: 0 },
    rho_threshold: Some(|_, _, risk| theory::taylor_rho_threshold(risk)),
    theorem: "Taylor's ADMM, by the argument of dlADMM's theorem: rho > sqrt(2) H",
};

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct Taylor<T> {
    base: Layerwise<T>,
}

impl<T: Real> Taylor<T> {
    /// One sweep of Algorithm 1; returns what the weights promise.
    fn algorithm_1<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let joint = Order::WeightsFirst;
        Self::start(variables, executor, gemm)?;
        let mut promised = variables.reduce(executor, gemm, 0, joint)?;
        for l in 0..variables.last() {
            variables.prepare_input(executor, gemm, l + 1)?;
            Self::forward(variables, executor, gemm, l)?;
            promised += variables.reduce(executor, gemm, l + 1, joint)?;
        }
        variables.finish(executor, gemm)?;
        Ok(promised)
    }

    /// The sums for the first layer's weights.
    fn start<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        variables.pass(executor, |frame, group, mut stack| {
            let layer = frame.layers.get(0);
            group.record = Terms::default();
            group.z_last_before.copy_from_slice(group.z.layer(frame.last()));
            frame.clear_sums(&layer, group)?;
            for tile in group.tiles() {
                frame.accumulate(gemm, &layer, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The input of layer `l + 1`, then what follows the weights of layer `l`: its residual and z; the sums for the weights
    /// above.
    fn forward<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result {
        variables.pass(executor, |frame, group, mut stack| {
            let (layer, above) = (frame.layers.get(l), frame.layers.get(l + 1));
            frame.clear_sums(&above, group)?;
            for tile in group.tiles() {
                frame.step_activation(gemm, &above, tile, group, stack.rest())?;
                frame.follow_and_step_linear(gemm, &layer, tile, group, stack.rest())?;
                frame.account_hidden(l, tile, group, stack.rest())?;
                frame.accumulate(gemm, &above, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The method for a run, whose groups of samples are the only units of work.
    ///
    /// # Errors
    /// As [`Taylor::with_partition`].
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(settings, Layerwise::cut(run), run)
    }

    /// The method for a run whose samples are cut so.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting), also for a step rule that is not least squares, [`Block`](Error::Block) for a network that
    /// is not one of layers, [`Shape`](Error::Shape) for samples or targets that do not fit it, or naming
    /// `partition` if it cuts another number of samples.
    pub fn with_partition(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        require_least_squares("damping of the weights", settings.weight_step)?;
        require_least_squares("damping of the inputs", settings.input_step)?;
        Ok(Self { base: Layerwise::with_dual(settings, partition, run)? })
    }

    /// The present settings.
    pub fn settings(&self) -> &Hyperparameters<T> {
        &self.base.settings
    }

    /// The variables, for reading.
    ///
    /// # Errors
    /// [`Length`](Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn variables<'s>(&self, run: &Run<'s, T>, state: &'s State<'_, T>) -> Result<Variables<'s, T>> {
        self.base.variables(run, state)
    }
}

/// Every block is minimised: the majorised rules, which have no damping, are other methods.
fn require_least_squares<T: Real>(name: &'static str, rule: StepRule<T>) -> Result {
    match rule {
        StepRule::LeastSquares { .. } => Ok(()),
        _ => Err(Error::Setting {
            name,
            found: 0.0,
            expected: "least-squares steps, damped by more than 0, in Taylor's ADMM",
        }),
    }
}

impl<T: Real> Method<T> for Taylor<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        self.base.memory(run)
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        layerwise::workspace(&self.base, run, gemm)
    }

    fn partition(&self) -> Partition {
        self.base.partition()
    }

    fn recut(&self, [all, _]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(&self.base.settings, all, run)
    }

    /// `a = f(z)`, `r = 0` but for the last layer's shift, `u = -grad R(z_L)`.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.base.variables_mut(run, state)?.initialize(executor, gemm)
    }

    /// Of the report, `dual_residual` is `rho |dz_L|`.
    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let variables = &mut self.base.variables_mut(run, state)?;
        let promised = Self::algorithm_1(variables, executor, gemm)?;
        let Hyperparameters { rho, loss, .. } = self.base.settings;
        let lipschitz = run.problem.target.largest_weight() * loss.lipschitz::<f64>();
        let constant = theory::taylor_output_constant(rho.to_f64(), lipschitz);
        variables.account(promised, constant).require_finite()
    }

    fn gather<E: Executor<T>>(&self, run: &Run<'_, T>, state: &mut State<'_, T>, executor: &mut E) -> Result {
        self.base.gather(run, state, executor)
    }

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        _: &G,
    ) -> Result<f64> {
        self.base.variables_mut(run, state)?.objective(executor)
    }

    /// As dlADMM, with which it shares its state.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        penalties: Penalties<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        self.base.set_penalties(run, state, penalties, executor, gemm).map(|()| 0.0)
    }
}
