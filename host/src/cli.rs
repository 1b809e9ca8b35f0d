//! The command line: one file a subcommand. Nothing here computes.
//!
//! Exit codes: 0 success, 1 failure, 2 usage error; 129, 130 or 143 stopped by SIGHUP, SIGINT or SIGTERM. An error is one line `error: ...` on stderr, with
//! advice where there is any as a second line `hint: ...`.

mod bench;
mod compare;
mod completions;
mod data;
mod data_args;
mod evaluate;
mod experiment;
mod export;
mod failure;
mod info;
mod interrupt;
mod lines;
mod man;
mod output;
mod predict;
mod processes;
mod report;
mod search;
mod short_help;
mod train;
mod verify;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use failure::Failure;
use processes::Processes;
use std::env::ArgsOs;
use std::process::ExitCode;

/// Train neural networks by alternating minimisation: no gradient passes through the whole network.
///
/// Each sweep solves small subproblems, one for each layer's weights, bias, input and linear output. They are coupled by
/// penalties (nu) and by constraints with dual variables (rho).
///
/// Exit codes: 0 success, 1 failure, 2 usage error; 129, 130 or 143 stopped by SIGHUP, SIGINT (Ctrl-C) or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "altmin", version, max_term_width = 110, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Train>),
    Compare(Box<compare::Compare>),
    Search(Box<search::SearchCommand>),
    Experiment(experiment::ExperimentCommand),
    /// Look at data sets before training on them
    #[command(subcommand)]
    Data(data::Data),
    Evaluate(evaluate::Evaluate),
    Predict(predict::Predict),
    Export(export::Export),
    Report(report::Report),
    Info(Box<info::Info>),
    Bench(bench::Bench),
    Verify(Box<verify::Verify>),
    Completions(completions::Completions),
    Man(man::Man),
}

/// The command line as clap sees it, for completions and tests.
pub fn command() -> clap::Command {
    let command = Cli::command()
        .mut_subcommand("train", |train| train.after_long_help(train::after_help()))
        .mut_subcommand("compare", compare::finished)
        .mut_subcommand("search", search::finished)
        .mut_subcommand("experiment", experiment::finished)
        .mut_subcommand("verify", verify::finished);
    // Those that take every setting.
    ["train", "compare", "search", "verify", "info"]
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, short_help::shortened))
}

/// Runs the program's command line.
pub fn main() -> ExitCode {
    processes::main(run)
}

fn run(arguments: ArgsOs, processes: &Processes) -> Result<ExitCode, Failure> {
    let matches = command().try_get_matches_from(arguments)?;
    let command = Cli::from_arg_matches(&matches)?.command;
    if !matches!(command, Command::Train(_)) {
        processes.require_one("what is no training run")?;
    }
    match command {
        Command::Train(train) => train.run(processes),
        Command::Compare(compare) => compare.run(),
        Command::Search(search) => search.run(),
        Command::Experiment(experiment) => experiment.run(),
        Command::Data(data) => data.run(),
        Command::Evaluate(evaluate) => evaluate.run(),
        Command::Predict(predict) => predict.run(),
        Command::Export(export) => export.run(),
        Command::Report(report) => report.run(),
        Command::Info(info) => info.run(),
        Command::Bench(bench) => bench.run(),
        Command::Verify(verify) => verify.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}
