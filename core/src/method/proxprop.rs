//! Proximal back-propagation with least-squares weights (after Frerix, Moellenhoff, Moeller, Cremers, 'Proximal
//! Backpropagation', ICLR 2018, with the implicit step of the weights).
//!
//! A sweep starts from a consistent network, `r = 0` and no dual:
//!
//! 1. forward: `z_l = W_l a_{l-1} + b_l` for every linear map, `a_l` what the blocks up to the next one make of it;
//! 2. output target `t_L = argmin_z R(z; y) + (nu/2)|z - z_L|^2`;
//! 3. for l = L..1: `r_l = z_l - t_l`, and the input's target by one gradient step of the penalty `(1/2)|r_l|^2`: `r` goes
//!    back through the blocks as a gradient does, `t_{l-1} = z_{l-1} - f'(z_{l-1}) o W_l' r_l` between dense layers;
//! 4. every map at once: the joint least-squares step of (W, b) from `r_l` and `a_{l-1}`
//!    ([`update::weights`](crate::update::weights)). A convolution is the map of its patches.
//!
//! Steps 1 to 3 are one pass over the samples, of which only the maps' sums are left: nothing of the size of the
//! samples is carried. Products a map: three and a half, the first one's two.
//!
//! **Guard.** The steps of all maps together may overshoot, so nu is steered as Levenberg and Marquardt do. The
//! gradient of the objective, R + Omega, is that of the penalties up to the second order in `r`, and predicts the decrease
//! `P = nu sum_l (<C_c, -D> + M|k|^2)` for the steps D, with the centred sums C_c and the row means k of r. A sweep
//! steps from the sums at hand and passes the samples through the new network, which gives its loss and the next sums.
//! If the loss is higher than before, or not finite, the step is undone bit for bit and nu multiplied by 4. Otherwise, with
//! g = (true decrease)/P, nu is divided by 1.5 where g > 0.5 and doubled where g < 0.15. **So the loss never rises from
//! sweep to sweep.** Only after a rejected sweep must the pass be made again, at the old weights and the new nu.
//!
//! **Mini-batches.** A batch takes steps 1 to 4 without a guard. Step k of K is `V <- momentum V + D_k`, `W <- W + V`, the
//! biases likewise, with the proximal weight `nu/s_k`, where s_k falls to 0 over the run ([`StepSchedule`]).
//! The least-squares step D_k is that of the batch alone, in the primal or in the dual form ([`Form`]); a map in the primal form
//! may carry the sums of its inputs from batch to batch ([`Carry`]). With weight decay it is
//! `W <- (1 - weight_decay s_k/nu) W + V`, biases excepted: the decoupled decay of AdamW (Loshchilov, Hutter, ICLR 2019) with
//! s_k/nu for the length of a step. Scale and shift of a batch normalisation are the diagonal map of its normalised inputs, with
//! a least-squares step of their own for each channel; decay and Omega leave them alone. If a batch's outputs are not finite,
//! the last step is taken back, up to rounding, momentum forgotten and nu multiplied by 4.

pub(super) mod carry;
mod form;
mod guarded;
mod map_step;
mod minibatch;

pub use carry::Carry;
pub use form::Form;
pub(super) use map_step::{MapStep, MapVariables};

use super::batches::{Batches, Epoch};
use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::draws;
use super::numbers::Numbers as _;
use super::pass::{self, Goal, Pass, Samples, Signal, Tally};
use super::step_schedule::{Schedule, StepSchedule};
use super::{Hyperparameters, Memory, Method, Partition, Penalties, Run, State, Sweep, omega};
use crate::error::{Error, Result, require_decay, require_not_negative, require_positive};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::workspace::Requirement;

