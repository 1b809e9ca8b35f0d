//! Proximal back-propagation with least-squares weights (after Frerix, Moellenhoff, Moeller, Cremers, 'Proximal
//! Backpropagation', ICLR 2018, with the implicit step of the weights).
//!
//! A sweep starts from a consistent network, `r = 0` and no dual:
//!
//! 1. forward: `z_l = W_l a_{l-1} + b_l`, `a_l = f(z_l)`;
//! 2. output target `t_L = argmin_z R(z; y) + (nu/2)|z - z_L|^2`;
//! 3. for l = L..1: `r_l = z_l - t_l`, and the input's target by one gradient step of the penalty `(1/2)|r_l|^2`,
//!    `t_{l-1} = z_{l-1} - f'(z_{l-1}) o W_l' r_l`;
//! 4. every layer at once: the joint least-squares step of (W, b) from `r_l` and `a_{l-1}`.
//!
//! Steps 1 to 3 are one pass over the samples, of which only the layers' sums are left: nothing of the size of the
//! samples is carried. Products a layer: three and a half, the first layer's two.
//!
//! **Guard.** The steps of all layers together may overshoot, so nu is steered as Levenberg and Marquardt do. The
//! gradient of the objective, R + Omega, is that of the penalties up to the second order in `r`, and predicts the decrease
//! `P = nu sum_l (<C_c, -D> + M|k|^2)` for the steps D, with the centred sums C_c and the row means k of r. A sweep
//! steps from the sums at hand and passes the samples through the new network, which gives its loss and the next sums.
//! If the loss is higher than before, or not finite, the step is undone bit for bit and nu multiplied by 4. Otherwise, with
//! g = (true decrease)/P, nu is divided by 1.5 where g > 0.5 and doubled where g < 0.15. **So the loss never rises from
//! sweep to sweep.** Only after a rejected sweep must the pass be made again, at the old weights and the new nu.
//!
//! A mini-batch takes steps 1 to 4 without a guard, at a fixed nu.

use super::layer::Layer;
use super::network::{self, Group, Pass, Signal};
use super::{Partition, Problem, Steps, Sweep, steering};
use crate::activation::Activation;
use crate::error::{Error, Result, require_positive};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::loss::{Loss, OutputSolver};
use crate::matrix::Memory;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::update::sums::{Parts, SumsShape};
use crate::update::weights::Order;
use crate::view::{require_length, require_size};
use crate::workspace::Requirement;

/// What the method needs to know beside the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings<T> {
    /// Weight of the output's proximal term, and of the layers' penalties; above 0. The guard moves it.
    pub nu: T,
    /// Damping of the least-squares weights relative to the mean eigenvalue of the centred `a a'`, above 0.
    pub damping: T,
    /// The hidden layers' activation f.
    pub activation: Activation<T>,
    /// The risk R, summed over samples.
    pub loss: Loss,
    /// How the output subproblem is solved.
    pub solver: OutputSolver,
    /// Omega, on every layer's weights; l1 has no least-squares step.
    pub regularizer: Regularizer<T>,
}

impl<T: Real> Settings<T> {
    /// `Ok` when every number is in its range and the regulariser is not l1.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting).
    pub fn validate(&self) -> Result {
        require_positive("nu", self.nu.to_f64())?;
        self.activation.validate()?;
        self.steps().validate()
    }

    /// How the layers step; asks for no solve of the inputs.
    pub fn steps(&self) -> Steps<T> {
        let weights = StepRule::LeastSquares { damping: self.damping };
        Steps { weights, inputs: StepRule::Vector, regularizer: self.regularizer }
    }

