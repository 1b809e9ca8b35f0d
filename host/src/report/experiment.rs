//! What an experiment has shown, for people: a page in Markdown with a table, verdicts and figures.

use super::curves::{self, Against, Line};
use super::markdown::markdown;
use crate::data::DataSource;
use crate::experiment::presets::{PRESETS, Preset};
use crate::experiment::{
    Experiment, LeftOut, Measure, Place, Plan, Record, Results, Scaled, place_text, shown,
};
use crate::network::score::Scores;
use crate::run::observe::{Metrics, Outcome};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::{fs, thread};

/// Curves in a figure at most.
const MOST_CURVES: usize = 12;

/// Sets of training samples that are listed at most.
const MOST_SAMPLES: usize = 6;

/// A figure of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The name of its file.
    pub name: String,
    title: String,
    /// Curves with their labels, of the first seed.
    lines: Vec<(String, Vec<Metrics>)>,
    scores: Scores,
}

impl Figure {
    /// The text of an SVG file.
    ///
    /// # Errors
    /// The plotter's message.
    pub fn svg(&self) -> Result<String, String> {
        let lines: Vec<_> = self.lines.iter().map(|(label, sweeps)| Line { label, sweeps }).collect();
        curves::comparison(&self.title, &lines, Against::Sweeps, self.scores)
    }
}

/// The page: what was asked, the numbers beside those that the paper reports, the claims with their verdicts, what was scaled or left
/// out, and the figures.
pub fn page(results: &Results<'_>, left_out: &[LeftOut]) -> String {
    let plan = results.plan();
    let experiment = &plan.experiment;
    let mut text = format!("# {}\n\n", experiment.title);
    for paragraph in [&experiment.source, &experiment.about].into_iter().filter(|text| !text.is_empty()) {
        let _ = writeln!(text, "{}\n", paragraph.trim());
    }
    if !results.is_complete() {
        let (done, all) = (results.records().len(), plan.cells.len());
        let _ = writeln!(text, "{done} of {all} runs are made; what follows is of these.\n");
    }
    for LeftOut { data, reason } in left_out {
        let _ = writeln!(text, "Without {data}: {reason}.\n");
    }
    text.push_str(&verdicts(results));
    text.push_str(&numbers(results));
    for figure in figures(results) {
        let _ = writeln!(text, "![{}]({})\n", figure.title, figure.name);
    }
    text.push_str(&made(results));
    text
}

/// The claims, each with its verdict and why.
fn verdicts(results: &Results<'_>) -> String {
    let claims = &results.plan().experiment.claims;
    if claims.is_empty() {
        return String::new();
    }
    let mut rows = vec![["the paper says", "here", "comparisons", "because"].map(str::to_owned).to_vec()];
    for claim in claims {
        let judgement = claim.judge(results);
        rows.push(vec![
            claim.says.clone(),
            judgement.verdict.to_string(),
            format!("{} of {}", judgement.held, judgement.of),
            judgement.reason,
        ]);
    }
    format!("## Claims\n\n{}\n", markdown(&rows, 4))
}

/// Every run at every place: the means over the seeds, and the paper's numbers where there are any.
fn numbers(results: &Results<'_>) -> String {
    let experiment = &results.plan().experiment;
    let axes: Vec<&str> = experiment.vary.iter().map(|axis| axis.setting.as_str()).collect();
    let reports = |measure| experiment.reported.iter().any(|reported| reported.measure == measure);
    let mut titles: Vec<String> = vec!["run".to_owned()];
    titles.extend(axes.iter().map(|&axis| axis.to_owned()));
    for &measure in &experiment.measures {
        titles.push(measure.to_string().replace('-', " "));
        if reports(measure) {
            titles.push("paper".to_owned());
        }
    }
    titles.push("end".to_owned());
    let left = 1 + axes.len();
    let mut rows = vec![titles];
    let mut seen: Vec<(&str, &Place)> = Vec::new();
    for record in results.records() {
        if seen.contains(&(&record.run, &record.varied)) {
            continue;
        }
        seen.push((&record.run, &record.varied));
        let mut row = vec![record.run.clone()];
        row.extend(axes.iter().map(|&axis| record.varied(axis).unwrap_or("-").to_owned()));
        for &measure in &experiment.measures {
            let mean = results.mean(&record.run, &record.varied, measure);
            row.push(mean.map_or_else(|| "-".to_owned(), |mean| mean.show(measure)));
            if reports(measure) {
                let number = reported(experiment, record, measure);
                row.push(number.map_or_else(|| "-".to_owned(), |number| number.to_string()));
            }
        }
        row.push(ends(results, record));
        rows.push(row);
    }
    let seeds = results.plan().seeds();
    let means = match seeds {
        1 => String::new(),
        seeds => format!("Means over {seeds} seeds \u{b1} standard deviation.\n\n"),
    };
    format!("## Numbers\n\n{means}{}\n", markdown(&rows, left))
}

/// The paper's number of a run at its place.
fn reported(experiment: &Experiment, record: &Record, measure: Measure) -> Option<f64> {
    experiment.reported.iter().filter(|one| one.run == record.run && one.measure == measure).find_map(|one| {
        let is_at = |(key, value): (&String, &toml::Value)| record.varied(key) == Some(&shown(value));
        if !one.at.iter().all(is_at) {
            return None;
        }
        let Some(key) = &one.over else { return one.numbers.first().copied() };
        let axis = experiment.vary.iter().find(|axis| axis.setting == *key)?;
        let place = axis.values.iter().position(|value| record.varied(key) == Some(&shown(value)))?;
        one.numbers.get(place).copied()
    })
}

