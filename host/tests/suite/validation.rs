//! Samples that are set aside: which ones, what is scored on them, and that the test samples are passed once, by the model that is kept
//! and by a linear one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::data::{DataOptions, DataSource, Dataset, Validation, load, load_split};
use serde_json::Value;

/// Rows that their first column tells apart; a class in seven is rare.
fn table(folder: &Path, name: &str, rows: std::ops::Range<usize>) -> PathBuf {
    let row = |i: usize| {
        let class = if i.is_multiple_of(7) { "rare" } else { "common" };
        format!("{i},{},{}.5,{class}\n", i * i % 13, i * 5 % 11)
    };
    let path = folder.join(name);
    fs::write(&path, format!("id,a,b,class\n{}", rows.map(row).collect::<String>())).expect("room");
    path
}

fn ids(part: &Dataset<f64>) -> BTreeSet<u64> {
    part.features().iter().step_by(part.n_features()).map(|&id| id as u64).collect()
}

#[test]
fn each_row_is_in_one_part_and_classes_have_their_share() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = DataSource::Csv(table(folder.path(), "all.csv", 0..210));
    let of = |share: Option<f64>, split_seed| {
        let validation = share.map(Validation::Share);
        let options = DataOptions { validation, split_seed, ..DataOptions::default() };
        load_split::<f64>(&source, &options).expect("a table")
    };
    let whole = of(None, 3);
    assert!(whole.validation.is_none());
    for share in [0.1, 0.25, 0.5] {
        let split = of(Some(share), 3);
        let validation = split.validation.as_ref().expect("samples set aside");
        // A fifth of the rows is for tests, whatever is set aside of the others.
        assert_eq!(ids(&split.test), ids(&whole.test));
        assert_eq!(validation.n_samples(), (168.0 * share).round() as usize);
        let (train, aside) = (ids(&split.train), ids(validation));
        assert!(train.is_disjoint(&aside));
        assert_eq!(train.union(&aside).copied().collect::<BTreeSet<_>>(), ids(&whole.train));
        let rare = validation.class_counts()[1] as f64;
        assert!((rare - 24.0 * share).abs() <= 1.0, "{share}: {rare}");
        assert_ne!(ids(of(Some(share), 4).validation.as_ref().expect("samples")), aside);
        // What sweeps are scored on is what a trainer is given as its test samples.
        let options = DataOptions {
            validation: Some(Validation::Share(share)),
            split_seed: 3,
            ..DataOptions::default()
        };
        assert_eq!(ids(&load::<f64>(&source, &options).expect("a table").1), aside);
    }
    let none = DataOptions { validation: Some(Validation::Share(1e-3)), ..DataOptions::default() };
    let error = load_split::<f64>(&source, &none).expect_err("no sample");
    assert!(error.is_usage() && error.to_string().contains("validation"), "{error}");
}

#[test]
fn scales_are_those_of_the_samples_that_are_trained_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = DataSource::Csv(table(folder.path(), "all.csv", 0..210));
    let options =
        DataOptions { validation: Some(Validation::Share(0.3)), scale: true, ..DataOptions::default() };
    let split = load_split::<f64>(&source, &options).expect("a table");
    for feature in 0..3 {
        let of = |part: &Dataset<f64>| {
            let numbers: Vec<f64> = part.features().iter().skip(feature).step_by(3).copied().collect();
            numbers.iter().sum::<f64>() / numbers.len() as f64
        };
        assert!(of(&split.train).abs() < 1e-12);
        assert!(of(split.validation.as_ref().expect("samples")).abs() > 1e-6);
    }
}

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// The lines of `--json` of one kind.
fn lines(output: &Output, kind: &str) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout);
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["kind"] == kind).collect()
}

#[test]
fn the_test_samples_are_passed_once_by_the_model_that_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (table(folder.path(), "all.csv", 0..210), folder.path().join("run"));
    let output = altmin(&[
        "train",
        "--data",
        text(&data),
        "--exclude",
        "id",
        "--hidden",
        "12",
        "--sweeps",
        "40",
        "--json",
        "--out",
        text(&run),
    ]);
    let sweeps = lines(&output, "sweep");
    assert!(
        sweeps.iter().all(|line| line["validation_accuracy"].is_f64() && line["test_accuracy"].is_null())
    );
    let [summary] = &lines(&output, "summary")[..] else { panic!("one summary") };
    let [test] = &lines(&output, "test")[..] else { panic!("one test") };
    let best = summary["best"]["sweep"].as_u64().expect("a sweep");
    let last = sweeps.len() as u64;
    assert!(summary["outcome"] == "sweep-limit" || last == best + 20, "{summary}");
    let header = fs::read_to_string(run.join("metrics.csv")).expect("metrics");
    assert!(header.lines().next().is_some_and(|line| line.contains("validation_accuracy")), "{header}");
    let info = altmin(&["info", "--data", text(&data), "--exclude", "id", "--hidden", "12"]);
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    assert!(info.contains("151 training samples, 17 validation samples, 42 test samples"), "{info}");
    // The folder has the model that was tested, and its test samples are still those of the split.
    let again = altmin(&["evaluate", "--model", text(&run), "--split", "test", "--json"]);
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(again["accuracy"], test["test_accuracy"]);
    assert_eq!(again["loss"], test["loss"]);
}