/// What is known of proximal back-propagation without a run.
pub const CARD: Card = Card {
    name: "proxprop",
    code: 4,
    title: "proximal back-propagation",
    summary: "Proximal back-propagation with least-squares weights, in mini-batches or guarded (after Frerix et al., ICLR 2018)",
    paper: "T. Frerix, T. Moellenhoff, M. Moeller, D. Cremers, Proximal Backpropagation, ICLR 2018",
    layers_only: false,
    uses: &[Use::Nu, Use::Damping, Use::Batch],
    in_minibatches: &[
        Use::Momentum,
        Use::StepSchedule,
        Use::WeightDecay,
        Use::Form,
        Use::Seen,
        Use::Augmentation,
    ],
    defaults: |setup| {
        if !setup.minibatches {
            return Defaults { nu: 3.0, ..Defaults::UNUSED };
        }
        // The steps of all maps together move the outputs. On held-out images of MNIST (two epochs, two seeds), 10 and 20 of
        // 5 to 40 served three maps equally well, 66 and 100 of 33 to 250 ten: the square passes through both.
        let nu = (setup.maps * setup.maps).max(1) as f64;
        // Tables of noisy targets are learnt by heart within a few epochs of such steps. Shorter ones and a decay of 1/nu a step
        // served best on six tables of 150 to 5,000 rows that stop early by a tenth of them (ten splits).
        let (nu, weight_decay) = if setup.table { (20.0 * nu, 1.0) } else { (nu, 0.0) };
        Defaults {
            nu,
            weight_decay,
            damping: 1.0,
            momentum: 0.9,
            step_schedule: StepSchedule::Linear,
            // Over the many patches of a batch the sums hardly differ from batch to batch, and they cost more than the step.
            carry: setup.convolutions.then_some(Carry { beta: 0.9, every: 10 }),
            ..Defaults::UNUSED
        }
    },
    batch: Some(128),
    composed: true,
    products: |first, _, _, _| LayerProducts {
        inner: if first { 0.0 } else { 0.5 },
        ..LayerProducts::back_propagation(first)
    },
    state: StateMatrices { hidden: 0, last: 0, cut: 0 },
    rho_threshold: None,
    theorem: "no theorem about rho",
};

/// Why there is no place for dropout and batch normalisation in guarded sweeps.
const ONE_NETWORK: &str = "mini-batches, or a network without it: the guard of proximal back-propagation over all samples compares \
                           losses of one and the same network";

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct ProxProp<T> {
    settings: Hyperparameters<T>,
    batches: Batches,
    /// How the largest step's samples are cut.
    partition: Partition,
    schedule: Schedule,
}

impl<T: Real> ProxProp<T> {
    /// The method for a run; in mini-batches where the settings have any.
    ///
    /// # Errors
    /// As [`ProxProp::with_partition`].
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let largest = Batches::new(settings.batch, run.samples())?.largest();
        let partition = Partition::for_batch(largest, &run.network);
        Self::with_partition(settings, partition, run)
    }

    /// The same where the samples of the largest step are cut so.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, an l1 regulariser among them, which has no least-squares
    /// step; [`Shape`](Error::Shape) for samples or targets that do not fit the network, or naming `partition` if it
    /// cuts another number of samples.
    pub fn with_partition(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        let Hyperparameters { loss, batch, .. } = *settings;
        check_steps(settings)?;
        let batches = Batches::new(batch, run.samples())?;
        batches.check_partition(partition)?;
        pass::check(loss, run)?;
        draws::check(settings, batches.are_whole(), run)?;
        if batches.are_whole() {
            draws::require_one_network(run.network, ONE_NETWORK)?;
        }
        batches.check_batch_norm(&run.network, partition)?;
        let Hyperparameters { step_schedule, warm_up, sweeps, .. } = *settings;
        let schedule = Schedule::new(step_schedule, warm_up, sweeps, batches.count())?;
        Ok(Self { settings: *settings, batches, partition, schedule })
    }

    /// The present nu: the guard's, or that of the settings multiplied by 4 for every mini-batch that was not finite.
    ///
    /// # Errors
    /// [`Length`](Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn nu(&self, run: &Run<'_, T>, state: &State<'_, T>) -> Result<f64> {
        state.require(self.memory(run))?;
        // The first number of both.
        Ok(state.numbers[0])
    }

    fn samples(&self) -> Samples<'static> {
        Samples { order: None, first: 0, partition: self.partition(), draws: None }
    }

    fn pass_over<'p>(
        &self,
        run: &Run<'p, T>,
        parameters: &'p [T],
        samples: Samples<'p>,
        nu: f64,
    ) -> Pass<'p, T> {
        let Hyperparameters { loss, solver, .. } = self.settings;
        let signal = Signal::Proximal { nu: T::from_f64(nu), solver };
        let goal = Goal::Risk { loss, target: run.problem.target, signal };
        Pass { network: run.network, parameters, input: run.problem.x, goal, samples }
    }

    /// R as the groups' tallies have it, and Omega at these parameters.
    fn found(&self, run: &Run<'_, T>, parameters: &[T], tallies: &[f64]) -> f64 {
        Tally::all(tallies).map(|tally| tally.cost).sum::<f64>()
            + omega(self.settings.regularizer, &run.network, parameters)
    }

    /// R + Omega of all samples, by a pass down.
    fn measure<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parameters: &[T],
        tallies: &mut [f64],
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let pass = self.pass_over(run, parameters, self.samples(), 1.0);
        Ok(pass.cost(tallies, executor, gemm)? + omega(self.settings.regularizer, &run.network, parameters))
    }
}

