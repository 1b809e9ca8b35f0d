//! `altmin train --resume` from outside: a run that was killed or stopped leaves what the run without a break leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const RUN: [&str; 10] =
    ["--hidden", "10,10", "--samples", "200", "--keep", "both", "--sweeps", "40", "--checkpoint-every", "1"];

fn train(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.arg("train").args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    train(arguments).output().expect("the program starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(arguments: &[&str]) -> Output {
    let output = output(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn read(folder: &Path, file: &str) -> Vec<u8> {
    fs::read(folder.join(file)).expect(file)
}

/// The rows of metrics.csv without the seconds, their last column.
fn rows(folder: &Path) -> Vec<String> {
    let text = String::from_utf8(read(folder, "metrics.csv")).expect("text");
    text.lines().map(|line| line.rsplit_once(',').expect("columns").0.to_owned()).collect()
}

fn unbroken(parent: &Path) -> PathBuf {
    let folder = parent.join("unbroken");
    done(&[&RUN[..], &["--quiet", "--out", name(&folder)]].concat());
    folder
}

/// Both folders hold the same models and the same metrics but for the seconds.
fn same_results(folder: &Path, whole: &Path) {
    for model in ["model.safetensors", "best.safetensors"] {
        assert!(read(folder, model) == read(whole, model), "{model}");
    }
    assert_eq!(rows(folder), rows(whole));
}

/// Starts a run and kills it after its first checkpoint.
fn killed(parent: &Path) -> PathBuf {
    let folder = parent.join("killed");
    let mut child = train(&[&RUN[..], &["--quiet", "--out", name(&folder)]].concat())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while !folder.join("checkpoint-before.altmin").is_file() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint came");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    folder
}

#[test]
fn a_killed_run_goes_on_to_the_same_files() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let (whole, folder) = (unbroken(parent.path()), killed(parent.path()));
    // What a kill may leave half-written.
    for left in [".checkpoint.altmin.123-4.tmp", ".best.safetensors.123-5.tmp"] {
        fs::write(folder.join(left), "half").expect("room");
    }
    fs::write(folder.join(".notes.tmp"), "not ours").expect("room");
    let mut metrics = read(&folder, "metrics.csv");
    metrics.extend_from_slice(b"999,1.0");
    fs::write(folder.join("metrics.csv"), metrics).expect("room");
    let resumed = done(&["--resume", name(&folder), "--threads", "3", "--quiet"]);
    assert_eq!(stderr(&resumed), "");
    same_results(&folder, &whole);
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("the folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    let mut expected = names(&whole);
    expected.insert(0, ".notes.tmp".into());
    assert_eq!(names(&folder), expected);
    let config = String::from_utf8(read(&folder, "config.toml")).expect("text");
    assert!(config.contains("threads = 3\n"), "{config}");
    // A run that is over has nothing left to do.
    done(&["--resume", name(&folder), "--quiet"]);
    same_results(&folder, &whole);
}

#[test]
fn a_damaged_checkpoint_is_said_and_the_one_before_it_taken() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let (whole, folder) = (unbroken(parent.path()), killed(parent.path()));
    // The kill may have come between the two renames.
    let _ = fs::copy(folder.join("checkpoint-before.altmin"), folder.join("checkpoint.altmin"));
    let mut newest = read(&folder, "checkpoint.altmin");
    let middle = newest.len() / 2;
    newest[middle] ^= 1;
    fs::write(folder.join("checkpoint.altmin"), newest).expect("room");
    let resumed = done(&["--resume", name(&folder), "--quiet"]);
    let said = stderr(&resumed);
    assert!(said.starts_with("warning: ") && said.contains("checkpoint.altmin`"), "{said}");
    assert!(said.contains("going on from the checkpoint before it"), "{said}");
    same_results(&folder, &whole);
}

#[test]
fn more_sweeps_are_those_of_a_longer_run_where_nothing_depends_on_their_number() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let [short, long] = ["short", "long"].map(|run| parent.path().join(run));
    let run = |sweeps, folder| {
        let method = ["--method", "pdadmm", "--hidden", "10", "--samples", "100", "--quiet"];
        done(
            &[&method[..], &["--sweeps", sweeps, "--checkpoint-every", "1h", "--out", name(folder)]].concat(),
        );
    };
    run("5", &short);
    run("9", &long);
    done(&["--resume", name(&short), "--sweeps", "9", "--quiet"]);
    assert!(read(&short, "model.safetensors") == read(&long, "model.safetensors"));
    assert_eq!(rows(&short), rows(&long));
}

#[test]
fn what_cannot_be_resumed_is_refused_by_name_and_left_as_it_is() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let folder = unbroken(parent.path());
    let before = ["config.toml", "metrics.csv", "checkpoint.altmin"].map(|file| read(&folder, file));
    let refused = |arguments: &[&str], words: &[&str]| {
        let output = output(&[&["--resume", name(&folder), "--quiet"], arguments].concat());
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("error: ") && words.iter().all(|word| text.contains(word)), "{text}");
    };
    refused(&["--seed", "7"], &["found seed = 0, expected seed = 7", "checkpoint.altmin"]);
    refused(&["--sweeps", "50"], &["found sweeps = 40, expected sweeps = 50"]);
    refused(&["--method", "adam"], &["found ", "expected "]);
    refused(&["--out", "other"], &["--out", "--resume"]);
    refused(&["--config", "other"], &["--config", "--resume"]);
    assert!(["config.toml", "metrics.csv", "checkpoint.altmin"].map(|file| read(&folder, file)) == before);

    let text = stderr(&output(&["--sweeps", "1", "--keep", "best"]));
    assert!(text.starts_with("error: `keep` is `best`, expected last, or a folder"), "{text}");
    let text = stderr(&output(&["--sweeps", "1", "--checkpoint-every", "1"]));
    assert!(text.starts_with("error: `checkpoint-every` is `1`, expected none, or a folder"), "{text}");
    let plain = parent.path().join("plain");
    done(&["--hidden", "5", "--sweeps", "1", "--quiet", "--out", name(&plain)]);
    let refused = output(&["--resume", name(&plain)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("this one holds no checkpoint"), "{}", stderr(&refused));
    let missing = output(&["--resume", name(&parent.path().join("nothing"))]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("config.toml"), "{}", stderr(&missing));
}

