//! Weights of classes: what they are, what they are the same as, what they do to a rare class, and where they are refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::data::{ClassWeights, DataOptions, DataSource, Validation, load_split};
use serde_json::Value;

/// A table of two features, one row in ten of the class `rare`, which lies beside the other and partly in it.
fn table(folder: &Path) -> PathBuf {
    let row = |i: usize| {
        let is_rare = i.is_multiple_of(10);
        let (a, b) = ((i * 37 % 101) as f64 / 50.0 - 1.0, (i * 53 % 89) as f64 / 44.0 - 1.0);
        let name = if is_rare { "rare" } else { "common" };
        format!("{:.4},{:.4},{name}\n", a + if is_rare { 1.0 } else { 0.0 }, b)
    };
    let path = folder.join("unbalanced.csv");
    fs::write(&path, format!("a,b,class\n{}", (0..1000).map(row).collect::<String>())).expect("room");
    path
}

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program runs")
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn balanced_weights_are_shares_of_the_training_samples_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = DataSource::Csv(table(folder.path()));
    let options = DataOptions {
        validation: Some(Validation::Share(0.25)),
        class_weights: Some(ClassWeights::Balanced),
        ..DataOptions::default()
    };
    let split = load_split::<f64>(&source, &options).expect("a table");
    let [common, rare] = split.train.class_counts()[..] else { panic!("two classes") };
    let samples = (common + rare) as f64;
    let expected = [samples / (2.0 * common as f64), samples / (2.0 * rare as f64)];
    assert_eq!(split.train.class_weights(), Some(&expected[..]));
    assert!(expected[1] > 4.5 && expected[0] < 0.6, "{expected:?}");
    assert_eq!(split.validation.expect("samples set aside").class_weights(), Some(&expected[..]));
    assert_eq!(split.test.class_weights(), None);
    let held_out = load_split::<f64>(&source, &DataOptions { holdout: true, validation: None, ..options });
    let held_out = held_out.expect("a table");
    assert!(held_out.test.class_weights().is_some());
    assert_eq!(held_out.test.class_weights(), held_out.train.class_weights());
}

/// A whole weight is the same as so many copies of each sample of the class, for a method whose loss is a mean over samples.
#[test]
fn a_class_of_weight_3_is_a_class_whose_samples_are_there_three_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = fs::read_to_string(table(folder.path())).expect("the table");
    let rows = || once.lines().skip(1);
    let copies = |row: &str| if row.ends_with("rare") { 3 } else { 1 };
    let repeated: Vec<&str> = rows().flat_map(|row| std::iter::repeat_n(row, copies(row))).collect();
    let many = folder.path().join("repeated.csv");
    fs::write(&many, format!("a,b,class\n{}\n", repeated.join("\n"))).expect("room");
    let one = folder.path().join("unbalanced.csv");
    let test = folder.path().join("test.csv");
    fs::write(&test, format!("a,b,class\n{}\n", rows().take(50).collect::<Vec<_>>().join("\n")))
        .expect("room");
    // Weights that are 3 to 1 and whose mean over the samples is 1.
    let scale = 1000.0 / repeated.len() as f64;
    let weights = format!("--class-weights={scale},{}", 3.0 * scale);
    let losses = |data: &Path, more: &[&str]| {
        let (data, test) = (data.to_str().expect("a path"), test.to_str().expect("a path"));
        let common = [
            "train",
            "--data",
            data,
            "--test",
            test,
            "--validation=none",
            "--scale=false",
            "--json",
            "--precision=f64",
            "--method=gd",
            "--batch=all",
            "--learning-rate=0.5",
            "--sweeps=30",
            "--hidden=8",
        ];
        let lines = lines(&altmin(&[&common[..], more].concat()));
        let sweeps = lines.iter().filter(|line| line["kind"] == "sweep");
        sweeps.map(|line| line["loss"].as_f64().expect("a loss")).collect::<Vec<_>>()
    };
    let (weighted, repeated, plain) = (losses(&one, &[&weights]), losses(&many, &[]), losses(&one, &[]));
    assert_eq!((weighted.len(), repeated.len()), (30, 30));
    for (weighted, repeated) in weighted.iter().zip(&repeated) {
        assert!((weighted - repeated).abs() < 1e-10, "{weighted} {repeated}");
    }
    assert!((weighted[29] - plain[29]).abs() > 0.01, "{} {}", weighted[29], plain[29]);
}

/// Recall of the class `rare` and the accuracy, of the test rows.
fn of_the_rare(folder: &Path, data: &str, method: &str, weights: &str) -> (f64, f64) {
    let out = folder.join(format!("{method}-{weights}"));
    let out = out.to_str().expect("a path");
    let common = ["--sweeps=40", "--hidden=8", "--validation=none", "--method", method];
    let train = ["train", "--data", data, "--out", out, "--quiet", "--class-weights", weights];
    let trained = altmin(&[&train[..], &common].concat());
    assert!(trained.status.success(), "{method}: {}", String::from_utf8_lossy(&trained.stderr));
    let line = lines(&altmin(&["evaluate", "--model", out, "--json"])).remove(0);
    (
        line["class_metrics"][1]["recall"].as_f64().expect("a recall"),
        line["accuracy"].as_f64().expect("an accuracy"),
    )
}

#[test]
fn a_rare_class_is_found_by_every_kind_of_method() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = table(folder.path());
    let data = data.to_str().expect("a path");
    for method in ["pdadmm", "dladmm", "taylor", "gd", "adam", "proxprop", "local", "gsadmm"] {
        let (plain, _) = of_the_rare(folder.path(), data, method, "none");
        let (balanced, accuracy) = of_the_rare(folder.path(), data, method, "balanced");
        assert!(balanced > plain + 0.15, "{method}: {plain} {balanced}");
        assert!(balanced > 0.5 && accuracy > 0.5, "{method}: {balanced} {accuracy}");
    }
}

/// With samples set aside, as is the default for tables, the sweep that is kept is that of the lowest weighted loss.
#[test]
fn the_best_sweep_is_not_the_one_that_forgets_the_rare_class() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = table(folder.path());
    let data = data.to_str().expect("a path");
    let train =
        ["train", "--data", data, "--json", "--sweeps=60", "--class-weights=balanced", "--validation=0.3"];
    let lines = lines(&altmin(&train));
    let sweeps: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "sweep").collect();
    let summary = lines.iter().find(|line| line["kind"] == "summary").expect("a summary");
    let best = summary["best"]["sweep"].as_u64().expect("a sweep") as usize;
    let number = |line: &Value, key: &str| line[key].as_f64().expect("a number");
    let lowest = summary["best"]["validation_loss"].as_f64().expect("a loss");
    let accuracies = sweeps.iter().map(|sweep| number(sweep, "validation_accuracy"));
    let highest = accuracies.fold(0.0, f64::max);
    let of_best = number(sweeps[best - 1], "validation_accuracy");
    assert!(of_best < highest, "accuracy alone would have kept another sweep: {of_best} {highest} {lowest}");
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = table(folder.path());
    let data = data.to_str().expect("a path");
    let refused = |arguments: &[&str], said: &str| {
        let output = altmin(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said), "{said}: {text}");
    };
    let train = |weights: &'static str| ["train", "--data", data, "--class-weights", weights];
    refused(&train("1,2,3"), "2 weights, one a class");
    refused(&train("1,0"), "above 0");
    refused(&train("1,1e-60"), "above 0");
    refused(&train("equal"), "balanced");
    refused(&[&train("balanced")[..], &["--target=a", "--loss=least-squares"]].concat(), "class-weights");
    refused(&["verify", "--class-weights=balanced"], "class-weights");
}
