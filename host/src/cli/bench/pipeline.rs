//! `altmin bench pipeline`.

use super::NOTABLE;
use crate::bench::pipeline::{OnWorkers, PipelineBench, PipelineReport, pipeline};
use crate::cli::failure::Failure;
use crate::cli::{output, train};
use crate::error::Error;
use crate::settings::TrainOptions;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altmin bench pipeline --method local --hidden 500x9 --batch 128\n  \
                  altmin bench pipeline --method local --hidden 500x19 --workers 4,20 --picture 20")]
pub(super) struct Pipeline {
    #[command(flatten)]
    options: TrainOptions,

    /// Read settings from this file; command-line options override it
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    config: Option<PathBuf>,

    /// Epochs on one thread and on --threads, whose medians count, at least 1
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Stopping")]
    repeats: usize,

    /// Numbers of workers to simulate, beside 1, --threads and the number of layers
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "2,4,8,16,32,64",
        help_heading = "Machine"
    )]
    workers: Vec<usize>,

    /// Show who works when with this number of workers, one of those that are simulated [default: the number of layers]
    #[arg(long, value_name = "N", help_heading = "Output")]
    picture: Option<usize>,

    /// Print one JSON object instead of a table and a picture
    #[arg(long, help_heading = "Output", conflicts_with = "picture")]
    json: bool,
}

impl Pipeline {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        super::refuse_without_effect(&self.options)?;
        super::require_counts(self.repeats, &self.workers)?;
        let settings = train::settings(self.options, self.config.as_deref())?;
        let report = pipeline(&PipelineBench { settings, repeats: self.repeats, workers: self.workers })?;
        if self.json {
            output::print_json("pipeline", &report)?;
            return Ok(ExitCode::SUCCESS);
        }
        let shown = self.picture.unwrap_or(report.layers);
        let Some(picture) = report.pictures.iter().find(|picture| picture.workers() == shown) else {
            return Err(Error::argument("picture", shown, "one of the numbers of workers").into());
        };
        let mut text = self::text(&report);
        let _ =
            write!(text, "\nwho works when, on {shown} workers: a layer's sign, or . for waiting\n{picture}");
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The report for people.
fn text(report: &PipelineReport) -> String {
    let PipelineReport { layers, batches, layer_seconds, on, busy_elsewhere, .. } = report;
    let times: Vec<_> = layer_seconds.iter().map(|seconds| format!("{:.3}", 1e3 * seconds)).collect();
    let mut text = format!(
        "{layers} layers, {batches} batches an epoch\nms of a layer for a batch: {}\n\n{:>7} {:>10} {:>8} {:>6} {:>9} {:>9} {:>10} {:>9}\n",
        times.join(" "),
        "workers",
        "simulated",
        "speed-up",
        "busy",
        "fill",
        "drain",
        "measured",
        "sim/meas"
    );
    // Writing to a String cannot fail.
    for OnWorkers {
        workers, seconds, speedup, busy, fill, drain, measured, simulated_over_measured, ..
    } in on
    {
        let shown = |number: &Option<f64>, unit: &str| match number {
            Some(number) => format!("{number:.3}{unit}"),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "{workers:>7} {seconds:>8.3} s {speedup:>8.2} {:>4.0} % {:>6.1} ms {:>6.1} ms {:>10} {:>9}",
            100.0 * busy,
            1e3 * fill,
            1e3 * drain,
            shown(measured, " s"),
            shown(simulated_over_measured, "")
        );
    }
    if let Some(others) = busy_elsewhere.filter(|&others| others >= NOTABLE) {
        let _ =
            writeln!(text, "other processes kept {others:.1} processors busy meanwhile: times are too long");
    }
    let _ = writeln!(
        text,
        "\nbytes between workers a sample and pass\n{:>7} {:>10} {:>16} {:>10}",
        "workers", "local", "back-propagation", "pdadmm"
    );
    for OnWorkers { workers, bytes, .. } in on {
        let _ = writeln!(
            text,
            "{workers:>7} {:>10} {:>16} {:>10}",
            bytes.local, bytes.back_propagation, bytes.pdadmm
        );
    }
    text
}