/// How the runs of all seeds ended.
fn ends(results: &Results<'_>, first: &Record) -> String {
    let same = results.records().iter().filter(|one| one.run == first.run && one.varied == first.varied);
    let outcomes: BTreeSet<&str> = same
        .map(|record| match record.outcome {
            Outcome::SweepLimit => "all sweeps",
            outcome => outcome.as_str(),
        })
        .collect();
    outcomes.into_iter().collect::<Vec<_>>().join(", ")
}

/// The figures of a page: all runs of the first seed, where they are few enough, else one for each value of what is varied first.
pub fn figures(results: &Results<'_>) -> Vec<Figure> {
    let plan = results.plan();
    let experiment = &plan.experiment;
    let Some(seed) = plan.cells.first().map(|cell| cell.settings.seed) else { return Vec::new() };
    let scores = plan.cells[0].settings.scores();
    let first: Vec<&Record> = results
        .records()
        .iter()
        .filter(|record| record.seed == seed && !record.course.is_empty())
        .copied()
        .collect();
    let figure = |name: String, title: String, records: &[&Record], hidden: &str| Figure {
        name,
        title,
        lines: records.iter().map(|record| line(record, hidden)).collect(),
        scores,
    };
    if first.is_empty() {
        return Vec::new();
    }
    let axis = experiment.vary.first().filter(|_| first.len() > MOST_CURVES);
    let Some(axis) = axis else {
        return vec![figure("curves.svg".to_owned(), experiment.title.clone(), &first, "")];
    };
    let mut all = Vec::new();
    for (number, value) in axis.values.iter().map(shown).enumerate() {
        let is_at = |record: &&&Record| record.varied(&axis.setting).is_none_or(|one| one == value);
        let there: Vec<&Record> = first.iter().filter(is_at).copied().collect();
        if !there.is_empty() {
            let title = format!("{}: {} {value}", experiment.title, axis.setting);
            all.push(figure(format!("curves-{}.svg", number + 1), title, &there, &axis.setting));
        }
    }
    all
}

/// A run's label and sweeps; the label does not name the setting that the figure's title has.
fn line(record: &Record, hidden: &str) -> (String, Vec<Metrics>) {
    let varied: Place = record.varied.iter().filter(|(key, _)| key != hidden).cloned().collect();
    let label = if varied.is_empty() {
        record.run.clone()
    } else {
        format!("{}, {}", record.run, place_text(&varied))
    };
    (label, record.course.iter().map(|point| point.metrics()).collect())
}

/// What was scaled, and what it took.
fn made(results: &Results<'_>) -> String {
    let plan = results.plan();
    let mut text = String::from("## How it was made\n\n");
    if let Some(command) = command(plan) {
        let _ = writeln!(text, "- `{command}`");
    }
    if plan.scale < 1.0 {
        let _ = writeln!(text, "- {}", scaled(plan));
    }
    let samples: BTreeSet<&str> = results.records().iter().map(|record| record.train.as_str()).collect();
    if samples.len() <= MOST_SAMPLES {
        let _ = samples.into_iter().try_for_each(|samples| writeln!(text, "- trained on {samples}"));
    }
    let operations: f64 =
        results.records().iter().map(|record| record.operations * record.course.len() as f64).sum();
    let seconds: f64 =
        results.records().iter().filter_map(|record| record.course.last()).map(|point| point.seconds).sum();
    let settings = &plan.cells[0].settings;
    let threads = settings.threads;
    let first = settings.seed;
    let seeds = match plan.seeds() {
        1 => format!("seed {first}"),
        count => format!("seeds {first} to {}", first + count as u64 - 1),
    };
    let jobs = if plan.jobs > 1 {
        format!(", {} runs at a time: seconds are longer than alone", plan.jobs)
    } else {
        String::new()
    };
    let _ = writeln!(text, "- {seeds}, {}, {threads} threads a run{jobs}", settings.precision);
    let _ = writeln!(
        text,
        "- altmin {}; {operations:.2e} operations in matrix products",
        env!("CARGO_PKG_VERSION")
    );
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let processor = processor().map_or_else(String::new, |name| format!(" of {name}"));
    let date = Timestamp::now().strftime("%Y-%m-%d");
    let _ = writeln!(text, "- {date}, {processors} processors{processor}: {seconds:.0} s of sweeps");
    text
}

/// The command that makes the runs again, where the experiment is part of the program.
fn command(plan: &Plan) -> Option<String> {
    let is_this =
        |preset: &&Preset| preset.experiment().is_ok_and(|experiment| experiment == plan.experiment);
    let mut command = format!("altmin experiment run --preset {}", PRESETS.iter().find(is_this)?.name);
    if plan.cells.iter().any(|cell| matches!(cell.settings.data, DataSource::Directory(_))) {
        command += " --data DIR";
    }
    for (option, is, usual) in [
        ("scale", plan.scale, plan.experiment.scale),
        ("seeds", plan.seeds() as f64, plan.experiment.seeds as f64),
        ("jobs", plan.jobs as f64, 1.0),
    ] {
        if is != usual {
            let _ = write!(command, " --{option} {is}");
        }
    }
    Some(command)
}

/// What the system calls its processors.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

fn scaled(plan: &Plan) -> String {
    let names: Vec<&str> = plan
        .experiment
        .scaled
        .iter()
        .map(|scaled| match scaled {
            Scaled::Samples => "training samples",
            Scaled::Hidden => "hidden widths",
            Scaled::Sweeps => "sweeps",
        })
        .collect();
    format!("scaled: {} are the paper's times {}; tables name the paper's", names.join(", "), plan.scale)
}
