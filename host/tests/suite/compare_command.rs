//! `altmin compare` from outside: what it refuses, what it prints and leaves, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use altmin::settings::Method;
use serde_json::Value;

fn altmin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args(arguments);
    command
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn done(arguments: &str) -> Output {
    let output = altmin(&words(arguments)).output().expect("the program starts");
    assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
    output
}

fn json(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

#[test]
fn wrong_use_is_2_and_one_line() {
    let cases = [
        ("--methods pdadm", "did you mean pdadmm"),
        ("--methods fast=adma", "did you mean adam"),
        ("--methods pdadmm,pdadmm", "pdadmm-2=pdadmm"),
        ("--methods a=pdadmm,A=dladmm", "each label once"),
        ("--methods adam=gd", "another method"),
        ("--methods a/b=gd", "label"),
        ("--methods =gd", "label"),
        ("--method pdadmm", "--methods"),
        ("--methods pdadmm pdadmm.rh=3", "did you mean rho"),
        ("--methods pdadmm pdadmm.rho=much", "`rho`"),
        ("--methods pdadmm pdadmm.rho=-3", "pdadmm: `rho` is `-3`"),
        ("--methods pdadmm pdadmm.rho=3 pdadmm.rho=3", "once"),
        ("--methods pdadmm pdadmm.step=vectr", "one of vector, scalar"),
        ("--methods pdadmm pdadmm.batch=3", "does not use it"),
        ("--methods a=pdadmm,b=dladmm a.step=vector a.damping=1", "a: `damping` is `1`"),
        ("--methods pdadmm pdadmm.seed=3", "--seed"),
        ("--methods pdadmm pdadmm.method=gd", "pdadmm=METHOD"),
        ("--methods pdadmm,dladmm dladm.rho=3", "did you mean dladmm"),
        ("--methods pdadmm adam.batch=3", "one of pdadmm"),
        ("--methods pdadmm rho=3", "LABEL.KEY=VALUE"),
        ("--methods pdadmm pdadmm.rho", "LABEL.KEY=VALUE"),
        ("--methods pdadmm,dladmm --batch 10", "none of pdadmm, dladmm uses it"),
        ("--methods pdadmm,gd --epsilon 1", "none of pdadmm, gd"),
        ("--methods gd,adam --step vector", "none of gd, adam"),
        ("--methods pdadmm,gd --rho 0", "`rho` is `0`"),
        ("--methods pdadmm --accuracies 0", "accuracies"),
        ("--methods pdadmm --accuracies 1.01", "accuracies"),
        ("--methods pdadmm --accuracies nan", "accuracies"),
        ("--methods pdadmm --accuracies high", "--accuracies"),
        ("--methods pdadmm --data no/such/folder", "no/such/folder"),
    ];
    for (arguments, part) in cases {
        let output = altmin(&[&["compare"], &words(arguments)[..]].concat()).output().expect("it starts");
        let stderr = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments}: {stderr}");
        let lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with("hint: ")).collect();
        let [line] = &lines[..] else { panic!("{arguments}: {stderr}") };
        assert!(line.starts_with("error: ") && line.contains(part), "{arguments}: {stderr}");
    }
}

#[test]
fn shells_complete_its_options_and_the_methods() {
    let script = text(&done("completions fish").stdout);
    let options: Vec<_> =
        script.split("complete -c").filter(|part| part.contains("subcommand compare\"")).collect();
    let methods = options.iter().find(|part| part.contains("-l methods")).expect("an option of compare");
    for method in Method::ALL {
        assert!(methods.contains(&method.to_string()), "{method} in {methods}");
    }
    assert!(options.iter().any(|part| part.contains("-l accuracies")));
}

#[test]
fn help_shows_examples_and_not_the_option_that_it_refuses() {
    let help = text(&done("compare --help").stdout);
    assert!(help.contains("fast=adam fast.learning-rate=1e-2"), "{help}");
    assert!(!help.contains("--method <"), "{help}");
}

// What is printed and left.

const SMALL: &str = "--samples 200 --hidden 15 --sweeps 4 --threads 2";

