//! Experiments: what is run, that an interrupted one ends in the table of an unbroken one, and `altmin experiment` from outside.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use altmin::error::Result;
use altmin::experiment::{Cell, Experiment, ExperimentObserver, Plan, Record, Request, Results};
use altmin::report::experiment::{figures, page};

const TEXT: &str = r#"
title = "Two methods on few digits"
source = "A paper, table 1."
scaled = ["samples", "sweeps"]
seeds = 2
measures = ["train-accuracy", "objective-rises"]

[settings]
samples = "200"
sweeps = 6
hidden = "8"

[[runs]]
name = "pdadmm"
settings.method = "pdadmm"
settings.nu = 1.0
settings.rho = 4.1

[[runs]]
name = "adam"
settings.method = "adam"

[[vary]]
setting = "learning-rate"
values = [1e-4, 1e-2]

[[reported]]
run = "adam"
measure = "train-accuracy"
over = "learning-rate"
numbers = [0.25, 0.75]

[[claims]]
says = "Adam is faster with the higher rate"
run = "adam"
measure = "train-accuracy"
rises-with = "learning-rate"

[[claims]]
says = "pdADMM's objective never rises"
run = "pdadmm"
measure = "objective-rises"
at-most = 0
"#;

fn experiment() -> Experiment {
    Experiment::from_toml(TEXT, Path::new("test.toml")).expect("an experiment")
}

fn plan(request: &Request) -> Plan {
    Plan::new(request).expect("a plan")
}

fn request() -> Request {
    Request { threads: Some(2), ..Request::new(experiment()) }
}

fn run(plan: &Plan, known: &[Record]) -> Vec<Record> {
    let mut records = Vec::new();
    plan.run(known, &mut records, &AtomicBool::new(false)).expect("runs");
    records
}

/// The page without the seconds that it took.
fn lasting(page: &str) -> String {
    page.lines().filter(|line| !line.ends_with(" s of sweeps")).collect::<Vec<_>>().join("\n")
}

fn page_of(plan: &Plan, records: &[Record]) -> String {
    lasting(&page(&Results::new(plan, records), &[]))
}

#[test]
fn every_run_is_made_for_every_value_and_seed_that_it_knows() {
    let plan = plan(&request());
    let titles: Vec<String> = plan.cells.iter().map(Cell::title).collect();
    let expected = [
        "pdadmm, seed 0",
        "pdadmm, seed 1",
        "adam, learning-rate 1e-4, seed 0",
        "adam, learning-rate 1e-4, seed 1",
        "adam, learning-rate 0.01, seed 0",
        "adam, learning-rate 0.01, seed 1",
    ];
    assert_eq!(titles, expected);
    assert_eq!(plan.cells[4].settings.learning_rate, 0.01);
    assert_eq!((plan.cells[0].settings.rho, plan.cells[0].settings.samples), (4.1, Some(200)));
    let page = page(&Results::new(&plan, &run(&plan, &[])), &[]);
    assert!(page.contains("| Adam is faster with the higher rate | held "), "{page}");
    assert!(page.contains("| pdADMM's objective never rises      | held "), "{page}");
    let row = page.lines().find(|line| line.starts_with("| adam   | 0.01")).expect("a row");
    assert!(row.contains(" 0.75 |") && row.contains(" \u{b1} "), "{row}");
}

#[test]
fn the_scale_multiplies_what_is_scaled() {
    let plan = plan(&Request { scale: Some(0.5), ..request() });
    let settings = &plan.cells[0].settings;
    assert_eq!((settings.samples, settings.sweeps, &settings.hidden[..]), (Some(100), 3, &[8][..]));
    for scale in [0.0, -1.0, 1.5, f64::NAN] {
        let refused = Plan::new(&Request { scale: Some(scale), ..request() });
        assert!(refused.expect_err("refused").to_string().contains("above 0 and at most 1"));
    }
    let without = Experiment { scaled: Vec::new(), ..experiment() };
    assert!(Plan::new(&Request { scale: Some(0.5), ..Request::new(without) }).is_err());
}

/// Stops after so many runs.
struct Few<'a> {
    records: Vec<Record>,
    most: usize,
    stop: &'a AtomicBool,
}

