//! `altmin train` from outside: what it prints, what it leaves, how it repeats and how it is stopped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn train(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.arg("train").args(arguments);
    command
}

fn done(arguments: &[&str]) -> Output {
    let output = train(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn json_is_a_line_for_each_sweep_and_a_summary() {
    let output = done(&["--sweeps", "3", "--hidden", "20", "--method", "dladmm", "--json"]);
    let lines: Vec<serde_json::Value> = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("one object a line"))
        .collect();
    let [sweeps @ .., summary] = &lines[..] else { panic!("no lines") };
    let numbers: Vec<_> = sweeps.iter().map(|line| line["sweep"].as_u64().expect("a sweep")).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(sweeps.iter().all(|line| line["kind"] == "sweep"));
    assert_eq!((&summary["kind"], &summary["method"]), (&"summary".into(), &"dladmm".into()));
    assert_eq!((&summary["sweeps"], &summary["outcome"]), (&3.into(), &"sweep-limit".into()));
    assert_eq!(summary["test_accuracy"], sweeps[2]["test_accuracy"]);
}

#[test]
fn a_written_config_repeats_the_run_bit_for_bit() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let [first, second] = ["first", "second"].map(|run| parent.path().join(run));
    done(&["--sweeps", "4", "--hidden", "20,20", "--seed", "5", "--out", name(&first)]);
    done(&["--config", name(&first.join("config.toml")), "--out", name(&second), "--quiet"]);
    let both = |file| [&first, &second].map(|run| fs::read(run.join(file)).expect(file));
    for file in ["model.safetensors", "config.toml"] {
        let [one, other] = both(file);
        assert!(one == other, "{file}");
    }
    assert_eq!(fs::read_to_string(first.join("metrics.csv")).expect("metrics").lines().count(), 5);
    roxmltree::Document::parse(&fs::read_to_string(first.join("curves.svg")).expect("curves"))
        .expect("well-formed");
}

#[test]
fn only_a_rho_that_was_chosen_is_warned_about() {
    let stderr = |arguments: &[&str]| String::from_utf8(done(arguments).stderr).expect("text");
    let short = ["--sweeps", "1", "--hidden", "10", "--quiet"];
    assert_eq!(stderr(&short), "");
    let warning = stderr(&[&short[..], &["--method", "pdadmm", "--nu", "1", "--rho", "3.5"]].concat());
    assert!(warning.starts_with("warning: rho = 3.5 is not above 4"), "{warning}");
    assert_eq!(warning.lines().count(), 1);
}

#[test]
#[cfg(unix)]
fn an_interrupt_finishes_the_sweep_and_leaves_everything() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let out = parent.path().join("run");
    let mut child = train(&["--sweeps", "1000000", "--hidden", "10", "--json", "--out", name(&out)])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a first sweep").expect("text");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    let last = lines.map(|line| line.expect("text")).last().expect("a summary");
    assert!(last.contains(r#""kind":"summary""#) && last.contains(r#""outcome":"stopped""#), "{last}");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    for file in ["config.toml", "metrics.csv", "model.safetensors", "curves.svg"] {
        assert!(out.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_run_without_a_reader_or_a_folder_ends() {
    let mut child = train(&["--sweeps", "1000000", "--hidden", "10", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_run_that_diverges_leaves_its_last_good_model_and_says_so() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let out = parent.path().join("run");
    let network = ["--samples", "200", "--hidden", "10x6", "--activation", "leaky-relu:10"];
    let settings = ["--method", "pdadmm", "--nu", "1e3", "--rho", "1e-8", "--kernel", "portable"];
    let output =
        train(&[&network[..], &settings, &["--sweeps", "200"], &["--json", "--out", name(&out)]].concat())
            .output()
            .expect("the program starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let sweeps = stdout.lines().count() - 1;
    let last = stdout.lines().last().expect("a summary");
    assert!(sweeps > 0 && last.contains(r#""outcome":"diverged""#), "{last}");
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors, [format!("error: diverged after {sweeps} sweeps; the last good state is kept")]);
    let model = altmin::Model::<f32>::load(&out.join("model.safetensors")).expect("a model");
    assert!(model.parameters.iter().copied().all(f32::is_finite));
}