#[test]
fn the_folder_has_what_train_would_leave_and_the_rows_of_all() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let out = parent.path().join("new/all");
    let methods = "--methods dladmm,tight=pdadmm tight.rho=8.2 tight.nu=2";
    let small = "--samples 200 --hidden 15 --sweeps 11 --threads 2";
    done(&format!("compare {small} {methods} --quiet --out {}", out.display()));
    let runs = [("dladmm", "--method dladmm"), ("tight", "--method pdadmm --rho 8.2 --nu 2")];
    let mut rows = Vec::new();
    for (label, flags) in runs {
        let alone = parent.path().join(label);
        done(&format!("train {small} {flags} --quiet --out {}", alone.display()));
        for file in ["config.toml", "model.safetensors"] {
            let [one, other] = [&alone, &out.join(label)].map(|run| fs::read(run.join(file)).expect(file));
            assert!(one == other, "{label}/{file}");
        }
        let metrics = |run: &Path| fs::read_to_string(run.join("metrics.csv")).expect("metrics");
        // Up to the last column, which is the time.
        let without_time = |text: String| -> Vec<String> {
            text.lines().map(|line| line.rsplit_once(',').expect("columns").0.to_owned()).collect()
        };
        assert_eq!(without_time(metrics(&out.join(label))), without_time(metrics(&alone)), "{label}");
        let method = flags.split(' ').nth(1).expect("a method");
        let metrics = metrics(&out.join(label));
        let (header, sweeps) = metrics.split_once('\n').expect("a header");
        if rows.is_empty() {
            rows.push(format!("label,method,{header}"));
        }
        rows.extend(sweeps.lines().map(|line| format!("{label},{method},{line}")));
        assert!(out.join(label).join("curves.svg").is_file());
    }
    let comparison = fs::read_to_string(out.join("comparison.csv")).expect("comparison");
    assert_eq!(comparison.lines().collect::<Vec<_>>(), rows);
    for file in ["curves-sweeps.svg", "curves-seconds.svg"] {
        let svg = fs::read_to_string(out.join(file)).expect(file);
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for label in ["dladmm", "tight", "primal residual", "test accuracy"] {
            assert!(texts.contains(&label), "{file}: {label}");
        }
        // Eleven sweeps of two methods in five panels; nothing else has lines of so many points.
        let line = |node: &roxmltree::Node| {
            node.has_tag_name("polyline")
                && node.attribute("points").is_some_and(|points| points.split_whitespace().count() == 11)
        };
        assert_eq!(document.descendants().filter(line).count(), 10, "{file}");
    }
    assert!(fs::read_to_string(out.join("table.txt")).expect("a table").contains("tight"));
}

#[test]
fn json_has_every_sweep_a_summary_each_and_one_for_all() {
    let methods = "--methods pdadmm,slow=dladmm slow.step=vector slow.sweeps=2 --accuracies 0.01,0.999";
    let lines = json(&done(&format!("compare {SMALL} {methods} --json")));
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().expect("a kind")).collect();
    assert_eq!(
        kinds,
        ["sweep", "sweep", "sweep", "sweep", "summary", "sweep", "sweep", "summary", "comparison"]
    );
    for (line, sweep) in lines[..4].iter().zip(1..) {
        assert_eq!((&line["label"], &line["sweep"]), (&"pdadmm".into(), &sweep.into()));
    }
    for line in &lines[5..8] {
        assert_eq!((&line["label"], &line["method"]), (&"slow".into(), &"dladmm".into()));
    }
    let summary = &lines[7];
    assert_eq!((&summary["sweeps"], &summary["outcome"]), (&2.into(), &"sweep-limit".into()));
    assert_eq!((&summary["settings"]["step"], &summary["settings"]["seed"]), (&"vector".into(), &0.into()));
    assert_eq!(summary["test_accuracy"], lines[6]["test_accuracy"]);
    let [low, high] = &summary["reached"].as_array().expect("accuracies")[..] else { panic!("{summary}") };
    assert_eq!((&low["accuracy"], &low["sweeps"]), (&0.01.into(), &1.into()));
    assert_eq!(low["seconds"], lines[5]["seconds"]);
    assert_eq!((&high["sweeps"], &high["seconds"]), (&Value::Null, &Value::Null));
    let all = &lines[8];
    assert_eq!((&all["train_samples"], &all["test_samples"]), (&200.into(), &360.into()));
    assert_eq!(
        (all["runs"].to_string(), all["not_run"].to_string()),
        (r#"["pdadmm","slow"]"#.into(), "[]".into())
    );
    let better = |key: &str| {
        let value = |line: &Value| line[key].as_f64().expect("a number");
        if value(&lines[4]) > value(&lines[7]) { "pdadmm" } else { "slow" }
    };
    assert_eq!(all["best"]["train_accuracy"][0], better("train_accuracy"));
}

