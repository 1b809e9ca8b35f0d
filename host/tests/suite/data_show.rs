//! `altmin data show`: what is said of a table's columns and of images, and a command that trains.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn altmin(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// An index, holes, a comment that differs from row to row, a class.
fn table() -> String {
    let row = |i: usize| {
        let size = if i % 8 == 3 { String::new() } else { format!("{}.25", i % 10) };
        let color = ["red", "blue", "red", "NA"][i % 4];
        format!("{},{size},{color},\"note {i}, long\",{}\n", i + 5, ["no", "yes"][i / 3 % 2])
    };
    ",size,\"my color\",comment,class\n".to_owned() + &(0..80).map(row).collect::<String>()
}

#[test]
fn columns_are_described_and_the_command_trains() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("all.csv"), table()).expect("room");
    let said: Value =
        serde_json::from_str(&stdout(&altmin(folder.path(), "data show all.csv --json"))).expect("JSON");
    assert_eq!((&said["rows"], &said["header"]), (&json!(80), &json!(true)));
    let column = |place: usize| said["columns"][place].clone();
    // Sizes are i % 10 + 1/4 but where i % 8 is 3: of 80 rows each last digit misses once or never.
    let sizes: Vec<f64> = (0..80).filter(|i| i % 8 != 3).map(|i| f64::from(i % 10) + 0.25).collect();
    let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let numbers = |least: f64, largest: f64, mean: f64, different: usize, integers: bool, rows: bool| {
        json!({"kind": "numbers", "least": least, "largest": largest, "mean": mean, "different": different,
            "integers": integers, "number_the_rows": rows, "others": 0})
    };
    let with = |name: &str, missing: usize, mut content: Value| {
        content["name"] = name.into();
        content["missing"] = missing.into();
        content
    };
    assert_eq!(column(0), with("1", 0, numbers(5.0, 84.0, 44.5, 80, true, true)));
    assert_eq!(column(1), with("size", 10, numbers(0.25, 9.25, mean, 10, false, false)));
    let counts = json!({"kind": "categories", "counts": [["blue", 20], ["red", 40]]});
    assert_eq!(column(2), with("my color", 20, counts));
    assert_eq!(column(3), with("comment", 0, json!({"kind": "text", "different": 80})));
    let counts = json!({"kind": "categories", "counts": [["no", 41], ["yes", 39]]});
    assert_eq!(column(4), with("class", 0, counts));
    assert_eq!(said["command"], "altmin train --data all.csv --exclude 1,comment --missing indicator");
    let command = said["command"].as_str().expect("a command").trim_start_matches("altmin ").to_owned();
    assert!(altmin(folder.path(), &(command + " --sweeps 2 --quiet")).status.success());
    let text = stdout(&altmin(folder.path(), "data show all.csv"));
    for part in [
        "80 rows, 5 columns, with a header",
        "5 to 84, mean 44.5, numbers the rows",
        "80 different",
        "blue 20, red 40",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_last_column_says_what_is_to_be_learnt() {
    let folder = tempfile::tempdir().expect("a folder");
    let command = |name: &str, last: fn(usize) -> String| {
        let rows: String = (0..60).map(|i| format!("{},{}\n", i * i % 17, last(i))).collect();
        fs::write(folder.path().join(name), "a,y\n".to_owned() + &rows).expect("room");
        let mut show = Command::new(env!("CARGO_BIN_EXE_altmin"));
        let output = show
            .current_dir(folder.path())
            .args(["data", "show", name])
            .output()
            .expect("the program starts");
        stdout(&output).lines().last().expect("a line").to_owned()
    };
    assert_eq!(command("a.csv", |i| (i % 3).to_string()), "train on it: altmin train --data a.csv");
    assert_eq!(
        command("b.csv", |i| i.to_string()),
        "train on it: altmin train --data b.csv --loss least-squares"
    );
    assert_eq!(
        command("c.csv", |i| format!("{}.5", i % 3)),
        "train on it: altmin train --data c.csv --loss least-squares"
    );
    assert_eq!(
        command("d.csv", |i| ["x", "y", ""][i % 3].to_owned()),
        "train on it: altmin train --data d.csv --missing drop"
    );
    assert_eq!(
        command("e.csv", |i| format!("text {i}")),
        "the last column is text: --target names the columns to learn"
    );
    assert_eq!(
        command("it's mine.csv", |i| (i % 3).to_string()),
        r"train on it: altmin train --data 'it'\''s mine.csv'"
    );
}

#[test]
fn images_are_described_by_part_and_class() {
    let folder = crate::common::folder();
    let said: Value =
        serde_json::from_str(&stdout(&altmin(folder.path(), "data show . --json"))).expect("JSON");
    assert_eq!((&said["channels"], &said["height"], &said["width"]), (&json!(1), &json!(4), &json!(2)));
    let class = |name: &str| json!({"name": name, "training_samples": 2, "test_samples": 1});
    assert_eq!(said["classes"], json!([class("0"), class("1"), class("2")]));
    // Pixels 0 to 47 of 255.
    let near = |key: &str, expected: f64| {
        let found = said["pixels"][0][key].as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-7, "{key}: {found} {expected}");
    };
    near("mean", 23.5 / 255.0);
    near("deviation", f64::sqrt((48.0 * 48.0 - 1.0) / 12.0) / 255.0);
    let text = stdout(&altmin(folder.path(), "data show ."));
    assert!(text.contains("4x2 pixels, one channel, 6 for training, 3 for testing"), "{text}");
    for (arguments, part) in [
        ("data show digits --header yes", "`header` is `yes`"),
        ("data show absent", "absent"),
        ("data", "Usage"),
    ] {
        let output = altmin(folder.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{arguments}: {stderr}");
    }
}

#[test]
fn a_sheet_has_ten_images_of_each_class() {
    let folder = tempfile::tempdir().expect("a folder");
    stdout(&altmin(folder.path(), "data show digits --sheet sheet.png"));
    let file = fs::File::open(folder.path().join("sheet.png")).expect("the sheet");
    let reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG file");
    // Images of 8 x 8 pixels are shown four times as large, 2 pixels apart.
    let side = 10 * (32 + 2) + 2;
    assert_eq!((reader.info().width, reader.info().height), (side, side));
    fs::write(folder.path().join("all.csv"), table()).expect("room");
    for (arguments, part) in [
        ("data show digits --sheet sheet.jpg", "ends in .png"),
        ("data show all.csv --sheet x.png", "expected images"),
    ] {
        let output = altmin(folder.path(), arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{arguments}: {stderr}");
    }
}
