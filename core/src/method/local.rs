//! Local proximal sweeps: every layer steps by what its own read-out says of a batch, and nothing is sent back to it.
//!
//! A layer is what lies between two cuts of the network, by default one linear map with the activation and the pooling after
//! it. Each but the last has a **read-out**, a linear map of its output `a_l` to as many numbers as the network has outputs
//! (of images: of the means of windows, [`Hyperparameters::readout_grid`]), which begins at zero and is trained beside it.
//! Layer l and its read-out lower `R(s_l; y)`, with the regulariser of their own weights, and know of no other goal:
//!
//! 1. `a_l = f(W_l a_{l-1} + b_l)`, with `a_{l-1}` as the layer below gives it before its step from the same batch;
//! 2. `s_l = M_l a_l + c_l`, the signal `g_l = (s_k/nu) dR/ds_l`, and that of the layer, `r_l = f'(z_l) o (M_l' g_l)`, where M_l
//!    is that before its step;
//! 3. read-out and layer take the damped least-squares step of a batch, `(M_l, c_l)` from `(g_l, a_l)` and `(W_l, b_l)` from
//!    `(r_l, a_{l-1})`, with momentum and a falling length s_k, as [`proxprop`](super::proxprop) does in mini-batches. In a layer
//!    of several maps r goes back through its blocks as a gradient does;
//! 4. the last layer does the same with R itself, and has no read-out.
//!
//! [`Inner`] says whether steps are by least squares, or by SGD or Adam along the gradient of the mean of R.
//!
//! **In parallel.** Since nothing comes back, layer l takes batch k while layer l - 1 takes batch k + 1, a
//! [`Pipeline`] whose items are the batches of an epoch. Every layer meets the batches in
//! their order, with inputs that depend on the layers below at those batches alone. **So the bits are those of one layer after
//! the other**, for any number of workers. What travels is `a_l` (n_l x m) once a boundary and batch, forward only; two
//! such matrices are kept a boundary, one that is written and one that is read.
//!
//! **What is promised.** A least-squares step of a layer lowers the proximal problem that it solves,
//! `(nu/2)|r + D p|^2 + (nu delta/2)|D|^2` of its batch, to its minimum. Nothing is promised of R of the composed network.
//!
//! A layer at whose read-out R is not finite takes its last step back, up to rounding, forgets momentum, multiplies its nu by
//! 4, and leaves the batch out; so do the layers above it. Gradient steps cannot be taken back, and are divergence.
//!
//! Local classifiers: Noekland, Eidnes, 'Training Neural Networks with Local Error Signals', ICML 2019; Belilovsky, Eickenberg,
//! Oyallon, 'Decoupled Greedy Learning of CNNs', ICML 2020. Their steps are SGD's and Adam's.

mod layer;
mod learner;
mod readout;

use super::batches::{Batches, Epoch};
use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::draws;
use super::gradient::require_some_left;
use super::numbers::Numbers;
use super::parts::Parts;
use super::pass::{self, Goal, Pass, Samples, Signal, Tally};
use super::proxprop::{Carry, check_steps};
use super::run::carve_mut;
use super::step_schedule::{Schedule, StepSchedule};
use super::tssm::Inner;
use super::{
    Hyperparameters, Memory, Method, Partition, Penalties, Run, Seen, State, Sweep, omega, widest_tile,
};
use crate::error::{Error, Result, require_not_negative};
use crate::executor::{
    Executor, Lengths, Output, Own, Owners, Passed, Pieces, Pipeline, PipelineMemory, Readers,
};
use crate::gemm::Gemm;
use crate::loss::OutputSolver;
use crate::real::Real;
use crate::view::{MatRef, dense, require_length};
use crate::workspace::{Requirement, Stack};
use layer::{Frame, Progress};
pub use readout::Readout;

