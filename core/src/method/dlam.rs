//! DLAM ("Gradient-free Neural Network Training by Multi-convex Alternating Optimization"): one layer after the other,
//! forward, without a dual.
//!
//! Problem 2: `F = R(z_L; y) + sum Omega(W_l) + (rho/2) sum |W_l a_{l-1} + b_l - z_l|^2`, subject to
//! `|h(z_l) - a_l| <= epsilon` in every hidden layer. Algorithm 1: for l = 1..L the layers take W, b, z, a (equations 2, 3,
//! 4, 6), the last W, b, z (2, 3, 5). The step of a_l uses W, b and z of layer l + 1 as they were before the sweep.
//!
//! One pass over the samples for each layer: its residual follows its weights, z and a move, and the tile joins the sums
//! for the layer above while it is in cache. Samples are worked on in groups, layers in order.
//!
//! Guarantee (Lemma 1): with epsilon fixed F falls in every sweep by at least [`Sweep::promised`], for every rho above 0
//! and every epsilon above 0, which is
//! `sum_l [(theta/2)|dW|^2 + (rho/2) M |db|^2 + (rho/2)|dz|^2] + sum_l (tau/2)|da|^2`. (The paper prints the bias's term
//! without M: a bias shared by M samples gives M times as much. Least-squares weights promise what they fall by instead of
//! the first two terms.) The intervals are met up to rounding: [`Dlam::violation`].
//!
//! Proposition (what a forward pass as a start leaves fixed). Let epsilon be fixed, Omega = 0, no extrapolation, the step
//! rule any, and the start that of [`Method::initialize`]. Then W_l, b_l and z_l of all hidden layers, and a_l below L - 1,
//! never change, by not a bit: only a_{L-1}, W_L, b_L and z_L do.
//! Proof. By induction over sweeps, `r_l = 0` for l < L before each. The steps of W_l and b_l are linear in sums of r_l
//! (`C = r p'`, row means), so are 0, and so is the step of a_{l-1}, whose gradient is `rho W_l' r_l`. Equation 4 clips
//! `W_l a_{l-1} + b_l = z_l + r_l = z_l` to an interval that contains z_l: z_l stays, and `r_l` stays 0. For l = L the
//! risk pulls z_L, r_L is not 0, and the step of a_{L-1} enters r_L alone. So nothing below a_{L-1} changes. QED.
//! A hidden layer thus learns only from a residual of its own: from a regulariser, from a start that is not a forward
//! pass, or from [`Repair::Linear`] when epsilon shrinks: the first time in layer L - 1, whose input then moves, and so one
//! layer further down with every time that it shrinks. [`Repair::Activations`] moves a_{L-1} only, and keeps it so.
//!
//! With [`Hyperparameters::accelerate`] every block first goes on as it went, where F does not rise by that: see
//! [`extrapolation`]. F then still falls in every sweep by at least `promised`, in which the changes are those of the
//! steps alone, from the extrapolated points; the changes from sweep to sweep are larger or smaller than that, and
//! Lemma 1's sum over those is not promised.
//!
//! Residuals of [`Sweep`]: primal `sqrt(sum_l |r_l|^2)` over all layers, dual `rho sqrt(sum_l |z^{k+1} - z^k|^2)` over all
//! layers, the change by which Lemma 3 bounds the gradient for b.

mod epsilon;
mod penalties;
mod tile;

pub use epsilon::{EpsilonRule, EpsilonRuleKind, Repair};
pub use penalties::Projection;

use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::layers::{self, Layers};
use super::layerwise::{self, Extra, Layerwise, Variables};
use super::numbers::numbers;
use super::{Hyperparameters, Memory, Method, Partition, Penalties, Run, State, Sweep};
use crate::error::{Error, Result, require_positive};
use crate::executor::{Executor, Runs};
use crate::forward::linear_workspace;
use crate::gemm::Gemm;
use crate::loss::OutputReport;
use crate::objective;
use crate::real::Real;
use crate::update::interval::activation;
use crate::update::interval::search::{self, Lengths};
use crate::update::interval::{linear, violation_workspace};
use crate::update::sums::{self, SumsShape};
use crate::update::weights::Order;
use crate::update::{StepRule, extrapolation, output, weights};
use crate::workspace::Requirement;