/// `Ok` when the settings of least-squares steps with momentum are in their ranges.
///
/// # Errors
/// [`Setting`](Error::Setting), of an l1 regulariser too, which has no least-squares step.
pub(super) fn check_steps<T: Real>(settings: &Hyperparameters<T>) -> Result {
    let Hyperparameters { nu, damping, momentum, regularizer, .. } = *settings;
    require_positive("nu", nu.to_f64())?;
    require_positive("damping", damping.to_f64())?;
    require_decay("momentum", momentum.to_f64())?;
    settings.carry.map_or(Ok(()), |carry| carry.validate())?;
    let decay = settings.weight_decay.to_f64();
    require_not_negative("weight-decay", decay)?;
    if decay >= nu.to_f64() {
        return Err(Error::Setting { name: "weight-decay", found: decay, expected: "below nu" });
    }
    regularizer.validate()?;
    if let Regularizer::L1(lambda) = regularizer {
        let (found, expected) = (lambda.to_f64(), "l2 or none with least-squares weights");
        return Err(Error::Setting { name: "l1 regulariser", found, expected });
    }
    Ok(())
}

impl<T: Real> Method<T> for ProxProp<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        if self.batches.are_whole() { self.guarded_memory(run) } else { self.minibatch_memory(run) }
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        if self.batches.are_whole() {
            self.guarded_workspace(run, gemm)
        } else {
            self.minibatch_workspace(run, gemm)
        }
    }

    fn partition(&self) -> Partition {
        self.partition.of(self.batches.samples())
    }

    fn recut(&self, [_, batch]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(&self.settings, batch, run)
    }

    /// The guard goes on from the new nu, after another pass; mini-batches with it, whatever it was multiplied by before. Momentum stays.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        Penalties { nu, .. }: Penalties<T>,
        _: &mut E,
        _: &G,
    ) -> Result<f64> {
        state.require(self.memory(run))?;
        if nu != self.settings.nu {
            let settings = Hyperparameters { nu, ..self.settings };
            check_steps(&settings)?;
            self.settings = settings;
            if self.batches.are_whole() {
                self.set_guarded_nu(state);
            } else {
                self.set_minibatch_nu(run, state);
            }
        }
        Ok(0.0)
    }

    /// Begins at nu of the settings, without momentum. Where all samples are in one pass, makes it.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        state.require(self.memory(run))?;
        state.numbers.fill(0.0);
        if self.batches.are_whole() {
            self.begin_guarded(run, state, executor, gemm)
        } else {
            self.begin_minibatches(run, state);
            Ok(())
        }
    }

    /// One sweep over all samples, after which R + Omega is not higher, or an epoch of mini-batches.
    ///
    /// The dual residual is the norm of the gradient of the objective as the penalties have it, after mini-batches that of
    /// the last one's and without Omega's; nothing is carried that a primal residual could tell of. After mini-batches the
    /// objective is the last one's R before its step, and Omega. Where there is no step from the present weights, they are
    /// what they were.
    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.sweep_part(run, state, Epoch::whole(order), executor, gemm)
    }

    fn sweep_part<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        epoch: Epoch<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        state.require(self.memory(run))?;
        self.batches.check(epoch.order)?;
        if self.batches.are_whole() {
            self.guarded_sweep(run, state, executor, gemm)
        } else {
            self.minibatch_epoch(run, state, epoch, executor, gemm)
        }
    }

    /// R + Omega of all samples at the present weights, by a pass down of its own. The sums at hand stay.
    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        state.require(self.memory(run))?;
        let parameters = run.network.parameters();
        let tallies = self.partition.groups() * Tally::COUNT;
        // Both ways keep the tallies last.
        let first = state.numbers.len() - tallies;
        let (parameters, tallies) = (&state.scalars[..parameters], &mut state.numbers[first..]);
        self.measure(run, parameters, tallies, executor, gemm)
    }
}
