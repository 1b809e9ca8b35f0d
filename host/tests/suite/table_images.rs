//! Tables whose columns are pixels.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use altmin::data::{self, DataOptions, DataSource, ImageShape, Missing, load};
use altmin::network::model::Model;
use serde_json::Value;

fn altmin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_altmin")).args(arguments).output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(output: &Output, kind: &str) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = all.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["kind"] == kind).collect()
}

/// Images of 2 x 1 pixels with three channels, of which column `xij` is channel j of pixel i, and a class before them.
fn colours(folder: &Path) -> PathBuf {
    let row = |i: i32| {
        let pixel = |p: i32| format!("{},{},{}", i + p, 10 * (i + p), 100 + (i * i + p) % 7);
        format!("{},{},{}\n", if i % 2 == 0 { "even" } else { "odd" }, pixel(0), pixel(1))
    };
    let path = folder.join("colours.csv");
    let rows: String = (0..20).map(row).collect();
    fs::write(&path, format!("class,x00,x01,x02,x10,x11,x12\n{rows}")).expect("room");
    path
}

fn options() -> DataOptions {
    DataOptions {
        target: Some(vec!["class".to_owned()]),
        shape: Some(ImageShape { height: 2, width: 1, channels: 3 }),
        ..DataOptions::default()
    }
}

#[test]
fn channels_lie_beside_each_other_in_a_row_and_after_one_another_in_a_sample() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = DataSource::Csv(colours(folder.path()));
    let (train, test) = load::<f64>(&source, &options()).expect("a table");
    assert_eq!(train.image(), options().shape);
    for part in [&train, &test] {
        for (sample, &row) in part.rows().expect("rows").iter().enumerate() {
            let i = row as f64;
            let blue = |p: f64| 100.0 + (i * i + p) % 7.0;
            let expected = [i, i + 1.0, 10.0 * i, 10.0 * (i + 1.0), blue(0.0), blue(1.0)];
            assert_eq!(part.sample(sample), expected);
        }
    }
    let names: Vec<_> =
        train.columns().expect("columns").features.iter().map(|column| &column.name[..]).collect();
    assert_eq!(names, ["x00", "x10", "x01", "x11", "x02", "x12"]);

    // Scaled, the pixels of a channel together have mean 0 and deviation 1, and the scale is one.
    let (scaled, _) = load::<f64>(&source, &DataOptions { scale: true, ..options() }).expect("a table");
    for channel in 0..3 {
        let of = |data: &data::Dataset<f64>| -> Vec<f64> {
            data.features().chunks(6).flat_map(|sample| sample[2 * channel..][..2].to_vec()).collect()
        };
        let (plain, found) = (of(&train), of(&scaled));
        let count = plain.len() as f64;
        let mean = plain.iter().sum::<f64>() / count;
        let deviation = (plain.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        for (x, scaled) in plain.iter().zip(found) {
            assert!((scaled - (x - mean) / deviation).abs() < 1e-12, "{channel}");
        }
    }
}

#[test]
fn shapes_that_are_none_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = colours(folder.path());
    let source = DataSource::Csv(path.clone());
    let refused = |options: DataOptions| load::<f64>(&source, &options).expect_err("refused").to_string();
    let shape = |height, width, channels| Some(ImageShape { height, width, channels });
    let error = refused(DataOptions { shape: shape(2, 2, 1), ..options() });
    assert!(error.contains("`shape` is `2x2x1`") && error.contains("6 pixels"), "{error}");
    let error = refused(DataOptions { pool: 2, ..options() });
    assert!(error.contains("`pool` is `2`") && error.contains("a column for each pixel"), "{error}");
    let error = refused(DataOptions { missing: Missing::Indicator, ..options() });
    assert!(error.contains("`missing` is `indicator`"), "{error}");
    let error = refused(DataOptions { target: Some(vec!["x12".to_owned()]), ..options() });
    assert!(error.contains("`class`") && error.contains("categories"), "{error}");
    for text in ["8", "8x", "0x8", "8x8x1x1", "8x8 ", "99999999999x99999999999"] {
        let output = altmin(&["train", "--data", path.to_str().expect("UTF-8"), "--shape", text]);
        assert!(
            output.status.code() == Some(2) && said(&output).contains("such as 28x28"),
            "{text}: {}",
            said(&output)
        );
    }
    let output = altmin(&["train", "--shape", "8x8"]);
    assert!(output.status.code() == Some(2) && said(&output).contains("shape"), "{}", said(&output));
}

#[test]
fn a_table_of_digits_trains_convolutions() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("digits.csv");
    let (train, test) = data::digits::load::<f64>(0).expect("the digits");
    let row = |(sample, label): (&[f64], &u32)| {
        let pixels: Vec<String> = sample.iter().map(|pixel| (255.0 * pixel).round().to_string()).collect();
        format!("{label},{}\n", pixels.join(","))
    };
    let part = |data: &data::Dataset<f64>| {
        data.features().chunks(64).zip(data.labels()).map(row).collect::<String>()
    };
    let names: Vec<String> = (0..64).map(|index| format!("pixel{index}")).collect();
    fs::write(&path, format!("label,{}\n{}{}", names.join(","), part(&train), part(&test))).expect("room");
    let (data, run) = (path.to_str().expect("UTF-8"), folder.path().join("run"));
    let run = run.to_str().expect("UTF-8");
    let shape = ["--target", "label", "--shape", "8x8x1"];
    let network = [
        "--network",
        "conv 6 3x3 same, relu, maxpool 2, flatten, dense 10",
        "--batch",
        "32",
        "--sweeps",
        "4",
    ];
    let output = altmin(&[&["train", "--data", data, "--json", "--out", run], &shape[..], &network].concat());
    let test = lines(&output, "test").remove(0);
    assert!(test["test_accuracy"].as_f64().expect("a share") > 0.93, "{test}");
    let model = Model::<f32>::load(&Path::new(run).join("model.safetensors")).expect("a model");
    let columns = model.preprocessing.columns.as_ref().expect("columns");
    assert_eq!(columns.image, Some(ImageShape { height: 8, width: 8, channels: 1 }));

    let evaluated = altmin(&["evaluate", "--model", run, "--split", "test", "--json"]);
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout).expect("JSON");
    assert_eq!(evaluated["accuracy"], test["test_accuracy"]);
    let predicted = altmin(&["predict", "--model", run, "--data", data, "--keep", "target"]);
    let predicted = String::from_utf8_lossy(&predicted.stdout).into_owned();
    let is_right = |line: &&str| line.split(',').nth(1) == line.split(',').nth(2);
    let rows = predicted.lines().count() - 1;
    let share = predicted.lines().skip(1).filter(is_right).count() as f64 / rows as f64;
    assert!((share - test["test_accuracy"].as_f64().expect("a share")).abs() < 1e-12, "{share} of {rows}");
    let page = folder.path().join("page.html");
    let output = altmin(&["report", run, "--out", page.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(fs::read_to_string(&page).expect("a page").contains("data:image/png;base64,"));
}