/// What is known of DLAM without a run.
///
/// Defaults from held-out images of MNIST (six pairs of nu and rho, 50 sweeps of 196-500-500-10 on 10,000 images).
pub const CARD: Card = Card {
    name: "dlam",
    code: 2,
    title: "DLAM",
    summary: "Layer after layer within intervals of width epsilon, without a dual (DLAM, Algorithm 1)",
    paper: "Gradient-free Neural Network Training by Multi-convex Alternating Optimization, anonymous, submitted to ICLR",
    layers_only: true,
    uses: &[Use::Rho, Use::RhoSchedule, Use::Steps, Use::Damping, Use::Epsilon, Use::L1],
    in_minibatches: &[],
    defaults: |_| Defaults { nu: 1.0, rho: 0.01, ..Defaults::UNUSED },
    batch: None,
    composed: false,
    // A further trial of one of its steps costs one product more, which is not counted.
    products: |first, _, n_out, n_in| LayerProducts::alternating(first, false, n_out, n_in),
    // a, z and r of a hidden layer; z and r of the last.
    state: StateMatrices { hidden: 3, last: 2, cut: 0 },
    rho_threshold: Some(|_, _, _| 0.0),
    theorem: "DLAM, Lemma 1: every rho above 0, with epsilon fixed",
};

/// A group's share of F, of what is promised, and of what moved.
#[derive(Debug, Clone, Copy, Default)]
struct Terms {
    lengths: Lengths,
    /// `sum |r|^2` over all layers.
    linear: f64,
    risk: f64,
    /// What the activations' steps promised.
    promised: f64,
    /// `sum |dz|^2` of the steps, over all layers.
    stepped: f64,
    /// `sum |z - z_before|^2` of the sweep, over all layers.
    moved: f64,
    trials: usize,
    violation: f64,
    entries: usize,
    projected: f64,
    report: OutputReport,
}

numbers!(Lengths { squared: f64, product_squared: f64 });
numbers!(Terms {
    lengths: Lengths,
    linear: f64,
    risk: f64,
    promised: f64,
    stepped: f64,
    moved: f64,
    trials: usize,
    violation: f64,
    entries: usize,
    projected: f64,
    report: OutputReport,
});

type Group<'u, T> = layerwise::Group<'u, T, Terms>;
type VariablesMut<'s, T> = layerwise::VariablesMut<'s, T, Terms>;

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct Dlam<T> {
    base: Layerwise<T>,
}

