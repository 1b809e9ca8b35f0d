//! Runs a comparison: who watches, what is written, how it ends.

use super::lines::{Last, SummaryLine, SweepLine};
use crate::cli::failure::{FAILED, Failure, INTERRUPTED};
use crate::cli::output;
use crate::compare::folder::{ComparisonFolder, ComparisonRows};
use crate::compare::{Comparison, Entry, Series, Watch};
use crate::error::{Error, Result};
use crate::network::model::Model;
use crate::report::comparison::table;
use crate::report::curves::Against;
use crate::report::progress::Progress;
use crate::run::folder::RunFolder;
use crate::run::observe::{Metrics, Observer, Observers, Outcome};
use crate::settings::Widths;
use altmin_core::Real;
use serde::Serialize;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// A comparison and its data, whatever their scalar type.
pub(in crate::cli) trait Ready {
    /// What is compared.
    fn comparison(&self) -> &Comparison;

    /// Training and test samples.
    fn samples(&self) -> (usize, usize);

    /// Runs all.
    fn run(&self, conductor: &mut Conductor<'_>, stop: &AtomicBool) -> Result;
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
    /// Test accuracies to which sweeps and seconds are told.
    pub(in crate::cli) accuracies: &'a [f64],
}

/// Runs a comparison and leaves its results where they should go; returns the exit code.
///
/// What cannot be written does not keep the rest from being written, nor the other runs from running.
pub(in crate::cli) fn conduct(
    ready: &dyn Ready,
    to: To<'_>,
    stop: &AtomicBool,
) -> std::result::Result<u8, Failure> {
    let mut conductor = Conductor::new(to)?;
    let result = ready.run(&mut conductor, stop);
    let Conductor { folder, done, mut failures, json, .. } = conductor;
    // With a reader that has gone and no folder, nobody was left to watch: that is no error of a run.
    if result.is_err() && failures.iter().any(|failure| matches!(failure, Failure::ReaderGone)) {
        return Err(Failure::ReaderGone);
    }
    let standings: Vec<_> = done.iter().map(|series| series.standing(to.accuracies)).collect();
    let measure = ready.comparison().common().measure();
    let text = format!("{}\n\n{}", ground(ready), table(&standings, measure));
    if json {
        let line = Last::new(ready, &standings);
        failures.extend(output::print_json("comparison", &line).err().map(Failure::from));
    } else if !to.json && !to.quiet && !done.is_empty() {
        failures.extend(output::print(&text).err().map(Failure::from));
    }
    if let Some(folder) = &folder {
        let title = format!("{} on {}", labels(&done), ready.comparison().common().data);
        failures.extend(folder.write("table.txt", &text).err().map(Failure::from));
        for against in [Against::Sweeps, Against::Seconds] {
            failures.extend(folder.write_curves(&title, &done, against, measure).err().map(Failure::from));
        }
    }
    // An error that ended the runs comes last: what was done before it has been said.
    failures.extend(result.err().map(Failure::from));
    let stopped = done.iter().any(|series| series.summary.outcome == Outcome::Stopped)
        || done.len() < ready.comparison().entries().len();
    Ok(exit_code(failures, stopped))
}

/// How many runs there were, or which one.
fn labels(done: &[Series]) -> String {
    match done {
        [one] => one.label.clone(),
        _ => format!("{} methods", done.len()),
    }
}

/// Says what went wrong.
fn exit_code(failures: Vec<Failure>, stopped: bool) -> u8 {
    let failed = failures.iter().any(|failure| !matches!(failure, Failure::ReaderGone));
    for failure in failures {
        failure.report();
    }
    match (failed, stopped) {
        (true, _) => FAILED,
        (false, true) => INTERRUPTED,
        (false, false) => 0,
    }
}

/// What all runs share, on one line.
fn ground(ready: &dyn Ready) -> String {
    let (train, test) = ready.samples();
    let settings = ready.comparison().common();
    let network = match &settings.network {
        Some(network) => format!("network {network}"),
        None => format!("hidden {}, {}", Widths(settings.hidden.clone()), settings.activation),
    };
    format!(
        "{}, {train} samples to train on, {test} to test on; {network}, {}, seed {}; {} threads, {}",
        settings.data, settings.loss, settings.seed, settings.threads, settings.precision,
    )
}

/// Watches all runs, one after the other.
pub(in crate::cli) struct Conductor<'a> {
    to: To<'a>,
    folder: Option<ComparisonFolder>,
    /// `comparison.csv`, until a row finds no room.
    rows: Option<ComparisonRows<File>>,
    /// Whether stdout still takes lines.
    json: bool,
    /// The folder of the run at work.
    run: Option<RunFolder>,
    observers: Observers<'static>,
    done: Vec<Series>,
    failures: Vec<Failure>,
}

