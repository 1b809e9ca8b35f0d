//! Back-propagation, with the step of an [`Optimizer`]: the baselines GD and SGD, Adagrad, Adadelta and Adam.
//!
//! The objective is `F = R + Omega`, R summed over the M samples as for every method here. The step is made from the
//! gradient of its **mean**, `F/M`, as is the custom, so that a learning rate means what it means elsewhere: with l2 that
//! adds `(lambda/M) W`, and not to the bias. A mini-batch of b samples takes `(1/b) sum grad R_j + (lambda/M) W` for it.
//!
//! A sweep is one pass over the samples, three products a layer: forward, back and the gradient's; the first layer's input
//! is data and takes nothing back. The weights' gradient is added up from the groups and stepped by in one go, a stretch at a
//! time: what an optimiser reads is in cache. Nothing is promised of the objective.

use super::layer::Layer;
use super::network::{self, Group, Pass, Signal};
use super::{Partition, Problem, Steps, Sweep};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::executor::{Executor, Units};
use crate::gemm::Gemm;
use crate::loss::{Loss, OutputSolver};
use crate::matrix::Memory;
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::update::sums::{Parts, SumsShape, add_slice};
use crate::view::{require_length, require_size};
use crate::workspace::Requirement;

/// What the method needs to know beside the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings<T> {
    /// How parameters follow their gradient.
    pub optimizer: Optimizer<T>,
    /// The hidden layers' activation f.
    pub activation: Activation<T>,
    /// The risk R.
    pub loss: Loss,
    /// Omega, on every layer's weights; l1 has no gradient.
    pub regularizer: Regularizer<T>,
}

impl<T: Real> Settings<T> {
    /// `Ok` when every number is in its range and the regulariser is not l1.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting).
    pub fn validate(&self) -> Result {
        self.optimizer.validate()?;
        self.activation.validate()?;
        self.regularizer.validate()?;
        match self.regularizer {
            Regularizer::L1(lambda) => Err(Error::Setting {
                name: "l1 regulariser",
                found: lambda.to_f64(),
                expected: "l2 or none with back-propagation",
            }),
            _ => Ok(()),
        }
    }

    /// What the layers are made with: no solve of any kind.
    pub fn steps(&self) -> Steps<T> {
        Steps { weights: StepRule::Vector, inputs: StepRule::Vector, regularizer: self.regularizer }
    }

    fn lambda(&self) -> T {
        match self.regularizer {
            Regularizer::L2(lambda) => lambda,
            _ => T::ZERO,
        }
    }
}

/// Scratch that each of the executor's workers needs.
pub fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    tile: usize,
    layers: impl Iterator<Item = SumsShape> + Clone,
) -> Requirement {
    network::workspace(gemm, settings.loss, OutputSolver::Newton, tile, layers)
}

/// What the optimiser keeps of a layer: for each state its share of the weights, column by column, and of the bias.
#[derive(Debug, Clone)]
pub struct Moments<S> {
    first: S,
    second: S,
}

impl<S> Moments<S> {
    /// Makes a layer's; `allocate(elements)`, zeros, is called twice.
    pub fn new<T: Real>(
        optimizer: &Optimizer<T>,
        SumsShape { n_out, n_in }: SumsShape,
        mut allocate: impl FnMut(usize) -> S,
    ) -> Self {
        let needed = |state: usize| if optimizer.moments() > state { n_out * (n_in + 1) } else { 0 };
        Self { first: allocate(needed(0)), second: allocate(needed(1)) }
    }
}

/// The state of a run, in memory of the caller's kind.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The layers, first to last, of shapes made with [`Settings::steps`].
    pub layers: &'a mut [Layer<T, S>],
    /// One for each layer.
    pub moments: &'a mut [Moments<S>],
    /// As many as the partition has, with [`Parts::Residual`].
    pub groups: &'a mut [Group<T, S>],
    /// Steps taken so far.
    pub steps: &'a mut u64,
}

