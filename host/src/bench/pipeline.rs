//! Layers as a pipeline: timed on one thread and on several, and simulated on any number of workers.
//!
//! An epoch is run on one thread with a clock at every layer and batch. From these seconds follows who would work when on
//! other numbers of workers, by the very rules of the executor; next to it epochs are timed on the threads that there are.

mod picture;
mod simulation;

pub use picture::Picture;
pub use simulation::{Task, simulate};

use std::time::Instant;

use altmin_core::Real;
use altmin_core::method::{Name, Problem};
use serde::Serialize;

use super::prediction::recorder::Recorder;
use super::{TimedPool, median};
use crate::bench::busy::LoadMeter;
use crate::data;
use crate::error::{Error, Result};
use crate::run::executor::turns::Turns;
use crate::run::kernel::AnyGemm;
use crate::run::plan;
use crate::settings::{Precision, Settings};

/// What is timed and simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineBench {
    /// Of `train`; the method has a pipeline.
    pub settings: Settings,
    /// Epochs of each kind, at least 1; medians count.
    pub repeats: usize,
    /// Numbers of workers to simulate, each at least 1.
    pub workers: Vec<usize>,
}

/// An epoch on a number of workers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnWorkers {
    /// Their number.
    pub workers: usize,
    /// Simulated seconds of an epoch.
    pub seconds: f64,
    /// One worker's seconds over these.
    pub speedup: f64,
    /// The share of their time in which workers do something.
    pub busy: f64,
    /// Seconds until all workers, or as many as there are layers, have begun.
    pub fill: f64,
    /// Seconds from when the first of them has nothing to do any more to the end.
    pub drain: f64,
    /// Bytes that go from worker to worker for a sample that passes once.
    pub bytes: BytesPerSample,
    /// Median seconds of epochs on as many threads, where these were timed.
    pub measured: Option<f64>,
    /// Median of simulated over measured seconds, round by round.
    pub simulated_over_measured: Option<f64>,
}

/// Bytes that cross the boundaries between workers for one sample in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BytesPerSample {
    /// Local: the layer's output, upwards.
    pub local: usize,
    /// A pipeline of back-propagation with the same boundaries: outputs upwards, gradients downwards.
    pub back_propagation: usize,
    /// pdADMM with the same boundaries, a sweep: q and u upwards, p downwards.
    pub pdadmm: usize,
}

/// How a pipeline does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipelineReport {
    /// Layers of the pipeline.
    pub layers: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Median seconds that each layer takes for a batch.
    pub layer_seconds: Vec<f64>,
    /// For each number of workers.
    pub on: Vec<OnWorkers>,
    /// How many processors other processes kept busy meanwhile; none where the system does not tell. Where it is not near 0,
    /// the seconds say little.
    pub busy_elsewhere: Option<f64>,
    /// Who works when, for each number of workers.
    #[serde(skip)]
    pub pictures: Vec<Picture>,
}

/// Times epochs of `bench.settings` on one thread and on its threads, in turn, and simulates them on other numbers of workers.
///
/// # Errors
/// [`Error::Argument`] for a method without a pipeline, what the data set cannot give, and [`Error::Core`] if the method
/// diverges.
pub fn pipeline(bench: &PipelineBench) -> Result<PipelineReport> {
    match bench.settings.precision {
        Precision::F32 => pipeline_in::<f32>(bench),
        Precision::F64 => pipeline_in::<f64>(bench),
    }
}

