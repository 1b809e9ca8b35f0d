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

use super::layer::{Layer, LayerShape};
use super::{Partition, Problem, Settings, Sweep, strips};
use crate::error::Result;
use crate::executor::{Executor, Runs};
use crate::gemm::Gemm;
use crate::loss::Target;
use crate::matrix::{Matrix, Memory};
use crate::objective::{self, CopyTerms, Dual};
use crate::real::Real;
use crate::theory::PdAdmmConstants;
use crate::update::hidden::Proximal;
use crate::update::input::{self, Moved, Probe, StepKind};
use crate::update::{StepRule, copy, dual, hidden, output, sums, weights};
use crate::view::{MatMut, MatRef, as_ref, columns, require_size};
use crate::workspace::{Requirement, Stack};

/// A layer's input over a group of samples, and the group's sums.
#[derive(Debug, Clone)]
pub struct Input<T, S> {
    /// `p`, n_in x m; 0 x 0 in the first layer, whose input is the data.
    p: Matrix<T, S>,
    sums: S,
    moved: Moved,
    probe: Probe,
}

impl<T: Real, S: Memory<T>> Input<T, S> {
    /// `p`, n_in x m; 0 x 0 in the first layer.
    pub fn p(&self) -> MatRef<'_, T> {
        self.p.view()
    }
}

/// A layer's linear residual over a group of samples.
#[derive(Debug, Clone)]
pub struct Residual<T, S> {
    /// `r = W p + b - z`, n_out x m.
    r: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Residual<T, S> {
    /// `r = W p + b - z` as it is carried from sweep to sweep, n_out x m.
    pub fn r(&self) -> MatRef<'_, T> {
        self.r.view()
    }
}

/// A layer's outputs over a group of samples.
#[derive(Debug, Clone)]
pub struct Output<T, S> {
    /// `z`, n_out x m.
    z: Matrix<T, S>,
    /// `q`, n_out x m; 0 x 0 in the last layer.
    q: Matrix<T, S>,
    /// `u`, n_out x m if it is stored, else 0 x 0.
    u: Matrix<T, S>,
    terms: Terms,
}

impl<T: Real, S: Memory<T>> Output<T, S> {
    /// `z`, n_out x m.
    pub fn z(&self) -> MatRef<'_, T> {
        self.z.view()
    }

    /// `q`, n_out x m; 0 x 0 in the last layer.
    pub fn q(&self) -> MatRef<'_, T> {
        self.q.view()
    }

    /// `u`, n_out x m; 0 x 0 where it is not stored.
    pub fn u(&self) -> MatRef<'_, T> {
        self.u.view()
    }
}

/// A unit's share of the Lagrangian and of what moved.
#[derive(Debug, Clone, Copy, Default)]
struct Terms {
    linear: f64,
    copy: CopyTerms,
    risk: f64,
    z_moved: f64,
    q_moved: f64,
    report: crate::loss::OutputReport,
}

/// Where the dual lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DualStorage {
    /// Nowhere: Lemma 4 gives it from q and z.
    #[default]
    Recovered,
    /// In memory of its own, moved by equation 7. For comparison.
    Stored,
}

/// The state of a run, in memory of the caller's kind.
///
/// Units are ordered layer by layer, and within a layer group by group.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The layers, first to last.
    pub layers: &'a mut [Layer<T, S>],
    /// layers x groups.
    pub inputs: &'a mut [Input<T, S>],
    /// layers x groups.
    pub residuals: &'a mut [Residual<T, S>],
    /// layers x groups.
    pub outputs: &'a mut [Output<T, S>],
}

/// The units of one layer and one group, to be put into the state's lists.
pub type Units<T, S> = (Input<T, S>, Residual<T, S>, Output<T, S>);

/// Makes the units of layer `index` over `m` samples; `allocate(elements)` is called for p, the sums, r, z, q and u.
///
/// # Errors
/// [`Length`](crate::error::Error::Length) if a memory is not as long as asked for.
pub fn units<T: Real, S: Memory<T>>(
    shape: LayerShape,
    first: bool,
    last: bool,
    storage: DualStorage,
    m: usize,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Units<T, S>> {
    let sums::SumsShape { n_out, n_in } = shape.sums;
    let mut matrix = |argument, wanted: bool, rows: usize| {
        let (rows, columns) = if wanted { (rows, m) } else { (0, 0) };
        Matrix::new(argument, allocate(rows * columns), rows, columns)
    };
    let p = matrix("p", !first, n_in)?;
    let r = matrix("r", true, n_out)?;
    let z = matrix("z", true, n_out)?;
    let q = matrix("q", !last, n_out)?;
    let u = matrix("u", !last && storage == DualStorage::Stored, n_out)?;
    let sums = allocate(shape.sums.elements());
    let input = Input { p, sums, moved: Moved::default(), probe: Probe::default() };
    Ok((input, Residual { r }, Output { z, q, u, terms: Terms::default() }))
}

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
        let kind = StepKind::from(&settings.input_step);
        let prepare = match kind {
            StepKind::Exact => input::invert_hessian_workspace(gemm, n_out, n_in),
            StepKind::Gradient => Requirement::NONE,
        };
        let step = Requirement::matrix(n_in, tile)
            .and(input::step_workspace(gemm, kind, n_out, n_in, tile))
            .or(sums::accumulate_workspace(gemm, n_out, n_in, tile));
        let reduce = Layer::<T, [T; 0]>::step_workspace(gemm, settings, shape);
        let elementwise = if index == last {
            output::step_workspace::<T>(settings.loss, settings.solver, n_out, tile)
        } else {
            Requirement::matrix(n_out, tile)
                .and(hidden::step_workspace(n_out))
                .or(Requirement::matrix(n_out, tile).and(copy::step_workspace(n_out)))
                .or(Requirement::matrix(n_out, tile).and(objective::copy_terms_workspace(n_out)))
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
            layer.check(&self.settings, l)?;
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
            StepRule::LeastSquares { .. } => executor
                .run(&mut self.state.layers[1..], |_, layer, stack| layer.prepare_input(gemm, w, c, stack)),
            StepRule::Scalar | StepRule::Backtracking { .. } => {
                let groups = self.partition.groups();
                self.probe(executor, gemm)?;
                for l in 1..=hidden {
                    let mut probe = Probe::default();
                    self.state.inputs[l * groups..(l + 1) * groups].iter().for_each(|i| probe.add(i.probe));
                    self.state.layers[l].set_tau(&settings, w, c, probe)?;
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
            layer.step(gemm, &settings, order, settings.nu, l == 0, samples, stack)
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

/// A tile of the data.
fn data_tile<'a, T: Real>(
    problem: &Problem<'a, T>,
    partition: &Partition,
    group: usize,
    start: usize,
    count: usize,
) -> MatRef<'a, T> {
    columns(&problem.x, partition.group(group).0 + start, count)
}

/// A tile of a layer's input: the data if the layer has no input of its own.
fn input_tile<'b, T: Real, S: Memory<T>>(
    problem: &Problem<'b, T>,
    partition: &Partition,
    input: &'b Input<T, S>,
    group: usize,
    start: usize,
    count: usize,
) -> MatRef<'b, T> {
    if input.p.shape().1 == 0 {
        data_tile(problem, partition, group, start, count)
    } else {
        input.p.columns(start, count)
    }
}

