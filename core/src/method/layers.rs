//! A network of layers, and what each keeps from one phase to the next.

mod momentum;

pub(super) use momentum::step_extrapolated_workspace;

use super::Steps;
use super::numbers::{Numbers, numbers};
use super::run::carve_mut;
use crate::activation::Activation;
use crate::block::{Block, Network};
use crate::error::{Error, Result};
use crate::executor::{Executor, Pieces, Runs, Units};
use crate::forward::linear;
use crate::gemm::Gemm;
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

/// A network whose blocks alternate dense and one activation, from a dense block to a dense block: what the layer-wise
/// methods train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layers<'a, T> {
    network: Network<'a, T>,
}

impl<'a, T: Real> Layers<'a, T> {
    /// The layers of a network.
    ///
    /// # Errors
    /// [`Error::Block`] for the first block that is not what comes next.
    pub fn new(network: Network<'a, T>) -> Result<Self> {
        let layers = Self { network };
        let last = network.blocks().len() - 1;
        for step in network.steps() {
            let is_layer = step.index % 2 == 0;
            let expected = match step.block {
                Block::Dense { .. } if is_layer => continue,
                _ if is_layer => "a dense block here, as the method trains dense layers alone",
                Block::Activation(_) if step.index == last => {
                    "a dense block at the end, as the method trains dense layers alone"
                }
                Block::Activation(f) if f == layers.activation() => continue,
                Block::Activation(_) => {
                    "the first activation again, as the method has one activation for all layers"
                }
                _ => "an activation here, as the method trains dense layers alone",
            };
            let (index, block, input) = (step.index, step.block.name(), step.input);
            return Err(Error::Block { index, block, input, expected });
        }
        Ok(layers)
    }

    /// The network.
    pub fn network(&self) -> Network<'a, T> {
        self.network
    }

    /// How many layers there are, at least 1.
    pub fn count(&self) -> usize {
        self.network.blocks().len() / 2 + 1
    }

    /// The hidden layers' activation; ReLU where there is no hidden layer.
    pub fn activation(&self) -> Activation<T> {
        match self.network.blocks().get(1) {
            Some(&Block::Activation(activation)) => activation,
            _ => Activation::Relu,
        }
    }

    /// Outputs of layer `l`.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn n_out(&self, l: usize) -> usize {
        match self.network.blocks()[2 * l] {
            Block::Dense { outputs } => outputs,
            _ => 0,
        }
    }

    /// Inputs of layer `l`.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn n_in(&self, l: usize) -> usize {
        l.checked_sub(1).map_or(self.network.input().features(), |below| self.n_out(below))
    }

    /// Outputs and inputs of layer `l`, as the shape of its sums.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn shape(&self, l: usize) -> SumsShape {
        SumsShape { n_out: self.n_out(l), n_in: self.n_in(l) }
    }

    /// The shapes of all layers, first to last.
    pub fn shapes(&self) -> impl Iterator<Item = SumsShape> + Clone + use<'a, T> {
        let layers = *self;
        (0..layers.count()).map(move |l| layers.shape(l))
    }

    /// Elements of the size of the matrix that a step of layer `l` solves with under these rules.
    fn solve(&self, steps: &Steps<T>, l: usize) -> usize {
        let SumsShape { n_out, n_in } = self.shape(l);
        let size = match (l, steps.weights) {
            (0, StepRule::LeastSquares { .. }) => n_in,
            (0, _) => 0,
            _ => StepKind::of(&steps.inputs, n_out, n_in).inverse_size(n_out, n_in),
        };
        size * size
    }

    /// Weights and bias of layer `l`.
    fn parameters(&self, l: usize) -> usize {
        let SumsShape { n_out, n_in } = self.shape(l);
        n_out * (n_in + 1)
    }

    /// Elements that layer `l` keeps beside its parameters: their change, the sums, the solve.
    fn kept(&self, steps: &Steps<T>, l: usize) -> usize {
        self.parameters(l) + self.shape(l).elements() + self.solve(steps, l)
    }

    /// Elements of all layers beside the parameters.
    pub(super) fn scalars(&self, steps: &Steps<T>) -> usize {
        (0..self.count()).map(|l| self.kept(steps, l)).sum()
    }

    /// Numbers of all layers.
    pub(super) fn numbers(&self) -> usize {
        self.count() * Record::COUNT
    }
}

