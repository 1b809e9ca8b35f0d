//! What is printed and written while an experiment goes on, and at its end.

use crate::cli::failure::{FAILED, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::lines::Lines;
use crate::cli::output;
use crate::error::Result;
use crate::experiment::folder::{ExperimentFolder, PAGE};
use crate::experiment::{Cell, Estimate, ExperimentObserver, Judgement, Measure, Plan, Record, Results};
use crate::report::experiment::{figures, page};
use serde::Serialize;

/// Observes an experiment: writes its folder and prints its lines.
pub(super) struct Reporter<'a> {
    plan: &'a Plan,
    records: Vec<Record>,
    estimate: Estimate,
    /// Runs that have begun, and those that are done.
    begun: usize,
    done: usize,
    folder: Option<ExperimentFolder>,
    json: bool,
    quiet: bool,
    lines: Lines,
}

/// A run that is over.
#[derive(Serialize)]
struct RunLine<'a> {
    run: &'a str,
    varied: &'a [(String, String)],
    seed: u64,
    outcome: &'static str,
    sweeps: usize,
    measures: Vec<(Measure, Option<f64>)>,
}

/// A claim at the end.
#[derive(Serialize)]
struct ClaimLine<'a> {
    says: &'a str,
    #[serde(flatten)]
    judgement: Judgement,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        known: &[Record],
        estimate: Estimate,
        folder: Option<ExperimentFolder>,
        json: bool,
        quiet: bool,
    ) -> Self {
        Self {
            plan,
            records: known.to_vec(),
            estimate,
            begun: 0,
            done: 0,
            folder,
            json,
            quiet,
            lines: Lines::new(json),
        }
    }

    fn print(&mut self, kind: &str, content: &impl Serialize) -> Result {
        self.lines.print(kind, content, self.folder.is_some())
    }

    /// Prints and writes what was found, and gives the exit code.
    pub(super) fn finish(mut self, run: Result, interrupt: &Interrupt) -> std::result::Result<u8, Failure> {
        let mut failures: Vec<Failure> = Vec::new();
        let records = std::mem::take(&mut self.records);
        let results = Results::new(self.plan, &records);
        for claim in &self.plan.experiment.claims {
            let line = ClaimLine { says: &claim.says, judgement: claim.judge(&results) };
            // What stdout does not take is kept and said below; the folder is still written.
            drop(self.print("claim", &line));
        }
        let text = page(&results, &self.estimate.left_out);
        if let Some(folder) = &self.folder {
            let figures = figures(&results);
            let names: Vec<String> = figures.iter().map(|figure| figure.name.clone()).collect();
            failures.extend(folder.keep_figures(&names).err().map(Failure::from));
            for figure in &figures {
                failures.extend(folder.write_figure(&figure.name, figure.svg()).err().map(Failure::from));
            }
            failures.extend(folder.write(PAGE, &text).err().map(Failure::from));
        }
        if !self.json && !self.quiet && !results.records().is_empty() {
            failures.extend(output::print(&text).err().map(Failure::from));
        }
        failures.extend(self.lines.into_failure());
        failures.extend(run.err().map(Failure::from));
        let failed = failures.iter().any(|failure| !matches!(failure, Failure::ReaderGone));
        for failure in failures {
            failure.report();
        }
        Ok(match (failed, self.done < self.estimate.cells) {
            (true, _) => FAILED,
            (false, true) => interrupt.exit_code(),
            (false, false) => 0,
        })
    }
}

impl ExperimentObserver for Reporter<'_> {
    fn begin(&mut self, cell: &Cell) -> Result {
        self.begun += 1;
        if !self.json && !self.quiet {
            output::note(&format!("run {} of {}", self.begun, self.estimate.cells), &cell.title());
        }
        Ok(())
    }

    fn record(&mut self, _: &Cell, record: &Record) -> Result {
        self.done += 1;
        if let Some(folder) = &mut self.folder {
            folder.add(record)?;
        }
        let measures = &self.plan.experiment.measures;
        let line = RunLine {
            run: &record.run,
            varied: &record.varied,
            seed: record.seed,
            outcome: record.outcome.as_str(),
            sweeps: record.course.len(),
            measures: measures.iter().map(|&measure| (measure, measure.of(record))).collect(),
        };
        self.records.push(record.clone());
        self.print("run", &line)
    }
}