impl ExperimentObserver for Few<'_> {
    fn record(&mut self, _: &Cell, record: &Record) -> Result {
        self.records.push(record.clone());
        self.stop.store(self.records.len() >= self.most, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn an_interrupted_experiment_ends_in_the_page_of_an_unbroken_one() {
    let plan = plan(&request());
    let whole = page_of(&plan, &run(&plan, &[]));
    for most in 1..plan.cells.len() {
        let stop = AtomicBool::new(false);
        let mut few = Few { records: Vec::new(), most, stop: &stop };
        plan.run(&[], &mut few, &stop).expect("runs");
        let mut records = few.records;
        assert_eq!(records.len(), most);
        assert!(page_of(&plan, &records).contains(&format!("{most} of 6 runs are made")));
        assert_eq!(plan.estimate(&records).expect("known data").cells, 6 - most);
        let rest = run(&plan, &records);
        assert_eq!(rest.len(), 6 - most);
        records.extend(rest);
        assert_eq!(page_of(&plan, &records), whole);
    }
}

#[test]
fn runs_at_the_same_time_have_the_same_numbers() {
    let one = plan(&request());
    let two = plan(&Request { jobs: 2, ..request() });
    assert_eq!(two.cells[0].settings.threads, 1);
    let numbers = |plan: &Plan| {
        let records = run(plan, &[]);
        let results = Results::new(plan, &records);
        results
            .records()
            .iter()
            .map(|record| record.course.iter().map(|point| point.objective).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&one), numbers(&two));
}

#[test]
fn other_samples_than_those_of_earlier_runs_are_refused() {
    let plan = plan(&request());
    let mut records = run(&plan, &[]);
    records.truncate(2);
    records[0].train = "others".to_owned();
    let refused = plan.estimate(&records).expect_err("other samples");
    assert!(refused.to_string().contains("others"), "{refused}");
}

#[test]
fn data_that_are_not_there_are_left_out_and_named() {
    let text =
        TEXT.replace("learning-rate\"\nvalues = [1e-4, 1e-2]", "data\"\nvalues = [\"digits\", \"nowhere\"]");
    let text = text.split("[[reported]]").next().expect("the runs");
    let experiment = Experiment::from_toml(text, Path::new("test.toml")).expect("an experiment");
    let plan = plan(&Request { seeds: Some(1), ..Request::new(experiment) });
    assert_eq!(plan.cells.len(), 4);
    let estimate = plan.estimate(&[]).expect("an estimate");
    assert_eq!((estimate.cells, estimate.left_out.len()), (2, 1));
    assert!(estimate.operations > 0.0);
    let records = run(&plan, &[]);
    assert_eq!(records.len(), 2);
    let page = page(&Results::new(&plan, &records), &estimate.left_out);
    assert!(page.contains("Without nowhere: "), "{page}");
}

#[test]
fn what_no_run_has_a_use_for_is_refused() {
    let refused = |from: &str, to: &str| {
        let experiment = Experiment::from_toml(&TEXT.replace(from, to), Path::new("test.toml"));
        let plan = experiment.and_then(|experiment| Plan::new(&Request::new(experiment)));
        plan.expect_err(to).to_string()
    };
    for (from, to, names) in [
        ("hidden = \"8\"", "hidden = \"8\"\nepsilon = 1.0", "epsilon"),
        ("hidden = \"8\"", "hiden = \"8\"", "hiden"),
        (
            "setting = \"learning-rate\"\nvalues = [1e-4, 1e-2]",
            "setting = \"learning-rate\"\nvalues = [\"x\", \"y\"]",
            "learning-rate",
        ),
        (
            "over = \"learning-rate\"\nnumbers = [0.25, 0.75]",
            "over = \"learning-rate\"\nnumbers = [0.25]",
            "1 numbers",
        ),
        ("name = \"adam\"", "name = \"pdadmm\"", "a name of its own"),
        ("settings.method = \"adam\"", "", "method"),
        ("sweeps = 6", "sweeps = 6\ncheckpoint-every = \"2\"", "checkpoint-every"),
        ("\"objective-rises\"]", "\"objective-raises\"]", "objective-raises"),
    ] {
        let message = refused(from, to);
        assert!(message.contains(names), "{to}: {message}");
    }
}

fn altmin(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.current_dir(folder).arg("experiment").args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn the_command_goes_on_where_a_killed_one_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("two.toml"), TEXT).expect("a file");
    let done = altmin(folder.path(), &["run", "two.toml", "--threads", "1", "--out", "whole"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("6 runs, "), "{}", text(&done.stderr));
    let read = |of: &str, name: &str| fs::read_to_string(folder.path().join(of).join(name)).expect(name);
    let whole = lasting(&read("whole", "page.md"));
    assert!(lasting(text(&done.stdout)).contains("held"));
    roxmltree::Document::parse(&read("whole", "curves.svg")).expect("a figure");
    // What a process that was killed while it wrote its fourth line has left.
    let journal = read("whole", "experiment.jsonl");
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 7);
    let cut = folder.path().join("cut");
    fs::create_dir(&cut).expect("a folder");
    fs::write(cut.join("experiment.jsonl"), lines[..3].concat() + &lines[3][..40]).expect("a file");
    let resumed = altmin(folder.path(), &["run", "--resume", "cut", "--json"]);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let kinds = |kind: &str| text(&resumed.stdout).matches(&format!("{{\"kind\":\"{kind}\"")).count();
    assert_eq!((kinds("run"), kinds("claim")), (4, 2));
    assert_eq!(lasting(&read("cut", "page.md")), whole);
    // All is done: nothing is run again.
    let again = altmin(folder.path(), &["run", "--resume", "cut", "--json"]);
    assert!(again.status.success() && !text(&again.stdout).contains("\"kind\":\"run\""));
}

#[test]
fn wrong_use_is_said_in_a_line_and_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("two.toml"), TEXT).expect("a file");
    for (arguments, says) in [
        (&["run", "--preset", "pdadmm-figure-55"][..], "pdadmm-figure-5"),
        (&["run", "two.toml", "--scale", "2"], "at most 1"),
        (&["run", "two.toml", "--jobs", "0"], "at least 1"),
        (&["run", "two.toml", "--seeds", "0"], "at least 1"),
        (&["run"], "a file, or --preset NAME"),
        (&["run", "--resume", "x", "--seeds", "2"], "cannot be used with"),
        (&["run", "--preset", "dladmm-table-2", "--data", "nowhere"], "a folder with the experiment's data"),
    ] {
        let output = altmin(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(says), "{arguments:?}: {}", text(&output.stderr));
    }
    let missing = altmin(folder.path(), &["run", "none.toml"]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn presets_are_listed_shown_and_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = altmin(folder.path(), &["list"]);
    assert!(text(&list.stdout).contains("pdadmm-figure-4 "), "{}", text(&list.stdout));
    let file = altmin(folder.path(), &["show", "--preset", "pdadmm-figure-4", "--toml"]);
    Experiment::from_toml(text(&file.stdout), Path::new("printed")).expect("an experiment");
    fs::write(folder.path().join("two.toml"), TEXT).expect("a file");
    let shown = altmin(folder.path(), &["show", "two.toml"]);
    let shown = text(&shown.stdout);
    assert!(shown.contains("adam, learning-rate 0.01, seed 1\n") && shown.contains("6 runs, "), "{shown}");
}

#[test]
fn many_curves_are_drawn_by_the_value_of_what_is_varied_first() {
    let rates = "values = [1e-4, 1e-2, 2e-2, 3e-2, 4e-2, 5e-2, 6e-2]\n\n[[vary]]\nsetting = \"batch\"\nvalues = [\"50\", \"100\"]";
    let text = TEXT.replace("values = [1e-4, 1e-2]", rates);
    let text = text.split("[[reported]]").next().expect("the runs");
    let experiment = Experiment::from_toml(text, Path::new("test.toml")).expect("an experiment");
    let plan = plan(&Request { seeds: Some(1), scale: Some(0.5), ..Request::new(experiment) });
    let records = run(&plan, &[]);
    let results = Results::new(&plan, &records);
    let figures = figures(&results);
    assert_eq!(figures.len(), 7);
    for figure in figures {
        roxmltree::Document::parse(&figure.svg().expect("drawn")).expect("well-formed");
    }
}