#[test]
fn a_file_of_validation_samples_is_told_by_and_leaves_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (table(folder.path(), "all.csv", 0..70), table(folder.path(), "tell.csv", 70..90));
    let test = table(folder.path(), "test.csv", 90..120);
    let source = DataSource::Csv(data.clone());
    let of = |test: Option<&PathBuf>| {
        let validation = Some(Validation::File(other.clone()));
        let options =
            DataOptions { test: test.cloned(), validation, split_seed: 3, ..DataOptions::default() };
        let split = load_split::<f64>(&source, &options).expect("tables");
        [Some(&split.train), split.validation.as_ref(), Some(&split.test)]
            .map(|part| ids(part.expect("a part")))
    };
    assert_eq!(of(Some(&test)), [0..70, 70..90, 90..120].map(|rows| rows.collect()));
    let [train, validation, tested] = of(None);
    assert_eq!(validation, (70..90).collect());
    assert_eq!((train.len(), tested.len()), (56, 14));
    assert_eq!(train.union(&tested).copied().collect::<BTreeSet<_>>(), (0..70).collect());

    let twice = [("--data", &other), ("--test", &other)];
    for (flag, file) in twice {
        let all = if flag == "--data" { vec![] } else { vec!["--data", text(&data)] };
        let output = altmin(&[&["train", flag, text(file), "--validation", text(&other)], &all[..]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`validation` is") && said.contains("a file of its own"), "{said}");
    }
    let refused = altmin(&["train", "--validation", text(&other)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("digits has no columns"));

    let run = folder.path().join("run");
    let arguments = ["train", "--data", text(&data), "--validation", text(&other), "--hidden", "8", "--json"];
    let output = altmin(&[&arguments[..], &["--sweeps", "5", "--out", text(&run)]].concat());
    assert_eq!(lines(&output, "test").len(), 1);
    let again = altmin(&["train", "--config", text(&run.join("config.toml")), "--json"]);
    assert_eq!(lines(&again, "test"), lines(&output, "test"));
    let best = lines(&output, "sweep")
        .iter()
        .map(|line| line["validation_accuracy"].as_f64())
        .max_by(|one, other| one.partial_cmp(other).expect("numbers"));
    let again = altmin(&["evaluate", "--model", text(&run), "--data", text(&other), "--json"]);
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(again["accuracy"].as_f64(), best.expect("a sweep"));
}

#[test]
fn a_file_of_test_samples_leaves_all_rows_for_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, other) = (table(folder.path(), "all.csv", 0..70), table(folder.path(), "test.csv", 70..100));
    let source = DataSource::Csv(data.clone());
    let options = DataOptions {
        test: Some(other.clone()),
        validation: Some(Validation::Share(0.2)),
        ..DataOptions::default()
    };
    let split = load_split::<f64>(&source, &options).expect("two tables");
    let validation = split.validation.as_ref().expect("samples");
    assert_eq!(ids(&split.test), (70..100).collect());
    assert_eq!(
        ids(&split.train).union(&ids(validation)).copied().collect::<BTreeSet<_>>(),
        (0..70).collect()
    );

    // No path of the training file is one of other samples.
    let twice = folder.path().join("..").join(folder.path().file_name().expect("a name")).join("all.csv");
    let output = altmin(&["train", "--data", text(&data), "--test", text(&twice)]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("a file of its own"), "{said}");

    let run = folder.path().join("run");
    let train = ["train", "--data", text(&data), "--test", text(&other), "--sweeps", "5", "--hidden", "8"];
    let output = altmin(&[&train[..], &["--json", "--out", text(&run)]].concat());
    let [test] = &lines(&output, "test")[..] else { panic!("one test") };
    let of =
        |arguments: &[&str]| altmin(&[&["evaluate", "--model", text(&run), "--json"], arguments].concat());
    // All rows were there for training: none is a test sample now.
    let refused = of(&["--split", "test"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("trained on all rows"));
    let again = of(&["--data", text(&other)]);
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(again["accuracy"], test["test_accuracy"]);
    let resumed = altmin(&["train", "--config", text(&run.join("config.toml")), "--json"]);
    assert_eq!(lines(&resumed, "test")[0], *test);
}

/// Targets that the features do not tell: without a stop a network learns the noise by heart.
#[test]
fn a_table_of_noise_is_not_learnt_by_heart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("noise.csv");
    let mut state = 1_u64;
    let mut drawn = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let rows: String = (0..300)
        .map(|_| {
            let [a, b, c, d, noise] = std::array::from_fn(|_| drawn());
            format!("{a},{b},{c},{d},{}\n", a + 2.0 * noise)
        })
        .collect();
    fs::write(&path, format!("a,b,c,d,y\n{rows}")).expect("room");
    let r2 = |more: &[&str]| {
        let fixed = ["train", "--data", text(&path), "--loss", "least-squares", "--json"];
        let output = altmin(&[&fixed[..], more].concat());
        let last = |kind| lines(&output, kind).pop();
        let test = last("test").or_else(|| last("summary")).expect("a line");
        test["test_r2"].as_f64().expect("a number")
    };
    // Of the targets' variance a fifth is there to be learnt.
    let (stopped, by_heart) = (r2(&[]), r2(&["--validation", "none", "--nu", "9", "--weight-decay", "0"]));
    assert!(stopped > 0.0 && by_heart < -0.2, "{stopped} {by_heart}");
}

