//! Runs a run: who watches, what is written, how it ends.

use crate::cli::failure::{Failure, INTERRUPTED};
use crate::cli::output;
use crate::config::Settings;
use crate::error::Result;
use crate::observe::{History, JsonLines, Observer, Observers, Outcome, Progress, Summary};
use crate::report::table;
use crate::run_folder::RunFolder;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// A trainer, whatever its scalar type.
pub(in crate::cli) trait Run {
    /// Sweeps until something stops it.
    fn run(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary>;

    /// Writes the model as it stands.
    fn save(&self, path: &Path) -> Result;
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct To<'a> {
    /// The folder to create.
    pub(in crate::cli) out: Option<&'a Path>,
    /// JSON lines on stdout.
    pub(in crate::cli) json: bool,
    /// Nothing for people.
    pub(in crate::cli) quiet: bool,
}

/// Runs `run` and leaves its results where they should go.
///
/// What cannot be written does not keep the rest from being written; each such failure is said, and the exit code tells.
pub(in crate::cli) fn conduct(
    run: &mut dyn Run,
    settings: &Settings,
    to: &To<'_>,
    stop: &AtomicBool,
) -> std::result::Result<ExitCode, Failure> {
    let folder = to.out.map(|path| RunFolder::create(path, settings)).transpose()?;
    let mut history = History::default();
    let (result, mut failures) = watched(run, settings, to, stop, folder.as_ref(), &mut history)?;
    // With a reader that has gone and no folder, nobody was left to watch: that is no error of the run.
    if result.is_err() && failures.iter().any(|failure| matches!(failure, Failure::ReaderGone)) {
        return Err(Failure::ReaderGone);
    }
    let summary = result?;
    if !to.json && !to.quiet {
        failures.extend(output::print(&table::summary(&summary)).err().map(Failure::from));
    }
    if let Some(folder) = &folder {
        let title = format!("{} on {}", summary.method, summary.data);
        failures.extend(run.save(&folder.file("model.safetensors")).err().map(Failure::from));
        failures.extend(folder.write_curves(&title, &history.sweeps).err().map(Failure::from));
    }
    Ok(exit_code(&summary, failures))
}

type Watched = (Result<Summary>, Vec<Failure>);

/// Runs with observers; returns the result, and what observers could not write.
fn watched(
    run: &mut dyn Run,
    settings: &Settings,
    to: &To<'_>,
    stop: &AtomicBool,
    folder: Option<&RunFolder>,
    history: &mut History,
) -> std::result::Result<Watched, Failure> {
    let mut observers = Observers::new();
    if let Some(folder) = folder {
        observers.add(folder.file("metrics.csv").display().to_string(), folder.metrics()?);
        observers.add("curves".to_owned(), history);
    }
    if to.json {
        observers.add("the output".to_owned(), JsonLines::new(io::stdout()));
    } else if !to.quiet && io::stderr().is_terminal() {
        observers.add("the progress bar".to_owned(), Progress::new(settings.sweeps));
    }
    let result = run.run(&mut observers, stop);
    let failures = observers.take_failures().into_iter().map(|(what, error)| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::new(format!("cannot write {what}: {error}"), None),
    });
    Ok((result, failures.collect()))
}

/// Says what went wrong and how the run ended.
fn exit_code(summary: &Summary, failures: Vec<Failure>) -> ExitCode {
    let failed = failures.iter().any(|failure| !matches!(failure, Failure::ReaderGone));
    for failure in failures {
        failure.report();
    }
    match summary.outcome {
        Outcome::Diverged => {
            let text = format!("diverged after {} sweeps; the last good state is kept", summary.sweeps);
            Failure::new(text, Some("a larger rho, or one above the threshold that `altmin info` prints"))
                .report()
        }
        _ if failed => ExitCode::FAILURE,
        Outcome::Stopped => INTERRUPTED.into(),
        Outcome::SweepLimit | Outcome::Converged | Outcome::TimeLimit => ExitCode::SUCCESS,
    }
}
