//! The best model: which sweep it is of, that it is that sweep's to the bit, and the files that it goes to.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::data::{self, DataSource, Dataset};
use altmin::network::{Loss, Score, evaluate};
use altmin::run::{History, Outcome};
use altmin::settings::{Method, TrainOptions};
use altmin::{Error, Model, Settings, Trainer};
use altmin_core::Real;
use altmin_core::view::dense;

fn settings(text: &str) -> Settings {
    TrainOptions::from_toml(text, Path::new("test.toml")).expect("readable").resolve().expect("valid")
}

fn of_digits<T: Real>(settings: &Settings) -> Trainer<T> {
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    Trainer::new(settings, Arc::new(train), Arc::new(test)).expect("a trainer")
}

/// Goes sweep by sweep and holds the best model against all of them, told apart by `judge`, the lower the better, number by number;
/// returns the best sweep.
fn best_of_all<T: Real>(
    trainer: &mut Trainer<T>,
    sweeps: usize,
    judge: impl Fn(&mut Trainer<T>) -> [f64; 2],
) -> usize {
    let stop = AtomicBool::new(false);
    let mut all: Vec<([f64; 2], Model<T>)> = Vec::new();
    assert!(trainer.best().is_none() && trainer.best_model().is_none());
    for sweep in 1..=sweeps {
        trainer.step(1, &mut History::default(), &stop).expect("a sweep");
        all.push((judge(trainer), trainer.model()));
        let lowest =
            all.iter().map(|(score, _)| *score).fold([f64::INFINITY; 2], |a, b| if b < a { b } else { a });
        let first = all.iter().position(|(score, _)| *score == lowest).expect("a sweep");
        assert_eq!(trainer.best().map(|best| best.sweep), Some(first + 1), "after sweep {sweep}");
        assert!(trainer.best_model().as_ref() == Some(&all[first].1), "after sweep {sweep}");
    }
    trainer.best().expect("a sweep").sweep
}

