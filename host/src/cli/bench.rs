//! `altmin bench`.

mod epoch;
mod pipeline;
mod scaling;

use super::failure::Failure;
use super::output;
use crate::bench::{self, BenchReport, BenchSettings};
use crate::error::Error;
use crate::report::table;
use crate::settings::{Kernel, Method, Precision, StepRule, TrainOptions, Widths, core_choice};
use crate::units;
use clap::{Args, Subcommand};
use std::process::ExitCode;
use std::thread::available_parallelism;

/// Time sweeps and compare them with the matrix products that they need
#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Time sweeps on random data, interleaved with bare matrix products of the same shapes
    ///
    /// The efficiency is the rate of a sweep, counting only the products that it needs, divided by the best rate of the
    /// products alone. Times are medians.
    Sweep(Sweep),
    /// Time an epoch over subnetworks and end to end, on one thread and on --threads, and compare it with its prediction
    ///
    /// Parts of the epoch are timed on one thread; from them the time of a whole epoch on 1, 2, 3, 4 and 8 workers is
    /// predicted by list scheduling. Then whole epochs are timed, all runs in turn; the fastest of --repeats counts. Options
    /// are those of `train`.
    Epoch(Box<epoch::Epoch>),
    /// Time the pipeline of local on one thread and on --threads, and simulate it on other numbers of workers
    ///
    /// Every layer is timed at every batch on one thread; from these seconds follows who works when on any number of workers,
    /// by the rules of the executor. Bandwidth to memory, which workers share, is not in it. Options are those of `train`.
    Pipeline(Box<pipeline::Pipeline>),
    /// Time sweeps on one thread and on --threads, and simulate them on other numbers of workers
    ///
    /// Every unit of work, a layer over a group of samples, is timed on one thread; from these seconds follows how long a sweep takes on
    /// any number of workers, with its barriers and what one thread does between them. Bandwidth to memory, which workers share, and
    /// messages between machines are not in it. Data are random.
    Scaling(scaling::Scaling),
}

/// Processors kept busy by other processes above which a report says so.
const NOTABLE: f64 = 0.2;

#[derive(Debug, Args)]
struct Sweep {
    /// Training method
    #[arg(long, value_name = "METHOD", default_value = "pdadmm", help_heading = "Method")]
    method: Method,

    /// Step rule of the weights
    #[arg(
        long, value_name = "RULE", value_parser = core_choice::parser::<StepRule>(), default_value = "least-squares",
        help_heading = "Method"
    )]
    step: StepRule,

    /// Step rule of the layers' inputs; least-squares needs one more product [default: as --step]
    #[arg(long, value_name = "RULE", value_parser = core_choice::parser::<StepRule>(), help_heading = "Method")]
    input_step: Option<StepRule>,

    /// All layer widths, from the number of features to the number of outputs: `196,500x9,10`
    #[arg(long, value_name = "WIDTHS", default_value = "196,500x9,10", help_heading = "Network")]
    layers: Widths,

    /// Number of samples
    #[arg(long, value_name = "N", default_value_t = 60_000, help_heading = "Data")]
    samples: usize,

    /// Number of threads [default: all processors]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    threads: Option<usize>,

    /// Scalar type of the computation
    #[arg(long, value_name = "TYPE", default_value = "f32", help_heading = "Machine")]
    precision: Precision,

    /// Implementation of the matrix product
    #[arg(long, value_name = "KERNEL", default_value = "fast", help_heading = "Machine")]
    kernel: Kernel,

    /// Print one JSON object instead of a table
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let sweep = match self.what {
            What::Sweep(sweep) => sweep,
            What::Epoch(epoch) => return epoch.run(),
            What::Pipeline(pipeline) => return pipeline.run(),
            What::Scaling(scaling) => return scaling.run(),
        };
        let json = sweep.json;
        let report = bench::sweep(&sweep.settings()?)?;
        if json {
            output::print_json("bench", &report)?;
        } else {
            output::print(&text(&report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `Ok` for a number of repeats and numbers of workers of which none is 0.
fn require_counts(repeats: usize, workers: &[usize]) -> Result<(), Error> {
    let counts = [("repeats", repeats), ("workers", workers.iter().copied().min().unwrap_or(1))];
    match counts.into_iter().find(|&(_, least)| least == 0) {
        Some((name, _)) => Err(Error::argument(name, 0, "at least 1")),
        None => Ok(()),
    }
}

/// Refuses settings of `train` that say how long a run is: here it is --repeats.
fn refuse_without_effect(options: &TrainOptions) -> Result<(), Error> {
    let expected = "no value: --repeats sets the number of timed epochs";
    let given = [
        ("sweeps", options.sweeps.map(|sweeps| sweeps.to_string())),
        ("tolerance", options.tolerance.as_ref().map(ToString::to_string)),
        ("time-limit", options.time_limit.as_ref().map(ToString::to_string)),
        ("diagnostics", options.diagnostics.map(|diagnostics| diagnostics.to_string())),
    ];
    options.require_no_run()?;
    match given.into_iter().find_map(|(name, value)| Some((name, value?))) {
        Some((name, value)) => Err(Error::argument(name, value, expected)),
        None => Ok(()),
    }
}

impl Sweep {
    /// The settings, checked.
    fn settings(self) -> Result<BenchSettings, Error> {
        let layers = self.layers.0.clone();
        if layers.len() < 2 || layers.contains(&0) {
            let expected = "at least two widths, each at least 1, such as 196,500x9,10";
            return Err(Error::argument("layers", self.layers, expected));
        }
        let threads = self.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
        for (name, count) in [("samples", self.samples), ("threads", threads)] {
            if count == 0 {
                return Err(Error::argument(name, 0, "at least 1"));
            }
        }
        Ok(BenchSettings {
            method: self.method,
            step: self.step,
            input_step: self.input_step.unwrap_or(self.step),
            layers,
            samples: self.samples,
            precision: self.precision,
            threads,
            kernel: self.kernel,
        })
    }
}

/// The report for people.
fn text(report: &BenchReport) -> String {
    table::rows(&[
        ("seconds per sweep", format!("{:.4}", report.sweep_seconds)),
        ("operations of its products", format!("{:.4e}", report.product_flops)),
        ("rate of the sweep", format!("{:.1} GFLOP/s", report.sweep_gflops)),
        ("rate of the products alone", format!("{:.1} GFLOP/s", report.gemm_gflops)),
        ("efficiency", format!("{:.3}", report.efficiency)),
        ("state", units::bytes(report.state_bytes)),
        ("peak memory", report.peak_rss_bytes.map_or_else(|| "unknown".to_owned(), units::bytes)),
    ])
}