impl<'a> Conductor<'a> {
    fn new(to: To<'a>) -> Result<Self> {
        let folder = to.out.map(ComparisonFolder::create).transpose()?;
        let rows = folder.as_ref().map(ComparisonFolder::rows).transpose()?;
        Ok(Self {
            to,
            folder,
            rows,
            json: to.json,
            run: None,
            observers: Observers::new(),
            done: Vec::new(),
            failures: Vec::new(),
        })
    }

    /// Keeps a failure to be said at the end.
    fn note<R>(&mut self, result: Result<R>) -> Option<R> {
        result.map_err(|error| self.failures.push(error.into())).ok()
    }

    /// Prints a line. One that cannot be printed is an error that ends the comparison, unless a folder keeps its results.
    fn print(&mut self, kind: &str, content: &impl Serialize) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        let Err(error) = output::print_json(kind, content) else { return Ok(()) };
        self.json = false;
        if self.folder.is_none() && error.kind() != io::ErrorKind::BrokenPipe {
            return Err(error);
        }
        self.failures.push(error.into());
        if self.folder.is_some() { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    /// Keeps what the observers of a run could not write.
    fn take_failures(&mut self) {
        for (what, error) in std::mem::replace(&mut self.observers, Observers::new()).take_failures() {
            self.failures.push(Failure::new(format!("cannot write {what}: {error}"), None));
        }
    }
}

impl<T: Real> Watch<T> for Conductor<'_> {
    fn begin(&mut self, entry: &Entry) -> Result {
        let created = self.folder.as_ref().map(|folder| folder.run(entry));
        self.run = created.and_then(|run| self.note(run));
        let metrics = self.run.as_ref().map(|run| (run.file("metrics.csv"), run.metrics()));
        if let Some((path, metrics)) = metrics
            && let Some(metrics) = self.note(metrics)
        {
            self.observers.add(path.display().to_string(), metrics);
        }
        if !self.to.json && !self.to.quiet && io::stderr().is_terminal() {
            let bar = Progress::new(entry.settings.sweeps, entry.settings.measure()).named(&entry.label);
            self.observers.add("the progress bar".to_owned(), bar);
        }
        Ok(())
    }

    fn sweep(&mut self, entry: &Entry, metrics: &Metrics) -> io::Result<()> {
        if let Some(Err(error)) = self.rows.as_mut().map(|rows| rows.row(entry, metrics)) {
            self.rows = None;
            let path = self.folder.as_ref().map(|folder| folder.file("comparison.csv")).unwrap_or_default();
            self.failures.push(Error::io("write", &path, error).into());
        }
        // Their failures are kept in them: without any of them the comparison still goes on.
        let _ = self.observers.sweep(metrics);
        self.print("sweep", &SweepLine { label: &entry.label, method: entry.settings.method, metrics })
    }

    fn end(&mut self, series: Series, entry: &Entry, model: &Model<T>) -> Result {
        let _ = self.observers.finish(&series.summary);
        self.take_failures();
        if let Some(run) = self.run.take() {
            let title = format!("{} on {}", series.label, series.summary.data);
            self.note(model.save(&run.file("model.safetensors")));
            self.note(run.write_curves(&title, &series.sweeps, entry.settings.measure()));
        }
        let standing = series.standing(self.to.accuracies);
        self.done.push(series);
        let line = SummaryLine { standing: &standing, settings: entry.settings.clone().into() };
        self.print("summary", &line).map_err(|error| Error::io("write", Path::new("the output"), error))
    }
}
