//! `altmin experiment`.

mod reporter;

use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output;
use crate::bench::rate;
use crate::error::{Error, Result};
use crate::experiment::folder::{ExperimentFolder, Left};
use crate::experiment::presets::{PRESETS, Preset};
use crate::experiment::{Estimate, Experiment, Plan, Request};
use crate::run::folder::RunFolder;
use clap::{Args, Subcommand};
use reporter::Reporter;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Repeat experiments of papers, or make your own: runs, the paper's numbers beside them, and a verdict on each claim
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct ExperimentCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the experiments that are part of the program
    List,
    /// Show what an experiment runs, how many runs it has and how long they may take
    Show {
        #[command(flatten)]
        chosen: Chosen,

        /// Print the experiment's file, to begin another one with
        #[arg(long)]
        toml: bool,
    },
    /// Make the runs of an experiment, and a page with its numbers, verdicts and figures
    Run(Box<Run>),
}

/// Which experiment, and how large.
#[derive(Debug, Args)]
struct Chosen {
    /// File that describes the experiment, as `experiment show --toml` prints them
    #[arg(value_name = "FILE.toml", conflicts_with = "preset")]
    file: Option<PathBuf>,

    /// Experiment that is part of the program: a name that `experiment list` prints
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,

    /// Multiply sizes by X, above 0 and at most 1: those that the experiment says are scaled [default: the experiment's]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    scale: Option<f64>,

    /// Make every run with K seeds [default: the experiment's]
    #[arg(long, value_name = "K")]
    seeds: Option<usize>,

    /// Folder in which the experiment's data are looked for, such as DIR/mnist and DIR/cifar10 [default: the current folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Number of threads of all runs together [default: all processors]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Make N runs at a time, each on its share of the threads
    ///
    /// Results are the same; seconds are longer than those of a run alone.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    chosen: Chosen,

    /// Write experiment.jsonl, page.md and figures into this new folder
    ///
    /// An existing folder or file is never overwritten. experiment.jsonl has a line for each run, written when it ends.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with the experiment in this folder: runs that are done are not made again
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "preset", "scale", "seeds", "data", "threads", "jobs", "out"])]
    resume: Option<PathBuf>,

    /// Print JSON lines to stdout instead of the page: one object per run when it ends, and one per claim at the end
    #[arg(long)]
    json: bool,

    /// Print only warnings and errors
    #[arg(long)]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  altmin experiment list
  altmin experiment show --preset pdadmm-figure-4 --data DIR
  altmin experiment run --preset pdadmm-figure-4 --data DIR --out figure-4
  altmin experiment run --resume figure-4
  altmin experiment show --preset dlam-figure-1 --toml > mine.toml
  altmin experiment run mine.toml --scale 0.1 --seeds 5 --jobs 2 --out mine";

/// The command with its examples.
pub(super) fn finished(command: clap::Command) -> clap::Command {
    command.after_help(EXAMPLES).mut_subcommand("run", |run| run.after_help(EXAMPLES))
}

impl ExperimentCommand {
    pub(super) fn run(self) -> std::result::Result<ExitCode, Failure> {
        match self.what {
            What::List => list(),
            What::Show { chosen, toml } => show(&chosen, toml),
            What::Run(run) => run.run(),
        }
    }
}

fn list() -> std::result::Result<ExitCode, Failure> {
    let width = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for preset in PRESETS {
        text += &format!("{:width$}  {}\n", preset.name, preset.experiment()?.title);
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn show(chosen: &Chosen, toml: bool) -> std::result::Result<ExitCode, Failure> {
    if toml {
        output::print(&chosen.text()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan::new(&chosen.request()?)?;
    let mut text = format!("{}\n{}\n", plan.experiment.title, plan.experiment.source);
    for paragraph in Some(plan.experiment.about.trim()).into_iter().filter(|about| !about.is_empty()) {
        text += &format!("\n{paragraph}\n");
    }
    text.push('\n');
    for cell in &plan.cells {
        text += &format!("  {}\n", cell.title());
    }
    let estimate = plan.estimate(&[])?;
    for left_out in &estimate.left_out {
        text += &format!("\nwithout {}: {}", left_out.data, left_out.reason);
    }
    text += &format!("\n{}\n", cost(&plan, &estimate)?);
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// How many runs there are to make, and what they take at least: their products at the rate of a large product alone.
fn cost(plan: &Plan, estimate: &Estimate) -> Result<String> {
    let settings = &plan.cells[0].settings;
    let rate = rate(settings.kernel, settings.precision, settings.threads * plan.jobs)?;
    let seconds = estimate.operations / rate;
    let time = match seconds {
        ..120.0 => format!("{seconds:.0} s"),
        ..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    };
    Ok(format!(
        "{} runs, {:.2e} operations in matrix products: at least {time} at the {:.0} GFLOP/s of a large product",
        estimate.cells,
        estimate.operations,
        rate / 1e9
    ))
}

impl Chosen {
    /// The text of the experiment's file.
    fn text(&self) -> Result<String> {
        match (&self.preset, &self.file) {
            (Some(name), _) => Ok(Preset::named(name)?.text.to_owned()),
            (None, Some(path)) => fs::read_to_string(path).map_err(|error| Error::io("read", path, error)),
            (None, None) => Err(Error::argument("experiment", "none", "a file, or --preset NAME")),
        }
    }

    fn request(&self) -> Result<Request> {
        let experiment = match (&self.preset, &self.file) {
            (Some(name), _) => Preset::named(name)?.experiment()?,
            (_, path) => {
                Experiment::from_toml(&self.text()?, path.as_deref().unwrap_or("experiment".as_ref()))?
            }
        };
        let Self { scale, seeds, threads, jobs, .. } = *self;
        Ok(Request { experiment, scale, seeds, data: self.data.clone(), threads, jobs })
    }
}

impl Run {
    fn run(self) -> std::result::Result<ExitCode, Failure> {
        if let Some(path) = &self.out {
            RunFolder::require_missing(path)?;
        }
        let left = self.resume.as_deref().map(Left::read).transpose()?;
        let request = match &left {
            Some(left) => left.request.clone(),
            None => self.chosen.request()?,
        };
        let plan = Plan::new(&request)?;
        let interrupt = Interrupt::on_signals()?;
        let known = left.as_ref().map_or(&[][..], |left| &left.records);
        let estimate = plan.estimate(known)?;
        for left_out in &estimate.left_out {
            output::note("warning", &format!("without {}: {}", left_out.data, left_out.reason));
        }
        if estimate.cells == 0 && known.is_empty() {
            let first = &estimate.left_out[0];
            let expected = "a folder with the experiment's data: --data DIR";
            return Err(Error::argument("data", &first.data, expected).into());
        }
        if !self.quiet {
            output::note("note", &cost(&plan, &estimate)?);
        }
        let folder = match (&self.out, &left) {
            (Some(path), _) => Some(ExperimentFolder::create(path, &request)?),
            (None, Some(left)) => Some(ExperimentFolder::reopen(left)?),
            (None, None) => None,
        };
        let mut reporter = Reporter::new(&plan, known, estimate, folder, self.json, self.quiet);
        let result = plan.run(known, &mut reporter, interrupt.stop());
        reporter.finish(result, &interrupt).map(ExitCode::from)
    }
}
