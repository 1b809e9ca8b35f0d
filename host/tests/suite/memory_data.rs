//! Data sets from a program's memory, and training on them alone.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Error;
use altmin::Model;
use altmin::Trainer;
use altmin::data::{self, DataSource, Dataset, ImageShape};
use altmin::run::History;
use altmin::settings::{Settings, TrainOptions};
use altmin_core::view::{dense, view};

fn settings(text: &str) -> Settings {
    TrainOptions::from_toml(text, "test.toml".as_ref()).expect(text).resolve().expect(text)
}

fn digits() -> (Dataset<f32>, Dataset<f32>) {
    data::load(&DataSource::Digits, &data::DataOptions::default()).expect("digits")
}

/// The same samples by way of a matrix with a gap after each column.
fn copied(data: &Dataset<f32>) -> Dataset<f32> {
    let (rows, samples, ld) = (data.n_features(), data.n_samples(), data.n_features() + 3);
    let mut memory = vec![f32::NAN; ld * samples];
    for (column, sample) in memory.chunks_exact_mut(ld).zip(data.features().chunks_exact(rows)) {
        column[..rows].copy_from_slice(sample);
    }
    let labels: Vec<i32> = data.labels().iter().map(|&label| label as i32).collect();
    let features = view("features", &memory, rows, samples, ld).expect("a view");
    Dataset::from_classes(&features, &labels, Some(data.n_classes())).expect("the same data")
}

#[test]
fn samples_from_memory_train_as_those_from_a_file() {
    let (train, test) = digits();
    let from_file = settings("sweeps = 6\nthreads = 1");
    let from_memory = Settings { data: DataSource::Memory, ..from_file.clone() };
    let sweeps = |settings: &Settings, train: Dataset<f32>, test: Option<Dataset<f32>>| {
        let (train, mut history) = (Arc::new(train), History::default());
        let mut trainer = match test {
            Some(test) => Trainer::new(settings, train, Arc::new(test)),
            None => Trainer::without_test(settings, train),
        }
        .expect("a trainer");
        trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
        (history.sweeps, trainer.model())
    };
    let (copy, copy_of_test) = (copied(&train), copied(&test));
    assert_eq!((copy.name(), copy.features(), copy.labels()), ("memory", train.features(), train.labels()));
    let (expected, model) = sweeps(&from_file, train, Some(test));
    let (found, copied_model) = sweeps(&from_memory, copy.clone(), Some(copy_of_test));
    let numbers = |sweeps: &[altmin::run::Metrics]| -> Vec<[u64; 3]> {
        let bits = |m: &altmin::run::Metrics| [m.objective, m.train_accuracy, m.test_accuracy];
        sweeps.iter().map(|metrics| bits(metrics).map(f64::to_bits)).collect()
    };
    assert_eq!(numbers(&found), numbers(&expected));
    assert_eq!(copied_model.parameters, model.parameters);
    assert_eq!(copied_model.preprocessing.data, "memory");
    assert_eq!(copied_model.preprocessing.divisor, 1.0);

    let (alone, alone_model) = sweeps(&from_memory, copy, None);
    assert_eq!(alone_model.parameters, model.parameters);
    for (alone, expected) in alone.iter().zip(&expected) {
        assert!(alone.test_accuracy.is_nan());
        assert_eq!((alone.loss, alone.train_accuracy), (expected.loss, expected.train_accuracy));
    }

    // The file says where the samples were, and nothing can be loaded from there.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    copied_model.save(&path).expect("saved");
    let read = Model::<f32>::load(&path).expect("read");
    assert_eq!(read, copied_model);
    let source: DataSource = read.preprocessing.data.parse().expect("a source");
    assert_eq!(source, DataSource::Memory);
    let error = data::load::<f32>(&source, &read.preprocessing.options()).expect_err("nothing to load");
    assert!(error.is_usage() && error.to_string().contains("memory"), "{error}");
}

#[test]
fn values_are_learnt_from_memory() {
    // y = (2 x0 - x1, x0 + 0.5): a single linear layer on top of a wide hidden one fits it.
    let x: Vec<f64> = (0..400).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect();
    let y: Vec<f64> = x.chunks_exact(2).flat_map(|x| [2.0 * x[0] - x[1], x[0] + 0.5]).collect();
    let train = Dataset::from_values(&dense(&x, 2, 200), &dense(&y, 2, 200)).expect("values");
    assert_eq!((train.n_outputs(), train.n_samples(), train.values()), (2, 200, &y[..]));
    let settings = Settings {
        data: DataSource::Memory,
        ..settings("loss = 'least-squares'\nmethod = 'pdadmm'\nhidden = '20'\nprecision = 'f64'\nsweeps = 60")
    };
    let mut trainer = Trainer::without_test(&settings, Arc::new(train)).expect("a trainer");
    let summary = trainer.run(&mut History::default(), &AtomicBool::new(false)).expect("a run");
    assert!(summary.train_accuracy > 0.95, "{summary:?}");
}

#[test]
fn images_have_a_shape() {
    let (train, _) = digits();
    let image = ImageShape { height: 8, width: 8, channels: 1 };
    let (data, flat) = (copied(&train).with_image(image).expect("8x8"), copied(&train));
    let settings = Settings {
        data: DataSource::Memory,
        ..settings(
            "method = 'adam'\nnetwork = 'conv 4 3x3, relu, flatten, dense 10'\nepochs = 1\nbatch = 100",
        )
    };
    let mut trainer = Trainer::without_test(&settings, Arc::new(data)).expect("a trainer");
    trainer.run(&mut History::default(), &AtomicBool::new(false)).expect("a run");
    assert!(Trainer::without_test(&settings, Arc::new(flat)).is_err(), "samples without height and width");
    let wrong = ImageShape { height: 8, width: 9, channels: 1 };
    assert!(matches!(copied(&train).with_image(wrong), Err(Error::Data { .. })));
}