/// The coupling's gradient of equation 1, with the dual stored or recovered.
fn coupling<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    below: &Output<T, S>,
    p: &MatRef<'_, T>,
    start: usize,
    gradient: &mut MatMut<'_, T>,
) -> Result {
    let Settings { nu, rho, activation, .. } = *settings;
    let count = p.ncols();
    let q = below.q.columns(start, count);
    if below.u.shape().1 == 0 {
        input::copy_coupling(nu, rho, activation, p, &q, &below.z.columns(start, count), gradient)
    } else {
        input::dual_coupling(rho, &below.u.columns(start, count), p, &q, gradient)
    }
}

fn step_input<T: Real, S: Memory<T>, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    layer: &Layer<T, S>,
    below: &Output<T, S>,
    input: &mut Input<T, S>,
    start: usize,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Moved> {
    let (weights, prepared) = (layer.weights(), layer.prepared(settings));
    let mut p = input.p.columns_mut(start, r.ncols());
    let mut gradient = stack.matrix(p.nrows(), p.ncols())?;
    coupling(settings, below, &as_ref(&p), start, &mut gradient)?;
    input::step(gemm, settings.nu, settings.rho, &weights, prepared, &mut gradient, &mut p, r, stack)
}

/// Equations 4, 6 and 7 on a tile of a hidden layer, and its share of the Lagrangian.
fn step_hidden<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    p_next: &MatRef<'_, T>,
    start: usize,
    r: &mut MatMut<'_, T>,
    output: &mut Output<T, S>,
    mut stack: Stack<'_, T>,
) -> Result {
    let Settings { nu, rho, activation, .. } = *settings;
    let count = r.ncols();
    let stored = output.u.shape().1 > 0;
    let mut recovered = stack.matrix(r.nrows(), if stored { 0 } else { count })?;
    let mut z = output.z.columns_mut(start, count);
    let mut q = output.q.columns_mut(start, count);
    if !stored {
        dual::recover(nu, activation, &as_ref(&q), &as_ref(&z), &mut recovered)?;
    }
    output.terms.z_moved += hidden::step(Proximal::Yes, activation, &as_ref(&q), &mut z, r, stack.rest())?;
    let u = if stored { output.u.columns(start, count) } else { as_ref(&recovered) };
    output.terms.q_moved += copy::step(nu, rho, activation, p_next, &u, &as_ref(&z), &mut q, stack.rest())?;
    if stored {
        dual::step(rho, p_next, &as_ref(&q), &mut output.u.columns_mut(start, count))?;
    }
    let terms = output_terms(settings, output, p_next, start, stack.rest())?;
    output.terms.copy.add(terms);
    Ok(())
}

/// Equation 5 on a tile of the last layer, and its risk.
fn step_output<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    target: Target<'_, T>,
    start: usize,
    r: &mut MatMut<'_, T>,
    output: &mut Output<T, S>,
    stack: Stack<'_, T>,
) -> Result {
    let Settings { nu, loss, solver, .. } = *settings;
    let mut z = output.z.columns_mut(start, r.ncols());
    let solved = output::step(loss, solver, nu, target, &mut z, r, stack)?;
    output.terms.z_moved += solved.squared;
    output.terms.report = output.terms.report.merge(solved.report);
    output.terms.risk += loss.value(as_ref(&z), target)?;
    Ok(())
}

fn output_terms<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    output: &Output<T, S>,
    p_next: &MatRef<'_, T>,
    start: usize,
    stack: Stack<'_, T>,
) -> Result<CopyTerms> {
    let count = p_next.ncols();
    let dual = if output.u.shape().1 > 0 {
        Dual::Stored(output.u.columns(start, count))
    } else {
        Dual::Recovered { nu: settings.nu }
    };
    let (q, z) = (output.q.columns(start, count), output.z.columns(start, count));
    objective::copy_terms(settings.activation, dual, &q, &z, p_next, stack)
}
