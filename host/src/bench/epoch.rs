//! Epochs over subnetworks, and end to end, timed beside what is predicted of them.

use std::time::Instant;

use altmin_core::Real;
use altmin_core::method::Problem;
use serde::Serialize;

use super::TimedPool;
use crate::bench::busy::LoadMeter;
use crate::bench::prediction::{Prediction, predict};
use crate::data::{self, Dataset};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::run::engine::Engine;
use crate::run::kernel::AnyGemm;
use crate::run::plan;
use crate::settings::{Precision, Settings, Use};

/// An epoch on a number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Their number.
    pub threads: usize,
    /// Seconds of the quickest epoch.
    pub seconds: f64,
    /// Predicted seconds over these; none for a number of threads that is not predicted for.
    pub predicted_over_measured: Option<f64>,
}

/// What a method's epoch takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochReport {
    /// The method, and how the network is cut.
    pub run: String,
    /// What is predicted.
    #[serde(flatten)]
    pub prediction: Prediction,
    /// What was measured, on one thread and on all.
    pub measured: Vec<Measured>,
    /// How many processors other processes kept busy while epochs of all runs were timed; none where the system does not
    /// tell. Where it is not near 0, the measured seconds say little.
    pub busy_elsewhere: Option<f64>,
}

/// Times epochs of `settings`, a method over subnetworks, and of the same network end to end, on one thread and on
/// `settings.threads`, in turn and `repeats` times; the quickest count. Data are the settings' own.
///
/// # Errors
/// [`Error::Argument`] for another method, what the data set cannot give, and [`Error::Core`] if a method diverges.
pub fn epoch(settings: &Settings, repeats: usize) -> Result<Vec<EpochReport>> {
    match settings.precision {
        Precision::F32 => epoch_in::<f32>(settings, repeats),
        Precision::F64 => epoch_in::<f64>(settings, repeats),
    }
}

fn epoch_in<T: Real>(settings: &Settings, repeats: usize) -> Result<Vec<EpochReport>> {
    if !settings.method.card().uses(Use::Subnetworks) {
        let expected = "gsadmm or gsam: of other methods `bench sweep` times the sweeps";
        return Err(Error::argument("method", settings.method, expected));
    }
    let (train, _) = data::load::<T>(&settings.data, &settings.data_options())?;
    let network = plan::network(settings, &train)?;
    let whole = plan::end_to_end(settings);
    let gemm = AnyGemm::of(settings.kernel);
    let counts = if settings.threads > 1 { vec![1, settings.threads] } else { vec![1] };
    let mut runs = Vec::new();
    for settings in [settings, &whole] {
        let run = match plan::cuts(settings, &network)?.len() {
            _ if !settings.method.card().uses(Use::Subnetworks) => format!("{}, end to end", settings.method),
            cuts => format!("{}, {} subnetworks", settings.method, cuts + 1),
        };
        runs.push((run, Timed::new(settings, &network, &train, &counts, &gemm)?));
    }
    let meter = LoadMeter::start();
    // A round that is not counted touches all memory for the first time.
    for round in 0..=repeats {
        for (_, timed) in &mut runs {
            timed.round(&train, &gemm, round > 0)?;
        }
    }
    let busy_elsewhere = meter.others();
    Ok(runs.into_iter().map(|(run, timed)| timed.report(run, busy_elsewhere)).collect())
}

/// A method at work, with its pools.
struct Timed<T> {
    prediction: Prediction,
    engine: Engine<T>,
    pools: Vec<TimedPool<T>>,
}

impl<T: Real> Timed<T> {
    fn new(
        settings: &Settings,
        network: &Network,
        train: &Dataset<T>,
        threads: &[usize],
        gemm: &AnyGemm,
    ) -> Result<Self> {
        let prediction = predict::<T>(settings, network, train.n_samples(), gemm)?;
        let hyperparameters = plan::hyperparameters(settings, train)?;
        let mut engine = plan::engine(settings, &hyperparameters, network, problem(train), gemm)?;
        engine.parameters_mut().copy_from_slice(&plan::initial_parameters(settings, network)?);
        let scratch = engine.scratch();
        let mut pools =
            threads.iter().map(|&threads| TimedPool::new(threads, scratch)).collect::<Result<Vec<_>>>()?;
        let TimedPool { pool, executor, .. } = &mut pools[0];
        pool.install(|| engine.initialize(problem(train), executor, gemm))?;
        Ok(Self { prediction, engine, pools })
    }

    /// An epoch by every pool.
    fn round(&mut self, train: &Dataset<T>, gemm: &AnyGemm, counts: bool) -> Result {
        let Self { engine, pools, .. } = self;
        for TimedPool { pool, executor, sweeps, .. } in pools {
            let start = Instant::now();
            pool.install(|| engine.sweep(problem(train), executor, gemm))?;
            if counts {
                sweeps.push(start.elapsed().as_secs_f64());
            }
        }
        Ok(())
    }

    fn report(self, run: String, busy_elsewhere: Option<f64>) -> EpochReport {
        let Self { prediction, pools, .. } = self;
        let measured = pools.iter().map(|pool| {
            let seconds = pool.sweeps.iter().copied().fold(f64::INFINITY, f64::min);
            let predicted = prediction.seconds_on(pool.threads);
            Measured {
                threads: pool.threads,
                seconds,
                predicted_over_measured: predicted.map(|predicted| predicted / seconds),
            }
        });
        EpochReport { run, measured: measured.collect(), prediction, busy_elsewhere }
    }
}

fn problem<T: Real>(data: &Dataset<T>) -> Problem<'_, T> {
    Problem { x: data.matrix(), target: data.target() }
}