fn pipeline_in<T: Real>(bench: &PipelineBench) -> Result<PipelineReport> {
    let settings = &bench.settings;
    if settings.method != Name::Local {
        return Err(Error::argument("method", settings.method, "local, whose layers are a pipeline"));
    }
    let (train, _) = data::load::<T>(&settings.data, &settings.data_options())?;
    let network = plan::network(settings, &train)?;
    let gemm = AnyGemm::of(settings.kernel);
    let problem = Problem { x: train.matrix(), target: train.target() };
    let hyperparameters = plan::hyperparameters(settings, &train)?;
    let mut engine = plan::engine(settings, &hyperparameters, &network, problem, &gemm)?;
    engine.parameters_mut().copy_from_slice(&plan::initial_parameters(settings, &network)?);
    let mut recorder = Recorder::<T>::new(engine.scratch());
    let mut pool = TimedPool::<T>::new(settings.threads, engine.scratch())?;
    engine.initialize(problem, &mut recorder, &gemm)?;

    let meter = LoadMeter::start();
    let (mut rounds, mut alone) = (Vec::new(), Vec::new());
    // A round that is not counted touches all memory for the first time.
    for round in 0..=bench.repeats {
        let start = Instant::now();
        engine.sweep(problem, &mut recorder, &gemm)?;
        let on_one = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let TimedPool { pool: threads, executor, sweeps, .. } = &mut pool;
        threads.install(|| engine.sweep(problem, executor, &gemm))?;
        if round > 0 {
            sweeps.push(start.elapsed().as_secs_f64());
            alone.push(on_one);
            rounds.push(recorder.stages().to_vec());
        }
    }
    let busy_elsewhere = meter.others();

    let cuts = plan::cuts(settings, &network)?;
    let widths: Vec<usize> = cuts.iter().map(|&cut| network.steps()[cut].input.features()).collect();
    let measured = [(1, alone), (settings.threads, pool.sweeps)];
    let costs = recorder.costs().to_vec();
    let mut counts: Vec<usize> =
        bench.workers.iter().copied().chain([1, settings.threads, costs.len()]).collect();
    counts.sort_unstable();
    counts.dedup();
    let of = |&workers: &usize| {
        let measured = measured.iter().find(|(threads, _)| *threads == workers);
        on_workers(
            workers,
            &costs,
            &rounds,
            measured.map(|(_, seconds)| &seconds[..]),
            &widths,
            size_of::<T>(),
        )
    };
    let middle = &rounds[rounds.len() / 2];
    Ok(PipelineReport {
        layers: costs.len(),
        batches: middle.first().map_or(0, Vec::len),
        layer_seconds: layer_seconds(&rounds),
        on: counts.iter().map(of).collect(),
        busy_elsewhere,
        pictures: counts
            .iter()
            .map(|&workers| Picture::of(simulate(&costs, middle, workers), workers))
            .collect(),
    })
}

/// Median seconds of every layer.
fn layer_seconds(rounds: &[Vec<Vec<f64>>]) -> Vec<f64> {
    let layers = rounds.first().map_or(0, Vec::len);
    (0..layers)
        .map(|l| median(&mut rounds.iter().flat_map(|round| round[l].iter().copied()).collect::<Vec<_>>()))
        .collect()
}

fn on_workers(
    workers: usize,
    costs: &[f64],
    rounds: &[Vec<Vec<f64>>],
    measured: Option<&[f64]>,
    widths: &[usize],
    scalar: usize,
) -> OnWorkers {
    let epochs: Vec<Epoch> = rounds.iter().map(|seconds| Epoch::of(costs, seconds, workers)).collect();
    let median_of = |of: &dyn Fn(&Epoch) -> f64| median(&mut epochs.iter().map(of).collect::<Vec<_>>());
    let turns = Turns::new(costs.iter().copied(), 0, workers);
    let crossing = |l: &usize| turns.worker(*l) != turns.worker(l + 1);
    let local = scalar * (0..widths.len()).filter(crossing).map(|l| widths[l]).sum::<usize>();
    let ratios = measured.map(|measured| {
        epochs.iter().zip(measured).map(|(epoch, measured)| epoch.seconds / measured).collect::<Vec<_>>()
    });
    OnWorkers {
        workers,
        seconds: median_of(&|epoch| epoch.seconds),
        speedup: median_of(&|epoch| epoch.work / epoch.seconds),
        busy: median_of(&|epoch| epoch.work / (workers as f64 * epoch.seconds)),
        fill: median_of(&|epoch| epoch.fill),
        drain: median_of(&|epoch| epoch.drain),
        bytes: BytesPerSample { local, back_propagation: 2 * local, pdadmm: 3 * local },
        measured: measured.map(|measured| median(&mut measured.to_vec())),
        simulated_over_measured: ratios.map(|mut ratios| median(&mut ratios)),
    }
}

/// A simulated epoch.
struct Epoch {
    work: f64,
    seconds: f64,
    fill: f64,
    drain: f64,
}

impl Epoch {
    fn of(costs: &[f64], seconds: &[Vec<f64>], workers: usize) -> Self {
        let tasks = simulate(costs, seconds, workers);
        let end = tasks.iter().map(|task| task.end).fold(0.0, f64::max);
        let of_workers = (0..workers).filter_map(|worker| {
            let mut own = tasks.iter().filter(|task| task.worker == worker);
            let first = own.next()?;
            Some((first.start, own.next_back().unwrap_or(first).end))
        });
        let (begun, ended): (Vec<f64>, Vec<f64>) = of_workers.unzip();
        Self {
            work: tasks.iter().map(|task| task.end - task.start).sum(),
            seconds: end,
            fill: begun.into_iter().fold(0.0, f64::max),
            drain: end - ended.into_iter().fold(end, f64::min),
        }
    }
}