#[test]
fn the_number_of_classes_is_given_or_found() {
    let x = [0.5, 1.5, 2.5, 3.5];
    let of = |labels: &[i32], classes| Dataset::<f64>::from_classes(&dense(&x, 1, 4), labels, classes);
    assert_eq!(of(&[0, 2, 1, 2], None).expect("three").n_classes(), 3);
    assert_eq!(of(&[0, 1, 1, 0], Some(5)).expect("five").n_classes(), 5);
    assert_eq!(of(&[0, 1, 1, 0], Some(5)).expect("five").classes(), ["0", "1", "2", "3", "4"]);
}

#[test]
fn bad_samples_are_refused() {
    let x = [0.5, 1.5, 2.5, 3.5];
    let of = |x: &[f64], labels: &[i32], classes| {
        Dataset::<f64>::from_classes(&dense(x, x.len() / 4, 4), labels, classes)
    };
    let refused = |result: Result<Dataset<f64>, Error>, word: &str| {
        let error = result.expect_err(word);
        assert!(matches!(error, Error::Data { .. }), "{error:?}");
        assert!(error.to_string().contains(word), "{word}: {error}");
    };
    refused(of(&x, &[0, 1, 0], None), "3 labels");
    refused(of(&x, &[0, 1, 0, -1], None), "label -1 at sample 3");
    refused(of(&x, &[0, 1, 0, i32::MIN], Some(2)), "label -2147483648");
    refused(of(&x, &[0, 1, 0, 2], Some(2)), "label 2 at sample 3");
    refused(of(&x, &[0, 1, 0, 3], None), "none of them 2");
    refused(of(&x, &[0, 1, 0, i32::MAX], None), "none of them 2");
    refused(of(&x, &[0, 0, 0, 0], None), "1 class");
    refused(of(&x, &[0, 1, 0, 1], Some(1)), "1 class");
    refused(of(&x, &[0, 1, 0, 1], Some(0)), "0 class");
    refused(of(&x, &[0, 1, 0, 1], Some(usize::MAX)), "at most 1048576");
    refused(of(&[], &[0, 1, 0, 1], None), "no features");
    refused(of(&[0.5, f64::NAN, 1.0, 2.0], &[0, 1, 0, 1], None), "NaN in feature 0 of sample 1");
    refused(of(&[0.5, f64::INFINITY, 1.0, 2.0], &[0, 1, 0, 1], None), "inf");
    refused(Dataset::from_classes(&dense(&[], 3, 0), &[], None), "no samples");

    let values = |y: &[f64], rows, columns| Dataset::from_values(&dense(&x, 1, 4), &dense(y, rows, columns));
    refused(values(&[1.0; 3], 1, 3), "3 columns of values");
    refused(values(&[], 0, 4), "no outputs");
    refused(values(&[1.0, 2.0, f64::NAN, 4.0], 1, 4), "NaN in output 0 of sample 2");
    refused(Dataset::from_values(&dense(&[], 2, 0), &dense(&[], 1, 0)), "no samples");
}

#[test]
fn what_would_be_done_to_samples_of_files_is_refused() {
    for (option, name) in [
        ("pool = 2", "pool"),
        ("samples = 10", "samples"),
        ("classes = '0,1'", "classes"),
        ("holdout = true", "holdout"),
        ("scale = true", "scale"),
        ("target = 'price'", "target"),
        ("labels = 'coarse'", "labels"),
    ] {
        let options = TrainOptions::from_toml(&format!("data = 'memory'\n{option}"), "x.toml".as_ref());
        let error = options.expect(option).resolve().expect_err(option);
        assert!(matches!(error, Error::Argument { name: found, .. } if found == name), "{option}: {error}");
    }
}

#[test]
fn networks_and_threads_beyond_the_machine_are_refused() {
    let (train, _) = digits();
    let train = Arc::new(train);
    for text in [
        "hidden = '1000000000000'",
        "hidden = '1000000000000'\nmethod = 'gsadmm'",
        "network = 'mlp 1000000000000'\nmethod = 'adam'",
    ] {
        let error = Trainer::without_test(&settings(text), Arc::clone(&train)).expect_err(text);
        assert!(matches!(error, Error::Memory { is_set: false, .. }), "{text}: {error}");
    }
    for (text, name) in [
        ("hidden = '100000000000000000'", "hidden"),
        ("hidden = '18446744073709551615'", "hidden"),
        ("hidden = '4000000000,4000000000,4000000000,4000000000'", "hidden"),
        ("hidden = '900000000000,900000000000'\ngrow = '1:2'\nmethod = 'adam'", "hidden"),
        ("hidden = '100000000000000000'\nmethod = 'gsadmm'", "hidden"),
        ("network = 'mlp 100000000000000000'\nmethod = 'adam'", "network"),
    ] {
        let error = Trainer::without_test(&settings(text), Arc::clone(&train)).expect_err(text);
        assert!(matches!(error, Error::Argument { name: found, .. } if found == name), "{text}: {error}");
        assert!(error.to_string().contains("fits into memory"), "{text}: {error}");
    }
    let many = TrainOptions { threads: Some(usize::MAX), ..TrainOptions::default() };
    assert!(matches!(many.resolve(), Err(Error::Argument { name: "threads", .. })));
}