    fn lambda(&self) -> f64 {
        match self.regularizer {
            Regularizer::L2(lambda) => lambda.to_f64(),
            _ => 0.0,
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
    let steps = layers.clone().fold(Requirement::NONE, |most, shape| {
        most.or(Layer::<T, [T; 0]>::step_workspace(gemm, &settings.steps(), shape))
    });
    network::workspace(gemm, settings.loss, settings.solver, tile, layers).or(steps)
}

/// A layer's weights and bias before its last step, and what that step promised.
#[derive(Debug, Clone)]
pub struct Kept<T, S> {
    /// W column by column, then b.
    parameters: S,
    /// P's share.
    decrease: f64,
    /// `|gradient|^2` of the penalty and Omega.
    slope: f64,
    scalar: core::marker::PhantomData<T>,
}

/// Makes the copy of a layer's parameters; `allocate(elements)` is called once.
///
/// # Errors
/// [`Length`](Error::Length) naming `kept` if the memory is not as long as asked for.
pub fn kept<T: Real, S: Memory<T>>(
    SumsShape { n_out, n_in }: SumsShape,
    allocate: impl FnOnce(usize) -> S,
) -> Result<Kept<T, S>> {
    let needed = n_out * (n_in + 1);
    let parameters = allocate(needed);
    let found = parameters.as_ref().len();
    if found != needed {
        return Err(Error::Length { argument: "kept", found, needed });
    }
    Ok(Kept { parameters, decrease: 0.0, slope: 0.0, scalar: core::marker::PhantomData })
}

impl<T: Real, S: Memory<T>> Kept<T, S> {
    fn keep(&mut self, layer: &Layer<T, S>) {
        let (weights, bias) = layer.parameters();
        let (kept_weights, kept_bias) = self.parameters.as_mut().split_at_mut(weights.len());
        kept_weights.copy_from_slice(weights);
        kept_bias.copy_from_slice(bias);
    }

    /// What the gradient `nu C + lambda W` (and `nu r 1` for the bias) at the kept weights says of the layer's last step.
    fn account(&mut self, layer: &Layer<T, S>, nu: f64, lambda: f64) {
        let (cross, residual) = layer.residual_sums();
        let (change, bias_change) = (layer.change_slice(), layer.bias_change());
        let weights = &self.parameters.as_ref()[..cross.len()];
        let along = nu * (reduce::dot(cross, change) + reduce::dot(residual, bias_change));
        self.decrease = -along - lambda * reduce::dot(weights, change);
        let squares = reduce::sum_squares(cross) + reduce::sum_squares(residual);
        let mixed = 2.0 * nu * reduce::dot(cross, weights) + lambda * reduce::sum_squares(weights);
        self.slope = (nu * nu * squares + lambda * mixed).max(0.0);
    }
}

/// What the guard knows from one sweep to the next; made by `default()`, set by [`ProxProp::initialize`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Guard {
    nu: f64,
    /// The nu with which the sums at hand were made.
    sums_nu: f64,
    /// R + Omega at the present weights.
    objective: f64,
    /// The groups' sums are those of the present weights.
    current: bool,
    /// The kept parameters are those before the last step.
    stepped: bool,
}

impl Guard {
    /// The present nu.
    pub fn nu(&self) -> f64 {
        self.nu
    }
}

/// The state of a run, in memory of the caller's kind.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The layers, first to last, of shapes made with [`Settings::steps`].
    pub layers: &'a mut [Layer<T, S>],
    /// One for each layer.
    pub kept: &'a mut [Kept<T, S>],
    /// As many as the partition has, with [`Parts::All`].
    pub groups: &'a mut [Group<T, S>],
    /// What the guard knows.
    pub guard: &'a mut Guard,
}

