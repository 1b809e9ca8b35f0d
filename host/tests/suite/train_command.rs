//! `altmin train` from outside: what it prints, what it leaves, how it repeats and how it is stopped.

use std::fs;
#[cfg(unix)]
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, ChildStdout};
use std::process::{Command, Output, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

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

/// A run that goes on until it is stopped, after its first sweep.
#[cfg(unix)]
struct Endless {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

#[cfg(unix)]
impl Endless {
    fn begin(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        lines.next().expect("a first sweep").expect("text");
        Self { child, lines }
    }

    fn signal(&self, signal: &str) {
        let killed =
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill starts");
        assert!(killed.success());
    }

    /// The last line and the exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let last = self.lines.map(|line| line.expect("text")).last().unwrap_or_default();
        (last, self.child.wait().expect("it ends").code())
    }
}

#[test]
#[cfg(unix)]
fn each_signal_finishes_the_sweep_and_leaves_everything() {
    let parent = tempfile::tempdir().expect("temporary folder");
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let out = parent.path().join(signal);
        let run = Endless::begin(&mut train(&[
            "--sweeps",
            "1000000",
            "--hidden",
            "10",
            "--json",
            "--out",
            name(&out),
        ]));
        run.signal(signal);
        if signal == "-HUP" {
            // As a closed terminal does.
            run.signal(signal);
        }
        let (last, found) = run.end();
        assert!(last.contains(r#""kind":"summary""#) && last.contains(r#""outcome":"stopped""#), "{last}");
        assert_eq!(found, Some(code), "{signal}");
        for file in ["config.toml", "metrics.csv", "model.safetensors", "curves.svg"] {
            assert!(out.join(file).is_file(), "{signal}: {file}");
        }
    }
}

/// A run whose sweeps take so long that none ends in a test; the first signal comes while it is at work.
#[cfg(target_os = "linux")]
fn long_sweep() -> Child {
    let mut child = train(&["--method", "pdadmm", "--hidden", "2000x9", "--threads", "1", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Before its handlers are there a signal would end it as it ends any program.
    let handles = |child: &Child| {
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten();
        let mut names = tasks.map(|task| fs::read_to_string(task.path().join("comm")).unwrap_or_default());
        names.any(|name| name == "signals\n")
    };
    while !handles(&child) {
        assert!(child.try_wait().expect("a child").is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_ends_the_program_at_once() {
    let send = |child: &Child, signal: &str| {
        let sent =
            Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill starts");
        assert!(sent.success());
    };
    for (first, second, code) in
        [("-INT", "-INT", 130), ("-TERM", "-TERM", 143), ("-HUP", "-HUP", 129), ("-TERM", "-INT", 130)]
    {
        let mut child = long_sweep();
        send(&child, first);
        let mut said = String::new();
        BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut said).expect("text");
        assert!(said.starts_with("note: stopping after this sweep"), "{said}");
        // A hang-up is a second one after half a second.
        std::thread::sleep(Duration::from_millis(if second == "-HUP" { 1_000 } else { 10 }));
        assert!(child.try_wait().expect("a child").is_none(), "{first} alone ended it");
        let sent = Instant::now();
        send(&child, second);
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{first} {second}");
        assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_under_nohup_goes_on_when_its_terminal_is_closed() {
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_altmin")).arg("train");
    command.args(["--sweeps", "1000000", "--hidden", "10", "--json"]);
    let mut run = Endless::begin(&mut command);
    run.signal("-HUP");
    for _ in 0..100 {
        run.lines.next().expect("another sweep").expect("text");
    }
    run.signal("-TERM");
    assert_eq!(run.end().1, Some(143));
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
    assert!(stderr.contains("hint: try a rho above the threshold"), "{stderr}");
    let model = altmin::Model::<f32>::load(&out.join("model.safetensors")).expect("a model");
    assert!(model.parameters.iter().copied().all(f32::is_finite));
}

#[test]
fn a_hint_after_divergence_names_what_the_method_has() {
    let settings = [
        "--method",
        "gd",
        "--learning-rate",
        "1e9",
        "--samples",
        "200",
        "--hidden",
        "10x3",
        "--sweeps",
        "50",
    ];
    let output = train(&settings).output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("hint: try a smaller --learning-rate"), "{stderr}");
}