/// What a layer knows beside matrices.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    tau: f64,
    /// The sums of the input are known and do not change.
    input_known: bool,
    factor_known: bool,
    factored: bool,
    reduced: Reduced,
}

numbers!(Record { tau: f64, input_known: bool, factor_known: bool, factored: bool, reduced: Reduced });

/// Some of a network's layers: units of work, one a layer.
#[derive(Debug)]
pub(super) struct LayersMut<'s, T> {
    layers: Layers<'s, T>,
    steps: Steps<T>,
    first: usize,
    count: usize,
    parameters: &'s mut [T],
    kept: &'s mut [T],
    records: &'s mut [f64],
}

impl<'s, T: Real> LayersMut<'s, T> {
    /// All layers of a network: its parameters, [`Layers::scalars`] and [`Layers::numbers`].
    pub(super) fn new(
        layers: Layers<'s, T>,
        steps: Steps<T>,
        parameters: &'s mut [T],
        kept: &'s mut [T],
        records: &'s mut [f64],
    ) -> Self {
        Self { layers, steps, first: 0, count: layers.count(), parameters, kept, records }
    }

    /// For reading.
    pub(super) fn read(&self) -> LayersRef<'_, T> {
        let Self { layers, steps, parameters, kept, records, .. } = self;
        LayersRef { layers: *layers, steps: *steps, parameters, kept, records }
    }

    /// The layers `start .. end`, counted from the first of these.
    pub(super) fn range(&mut self, start: usize, end: usize) -> LayersMut<'_, T> {
        self.reborrow().split(start).1.split(end - start).0
    }

    /// Layer `l`.
    pub(super) fn get(&mut self, l: usize) -> LayerMut<'_, T> {
        self.range(l, l + 1).single()
    }

    /// All of these, for a shorter time.
    pub(super) fn reborrow(&mut self) -> LayersMut<'_, T> {
        let Self { layers, steps, first, count, parameters, kept, records } = self;
        LayersMut { layers: *layers, steps: *steps, first: *first, count: *count, parameters, kept, records }
    }

    /// Weights and biases, a piece a layer.
    pub(super) fn deal_parameters(
        &mut self,
    ) -> Pieces<'_, T, impl Fn(usize) -> usize + Copy + Send + use<'s, '_, T>> {
        let (layers, first) = (self.layers, self.first);
        Pieces::new(self.parameters, self.count, move |l| layers.parameters(first + l))
    }

    /// What layers keep beside their parameters, a piece a layer.
    pub(super) fn deal_kept(
        &mut self,
    ) -> Pieces<'_, T, impl Fn(usize) -> usize + Copy + Send + use<'s, '_, T>> {
        let (layers, steps, first) = (self.layers, self.steps, self.first);
        Pieces::new(self.kept, self.count, move |l| layers.kept(&steps, first + l))
    }

    /// Records, a piece a layer.
    pub(super) fn deal_records(
        &mut self,
    ) -> Pieces<'_, f64, impl Fn(usize) -> usize + Copy + Send + use<'_, T>> {
        Record::deal(self.records)
    }

    /// Forgets what was known of the data.
    pub(super) fn reset(&mut self) {
        self.records.fill(0.0);
    }

    /// Forgets the factor of the data's sums, which depends on the weight w where there is an l2 regulariser; the sums
    /// themselves do not, and are kept.
    pub(super) fn forget_factor(&mut self) {
        for record in self.records.chunks_exact_mut(Record::COUNT) {
            Record::update(record, |record| (record.factor_known, record.factored) = (false, false));
        }
    }
}

impl<'s, T: Real> Units for LayersMut<'s, T> {
    type Unit = LayerMut<'s, T>;

