//! `altmin train`.

mod folds;
mod runner;

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output;
use super::processes::Processes;
use crate::error::Error;
use crate::run::folder::RunFolder;
use crate::run::ranks::Grid;
use crate::settings::by_key;
use crate::settings::{CheckpointEvery, Inner, Keep, Method, Settings, StepRule, TrainOptions, Use};
use altmin_core::Choice;
use altmin_core::method::tssm::{InnerDefaults, Preset};
use altmin_core::method::{Defaults, Setup};
use altmin_core::update::BACKTRACKING;
use clap::Args;
use runner::{Destinations, Folder};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Train a network
///
/// Without options, trains on the built-in handwritten digits within seconds. Every option has a default that works well
/// untuned. Options given here override those of a --config file.
#[derive(Debug, Args)]
pub(super) struct Train {
    #[command(flatten)]
    options: TrainOptions,

    /// Read settings from this file, such as the config.toml of an earlier run; command-line options override it
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    config: Option<PathBuf>,

    /// Write config.toml, metrics.csv, model.safetensors (--keep) and curves.svg into this new folder
    ///
    /// An existing folder or file is never overwritten. config.toml holds every setting, including defaults:
    /// `train --config DIR/config.toml` reproduces the run bit for bit.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Go on with the run in this folder, from its last checkpoint (--checkpoint-every)
    ///
    /// Its settings are those of its config.toml; of options given here only those that have no effect on the sweeps may be
    /// others, such as --threads, --time-limit and --checkpoint-every, and --sweeps where steps do not shorten over them. Its
    /// files are those of a run without a break.
    #[arg(long, value_name = "DIR", help_heading = "Checkpoints", conflicts_with_all = ["out", "config"])]
    resume: Option<PathBuf>,

    /// Train K times, each time without another K-th of the samples, and test on it; print every score, their mean and spread
    ///
    /// Samples are those of a CSV file or of `digits`, or the training samples of a folder. They are drawn with --split-seed, of each
    /// class its share. A network is as good on new samples as the mean says; no model is kept.
    #[arg(
        long, value_name = "K", help_heading = "Data",
        conflicts_with_all = ["out", "resume", "keep"]
    )]
    cross_validate: Option<usize>,

    /// Write timeline.json into the run's folder: which worker did what when in the second sweep, for `altmin report`
    ///
    /// In a run of one sweep it is that one. Clocks are read in these sweeps alone.
    #[arg(
        long, help_heading = "Output",
        conflicts_with_all = ["cross_validate", "evaluate_every"]
    )]
    timeline: bool,

    /// How the processes that `mpirun` has started share the run: parts of the layers x parts of the samples, such as 2x3 for six
    /// [default: chosen by counted operations]
    ///
    /// The results are the same bits for every grid. pdadmm works on both parts at once; local on parts of the layers, and more parts of
    /// the samples repeat its work; the other methods on parts of the samples, as many as there are processes.
    #[cfg(feature = "mpi")]
    #[arg(long, value_name = "LxS", help_heading = "Run")]
    grid: Option<Grid>,

    /// Print JSON lines to stdout instead of a table: one object per sweep and a summary at the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Show a progress bar on a terminal instead of curves
    ///
    /// Without it a terminal of 60 columns and 15 lines or more shows curves of loss and scores while the run goes on. Where stdout or
    /// stderr is no terminal there are none.
    #[arg(long, help_heading = "Output", conflicts_with_all = ["json", "quiet", "cross_validate"])]
    plain: bool,

    /// Print only warnings and errors: no curves, no progress bar, no table
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

impl Train {
    pub(super) fn run(self, processes: &Processes) -> Result<ExitCode, Failure> {
        let grid = self.grid();
        let config = self.resume.as_ref().map(|run| run.join("config.toml")).or(self.config);
        let asked_for_keep = self.options.keep.is_some();
        let settings = settings(self.options, config.as_deref())?;
        let folder = match (&self.out, &self.resume) {
            (Some(path), _) => Some(Folder::New(path)),
            (None, Some(path)) => Some(Folder::Resumed(path)),
            (None, None) => None,
        };
        if let Some(every) = settings.checkpoint_every.filter(|_| folder.is_none()) {
            let expected = "none, or a folder for checkpoints: --out DIR";
            let every = CheckpointEvery(Some(every));
            return Err(Error::argument("checkpoint-every", every, expected).into());
        }
        // What patience keeps by default needs no folder.
        let needs_folder = asked_for_keep || settings.patience.is_none();
        if settings.keep != Keep::Last && needs_folder && folder.is_none() {
            let expected = "last, or a folder for the best model: --out DIR";
            return Err(Error::argument("keep", settings.keep, expected).into());
        }
        if self.timeline && folder.is_none() {
            let expected = "none, or a folder for timeline.json: --out DIR";
            return Err(Error::argument("timeline", "given", expected).into());
        }
        if self.timeline && settings.evaluate_every.is_some() {
            let expected = "none: with evaluate-every an epoch is made in parts";
            return Err(Error::argument("timeline", "given", expected).into());
        }
        if let Some(Folder::New(path)) = folder.filter(|_| processes.is_first()) {
            RunFolder::require_missing(path)?;
        }
        if let Some(warning) = settings.rho_warning() {
            output::note("warning", &warning);
        }
        let interrupt = Interrupt::on_signals()?;
        if let Some(count) = self.cross_validate {
            processes.require_one("cross-validation")?;
            return folds::run(&settings, count, self.json, self.quiet, &interrupt).map(ExitCode::from);
        }
        let mut trainer = runner::load(&settings, None)?;
        let Self { json, plain, quiet, timeline, .. } = self;
        let to = Destinations { folder, json, plain, quiet, timeline };
        runner::run(trainer.as_mut(), &settings, &to, &interrupt, (processes, grid)).map(ExitCode::from)
    }

