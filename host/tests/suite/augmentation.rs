//! Augmentation from the command line: what it trains on, what it leaves alone, and what has no use for it.

use altmin::data::{self, DataSource, Dataset, ImageShape};
use altmin::network::score::Score;
use altmin::run::{History, Outcome};
use altmin::settings::{Precision, TrainOptions};
use altmin::{Error, Settings, Trainer};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn settings(text: &str) -> Settings {
    TrainOptions::from_toml(text, Path::new("test.toml")).expect("readable").resolve().expect("valid")
}

type Data = (Arc<Dataset<f64>>, Arc<Dataset<f64>>);

fn load(settings: &Settings) -> Data {
    let (train, test) = data::load(&settings.data, &settings.data_options()).expect("the digits");
    (Arc::new(train), Arc::new(test))
}

/// A run's trainer and what it told of its sweeps.
fn run(text: &str) -> (Trainer<f64>, History, Data) {
    let settings = settings(&format!("precision = 'f64'\nthreads = 1\nsweeps = 3\n{text}"));
    let (train, test) = load(&settings);
    let mut trainer = Trainer::new(&settings, Arc::clone(&train), Arc::clone(&test)).expect("a trainer");
    let mut history = History::default();
    let summary = trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
    assert_eq!(summary.outcome, Outcome::SweepLimit, "{text}");
    (trainer, history, (train, test))
}

#[test]
fn only_what_trains_is_changed() {
    for method in ["adam", "proxprop", "local"] {
        let text =
            format!("method = '{method}'\nsamples = 300\nbatch = 60\nhidden = '20'\nexact-metrics = true\n");
        let plain = run(&text).0.parameters().to_vec();
        let (mut trainer, history, (train, test)) = run(&format!("{text}augment = 'shift:2,flip'"));
        assert!(trainer.parameters() != plain, "{method}");
        let last = history.sweeps.last().expect("a sweep");
        let Score { loss, accuracy } = trainer.evaluate(&train).expect("a score");
        assert_eq!((last.loss, last.train_accuracy), (loss, accuracy), "{method}");
        assert_eq!(last.test_accuracy, trainer.evaluate(&test).expect("a score").accuracy, "{method}");
        // The passes that train see other images.
        let (_, seen, _) =
            run(&format!("{}augment = 'shift:2,flip'", text.replace("exact-metrics = true", "")));
        assert!(seen.sweeps.last().expect("a sweep").loss != loss, "{method}");
        // A flag undoes what a file says.
        assert_eq!(run(&format!("{text}augment = 'none'")).0.parameters(), plain, "{method}");
    }
}

/// Pooled digits are 4x4: a shift of 3 leaves something of them, a shift of 4 nothing.
#[test]
fn images_are_pooled_before_they_are_changed() {
    let of = |shift: usize| {
        let text = format!("pool = 2\nsamples = 100\nbatch = 30\naugment = 'shift:{shift}'");
        let settings = settings(&text);
        let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("the digits");
        Trainer::new(&settings, Arc::new(train), Arc::new(test)).map(|_| ())
    };
    of(3).expect("a trainer");
    let error = of(4).expect_err("nothing is left").to_string();
    assert!(error.contains("augment") && error.contains("4x4"), "{error}");
}

/// Samples of a program that are images, and samples that are none.
#[test]
fn samples_from_memory_are_changed_where_they_have_a_shape() {
    let features: Vec<f64> = (0..12 * 6).map(|at| (at * 7 % 11) as f64 / 11.0).collect();
    let labels = [0, 1, 0, 1, 1, 0];
    let dataset = || {
        let x = altmin_core::view::dense(&features, 12, 6);
        Dataset::from_classes(&x, &labels, None).expect("six samples")
    };
    let settings = settings("batch = 2\nhidden = '5'\nthreads = 1\naugment = 'flip'");
    let settings = Settings { data: DataSource::Memory, precision: Precision::F64, ..settings };
    let shape = ImageShape { height: 2, width: 3, channels: 2 };
    let images = dataset().with_image(shape).expect("twelve features");
    Trainer::without_test(&settings, Arc::new(images)).expect("a trainer");
    let error = Trainer::without_test(&settings, Arc::new(dataset())).expect_err("no images");
    assert!(matches!(&error, Error::Argument { name: "augment", .. }), "{error}");
    assert!(error.to_string().contains("holds no images"), "{error}");
}

#[test]
fn what_has_no_use_for_it_is_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = folder.path().join("table.csv");
    let rows: String = (0..40).map(|row| format!("{row},{},{}\n", row * 7 % 5, row % 2)).collect();
    std::fs::write(&table, rows).expect("a table");
    let table = format!("--data {} --target 3 --batch 8", table.display());
    for (arguments, said) in [
        ("--method pdadmm", "the method pdadmm does not use it"),
        ("--method gsadmm", "the method gsadmm with inner adam does not use it"),
        ("--method adam", "the method adam uses it in mini-batches alone, by --batch N"),
        ("--batch all", "the method proxprop uses it in mini-batches alone"),
        ("--samples 100", "a --batch below the 100 training samples"),
        (&table, "holds no images"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
            .args(["train", "--quiet", "--sweeps", "1", "--augment", "flip"])
            .args(arguments.split_whitespace())
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {text}");
        assert!(text.contains("augment") && text.contains(said), "{arguments}: {text}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_altmin"))
        .args("verify --method local --augment flip".split_whitespace())
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && text.contains("samples as they are"), "{text}");
}