/// The method over a state.
#[derive(Debug)]
pub struct BackProp<'a, T: Real, S> {
    settings: Settings<T>,
    partition: Partition,
    problem: Problem<'a, T>,
    state: State<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> BackProp<'a, T, S> {
    /// Brings settings, data and state together, and checks that they fit. `partition` cuts all samples, or, for
    /// mini-batches, the largest of them.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting), [`Shape`](Error::Shape), [`Length`](Error::Length) naming `sums` or `moments`.
    pub fn new(
        settings: Settings<T>,
        partition: Partition,
        problem: Problem<'a, T>,
        state: State<'a, T, S>,
    ) -> Result<Self> {
        settings.validate()?;
        network::check(settings.loss, partition, &problem, Parts::Residual, state.layers, state.groups)?;
        require_length("moments", state.moments.len(), state.layers.len())?;
        for (layer, moments) in state.layers.iter().zip(state.moments.iter()) {
            let (n_out, n_in) = layer.shape();
            for (index, memory) in [&moments.first, &moments.second].into_iter().enumerate() {
                let needed = if settings.optimizer.moments() > index { n_out * (n_in + 1) } else { 0 };
                let found = memory.as_ref().len();
                if found != needed {
                    return Err(Error::Length { argument: "moments", found, needed });
                }
            }
        }
        Ok(Self { settings, partition, problem, state })
    }

    /// The layers, for their weights.
    pub fn layers(&self) -> &[Layer<T, S>] {
        self.state.layers
    }

    /// The gradient of the last step's mean objective with respect to the weights of layer `l`, column by column, and to
    /// its bias.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn gradient(&self, l: usize) -> (&[T], &[T]) {
        self.state.layers[l].residual_sums()
    }

    /// Begins at the layers' weights: the optimiser has taken no step.
    pub fn initialize(&mut self) {
        self.state.layers.iter_mut().for_each(Layer::reset);
        for moments in self.state.moments.iter_mut() {
            moments.first.as_mut().fill(T::ZERO);
            moments.second.as_mut().fill(T::ZERO);
        }
        *self.state.steps = 0;
    }

    /// One step from all samples.
    ///
    /// The report's objective is that of the weights before the step; the dual residual is the norm of its gradient;
    /// nothing is promised, which the least finite number stands for.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) naming `partition` if it does not cut all samples; [`NonFinite`](Error::NonFinite) if the
    /// loss or the gradient is.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<Sweep> {
        require_size("partition", (self.partition.samples(), 1), (self.problem.x.ncols(), 1))?;
        let omega = self.omega();
        self.step(executor, gemm, None)?;
        self.report(omega)
    }

    /// One step from the samples that `batch` names.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) or [`Setting`](Error::Setting) naming `batch` if it is larger than what the partition cuts
    /// or names a sample that there is not; [`NonFinite`](Error::NonFinite) if the loss is.
    pub fn step_batch<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        batch: &[u32],
    ) -> Result {
        network::check_batch(self.partition, self.problem.x.ncols(), batch)?;
        self.step(executor, gemm, Some(batch))
    }

    /// What is known after mini-batches: R and its gradient as the last one had them, and the present Omega.
    ///
    /// # Errors
    /// [`NonFinite`](Error::NonFinite).
    pub fn account(&self) -> Result<Sweep> {
        self.report(self.omega())
    }

    fn report(&self, omega: f64) -> Result<Sweep> {
        let samples = self.problem.x.ncols() as f64;
        let squared: f64 = self.state.layers.iter().map(gradient_squared).sum();
        let report = Sweep {
            objective: network::risk(self.state.groups) + omega,
            dual_residual: samples * libm::sqrt(squared),
            promised: -f64::MAX,
            ..Sweep::default()
        };
        report.require_finite()
    }

    /// R + Omega of all samples at the present weights, by a pass down of its own.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn objective<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<f64> {
        let partition = self.partition.of(self.problem.x.ncols());
        let frame = self.frame(partition, None);
        let State { layers, groups, .. } = &mut self.state;
        let (at_work, idle) = groups.split_at_mut(partition.groups());
        network::retire(idle);
        frame(layers).measure(executor, gemm, at_work)?;
        Ok(network::risk(self.state.groups) + self.omega())
    }

    /// A pass over these samples, given the layers.
    fn frame<'p>(
        &self,
        partition: Partition,
        batch: Option<&'p [u32]>,
    ) -> impl FnOnce(&'p [Layer<T, S>]) -> Pass<'p, T, S> + use<'p, 'a, T, S>
    where
        'a: 'p,
    {
        let (Settings { activation, loss, .. }, problem) = (self.settings, self.problem);
        let (signal, parts) = (Signal::Gradient, Parts::Residual);
        move |layers| Pass { activation, loss, signal, partition, problem, batch, layers, parts }
    }

    fn step<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        batch: Option<&[u32]>,
    ) -> Result {
        let partition = batch.map_or(self.partition, |batch| self.partition.of(batch.len()));
        let frame = self.frame(partition, batch);
        let State { layers, groups, .. } = &mut self.state;
        let (at_work, idle) = groups.split_at_mut(partition.groups());
        network::retire(idle);
        frame(layers).run(executor, gemm, at_work)?;
        if partition.samples() == 0 {
            self.state.layers.iter_mut().for_each(clear_gradient);
            return Ok(());
        }
        if !network::risk(at_work).is_finite() {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        *self.state.steps += 1;
        self.follow(executor, partition)
    }

    /// The parameters follow the gradient that the groups hold.
    fn follow<E: Executor<T>>(&mut self, executor: &mut E, partition: Partition) -> Result {
        let State { layers, moments, groups, steps } = &mut self.state;
        let (groups, t, optimizer) = (&groups[..partition.groups()], **steps, self.settings.optimizer);
        let share = T::ONE / T::from_usize(partition.samples());
        let decay = self.settings.lambda() / T::from_usize(self.problem.x.ncols());
        let mut start = 0;
        for (layer, moments) in layers.iter_mut().zip(moments.iter_mut()) {
            let split = layer.parameters().0.len();
            let [first, second] = [&mut moments.first, &mut moments.second].map(AsMut::as_mut);
            let (first, first_bias) = first.split_at_mut(split.min(first.len()));
            let (second, second_bias) = second.split_at_mut(split.min(second.len()));
            let (weights, bias, gradient, bias_gradient) = layer.descent_mut();
            let weights = Stretches { parameters: weights, gradient, first, second };
            let bias = Stretches {
                parameters: bias,
                gradient: bias_gradient,
                first: first_bias,
                second: second_bias,
            };
            for (units, start, decay) in [(weights, start, decay), (bias, start + split, T::ZERO)] {
                executor.run(units, |index, unit, _| {
                    let at = start + index * Stretches::<T>::LENGTH;
                    unit.gradient.fill(T::ZERO);
                    for sums in network::sums_of(groups, at) {
                        add_slice(&sums[..unit.gradient.len()], unit.gradient);
                    }
                    for (g, &w) in unit.gradient.iter_mut().zip(&*unit.parameters) {
                        *g = share * *g + decay * w;
                    }
                    optimizer.step(t, unit.gradient, unit.first, unit.second, unit.parameters)
                })?;
            }
            start += layer.sums_shape().counted(Parts::Residual);
        }
        Ok(())
    }

    fn omega(&self) -> f64 {
        let of = |layer: &Layer<T, S>| self.settings.regularizer.value(&layer.weights());
        self.state.layers.iter().map(of).sum()
    }
}

