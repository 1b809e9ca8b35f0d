//! `altmin bench scaling`.

use super::{NOTABLE, Sweep};
use crate::bench::scaling::{OnWorkers, ScalingBench, ScalingReport, scaling};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::units;
use clap::Args;
use std::fmt::Write as _;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altmin bench scaling --layers 196,500x9,10 --samples 10000\n  \
                  altmin bench scaling --layers 196,1500x19,10 --samples 2000 --workers 4,10,20,64")]
pub(super) struct Scaling {
    #[command(flatten)]
    sweep: Sweep,

    /// Sweeps on one thread and on --threads, whose medians count, at least 1
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeats: usize,

    /// Numbers of workers to simulate, beside 1 and --threads
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "2,4,8,16,20,32,64",
        help_heading = "Machine"
    )]
    workers: Vec<usize>,
}

impl Scaling {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        super::require_counts(self.repeats, &self.workers)?;
        let json = self.sweep.json;
        let sweep = self.sweep.settings()?;
        let report = scaling(&ScalingBench { sweep, repeats: self.repeats, workers: self.workers })?;
        match json {
            true => output::print_json("scaling", &report)?,
            false => output::print(&text(&report))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The report for people.
fn text(report: &ScalingReport) -> String {
    let ScalingReport { layers, units, total_work, critical_path, alone, on, .. } = report;
    let units: Vec<String> = units.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{layers} layers, phases of {} units\nwork {total_work:.3} s, longest chain {critical_path:.3} s, of it {alone:.3} s between phases\n\n\
         {:>7} {:>11} {:>8} {:>11} {:>8}\n",
        units.join(", "),
        "workers",
        "simulated",
        "speed-up",
        "measured",
        "sim/meas"
    );
    for OnWorkers { workers, seconds, speedup, measured, simulated_over_measured } in on {
        let shown = |number: &Option<f64>, unit: &str| {
            number.map_or_else(String::new, |number| format!("{number:.3}{unit}"))
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{workers:>7} {seconds:>9.3} s {speedup:>8.2} {:>11} {:>8}",
            shown(measured, " s"),
            shown(simulated_over_measured, "")
        );
    }
    if let Some(bytes) = report.bytes_between_layers {
        let _ = writeln!(
            text,
            "\n{} a sweep between layers that each have a worker of their own: p downwards, q and u upwards",
            units::bytes(bytes as usize)
        );
    }
    if let Some(others) = report.busy_elsewhere.filter(|&others| others >= NOTABLE) {
        let _ =
            writeln!(text, "other processes kept {others:.1} processors busy meanwhile: times are too long");
    }
    text
}