#[test]
fn commands_that_write_neither_checkpoints_nor_best_models_refuse_them() {
    for command in [
        &["compare", "--methods", "gd,adam", "--sweeps", "1"][..],
        &["verify", "--method", "pdadmm", "--sweeps", "1"],
        &["bench", "epoch", "--method", "gsadmm"],
    ] {
        for [option, value] in [["checkpoint-every", "3"], ["keep", "both"]] {
            let mut program = Command::new(env!("CARGO_BIN_EXE_altmin"));
            let output =
                program.args(command).args([&format!("--{option}"), value]).output().expect("it starts");
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
            assert!(text.contains(&format!("`{option}`")), "{command:?}: {text}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_run_that_is_stopped_leaves_a_checkpoint_of_its_last_sweep() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let (whole, folder) = (unbroken(parent.path()), parent.path().join("stopped"));
    let endless = ["--sweeps", "40", "--checkpoint-every", "1h", "--quiet"];
    let child = train(&[&RUN[..6], &endless, &["--json", "--out", name(&folder)]].concat())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begun = Instant::now();
    while fs::read_to_string(folder.join("metrics.csv")).unwrap_or_default().lines().count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no sweep came");
        std::thread::sleep(Duration::from_millis(1));
    }
    // The run may be over by now: it has left the same then.
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let code = child.wait_with_output().expect("it ends").status.code();
    assert!([Some(143), Some(0)].contains(&code), "{code:?}");
    assert!(folder.join("checkpoint.altmin").is_file());
    done(&["--resume", name(&folder), "--quiet"]);
    same_results(&folder, &whole);
}

/// A run that patience ends, broken off one sweep before: what is left of its patience is in the checkpoint.
#[test]
fn patience_goes_on_where_it_was() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let run = |folder: &Path, more: &[&str]| {
        let run = ["--method", "adam", "--learning-rate", "0.2", "--hidden", "10", "--samples", "200"];
        let held = ["--holdout", "--patience", "4", "--keep", "both", "--checkpoint-every", "1", "--json"];
        done(&[&run[..], &held, more, &["--out", name(folder)]].concat())
    };
    let summary = |output: &Output| -> serde_json::Value {
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON")
    };
    let (whole, broken) = (parent.path().join("whole"), parent.path().join("broken"));
    let ended = summary(&run(&whole, &["--sweeps", "40"]));
    let sweeps = ended["sweeps"].as_u64().expect("a number");
    assert!(ended["outcome"] == "no-improvement" && sweeps < 40, "{ended}");
    assert_eq!(ended["best"]["sweep"].as_u64(), Some(sweeps - 4), "{ended}");
    run(&broken, &["--sweeps", &(sweeps - 1).to_string()]);
    let resumed = summary(&done(&["--resume", name(&broken), "--sweeps", "40", "--json"]));
    assert_eq!((&resumed["sweeps"], &resumed["outcome"]), (&ended["sweeps"], &ended["outcome"]));
    same_results(&broken, &whole);
    // Nothing is left of it; more of it goes on.
    assert_eq!(summary(&done(&["--resume", name(&broken), "--json"]))["sweeps"], ended["sweeps"]);
    let longer = summary(&done(&["--resume", name(&broken), "--patience", "9", "--json"]));
    assert!(longer["sweeps"].as_u64() > Some(sweeps), "{longer}");
}
