//! Training: owns the memory, runs a method, says how it goes, stops.
//!
//! A program that has samples in its memory and a loop of its own:
//!
//! ```
//! use std::sync::{Arc, atomic::AtomicBool};
//!
//! use altmin::settings::{Method, TrainOptions, Widths};
//! use altmin::data::{DataSource, Dataset};
//! use altmin::run::{History, Outcome};
//! use altmin::Trainer;
//! use altmin_core::view::dense;
//!
//! # fn main() -> altmin::Result {
//! // Features x samples, column-major: x and y of four corners, of which two are class 1.
//! let features = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
//! let train = Dataset::from_classes(&dense(&features, 2, 4), &[0, 1, 1, 0], None)?;
//! let settings = TrainOptions {
//!     data: Some(DataSource::Memory),
//!     method: Some(Method::Adam),
//!     hidden: Some(Widths(vec![16])),
//!     learning_rate: Some(0.05),
//!     threads: Some(1),
//!     ..TrainOptions::default()
//! }
//! .resolve()?;
//! let mut trainer = Trainer::<f64>::without_test(&settings, Arc::new(train))?;
//! let (mut history, stop) = (History::default(), AtomicBool::new(false));
//! while trainer.metrics().is_none_or(|metrics| metrics.loss > 0.01) {
//!     assert_eq!(trainer.step(10, &mut history, &stop)?, Outcome::SweepLimit);
//! }
//! let mut classes = [0; 4];
//! trainer.predict_classes(&dense(&features, 2, 4), &mut classes)?;
//! assert_eq!(classes, [0, 1, 1, 0]);
//! # Ok(())
//! # }
//! ```

mod best;
mod compiled;
mod growth;
mod info;
mod penalties;
mod predict;
mod resume;
mod sharing;
mod weights;

use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use altmin_core::method::{Hyperparameters, Problem, Seen, Sweep, omega};
use altmin_core::reduce;
use altmin_core::view::column;
use altmin_core::workspace::Requirement;
use altmin_core::{Error as CoreError, Real};

use crate::allocate;
use crate::data::{Dataset, Preprocessing};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::model::{Model, Notation, Place, Readout};
use crate::network::predictor::Predictor;
use crate::network::score::{Evaluator, Score};
use crate::run::engine::Engine;
use crate::run::executor::timeline::Timeline;
use crate::run::executor::{Parallel, Threads};
use crate::run::kernel::AnyGemm;
use crate::run::observe::{Best, Bound, Change, Evaluation, Metrics, Observer, Outcome, Summary};
use crate::run::{memory, plan};
use crate::settings::{Keep, Settings, Widths};
use best::Kept;
pub use info::Info;
use penalties::PenaltySchedule;
use resume::Fingerprints;

/// A run: a network, a method, a training set and, if there is one, a test set.
///
/// [`run`](Trainer::run) goes on until the settings say that it is over, [`step`](Trainer::step) for as many sweeps as the
/// caller wants; both may be called again and take turns, with the same bits as a single run. Between calls the weights are
/// those of the last sweep whose numbers were all finite, or what the caller has made of them.
///
/// With one thread all work is done by the thread that calls, and with more by a pool that belongs to the trainer and
/// ends with it. Trainers share nothing, and may be moved to and used on threads of their own.
#[derive(Debug)]
pub struct Trainer<T> {
    settings: Settings,
    /// The settings, or what schedules have made of them.
    hyperparameters: Hyperparameters<T>,
    gemm: AnyGemm,
    train: Arc<Dataset<T>>,
    test: Option<Arc<Dataset<T>>>,
    threads: Threads,
    executor: Parallel<T>,
    /// Sweeps whose work is still to be taken down.
    recordings: usize,
    /// What was taken down last.
    timeline: Option<Timeline>,
    /// That of the settings, or the shallow one that it grows from.
    network: Network,
    engine: Engine<T>,
    evaluator: Evaluator,
    /// The weights after the last sweep whose numbers were all finite, or those that the run began with.
    good: Vec<T>,
    /// The read-outs of that sweep; none before the first, and of methods that train none.
    good_readouts: Vec<Readout<T>>,
    /// What those of the first sweep are written to, so that it allocates nothing of their size.
    readouts_room: Vec<Readout<T>>,
    /// The network as the best sweep left it, where the settings keep it; before the first sweep only its room.
    kept: Option<Kept<T>>,
    schedule: PenaltySchedule,
    /// After every so many sweeps the network is scored; never if 0.
    metrics_every: usize,
    state: State,
    /// It goes on from a checkpoint, which may be that of its end.
    resumed: bool,
    fingerprints: Fingerprints,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy)]
