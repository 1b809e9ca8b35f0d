//! `altmin train`.

mod runner;

use super::failure::Failure;
use super::{interrupt, output};
use crate::error::Error;
use crate::run::folder::RunFolder;
use crate::run::threshold;
use crate::settings::{
    Inner, InnerDefaults, Method, Settings, StepRule, TrainOptions, Use, defaults, inner_defaults,
};
use clap::{Args, ValueEnum};
use runner::Destinations;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Train a network
///
/// Without options: handwritten digits that are part of the program, within seconds. Every option has a default that was
/// chosen to do well untuned; options of a --config file stand in for those that are not given here.
#[derive(Debug, Args)]
pub(super) struct Train {
    #[command(flatten)]
    options: TrainOptions,

    /// Settings from this file, such as the config.toml of an earlier run; flags win over it
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    config: Option<PathBuf>,

    /// Write config.toml, metrics.csv, model.safetensors and curves.svg into this new folder
    ///
    /// A folder or file that exists is never overwritten. config.toml holds every setting, defaults included:
    /// `train --config DIR/config.toml` repeats the run bit for bit.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Print one JSON object a line on stdout, for each sweep and at last a summary, and nothing else
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// No progress bar and no table: nothing but warnings and errors
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

impl Train {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let settings = settings(self.options, self.config.as_deref())?;
        if let Some(path) = &self.out {
            RunFolder::require_missing(path)?;
        }
        if let Some(warning) = threshold::warning(&settings) {
            output::note("warning", &warning);
        }
        let stop = interrupt::flag()?;
        let mut trainer = runner::load(&settings)?;
        let to = Destinations { out: self.out.as_deref(), json: self.json, quiet: self.quiet };
        runner::run(trainer.as_mut(), &settings, &to, &stop).map(ExitCode::from)
    }
}

/// The settings that flags and a file give together.
pub(super) fn settings(flags: TrainOptions, file: Option<&Path>) -> Result<Settings, Error> {
    let from_file = match file {
        None => TrainOptions::default(),
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
            TrainOptions::from_toml(&text, path)?
        }
    };
    let settings = flags.clone().over(from_file).resolve()?;
    flags.check_effect(&settings)?;
    Ok(settings)
}

/// The defaults that depend on other options, from the table that applies them, and examples.
pub(super) fn after_help() -> String {
    let mut text = String::from("Defaults of --nu, --rho and --learning-rate:\n");
    for &method in Method::value_variants() {
        for &step in StepRule::value_variants() {
            let defaults = defaults(method, step);
            // Writing to a String cannot fail.
            let _ = write!(text, "  {method} ");
            if method.uses(Use::Steps) {
                let _ = write!(text, "{step:14} ");
            }
            if method.uses(Use::Nu) {
                let _ = write!(text, "nu {:<8} ", defaults.nu);
            }
            if method.uses(Use::Rho) && !method.uses(Use::Subnetworks) {
                let _ = write!(text, "rho {} ", defaults.rho);
            }
            if method.uses(Use::Subnetworks) {
                for &inner in Inner::value_variants() {
                    let InnerDefaults { learning_rate, rho, .. } = inner_defaults(inner);
                    let _ = match inner {
                        Inner::Proxprop => write!(text, "inner {inner}: nu {} ", defaults.nu),
                        _ => write!(text, "inner {inner}: learning-rate {learning_rate} "),
                    };
                    if method.uses(Use::Rho) {
                        let _ = write!(text, "rho {rho} ");
                    }
                }
            } else if method.uses(Use::LearningRate) {
                let _ = write!(text, "learning-rate {} ", defaults.learning_rate);
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
            if !method.uses(Use::Steps) {
                break;
            }
        }
    }
    text.push_str(
        "\nExamples:
  altmin train
  altmin train --method dladmm --out run
  altmin train --method dladmm --nu 1e-6 --rho 1e-6 --rho-schedule times:10:100
  altmin train --data mnist --pool 2 --samples 55000 --hidden 500,500
  altmin train --data houses.csv --target price --loss least-squares --out prices
  altmin train --method gsadmm --network 'mlp 512x9' --subnetworks 2 --epochs 50
  altmin train --method gsam --network cnn --cut 6 --inner sgd --tau2 10000 --out cnn
  altmin train --config run/config.toml --seed 1 --out run-1",
    );
    text
}