    fn count(&self) -> usize {
        self.count
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { layers, steps, first, count, parameters, kept, records } = self;
        let at = at.min(count);
        let front = first..first + at;
        let (a, b) = parameters.split_at_mut(front.clone().map(|l| layers.parameters(l)).sum());
        let (c, d) = kept.split_at_mut(front.map(|l| layers.kept(&steps, l)).sum());
        let (e, f) = records.split_at_mut(at * Record::COUNT);
        (
            Self { layers, steps, first, count: at, parameters: a, kept: c, records: e },
            Self { layers, steps, first: first + at, count: count - at, parameters: b, kept: d, records: f },
        )
    }

    fn single(self) -> LayerMut<'s, T> {
        let Self { layers, steps, first: l, parameters, kept, records: record, .. } = self;
        let shape = layers.shape(l);
        let (split, n_out) = (shape.n_out * shape.n_in, shape.n_out);
        let [weights, bias] = carve_mut(parameters, [split, n_out]);
        let lengths = [split, n_out, shape.elements(), layers.solve(&steps, l)];
        let [change, bias_change, sums, solve] = carve_mut(kept, lengths);
        LayerMut { steps, shape, weights, bias, change, bias_change, sums, solve, record }
    }
}

/// All layers of a network, for reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayersRef<'s, T> {
    layers: Layers<'s, T>,
    steps: Steps<T>,
    parameters: &'s [T],
    kept: &'s [T],
    records: &'s [f64],
}

impl<'s, T: Real> LayersRef<'s, T> {
    /// As [`LayersMut::new`].
    pub(super) fn new(
        layers: Layers<'s, T>,
        steps: Steps<T>,
        parameters: &'s [T],
        kept: &'s [T],
        records: &'s [f64],
    ) -> Self {
        Self { layers, steps, parameters, kept, records }
    }

    pub(super) fn count(&self) -> usize {
        self.layers.count()
    }

    /// Layer `l`.
    pub(super) fn get(&self, l: usize) -> LayerRef<'s, T> {
        let Self { layers, steps, parameters, kept, records } = *self;
        let shape = layers.shape(l);
        let own = &parameters[(0..l).map(|l| layers.parameters(l)).sum()..][..layers.parameters(l)];
        let kept = &kept[(0..l).map(|l| layers.kept(&steps, l)).sum()..][..layers.kept(&steps, l)];
        let split = shape.n_out * shape.n_in;
        let (parameters, (change, rest)) = (own.split_at(split), kept.split_at(own.len()));
        LayerRef {
            index: l,
            steps,
            shape,
            weights: parameters.0,
            bias: parameters.1,
            change: &change[..split],
            bias_change: &change[split..],
            solve: &rest[shape.elements()..],
            record: Record::read(&records[l * Record::COUNT..]),
        }
    }

    /// All layers, first to last.
    pub(super) fn iter(&self) -> impl Iterator<Item = LayerRef<'s, T>> + use<'s, T> {
        let all = *self;
        (0..all.count()).map(move |l| all.get(l))
    }
}

/// A layer for reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerRef<'s, T> {
    index: usize,
    steps: Steps<T>,
    shape: SumsShape,
    weights: &'s [T],
    bias: &'s [T],
    change: &'s [T],
    bias_change: &'s [T],
    /// The inverse Hessian of the input's exact step, or, in the first layer, the Cholesky factor of the data's sums.
    solve: &'s [T],
    record: Record,
}

impl<'s, T: Real> LayerRef<'s, T> {
    /// Its place among the layers, counted from 0.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The shape of the layer's sums.
    pub(super) fn shape(&self) -> SumsShape {
        self.shape
    }

