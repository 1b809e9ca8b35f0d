//! Parts of the samples that are tested on in turn: which ones, and what is said of all.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use altmin::data::split::Fold;
use altmin::data::{DataOptions, DataSource, load};
use proptest::prelude::*;
use serde_json::Value;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn each_sample_is_tested_on_once_and_each_class_has_its_share(count in 2..9usize, rows in 40..90usize, split_seed: u64) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("all.csv");
        let class = |i: usize| if i.is_multiple_of(5) { "rare" } else { "common" };
        let content: String = (0..rows).map(|i| format!("{i},{},{}\n", i * i % 7, class(i))).collect();
        fs::write(&path, format!("id,a,class\n{content}")).expect("room");
        let mut tested = BTreeSet::new();
        for index in 0..count {
            let options = DataOptions { fold: Some(Fold { index, count }), split_seed, ..DataOptions::default() };
            let (train, test) = load::<f64>(&DataSource::Csv(path.clone()), &options).expect("a table");
            let ids = |features: &[f64]| features.iter().step_by(2).map(|&id| id as usize).collect::<BTreeSet<_>>();
            let (own, others) = (ids(test.features()), ids(train.features()));
            prop_assert!(own.is_disjoint(&others) && own.len() + others.len() == rows);
            prop_assert!(own.iter().all(|&id| tested.insert(id)));
            prop_assert!((rows / count..=rows.div_ceil(count)).contains(&own.len()));
            let rare = rows.div_ceil(5);
            prop_assert!((rare / count..=rare.div_ceil(count)).contains(&test.class_counts()[1]));
        }
        prop_assert_eq!(tested.len(), rows);
    }
}

fn altmin(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.args(arguments.split_whitespace()).output().expect("the program starts")
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let without_times = |mut line: Value| {
        line.as_object_mut().expect("an object").remove("seconds");
        line
    };
    text.lines().map(|line| without_times(serde_json::from_str(line).expect("JSON"))).collect()
}

#[test]
fn the_program_says_each_score_and_mean_and_spread() {
    let command = "train --sweeps 3 --hidden 16 --cross-validate 4";
    let all = lines(&altmin(&format!("{command} --json --threads 1")));
    assert_eq!(all, lines(&altmin(&format!("{command} --json --threads 2"))));
    let (folds, overall) = all.split_at(4);
    let scores: Vec<f64> =
        folds.iter().map(|fold| fold["test_accuracy"].as_f64().expect("a share")).collect();
    // A quarter of 1,797 images is 449 or 450; each score is that of so many.
    for score in &scores {
        assert!(
            [449.0, 450.0].iter().any(|count| (score * count - (score * count).round()).abs() < 1e-9),
            "{score}"
        );
    }
    let mean = scores.iter().sum::<f64>() / 4.0;
    let deviation = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    let said = |key: &str| overall[0][key]["test_accuracy"].as_f64().expect("a number");
    assert!((said("mean") - mean).abs() < 1e-12 && (said("deviation") - deviation).abs() < 1e-12);
    assert!(mean > 0.8 && overall[0]["linear"].is_null(), "{overall:?}");
    let text = String::from_utf8(altmin(command).stdout).expect("text");
    let rows: Vec<&str> = text.lines().map(|line| line.split_whitespace().next().expect("a word")).collect();
    assert_eq!(rows, ["fold", "1", "2", "3", "4", "mean", "deviation"]);
    assert!(text.contains(&format!("{:.2} %", 100.0 * mean)), "{text}");
}

#[test]
fn values_have_their_own_measure_and_a_linear_model_beside_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.csv");
    let content: String =
        (0..60).map(|i| format!("{},{},{}\n", i % 10, i % 7, 3 * (i % 10) - (i % 7))).collect();
    fs::write(&path, format!("a,b,y\n{content}")).expect("room");
    let options = format!("--data {} --loss least-squares --cross-validate 3", path.display());
    let all = lines(&altmin(&format!("train --json {options}")));
    let overall = &all[3];
    assert_eq!((all.len(), &overall["kind"]), (4, &Value::from("cross-validation")));
    assert!(overall["linear"]["mean"]["test_r2"].as_f64().is_some_and(|r2| r2 > 0.999), "{overall}");
    assert!(overall["mean"]["test_r2"].as_f64().is_some_and(|r2| r2 > 0.9), "{overall}");
    for (arguments, part) in [
        (format!("{options} --holdout"), "`holdout` is `true`"),
        (format!("{options} --test {}", path.display()), "`test` is"),
        (format!("{options} --out x"), "cannot be used with"),
        ("--cross-validate 1".to_owned(), "`cross-validate` is `1`, expected 2 to 1797"),
        (options.replace("validate 3", "validate 61"), "`cross-validate` is `61`, expected 2 to 60"),
    ] {
        let output = altmin(&format!("train {arguments}"));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{arguments}: {stderr}");
    }
}
