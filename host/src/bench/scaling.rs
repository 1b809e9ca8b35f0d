//! Sweeps on more workers than there are.
//!
//! A sweep is run on one thread with a clock at every unit of work: a layer over a group of samples, or a layer. From these seconds follows
//! how long it would take on other numbers of workers, each of which takes the next unit when it has nothing to do, with the barriers that
//! the method has and what one thread does between them; next to it sweeps are timed on the threads that there are. What workers may
//! take from one another, such as bandwidth to memory, is not in it, nor are messages between machines.

use std::time::Instant;

use altmin_core::Real;
use altmin_core::method::Name;
use serde::Serialize;

use super::busy::LoadMeter;
use super::prediction::list::Graph;
use super::prediction::recorder::{Phase, Recorder};
use super::{BenchSettings, MadeUp, TimedPool, median};
use crate::error::{Error, Result};
use crate::run::kernel::AnyGemm;
use crate::settings::Precision;

/// What is timed and simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingBench {
    /// The sweeps.
    pub sweep: BenchSettings,
    /// Sweeps of each kind, at least 1; medians count.
    pub repeats: usize,
    /// Numbers of workers to simulate, each at least 1.
    pub workers: Vec<usize>,
}

/// A sweep on a number of workers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnWorkers {
    /// Their number.
    pub workers: usize,
    /// Simulated seconds of a sweep.
    pub seconds: f64,
    /// One worker's seconds over these.
    pub speedup: f64,
    /// Median seconds of sweeps on as many threads, where these were timed.
    pub measured: Option<f64>,
    /// Median of simulated over measured seconds, round by round.
    pub simulated_over_measured: Option<f64>,
}

/// How a method's sweep scales.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalingReport {
    /// Layers with weights.
    pub layers: usize,
    /// Units of work of each phase of a sweep.
    pub units: Vec<usize>,
    /// Seconds of all work.
    pub total_work: f64,
    /// Seconds of the longest chain of work, which no number of workers goes below.
    pub critical_path: f64,
    /// Seconds of those in which one thread alone works.
    pub alone: f64,
    /// For each number of workers.
    pub on: Vec<OnWorkers>,
    /// Bytes that cross the boundaries between layers in a sweep where each layer has a worker of its own; none for a method whose
    /// layers do not work at the same time.
    pub bytes_between_layers: Option<f64>,
    /// How many processors other processes kept busy meanwhile; none where the system does not tell. Where it is not near 0,
    /// the seconds say little.
    pub busy_elsewhere: Option<f64>,
}

/// Times sweeps on random data on one thread and on the threads of the settings, in turn, and simulates them on other numbers of workers.
///
/// # Errors
/// As [`sweep`](super::sweep); [`Error::Argument`] for a method whose layers are a pipeline.
pub fn scaling(bench: &ScalingBench) -> Result<ScalingReport> {
    match bench.sweep.precision {
        Precision::F32 => scaling_in::<f32>(bench),
        Precision::F64 => scaling_in::<f64>(bench),
    }
}

/// What one round has measured.
struct Round {
    graph: Graph,
    alone: f64,
    /// On one thread, and on all.
    seconds: [f64; 2],
}

