//! `altmin bench epoch` and what `altmin info` predicts: what they print, and what they refuse.

use std::process::{Command, Output};

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

const SMALL: [&str; 6] = ["--hidden", "16,16", "--samples", "300", "--batch", "60"];

#[test]
fn json_has_prediction_and_measurement_of_both_runs() {
    for method in ["gsadmm", "gsam"] {
        let common = ["bench", "epoch", "--method", method, "--threads", "2", "--repeats", "1", "--json"];
        let output = altmin(&[&common[..], &SMALL].concat());
        assert!(output.status.success(), "{output:?}");
        let lines: Vec<serde_json::Value> = text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).expect("one object a line"))
            .collect();
        let runs: Vec<_> = lines.iter().map(|line| line["run"].as_str().expect("a name")).collect();
        assert_eq!(runs, [&format!("{method}, 2 subnetworks"), "adam, end to end"]);
        for line in &lines {
            let number = |value: &serde_json::Value| value.as_f64().expect("a number");
            let (work, path) = (number(&line["total_work"]), number(&line["critical_path"]));
            assert!(path > 0.0 && path <= work);
            let on = line["on"].as_array().expect("predictions");
            let workers: Vec<_> = on.iter().map(|on| on["workers"].as_u64().expect("a count")).collect();
            assert_eq!(workers, [1, 2, 3, 4, 8]);
            for on in on {
                let (seconds, workers) = (number(&on["seconds"]), number(&on["workers"]));
                let least = path.max(work / workers);
                assert!(seconds >= least * (1.0 - 1e-9), "{line}");
                assert!(seconds <= (work / workers + (1.0 - 1.0 / workers) * path) * (1.0 + 1e-9), "{line}");
                assert!((number(&on["speedup"]) * seconds / work - 1.0).abs() < 1e-9);
            }
            let measured = line["measured"].as_array().expect("measurements");
            let threads: Vec<_> =
                measured.iter().map(|one| one["threads"].as_u64().expect("a count")).collect();
            assert_eq!(threads, [1, 2]);
            for one in measured {
                let predicted = on.iter().find(|on| on["workers"] == one["threads"]).expect("a prediction");
                let ratio = number(&predicted["seconds"]) / number(&one["seconds"]);
                assert!((number(&one["predicted_over_measured"]) - ratio).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn people_get_a_line_a_number_of_workers() {
    let common =
        ["bench", "epoch", "--method", "gsadmm", "--inner", "proxprop", "--repeats", "1", "--threads", "1"];
    let output = altmin(&[&common[..], &SMALL[..4]].concat());
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let measured = stdout.lines().filter(|line| line.contains(" s measured, predicted over measured "));
    assert_eq!(measured.count(), 2, "{stdout}");
    for workers in [1, 2, 3, 4, 8] {
        let start = format!("  {workers} workers  ");
        assert_eq!(stdout.lines().filter(|line| line.starts_with(&start)).count(), 2, "{stdout}");
    }
}

#[test]
fn info_predicts_for_subnetworks() {
    let output = altmin(&[&["info", "--method", "gsam"], &SMALL[..]].concat());
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for start in ["gsam: total work ", "adam, end to end: total work "] {
        assert!(
            stdout.lines().any(|line| line.starts_with(start) && line.contains("critical path")),
            "{stdout}"
        );
    }
    assert_eq!(stdout.lines().filter(|line| line.starts_with("  8 workers ")).count(), 2, "{stdout}");
}

#[test]
fn wrong_use_is_refused() {
    let refused = |arguments: &[&str], words: &str| {
        let output = altmin(&[&["bench", "epoch"], arguments].concat());
        let stderr = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(words), "{arguments:?}: {stderr}");
    };
    refused(&["--method", "pdadmm"], "gsadmm or gsam");
    refused(&["--method", "gsadmm", "--repeats", "0"], "at least 1");
    refused(&["--method", "gsadmm", "--epochs", "3"], "--repeats");
    refused(&["--method", "gsadmm", "--diagnostics"], "no value");
    refused(&["--method", "gsadmm", "--subnetworks", "70"], "1 to 64");
    refused(&["--method", "gsadmm", "--samples", "50", "--batch", "60"], "at most 50");
}
