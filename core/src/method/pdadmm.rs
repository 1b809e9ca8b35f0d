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

mod penalties;
mod state;
mod tile;

pub use state::{DualStorage, Input, Output, Residual, State, Units, units};

use super::layer::Layer;
use super::{Partition, Problem, Settings, Sweep, strips};
use crate::error::Result;
use crate::executor::{Executor, Runs};
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::objective::{self};
use crate::real::Real;
use crate::theory::PdAdmmConstants;
use crate::update::input::{self, Moved, Probe, StepKind};
use crate::update::{StepRule, copy, hidden, output, sums, weights};
use crate::view::{as_ref, require_size};
use crate::workspace::Requirement;
use state::Terms;
use tile::{coupling, data_tile, input_tile, output_terms, step_hidden, step_input, step_output};

/// Scratch that each of the executor's workers needs.
pub fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    tile: usize,
    layers: impl Iterator<Item = sums::SumsShape> + Clone,
) -> Requirement {
    let last = layers.clone().count().saturating_sub(1);
    layers.enumerate().fold(Requirement::NONE, |most, (index, shape)| {
        let sums::SumsShape { n_out, n_in } = shape;
        let kind = StepKind::of(&settings.input_step, n_out, n_in);
        let prepare = Layer::<T, [T; 0]>::prepare_input_workspace(gemm, &settings.steps(), shape);
        let step = Requirement::matrix(n_in, tile)
            .and(input::step_workspace(gemm, kind, n_out, n_in, tile))
            .or(sums::accumulate_workspace(gemm, n_out, n_in, tile));
        let reduce = Layer::<T, [T; 0]>::step_workspace(gemm, &settings.steps(), shape);
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

/// The method over a state.
#[derive(Debug)]
pub struct PdAdmm<'a, T: Real, S> {
    settings: Settings<T>,
    partition: Partition,
    problem: Problem<'a, T>,
    state: State<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> PdAdmm<'a, T, S> {
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
        let State { layers, inputs, residuals, outputs } = &self.state;
        let (groups, count) = (self.partition.groups(), layers.len());
        require_size("layers", (count.min(1), 1), (1, 1))?;
        require_size("x", self.problem.x.shape(), (self.problem.x.nrows(), self.partition.samples()))?;
        for (argument, found) in
            [("inputs", inputs.len()), ("residuals", residuals.len()), ("outputs", outputs.len())]
        {
            require_size(argument, (found, 1), (count * groups, 1))?;
        }
        let mut n_in = self.problem.x.nrows();
        for (l, layer) in layers.iter().enumerate() {
            let (n_out, found) = layer.shape();
            require_size("weights", (n_out, found), (n_out, n_in))?;
            layer.check(&self.settings.steps(), l)?;
            for g in 0..groups {
                let (unit, (_, m)) = (l * groups + g, self.partition.group(g));
                let input = if l == 0 { (0, 0) } else { (n_in, m) };
                require_size("p", inputs[unit].p.shape(), input)?;
                require_size("r", residuals[unit].r.shape(), (n_out, m))?;
                require_size("z", outputs[unit].z.shape(), (n_out, m))?;
                let copied = if l + 1 == count { (0, 0) } else { (n_out, m) };
                require_size("q", outputs[unit].q.shape(), copied)?;
                if outputs[unit].u.shape() != (0, 0) {
                    require_size("u", outputs[unit].u.shape(), copied)?;
                }
                layer.check_sums(inputs[unit].sums.as_ref())?;
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

    /// Sets p, z, q and r by a forward pass from the layers' weights: a feasible point, `p = q = f(z)`, `r = 0`, and so
    /// `u = 0` by Lemma 4.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let Self { settings, partition, problem, state } = self;
        let State { layers, inputs, residuals, outputs } = state;
        let (settings, partition, problem) = (*settings, *partition, *problem);
        layers.iter_mut().for_each(Layer::reset);
        let groups = partition.groups();
        for l in 0..layers.len() {
            let layer = &layers[l];
            let of_layer = l * groups..(l + 1) * groups;
            let (below, here) = outputs.split_at_mut(l * groups);
            let below = &below[l.saturating_sub(1) * groups..];
            let units = (&mut inputs[of_layer.clone()], &mut residuals[of_layer], &mut here[..groups]);
            executor.run(units, |g, (input, residual, output), mut stack| {
                residual.r.as_mut_slice().fill(T::ZERO);
                output.u.as_mut_slice().fill(T::ZERO);
                if l > 0 {
                    input.p.as_mut_slice().copy_from_slice(below[g].q.as_slice());
                }
                for (start, count) in partition.tiles(g) {
                    let p = input_tile(&problem, &partition, input, g, start, count);
                    let mut z = output.z.columns_mut(start, count);
                    layer.forward(gemm, &p, &mut z, stack.rest())?;
                }
                if output.q.shape() == output.z.shape() {
                    settings.activation.apply(output.z.as_slice(), output.q.as_mut_slice())?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// One sweep of Algorithm 1.
    ///
    /// # Errors
    /// [`NonFinite`](crate::error::Error::NonFinite) as soon as weights, the Lagrangian or a change are not
    /// finite, else what the updates say.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<Sweep> {
        self.prepare_inputs(executor, gemm)?;
        self.map(executor, gemm)?;
        self.reduce(executor, gemm)?;
        self.apply(executor, gemm)?;
        self.account().require_finite()
    }

    /// What the input steps need to know of the weights: the inverse Hessian, or one tau a layer.
    fn prepare_inputs<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let Some(hidden) = self.state.layers.len().checked_sub(1).filter(|&count| count > 0) else {
            return Ok(());
        };
        let settings = self.settings;
        let (w, c) = (settings.nu, settings.rho);
        match settings.input_step {
            StepRule::Vector => Ok(()),
            StepRule::LeastSquares { .. } => executor.run(&mut self.state.layers[1..], |_, layer, stack| {
                layer.prepare_input(gemm, &settings.steps(), w, c, stack)
            }),
            StepRule::Scalar | StepRule::Backtracking { .. } => {
                let groups = self.partition.groups();
                self.probe(executor, gemm)?;
                for l in 1..=hidden {
                    let mut probe = Probe::default();
                    self.state.inputs[l * groups..(l + 1) * groups].iter().for_each(|i| probe.add(i.probe));
                    self.state.layers[l].set_tau(&settings.steps(), w, c, probe)?;
                }
                Ok(())
            }
        }
    }

    fn probe<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let Self { settings, partition, state, .. } = self;
        let State { layers, inputs, residuals, outputs } = state;
        let (settings, partition) = (*settings, *partition);
        let (groups, layers, outputs, residuals) = (partition.groups(), &**layers, &**outputs, &**residuals);
        executor.run(&mut inputs[groups..], |unit, input, mut stack| {
            let (l, g) = (unit / groups + 1, unit % groups);
            input.probe = Probe::default();
            for (start, count) in partition.tiles(g) {
                let mut stack = stack.rest();
                let p = input.p.columns(start, count);
                let mut gradient = stack.matrix(p.nrows(), count)?;
                coupling(&settings, &outputs[unit], &p, start, &mut gradient)?;
                let r = residuals[groups + unit].r.columns(start, count);
                let weights = layers[l].weights();
                let found =
                    input::probe(gemm, settings.nu, settings.rho, &weights, &mut gradient, &r, stack)?;
                input.probe.add(found);
            }
            Ok(())
        })
    }

    /// Equation 1, and the sums for equations 2 and 3.
    fn map<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let Self { settings, partition, problem, state } = self;
        let State { layers, inputs, residuals, outputs } = state;
        let (settings, partition, problem) = (*settings, *partition, *problem);
        let (groups, layers, outputs) = (partition.groups(), &**layers, &**outputs);
        executor.run((&mut **inputs, &mut **residuals), |unit, (input, residual), mut stack| {
            let (l, g) = (unit / groups, unit % groups);
            let layer = &layers[l];
            let shape = layer.sums_shape();
            shape.carve(input.sums.as_mut())?.clear(layer.parts());
            input.moved = Moved::default();
            for (start, count) in partition.tiles(g) {
                let mut r = residual.r.columns_mut(start, count);
                if l > 0 {
                    let below = &outputs[unit - groups];
                    let moved =
                        step_input(gemm, &settings, layer, below, input, start, &mut r, stack.rest())?;
                    input.moved.promised += moved.promised;
                    input.moved.squared += moved.squared;
                }
                let p = match l {
                    0 => data_tile(&problem, &partition, g, start, count),
                    _ => input.p.columns(start, count),
                };
                let mut sums = shape.carve(input.sums.as_mut())?;
                sums::accumulate(gemm, &as_ref(&r), &p, layer.parts(), &mut sums, stack.rest())?;
            }
            Ok(())
        })
    }

    /// Equations 2 and 3.
    fn reduce<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let settings = self.settings;
        let (groups, samples) = (self.partition.groups(), self.partition.samples());
        let units = (&mut *self.state.layers, Runs::new(self.state.inputs, groups));
        executor.run(units, |l, (layer, inputs), stack| {
            layer.collect(inputs.iter().map(|input| input.sums.as_ref()))?;
            let order = weights::Order::WeightsFirst;
            layer.step(gemm, &settings.steps(), order, settings.nu, l == 0, samples, stack)
        })
    }

    /// Equations 4 to 7.
    fn apply<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        let Self { settings, partition, problem, state } = self;
        let State { layers, inputs, residuals, outputs } = state;
        let (settings, partition, problem) = (*settings, *partition, *problem);
        let (groups, layers, inputs) = (partition.groups(), &**layers, &**inputs);
        executor.run((&mut **residuals, &mut **outputs), |unit, (residual, output), mut stack| {
            let (l, g) = (unit / groups, unit % groups);
            let layer = &layers[l];
            output.terms = Terms::default();
            for (start, count) in partition.tiles(g) {
                let p = input_tile(&problem, &partition, &inputs[unit], g, start, count);
                let mut r = residual.r.columns_mut(start, count);
                weights::apply_weights(gemm, &layer.change(), &p, &mut r, stack.rest())?;
                for (start, count) in strips(r.nrows(), start, count) {
                    let mut r = residual.r.columns_mut(start, count);
                    weights::apply_bias(layer.bias_change(), &mut r)?;
                    if l + 1 < layers.len() {
                        let next = inputs[unit + groups].p.columns(start, count);
                        step_hidden(&settings, &next, start, &mut r, output, stack.rest())?;
                    } else {
                        let target = problem.target.columns(partition.group(g).0 + start, count);
                        step_output(&settings, target, start, &mut r, output, stack.rest())?;
                    }
                    output.terms.linear += objective::squared(&as_ref(&r));
                }
            }
            Ok(())
        })
    }

    /// Adds up the units' shares, in their order.
    fn account(&self) -> Sweep {
        let Settings { nu, rho, activation, regularizer, .. } = self.settings;
        let (nu, rho) = (nu.to_f64(), rho.to_f64());
        let constants = PdAdmmConstants::new(nu, rho, activation.lipschitz().to_f64());
        let State { layers, inputs, outputs, .. } = &self.state;
        let last = outputs.len() - self.partition.groups();
        let mut sweep = Sweep::default();
        let (mut gap, mut q_moved) = (0.0, 0.0);
        for layer in layers.iter() {
            sweep.objective += regularizer.value(&layer.weights());
            sweep.promised += layer.reduced().promised;
        }
        for (unit, (input, Output { terms, .. })) in inputs.iter().zip(outputs.iter()).enumerate() {
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
        sweep
    }

    /// The Lagrangian of the present state, by a pass of its own; a sweep reports it anyway.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn objective<E: Executor<T>>(&mut self, executor: &mut E) -> Result<f64> {
        let Self { settings, partition, problem, state } = self;
        let State { layers, inputs, residuals, outputs } = state;
        let (settings, partition, problem) = (*settings, *partition, *problem);
        let (groups, inputs, residuals) = (partition.groups(), &**inputs, &**residuals);
        let count = layers.len();
        executor.run(&mut **outputs, |unit, output, mut stack| {
            let (l, g) = (unit / groups, unit % groups);
            output.terms = Terms::default();
            for (start, width) in partition.tiles(g) {
                output.terms.linear += objective::squared(&residuals[unit].r.columns(start, width));
                if l + 1 < count {
                    let next = inputs[unit + groups].p.columns(start, width);
                    let terms = output_terms(&settings, output, &next, start, stack.rest())?;
                    output.terms.copy.add(terms);
                } else {
                    let target = problem.target.columns(partition.group(g).0 + start, width);
                    output.terms.risk += settings.loss.value(output.z.columns(start, width), target)?;
                }
            }
            Ok(())
        })?;
        Ok(self.account().objective)
    }
}
