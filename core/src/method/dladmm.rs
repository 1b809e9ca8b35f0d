//! dlADMM (Wang, Yu, Chen, Zhao, KDD 2019): one layer after the other, backward and then forward.
//!
//! Algorithm 1: backward for l = L..1 the last layer takes z, b, W (equations 5, 7, 9), the others a, z, b, W (3, 4, 6,
//! 9); forward for l = 1..L the layers take W, b, z, a (11, 12, 14, 16), the last W, b, z (11, 13, 15); then the dual.
//!
//! Each pass over the samples is fused: what follows the reduction of one layer (its residual, the input below it, the z
//! below) and what comes before that of the next (its sums) is done while a tile is in cache. Samples are worked on in
//! groups, layers in order.
//!
//! Between the first layer's backward and forward step no sample changes, so its second step is made from the sums of
//! the first: two products a sweep instead of four.
//!
//! L_rho is equation 1. The last layer carries the shifted residual `r = W a + b - z - u/rho`, with which every formula
//! holds as for the others with `w = rho`. Guarantee (Property 2): for `rho > 2 H` L_rho falls in every sweep by at least
//! [`Sweep::promised`], if the dual starts at `-grad R(z_L)`, as it does here.

mod frame;
mod penalties;
mod state;

pub(super) use frame::Unit;
pub(super) use state::Terms;
pub use state::{Group, Hidden, Residual, State, group, hidden, residual};

use super::layer::Layer;
use super::{Partition, Problem, Settings, Sweep};
use crate::error::Result;
use crate::executor::{Executor, Runs};
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::objective::{self, ConstraintTerms};
use crate::real::Real;
use crate::theory::dladmm_output_constant;
use crate::update::input::{self, Probe, StepKind};
use crate::update::sums::{self, SumsShape};
use crate::update::weights::Order;
use crate::update::{StepRule, dual, hidden, output, weights};
use crate::view::{as_ref, require_size};
use crate::workspace::{Requirement, Stack};
use frame::{Frame, linear_weight};

/// Scratch that each of the executor's workers needs.
pub fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    tile: usize,
    layers: impl Iterator<Item = SumsShape>,
) -> Requirement {
    layers.fold(Requirement::NONE, |most, shape| {
        let SumsShape { n_out, n_in } = shape;
        let kind = StepKind::of(&settings.input_step, n_out, n_in);
        let prepare = Layer::<T, [T; 0]>::prepare_input_workspace(gemm, &settings.steps(), shape);
        let step = Requirement::matrix(n_in, tile).and(input::step_workspace(gemm, kind, n_out, n_in, tile));
        let samples = sums::accumulate_workspace(gemm, n_out, n_in, tile)
            .or(weights::apply_workspace(gemm, n_out, n_in, tile))
            .or(hidden::step_workspace(n_out))
            .or(objective::activation_gap_workspace(n_out))
            .or(output::step_workspace::<T>(settings.loss, settings.solver, n_out, tile));
        let reduce = Layer::<T, [T; 0]>::step_workspace(gemm, &settings.steps(), shape);
        most.or(prepare).or(step).or(samples).or(reduce)
    })
}