struct State {
    sweeps: usize,
    elapsed: Duration,
    initialized: bool,
    /// Sweeps since the auxiliary variables were set by a forward pass.
    age: usize,
    diverged: bool,
    /// What the last sweep said; none before the first.
    last: Option<Metrics>,
    /// The best sweep on the present test set.
    best: Option<Best>,
}

/// What has changed before a sweep, what was seen within it, and its metrics; none if it diverged.
struct Advance {
    changes: [Option<Change>; 4],
    evaluations: Vec<Evaluation>,
    metrics: Option<Metrics>,
}

/// The error of a split network's risk, and its bound.
type Split = (f64, Bound);

const NOTHING: Score = Score { loss: f64::NAN, accuracy: f64::NAN };

impl<T: Real> Trainer<T> {
    /// Checks that settings and data fit, allocates everything, draws the initial weights.
    ///
    /// What is done to samples of files ([`Settings::data_options`]) has been done to these by [`load`](crate::data::load);
    /// for samples from memory `settings.data` is [`DataSource::Memory`](crate::data::DataSource::Memory). Training samples whose classes have no
    /// weights yet get those of the settings, in a copy if they are shared.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if test and training set differ in shape, [`Error::Data`] if one has classes and the other
    /// values, [`Error::Argument`] for a setting out of its range, for cross-entropy with values, and for a network that no
    /// memory can hold, [`Error::Memory`] for a run that takes more than it may, [`Error::Allocation`] and [`Error::Threads`] for
    /// memory and threads that the system does not have, [`Error::Core`] for a setting that the core refuses.
    pub fn new(settings: &Settings, train: Arc<Dataset<T>>, test: Arc<Dataset<T>>) -> Result<Self> {
        Self::of(settings, train, Some(test), || Threads::new(settings.threads))
    }

