//! Training: owns the memory, runs a method, says how it goes, stops.

mod growth;
pub(crate) mod net;
mod schedule;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use altmin_core::method::layer::Layer;
use altmin_core::method::{Problem, Settings as CoreSettings, Sweep};
use altmin_core::workspace::Requirement;
use altmin_core::{Activation, Error as CoreError, Real};

use crate::config::Settings;
use crate::convert;
use crate::data::{Dataset, Preprocessing};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::kernel::AnyGemm;
use crate::model::{Dense, Model};
use crate::network::Loss;
use crate::observe::{Bound, Metrics, Observer, Outcome, Summary};
use crate::schedule::Parallel;
use crate::score::{Evaluator, Score};
use net::Net;
use schedule::Schedule;

/// A run: a network, a method, a training and a test set.
#[derive(Debug)]
pub struct Trainer<T> {
    settings: Settings,
    core: CoreSettings<T>,
    gemm: AnyGemm,
    train: Arc<Dataset<T>>,
    test: Arc<Dataset<T>>,
    pool: Arc<rayon::ThreadPool>,
    executor: Parallel<T>,
    net: Net,
    engine: Engine<T>,
    evaluator: Evaluator,
    /// The weights after the last sweep whose numbers were all finite, or those that the run began with.
    good: Vec<Dense<T>>,
    schedule: Schedule,
    state: State,
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
    objective: f64,
    train: Score,
    test: Score,
    approximation: Option<Split>,
}

/// The error of a split network's risk, and its bound.
type Split = (f64, Bound);

const NOTHING: Score = Score { loss: f64::NAN, accuracy: f64::NAN };

impl<T: Real> Trainer<T> {
    /// Checks that settings and data fit, allocates everything, draws the initial weights.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if test and training set differ in shape, [`Error::Data`] if one has classes and the other
    /// values, [`Error::Argument`] for a setting out of its range and for cross-entropy with values, [`Error::Core`] for a
    /// setting that the core refuses.
    pub fn new(settings: &Settings, train: Arc<Dataset<T>>, test: Arc<Dataset<T>>) -> Result<Self> {
        settings.validate()?;
        require_same("features", test.n_features(), train.n_features())?;
        require_same(train.outputs().kind(), test.n_outputs(), train.n_outputs())?;
        require_targets(settings, &train, &test)?;
        let core = convert::settings::<T>(settings);
        let gemm = AnyGemm::of(settings.kernel);
        let net = Net::new(settings, &train)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .thread_name(|index| format!("altmin-{index}"))
            .build()
            .map_err(|error| Error::argument("threads", settings.threads, error.to_string()))?;
        let engine = net.engine(settings, core, train.n_samples(), &gemm)?;
        let mut needed = scratch(&engine, core.activation, &gemm);
        if settings.diagnostics {
            needed = needed.or(engine.approximation_scratch(&gemm));
        }
        let executor = Parallel::new(settings.threads, needed);
        let mut trainer = Self {
            settings: settings.clone(),
            core,
            gemm,
            train,
            test,
            pool: Arc::new(pool),
            executor,
            good: net.drawn(settings),
            net,
            engine,
            evaluator: Evaluator::default(),
            schedule: Schedule::new(settings),
            state: State {
                sweeps: 0,
                elapsed: Duration::ZERO,
                initialized: false,
                age: 0,
                diverged: false,
                objective: f64::NAN,
                train: NOTHING,
                test: NOTHING,
                approximation: None,
            },
        };
        trainer.restore_good();
        Ok(trainer)
    }