/// What is known of local proximal sweeps without a run.
pub const CARD: Card = Card {
    name: "local",
    code: 13,
    title: "local proximal sweeps",
    summary: "Local proximal sweeps: layers in parallel, each with a read-out of its own, nothing sent backwards",
    paper: "local classifiers of A. Noekland, L. H. Eidnes, Training Neural Networks with Local Error Signals, ICML 2019, \
            with least-squares steps",
    layers_only: false,
    uses: &[
        Use::Nu,
        Use::Damping,
        Use::LearningRate,
        Use::Batch,
        Use::Momentum,
        Use::StepSchedule,
        Use::WeightDecay,
        Use::Form,
        Use::Cuts,
        Use::Inner,
        Use::Readouts,
    ],
    in_minibatches: &[Use::Seen, Use::Augmentation],
    defaults: |setup| Defaults {
        // A layer moves the inputs of all above it. On held-out images of MNIST (two epochs) 10 of 5 to 20 served three maps
        // best, 33 of 5 to 66 ten.
        nu: libm::round(setup.maps as f64 * 10.0 / 3.0).max(1.0),
        damping: 1.0,
        momentum: 0.9,
        learning_rate: if setup.inner == Inner::Sgd { 0.1 } else { 1e-3 },
        step_schedule: StepSchedule::Linear,
        carry: setup.convolutions.then_some(Carry { beta: 0.9, every: 10 }),
        ..Defaults::UNUSED
    },
    batch: Some(128),
    composed: true,
    // Forward, and the weights' step; no signal goes down.
    products: |_, _, _, _| LayerProducts { own: 2.0, inner: 0.5, outer: 0.0 },
    state: StateMatrices { hidden: 0, last: 0, cut: 0 },
    rho_threshold: None,
    theorem: "no theorem about rho",
};

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct Local<T> {
    settings: Hyperparameters<T>,
    batches: Batches,
    /// How all samples are cut where R is measured.
    partition: Partition,
    schedule: Schedule,
}

/// The parts of a state.
struct Variables<'s, T> {
    parameters: &'s mut [T],
    /// What each layer keeps, one after the other.
    layers: &'s mut [T],
    /// What the layers give of a batch: one half is written while the other is read.
    sent: [&'s mut [T]; 2],
    /// The layers' numbers, one after the other.
    numbers: &'s mut [f64],
    /// For each half, whether what a layer gave can be used.
    are_sent: [&'s mut [f64]; 2],
    tallies: &'s mut [f64],
}

impl<T: Real> Local<T> {
    /// The method for a run, whose cuts say what the layers are; in mini-batches where the settings have any.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, an l1 regulariser among them, which has no least-squares
    /// step, and for cuts that do not ascend within the network; [`Shape`](Error::Shape) for samples or targets that do not
    /// fit the network.
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let Hyperparameters { weight_decay, loss, batch, readout_grid, .. } = *settings;
        check_steps(settings)?;
        if let Some(optimizer) = learner::optimizer(settings) {
            optimizer.validate()?;
            require_not_negative("weight-decay", weight_decay.to_f64())?;
            require_some_left(optimizer.rate(), weight_decay)?;
        }
        if readout_grid == 0 {
            return Err(Error::Setting { name: "readout-grid", found: 0.0, expected: "1 or above" });
        }
        Parts::new(run.network, run.cuts, 0)?;
        pass::check(loss, run)?;
        let batches = Batches::new(batch, run.samples())?;
        draws::check(settings, batches.are_whole(), run)?;
        batches.check_batch_norm(&run.network, Self::one_piece(batches))?;
        let partition = Partition::for_network(run.samples(), widest_tile(&run.network));
        let Hyperparameters { step_schedule, warm_up, sweeps, .. } = *settings;
        let schedule = Schedule::new(step_schedule, warm_up, sweeps, batches.count())?;
        Ok(Self { settings: *settings, batches, partition, schedule })
    }

    /// The present nu of layer l: that of the settings, multiplied by 4 for every batch that was not finite.
    ///
    /// # Errors
    /// [`Length`](Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn nu(&self, run: &Run<'_, T>, state: &State<'_, T>, l: usize) -> Result<f64> {
        state.require(self.memory(run))?;
        let frame = self.frame(run);
        assert!(l < frame.parts.count());
        let before: usize = (0..l).map(|l| frame.numbers(l)).sum();
        Ok(Progress::read(&state.numbers[before..]).nu)
    }

    /// How the largest batch is cut: a layer takes it in one piece.
    fn one_piece(batches: Batches) -> Partition {
        let most = batches.largest();
        Partition::new(most, most.max(1), 1)
    }

    fn frame<'a>(&self, run: &Run<'a, T>) -> Frame<'a, T> {
        let parts = Parts::checked(run.network, run.cuts);
        let (largest, schedule) = (Self::one_piece(self.batches), self.schedule);
        Frame { parts, largest, samples: run.samples(), settings: self.settings, schedule }
    }

    /// The parts of a state's scalars and of its numbers, in their order.
    fn state_parts(&self, run: &Run<'_, T>) -> ([usize; 4], [usize; 4]) {
        let (frame, layers) = (self.frame(run), run.cuts.len() + 1);
        let sum = |of: &dyn Fn(usize) -> usize| (0..layers).map(of).fold(0, usize::saturating_add);
        let sent = sum(&|l| frame.sent(l));
        let scalars = [run.network.parameters(), sum(&|l| frame.scalars(l)), sent, sent];
        let numbers = sum(&|l| frame.numbers(l));
        let tallies = self.partition.groups() * Tally::COUNT;
        (scalars, [numbers, layers, layers, tallies])
    }

    fn variables<'s>(&self, run: &Run<'_, T>, state: &'s mut State<'_, T>) -> Variables<'s, T> {
        let (scalars, numbers) = self.state_parts(run);
        let [parameters, layers, even, odd] = carve_mut(state.scalars, scalars);
        let [numbers, even_sent, odd_sent, tallies] = carve_mut(state.numbers, numbers);
        let (sent, are_sent) = ([even, odd], [even_sent, odd_sent]);
        Variables { parameters, layers, sent, numbers, are_sent, tallies }
    }
}

