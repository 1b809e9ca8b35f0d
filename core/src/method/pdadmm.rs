//! pdADMM (Wang, Chai, Cheng, Zhao, ICDM 2020): all layers in parallel.
//!
//! Algorithm 1, for every layer at once: p (equation 1), W (2), b (3), z (4, 5), q (6), u (7), in three phases:
//!
//! - **map** over layers x groups of samples: the input update, then the sums; it reads z and q of the layer below;
//! - **reduce** over layers: weights and bias;
//! - **apply** over layers x groups: the residual, z, q and u; it reads p of the layer above.
//!
//! Between map and apply lies a barrier, since apply overwrites the z and q that the next layer's map reads.
//!
//! L_rho is the Lagrangian before Algorithm 1, plus Omega. Guarantee (Lemma 1): for
//! `rho > max(4 nu s^2, (sqrt(17) + 1) nu/2)` it falls in every sweep by at least [`Sweep::promised`].

mod frame;
mod penalties;
mod variables;

pub use variables::{DualStorage, Variables};

use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::layers::{self, Layers};
use super::numbers::Numbers;
use super::partition::{strips, tile_of, tile_of_mut};
use super::{Hyperparameters, Memory, Method, Partition, Penalties, Run, State, Sweep, pass};
use crate::error::{Result, require_positive};
use crate::executor::{Executor, Owners, Readers, Runs};
use crate::gemm::Gemm;
use crate::objective;
use crate::real::Real;
use crate::theory::{self, PdAdmmConstants};
use crate::update::input::{self, Moved, Probe, StepKind};
use crate::update::sums::{self, SumsShape};
use crate::update::{StepRule, copy, hidden, output, weights};
use crate::view::{as_ref, require_length};
use crate::workspace::Requirement;
use frame::{Frame, OutputMut};
use variables::{InputRecord, Length, Sizes, Terms, VariablesMut};

/// What is known of pdADMM without a run.
///
/// Defaults from held-out images of MNIST (six pairs of nu and rho, 50 sweeps of 196-500-500-10 on 10,000 images): rho stays
/// above the threshold of Lemma 1, 4 nu for ReLU; below it no pair was better by more than 0.2 points.
pub const CARD: Card = Card {
    name: "pdadmm",
    code: 0,
    title: "pdADMM",
    summary: "All layers at once, each with its own copy of its input (ICDM 2020, Algorithm 1)",
    paper: "J. Wang, Z. Chai, Y. Cheng, L. Zhao, Toward Model Parallelism for Deep Neural Network based on \
            Gradient-free ADMM Framework, ICDM 2020",
    layers_only: true,
    uses: &[
        Use::Nu,
        Use::NuSchedule,
        Use::Rho,
        Use::RhoSchedule,
        Use::Balancing,
        Use::Steps,
        Use::Damping,
        Use::L1,
    ],
    in_minibatches: &[],
    defaults: |setup| match setup.step {
        StepRule::LeastSquares { .. } => Defaults { nu: 1.0, rho: 4.1, ..Defaults::UNUSED },
        StepRule::Vector | StepRule::Scalar | StepRule::Backtracking { .. } => {
            Defaults { nu: 0.01, rho: 0.041, ..Defaults::UNUSED }
        }
    },
    batch: None,
    composed: false,
    products: |first, input_step, n_out, n_in| {
        LayerProducts::alternating(first, matches!(input_step, StepRule::LeastSquares { .. }), n_out, n_in)
    },
    // p, z, q and r of a hidden layer, z and r of the last; u follows from Lemma 4.
    state: StateMatrices { hidden: 4, last: 2, cut: 0 },
    rho_threshold: Some(|nu, s, _| theory::pdadmm_rho_threshold(nu, s)),
    theorem: "pdADMM, Lemma 1: rho > max(4 nu s^2, (sqrt(17) + 1) nu / 2)",
};

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct PdAdmm<T> {
    settings: Hyperparameters<T>,
    partition: Partition,
}