/// The share of errors on the test samples of these settings, and of equal ones the loss.
fn errors<T: Real>(settings: &Settings) -> impl Fn(&mut Trainer<T>) -> [f64; 2] + use<T> {
    let (_, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    move |trainer| {
        let Score { loss, accuracy } = trainer.evaluate(&test).expect("a score");
        [-accuracy, loss]
    }
}

#[test]
fn it_is_that_of_the_lowest_loss_of_those_of_the_highest_test_accuracy_for_every_method() {
    for method in Method::ALL {
        let text = format!(
            "method = '{method}'\nsamples = 150\nhidden = '12,12'\nsweeps = 8\nthreads = 2\nkeep = 'both'"
        );
        let single = settings(&text);
        best_of_all(&mut of_digits::<f32>(&single), 8, errors(&single));
        let text = format!("{text}\nprecision = 'f64'");
        let double = settings(&text);
        best_of_all(&mut of_digits::<f64>(&double), 8, errors(&double));
    }
}

#[test]
fn a_shallow_network_may_stay_the_best_after_it_has_grown() {
    // Steps that suit the shallow network are too long for the deep one.
    let text = "method = 'gd'\nlearning-rate = 0.3\nsamples = 300\nhidden = '10x5'\ngrow = '1:3'\nkeep = 'both'\n\
                sweeps = 8\nbatch = 50\nthreads = 1";
    let settings = settings(text);
    let mut trainer = of_digits::<f64>(&settings);
    let best = best_of_all(&mut trainer, 8, errors(&settings));
    let maps = |model: Model<f64>| model.maps().count();
    let kept = maps(trainer.best_model().expect("a sweep"));
    assert_eq!((maps(trainer.model()), kept), (6, if best <= 3 { 2 } else { 6 }));
    assert!(best <= 3, "the test needs a run whose best sweep is a shallow one: {best}");
}

fn parabola(samples: usize, shift: f64) -> Arc<Dataset<f64>> {
    let x: Vec<f64> = (0..samples).map(|i| (i as f64 + shift) / samples as f64 * 4.0 - 2.0).collect();
    let y: Vec<f64> = x.iter().map(|x| x * x + if x.abs() > 1.9 { 8.0 } else { 0.0 }).collect();
    Arc::new(Dataset::from_values(&dense(&x, 1, samples), &dense(&y, 1, samples)).expect("data"))
}

#[test]
fn of_values_it_is_that_of_the_lowest_test_loss() {
    let text =
        "method = 'adam'\nlearning-rate = 0.05\nloss = 'huber:0.2'\nhidden = '8'\nkeep = 'best'\nthreads = 1";
    let options = TrainOptions::from_toml(text, Path::new("test.toml")).expect("readable");
    let settings = TrainOptions { data: Some(DataSource::Memory), ..options }.resolve().expect("valid");
    let (train, test) = (parabola(60, 0.0), parabola(41, 0.5));
    let mut trainer = Trainer::new(&settings, train, Arc::clone(&test)).expect("a trainer");
    best_of_all(&mut trainer, 120, |trainer| [trainer.evaluate(&test).expect("a score").loss, 0.0]);
    let best = *trainer.best().expect("a sweep");
    // What is saved is the best, and says what its score says.
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    trainer.save(&path).expect("room");
    let saved = Model::<f64>::load(&path).expect("a model");
    assert!(Some(&saved) == trainer.best_model().as_ref());
    let score = evaluate(&saved, &test, 1).expect("a score");
    assert!((score.loss - best.test_loss).abs() <= 1e-12 * best.test_loss, "{score:?} {best:?}");
}

#[test]
fn another_test_set_begins_the_search_anew_and_none_is_refused() {
    let settings = settings("method = 'pdadmm'\nsamples = 100\nhidden = '8'\nkeep = 'best'\nthreads = 1");
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
    let mut trainer = Trainer::without_test(&settings, Arc::new(train)).expect("a trainer");
    let stop = AtomicBool::new(false);
    let refused = trainer.step(1, &mut History::default(), &stop).expect_err("no test set");
    assert!(matches!(&refused, Error::Argument { name: "keep", .. }), "{refused}");
    assert_eq!(trainer.info().sweeps, 0);
    let test = Arc::new(test);
    trainer.set_test(Some(Arc::clone(&test))).expect("it fits");
    trainer.step(3, &mut History::default(), &stop).expect("sweeps");
    assert!(trainer.best().is_some());
    trainer.set_test(Some(test)).expect("it fits");
    assert!(trainer.best().is_none() && trainer.best_model().is_none());
    trainer.step(1, &mut History::default(), &stop).expect("a sweep");
    assert_eq!(trainer.best().map(|best| best.sweep), Some(4));
}

/// The sweep after which patience ends a run of these scores, the lower the better; as many as there are if it does not.
fn end_by_patience(scores: &[[f64; 2]], patience: usize) -> usize {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score < scores[best] {
            best = at;
        }
        if at - best >= patience {
            return at + 1;
        }
    }
    scores.len()
}

#[test]
fn patience_ends_a_run_so_many_sweeps_after_its_best_one() {
    let text = "method = 'adam'\nlearning-rate = 0.2\nhidden = '10'\nsamples = 200\nholdout = true\nsweeps = 30\nthreads = 1";
    let stop = AtomicBool::new(false);
    let mut whole = History::default();
    of_digits::<f32>(&settings(text)).run(&mut whole, &stop).expect("a run");
    let mut trainer = of_digits::<f32>(&settings(text));
    let errors = errors(&settings(text));
    let scores: Vec<[f64; 2]> = (0..30)
        .map(|_| {
            trainer.step(1, &mut History::default(), &stop).expect("a sweep");
            errors(&mut trainer)
        })
        .collect();
    assert!(scores.iter().zip(&whole.sweeps).all(|(score, metrics)| score[0] == -metrics.test_accuracy));
    for patience in [1, 2, 4, 100] {
        let mut trainer = of_digits::<f32>(&settings(&format!("{text}\npatience = {patience}")));
        let summary = trainer.run(&mut History::default(), &stop).expect("a run");
        let end = end_by_patience(&scores, patience);
        let outcome = if end < 30 { Outcome::NoImprovement } else { Outcome::SweepLimit };
        assert_eq!((summary.sweeps, summary.outcome), (end, outcome), "patience {patience}");
        // What is saved is the best of the sweeps that were made.
        let best = scores[..end].iter().map(|score| -score[0]).fold(0.0, f64::max);
        assert_eq!(trainer.best().map(|best| best.test_accuracy), Some(best));
        assert!(Some(&trainer.model_to_save().expect("room")) == trainer.best_model().as_ref());
    }
    assert!(end_by_patience(&scores, 2) < 30, "the test needs a run that gets worse");
}