    /// The same with no test set: test accuracies are NaN.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn without_test(settings: &Settings, train: Arc<Dataset<T>>) -> Result<Self> {
        Self::on_threads(settings, train, || Threads::new(settings.threads))
    }

    /// The same on threads of the caller's making, [`Settings::threads`] of them.
    ///
    /// # Errors
    /// As [`Trainer::new`]; those of `threads`.
    pub fn on_threads(
        settings: &Settings,
        train: Arc<Dataset<T>>,
        threads: impl FnOnce() -> Result<Threads>,
    ) -> Result<Self> {
        Self::of(settings, train, None, threads)
    }

    /// Sets the test set, in place of an earlier one, or none; the next sweep's metrics are the first to tell of it, and the
    /// best sweep is one of those to come.
    ///
    /// # Errors
    /// As [`Trainer::new`]; nothing is changed then.
    pub fn set_test(&mut self, test: Option<Arc<Dataset<T>>>) -> Result {
        if let Some(test) = &test {
            require_like(test, &self.train)?;
        }
        self.test = test;
        self.state.best = None;
        self.fingerprints.test = OnceLock::new();
        Ok(())
    }

    /// The network passes training and test set after every `sweeps`-th sweep alone, or never if that is 0; at first after
    /// every one. After other sweeps loss and accuracies are NaN, but for those that the method has seen itself, as is the objective
    /// of a method that has the composed network's; no such sweep is the best one, or ends a run by patience. The weights are
    /// the same bits.
    pub fn set_metrics_every(&mut self, sweeps: usize) {
        self.metrics_every = sweeps;
    }

    fn of(
        settings: &Settings,
        train: Arc<Dataset<T>>,
        test: Option<Arc<Dataset<T>>>,
        threads: impl FnOnce() -> Result<Threads>,
    ) -> Result<Self> {
        settings.validate()?;
        let train = match (&settings.class_weights, train.class_weights()) {
            (Some(weights), None) => Arc::new(Arc::unwrap_or_clone(train).with_class_weights(weights)?),
            _ => train,
        };
        if let Some(test) = &test {
            require_like(test, &train)?;
        }
        plan::require_loss(settings, &train)?;
        let gemm = AnyGemm::of(settings.kernel);
        require_countable(settings, &train)?;
        memory::require(settings, &train, test.as_deref(), |_| 0)?;
        let network = growth::first_network(settings, &train)?;
        let hyperparameters = plan::hyperparameters(settings, &train)?;
        let threads = threads()?;
        let engine = plan::engine(settings, &hyperparameters, &network, problem(&train), &gemm)?;
        let executor = Parallel::new(settings.threads, scratch(&engine, settings, &gemm))?;
        let kept = if settings.keep == Keep::Last { None } else { Some(Kept::of(settings, &network)?) };
        let mut trainer = Self {
            settings: settings.clone(),
            hyperparameters,
            gemm,
            test,
            threads,
            executor,
            recordings: 0,
            timeline: None,
            good: plan::initial_parameters(settings, &network)?,
            good_readouts: Vec::new(),
            readouts_room: readouts_room(settings, &network)?,
            kept,
            network,
            engine,
            evaluator: Evaluator::default(),
            schedule: PenaltySchedule::new(settings),
            metrics_every: 1,
            train,
            state: State {
                sweeps: 0,
                elapsed: Duration::ZERO,
                initialized: false,
                age: 0,
                diverged: false,
                last: None,
                best: None,
            },
            resumed: false,
            fingerprints: Fingerprints::default(),
        };
        trainer.restore_good();
        if let Some(path) = &settings.weights {
            trainer.load(path)?;
        }
        Ok(trainer)
    }

    /// Sweeps until the sweep limit, the tolerance, the patience, the time limit, divergence or `stop`, which is looked at after every
    /// sweep. May be called again after a stop to go on.
    ///
    /// The observer is called on one of the trainer's threads, and on the calling one if there is one thread alone; it is
    /// told of the end with [`Observer::finish`].
    ///
    /// # Errors
    /// What the core refuses, or an observer that cannot write; [`Error::Argument`] (`keep`, `patience`) where the best
    /// model is to be kept, or to end the run, and there is no test set.
    pub fn run(&mut self, observer: &mut (dyn Observer + Send), stop: &AtomicBool) -> Result<Summary> {
        let threads = self.threads.clone();
        threads.enter(|| {
            let left = self.settings.sweeps.saturating_sub(self.state.sweeps);
            let outcome = self.sweeps(left, observer, stop)?;
            // Whoever writes a last checkpoint does so when this has returned.
            if self.settings.checkpoint_every.is_some() {
                self.gather()?;
            }
            let summary = self.summary(outcome);
            observer.finish(&summary).map_err(cannot_observe)?;
            Ok(summary)
        })
    }

    /// `count` more sweeps, whatever the settings' sweep limit is, unless the tolerance, the patience, the time limit, divergence or
    /// `stop`, which is looked at after every sweep, ends them before; a later call goes on.
    ///
    /// [`Outcome::SweepLimit`] says that all of them were done. Weights that have diverged are back to those of the last
    /// good sweep, and further calls do nothing and say [`Outcome::Diverged`] until [other weights](Trainer::set_map) are
    /// set.
    ///
    /// The observer is called on the calling thread, and never with [`Observer::finish`].
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn step(&mut self, count: usize, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Outcome> {
        self.sweeps(count, observer, stop)
    }

    /// The network with its present weights.
    pub fn model(&self) -> Model<T> {
        let readouts = self.told(&self.good_readouts).to_vec();
        self.model_of(&self.network, self.good.clone(), readouts)
    }

    /// Of read-outs those that models have.
    fn told<'r>(&self, readouts: &'r [Readout<T>]) -> &'r [Readout<T>] {
        if self.settings.drop_readouts { &[] } else { readouts }
    }

    fn notation(&self) -> Notation {
        if self.settings.network.is_some() { Notation::Blocks } else { Notation::Layers }
    }

    fn model_of(&self, network: &Network, parameters: Vec<T>, readouts: Vec<Readout<T>>) -> Model<T> {
        Model {
            network: network.clone(),
            notation: self.notation(),
            parameters,
            readouts,
            loss: self.settings.loss,
            outputs: self.train.outputs().clone(),
            preprocessing: Preprocessing::new(&self.settings.data, &self.settings.data_options())
                .with_columns(self.train.columns())
                .with_channels(self.train.channels()),
        }
    }

    /// Writes the model's file: with the present weights, or with [`Keep::Best`] with those of the best sweep, once there
    /// was one.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Allocation`].
    pub fn save(&self, path: &Path) -> Result {
        self.model_to_save()?.save(path)
    }

    /// The model that [`Trainer::save`] writes: the best one where the settings say so and there was one, else the present one.
    ///
    /// # Errors
    /// [`Error::Allocation`].
    pub fn model_to_save(&self) -> Result<Model<T>> {
        let (network, parameters, readouts) =
            match self.kept_best().filter(|_| self.settings.keep == Keep::Best) {
                Some(Kept { network, parameters, readouts }) => (network, parameters, readouts),
                None => (&self.network, &self.good, &self.good_readouts),
            };
        let copy = |readout: &Readout<T>| {
            Ok(Readout { place: readout.place, parameters: allocate::copied(&readout.parameters)? })
        };
        let readouts = self.told(readouts).iter().map(copy).collect::<Result<_>>()?;
        Ok(self.model_of(network, allocate::copied(parameters)?, readouts))
    }

    /// Takes down who works when in the next two sweeps, of which the first touches memory for the first time. Sweeps with a look at the test
    /// set within them are not taken down.
    pub fn record_timeline(&mut self) {
        self.recordings = 2;
    }

    /// Who worked when in the later of the sweeps that were taken down.
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }

    /// Bytes of the state that is carried from sweep to sweep.
    pub fn state_bytes(&self) -> usize {
        let cuts = plan::cuts(&self.settings, &self.network).unwrap_or_default();
        plan::state_bytes(&self.settings, &self.network, &cuts, self.train.n_samples())
    }

    fn sweeps(&mut self, count: usize, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Outcome> {
        self.require_judge()?;
        if self.state.diverged {
            return Ok(Outcome::Diverged);
        }
        if mem::take(&mut self.resumed)
            && let Some(outcome) = self.state.last.and_then(|last| self.ended(&last))
        {
            return Ok(outcome);
        }
        let threads = self.threads.clone();
        for _ in 0..count {
            let Advance { changes, evaluations, metrics } = threads.enter(|| compiled::advance(self))?;
            for change in changes.iter().flatten() {
                observer.change(change).map_err(cannot_observe)?;
            }
            for evaluation in &evaluations {
                observer.evaluation(evaluation).map_err(cannot_observe)?;
            }
            let Some(metrics) = metrics else { return Ok(Outcome::Diverged) };
            observer.sweep(&metrics).map_err(cannot_observe)?;
            if self.gathers_for(observer)? {
                observer.snapshot(self).map_err(cannot_observe)?;
            }
            if self.any(stop.load(Ordering::Relaxed)) {
                return Ok(Outcome::Stopped);
            }
            if let Some(outcome) = self.ended(&metrics) {
                return Ok(outcome);
            }
        }
        Ok(Outcome::SweepLimit)
    }

    /// Whether a stopping rule ends the run after the sweep of these metrics.
    fn ended(&self, metrics: &Metrics) -> Option<Outcome> {
        if self.converged(metrics) {
            return Some(Outcome::Converged);
        }
        let judged = self.is_scored(metrics.sweep);
        if judged && self.settings.patience.is_some_and(|patience| self.sweeps_without_better() >= patience) {
            return Some(Outcome::NoImprovement);
        }
        let limit = self.settings.time_limit?;
        self.any(self.state.elapsed >= limit).then_some(Outcome::TimeLimit)
    }

    /// Growth and schedules as they are due, then a sweep: what has changed, and the metrics, `None` if it diverged.
    fn advance(&mut self) -> Result<Advance> {
        if self.settings.grow.is_some_and(|growth| growth.sweeps == self.state.sweeps) {
            self.grow()?;
        }
        let changes = self.follow_schedules()?;
        // Nothing is allocated where there are none.
        let mut evaluations = Vec::new();
        let metrics = self.sweep(&mut evaluations)?;
        if metrics.is_none() {
            self.state.diverged = true;
            self.restore_good();
        }
        Ok(Advance { changes, evaluations, metrics })
    }

    /// Both residuals are within the tolerance.
    ///
    /// Not after the first sweep: it starts from a feasible point, where pdADMM's hidden layers have nothing to move by
    /// and both residuals stay at 0. Not before the network has grown.
    fn converged(&self, metrics: &Metrics) -> bool {
        let within = |bound| metrics.primal_residual <= bound && metrics.dual_residual <= bound;
        self.settings.tolerance.is_some_and(within) && self.state.age > 1 && !self.shallow()
    }

    /// One sweep and its metrics; `None` if it diverged.
    fn sweep(&mut self, evaluations: &mut Vec<Evaluation>) -> Result<Option<Metrics>> {
        let start = Instant::now();
        let problem = self::problem(&self.train);
        if !self.state.initialized {
            finite(self.engine.initialize(problem, &mut self.executor, &self.gemm))?;
            self.state.initialized = true;
            self.state.age = 0;
        }
        let swept = match self.settings.evaluate_every {
            Some(every) if every < self.engine.batches() => self.sweep_in_parts(every, start, evaluations)?,
            _ => {
                if self.recordings > 0 {
                    self.executor.record();
                }
                let swept = finite(self.engine.sweep(problem, &mut self.executor, &self.gemm));
                if self.recordings > 0 {
                    self.recordings -= 1;
                    self.timeline = self.executor.recorded(self.state.sweeps + 1);
                }
                self.state.elapsed += start.elapsed();
                swept?
            }
        };
        let Some(sweep) = swept else { return Ok(None) };
        let is_scored = self.is_scored(self.state.sweeps + 1);
        let scores = if is_scored { self.scores(sweep.seen)? } else { self.scores_seen(sweep.seen) };
        let Some((train, test)) = scores else { return Ok(None) };
        self.keep_good()?;
        self.state.sweeps += 1;
        self.state.age += 1;
        if self.test.is_some() && is_scored {
            self.keep_best(test);
        }
        let objective = self.objective(&sweep, train.loss);
        let risk = self.engine.mean_risk(self::problem(&self.train));
        self.schedule.decide::<T>(&self.settings, self.state.sweeps, self.state.age, &sweep, risk);
        let approximation = self.approximation()?;
        self.state.last = Some(Metrics {
            sweep: self.state.sweeps,
            objective,
            primal_residual: sweep.primal_residual,
            dual_residual: sweep.dual_residual,
            loss: train.loss,
            train_accuracy: train.accuracy,
            test_accuracy: test.accuracy,
            seconds: self.state.elapsed.as_secs_f64(),
            approximation_error: approximation.map(|(error, _)| error),
            approximation_bound: approximation.map(|(_, bound)| bound),
        });
        Ok(self.state.last)
    }

    /// A sweep of which `every` mini-batches at a time are made, with a look at the test set between them; `start` is when it
    /// began.
    fn sweep_in_parts(
        &mut self,
        every: usize,
        mut start: Instant,
        evaluations: &mut Vec<Evaluation>,
    ) -> Result<Option<Sweep>> {
        let (train, test, count) = (Arc::clone(&self.train), self.test.clone(), self.engine.batches());
        self.engine.draw_order();
        let mut sweep: Option<Sweep> = None;
        for first in (0..count).step_by(every) {
            let batches = first..count.min(first + every);
            let end = batches.end;
            let swept = self.engine.sweep_part(problem(&train), batches, &mut self.executor, &self.gemm);
            let swept = finite(swept)?;
            self.state.elapsed += start.elapsed();
            let Some(part) = swept else { return Ok(None) };
            sweep = Some(sweep.map_or(part, |earlier| part.after(earlier)));
            if let Some(test) = test.as_ref().filter(|_| end < count) {
                let Some(score) = self.finite_score(test)? else { return Ok(None) };
                evaluations.push(Evaluation {
                    sweep: self.state.sweeps + 1,
                    batches: end,
                    seconds: self.state.elapsed.as_secs_f64(),
                    test_loss: score.loss,
                    test_accuracy: score.accuracy,
                });
            }
            start = Instant::now();
        }
        Ok(sweep)
    }

    /// Whether the network passes training and test set after this sweep.
    fn is_scored(&self, sweep: usize) -> bool {
        self.metrics_every > 0 && sweep.is_multiple_of(self.metrics_every)
    }

    /// What is known of both scores without a pass; `None` where a weight is no longer finite.
    fn scores_seen(&self, seen: Option<Seen>) -> Option<(Score, Score)> {
        if !reduce::sum_squares(self.engine.parameters()).is_finite() {
            return None;
        }
        let seen = seen.filter(|_| !self.settings.exact_metrics);
        let train = seen.map_or(NOTHING, |Seen { risk, score }| Score::of(&self.train, risk, score));
        Some((train, NOTHING))
    }

    /// Training and test score; `None` where a number is no longer finite. The training score is that of the passes which
    /// trained, if there were any.
    fn scores(&mut self, seen: Option<Seen>) -> Result<Option<(Score, Score)>> {
        let (train, test) = (Arc::clone(&self.train), self.test.clone());
        let train = match seen.filter(|_| !self.settings.exact_metrics) {
            // The passes have not seen the last step.
            Some(_) if !reduce::sum_squares(self.engine.parameters()).is_finite() => return Ok(None),
            Some(Seen { risk, score }) => Score::of(&train, risk, score),
            None => match self.finite_score(&train)? {
                Some(train) => train,
                None => return Ok(None),
            },
        };
        let Some(test) = test else { return Ok(Some((train, NOTHING))) };
        Ok(self.finite_score(&test)?.map(|test| (train, test)))
    }

    fn finite_score(&mut self, data: &Dataset<T>) -> Result<Option<Score>> {
        Ok(finite(self.score(data))?.filter(|score| score.loss.is_finite()))
    }

    /// The method's own, or, where that is R and Omega of the composed network, that of the weights after the sweep, which
    /// only the metrics have seen.
    fn objective(&self, sweep: &Sweep, loss: f64) -> f64 {
        if !self.settings.method.card().composed {
            return sweep.objective;
        }
        let regularizer = self.hyperparameters.regularizer;
        let omega = omega(regularizer, &self.engine.network(), self.engine.parameters());
        loss * self.train.n_samples() as f64 + omega
    }

    fn score(&mut self, data: &Dataset<T>) -> altmin_core::Result<Score> {
        let predictor = predictor(&self.engine);
        self.evaluator.score(&predictor, self.settings.loss, data, &mut self.executor, &self.gemm)
    }

    /// The error of a split network's risk and its bound, where settings ask for them. That they overflow does not end a
    /// run.
    fn approximation(&mut self) -> Result<Option<Split>> {
        if !self.settings.diagnostics {
            return Ok(None);
        }
        let found = self.engine.approximation(problem(&self.train), &mut self.executor, &self.gemm);
        let Some(found) = finite(found)? else { return Ok(Some((f64::NAN, Bound::Estimate(f64::NAN)))) };
        Ok(found.map(|found| (found.error, found.bound.map_or(Bound::NotPromised, Bound::Estimate))))
    }

    fn keep_good(&mut self) -> Result {
        self.good.copy_from_slice(self.engine.parameters());
        let (grid, mut kept) = (self.settings.readout_grid, self.good_readouts.iter_mut());
        let (mut first, mut room) = (Vec::new(), self.readouts_room.drain(..));
        self.engine.readouts(problem(&self.train), |after, weights, bias| {
            let weights = (0..weights.ncols()).flat_map(|j| column(&weights, j));
            let parameters = weights.chain(bias).copied();
            match kept.next() {
                Some(kept) => kept.parameters.iter_mut().zip(parameters).for_each(|(kept, new)| *kept = new),
                None => {
                    let mut readout = room
                        .next()
                        .unwrap_or(Readout { place: Place { after, grid }, parameters: Vec::new() });
                    readout.place.after = after;
                    readout.parameters.clear();
                    readout.parameters.extend(parameters);
                    first.push(readout);
                }
            }
        })?;
        self.good_readouts.extend(first);
        Ok(())
    }

    fn restore_good(&mut self) {
        self.engine.parameters_mut().copy_from_slice(&self.good);
    }

    fn summary(&self, outcome: Outcome) -> Summary {
        let last = |of: fn(&Metrics) -> f64| self.state.last.as_ref().map_or(f64::NAN, of);
        Summary {
            method: self.settings.method,
            data: self.train.name().to_owned(),
            sweeps: self.state.sweeps,
            outcome,
            objective: last(|metrics| metrics.objective),
            train_accuracy: last(|metrics| metrics.train_accuracy),
            test_accuracy: last(|metrics| metrics.test_accuracy),
            best: self.state.best,
            seconds: self.state.elapsed.as_secs_f64(),
            state_bytes: self.state_bytes(),
            threads: self.settings.threads,
            approximation_error: self.state.last.and_then(|metrics| metrics.approximation_error),
            approximation_bound: self.state.last.and_then(|metrics| metrics.approximation_bound),
        }
    }
}