    #[cfg(feature = "mpi")]
    fn grid(&self) -> Option<Grid> {
        self.grid
    }

    #[cfg(not(feature = "mpi"))]
    fn grid(&self) -> Option<Grid> {
        None
    }
}

/// The options of a file.
pub(super) fn options(file: &Path) -> Result<TrainOptions, Error> {
    let text = fs::read_to_string(file).map_err(|error| Error::io("read", file, error))?;
    TrainOptions::from_toml(&text, file)
}

/// The settings of the command line over those of a file.
pub(super) fn settings(flags: TrainOptions, file: Option<&Path>) -> Result<Settings, Error> {
    let from_file = match file {
        None => TrainOptions::default(),
        Some(path) => options(path)?,
    };
    let settings = flags.clone().over(from_file.clone()).resolve()?;
    flags.check_effect(&settings)?;
    // What a file says of its own method may have no effect on one that a flag names in its place.
    let own = if from_file.method.is_some() { by_key::unchecked(&from_file) } else { settings.clone() };
    from_file.check_effect(&own)?;
    Ok(settings)
}

/// The defaults that depend on other options, from the table that applies them, and examples.
pub(super) fn after_help() -> String {
    let mut text = String::from("Defaults of --nu, --rho and --learning-rate:\n");
    for &method in Method::ALL {
        for step in StepRule::values() {
            let step_rule = step.rule(BACKTRACKING, Defaults::UNUSED.damping);
            let (maps, inner) = (3, Inner::Adam);
            let setup =
                Setup { step: step_rule, minibatches: false, maps, convolutions: false, inner, table: false };
            let defaults = (method.card().defaults)(&setup);
            // Writing to a String cannot fail.
            let _ = write!(text, "  {method} ");
            if method.card().uses(Use::Steps) {
                let _ = write!(text, "{step:14} ");
            }
            if method.card().uses(Use::Nu) {
                let nu = |minibatches| {
                    let setup = Setup { minibatches, ..setup };
                    let [few, many] =
                        [maps, 10].map(|maps| (method.card().defaults)(&Setup { maps, ..setup }).nu);
                    if few == many {
                        format!("nu {few}")
                    } else {
                        format!("nu {few} for {maps} linear maps, {many} for 10")
                    }
                };
                let (alone, in_batches) = (nu(false), nu(true));
                let _ = write!(text, "{alone:<11} ");
                if in_batches != alone {
                    let _ = write!(text, "in mini-batches {in_batches} ");
                }
            }
            if method.card().uses(Use::Rho) && !method.card().uses(Use::Subnetworks) {
                let _ = write!(text, "rho {} ", defaults.rho);
            }
            if method.card().uses(Use::Subnetworks) {
                for inner in Inner::values() {
                    let InnerDefaults { learning_rate, rho, .. } = inner.defaults(Preset::Tuned, true);
                    let _ = match inner {
                        Inner::Proxprop => write!(text, "inner {inner}: nu {} ", defaults.nu),
                        _ => write!(text, "inner {inner}: learning-rate {learning_rate} "),
                    };
                    if method.card().uses(Use::Rho) {
                        let _ = write!(text, "rho {rho} ");
                    }
                }
            } else if method.card().uses(Use::Inner) {
                for inner in Inner::values().filter(|&inner| inner != Inner::Proxprop) {
                    let rate = (method.card().defaults)(&Setup { inner, ..setup }).learning_rate;
                    let _ = write!(text, "inner {inner}: learning-rate {rate} ");
                }
            } else if method.card().uses(Use::LearningRate) {
                let _ = write!(text, "learning-rate {} ", defaults.learning_rate);
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
            if !method.card().uses(Use::Steps) {
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
  altmin train --data mnist --out run --checkpoint-every 60s
  altmin train --resume run
  altmin train --config run/config.toml --seed 1 --out run-1",
    );
    text
}
