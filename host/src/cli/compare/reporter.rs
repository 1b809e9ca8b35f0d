//! What is printed and written while the runs of a comparison go on.

use super::lines::{SummaryLine, SweepLine};
use crate::atomic_file::Appended;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::compare::folder::{ComparisonFolder, ComparisonRows};
use crate::compare::{ComparisonObserver, Entry, Series};
use crate::error::{Error, Result};
use crate::network::model::Model;
use crate::report::progress::Progress;
use crate::run::folder::{MODEL, RunFolder};
use crate::run::observe::{Metrics, Observer, Observers};
use altmin_core::Real;
use serde::Serialize;
use std::io::{self, IsTerminal};
use std::path::Path;

/// Where the results of a comparison go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destinations<'a> {
    /// The folder to create.
    pub(super) out: Option<&'a Path>,
    /// JSON lines on stdout.
    pub(super) json: bool,
    /// No progress bar and no table.
    pub(super) quiet: bool,
    /// Test accuracies for which sweeps and seconds are reported.
    pub(super) accuracies: &'a [f64],
}

/// Observes all runs, one after the other: writes their files, prints their lines and keeps what failed.
pub(super) struct Reporter<'a> {
    to: Destinations<'a>,
    pub(super) folder: Option<ComparisonFolder>,
    /// `comparison.csv`, until a row finds no room.
    rows: Option<ComparisonRows<Appended>>,
    /// Whether stdout still takes lines.
    pub(super) json: bool,
    /// The folder of the run at work.
    run: Option<RunFolder>,
    observers: Observers<'static>,
    pub(super) done: Vec<Series>,
    pub(super) failures: Vec<Failure>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(to: Destinations<'a>) -> Result<Self> {
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
        if self.folder.is_none() && !output::has_no_reader(&error) {
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

impl<T: Real> ComparisonObserver<T> for Reporter<'_> {
    fn begin(&mut self, entry: &Entry) -> Result {
        let created = self.folder.as_ref().map(|folder| folder.run(entry));
        self.run = created.and_then(|run| self.note(run));
        let metrics =
            self.run.as_ref().map(|run| (run.file("metrics.csv"), run.metrics(entry.settings.scores())));
        if let Some((path, metrics)) = metrics
            && let Some(metrics) = self.note(metrics)
        {
            self.observers.add(path.display().to_string(), metrics);
        }
        if !self.to.json && !self.to.quiet && io::stderr().is_terminal() {
            let bar = Progress::new(entry.settings.sweeps, entry.settings.scores()).named(&entry.label);
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
            self.note(model.save(&run.file(MODEL)));
            self.note(run.write_curves(&title, &series.sweeps, entry.settings.scores()));
        }
        let standing = series.standing(self.to.accuracies);
        self.done.push(series);
        let line = SummaryLine { standing: &standing, settings: entry.settings.clone().into() };
        self.print("summary", &line).map_err(|error| Error::io("write", Path::new("the output"), error))
    }
}