/// The network as the engine has it.
fn predictor<T: Real>(engine: &Engine<T>) -> Predictor<'_, T> {
    Predictor { network: engine.network(), parameters: engine.parameters() }
}

/// Scratch for sweeps, for scores, and for what else the settings ask for.
fn scratch<T: Real>(engine: &Engine<T>, settings: &Settings, gemm: &AnyGemm) -> Requirement {
    let needed = engine.scratch().or(Evaluator::scratch(&predictor(engine), gemm));
    if settings.diagnostics { needed.or(engine.approximation_scratch()) } else { needed }
}

/// Room for the read-outs of a network, where its method trains any.
fn readouts_room<T: Real>(settings: &Settings, network: &Network) -> Result<Vec<Readout<T>>> {
    let room = |place: Place| Ok(Readout { place, parameters: allocate::empty(place.parameters(network))? });
    plan::readouts(settings, network)?.into_iter().map(room).collect()
}

/// `Ok` when the weights and the state of a run are of a size that any memory may have: what a run takes is then a number that
/// can be counted, and a width that is a slip is told as one.
///
/// # Errors
/// [`Error::Argument`] (`hidden`, `network`).
fn require_countable<T: Real>(settings: &Settings, train: &Dataset<T>) -> Result {
    let network = plan::network(settings, train)?;
    let state = plan::state_bytes(settings, &network, &plan::cuts(settings, &network)?, train.n_samples());
    let bytes = network.parameters().checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(state));
    // A method keeps a few times as much.
    if bytes.is_some_and(|bytes| bytes < isize::MAX as usize / 64) {
        return Ok(());
    }
    let needed = bytes.map_or("more bytes than can be counted".to_owned(), |bytes| format!("{bytes} bytes"));
    let expected = format!("a network that fits into memory: this one takes {needed}");
    match &settings.network {
        Some(network) => Err(Error::argument("network", network, expected)),
        None => Err(Error::argument("hidden", Widths(settings.hidden.clone()), expected)),
    }
}

fn problem<T: Real>(data: &Dataset<T>) -> Problem<'_, T> {
    Problem { x: data.matrix(), target: data.target() }
}

/// Numbers that are no longer finite are an outcome, not an error: `None`. So is a matrix that growing numbers have made
/// singular.
fn finite<R>(result: altmin_core::Result<R>) -> Result<Option<R>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(CoreError::NonFinite { .. } | CoreError::Singular { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn require_same(quantity: &'static str, data: usize, model: usize) -> Result {
    if data == model { Ok(()) } else { Err(Error::Mismatch { quantity, data, model }) }
}

/// `Ok` for a data set of the shape of that which is trained on.
fn require_like<T: Real>(data: &Dataset<T>, train: &Dataset<T>) -> Result {
    let (kind, expected) = (data.outputs().kind(), train.outputs().kind());
    require_same("features", data.n_features(), train.n_features())?;
    require_same(expected, data.n_outputs(), train.n_outputs())?;
    if kind == expected {
        return Ok(());
    }
    Err(Error::data(data.name(), kind, format!("{expected}, as in training")))
}

fn cannot_observe(source: std::io::Error) -> Error {
    Error::io("write", Path::new("the results of a sweep"), source)
}