    /// Sweeps until the sweep limit, the tolerance, the time limit, divergence or `stop`, which is looked at after every
    /// sweep. May be called again after a stop to go on.
    ///
    /// # Errors
    /// What the core refuses, or an observer that cannot write.
    pub fn run(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| {
            let outcome = self.sweeps(observer, stop)?;
            let summary = self.summary(outcome);
            observer.finish(&summary).map_err(cannot_observe)?;
            Ok(summary)
        })
    }

    /// The network with the weights of the last good sweep.
    pub fn model(&self) -> Model<T> {
        let blocks = match &self.net {
            // Hidden layers that were cut are layers again.
            Net::Blocks(network, _) if self.settings.network.is_some() => Some(network.clone()),
            _ => None,
        };
        Model {
            layers: self.good.clone(),
            blocks,
            activation: self.settings.activation,
            loss: self.settings.loss,
            outputs: self.train.outputs().clone(),
            preprocessing: Preprocessing::new(&self.settings.data, &self.settings.data_options())
                .with_columns(self.train.columns())
                .with_channels(self.train.channels()),
        }
    }

    /// Writes the model's file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result {
        self.model().save(path)
    }

    /// Bytes of the state that is carried from sweep to sweep.
    pub fn state_bytes(&self) -> usize {
        self.net.state_bytes(&self.settings, self.train.n_samples())
    }

    fn sweeps(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Outcome> {
        loop {
            if self.state.diverged {
                return Ok(Outcome::Diverged);
            }
            if self.state.sweeps >= self.settings.sweeps {
                return Ok(Outcome::SweepLimit);
            }
            if self.settings.grow.is_some_and(|growth| growth.sweeps == self.state.sweeps) {
                self.grow()?;
            }
            for change in self.follow_schedules()?.iter().flatten() {
                observer.change(change).map_err(cannot_observe)?;
            }
            let Some(metrics) = self.sweep()? else {
                self.state.diverged = true;
                self.restore_good();
                return Ok(Outcome::Diverged);
            };
            observer.sweep(&metrics).map_err(cannot_observe)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Stopped);
            }
            if self.converged(&metrics) {
                return Ok(Outcome::Converged);
            }
            if self.settings.time_limit.is_some_and(|limit| self.state.elapsed >= limit) {
                return Ok(Outcome::TimeLimit);
            }
        }
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
    fn sweep(&mut self) -> Result<Option<Metrics>> {
        let problem = problem(&self.train);
        let start = Instant::now();
        if !self.state.initialized {
            finite(self.engine.initialize(problem, &mut self.executor, &self.gemm))?;
            self.state.initialized = true;
            self.state.age = 0;
        }
        let swept = finite(self.engine.sweep(problem, &mut self.executor, &self.gemm))?;
        self.state.elapsed += start.elapsed();
        let Some(sweep) = swept else { return Ok(None) };
        let (train, test) = (Arc::clone(&self.train), Arc::clone(&self.test));
        let (Some(train), Some(test)) = (finite(self.score(&train))?, finite(self.score(&test))?) else {
            return Ok(None);
        };
        if !(train.loss.is_finite() && test.loss.is_finite()) {
            return Ok(None);
        }
        self.keep_good();
        self.state.sweeps += 1;
        self.state.age += 1;
        let objective = self.objective(&sweep, train.loss);
        self.state.objective = objective;
        let risk = self.engine.risk();
        self.schedule.decide::<T>(&self.settings, self.state.sweeps, self.state.age, &sweep, risk);
        (self.state.train, self.state.test) = (train, test);
        self.state.approximation = self.approximation()?;
        Ok(Some(Metrics {
            sweep: self.state.sweeps,
            objective,
            primal_residual: sweep.primal_residual,
            dual_residual: sweep.dual_residual,
            loss: train.loss,
            train_accuracy: train.accuracy,
            test_accuracy: test.accuracy,
            seconds: self.state.elapsed.as_secs_f64(),
            approximation_error: self.state.approximation.map(|(error, _)| error),
            approximation_bound: self.state.approximation.map(|(_, bound)| bound),
        }))
    }

    /// The method's own, or, where that is R and Omega of the composed network, that of the weights after the sweep, which
    /// only the metrics have seen.
    fn objective(&self, sweep: &Sweep, loss: f64) -> f64 {
        if !self.engine.is_composed() {
            return sweep.objective;
        }
        let omega = |layer: &Layer<T, _>| self.core.regularizer.value(&layer.weights());
        loss * self.train.n_samples() as f64 + self.engine.layers().iter().map(omega).sum::<f64>()
    }

    fn score(&mut self, data: &Dataset<T>) -> altmin_core::Result<Score> {
        let (activation, loss) = (self.core.activation, self.core.loss);
        let network = self.engine.composed(activation);
        self.evaluator.score(&network, loss, data, &mut self.executor, &self.gemm)
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

    fn keep_good(&mut self) {
        for (good, (weights, bias)) in self.good.iter_mut().zip(self.engine.maps()) {
            good.weight.copy_from_slice(weights);
            good.bias.copy_from_slice(bias);
        }
    }

    fn restore_good(&mut self) {
        for (good, (weights, bias)) in self.good.iter().zip(self.engine.maps_mut()) {
            weights.copy_from_slice(&good.weight);
            bias.copy_from_slice(&good.bias);
        }
    }

    fn summary(&self, outcome: Outcome) -> Summary {
        Summary {
            method: self.settings.method,
            data: self.train.name().to_owned(),
            sweeps: self.state.sweeps,
            outcome,
            objective: self.state.objective,
            train_accuracy: self.state.train.accuracy,
            test_accuracy: self.state.test.accuracy,
            seconds: self.state.elapsed.as_secs_f64(),
            state_bytes: self.state_bytes(),
            threads: self.settings.threads,
            approximation_error: self.state.approximation.map(|(error, _)| error),
            approximation_bound: self.state.approximation.map(|(_, bound)| bound),
        }
    }
}

/// Scratch for sweeps and for scores.
fn scratch<T: Real>(engine: &Engine<T>, activation: Activation<T>, gemm: &AnyGemm) -> Requirement {
    engine.scratch().or(Evaluator::scratch(&engine.composed(activation), gemm))
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

/// `Ok` when both sets have classes, or both values and a loss that fits them.
fn require_targets<T: Real>(settings: &Settings, train: &Dataset<T>, test: &Dataset<T>) -> Result {
    let (kind, expected) = (test.outputs().kind(), train.outputs().kind());
    if kind != expected {
        return Err(Error::data(test.name(), kind, format!("{expected}, as in training")));
    }
    if train.outputs().are_values() && settings.loss == Loss::CrossEntropy {
        let expected = format!("least-squares, as {} has values and no classes", train.name());
        return Err(Error::argument("loss", settings.loss, expected));
    }
    Ok(())
}

fn cannot_observe(source: std::io::Error) -> Error {
    Error::io("write", Path::new("the results of a sweep"), source)
}