fn scaling_in<T: Real>(bench: &ScalingBench) -> Result<ScalingReport> {
    let ScalingBench { sweep, repeats, workers } = bench;
    if sweep.method == Name::Local {
        let expected = "a method whose sweeps are phases (`bench pipeline` simulates local)";
        return Err(Error::argument("method", sweep.method, expected));
    }
    let made_up = MadeUp::<T>::new(sweep)?;
    let (problem, gemm) = (made_up.problem(), AnyGemm::of(sweep.kernel));
    let mut engine = made_up.engine(&gemm)?;
    let mut recorder = Recorder::<T>::new(engine.scratch());
    let mut pool = TimedPool::<T>::new(sweep.threads, engine.scratch())?;
    engine.initialize(problem, &mut recorder, &gemm)?;

    let meter = LoadMeter::start();
    let (mut rounds, mut units) = (Vec::new(), Vec::new());
    // A round that is not counted touches all memory for the first time.
    for round in 0..=*repeats {
        recorder.begin();
        let start = Instant::now();
        engine.sweep(problem, &mut recorder, &gemm)?;
        let on_one = start.elapsed().as_secs_f64();
        let graph = graph(recorder.phases(), on_one);
        let start = Instant::now();
        let TimedPool { pool: threads, executor, .. } = &mut pool;
        threads.install(|| engine.sweep(problem, executor, &gemm))?;
        if round > 0 {
            let on_all = start.elapsed().as_secs_f64();
            units = recorder.phases().iter().map(|phase| phase.units.len()).collect();
            rounds.push(Round { graph: graph.0, alone: graph.1, seconds: [on_one, on_all] });
        }
    }
    let busy_elsewhere = meter.others();

    let mut counts: Vec<usize> = workers.iter().copied().chain([1, sweep.threads]).collect();
    counts.sort_unstable();
    counts.dedup();
    let of = |of: &dyn Fn(&Round) -> f64| median(&mut rounds.iter().map(of).collect::<Vec<_>>());
    let on_workers = |&workers: &usize| {
        let which = [1, sweep.threads].iter().position(|&threads| threads == workers);
        OnWorkers {
            workers,
            seconds: of(&|round| round.graph.makespan(workers)),
            speedup: of(&|round| round.graph.makespan(1) / round.graph.makespan(workers)),
            measured: which.map(|which| of(&|round| round.seconds[which])),
            simulated_over_measured: which
                .map(|which| of(&|round| round.graph.makespan(workers) / round.seconds[which])),
        }
    };
    Ok(ScalingReport {
        layers: sweep.layers.len() - 1,
        units,
        total_work: of(&|round| round.graph.work()),
        critical_path: of(&|round| round.graph.critical_path()),
        alone: of(&|round| round.alone),
        on: counts.iter().map(on_workers).collect(),
        bytes_between_layers: (sweep.method == Name::Pdadmm).then(|| {
            bytes_between_layers(&sweep.layers[1..sweep.layers.len() - 1], sweep.samples, size_of::<T>())
        }),
        busy_elsewhere,
    })
}

/// The graph of a sweep that took so long, and the seconds in which one thread alone works.
fn graph(phases: &[Phase], seconds: f64) -> (Graph, f64) {
    let mut graph = Graph::new();
    let mut barrier = None;
    for Phase { before, units } in phases {
        let alone = graph.add(*before, &barrier.map_or(Vec::new(), |barrier| vec![barrier]));
        barrier = Some(graph.add_phase(units, Some(alone)));
    }
    // What comes after the last phase.
    let rest = (seconds - graph.work()).max(0.0);
    graph.add(rest, &barrier.map_or(Vec::new(), |barrier| vec![barrier]));
    let alone = phases.iter().map(|phase| phase.before).sum::<f64>() + rest;
    (graph, alone)
}

/// Bytes of a sweep of pdADMM between layers that each have a worker of their own: p of the layer above downwards, q and u upwards.
fn bytes_between_layers(hidden: &[usize], samples: usize, scalar: usize) -> f64 {
    3.0 * hidden.iter().sum::<usize>() as f64 * samples as f64 * scalar as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_its_phases_with_what_is_done_between_them() {
        let phases =
            [Phase { before: 0.5, units: vec![1.0, 1.0, 2.0] }, Phase { before: 0.25, units: vec![3.0; 4] }];
        let (graph, alone) = graph(&phases, 17.0);
        // 0.5 + 4 + 0.25 + 12 = 16.75, and a quarter at the end.
        assert_eq!((graph.work(), alone), (17.0, 1.0));
        assert_eq!(graph.makespan(1), 17.0);
        // 1 and 2 beside 1: 3 until the first barrier.
        assert_eq!(graph.makespan(2), 0.5 + 3.0 + 0.25 + 6.0 + 0.25);
        assert_eq!(graph.makespan(4), 0.5 + 2.0 + 0.25 + 3.0 + 0.25);
        assert_eq!(graph.critical_path(), 6.0);
    }

    #[test]
    fn bytes_by_hand() {
        // Two boundaries of 5 and 7 rows, 10 samples, 4 bytes, three matrices.
        assert_eq!(bytes_between_layers(&[5, 7], 10, 4), 1440.0);
    }
}
