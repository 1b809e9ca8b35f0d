//! `altmin bench epoch`.

use super::NOTABLE;
use crate::bench::{self, EpochReport};
use crate::cli::failure::Failure;
use crate::cli::{output, train};
use crate::error::Error;
use crate::settings::TrainOptions;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  altmin bench epoch --network 'mlp 512x9' --subnetworks 2\n  \
                  altmin bench epoch --data cifar --network 'resnet 4' --subnetworks 3 --samples 1200 --json")]
pub(super) struct Epoch {
    #[command(flatten)]
    options: TrainOptions,

    /// Read settings from this file; command-line options override it
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    config: Option<PathBuf>,

    /// Epochs of each run, of which the fastest counts, at least 1
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Stopping")]
    repeats: usize,

    /// Print one JSON object per run instead of a table
    #[arg(long, help_heading = "Output")]
    json: bool,
}

impl Epoch {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        super::refuse_without_effect(&self.options)?;
        if self.repeats == 0 {
            return Err(Error::argument("repeats", 0, "at least 1").into());
        }
        let settings = train::settings(self.options, self.config.as_deref())?;
        let reports = bench::epoch(&settings, self.repeats)?;
        for report in &reports {
            match self.json {
                true => output::print_json("epoch", report)?,
                false => output::print(&text(report))?,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A report for people.
fn text(report: &EpochReport) -> String {
    let EpochReport { run, prediction, measured, busy_elsewhere } = report;
    // Writing to a String cannot fail.
    let mut text = format!(
        "{run}: total work {:.4} s, critical path {:.4} s\n",
        prediction.total_work, prediction.critical_path
    );
    for on in &prediction.on {
        let _ = write!(
            text,
            "  {} workers  {:.4} s predicted, speed-up {:.2}",
            on.workers, on.seconds, on.speedup
        );
        if let Some(measured) = measured.iter().find(|measured| measured.threads == on.workers) {
            let _ = write!(text, "; {:.4} s measured", measured.seconds);
            if let Some(ratio) = measured.predicted_over_measured {
                let _ = write!(text, ", predicted over measured {ratio:.3}");
            }
        }
        text.push('\n');
    }
    if let Some(others) = busy_elsewhere.filter(|&others| others >= NOTABLE) {
        let _ = writeln!(
            text,
            "  other processes kept {others:.1} processors busy meanwhile: measured times are too long"
        );
    }
    let unpredicted = measured.iter().filter(|measured| measured.predicted_over_measured.is_none());
    for measured in unpredicted {
        let _ = writeln!(text, "  {} threads  {:.4} s measured", measured.threads, measured.seconds);
    }
    text
}