impl<T: Real> PdAdmm<T> {
    /// The method for a run, whose samples are cut so that layers x groups are enough units of work for many threads.
    ///
    /// # Errors
    /// As [`PdAdmm::with_partition`].
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let layers = Layers::new(run.network)?;
        Self::with_partition(settings, Partition::for_phase(run.samples(), layers.count()), run)
    }

    /// The method for a run whose samples are cut so.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting) for a number out of its range, [`Block`](crate::Error::Block) for a network that is
    /// not one of layers, [`Shape`](crate::Error::Shape) for samples or targets that do not fit it, or naming
    /// `partition` if it cuts another number of samples.
    pub fn with_partition(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        require_positive("nu", settings.nu.to_f64())?;
        require_positive("rho", settings.rho.to_f64())?;
        settings.steps().validate()?;
        Layers::new(run.network)?;
        require_length("partition", partition.samples(), run.samples())?;
        pass::check(settings.loss, run)?;
        Ok(Self { settings: *settings, partition })
    }

    /// The present settings.
    pub fn settings(&self) -> &Hyperparameters<T> {
        &self.settings
    }

    /// The variables, for reading.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn variables<'s>(&self, run: &Run<'s, T>, state: &'s State<'_, T>) -> Result<Variables<'s, T>> {
        Variables::new(self.sizes(run)?, state)
    }

    fn sizes<'s>(&self, run: &Run<'s, T>) -> Result<Sizes<'s, T>> {
        Ok(Sizes::new(Layers::new(run.network)?, self.partition, &self.settings))
    }

    fn frame<'s>(&self, run: &Run<'s, T>) -> Result<Frame<'s, T>> {
        let (sizes, activation) = (self.sizes(run)?, Layers::new(run.network)?.activation());
        Ok(Frame {
            settings: self.settings,
            activation,
            problem: run.problem,
            partition: self.partition,
            sizes,
        })
    }

    /// What the input steps need to know of the weights: the inverse Hessian, or one tau a layer.
    fn prepare_inputs<E: Executor<T>, G: Gemm<T>>(
        &self,
        frame: &Frame<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (w, c, count) = (self.settings.nu, self.settings.rho, frame.layers());
        match self.settings.input_step {
            StepRule::Vector => Ok(()),
            StepRule::LeastSquares { .. } => executor.run_at(
                Owners::Layers { first: 1 },
                variables.layers.range(1, count),
                |_, mut layer, stack| layer.prepare_input(gemm, w, c, stack),
            ),
            StepRule::Scalar | StepRule::Backtracking { .. } => {
                self.probe(frame, variables, executor, gemm)?;
                let records = variables.inputs.chunks(self.partition.groups() * InputRecord::COUNT);
                for (l, records) in records.enumerate().skip(1) {
                    let mut probe = Probe::default();
                    InputRecord::all(records).for_each(|record| probe.add(record.probe));
                    variables.layers.get(l).set_tau(w, c, probe)?;
                }
                Ok(())
            }
        }
    }

    fn probe<E: Executor<T>, G: Gemm<T>>(
        &self,
        frame: &Frame<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let VariablesMut { layers, p, r, z, q, u, inputs, .. } = variables;
        let (layers, groups) = (layers.read(), self.partition.groups());
        let (p, r, z, q, u) = (&**p, &**r, &**z, &**q, &**u);
        let first = groups * InputRecord::COUNT;
        let units = Runs::new(&mut inputs[first..], InputRecord::COUNT);
        executor.run_at(Owners::Grid { first: 1, groups }, units, |below, record, mut stack| {
            let unit = below + groups;
            let (layer, below) = (layers.get(unit / groups), frame.output(z, q, u, below));
            let (p, r) = (frame.sizes.of(p, unit, Sizes::p), frame.sizes.of(r, unit, Sizes::z));
            let SumsShape { n_out, n_in } = layer.shape();
            let mut probe = Probe::default();
            for (start, count) in self.partition.tiles(unit % groups) {
                let mut stack = stack.rest();
                let (p, r) = (tile_of(p, n_in, start, count), tile_of(r, n_out, start, count));
                let mut gradient = stack.matrix(n_in, count)?;
                frame.coupling(&below, &p, start, &mut gradient)?;
                let Hyperparameters { nu, rho, .. } = self.settings;
                probe.add(input::probe(gemm, nu, rho, &layer.weights(), &mut gradient, &r, stack)?);
            }
            InputRecord::update(record, |record| record.probe = probe);
            Ok(())
        })?;
        executor.share_numbers(self.units(), Readers::All, InputRecord::deal(variables.inputs))
    }

    /// Equation 1, and the sums for equations 2 and 3.
    fn map<E: Executor<T>, G: Gemm<T>>(
        &self,
        frame: &Frame<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let VariablesMut { layers, p, sums, r, z, q, u, inputs, .. } = variables;
        let (layers, groups, sizes) = (layers.read(), self.partition.groups(), frame.sizes);
        let (z, q, u) = (&**z, &**q, &**u);
        let (p, sums) = (sizes.deal(p, Sizes::p), sizes.deal(sums, Sizes::sums));
        let units = (p, sums, sizes.deal(r, Sizes::z), Runs::new(inputs, InputRecord::COUNT));
        executor.run_at(self.units(), units, |unit, (p, sums, r, record), mut stack| {
            let (l, g) = (unit / groups, unit % groups);
            let layer = layers.get(l);
            let SumsShape { n_out, n_in } = layer.shape();
            layer.shape().carve(sums)?.clear(layer.parts());
            let mut moved = Moved::default();
            for (start, count) in self.partition.tiles(g) {
                let mut r = tile_of_mut(r, n_out, start, count);
                if l > 0 {
                    let below = frame.output(z, q, u, unit - groups);
                    let mut p = tile_of_mut(p, n_in, start, count);
                    let step = frame.step_input(gemm, &layer, &below, start, &mut p, &mut r, stack.rest())?;
                    moved.promised += step.promised;
                    moved.squared += step.squared;
                }
                let p = frame.input(l, p, g, start, count);
                let mut sums = layer.shape().carve(sums)?;
                sums::accumulate(gemm, &as_ref(&r), &p, layer.parts(), &mut sums, stack.rest())?;
            }
            InputRecord::update(record, |record| record.moved = moved);
            Ok(())
        })?;
        executor.share(self.units(), Readers::Below, sizes.deal(variables.p, Sizes::p))?;
        executor.share(self.units(), Readers::Layer, sizes.deal(variables.sums, Sizes::sums))
    }

    /// Equations 2 and 3.
    fn reduce<E: Executor<T>, G: Gemm<T>>(
        &self,
        frame: &Frame<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (groups, samples, nu) = (self.partition.groups(), self.partition.samples(), self.settings.nu);
        let (sizes, sums) = (frame.sizes, &*variables.sums);
        let owners = Owners::Layers { first: 0 };
        executor.run_at(owners, variables.layers.reborrow(), |l, mut layer, stack| {
            let units = l * groups..(l + 1) * groups;
            layer.collect(units.map(|unit| sizes.of(sums, unit, Sizes::sums)))?;
            layer.step(gemm, weights::Order::WeightsFirst, nu, l == 0, samples, stack)
        })?;
        executor.share(owners, Readers::All, variables.layers.deal_parameters())
    }

    /// Equations 4 to 7.
    fn apply<E: Executor<T>, G: Gemm<T>>(
        &self,
        frame: &Frame<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let VariablesMut { layers, p, r, z, q, u, terms, .. } = variables;
        let (layers, groups, sizes, all_p) = (layers.read(), self.partition.groups(), frame.sizes, &**p);
        let outputs = (sizes.deal(z, Sizes::z), sizes.deal(q, Sizes::q), sizes.deal(u, Sizes::u));
        let units = (sizes.deal(r, Sizes::z), outputs, Runs::new(terms, Terms::COUNT));
        executor.run_at(self.units(), units, |unit, (r, (z, q, u), record), mut stack| {
            let (l, g) = (unit / groups, unit % groups);
            let layer = layers.get(l);
            let n_out = layer.shape().n_out;
            let p = sizes.of(all_p, unit, Sizes::p);
            let mut terms = Terms::default();
            let mut output = OutputMut { n_out, z, q, u };
            for (start, count) in self.partition.tiles(g) {
                let p = frame.input(l, p, g, start, count);
                let mut tile = tile_of_mut(r, n_out, start, count);
                weights::apply_weights(gemm, &layer.change(), &p, &mut tile, stack.rest())?;
                for (start, count) in strips(n_out, start, count) {
                    let mut r = tile_of_mut(r, n_out, start, count);
                    weights::apply_bias(layer.bias_change(), &mut r)?;
                    if l + 1 < layers.count() {
                        let next = tile_of(sizes.of(all_p, unit + groups, Sizes::p), n_out, start, count);
                        frame.step_hidden(&next, start, &mut r, &mut output, &mut terms, stack.rest())?;
                    } else {
                        let target = frame.target(g, start, count);
                        frame.step_output(target, start, &mut r, &mut output, &mut terms, stack.rest())?;
                    }
                    terms.linear += objective::squared(&as_ref(&r));
                }
            }
            terms.write(record);
            Ok(())
        })?;
        self.share_outputs(sizes, variables, executor)?;
        executor.share_numbers(Owners::Layers { first: 0 }, Readers::All, variables.layers.deal_records())?;
        executor.share_numbers(self.units(), Readers::All, InputRecord::deal(variables.inputs))?;
        executor.share_numbers(self.units(), Readers::All, Terms::deal(variables.terms))
    }

    /// Whose the units are: a layer over a group of samples.
    fn units(&self) -> Owners {
        Owners::Grid { first: 0, groups: self.partition.groups() }
    }

    /// What the layer above reads of z, q and u.
    fn share_outputs<E: Executor<T>>(
        &self,
        sizes: Sizes<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
    ) -> Result {
        let VariablesMut { z, q, u, .. } = variables;
        let outputs = [(z, Sizes::z as Length<'_, T>), (q, Sizes::q), (u, Sizes::u)];
        outputs.into_iter().try_for_each(|(variable, length)| {
            executor.share(self.units(), Readers::Above, sizes.deal(variable, length))
        })
    }

    /// Adds up the units' shares, in their order.
    fn account(&self, frame: &Frame<'_, T>, state: &State<'_, T>) -> Result<Sweep> {
        let Hyperparameters { nu, rho, regularizer, .. } = self.settings;
        let (nu, rho) = (nu.to_f64(), rho.to_f64());
        let constants = PdAdmmConstants::new(nu, rho, frame.activation.lipschitz().to_f64());
        let variables = Variables::new(frame.sizes, state)?;
        let last = frame.sizes.units() - self.partition.groups();
        let mut sweep = Sweep::default();
        let (mut gap, mut q_moved) = (0.0, 0.0);
        for layer in variables.layers().iter() {
            sweep.objective += regularizer.value(&layer.weights());
            sweep.promised += layer.reduced().promised;
        }
        for (unit, (input, terms)) in variables.inputs().zip(variables.terms()).enumerate() {
            sweep.objective += terms.risk + 0.5 * nu * terms.linear + terms.copy.value(nu, rho);
            let z_constant = if unit < last { constants.c1 } else { nu / 2.0 };
            sweep.promised +=
                input.moved.promised + z_constant * terms.z_moved + constants.c2 * terms.q_moved;
            sweep.output = sweep.output.merge(terms.report);
            gap += terms.copy.gap;
            q_moved += terms.q_moved;
        }
        sweep.primal_residual = libm::sqrt(gap);
        sweep.dual_residual = rho * libm::sqrt(q_moved);
        Ok(sweep)
    }
}

impl<T: Real> Method<T> for PdAdmm<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        self.sizes(run).map_or(Memory::default(), |sizes| sizes.memory())
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let Ok(layers) = Layers::new(run.network) else { return Requirement::NONE };
        let (settings, tile, last) = (&self.settings, self.partition.tile(), layers.count() - 1);
        layers.shapes().enumerate().fold(Requirement::NONE, |most, (index, shape)| {
            let SumsShape { n_out, n_in } = shape;
            let kind = StepKind::of(&settings.input_step, n_out, n_in);
            let prepare = layers::prepare_input_workspace(gemm, &settings.steps(), shape);
            let step = Requirement::matrix(n_in, tile)
                .and(input::step_workspace(gemm, kind, n_out, n_in, tile))
                .or(sums::accumulate_workspace(gemm, n_out, n_in, tile));
            let reduce = layers::step_workspace(gemm, &settings.steps(), shape);
            let elementwise = if index == last {
                output::step_workspace::<T>(settings.loss, settings.solver, n_out, tile)
            } else {
                Requirement::matrix(n_out, tile)
                    .and(hidden::step_workspace(n_out))
                    .or(Requirement::matrix(n_out, tile).and(copy::step_workspace(n_out)))
                    .or(Requirement::matrix(n_out, tile).and(objective::copy_terms_workspace(n_out)))
                    .or(copy::carry_workspace(n_out))
            };
            let apply = weights::apply_workspace(gemm, n_out, n_in, tile).or(elementwise);
            most.or(prepare).or(step).or(reduce).or(apply)
        })
    }

    fn partition(&self) -> Partition {
        self.partition
    }

    fn recut(&self, [all, _]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(&self.settings, all, run)
    }

    /// A feasible point, `p = q = f(z)`, `r = 0`, and so `u = 0` by Lemma 4.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let frame = self.frame(run)?;
        let VariablesMut { mut layers, p, r, z, q, u, inputs, terms, .. } =
            VariablesMut::new(frame.sizes, state)?;
        layers.reset();
        [&mut *inputs, &mut *terms].into_iter().for_each(|records| records.fill(0.0));
        let groups = self.partition.groups();
        for (l, layer) in layers.read().iter().enumerate() {
            let n_out = layer.shape().n_out;
            let (below, q_l) = frame.sizes.deal_layer(q, l, Sizes::q);
            let own = [
                (&mut *p, Sizes::p as Length<'_, T>),
                (&mut *z, Sizes::z),
                (&mut *r, Sizes::z),
                (&mut *u, Sizes::u),
            ];
            let [p_l, z_l, r_l, u_l] =
                own.map(|(variable, length)| frame.sizes.deal_layer(variable, l, length).1);
            let owners = Owners::Grid { first: l, groups };
            executor.run_at(owners, (p_l, z_l, q_l, r_l, u_l), |g, (p, z, q, r, u), mut stack| {
                [r, u].into_iter().for_each(|variable| variable.fill(T::ZERO));
                if l > 0 {
                    p.copy_from_slice(frame.sizes.of(below, (l - 1) * groups + g, Sizes::q));
                }
                for (start, count) in self.partition.tiles(g) {
                    let p = frame.input(l, p, g, start, count);
                    layer.forward(gemm, &p, &mut tile_of_mut(z, n_out, start, count), stack.rest())?;
                }
                if q.is_empty() { Ok(()) } else { frame.activation.apply(z, q) }
            })?;
            for (variable, length) in [(&mut *z, Sizes::z as Length<'_, T>), (&mut *q, Sizes::q)] {
                executor.share(owners, Readers::Above, frame.sizes.deal_layer(variable, l, length).1)?;
            }
        }
        executor.share(self.units(), Readers::Above, frame.sizes.deal(u, Sizes::u))?;
        executor.share(self.units(), Readers::Below, frame.sizes.deal(p, Sizes::p))
    }

    /// One sweep of Algorithm 1.
    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let frame = self.frame(run)?;
        let variables = &mut VariablesMut::new(frame.sizes, state)?;
        self.prepare_inputs(&frame, variables, executor, gemm)?;
        self.map(&frame, variables, executor, gemm)?;
        self.reduce(&frame, variables, executor, gemm)?;
        self.apply(&frame, variables, executor, gemm)?;
        self.account(&frame, state)?.require_finite()
    }

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        _: &G,
    ) -> Result<f64> {
        let frame = self.frame(run)?;
        let mut variables = VariablesMut::new(frame.sizes, state)?;
        let VariablesMut { p, r, z, q, u, terms, .. } = &mut variables;
        let (sizes, groups, count) = (frame.sizes, self.partition.groups(), frame.layers());
        let (p, r, z, q, u) = (&**p, &**r, &**z, &**q, &**u);
        executor.run_at(self.units(), Runs::new(terms, Terms::COUNT), |unit, record, mut stack| {
            let (l, g) = (unit / groups, unit % groups);
            let (r, output) = (sizes.of(r, unit, Sizes::z), frame.output(z, q, u, unit));
            let mut terms = Terms::default();
            for (start, width) in self.partition.tiles(g) {
                terms.linear += objective::squared(&tile_of(r, output.n_out, start, width));
                if l + 1 < count {
                    let next = sizes.of(p, unit + groups, Sizes::p);
                    let next = tile_of(next, output.n_out, start, width);
                    terms.copy.add(frame.output_terms(&output, &next, start, stack.rest())?);
                } else {
                    let z = tile_of(output.z, output.n_out, start, width);
                    terms.risk += self.settings.loss.value(z, frame.target(g, start, width))?;
                }
            }
            terms.write(record);
            Ok(())
        })?;
        executor.share_numbers(self.units(), Readers::All, Terms::deal(variables.terms))?;
        Ok(self.account(&frame, state)?.objective)
    }

    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        penalties: Penalties<T>,
        executor: &mut E,
        _: &G,
    ) -> Result<f64> {
        self.change_penalties(run, state, penalties, executor).map(|()| 0.0)
    }

    fn gather<E: Executor<T>>(&self, run: &Run<'_, T>, state: &mut State<'_, T>, executor: &mut E) -> Result {
        let sizes = self.sizes(run)?;
        let VariablesMut { mut layers, p, r, z, q, u, .. } = VariablesMut::new(sizes, state)?;
        executor.share(Owners::Layers { first: 0 }, Readers::First, layers.deal_kept())?;
        let variables =
            [(p, Sizes::p as Length<'_, T>), (r, Sizes::z), (z, Sizes::z), (q, Sizes::q), (u, Sizes::u)];
        variables.into_iter().try_for_each(|(variable, length)| {
            executor.share(self.units(), Readers::First, sizes.deal(variable, length))
        })
    }
}