impl<T: Real> Method<T> for Local<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        let (scalars, numbers) = self.state_parts(run);
        let [scalars, numbers] =
            [scalars, numbers].map(|parts| parts.into_iter().fold(0, usize::saturating_add));
        Memory { scalars, numbers }
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let frame = self.frame(run);
        let layers =
            (0..frame.parts.count()).fold(Requirement::NONE, |most, l| most.or(frame.workspace(gemm, l)));
        let risk = (self.settings.loss, OutputSolver::Newton);
        layers.or(pass::workspace(gemm, &run.network, self.partition.tile(), Requirement::NONE, risk))
    }

    fn partition(&self) -> Partition {
        self.partition
    }

    /// R is measured over the first partition; a layer takes every batch in one piece.
    fn recut(&self, [all, batch]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        require_length("partition", all.samples(), run.samples())?;
        self.batches.check_partition(batch)?;
        Ok(Self { partition: all, ..*self })
    }

    /// Moments and momentum stay.
    fn set_learning_rate(&mut self, rate: T) -> Result {
        let settings = Hyperparameters { learning_rate: rate, ..self.settings };
        if let Some(optimizer) = learner::optimizer(&settings) {
            optimizer.validate()?;
            require_some_left(rate, settings.weight_decay)?;
            self.settings = settings;
        }
        Ok(())
    }

    /// All layers go on with the new nu, whatever theirs was multiplied by before; momentum stays.
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
            let (frame, Variables { numbers, .. }) = (self.frame(run), self.variables(run, state));
            each_progress(&frame, numbers, |progress| progress.nu = nu.to_f64());
        }
        Ok(0.0)
    }

    /// Begins at nu of the settings, without momentum, and with read-outs of zeros.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _: &mut E,
        _: &G,
    ) -> Result {
        state.require(self.memory(run))?;
        let (frame, variables) = (self.frame(run), self.variables(run, state));
        variables.sent.into_iter().for_each(|sent| sent.fill(T::ZERO));
        variables.are_sent.into_iter().for_each(|are_sent| are_sent.fill(0.0));
        variables.tallies.fill(0.0);
        let (mut scalars, mut numbers) = (variables.layers, variables.numbers);
        for l in 0..frame.parts.count() {
            let (own, others) = scalars.split_at_mut(frame.scalars(l));
            let (own_numbers, other_numbers) = numbers.split_at_mut(frame.numbers(l));
            frame.begin(own, own_numbers);
            (scalars, numbers) = (others, other_numbers);
        }
        Ok(())
    }

    /// An epoch of mini-batches, through all layers.
    ///
    /// The report's objective is R of the network's outputs at the last batch, before its step, and Omega; the dual residual
    /// the norm of the gradients of all layers' own R there. Nothing is promised, which the least finite number stands for.
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
        let frame = self.frame(run);
        let Variables { parameters, layers, sent, numbers, are_sent, .. } = self.variables(run, state);
        each_progress(&frame, numbers, |progress| {
            (progress.seen, progress.left_out, progress.slope) = (Tally::default(), false, 0.0);
        });
        let line = Line { frame, run: *run, batches: self.batches, epoch, gemm };
        let memory = PipelineMemory {
            parameters: &mut *parameters,
            scalars: &mut *layers,
            numbers: &mut *numbers,
            outputs: sent,
            marks: are_sent,
        };
        executor.pipeline(&line, memory)?;
        let (owners, count) = (Owners::Layers { first: 0 }, frame.parts.count());
        let pieces = |l| frame.parts.parameters(l).len();
        executor.share(owners, Readers::All, Pieces::new(&mut *parameters, count, pieces))?;
        executor.share(owners, Readers::All, Pieces::new(layers, count, |l| frame.scalars(l)))?;
        executor.share_numbers(
            owners,
            Readers::All,
            Pieces::new(&mut *numbers, count, |l| frame.numbers(l)),
        )?;
        let mut sweep = Sweep { promised: -f64::MAX, ..Sweep::default() };
        let (mut slope, mut last) = (0.0, Progress::default());
        each_progress(&frame, numbers, |progress| {
            slope += progress.slope;
            sweep.rejected |= progress.left_out;
            last = *progress;
        });
        let seen = Seen { risk: last.seen.cost, score: last.seen.score };
        sweep.seen = (!self.batches.are_whole() && !sweep.rejected).then_some(seen);
        sweep.objective = last.risk + omega(self.settings.regularizer, &run.network, parameters);
        sweep.dual_residual = libm::sqrt(slope);
        sweep.require_finite()
    }

    /// R + Omega of the network at the present weights, by a pass down of its own.
    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        state.require(self.memory(run))?;
        let Variables { parameters, tallies, .. } = self.variables(run, state);
        let goal =
            Goal::Risk { loss: self.settings.loss, target: run.problem.target, signal: Signal::Gradient };
        let samples = Samples { order: None, first: 0, partition: self.partition, draws: None };
        let pass = Pass { network: run.network, parameters, input: run.problem.x, goal, samples };
        Ok(pass.cost(tallies, executor, gemm)? + omega(self.settings.regularizer, &run.network, parameters))
    }

    fn readout<'s>(
        &self,
        run: &Run<'_, T>,
        state: &'s State<'_, T>,
        l: usize,
    ) -> Result<Option<(MatRef<'s, T>, &'s [T])>> {
        state.require(self.memory(run))?;
        let frame = self.frame(run);
        let Some(readout) = frame.readout(l) else { return Ok(None) };
        let before: usize = (0..l).map(|l| frame.scalars(l)).sum();
        let own = &state.scalars[run.network.parameters() + before..][..frame.scalars(l)];
        let map = readout.network()?.maps().next();
        Ok(map.map(|map| map.read(&own[frame.readout_parameters(l)..])))
    }
}

