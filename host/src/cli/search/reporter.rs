//! What is printed and written while a search goes on, and at its end.

use crate::cli::failure::{FAILED, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::lines::Lines;
use crate::cli::output;
use crate::error::Result;
use crate::report::progress::Progress;
use crate::report::search::table;
use crate::run::observe::{Metrics, Observer as _};
use crate::search::folder::SearchFolder;
use crate::search::{Findings, Record, Search, SearchObserver, Trial};
use crate::settings::TrainOptions;
use serde::Serialize;
use std::io::{self, IsTerminal};

/// What goes to stdout and stderr.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destinations {
    /// JSON lines on stdout.
    pub(super) json: bool,
    /// No progress bar and no table.
    pub(super) quiet: bool,
}

/// Observes a search: writes its folder and prints its lines.
pub(super) struct Reporter<'a> {
    search: &'a Search,
    folder: Option<SearchFolder>,
    to: Destinations,
    progress: Option<Progress>,
    lines: Lines,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(search: &'a Search, folder: Option<SearchFolder>, to: Destinations) -> Self {
        Self { search, folder, to, progress: None, lines: Lines::new(to.json) }
    }

    fn print(&mut self, kind: &str, content: &impl Serialize) -> Result {
        self.lines.print(kind, content, self.folder.is_some())
    }

    /// Prints and writes what was found, and gives the exit code.
    ///
    /// A file that cannot be written does not keep the others from being written.
    pub(super) fn finish(
        mut self,
        found: Result<Vec<Findings>>,
        interrupt: &Interrupt,
    ) -> std::result::Result<u8, Failure> {
        self.progress = None;
        let all = match found {
            Ok(all) => all,
            Err(error) => return Err(self.lines.into_failure().unwrap_or(error.into())),
        };
        let lines = self.search.contests().iter().zip(&all).flat_map(|(contest, findings)| {
            findings.standings.iter().map(move |standing| StandingLine {
                settings: &contest.configurations[standing.place.configuration].own,
                rung: standing.place.rung + 1,
                rungs: findings.rungs.len(),
                sweeps: standing.runs.first().map_or(0, |run| run.sweeps),
                score: standing.place.score,
            })
        });
        let lines: Vec<_> = lines.collect();
        // What stdout does not take is kept and said below; the folder is still written.
        lines.iter().for_each(|line| drop(self.print("standing", line)));
        let mut failures: Vec<Failure> = Vec::new();
        if !self.to.json && !self.to.quiet && !lines.is_empty() {
            failures.extend(output::print(&table(self.search, &all)).err().map(Failure::from));
        }
        if let Some(folder) = &self.folder {
            failures.extend(folder.write_table(self.search, &all).err().map(Failure::from));
            failures.extend(folder.write_curves(self.search, &all).err().map(Failure::from));
            let best = all.iter().map(|findings| folder.write_best(self.search, findings));
            failures.extend(best.filter_map(|written| written.err().map(Failure::from)));
        }
        failures.extend(self.lines.into_failure());
        for findings in all.iter().filter(|findings| findings.complete) {
            if self.search.best(findings).is_none() {
                output::note("warning", &format!("{}: every full run diverged", findings.method));
            }
        }
        let failed = failures.iter().any(|failure| !matches!(failure, Failure::ReaderGone));
        for failure in failures {
            failure.report();
        }
        let complete =
            all.len() == self.search.contests().len() && all.iter().all(|findings| findings.complete);
        Ok(match (failed, complete) {
            (true, _) => FAILED,
            (false, true) => 0,
            (false, false) => interrupt.exit_code(),
        })
    }
}

/// A configuration at the end.
#[derive(Serialize)]
struct StandingLine<'a> {
    settings: &'a TrainOptions,
    rung: usize,
    rungs: usize,
    sweeps: usize,
    score: Option<f64>,
}

impl SearchObserver for Reporter<'_> {
    fn begin(&mut self, trial: &Trial<'_>) -> Result {
        if !self.to.json && !self.to.quiet && io::stderr().is_terminal() {
            let (rung, rungs) = trial.rung;
            let name = format!("{}, rung {rung} of {rungs}", trial.configuration.label());
            self.progress = Some(Progress::new(trial.sweeps, self.search.common().scores()).named(&name));
        }
        Ok(())
    }

    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.progress.as_mut().map_or(Ok(()), |progress| progress.sweep(metrics))
    }

    fn record(&mut self, record: &Record) -> Result {
        self.progress = None;
        if let Some(folder) = &mut self.folder {
            folder.add(record)?;
        }
        match record {
            Record::Run(run) => self.print("run", run),
            Record::Timing(timing) => self.print("timing", timing),
        }
    }
}