#[test]
fn the_table_is_for_people_and_quiet_is_quiet() {
    let output = done(&format!("compare {SMALL} --methods pdadmm,dladmm --accuracies 0.5"));
    let table = text(&output.stdout);
    for part in
        ["digits", "pdadmm", "dladmm", "sweep-limit", "to 0.5", "best in its column", "200 training samples"]
    {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    let output = done(&format!("compare {SMALL} --methods pdadmm --quiet"));
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0));
}

#[test]
fn a_schedule_goes_to_the_methods_that_have_one() {
    let lines = json(&done(
        "compare --samples 50 --hidden 5 --sweeps 1 --methods gd,pdadmm --nu-schedule times:2:10 --json",
    ));
    let schedules =
        lines.iter().filter(|line| line["kind"] == "summary").map(|line| &line["settings"]["nu-schedule"]);
    assert_eq!(schedules.collect::<Vec<_>>(), [&Value::Null, &"times:2:10".into()]);
}

#[test]
fn a_folder_that_exists_is_not_written_to() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let name = folder.path().to_str().expect("a path");
    let output = altmin(&["compare", "--methods", "pdadmm", "--out", name]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

// How it ends.

#[test]
fn a_method_that_diverges_is_a_row_and_the_next_one_follows() {
    let network = "--samples 200 --hidden 10x6 --activation leaky-relu:10 --kernel portable --sweeps 200";
    let methods = "--methods lost=pdadmm,kept=dladmm lost.nu=1e3 lost.rho=1e-8 kept.sweeps=2";
    let output = done(&format!("compare {network} {methods} --json"));
    let lines = json(&output);
    let summaries: Vec<_> = lines.iter().filter(|line| line["kind"] == "summary").collect();
    let outcomes: Vec<_> = summaries.iter().map(|line| line["outcome"].as_str().expect("text")).collect();
    assert_eq!(outcomes, ["diverged", "sweep-limit"]);
    assert!(text(&output.stderr).starts_with("warning: lost: rho = "), "{}", text(&output.stderr));
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_the_method_at_work_and_keeps_what_is_there() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let out = parent.path().join("run");
    let methods = "--methods pdadmm,dladmm,never=dladmm pdadmm.sweeps=2 dladmm.sweeps=1000000";
    let arguments = format!("compare --samples 200 --hidden 10 {methods} --out {}", out.display());
    let child = altmin(&words(&arguments))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    let second =
        || fs::read_to_string(out.join("comparison.csv")).is_ok_and(|rows| rows.contains("\ndladmm,"));
    while !second() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the second method never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let ended = |label: &str| table.lines().find(|line| line.starts_with(label)).expect(label).to_owned();
    assert!(ended("pdadmm ").contains("sweep-limit") && ended("dladmm ").contains("stopped"), "{table}");
    assert!(!table.contains("never"), "{table}");
    for file in ["comparison.csv", "curves-sweeps.svg", "curves-seconds.svg", "dladmm/model.safetensors"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(!out.join("never").exists());
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    let mut child = altmin(&words("compare --methods pdadmm,dladmm --sweeps 1000000 --hidden 10 --json"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a first sweep").expect("text");
    drop(lines);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_is_one_line() {
    for flags in ["--json", ""] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the full device");
        let arguments = format!("compare {SMALL} --methods pdadmm,dladmm {flags}");
        let output = altmin(&words(&arguments)).stdout(full).output().expect("it starts");
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{flags}: {stderr}");
        let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{flags}: {stderr}");
    }
}

#[test]
fn a_time_limit_holds_for_each_method() {
    let lines =
        json(&done("compare --hidden 10 --methods pdadmm,dladmm --sweeps 1000000 --time-limit 30ms --json"));
    let ended: Vec<_> = lines.iter().filter(|line| line["kind"] == "summary").collect();
    assert_eq!(ended.len(), 2);
    for line in ended {
        assert_eq!(line["outcome"], "time-limit");
        assert!(line["seconds"].as_f64().expect("a number") >= 0.03);
    }
}

#[test]
fn every_method_learns_the_digits() {
    let lines = json(&done("compare --json --sweeps 40"));
    let summaries: Vec<_> = lines.iter().filter(|line| line["kind"] == "summary").collect();
    let labels: Vec<_> = summaries.iter().map(|line| line["label"].as_str().expect("a label")).collect();
    let names: Vec<_> = Method::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(labels, names);
    for line in summaries {
        assert_eq!(line["outcome"], "sweep-limit", "{line}");
        // Ten classes: well beyond chance.
        assert!(line["best_test_accuracy"].as_f64().expect("a number") > 0.5, "{line}");
    }
}