/// The method over a state.
#[derive(Debug)]
pub struct DlAdmm<'a, T: Real, S> {
    pub(super) settings: Settings<T>,
    partition: Partition,
    problem: Problem<'a, T>,
    state: State<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> DlAdmm<'a, T, S> {
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
        let State { layers, hidden, residuals, groups } = &self.state;
        let (count, hidden_count) = (layers.len(), layers.len().saturating_sub(1));
        require_size("layers", (count.min(1), 1), (1, 1))?;
        require_size("x", self.problem.x.shape(), (self.problem.x.nrows(), self.partition.samples()))?;
        require_size("groups", (groups.len(), 1), (self.partition.groups(), 1))?;
        require_size("hidden", (hidden.len(), 1), (groups.len() * hidden_count, 1))?;
        require_size("residuals", (residuals.len(), 1), (groups.len() * count, 1))?;
        let mut n_in = self.problem.x.nrows();
        for (l, layer) in layers.iter().enumerate() {
            let n_out = layer.shape().0;
            require_size("weights", layer.shape(), (n_out, n_in))?;
            layer.check(&self.settings.steps(), l)?;
            for g in 0..groups.len() {
                let shape = (n_out, self.partition.group(g).1);
                require_size("r", residuals[g * count + l].r.shape(), shape)?;
                if l < hidden_count {
                    require_size("a", hidden[g * hidden_count + l].a.shape(), shape)?;
                    require_size("z", hidden[g * hidden_count + l].z.shape(), shape)?;
                } else {
                    require_size("z", groups[g].z.shape(), shape)?;
                    require_size("u", groups[g].u.shape(), shape)?;
                }
                layer.check_sums(groups[g].sums.as_ref())?;
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

    /// Runs `pass` for every group.
    pub(super) fn pass<E: Executor<T>>(
        &mut self,
        executor: &mut E,
        pass: impl Fn(&Frame<'_, T, S>, usize, Unit<'_, T, S>, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let Self { settings, partition, problem, state } = self;
        let State { layers, hidden, residuals, groups } = state;
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

    /// Sets a, z, r and u by a forward pass from the layers' weights: `a = f(z)`, `r = 0` but for the last layer's shift,
    /// `u = -grad R(z_L)`.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        self.state.layers.iter_mut().for_each(Layer::reset);
        self.pass(executor, |frame, g, unit, mut stack| {
            for (start, count) in frame.partition.tiles(g) {
                for (l, layer) in frame.layers.iter().enumerate() {
                    let (below, rest) = unit.hidden.split_at_mut(l);
                    let p = frame.input(below, g, start, count);
                    let Some(here) = rest.first_mut() else {
                        layer.forward(gemm, &p, &mut unit.group.z.columns_mut(start, count), stack.rest())?;
                        break;
                    };
                    let mut z = here.z.columns_mut(start, count);
                    layer.forward(gemm, &p, &mut z, stack.rest())?;
                    let mut a = here.a.columns_mut(start, count);
                    for j in 0..count {
                        let z = crate::view::column(&as_ref(&z), j);
                        frame.settings.activation.apply(z, crate::view::column_mut(&mut a, j))?;
                    }
                }
                frame.initialize_dual(unit.group, g, start, count)?;
            }
            let (last, others) = unit.residuals.split_last_mut().expect("a network has a layer");
            others.iter_mut().for_each(|residual| residual.r.as_mut_slice().fill(T::ZERO));
            let shift = -(T::ONE / frame.settings.rho);
            for (r, &u) in last.r.as_mut_slice().iter_mut().zip(unit.group.u.as_slice()) {
                *r = shift * u;
            }
            Ok(())
        })
    }

    /// One sweep of Algorithm 1.
    ///
    /// # Errors
    /// [`NonFinite`](crate::error::Error::NonFinite) as soon as weights, the Lagrangian or a change are not
    /// finite, else what the updates say.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<Sweep> {
        let mut weights_promised = 0.0;
        let last = self.state.layers.len() - 1;
        self.start(executor, gemm)?;
        weights_promised += self.reduce(executor, gemm, last, Order::BiasFirst)?;
        for l in (0..last).rev() {
            self.prepare_input(executor, gemm, l + 1)?;
            self.backward(executor, gemm, l)?;
            weights_promised += self.reduce(executor, gemm, l, Order::BiasFirst)?;
        }
        weights_promised += self.reduce_again(executor, gemm)?;
        for l in 0..last {
            self.forward(executor, gemm, l)?;
            weights_promised += self.reduce(executor, gemm, l + 1, Order::WeightsFirst)?;
        }
        self.finish(executor, gemm)?;
        let constant =
            dladmm_output_constant(self.settings.rho.to_f64(), self.settings.loss.lipschitz::<f64>());
        self.account(weights_promised, constant).require_finite()
    }

    /// The last layer's z (equation 5), and the sums for its b and W.
    fn start<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let last = self.state.layers.len() - 1;
        self.pass(executor, |frame, g, unit, mut stack| {
            let Unit { hidden, residuals, group } = unit;
            group.terms = Terms::default();
            group.before.as_mut_slice().copy_from_slice(group.z.as_slice());
            frame.clear_sums(group, last)?;
            for (start, count) in frame.partition.tiles(g) {
                frame.step_output(&mut residuals[last], group, g, start, count, stack.rest())?;
                frame.accumulate(gemm, hidden, residuals, group, g, last, start, count, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The residual above follows its weights; a and z of layer `l` (equations 3 and 4), and the sums for its b and W.
    fn backward<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, l: usize) -> Result {
        let mut change = Some(l + 1);
        if self.probes() {
            self.probe(executor, gemm, l, change.take())?;
        }
        self.pass(executor, |frame, g, unit, mut stack| {
            let Unit { hidden, residuals, group } = unit;
            frame.clear_sums(group, l)?;
            for (start, count) in frame.partition.tiles(g) {
                if let Some(changed) = change {
                    frame.follow(gemm, hidden, residuals, g, changed, start, count, stack.rest())?;
                }
                frame.step_activation(gemm, hidden, residuals, group, l, start, count, stack.rest())?;
                frame.step_linear(hidden, residuals, l, start, count, stack.rest())?;
                frame.accumulate(gemm, hidden, residuals, group, g, l, start, count, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The residual follows the weights; z and a of layer `l` (equations 14 and 16), and the sums for W and b above.
    fn forward<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, l: usize) -> Result {
        let probes = self.probes();
        if probes {
            self.pass(executor, |frame, g, unit, mut stack| {
                let Unit { hidden, residuals, .. } = unit;
                for (start, count) in frame.partition.tiles(g) {
                    frame.follow_and_step_linear(
                        gemm,
                        hidden,
                        residuals,
                        g,
                        l,
                        start,
                        count,
                        stack.rest(),
                    )?;
                }
                Ok(())
            })?;
            self.probe(executor, gemm, l, None)?;
        }
        self.pass(executor, |frame, g, unit, mut stack| {
            let Unit { hidden, residuals, group } = unit;
            frame.clear_sums(group, l + 1)?;
            for (start, count) in frame.partition.tiles(g) {
                if !probes {
                    frame.follow_and_step_linear(
                        gemm,
                        hidden,
                        residuals,
                        g,
                        l,
                        start,
                        count,
                        stack.rest(),
                    )?;
                }
                frame.step_activation(gemm, hidden, residuals, group, l, start, count, stack.rest())?;
                frame.account_hidden(&hidden[l], &residuals[l], group, start, count, stack.rest())?;
                frame.accumulate(gemm, hidden, residuals, group, g, l + 1, start, count, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The last layer's residual follows its weights; z (equation 15) and the dual.
    pub(super) fn finish<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let last = self.state.layers.len() - 1;
        self.pass(executor, |frame, g, unit, mut stack| {
            let Unit { hidden, residuals, group } = unit;
            for (start, count) in frame.partition.tiles(g) {
                frame.follow(gemm, hidden, residuals, g, last, start, count, stack.rest())?;
                frame.step_output(&mut residuals[last], group, g, start, count, stack.rest())?;
                let mut r = residuals[last].r.columns_mut(start, count);
                dual::step_shifted(frame.settings.rho, &mut r, &mut group.u.columns_mut(start, count))?;
                frame.account_output(&residuals[last], group, g, start, count)?;
            }
            for (&new, &old) in group.z.as_slice().iter().zip(group.before.as_slice()) {
                group.terms.sweep_moved += ((new - old) * (new - old)).to_f64();
            }
            Ok(())
        })
    }

    /// Whether one tau a layer must be found before its input can step.
    fn probes(&self) -> bool {
        matches!(self.settings.input_step, StepRule::Scalar | StepRule::Backtracking { .. })
    }

    /// Finds the scalar tau of the input of layer `l + 1`; `change` names a layer whose residual must first follow.
    fn probe<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
        change: Option<usize>,
    ) -> Result {
        self.pass(executor, |frame, g, unit, mut stack| {
            unit.group.probe = Probe::default();
            for (start, count) in frame.partition.tiles(g) {
                if let Some(changed) = change {
                    frame.follow(
                        gemm,
                        unit.hidden,
                        unit.residuals,
                        g,
                        changed,
                        start,
                        count,
                        stack.rest(),
                    )?;
                }
                let mut stack = stack.rest();
                let here = &unit.hidden[l];
                let a = here.a.columns(start, count);
                let mut gradient = stack.matrix(a.nrows(), count)?;
                let Settings { nu, activation, .. } = frame.settings;
                let z = here.z.columns(start, count);
                input::activation_coupling(nu, activation, &a, &z, &mut gradient)?;
                let (w, weights) = (frame.weight(l + 1), frame.layers[l + 1].weights());
                let r = unit.residuals[l + 1].r.columns(start, count);
                let found = input::probe(gemm, w, nu, &weights, &mut gradient, &r, stack)?;
                unit.group.probe.add(found);
            }
            Ok(())
        })?;
        let mut probe = Probe::default();
        self.state.groups.iter().for_each(|group| probe.add(group.probe));
        let (settings, w) = (self.settings, self.weight(l + 1));
        self.state.layers[l + 1].set_tau(&settings.steps(), w, settings.nu, probe)
    }

    /// Makes the exact step of the input of layer `l` ready. It serves the backward and the forward pass, since the
    /// layer's weights do not change between them.
    pub(super) fn prepare_input<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
    ) -> Result {
        if !matches!(self.settings.input_step, StepRule::LeastSquares { .. }) {
            return Ok(());
        }
        let (settings, w) = (self.settings, self.weight(l));
        executor.run(&mut self.state.layers[l..=l], |_, layer, stack| {
            layer.prepare_input(gemm, &settings.steps(), w, settings.nu, stack)
        })
    }

    /// Weights and bias of layer `l`; returns what they promise.
    pub(super) fn reduce<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
        order: Order,
    ) -> Result<f64> {
        let (settings, w, samples) = (self.settings, self.weight(l), self.partition.samples());
        let groups = &*self.state.groups;
        let layer = &mut self.state.layers[l];
        layer.collect_at_once(executor, || groups.iter().map(|group| group.sums.as_ref()))?;
        executor.run(&mut self.state.layers[l..=l], |_, layer, stack| {
            layer.step(gemm, &settings.steps(), order, w, l == 0, samples, stack)
        })?;
        Ok(self.state.layers[l].reduced().promised)
    }

    /// The first layer's forward step right after its backward one; returns what it promises.
    fn reduce_again<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<f64> {
        let (settings, w, samples) = (self.settings, self.weight(0), self.partition.samples());
        let before = self.state.layers[0].reduced().promised;
        executor.run(&mut self.state.layers[..1], |_, layer, stack| {
            layer.step_again(gemm, &settings.steps(), Order::WeightsFirst, w, samples, stack)
        })?;
        Ok(self.state.layers[0].reduced().promised - before)
    }

    fn weight(&self, l: usize) -> T {
        linear_weight(&self.settings, l, self.state.layers.len())
    }

    /// Adds up the groups' shares, in their order. `output_constant` is what a method promises for `|dz_L|^2`.
    pub(super) fn account(&self, weights_promised: f64, output_constant: f64) -> Sweep {
        let Settings { nu, rho, regularizer, .. } = self.settings;
        let (nu, rho) = (nu.to_f64(), rho.to_f64());
        let mut sweep = Sweep { promised: weights_promised, ..Sweep::default() };
        let (mut constraint, mut moved) = (ConstraintTerms::default(), 0.0);
        for layer in self.state.layers.iter() {
            sweep.objective += regularizer.value(&layer.weights());
        }
        for Group { terms, .. } in self.state.groups.iter() {
            sweep.objective += terms.risk + 0.5 * nu * (terms.linear + terms.activation);
            constraint.add(terms.constraint);
            sweep.promised += terms.input_promised + output_constant * terms.output_moved;
            moved += terms.sweep_moved;
            sweep.output = sweep.output.merge(terms.report);
        }
        sweep.objective += constraint.value(rho);
        sweep.primal_residual = libm::sqrt(constraint.gap);
        sweep.dual_residual = rho * libm::sqrt(moved);
        sweep
    }

    /// The Lagrangian of the present state, by a pass of its own; a sweep reports it anyway.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn objective<E: Executor<T>>(&mut self, executor: &mut E) -> Result<f64> {
        self.pass(executor, |frame, g, unit, mut stack| {
            let Unit { hidden, residuals, group } = unit;
            group.terms = Terms::default();
            for (start, count) in frame.partition.tiles(g) {
                for (here, residual) in hidden.iter().zip(residuals.iter()) {
                    frame.account_hidden(here, residual, group, start, count, stack.rest())?;
                }
                frame.account_output(&residuals[hidden.len()], group, g, start, count)?;
            }
            Ok(())
        })?;
        Ok(self.account(0.0, 0.0).objective)
    }
}