impl<T: Real> Dlam<T> {
    /// One sweep of Algorithm 1; returns what the weights promise.
    fn algorithm_1<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        Self::start(variables, executor, gemm)?;
        let mut promised = Self::reduce(variables, executor, gemm, 0)?;
        for l in 0..variables.last() {
            Self::forward(variables, executor, gemm, l)?;
            promised += Self::reduce(variables, executor, gemm, l + 1)?;
        }
        Self::finish(variables, executor, gemm)?;
        Ok(promised)
    }

    /// The sums for W and b of the first layer.
    fn start<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        variables.pass(executor, |frame, group, mut stack| {
            let layer = frame.layers.get(0);
            group.record = Terms::default();
            frame.clear_sums(&layer, group)?;
            for tile in group.tiles() {
                tile::accumulate(gemm, frame, &layer, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// Weights and bias of layer `l` (equations 2 and 3); returns what they promise.
    fn reduce<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result<f64> {
        let (Hyperparameters { rho, accelerate, .. }, samples) = (variables.settings, variables.samples());
        if !accelerate || samples == 0 {
            return variables.step_weights(executor, gemm, l, Order::WeightsFirst, rho);
        }
        variables.collect(executor, l)?;
        let layerwise::VariablesMut { layers, momentum, .. } = variables;
        let momentum = layers.momentum_of_mut(momentum, l);
        let length = momentum.len();
        let units = (layers.range(l, l + 1), Runs::new(momentum, length));
        executor.run(units, |_, (mut layer, momentum), stack| {
            layer.step_extrapolated(gemm, rho, l == 0, samples, momentum, stack)
        })?;
        Ok(layers.get(l).reduced().promised)
    }

    /// The residual of layer `l` follows its weights; z and a (equations 4 and 6), and the sums for W and b above.
    fn forward<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result {
        let searches = variables.settings.input_step != StepRule::Vector;
        let mut tau = T::ZERO;
        if searches {
            variables.pass(executor, |frame, group, mut stack| {
                let (layer, above) = (frame.layers.get(l), frame.layers.get(l + 1));
                for tile in group.tiles() {
                    tile::follow_and_step_linear(gemm, frame, &layer, &above, tile, group, stack.rest())?;
                }
                Ok(())
            })?;
            tau = Self::search(variables, executor, gemm, l)?;
        }
        variables.pass(executor, |frame, group, mut stack| {
            let (layer, above) = (frame.layers.get(l), frame.layers.get(l + 1));
            frame.clear_sums(&above, group)?;
            for tile in group.tiles() {
                if !searches {
                    tile::follow_and_step_linear(gemm, frame, &layer, &above, tile, group, stack.rest())?;
                }
                tile::step_activation(gemm, frame, &above, tau, tile, group, stack.rest())?;
                tile::accumulate(gemm, frame, &above, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    /// Algorithm 3: one tau for the activations of layer `l`.
    fn search<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result<T> {
        let Hyperparameters { input_step: rule, rho, .. } = variables.settings;
        let probed = match rule {
            StepRule::Scalar => Self::lengths(variables, executor, gemm, l, None)?,
            _ => Lengths::default(),
        };
        let mut tau = search::first_tau(&rule, rho, &variables.layers.read().get(l + 1).weights(), probed)?;
        loop {
            let tried = Self::lengths(variables, executor, gemm, l, Some(tau))?;
            let weights = variables.layers.read().get(l + 1).weights();
            let Some(next) = search::next_tau(&rule, rho, &weights, tau, tried) else { return Ok(tau) };
            tau = next;
        }
    }

    /// The sums that a tau is judged by, over all samples.
    fn lengths<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
        l: usize,
        tau: Option<T>,
    ) -> Result<Lengths> {
        variables.pass(executor, |frame, group, mut stack| {
            let (above, mut lengths) = (frame.layers.get(l + 1), Lengths::default());
            for tile in group.tiles() {
                lengths.add(tile::lengths(gemm, frame, &above, tau, tile, group, stack.rest())?);
                group.record.trials += if tau.is_some() { tile.count } else { 0 };
            }
            group.record.lengths = lengths;
            Ok(())
        })?;
        let mut all = Lengths::default();
        variables.records().for_each(|terms| all.add(terms.lengths));
        Ok(all)
    }

    /// The last layer's residual follows its weights; z (equation 5).
    fn finish<E: Executor<T>, G: Gemm<T>>(
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        variables.pass(executor, |frame, group, mut stack| {
            let layer = frame.layers.get(frame.last());
            for tile in group.tiles() {
                tile::follow_and_step_output(gemm, frame, &layer, tile, group, stack.rest())?;
            }
            Ok(())
        })
    }

    fn account(variables: &VariablesMut<'_, T>, weights_promised: f64) -> Sweep {
        let Hyperparameters { rho, regularizer, accelerate, .. } = variables.settings;
        let rho = rho.to_f64();
        let mut sweep = Sweep { promised: weights_promised, ..Sweep::default() };
        let (mut linear, mut moved) = (0.0, 0.0);
        for layer in variables.layers.read().iter() {
            sweep.objective += regularizer.value(&layer.weights());
        }
        for terms in variables.records() {
            linear += terms.linear;
            moved += if accelerate { terms.moved } else { terms.stepped };
            sweep.objective += terms.risk;
            sweep.promised += terms.promised + 0.5 * rho * terms.stepped;
            sweep.output = sweep.output.merge(terms.report);
        }
        sweep.objective += 0.5 * rho * linear;
        sweep.primal_residual = libm::sqrt(linear);
        sweep.dual_residual = rho * libm::sqrt(moved);
        sweep
    }

    /// The method for a run, whose groups of samples are the only units of work.
    ///
    /// # Errors
    /// As [`Dlam::with_partition`].
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(settings, Layerwise::cut(run), run)
    }

    /// The method for a run whose samples are cut so.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, and naming `input step` for least-squares inputs, as
    /// activations are held in intervals; [`Block`](Error::Block) for a network that is not one of layers,
    /// [`Shape`](Error::Shape) for samples or targets that do not fit it, or naming
    /// `partition` if it cuts another number of samples.
    pub fn with_partition(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        require_positive("rho", settings.rho.to_f64())?;
        require_positive("epsilon", settings.epsilon.to_f64())?;
        let extra = if settings.accelerate { Extra::Momentum } else { Extra::Nothing };
        let base = Layerwise::new::<Terms>(settings, extra, partition, run)?;
        match settings.input_step {
            StepRule::LeastSquares { damping } => Err(Error::Setting {
                name: "input step",
                found: damping.to_f64(),
                expected: "vector, scalar or backtracking: activations are held in intervals",
            }),
            StepRule::Vector | StepRule::Scalar | StepRule::Backtracking { .. } => Ok(Self { base }),
        }
    }

    /// The settings, epsilon and rho as they stand.
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

    fn variables_mut<'s>(
        &self,
        run: &Run<'s, T>,
        state: &'s mut State<'_, T>,
    ) -> Result<VariablesMut<'s, T>> {
        self.base.variables_mut(run, state)
    }

    /// The largest `|h(z) - a| - epsilon` over all hidden layers, 0 if every interval is met; rounding leaves a few
    /// units in the last place of `|a| + epsilon`. A pass of its own.
    ///
    /// # Errors
    /// [`Length`](Error::Length) as [`Dlam::variables`], those of the executor's tasks.
    pub fn violation<E: Executor<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
    ) -> Result<f64> {
        let mut variables = self.variables_mut(run, state)?;
        variables.pass(executor, |frame, group, mut stack| {
            group.record.violation = 0.0;
            for tile in group.tiles() {
                tile::account_violation(frame, tile, group, stack.rest())?;
            }
            Ok(())
        })?;
        Ok(variables.records().map(|terms| terms.violation).fold(0.0, f64::max))
    }

    /// How many columns the last sweep tried a move of a for beyond the two products that every column takes, over all
    /// hidden layers: each costs as much as a column of a product with the weights above (two with one tau a layer).
    ///
    /// # Errors
    /// [`Length`](Error::Length) as [`Dlam::variables`].
    pub fn trials(&self, run: &Run<'_, T>, state: &State<'_, T>) -> Result<usize> {
        Ok(self.variables(run, state)?.records::<Terms>().map(|terms| terms.trials).sum())
    }
}

impl<T: Real> Method<T> for Dlam<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        self.base.memory(run)
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let Ok(layers) = Layers::new(run.network) else { return Requirement::NONE };
        let (settings, tile) = (&self.base.settings, self.base.partition().tile());
        layers.shapes().fold(Requirement::NONE, |most, shape| {
            let SumsShape { n_out, n_in } = shape;
            let samples = sums::accumulate_workspace(gemm, n_out, n_in, tile)
                .or(weights::apply_workspace(gemm, n_out, n_in, tile))
                .or(linear_workspace(gemm, n_out, n_in, tile))
                .or(activation::step_workspace(gemm, n_out, n_in, tile))
                .or(activation::project_workspace(gemm, n_out, n_in, tile))
                .or(linear::step_workspace(n_out))
                .or(violation_workspace(n_out))
                .or(output::step_workspace::<T>(settings.loss, settings.solver, n_out, tile));
            let reduce = layers::step_workspace(gemm, &settings.steps(), shape);
            let most = most.or(samples).or(reduce);
            if !settings.accelerate {
                return most;
            }
            let extrapolated = extrapolation::activation_workspace(gemm, n_out, n_in, tile)
                .or(extrapolation::linear_workspace(n_out))
                .or(extrapolation::output_workspace(n_out))
                .or(layers::step_extrapolated_workspace(gemm, &settings.steps(), shape));
            most.or(extrapolated)
        })
    }

    fn partition(&self) -> Partition {
        self.base.partition()
    }

    fn recut(&self, [all, _]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(&self.base.settings, all, run)
    }

    /// `a = h(z)`, `r = 0`, a feasible start.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let mut variables = self.variables_mut(run, state)?;
        variables.reset();
        if variables.settings.accelerate {
            variables.layers.start_momentum(variables.momentum);
        }
        variables.pass(executor, |frame, group, mut stack| {
            for tile in group.tiles() {
                frame.forward(gemm, tile, group, stack.rest())?;
            }
            group.r.as_mut_slice().fill(T::ZERO);
            group.a_before.start(&group.a);
            group.z_before.start(&group.z);
            Ok(())
        })
    }

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let variables = &mut self.variables_mut(run, state)?;
        let promised = Self::algorithm_1(variables, executor, gemm)?;
        Self::account(variables, promised).require_finite()
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
        let variables = &mut self.variables_mut(run, state)?;
        variables.pass(executor, |frame, group, _| {
            let trials = group.record.trials;
            group.record = Terms { trials, ..Terms::default() };
            for tile in group.tiles() {
                for l in 0..frame.last() {
                    group.record.linear += objective::squared(&group.r.tile(l, tile));
                }
                tile::account_output(frame, tile, group)?;
            }
            Ok(())
        })?;
        Ok(Self::account(variables, 0.0).objective)
    }

    /// [`Dlam::set_rho`] and then [`Dlam::set_epsilon`], where they differ from the present ones.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        Penalties { rho, epsilon, .. }: Penalties<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        require_positive("rho", rho.to_f64())?;
        require_positive("epsilon", epsilon.to_f64())?;
        state.require(self.memory(run))?;
        if rho != self.base.settings.rho {
            self.set_rho(run, state, rho)?;
        }
        if epsilon == self.base.settings.epsilon {
            return Ok(0.0);
        }
        let Projection { before, after, .. } = self.set_epsilon(run, state, epsilon, executor, gemm)?;
        Ok(after - before)
    }

    /// R(z_L; y)/M, which [`EpsilonRule`] asks for, at the end of the last sweep or call of
    /// [`objective`](Method::objective); 0 before either, and without samples.
    fn mean_risk(&self, run: &Run<'_, T>, state: &State<'_, T>) -> Option<f64> {
        let risk: f64 = self.variables(run, state).ok()?.records::<Terms>().map(|terms| terms.risk).sum();
        Some(risk / run.samples().max(1) as f64)
    }
}