/// The weights, and last the constant, of ridge regression, `1/2 |Y - WX - b|^2 + 1/2 |W|^2`: normal equations, solved by Gaussian
/// elimination.
fn ridge(x: &Dataset<f64>) -> Vec<f64> {
    let n = x.n_features() + 1;
    let row = |j: usize| x.sample(j).iter().copied().chain([1.0]).collect::<Vec<_>>();
    let mut all = vec![vec![0.0; n + 1]; n];
    for j in 0..x.n_samples() {
        let row = row(j);
        for a in 0..n {
            (0..n).for_each(|b| all[a][b] += row[a] * row[b]);
            all[a][n] += row[a] * x.values()[j];
        }
    }
    (0..n - 1).for_each(|a| all[a][a] += 1.0);
    for pivot in 0..n {
        let above = all[pivot].clone();
        for other in (0..n).filter(|&other| other != pivot) {
            let factor = all[other][pivot] / above[pivot];
            all[other].iter_mut().zip(&above).for_each(|(to, from)| *to -= factor * from);
        }
    }
    (0..n).map(|i| all[i][n] / all[i][i]).collect()
}

fn r_squared(weights: &[f64], data: &Dataset<f64>) -> f64 {
    let predicted = |j: usize| {
        let sum: f64 = data.sample(j).iter().zip(weights).map(|(x, w)| x * w).sum();
        sum + weights[weights.len() - 1]
    };
    let mean = data.values().iter().sum::<f64>() / data.n_samples() as f64;
    let of = |at: &dyn Fn(usize) -> f64| {
        (0..data.n_samples()).map(|j| (data.values()[j] - at(j)).powi(2)).sum::<f64>()
    };
    1.0 - of(&predicted) / of(&|_| mean)
}

#[test]
fn the_linear_model_beside_a_table_is_ridge_regression() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("line.csv");
    let rows: String = (0..120)
        .map(|i| {
            let [a, b, c] = [i % 17, i * i % 23, i * 7 % 11].map(f64::from);
            format!("{a},{b},{c},{}\n", 3.0 * a - b + 0.5 * c + f64::from(i * 13 % 19))
        })
        .collect();
    fs::write(&path, format!("a,b,c,y\n{rows}")).expect("room");
    let options = DataOptions { regression: true, split_seed: 5, scale: true, ..DataOptions::default() };
    let split = load_split::<f64>(&DataSource::Csv(path.clone()), &options).expect("a table");
    let expected = r_squared(&ridge(&split.train), &split.test);
    let fixed =
        ["train", "--data", text(&path), "--loss", "least-squares", "--split-seed", "5", "--sweeps", "3"];
    let of = |more: &[&str]| altmin(&[&fixed[..], more].concat());
    let line = lines(&of(&["--validation", "none", "--precision", "f64", "--json"]), "linear").remove(0);
    assert!((line["test_r2"].as_f64().expect("R^2") - expected).abs() < 1e-6, "{line} {expected}");
    // Beside the network it is shown, and a network of three sweeps is no better than it.
    let output = of(&[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nlinear model "));
    assert!(String::from_utf8_lossy(&output.stderr).contains("note: a linear model does as well"));
    assert_eq!(lines(&altmin(&["train", "--sweeps", "2", "--json"]), "linear"), Vec::<Value>::new());
}

/// Two classes that a line parts, and a rare third one that another line does.
#[test]
fn the_linear_model_of_classes_finds_the_lines_that_part_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("parts.csv");
    let rows: String = (0..300)
        .map(|i| {
            let (a, b) = (f64::from(i % 31) - 15.0, f64::from(i * i % 29) - 14.0);
            let class = if a + b > 12.0 {
                "far"
            } else if a - b > 0.5 {
                "right"
            } else {
                "left"
            };
            format!("{a},{b},{class}\n")
        })
        .collect();
    fs::write(&path, format!("a,b,class\n{rows}")).expect("room");
    let output = altmin(&["train", "--data", text(&path), "--sweeps", "1", "--json"]);
    let accuracy = lines(&output, "linear")[0]["test_accuracy"].as_f64().expect("a share");
    assert!(accuracy > 0.9, "{accuracy}");
}