#[test]
fn patience_counts_from_the_growth_on() {
    let text = "method = 'gd'\nlearning-rate = 1e-30\nsamples = 100\nhidden = '10x3'\ngrow = '1:5'\nholdout = true\n\
                sweeps = 20\npatience = 3\nthreads = 1";
    let mut trainer = of_digits::<f64>(&settings(text));
    let summary = trainer.run(&mut History::default(), &AtomicBool::new(false)).expect("a run");
    // Steps of that size change nothing: the first sweep stays the best.
    assert_eq!((summary.sweeps, summary.outcome), (8, Outcome::NoImprovement));
    assert_eq!(trainer.best().map(|best| best.sweep), Some(1));
}

#[test]
fn patience_without_samples_to_tell_by_is_refused() {
    let options =
        TrainOptions::from_toml("hidden = '4'\npatience = 3", Path::new("test.toml")).expect("readable");
    let settings = TrainOptions { data: Some(DataSource::Memory), loss: Some(Loss::LeastSquares), ..options };
    let settings = settings.resolve().expect("valid");
    let mut trainer = Trainer::without_test(&settings, parabola(20, 0.0)).expect("a trainer");
    let refused = trainer.step(1, &mut History::default(), &AtomicBool::new(false)).expect_err("no judge");
    assert!(matches!(&refused, Error::Argument { name: "patience", .. }), "{refused}");
}

fn train(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_altmin"));
    let output = command.arg("train").args(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_folder_has_the_last_the_best_or_both() {
    let parent = tempfile::tempdir().expect("temporary folder");
    // Accuracy goes up and down at such a rate.
    let run = ["--method", "adam", "--learning-rate", "0.2", "--hidden", "10", "--samples", "200"];
    let mut last_line = String::new();
    for keep in ["last", "best", "both"] {
        let out = parent.path().join(keep);
        let out = out.to_str().expect("a path");
        let more = ["--method", "adam", "--sweeps", "12", "--json", "--keep", keep, "--out", out];
        let output = train(&[&run[2..], &more].concat());
        let text = String::from_utf8(output.stdout).expect("text");
        last_line = text.lines().last().expect("a summary").to_owned();
    }
    let read = |folder: &str, file: &str| fs::read(parent.path().join(folder).join(file));
    let [last, best] = ["last", "best"].map(|run| read(run, "model.safetensors").expect("a model"));
    assert!(last != best, "the test needs a run whose last sweep is not the best");
    assert!(read("both", "model.safetensors").expect("the last") == last);
    assert!(read("both", "best.safetensors").expect("the best") == best);
    assert!(read("last", "best.safetensors").is_err() && read("best", "best.safetensors").is_err());
    let config = String::from_utf8(read("both", "config.toml").expect("settings")).expect("text");
    assert!(config.contains("keep = \"both\"\n"), "{config}");

    // The summary names the sweep, the first of the highest accuracy in the metrics.
    let rows = String::from_utf8(read("both", "metrics.csv").expect("metrics")).expect("text");
    let column = rows.lines().next().expect("a header").split(',').position(|name| name == "test_accuracy");
    let accuracies: Vec<f64> = rows
        .lines()
        .skip(1)
        .map(|row| {
            row.split(',').nth(column.expect("the column")).expect("a cell").parse().expect("a number")
        })
        .collect();
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let sweep = 1 + accuracies.iter().position(|&accuracy| accuracy == highest).expect("a sweep");
    let summary: serde_json::Value = serde_json::from_str(&last_line).expect("JSON");
    assert_eq!(
        (&summary["best"]["sweep"], &summary["best"]["test_accuracy"]),
        (&sweep.into(), &highest.into())
    );
    let model = parent.path().join("both/best.safetensors");
    let mut evaluate = Command::new(env!("CARGO_BIN_EXE_altmin"));
    let output = evaluate.args(["evaluate", "--json", "--model"]).arg(model).output().expect("it starts");
    let evaluated: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(evaluated["accuracy"], highest, "{evaluated}");
    let text = String::from_utf8(train(&["--hidden", "10", "--sweeps", "2"]).stdout).expect("text");
    assert!(text.contains("\nbest sweep         2 (test accuracy "), "{text}");
}
