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
//! rule any, and the start that of [`Dlam::initialize`]. Then W_l, b_l and z_l of all hidden layers, and a_l below L - 1,
//! never change, by not a bit: only a_{L-1}, W_L, b_L and z_L do.
//! Proof. By induction over sweeps, `r_l = 0` for l < L before each. The steps of W_l and b_l are linear in sums of r_l
//! (`C = r p'`, row means), so are 0, and so is the step of a_{l-1}, whose gradient is `rho W_l' r_l`. Equation 4 clips
//! `W_l a_{l-1} + b_l = z_l + r_l = z_l` to an interval that contains z_l: z_l stays, and `r_l` stays 0. For l = L the
//! risk pulls z_L, r_L is not 0, and the step of a_{L-1} enters r_L alone. So nothing below a_{L-1} changes. QED.
//! A hidden layer thus learns only from a residual of its own: from a regulariser, from a start that is not a forward
//! pass, or from [`Repair::Linear`] when epsilon shrinks: the first time in layer L - 1, whose input then moves, and so one
//! layer further down with every time that it shrinks. [`Repair::Activations`] moves a_{L-1} only, and keeps it so.
//!
//! With [`Settings::accelerate`] every block first goes on as it went, where F does not rise by that: see
//! [`extrapolation`]. F then still falls in every sweep by at least `promised`, in which the changes are those of the
//! steps alone, from the extrapolated points; the changes from sweep to sweep are larger or smaller than that, and
//! Lemma 1's sum over those is not promised.
//!
//! Residuals of [`Sweep`]: primal `sqrt(sum_l |r_l|^2)` over all layers, dual `rho sqrt(sum_l |z^{k+1} - z^k|^2)` over all
//! layers, the change by which Lemma 3 bounds the gradient for b.

mod epsilon;
mod frame;
mod settings;
mod state;

pub use epsilon::{EpsilonRule, EpsilonRuleKind};
pub use settings::{Repair, Settings};
pub use state::{Group, Hidden, Residual, State, group, hidden, residual};

use super::layer::Layer;
use super::{Partition, Problem, Sweep};
use crate::error::{Result, require_positive};
use crate::executor::{Executor, Runs};
use crate::forward::linear_workspace;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::update::interval::activation;
use crate::update::interval::search::{self, Lengths};
use crate::update::interval::{linear, violation_workspace};
use crate::update::sums::{self, SumsShape};
use crate::update::weights::Order;
use crate::update::{StepRule, extrapolation, output, weights};
use crate::view::require_size;
use crate::workspace::{Requirement, Stack};
use frame::{Frame, Tile, Unit};
use state::Terms;

/// Scratch that each of the executor's workers needs.
pub fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    tile: usize,
    layers: impl Iterator<Item = SumsShape>,
) -> Requirement {
    layers.fold(Requirement::NONE, |most, shape| {
        let SumsShape { n_out, n_in } = shape;
        let samples = sums::accumulate_workspace(gemm, n_out, n_in, tile)
            .or(weights::apply_workspace(gemm, n_out, n_in, tile))
            .or(linear_workspace(gemm, n_out, n_in, tile))
            .or(activation::step_workspace(gemm, n_out, n_in, tile))
            .or(activation::project_workspace(gemm, n_out, n_in, tile))
            .or(linear::step_workspace(n_out))
            .or(violation_workspace(n_out))
            .or(output::step_workspace::<T>(settings.loss, settings.solver, n_out, tile));
        let reduce = Layer::<T, [T; 0]>::step_workspace(gemm, &settings.steps(), shape);
        let most = most.or(samples).or(reduce);
        if !settings.accelerate {
            return most;
        }
        let extrapolated = extrapolation::activation_workspace(gemm, n_out, n_in, tile)
            .or(extrapolation::linear_workspace(n_out))
            .or(extrapolation::output_workspace(n_out))
            .or(Layer::<T, [T; 0]>::step_extrapolated_workspace(gemm, &settings.steps(), shape));
        most.or(extrapolated)
    })
}

/// What a change of epsilon did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Projection {
    /// Entries of a, or of z and a with [`Repair::Linear`], that have been moved to meet the new intervals.
    pub entries: usize,
    /// The square of the distance that they moved.
    pub squared: f64,
    /// F before.
    pub before: f64,
    /// F after; it may be higher.
    pub after: f64,
}