/// The layers as stages of a pipeline, the batches of an epoch its items.
struct Line<'a, 'o, T: Real, G> {
    frame: Frame<'a, T>,
    run: Run<'a, T>,
    batches: Batches,
    epoch: Epoch<'o>,
    gemm: &'o G,
}

impl<T: Real, G: Gemm<T>> Pipeline<T> for Line<'_, '_, T, G> {
    fn stages(&self) -> usize {
        self.frame.parts.count()
    }

    fn items(&self) -> usize {
        self.batches.steps_of(self.epoch)
    }

    fn lengths(&self, l: usize) -> Lengths {
        Lengths {
            parameters: self.frame.parts.parameters(l).len(),
            scalars: self.frame.scalars(l),
            numbers: self.frame.numbers(l),
            output: self.frame.sent(l),
        }
    }

    fn cost(&self, l: usize) -> f64 {
        self.frame.multiplications(l)
    }

    fn take(
        &self,
        l: usize,
        k: usize,
        own: Own<'_, T>,
        passed: Option<Passed<'_, T>>,
        output: Output<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let largest = self.frame.largest;
        let step = Progress::read(own.numbers).steps;
        let samples = self.batches.step(self.epoch, largest, k).for_step(&self.frame.settings, step);
        let mut stack = stack.rest();
        let input = match passed {
            None => samples.columns(&self.run.problem.x, 0, samples.count(), &mut stack)?,
            // The layer below has left the batch out.
            Some(Passed { mark: 0.0, .. }) => {
                Frame::leave_out(own, output);
                return Ok(());
            }
            Some(Passed { values, .. }) => {
                let features = self.frame.parts.features(l - 1);
                dense(&values[..features * samples.count()], features, samples.count())
            }
        };
        let (target, with_slope) = (self.run.problem.target, k + 1 == self.items());
        self.frame.take(l, own, output, &input, (samples, target), with_slope, self.gemm, stack)
    }
}

/// Calls `visit` for the progress of every layer, first to last.
fn each_progress<T: Real>(frame: &Frame<'_, T>, numbers: &mut [f64], mut visit: impl FnMut(&mut Progress)) {
    let mut start = 0;
    for l in 0..frame.parts.count() {
        Progress::update(&mut numbers[start..], &mut visit);
        start += frame.numbers(l);
    }
}
