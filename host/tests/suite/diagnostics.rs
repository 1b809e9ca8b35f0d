//! `--diagnostics`: the error that comes of splitting, and Theorem 1's bound of it, beside a run that they leave alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Model;
use altmin::Trainer;
use altmin::data;
use altmin::run::{Bound, History, Metrics};
use altmin::settings::TrainOptions;

fn trained(text: &str) -> (Model<f32>, Vec<Metrics>) {
    let settings = TrainOptions::from_toml(text, Path::new("some.toml")).expect(text).resolve().expect(text);
    let (train, test) = data::load(&settings.data, &settings.data_options()).expect("digits");
    let mut trainer = Trainer::<f32>::new(&settings, Arc::new(train), Arc::new(test)).expect(text);
    let mut history = History::default();
    trainer.run(&mut history, &AtomicBool::new(false)).expect(text);
    (trainer.model(), history.sweeps)
}

const RUNS: [&str; 4] = [
    "method = 'gsadmm'\nhidden = '30x3'\nsubnetworks = 3\nbatch = 100\nsweeps = 4\n",
    "method = 'gsam'\nnetwork = 'conv 4 3x3 same, relu, maxpool 2, flatten, dense 10'\nsamples = 300\ninner = 'sgd'\nsweeps = 3\n",
    "method = 'gsadmm'\nhidden = '20,20'\ninner = 'proxprop'\nsamples = 300\nsweeps = 3\n",
    "method = 'gsam'\nhidden = '20,20'\nloss = 'least-squares'\nsamples = 300\nsweeps = 3\n",
];

#[test]
fn they_change_no_bit_of_the_run() {
    for run in RUNS {
        let (model, plain) = trained(run);
        let (diagnosed, sweeps) = trained(&format!("{run}diagnostics = true"));
        assert_eq!(model, diagnosed, "{run}");
        let bare = |metrics: &Metrics| Metrics {
            seconds: 0.0,
            approximation_error: None,
            approximation_bound: None,
            ..*metrics
        };
        assert!(plain.iter().map(bare).eq(sweeps.iter().map(bare)), "{run}");
        assert!(plain.iter().all(|metrics| metrics.approximation_error.is_none()));
        for metrics in sweeps {
            let error = metrics.approximation_error.expect("an error");
            match metrics.approximation_bound.expect("a bound") {
                // Estimated norms are within a few per cent of the true ones.
                Bound::Estimate(bound) => assert!(error > 0.0 && error <= 1.05 * bound, "{run}: {metrics:?}"),
                Bound::NotPromised => assert!(run.contains("least-squares"), "{run}"),
            }
        }
    }
}

#[test]
fn a_whole_network_has_no_error_of_splitting() {
    let (_, sweeps) =
        trained("method = 'gsadmm'\nhidden = '20'\nsubnetworks = 1\nsweeps = 2\ndiagnostics = true");
    for metrics in sweeps {
        assert_eq!(metrics.approximation_error, Some(0.0));
        assert_eq!(metrics.approximation_bound, Some(Bound::Estimate(0.0)));
    }
}

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

const SMALL: [&str; 8] = ["train", "--method", "gsadmm", "--hidden", "8,8", "--samples", "150", "--epochs=2"];

#[test]
fn files_and_output_tell_them() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = folder.path().join("run");
    let run = run.to_str().expect("a path");
    let output = altmin(&[&SMALL[..], &["--diagnostics", "--out", run]].concat());
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("approximation error ")).expect("a line of it");
    assert!(line.contains("bound of Theorem 1: ") && line.ends_with(" (estimate)"), "{line}");
    let metrics = fs::read_to_string(Path::new(run).join("metrics.csv")).expect("metrics");
    let rows: Vec<Vec<&str>> = metrics.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][7..], ["seconds", "approximation_error", "approximation_bound"]);
    assert!(rows[1..].iter().all(|row| row[8..].iter().all(|cell| cell.parse::<f64>().is_ok())), "{metrics}");
    let config = fs::read_to_string(Path::new(run).join("config.toml")).expect("settings");
    assert!(config.contains("diagnostics = true"), "{config}");
}

#[test]
fn least_squares_is_told_to_promise_nothing() {
    let output = altmin(&[&SMALL[..], &["--diagnostics", "--loss", "least-squares", "--json"]].concat());
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("an object");
        assert!(line["approximation_error"].is_number(), "{line}");
        assert_eq!(line["approximation_bound"], "not promised");
    }
    let plain = altmin(&[&SMALL[..], &["--json"]].concat());
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("approximation"), "{plain:?}");
}

#[test]
fn a_method_without_subnetworks_has_no_use_for_them() {
    for method in ["pdadmm", "adam"] {
        let output = altmin(&["train", "--method", method, "--diagnostics"]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("diagnostics") && text.contains("does not use it"), "{text}");
    }
}