fn clear_gradient<T: Real, S: Memory<T>>(layer: &mut Layer<T, S>) {
    let (_, _, weights, bias) = layer.descent_mut();
    weights.fill(T::ZERO);
    bias.fill(T::ZERO);
}

fn gradient_squared<T: Real, S: Memory<T>>(layer: &Layer<T, S>) -> f64 {
    let (weights, bias) = layer.residual_sums();
    reduce::sum_squares(weights) + reduce::sum_squares(bias)
}

/// Parameters with their gradient and moments, cut into stretches. Moments that the optimiser does not keep are empty.
pub(super) struct Stretches<'a, T> {
    pub(super) parameters: &'a mut [T],
    pub(super) gradient: &'a mut [T],
    pub(super) first: &'a mut [T],
    pub(super) second: &'a mut [T],
}

impl<T> Stretches<'_, T> {
    /// Parameters of a stretch: with their gradient and moments, what the nearest cache holds.
    pub(super) const LENGTH: usize = 1 << 13;
}

impl<T: Send> Units for Stretches<'_, T> {
    type Unit = Self;

    fn count(&self) -> usize {
        self.parameters.len().div_ceil(Self::LENGTH)
    }

    fn split(self, at: usize) -> (Self, Self) {
        let cut = |slice: &'_ mut [T]| (at * Self::LENGTH).min(slice.len());
        let Self { parameters, gradient, first, second } = self;
        let [a, b, c, d] = [parameters, gradient, first, second].map(|slice| {
            let at = cut(slice);
            slice.split_at_mut(at)
        });
        (
            Self { parameters: a.0, gradient: b.0, first: c.0, second: d.0 },
            Self { parameters: a.1, gradient: b.1, first: c.1, second: d.1 },
        )
    }

    fn single(self) -> Self {
        self
    }
}
