//! `altmin search`.

mod reporter;

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::{output, train};
use crate::data;
use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::search::folder::{Left, SearchFolder};
use crate::search::{Axis, Budget, HALVING, Request, Search};
use crate::settings::core_choice::parser;
use crate::settings::{Method, Precision, TrainOptions};
use altmin_core::Real;
use clap::Args;
use reporter::{Destinations, Reporter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Find settings of methods on held-out training samples, by successive halving
///
/// All configurations of a method train for a short time; the best third of them trains anew for three times as long, and so
/// on, up to full runs of --sweeps, --budget or --seconds. They are scored by accuracy, or by loss where values are
/// learnt, on the samples that --holdout sets aside; the test set is not looked at. Other options are those of `train`, the same
/// for all runs; one that a method has no use for is left out for it.
#[derive(Debug, Args)]
pub(super) struct SearchCommand {
    /// Methods, each searched for itself [default: that of --method]
    #[arg(
        long, value_name = "METHOD,...", value_delimiter = ',', value_parser = parser::<Method>(),
        conflicts_with = "method", help_heading = "Search"
    )]
    methods: Vec<Method>,

    /// Values of a setting to try, such as `nu=10,30,100`, `momentum=0,0.9` or `learning-rate=0.001:0.1:log6`; repeat it for
    /// further settings [default: around the method's defaults]
    ///
    /// LOW:HIGH:logN is N values at equal ratios, LOW:HIGH:linN at equal distances; those between the ends are rounded to three
    /// digits. Every combination of all settings is a configuration. A setting that a method does not use is left out for
    /// it. A method that uses none of them gets the default: its learning rate, or nu, or rho, times 1/4 to 4 by factors of 2, and
    /// its damping times 0.3, 1 and 3.
    #[arg(long, value_name = "KEY=VALUES", help_heading = "Search")]
    over: Vec<Axis>,

    /// Length of a full run by the operations of its matrix products, as `altmin info` counts them, instead of --sweeps
    ///
    /// Each method makes as many sweeps as they allow.
    #[arg(
        long, value_name = "N", conflicts_with_all = ["sweeps", "seconds"], allow_negative_numbers = true,
        help_heading = "Search"
    )]
    budget: Option<f64>,

    /// Length of a full run by the seconds of its sweeps, instead of --sweeps
    ///
    /// A few sweeps of each configuration are timed first, so that another search may find other numbers of sweeps.
    #[arg(
        long,
        value_name = "S",
        conflicts_with = "sweeps",
        allow_negative_numbers = true,
        help_heading = "Search"
    )]
    seconds: Option<f64>,

    /// One of N configurations goes on to runs that are N times as long
    #[arg(long, value_name = "N", default_value_t = HALVING, help_heading = "Search")]
    halving: usize,

    /// Score full runs by the mean over K seeds: --seed and those after it
    #[arg(long, value_name = "K", default_value_t = 1, help_heading = "Search")]
    seeds: usize,

    #[command(flatten)]
    options: TrainOptions,

    /// Read settings from this file, such as the config.toml of a run; command-line options override it
    #[arg(long, value_name = "FILE.toml", help_heading = "Output")]
    config: Option<PathBuf>,

    /// Write search.jsonl, table.md, curves.svg and for each method METHOD/best.toml into this new folder
    ///
    /// An existing folder or file is never overwritten. search.jsonl has a line for each run, written when it ends. `train
    /// --config DIR/METHOD/best.toml` trains with the best settings, on the held-out samples too.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Go on with the search in this folder: runs that are done are not made again
    ///
    /// What is searched is read from the folder; the only option of `train` that may be given is --threads.
    #[arg(
        long, value_name = "DIR", help_heading = "Output",
        conflicts_with_all = ["out", "config", "methods", "over", "budget", "seconds", "halving", "seeds"]
    )]
    resume: Option<PathBuf>,

    /// Print JSON lines to stdout instead of a table: one object per run when it ends, and one per configuration at the end
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Print only warnings and errors: no progress bar, no table
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  altmin search
  altmin search --methods adam,proxprop --over learning-rate=0.001:0.1:log6 --over nu=3,10,30 --sweeps 30 --out found
  altmin train --config found/adam/best.toml
  altmin search --data mnist --pool 2 --samples 10000 --budget 2e12 --methods gd,adam,pdadmm --seeds 3 --out found
  altmin search --resume found";

/// The command with its examples.
pub(super) fn finished(command: clap::Command) -> clap::Command {
    command.after_help(EXAMPLES)
}

impl SearchCommand {
    pub(super) fn run(self) -> std::result::Result<ExitCode, Failure> {
        if let Some(path) = &self.out {
            RunFolder::require_missing(path)?;
        }
        let left = self.resume.as_deref().map(Left::read).transpose()?;
        let search = match (&self.resume, &left) {
            (Some(folder), Some(left)) => self.resumed(folder, left)?,
            _ => self.search()?,
        };
        let interrupt = Interrupt::on_signals()?;
        let exit_code = match search.common().precision {
            Precision::F32 => self.go::<f32>(&search, left, &interrupt),
            Precision::F64 => self.go::<f64>(&search, left, &interrupt),
        };
        exit_code.map(ExitCode::from)
    }

    /// The search that the options describe.
    fn search(&self) -> Result<Search> {
        let file = match &self.config {
            None => TrainOptions::default(),
            Some(path) => TrainOptions { checkpoint_every: None, ..train::options(path)? },
        };
        let options = self.options.clone().over(file);
        let methods = match &self.methods[..] {
            [] => vec![options.clone().resolve()?.method],
            methods => methods.to_vec(),
        };
        let budget = match (self.budget, self.seconds) {
            (Some(operations), _) => Budget::Operations(operations),
            (_, Some(seconds)) => Budget::Seconds(seconds),
            _ => Budget::Sweeps,
        };
        let (over, halving, seeds) = (self.over.clone(), self.halving, self.seeds);
        let search = Search::new(Request { methods, over, budget, halving, seeds, options })?;
        search.check_effect(&self.options)?;
        Ok(search)
    }

    /// The search of a folder, with threads of one's own.
    fn resumed(&self, folder: &Path, left: &Left) -> Result<Search> {
        let threads = self.options.threads;
        if self.options != (TrainOptions { threads, ..TrainOptions::default() }) {
            let expected = "no option of `train` beside it but --threads: the folder says what is searched";
            return Err(Error::argument("resume", folder.display(), expected));
        }
        let options = TrainOptions { threads, ..TrainOptions::default() }.over(left.request.options.clone());
        Search::new(Request { options, ..left.request.clone() })
    }

    fn go<T: Real>(
        &self,
        search: &Search,
        left: Option<Left>,
        interrupt: &Interrupt,
    ) -> std::result::Result<u8, Failure> {
        let settings = search.common();
        let (train, held_out) = data::load::<T>(&settings.data, &settings.data_options())?;
        output::notes_of(&train);
        search.check(&train, &held_out)?;
        let folder = match (&self.out, &left) {
            (Some(path), _) => Some(SearchFolder::create(path, search, &train, &held_out)?),
            (None, Some(left)) => Some(SearchFolder::reopen(left, &train, &held_out)?),
            (None, None) => None,
        };
        let to = Destinations { json: self.json, quiet: self.quiet };
        let mut reporter = Reporter::new(search, folder, to);
        let known = left.map_or_else(Vec::new, |left| left.records);
        let found =
            search.run(&Arc::new(train), &Arc::new(held_out), &known, &mut reporter, interrupt.stop());
        reporter.finish(found, interrupt)
    }
}
