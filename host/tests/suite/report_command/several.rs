//! Several runs in one page, runs that ended early, and figures as files.

use super::{altmin, by_id, column, document, done, drawn, page, percent, rows, text, tile, train};
use std::fs;
use std::path::Path;

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() - 1) as f64).sqrt())
}

#[test]
fn runs_of_three_seeds_have_mean_and_spread() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let seed = |seed: usize| {
        let options = format!("--method adam --batch 50 --split-seed 0 --sweeps 5 --hidden 10 --seed {seed}");
        train(folder.path(), &format!("seed-{seed}"), &options)
    };
    let runs = [seed(0), seed(1), seed(2), train(folder.path(), "other", "--sweeps 2 --hidden 10 --seed 3")];
    let runs: Vec<&Path> = runs.iter().map(AsRef::as_ref).collect();
    let page = page(folder.path(), &runs, &[]);
    let document = document(&page);
    let rows = rows(&document, "comparison");
    let named: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(named, ["run", "seed-0, seed-1, seed-2 (n = 3)", "seed-0", "seed-1", "seed-2", "other"]);
    assert_eq!(rows[0][2..4], ["final test accuracy", "best test accuracy"]);
    let of = |value: fn(&[f64]) -> f64| {
        let values: Vec<f64> = runs[..3].iter().map(|run| value(&column(run, "test_accuracy"))).collect();
        let (mean, deviation) = mean_and_deviation(&values);
        assert!(deviation > 0.0, "seeds make no difference");
        format!("{} \u{b1} {}", percent(mean), percent(deviation))
    };
    assert_eq!(rows[1][2], of(|values| values[4]));
    assert_eq!(rows[1][3], of(|values| values.iter().copied().fold(0.0, f64::max)));
    let seconds: Vec<f64> = runs[..3].iter().map(|run| column(run, "seconds")[4]).collect();
    let (mean, deviation) = mean_and_deviation(&seconds);
    assert_eq!(rows[1][5], format!("{mean:.4} \u{b1} {deviation:.4}"));
    assert_eq!(rows[2][2], percent(column(runs[0], "test_accuracy")[4]));
    assert_eq!(drawn(by_id(&document, "test-accuracy"), "chart over-sweeps"), [5, 5, 5, 2]);
    // Those of the last run are others, as its split is.
    let samples = by_id(&document, "samples").children().filter(|node| node.has_tag_name("details"));
    let shown: Vec<_> = samples.map(|samples| tile(samples, "accuracy")).collect();
    let last = |run: &&Path| percent(*column(run, "test_accuracy").last().expect("a sweep"));
    assert_eq!(shown, runs.iter().map(last).collect::<Vec<_>>());
    let differing = super::rows(&document, "settings that differ");
    assert!(differing.iter().any(|row| row[..] == ["seed", "0", "1", "2", "3"]), "{differing:?}");
    assert!(differing.iter().all(|row| row[0] != "activation"), "{differing:?}");
}

#[test]
fn a_comparison_stands_for_its_runs_in_their_order() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let out = folder.path().join("all");
    let options = "compare --methods proxprop,adam,gd --sweeps 3 --hidden 10 --samples 200 --quiet --out";
    done(&[&options.split(' ').collect::<Vec<_>>()[..], &[text(&out)]].concat());
    let page = page(folder.path(), &[&out], &["--no-data"]);
    let document = document(&page);
    let named: Vec<_> = rows(&document, "comparison").iter().map(|row| row[0].clone()).collect();
    assert_eq!(named, ["run", "proxprop", "adam", "gd"]);
    assert!(page.contains("Objectives and residuals of different methods cannot be compared."));
}

#[test]
fn a_run_that_diverged_or_was_killed_is_shown_as_far_as_it_came() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = folder.path().join("run");
    let options = "train --method adam --learning-rate 1e25 --sweeps 4 --quiet --out";
    let output = altmin(&[&options.split(' ').collect::<Vec<_>>()[..], &[text(&run)]].concat());
    assert_eq!(output.status.code(), Some(1));
    let whole = page(folder.path(), &[&run], &[]);
    assert!(whole.contains("0 of 4") && whole.contains("No sweep was finished."));
    let killed = train(folder.path(), "killed", "--sweeps 4 --hidden 10");
    let rows = fs::read_to_string(killed.join("metrics.csv")).expect("metrics");
    let third = rows.match_indices('\n').nth(2).expect("rows").0;
    fs::write(killed.join("metrics.csv"), &rows[..third + 9]).expect("written");
    fs::remove_file(killed.join("model.safetensors")).expect("removed");
    let part = page(folder.path(), &[&killed], &[]);
    assert!(part.contains("2 of 4") && part.contains("Left out: cannot read"));
    assert_eq!(drawn(by_id(&document(&part), "loss"), "chart over-seconds"), [2]);
}

#[test]
fn figures_are_files_too() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let run = train(folder.path(), "run", "--sweeps 3 --hidden 10 --method pdadmm");
    let out = folder.path().join("new/figures");
    done(&["report", text(&run), "--format", "svg", "-o", text(&out)]);
    let entries = fs::read_dir(&out).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
    names.sort();
    let figures = ["loss", "objective", "residuals", "scores"];
    let expected: Vec<_> = figures
        .iter()
        .flat_map(|name| ["seconds", "sweeps"].map(|over| format!("{name}-{over}.svg")))
        .collect();
    assert_eq!(names, expected);
    let svg = fs::read_to_string(out.join("scores-sweeps.svg")).expect("a figure");
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let said: Vec<_> =
        document.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
    assert!(["accuracy", "training", "test", "sweep"].iter().all(|text| said.contains(text)), "{said:?}");
    let lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
    assert_eq!(
        lines
            .filter(|line| line.attribute("points").is_some_and(|points| points.split(' ').count() == 3))
            .count(),
        2
    );
}