/// The method over a state.
#[derive(Debug)]
pub struct ProxProp<'a, T: Real, S> {
    settings: Settings<T>,
    partition: Partition,
    problem: Problem<'a, T>,
    state: State<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> ProxProp<'a, T, S> {
    /// Brings settings, data and state together, and checks that they fit. `partition` cuts all samples, or, for
    /// mini-batches, the largest of them.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting), [`Shape`](Error::Shape), [`Length`](Error::Length) naming `sums`, `solve` or `kept`.
    pub fn new(
        settings: Settings<T>,
        partition: Partition,
        problem: Problem<'a, T>,
        state: State<'a, T, S>,
    ) -> Result<Self> {
        settings.validate()?;
        network::check(settings.loss, partition, &problem, Parts::All, state.layers, state.groups)?;
        require_length("kept", state.kept.len(), state.layers.len())?;
        for (l, (layer, kept)) in state.layers.iter().zip(state.kept.iter()).enumerate() {
            layer.check(&settings.steps(), l)?;
            let (found, (n_out, n_in)) = (kept.parameters.as_ref().len(), layer.shape());
            let needed = n_out * (n_in + 1);
            if found != needed {
                return Err(Error::Length { argument: "kept", found, needed });
            }
        }
        Ok(Self { settings, partition, problem, state })
    }

    /// The layers, for their weights.
    pub fn layers(&self) -> &[Layer<T, S>] {
        self.state.layers
    }

    /// What the guard knows.
    pub fn guard(&self) -> &Guard {
        self.state.guard
    }

    /// Begins at the layers' weights: nu is that of the settings. Where all samples are in one pass, makes it.
    ///
    /// # Errors
    /// Those of the executor's tasks; [`NonFinite`](Error::NonFinite) if the loss is.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        self.state.layers.iter_mut().for_each(Layer::reset);
        *self.state.guard = Guard { nu: self.settings.nu.to_f64(), ..Guard::default() };
        if self.partition.samples() < self.problem.x.ncols() {
            return Ok(());
        }
        self.pass(executor, gemm, None)?;
        let objective = self.found();
        self.state.guard.objective = objective;
        if objective.is_finite() { Ok(()) } else { Err(Error::NonFinite { quantity: "the loss" }) }
    }

    /// One sweep over all samples: the objective, R + Omega, does not rise.
    ///
    /// The dual residual is the norm of the gradient of the objective as the penalties have it; nothing is carried that
    /// a primal residual could tell of.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) naming `partition` if it does not cut all samples;
    /// [`NonFinite`](Error::NonFinite) or [`Singular`](Error::Singular) if there is no step from the present
    /// weights, which are then what they were; else what the updates say.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<Sweep> {
        require_size("partition", (self.partition.samples(), 1), (self.problem.x.ncols(), 1))?;
        if !self.state.guard.current {
            self.pass(executor, gemm, None)?;
        }
        let before = self.state.guard.objective;
        self.step(executor, gemm, None)?;
        let predicted: f64 = self.state.kept.iter().map(|kept| kept.decrease).sum();
        self.pass(executor, gemm, None)?;
        let (found, start) = (self.found(), self.settings.nu.to_f64());
        let rejected = found > before || !found.is_finite();
        if rejected {
            self.undo();
        }
        let guard = &mut *self.state.guard;
        if rejected {
            guard.nu = steering::after_rejection(guard.nu, start);
        } else {
            guard.objective = found;
            guard.nu = steering::after_step(guard.nu, start, before - found, predicted);
        }
        self.account(rejected).require_finite()
    }

    /// One mini-batch: a step from the samples that `batch` names, without a look at what it did to the loss.
    ///
    /// If the batch's outputs are not finite, the step before is undone and nu is multiplied by 4 instead; the report says
    /// `rejected`. The report's objective is the batch's R before the step, and Omega.
    ///
    /// # Errors
    /// As [`ProxProp::sweep`]; [`Shape`](Error::Shape) or [`Setting`](Error::Setting) naming `batch` if it is larger than
    /// what the partition cuts or names a sample that there is not; [`NonFinite`](Error::NonFinite) if there is no step to
    /// undo.
    pub fn sweep_batch<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        batch: &[u32],
    ) -> Result<Sweep> {
        network::check_batch(self.partition, self.problem.x.ncols(), batch)?;
        self.state.layers.iter_mut().for_each(Layer::reset);
        self.pass(executor, gemm, Some(batch))?;
        let found = self.found();
        let rejected = !found.is_finite();
        if !rejected {
            self.state.guard.objective = found;
            self.step(executor, gemm, Some(batch))?;
        } else if self.state.guard.stepped {
            self.undo();
            let nu = self.state.guard.nu;
            self.state.guard.nu = steering::after_rejection(nu, self.settings.nu.to_f64());
        } else {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        self.state.guard.current = false;
        self.account(rejected).require_finite()
    }

    /// R + Omega of all samples at the present weights, by a pass down of its own. The sums at hand stay.
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
        Ok(self.found())
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
        let Settings { activation, loss, solver, .. } = self.settings;
        let signal = Signal::Proximal { nu: T::from_f64(self.state.guard.nu), solver };
        let problem = self.problem;
        move |layers| Pass { activation, loss, signal, partition, problem, batch, layers, parts: Parts::All }
    }

    /// Steps 1 to 3.
    fn pass<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        batch: Option<&[u32]>,
    ) -> Result {
        let partition = batch.map_or(self.partition, |batch| self.partition.of(batch.len()));
        let frame = self.frame(partition, batch);
        let State { layers, groups, guard, .. } = &mut self.state;
        (guard.sums_nu, guard.current) = (guard.nu, true);
        let (at_work, idle) = groups.split_at_mut(partition.groups());
        network::retire(idle);
        frame(layers).run(executor, gemm, at_work)
    }

    /// Step 4, from the sums of the last pass. If a layer has no step, all of them stay.
    fn step<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        batch: Option<&[u32]>,
    ) -> Result {
        let partition = batch.map_or(self.partition, |batch| self.partition.of(batch.len()));
        let settings = self.settings;
        let State { layers, kept, groups, guard } = &mut self.state;
        let (groups, nu) = (&groups[..partition.groups()], guard.sums_nu);
        let mut start = 0;
        for layer in layers.iter_mut() {
            layer.collect_at_once(executor, || network::sums_of(groups, start))?;
            start += layer.sums_shape().elements();
        }
        // Before any layer steps: the failure of one takes back the steps of all.
        let read = &**layers;
        executor.run(&mut **kept, |l, kept, _| {
            kept.keep(&read[l]);
            Ok(())
        })?;
        let stepped = executor.run((&mut **layers, &mut **kept), |l, (layer, kept), stack| {
            // Only data that every pass sees again has sums and a factor to keep.
            let data = l == 0 && batch.is_none();
            let weight = T::from_f64(nu);
            let (steps, order) = (settings.steps(), Order::WeightsFirst);
            layer.step(gemm, &steps, order, weight, data, partition.samples(), stack)?;
            if settings.lambda() > 0.0 {
                layer.forget_factor();
            }
            kept.account(layer, nu, settings.lambda());
            Ok(())
        });
        guard.stepped = true;
        if stepped.is_err() {
            self.undo();
        }
        stepped
    }

    /// Takes the last step back, bit for bit.
    fn undo(&mut self) {
        for (layer, kept) in self.state.layers.iter_mut().zip(self.state.kept.iter()) {
            let (weights, bias) = layer.parameters_mut();
            let (old_weights, old_bias) = kept.parameters.as_ref().split_at(weights.len());
            weights.copy_from_slice(old_weights);
            bias.copy_from_slice(old_bias);
        }
        self.state.guard.current = false;
        self.state.guard.stepped = false;
    }

    /// R + Omega, as the last pass found it.
    fn found(&self) -> f64 {
        let omega = |layer: &Layer<T, S>| self.settings.regularizer.value(&layer.weights());
        network::risk(self.state.groups) + self.state.layers.iter().map(omega).sum::<f64>()
    }

    fn account(&self, rejected: bool) -> Sweep {
        let slope: f64 = self.state.kept.iter().map(|kept| kept.slope).sum();
        Sweep {
            objective: self.state.guard.objective,
            dual_residual: libm::sqrt(slope),
            output: network::report(self.state.groups),
            rejected,
            ..Sweep::default()
        }
    }
}