    /// `W`, n_out x n_in.
    pub(super) fn weights(&self) -> MatRef<'s, T> {
        dense(self.weights, self.shape.n_out, self.shape.n_in)
    }

    /// `b`, n_out.
    pub(super) fn bias(&self) -> &'s [T] {
        self.bias
    }

    /// `D`, the weights' last change.
    pub(super) fn change(&self) -> MatRef<'s, T> {
        dense(self.change, self.shape.n_out, self.shape.n_in)
    }

    /// The bias's last change.
    pub(super) fn bias_change(&self) -> &'s [T] {
        self.bias_change
    }

    /// `z <- W p + b`; `p` is n_in x m, `z` n_out x m.
    pub(super) fn forward<G: Gemm<T>>(
        &self,
        gemm: &G,
        p: &MatRef<'_, T>,
        z: &mut MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        linear(gemm, &self.weights(), self.bias, p, z, stack)
    }

    /// What the last step of the weights did.
    pub(super) fn reduced(&self) -> Reduced {
        self.record.reduced
    }

    /// Which sums the samples must add: the input's are kept once they are known and do not change.
    pub(super) fn parts(&self) -> Parts {
        parts(&self.record)
    }

    /// How the input steps.
    pub(super) fn prepared(&self) -> Prepared<'s, T> {
        let SumsShape { n_out, n_in } = self.shape;
        let kind = StepKind::of(&self.steps.inputs, n_out, n_in);
        let n = kind.inverse_size(n_out, n_in);
        let inverse = dense(self.solve, n, n);
        match (kind, self.steps.inputs) {
            (StepKind::Exact, _) => Prepared::Inverse(inverse),
            (StepKind::OuterExact, _) => Prepared::OuterInverse(inverse),
            (StepKind::Gradient, StepRule::Vector) => Prepared::Columns,
            (StepKind::Gradient, _) => Prepared::Tau(T::from_f64(self.record.tau)),
        }
    }
}

fn parts(record: &Record) -> Parts {
    if record.input_known { Parts::Residual } else { Parts::All }
}

/// A layer for writing.
#[derive(Debug)]
pub(super) struct LayerMut<'s, T> {
    steps: Steps<T>,
    shape: SumsShape,
    weights: &'s mut [T],
    bias: &'s mut [T],
    change: &'s mut [T],
    bias_change: &'s mut [T],
    sums: &'s mut [T],
    solve: &'s mut [T],
    record: &'s mut [f64],
}

