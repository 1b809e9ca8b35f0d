//! A comparison: its runs, the files that it writes, its exit code.

use super::lines::ComparisonLine;
use super::loaded::LoadedComparison;
use super::reporter::{Destinations, Reporter};
use crate::cli::failure::{FAILED, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::output;
use crate::compare::Series;
use crate::report::comparison::table;
use crate::report::curves::Against;
use crate::run::observe::Outcome;
use crate::settings::Widths;

/// Runs a comparison, writes its results and returns the exit code.
///
/// A file that cannot be written does not keep the others from being written, nor the other runs from running.
pub(super) fn run(
    loaded: &dyn LoadedComparison,
    to: Destinations<'_>,
    interrupt: &Interrupt,
) -> std::result::Result<u8, Failure> {
    let mut reporter = Reporter::new(to)?;
    let result = loaded.run(&mut reporter, interrupt.stop());
    let Reporter { folder, done, mut failures, json, .. } = reporter;
    // A reader that has closed the pipe, without a folder to write to, is no error of a run.
    if result.is_err() && failures.iter().any(|failure| matches!(failure, Failure::ReaderGone)) {
        return Err(Failure::ReaderGone);
    }
    let standings: Vec<_> = done.iter().map(|series| series.standing(to.accuracies)).collect();
    let scores = loaded.comparison().common().scores();
    let text = format!("{}\n\n{}", shared_settings(loaded), table(&standings, scores));
    if json {
        let line = ComparisonLine::new(loaded.comparison(), loaded.samples(), &standings);
        failures.extend(output::print_json("comparison", &line).err().map(Failure::from));
    } else if !to.json && !to.quiet && !done.is_empty() {
        failures.extend(output::print(&text).err().map(Failure::from));
    }
    if let Some(folder) = &folder {
        let title = format!("{} on {}", labels(&done), loaded.comparison().common().data);
        failures.extend(folder.write("table.txt", &text).err().map(Failure::from));
        for against in [Against::Sweeps, Against::Seconds] {
            failures.extend(folder.write_curves(&title, &done, against, scores).err().map(Failure::from));
        }
    }
    // An error that ended the runs comes last: what was done before it has been said.
    failures.extend(result.err().map(Failure::from));
    let stopped = done.iter().any(|series| series.summary.outcome == Outcome::Stopped)
        || done.len() < loaded.comparison().entries().len();
    Ok(exit_code(failures, stopped.then(|| interrupt.exit_code())))
}

/// How many runs there were, or which one.
fn labels(done: &[Series]) -> String {
    match done {
        [one] => one.label.clone(),
        _ => format!("{} methods", done.len()),
    }
}

/// Reports what went wrong and gives the exit code; `stopped` is that of runs that were stopped.
fn exit_code(failures: Vec<Failure>, stopped: Option<u8>) -> u8 {
    let failed = failures.iter().any(|failure| !matches!(failure, Failure::ReaderGone));
    for failure in failures {
        failure.report();
    }
    if failed { FAILED } else { stopped.unwrap_or(0) }
}

/// What all runs share, on one line.
fn shared_settings(loaded: &dyn LoadedComparison) -> String {
    let (train, test) = loaded.samples();
    let settings = loaded.comparison().common();
    let network = match &settings.network {
        Some(network) => format!("network {network}"),
        None => format!("hidden {}, {}", Widths(settings.hidden.clone()), settings.activation),
    };
    format!(
        "{}, {train} training samples, {test} test samples; {network}, {}, seed {}; {} threads, {}",
        settings.data, settings.loss, settings.seed, settings.threads, settings.precision,
    )
}