/// The method over a state.
#[derive(Debug)]
pub struct Dlam<'a, T: Real, S> {
    settings: Settings<T>,
    partition: Partition,
    problem: Problem<'a, T>,
    state: State<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> Dlam<'a, T, S> {
    /// Brings settings, data and state together, and checks that they fit.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting), [`Shape`](crate::error::Error::Shape),
    /// [`Length`](crate::error::Error::Length) naming `sums` or `solve`.
    pub fn new(
        settings: Settings<T>,
        partition: Partition,
        problem: Problem<'a, T>,
        state: State<'a, T, S>,
    ) -> Result<Self> {
        settings.validate()?;
        let method = Self { settings, partition, problem, state };
        method.check()?;
        Ok(method)
    }

    fn check(&self) -> Result {
        let State { layers, momentum, hidden, residuals, groups } = &self.state;
        let (count, hidden_count) = (layers.len(), layers.len().saturating_sub(1));
        let accelerate = self.settings.accelerate;
        require_size("layers", (count.min(1), 1), (1, 1))?;
        require_size("x", self.problem.x.shape(), (self.problem.x.nrows(), self.partition.samples()))?;
        require_size("groups", (groups.len(), 1), (self.partition.groups(), 1))?;
        require_size("hidden", (hidden.len(), 1), (groups.len() * hidden_count, 1))?;
        require_size("residuals", (residuals.len(), 1), (groups.len() * count, 1))?;
        require_size("momentum", (momentum.len(), 1), (if accelerate { count } else { 0 }, 1))?;
        let mut n_in = self.problem.x.nrows();
        for (l, layer) in layers.iter().enumerate() {
            let n_out = layer.shape().0;
            require_size("weights", layer.shape(), (n_out, n_in))?;
            layer.check(&self.settings.steps(), l)?;
            if accelerate {
                require_size("momentum", momentum[l].shape(), (n_out, n_in))?;
            }
            for (g, group) in groups.iter().enumerate() {
                let m = self.partition.group(g).1;
                let before = if accelerate { m } else { 0 };
                require_size("r", residuals[g * count + l].r.shape(), (n_out, m))?;
                if l < hidden_count {
                    let Hidden { a, z, a_before, z_before } = &hidden[g * hidden_count + l];
                    require_size("a", a.shape(), (n_out, m))?;
                    require_size("z", z.shape(), (n_out, m))?;
                    require_size("a before", (n_out, a_before.columns()), (n_out, before))?;
                    require_size("z before", (n_out, z_before.columns()), (n_out, before))?;
                } else {
                    require_size("z", group.z.shape(), (n_out, m))?;
                    require_size("z before", (n_out, group.z_before.columns()), (n_out, before))?;
                }
                layer.check_sums(group.sums.as_ref())?;
            }
            n_in = n_out;
        }
        self.settings.loss.check_target(self.problem.target, n_in, self.partition.samples())
    }

    /// The layers, for their weights.
    pub fn layers(&self) -> &[Layer<T, S>] {
        self.state.layers
    }

    /// The whole state, for reading.
    pub fn state(&self) -> &State<'a, T, S> {
        &self.state
    }

    /// The settings, epsilon and rho as they stand.
    pub fn settings(&self) -> &Settings<T> {
        &self.settings
    }

    /// Runs `pass` for every group.
    fn pass<E: Executor<T>>(
        &mut self,
        executor: &mut E,
        pass: impl Fn(&Frame<'_, T, S>, usize, Unit<'_, T, S>, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let Self { settings, partition, problem, state } = self;
        let State { layers, hidden, residuals, groups, .. } = state;
        let frame = Frame { settings: *settings, partition: *partition, problem: *problem, layers };
        let count = frame.layers.len();
        if count == 1 {
            let units = (Runs::new(residuals, 1), &mut **groups);
            return executor.run(units, |g, (residuals, group), stack| {
                pass(&frame, g, Unit { hidden: &mut [], residuals, group }, stack)
            });
        }
        let units = (Runs::new(hidden, count - 1), Runs::new(residuals, count), &mut **groups);
        executor.run(units, |g, (hidden, residuals, group), stack| {
            pass(&frame, g, Unit { hidden, residuals, group }, stack)
        })
    }

    /// Sets z, a and r by a forward pass from the layers' weights: `a = h(z)`, `r = 0`, a feasible start.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        self.state.layers.iter_mut().for_each(Layer::reset);
        for (momentum, layer) in self.state.momentum.iter_mut().zip(&*self.state.layers) {
            momentum.start(layer);
        }
        self.pass(executor, |frame, g, mut unit, mut stack| {
            frame.open(unit.group);
            for tile in frame.tiles(g) {
                frame.forward(gemm, &mut unit, tile, stack.rest())?;
            }
            unit.residuals.iter_mut().for_each(|residual| residual.r.as_mut_slice().fill(T::ZERO));
            for Hidden { a, z, a_before, z_before } in unit.hidden.iter_mut() {
                a_before.start(a);
                z_before.start(z);
            }
            unit.group.z_before.start(&unit.group.z);
            Ok(())
        })
    }

    /// One sweep of Algorithm 1.
    ///
    /// # Errors
    /// [`NonFinite`](crate::error::Error::NonFinite) as soon as weights, F or a change are not finite, else what the
    /// updates say.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<Sweep> {
        let last = self.state.layers.len() - 1;
        self.start(executor, gemm)?;
        let mut promised = self.reduce(executor, gemm, 0)?;
        for l in 0..last {
            self.forward(executor, gemm, l)?;
            promised += self.reduce(executor, gemm, l + 1)?;
        }
        self.pass(executor, |frame, g, mut unit, mut stack| {
            for tile in frame.tiles(g) {
                frame.follow_and_step_output(gemm, &mut unit, tile, stack.rest())?;
            }
            Ok(())
        })?;
        self.account(promised).require_finite()
    }

    /// The sums for W and b of the first layer.
    fn start<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        self.pass(executor, |frame, g, mut unit, mut stack| {
            frame.open(unit.group);
            frame.clear_sums(unit.group, 0)?;
            for tile in frame.tiles(g) {
                frame.accumulate(gemm, &mut unit, 0, tile, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The residual of layer `l` follows its weights; z and a (equations 4 and 6), and the sums for W and b above.
    fn forward<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, l: usize) -> Result {
        let searches = self.settings.input_step != StepRule::Vector;
        let mut tau = T::ZERO;
        if searches {
            self.pass(executor, |frame, g, mut unit, mut stack| {
                for tile in frame.tiles(g) {
                    frame.follow_and_step_linear(gemm, &mut unit, l, tile, stack.rest())?;
                }
                Ok(())
            })?;
            tau = self.search(executor, gemm, l)?;
        }
        self.pass(executor, |frame, g, mut unit, mut stack| {
            frame.clear_sums(unit.group, l + 1)?;
            for tile in frame.tiles(g) {
                if !searches {
                    frame.follow_and_step_linear(gemm, &mut unit, l, tile, stack.rest())?;
                }
                frame.step_activation(gemm, &mut unit, l, tau, tile, stack.rest())?;
                frame.accumulate(gemm, &mut unit, l + 1, tile, stack.rest())?;
            }
            Ok(())
        })
    }

    /// Algorithm 3: one tau for the activations of layer `l`.
    fn search<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, l: usize) -> Result<T> {
        let Settings { input_step: rule, rho, .. } = self.settings;
        let probed = match rule {
            StepRule::Scalar => self.lengths(executor, gemm, l, None)?,
            _ => Lengths::default(),
        };
        let mut tau = search::first_tau(&rule, rho, &self.state.layers[l + 1].weights(), probed)?;
        loop {
            let tried = self.lengths(executor, gemm, l, Some(tau))?;
            let Some(next) = search::next_tau(&rule, rho, &self.state.layers[l + 1].weights(), tau, tried)
            else {
                return Ok(tau);
            };
            tau = next;
        }
    }

    /// The sums that a tau is judged by, over all samples.
    fn lengths<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
        tau: Option<T>,
    ) -> Result<Lengths> {
        self.pass(executor, |frame, g, unit, mut stack| {
            let mut lengths = Lengths::default();
            for tile in frame.tiles(g) {
                lengths.add(frame.lengths(gemm, &unit, l, tau, tile, stack.rest())?);
                unit.group.terms.trials += if tau.is_some() { tile.count } else { 0 };
            }
            unit.group.lengths = lengths;
            Ok(())
        })?;
        let mut all = Lengths::default();
        self.state.groups.iter().for_each(|group| all.add(group.lengths));
        Ok(all)
    }

    /// Weights and bias of layer `l` (equations 2 and 3); returns what they promise.
    fn reduce<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, l: usize) -> Result<f64> {
        let (Settings { rho, accelerate, .. }, samples) = (self.settings, self.partition.samples());
        let steps = self.settings.steps();
        let State { layers, momentum, groups, .. } = &mut self.state;
        layers[l].collect_at_once(executor, || groups.iter().map(|group| group.sums.as_ref()))?;
        if accelerate && samples > 0 {
            let units = (&mut layers[l..=l], &mut momentum[l..=l]);
            executor.run(units, |_, (layer, momentum), stack| {
                layer.step_extrapolated(gemm, &steps, rho, l == 0, samples, momentum, stack)
            })?;
        } else {
            executor.run(&mut layers[l..=l], |_, layer, stack| {
                layer.step(gemm, &steps, Order::WeightsFirst, rho, l == 0, samples, stack)
            })?;
        }
        Ok(layers[l].reduced().promised)
    }

    fn account(&self, weights_promised: f64) -> Sweep {
        let Settings { rho, regularizer, accelerate, .. } = self.settings;
        let rho = rho.to_f64();
        let mut sweep = Sweep { promised: weights_promised, ..Sweep::default() };
        let (mut linear, mut moved) = (0.0, 0.0);
        for layer in self.state.layers.iter() {
            sweep.objective += regularizer.value(&layer.weights());
        }
        for Group { terms, .. } in self.state.groups.iter() {
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

    /// F of the present state, by a pass of its own; a sweep reports it anyway.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn objective<E: Executor<T>>(&mut self, executor: &mut E) -> Result<f64> {
        self.pass(executor, |frame, g, mut unit, _| {
            let trials = unit.group.terms.trials;
            unit.group.terms = Terms { trials, ..Terms::default() };
            for tile in frame.tiles(g) {
                let Tile { start, count, .. } = tile;
                for l in 0..unit.hidden.len() {
                    let squared = crate::objective::squared(&unit.residuals[l].r.columns(start, count));
                    unit.group.terms.linear += squared;
                }
                frame.account_output(&mut unit, tile)?;
            }
            Ok(())
        })?;
        Ok(self.account(0.0).objective)
    }

    /// The largest `|h(z) - a| - epsilon` over all hidden layers, 0 if every interval is met; rounding leaves a few
    /// units in the last place of `|a| + epsilon`. A pass of its own.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn violation<E: Executor<T>>(&mut self, executor: &mut E) -> Result<f64> {
        self.pass(executor, |frame, g, mut unit, mut stack| {
            unit.group.terms.violation = 0.0;
            for tile in frame.tiles(g) {
                frame.account_violation(&mut unit, tile, stack.rest())?;
            }
            Ok(())
        })?;
        Ok(self.state.groups.iter().map(|group| group.terms.violation).fold(0.0, f64::max))
    }

    /// The mean risk R(z_L; y)/M, which [`EpsilonRule`] asks for, as it was at the end of the last sweep or call of
    /// [`objective`](Dlam::objective); 0 before either, and without samples.
    pub fn risk(&self) -> f64 {
        let risk: f64 = self.state.groups.iter().map(|group| group.terms.risk).sum();
        risk / self.partition.samples().max(1) as f64
    }

    /// How many columns the last sweep tried a move of a for beyond the two products that every column takes, over all
    /// hidden layers: each costs as much as a column of a product with the weights above (two with one tau a layer).
    pub fn trials(&self) -> usize {
        self.state.groups.iter().map(|group| group.terms.trials).sum()
    }

    /// Sets rho between sweeps, above 0. F is another function from then on.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting); nothing is changed.
    pub fn set_rho(&mut self, rho: T) -> Result {
        require_positive("rho", rho.to_f64())?;
        self.settings.rho = rho;
        // The first layer's factor holds lambda/rho.
        let holds = matches!(
            (self.settings.weight_step, self.settings.regularizer),
            (StepRule::LeastSquares { .. }, Regularizer::L2(_))
        );
        if holds {
            self.state.layers[0].reset();
        }
        Ok(())
    }

    /// Sets epsilon between sweeps, above 0. Where it shrinks, [`Settings::repair`] says whether a or z moves so that the new
    /// intervals are met; the residuals follow, with a product for each layer whose a moves. F may rise by that, and what
    /// happened is reported.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting), when nothing is changed, and those of the executor's tasks.
    pub fn set_epsilon<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        epsilon: T,
    ) -> Result<Projection> {
        require_positive("epsilon", epsilon.to_f64())?;
        let before = self.objective(executor)?;
        let shrinks = epsilon < self.settings.epsilon;
        self.settings.epsilon = epsilon;
        if !shrinks {
            return Ok(Projection { before, after: before, ..Projection::default() });
        }
        self.pass(executor, |frame, g, mut unit, mut stack| {
            for tile in frame.tiles(g) {
                frame.project(gemm, &mut unit, tile, stack.rest())?;
            }
            Ok(())
        })?;
        let terms = |of: fn(&Terms) -> f64| self.state.groups.iter().map(|g| of(&g.terms)).sum::<f64>();
        let squared = terms(|terms| terms.projected);
        let entries = self.state.groups.iter().map(|group| group.terms.entries).sum();
        let after = self.objective(executor)?;
        Ok(Projection { entries, squared, before, after })
    }
}