impl<T: Real> LayerMut<'_, T> {
    fn weights(&self) -> MatRef<'_, T> {
        dense(self.weights, self.shape.n_out, self.shape.n_in)
    }

    /// What the last step of the weights did.
    pub(super) fn reduced(&self) -> Reduced {
        Record::read(self.record).reduced
    }

    /// Adds up the groups' sums, in their order.
    pub(super) fn collect<'g>(&mut self, groups: impl Iterator<Item = &'g [T]>) -> Result {
        let (shape, parts) = (self.shape, parts(&Record::read(self.record)));
        shape.carve(self.sums)?.clear(parts);
        for group in groups {
            sums::add(shape, parts, group, self.sums)?;
        }
        if parts == Parts::All {
            shape.carve(self.sums)?.finish();
        }
        Ok(())
    }

    /// The same for a layer that is worked on alone: a stretch of the sums is a unit, so that all threads add. The same
    /// bits as [`LayerMut::collect`].
    pub(super) fn collect_at_once<'g, E: Executor<T>, I: Iterator<Item = &'g [T]>>(
        &mut self,
        executor: &mut E,
        groups: impl Fn() -> I + Sync,
    ) -> Result {
        let (shape, parts) = (self.shape, parts(&Record::read(self.record)));
        let counted = &mut self.sums[..shape.counted(parts)];
        executor.run(Runs::new(counted, STRETCH), |index, stretch, _| {
            stretch.fill(T::ZERO);
            for group in groups() {
                add_slice(&group[index * STRETCH..][..stretch.len()], stretch);
            }
            Ok(())
        })?;
        if parts == Parts::All {
            shape.carve(self.sums)?.finish();
        }
        Ok(())
    }

    /// Steps weights and bias from the collected sums. `data` says that the input never changes (the first layer).
    pub(super) fn step<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        order: Order,
        w: T,
        data: bool,
        samples: usize,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let mut record = Record::read(self.record);
        let (steps, n) = (&self.steps, self.shape.n_in);
        let sums = self.shape.read(self.sums, samples)?;
        if data && !record.factor_known && samples > 0 {
            (record.input_known, record.factor_known) = (true, true);
            if let StepRule::LeastSquares { damping } = steps.weights {
                let lower = &mut dense_mut(self.solve, n, n);
                record.factored =
                    weights::factor(gemm, damping, w, steps.regularizer, &sums, lower, stack.rest())?;
            }
        }
        let factor = record.factored.then(|| Factor { lower: dense(self.solve, n, n) });
        let change = dense_mut(self.change, self.shape.n_out, n);
        let mut change = Change { weights: change, bias: self.bias_change };
        record.reduced = weights::reduce(
            gemm,
            &steps.weights,
            order,
            w,
            steps.regularizer,
            &sums,
            factor.as_ref(),
            &mut dense_mut(self.weights, self.shape.n_out, n),
            self.bias,
            &mut change,
            stack,
        )?;
        record.write(self.record);
        Ok(())
    }

    /// A second step on the same samples: the sums follow the last change instead of being added up again, and the
    /// change becomes that of both steps.
    pub(super) fn step_again<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        order: Order,
        w: T,
        samples: usize,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let SumsShape { n_out, n_in } = self.shape;
        let mut sums = self.shape.carve(self.sums)?;
        let change = dense(self.change, n_out, n_in);
        sums.follow(gemm, &change, self.bias_change, samples, stack.rest())?;
        let (first, first_bias) = (stack.vector(n_out * n_in)?, stack.vector(n_out)?);
        first.copy_from_slice(self.change);
        first_bias.copy_from_slice(self.bias_change);
        let before = self.reduced();
        self.step(gemm, order, w, true, samples, stack)?;
        add_slice(first, self.change);
        add_slice(first_bias, self.bias_change);
        Record::update(self.record, |record| {
            record.reduced.promised += before.promised;
            record.reduced.weights_squared += before.weights_squared;
            record.reduced.bias_squared += before.bias_squared;
        });
        Ok(())
    }

    /// Makes the input's exact step ready from the present weights, which divergence may have made infinite or NaN: that
    /// is told apart from a Hessian that is not positive definite.
    pub(super) fn prepare_input<G: Gemm<T>>(&mut self, gemm: &G, w: T, c: T, stack: Stack<'_, T>) -> Result {
        if !max_abs(self.weights).is_finite() {
            return Err(Error::NonFinite { quantity: "the weights" });
        }
        let SumsShape { n_out, n_in } = self.shape;
        let kind = StepKind::of(&self.steps.inputs, n_out, n_in);
        let n = kind.inverse_size(n_out, n_in);
        let weights = dense(self.weights, n_out, n_in);
        let inverse = &mut dense_mut(self.solve, n, n);
        match kind {
            StepKind::Gradient => Ok(()),
            StepKind::Exact => input::invert_hessian(gemm, w, c, &weights, inverse, stack),
            StepKind::OuterExact => input::invert_outer_hessian(gemm, w, c, &weights, inverse, stack),
        }
    }

    /// Finds the input's scalar tau from the samples' probes.
    pub(super) fn set_tau(&mut self, w: T, c: T, probe: Probe) -> Result {
        let tau = input::scalar_tau(&self.steps.inputs, w, c, &self.weights(), probe)?;
        Record::update(self.record, |record| record.tau = tau.to_f64());
        Ok(())
    }
}

/// Scratch of [`LayerMut::collect`], [`LayerMut::step`] and [`LayerMut::step_again`].
pub(super) fn step_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    steps: &Steps<T>,
    SumsShape { n_out, n_in }: SumsShape,
) -> Requirement {
    let step = weights::reduce_workspace(gemm, &steps.weights, n_out, n_in)
        .or(weights::factor_workspace(gemm, n_in));
    Requirement::matrix(n_out, n_in + 1).and(step).or(gemm.workspace(n_out, n_in, n_in))
}

/// Scratch of [`LayerMut::prepare_input`].
pub(super) fn prepare_input_workspace<T: Real, G: Gemm<T>>(
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
