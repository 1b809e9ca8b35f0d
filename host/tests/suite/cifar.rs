//! CIFAR's binary files: what is read from good ones, what is said of bad ones, and the scales of colour channels.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Model;
use altmin::Trainer;
use altmin::data::{
    DataOptions, DataSource, Dataset, ImageShape, Labels, Part, Preprocessing, load, load_like,
};
use altmin::network::evaluate;
use altmin::run::History;
use altmin::settings::{Settings, TrainOptions};
use altmin::{Error, Result};
use common::{folder, gzip, put, real_data};

/// Pixel `place` of image `image` as these tests write it.
fn pixel(image: usize, place: usize) -> u8 {
    ((image * 31 + place * 7 + place / 1024 * 50) % 251) as u8
}

/// Records of images counted from `first`; `labels` says what stands before an image's pixels.
fn records<const N: usize>(first: usize, count: usize, labels: impl Fn(usize) -> [u8; N]) -> Vec<u8> {
    (first..first + count)
        .flat_map(|image| labels(image).into_iter().chain((0..3072).map(move |place| pixel(image, place))))
        .collect()
}

fn ten(image: usize) -> [u8; 1] {
    [(image * 3 % 10) as u8]
}

fn hundred(image: usize) -> [u8; 2] {
    [(image % 20) as u8, (image * 7 % 100) as u8]
}

/// CIFAR-10 with 20 images in each of the batches 1 and 3, the latter compressed, and 5 for testing.
fn cifar10() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "data_batch_1.bin", &records(0, 20, ten));
    put(folder.path(), "data_batch_3.bin.gz", &gzip(&records(20, 20, ten)));
    put(folder.path(), "test_batch.bin", &records(40, 5, ten));
    folder
}

fn cifar100() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "train.bin.gz", &gzip(&records(0, 100, hundred)));
    put(folder.path(), "test.bin", &records(100, 3, hundred));
    folder
}

fn read(folder: &Path, options: DataOptions) -> Result<(Dataset<f64>, Dataset<f64>)> {
    load(&DataSource::Directory(folder.to_owned()), &options)
}

/// The refusal, in one line, which holds all of these.
fn refused(folder: &Path, options: DataOptions, parts: &[&str]) -> Error {
    let error = read(folder, options).unwrap_err();
    let line = error.to_string();
    assert!(!line.contains('\n'));
    for part in parts {
        assert!(line.contains(part), "`{part}` is not in: {line}");
    }
    error
}

const IMAGE: ImageShape = ImageShape { height: 32, width: 32, channels: 3 };

#[test]
fn cifar_10_is_read_batch_after_batch() {
    let folder = cifar10();
    let (train, test) = read(folder.path(), DataOptions::default()).unwrap();
    assert_eq!((train.n_samples(), test.n_samples(), train.n_features()), (40, 5, 3072));
    assert_eq!((train.image(), test.image()), (Some(IMAGE), Some(IMAGE)));
    for (dataset, first) in [(&train, 0), (&test, 40)] {
        for image in 0..dataset.n_samples() {
            assert_eq!(dataset.labels()[image], u32::from(ten(first + image)[0]));
            let expected = (0..3072).map(|place| f64::from(pixel(first + image, place)) / 255.0);
            assert!(dataset.sample(image).iter().copied().eq(expected), "image {image}");
        }
    }
    assert_eq!((train.classes().len(), train.classes()[0].as_str()), (10, "airplane"));
    assert_eq!(train.classes()[9], "truck");
    put(folder.path(), "batches.meta.txt", b"a\nb\nc\nd\ne\r\nf\ng\nh\ni\nzett\n\n");
    let (named, _) = read(folder.path(), DataOptions::default()).unwrap();
    assert_eq!((named.classes()[4].as_str(), named.classes()[9].as_str()), ("e", "zett"));
    put(folder.path(), "batches.meta.txt", b"a\nb\n");
    refused(folder.path(), DataOptions::default(), &["batches.meta.txt", "2 names", "10"]);
}

#[test]
fn cifar_100_has_fine_and_coarse_labels() {
    let folder = cifar100();
    for (labels, place, count) in [(Labels::Fine, 1, 100), (Labels::Coarse, 0, 20)] {
        let (train, test) = read(folder.path(), DataOptions { labels, ..DataOptions::default() }).unwrap();
        assert_eq!((train.n_samples(), test.n_samples(), train.n_classes()), (100, 3, count));
        assert!((0..100).all(|image| train.labels()[image] == u32::from(hundred(image)[place])));
        assert_eq!(train.classes()[count - 1], (count - 1).to_string());
        assert_eq!(test.sample(2)[3071], f64::from(pixel(102, 3071)) / 255.0);
    }
    let names: String = (0..100).map(|class| format!("fine {class}\n")).collect();
    put(folder.path(), "fine_label_names.txt", names.as_bytes());
    assert_eq!(read(folder.path(), DataOptions::default()).unwrap().0.classes()[42], "fine 42");
}

#[test]
fn files_that_are_wrong_are_refused_by_name() {
    let folder = cifar10();
    let whole = records(0, 20, ten);
    for length in [0, 1, 3072, whole.len() - 1] {
        for bytes in [whole[..length].to_vec(), gzip(&whole[..length])] {
            put(folder.path(), "data_batch_1.bin", &bytes);
            let found = format!("{length} bytes");
            refused(folder.path(), DataOptions::default(), &["data_batch_1.bin", &found, "3073", "CIFAR-10"]);
        }
    }
    let compressed = gzip(&whole);
    put(folder.path(), "data_batch_1.bin", &compressed[..compressed.len() / 2]);
    refused(folder.path(), DataOptions::default(), &["data_batch_1.bin", "damaged gzip data"]);
    let mut bad = whole.clone();
    bad[3 * 3073] = 10;
    put(folder.path(), "data_batch_1.bin", &bad);
    refused(folder.path(), DataOptions::default(), &["data_batch_1.bin", "label 10 in record 3", "0 to 9"]);
    put(folder.path(), "data_batch_1.bin", &whole);
    fs::remove_file(folder.path().join("test_batch.bin")).unwrap();
    let error = refused(folder.path(), DataOptions::default(), &["test_batch.bin", "test_batch.bin.gz"]);
    assert!(matches!(error, Error::Missing { .. }));

    let folder = cifar100();
    put(folder.path(), "test.bin", &records(0, 3, ten));
    refused(folder.path(), DataOptions::default(), &["test.bin", "9219 bytes", "3074", "CIFAR-100"]);
    put(folder.path(), "test.bin", &records(0, 3, |image| [20, image as u8]));
    assert!(read(folder.path(), DataOptions::default()).is_ok());
    let coarse = DataOptions { labels: Labels::Coarse, ..DataOptions::default() };
    refused(folder.path(), coarse, &["test.bin", "label 20 in record 0", "0 to 19"]);
}

#[test]
fn a_folder_holds_one_data_set() {
    let empty = tempfile::tempdir().unwrap();
    let names = ["train-images-idx3-ubyte", "data_batch_1.bin", "train.bin.gz"];
    refused(empty.path(), DataOptions::default(), &names);
    let error = refused(&empty.path().join("absent"), DataOptions::default(), &["CIFAR"]);
    assert!(error.is_usage());
    let both = folder();
    put(both.path(), "test_batch.bin", &records(0, 1, ten));
    let error = refused(both.path(), DataOptions::default(), &["MNIST", "CIFAR-10", "one data set"]);
    assert!(error.hint().unwrap().contains("folder"));
    // Coarse labels are CIFAR-100's alone.
    let coarse = || DataOptions { labels: Labels::Coarse, ..DataOptions::default() };
    assert!(refused(cifar10().path(), coarse(), &["labels", "coarse", "CIFAR-10"]).is_usage());
    assert!(refused(folder().path(), coarse(), &["labels", "coarse", "CIFAR-100"]).is_usage());
    assert!(load::<f64>(&DataSource::Digits, &coarse()).unwrap_err().is_usage());
}

#[test]
fn images_stay_images_through_all_choices() {
    let folder = cifar10();
    let options = DataOptions {
        holdout: true,
        classes: Some(vec![2, 0, 7]),
        samples: Some(8),
        pool: 2,
        scale: true,
        ..DataOptions::default()
    };
    let (train, test) = read(folder.path(), options).unwrap();
    let half = ImageShape { height: 16, width: 16, channels: 3 };
    assert_eq!((train.image(), test.image(), train.n_features()), (Some(half), Some(half), 768));
    // A fifth of 40 is held out: images 32 to 39, in which the class 3 i mod 10 is 2, 0 or 7 for 34, 39 and none.
    let held: Vec<u32> = (32..40)
        .filter_map(|image| [2, 0, 7].iter().position(|&c| c == image * 3 % 10))
        .map(|c| c as u32)
        .collect();
    assert_eq!((train.n_samples(), test.labels()), (8, &held[..]));
}

#[test]
fn channels_get_mean_0_and_deviation_1_over_what_is_trained_on() {
    let folder = cifar10();
    let source = DataSource::Directory(folder.path().to_owned());
    let options = DataOptions { holdout: true, samples: Some(12), ..DataOptions::default() };
    let (raw, raw_test) = load::<f64>(&source, &options).unwrap();
    let options = DataOptions { scale: true, ..options };
    let (train, test) = load::<f64>(&source, &options).unwrap();
    let channels = train.channels().unwrap();
    assert_eq!((channels.len(), raw.channels()), (3, None));
    for (channel, scale) in channels.iter().enumerate() {
        // The moments as sums of whole numbers.
        let bytes = || (0..12).flat_map(|i| (0..1024).map(move |p| u64::from(pixel(i, channel * 1024 + p))));
        let (sum, squares) =
            (bytes().sum::<u64>() as f64, bytes().map(|byte| byte * byte).sum::<u64>() as f64);
        let mean = sum / 12288.0;
        let deviation = (squares / 12288.0 - mean * mean).sqrt();
        assert!((scale.mean - mean / 255.0).abs() < 1e-13);
        assert!((scale.deviation - deviation / 255.0).abs() < 1e-12);
    }
    for (scaled, raw) in [(&train, &raw), (&test, &raw_test)] {
        for (place, (scaled, raw)) in scaled.features().iter().zip(raw.features()).enumerate() {
            let channel = channels[place / 1024 % 3];
            assert!((scaled * channel.deviation + channel.mean - raw).abs() < 1e-14);
        }
    }
    // A model's own scales, not those of what it is used on.
    let kept = Preprocessing::new(&source, &options).with_channels(train.channels());
    let again = load_like::<f64>(&kept, &source, &kept.options(), Part::Train).unwrap();
    assert_eq!((again.n_samples(), &again.features()[..12 * 3072]), (40, train.features()));
    let grey = load_like::<f64>(&kept, &DataSource::Digits, &kept.options(), Part::Test).unwrap_err();
    assert!(matches!(grey, Error::Mismatch { quantity: "channels", data: 1, model: 3 }));
    // Scaling digits takes one scale.
    let scaled = DataOptions { scale: true, ..DataOptions::default() };
    assert_eq!(load::<f32>(&DataSource::Digits, &scaled).unwrap().0.channels().unwrap().len(), 1);
}

#[test]
fn a_constant_channel_is_named() {
    let folder = cifar10();
    let mut bytes = records(0, 20, ten);
    bytes.chunks_exact_mut(3073).for_each(|record| record[1 + 1024..1 + 2048].fill(51));
    put(folder.path(), "data_batch_1.bin", &bytes);
    let scaled = DataOptions { scale: true, samples: Some(20), ..DataOptions::default() };
    refused(folder.path(), scaled.clone(), &["channel 1 (always 0.2)"]);
    // Batch 3 has other pixels there.
    assert!(read(folder.path(), DataOptions { samples: None, ..scaled }).is_ok());
}

fn settings(text: &str) -> Settings {
    TrainOptions::from_toml(text, "test.toml".as_ref()).unwrap().resolve().unwrap()
}

#[test]
fn settings_keep_labels_and_scale() {
    for text in ["data = 'x'\nlabels = 'coarse'\nscale = true", "data = 'x'", "scale = true"] {
        let one = settings(text);
        assert_eq!(settings(&one.to_toml().unwrap()), one);
    }
    let one = settings("data = 'x'\nlabels = 'coarse'\nscale = true");
    assert_eq!((one.labels, one.scale), (Labels::Coarse, true));
    assert_eq!((one.data_options().labels, one.data_options().scale), (Labels::Coarse, true));
    assert_eq!((settings("").labels, settings("").scale), (Labels::Fine, false));
}

#[test]
fn a_model_file_remembers_labels_and_channels() {
    let folder = cifar100();
    let path = folder.path().to_str().unwrap();
    let settings = settings(&format!(
        "data = '{path}'\nlabels = 'coarse'\nscale = true\npool = 8\nhidden = '5'\nsweeps = 2"
    ));
    train_and_evaluate(&settings);
}

/// Trains; the file that it leaves says of the test samples what the last sweep did. Returns the training accuracy.
fn train_and_evaluate(settings: &Settings) -> f64 {
    let (train, test) = load::<f32>(&settings.data, &settings.data_options()).unwrap();
    let channels = train.channels().unwrap().to_vec();
    let mut trainer = Trainer::new(settings, Arc::new(train), Arc::new(test)).unwrap();
    let mut history = History::default();
    let summary = trainer.run(&mut history, &AtomicBool::new(false)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    trainer.save(&path).unwrap();
    let model = Model::<f32>::load(&path).unwrap();
    assert_eq!(model.preprocessing.channels, Some(channels));
    assert_eq!(model.preprocessing.labels, settings.labels);
    let options = model.preprocessing.options();
    let test = load_like::<f32>(&model.preprocessing, &settings.data, &options, Part::Test).unwrap();
    assert_eq!(evaluate(&model, &test, 2).unwrap().accuracy, summary.test_accuracy);
    history.sweeps.last().unwrap().train_accuracy
}

fn real() -> Option<PathBuf> {
    let folder = real_data("cifar10-jpeg")?;
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn real_images_are_what_another_reader_says() {
    let Some(folder) = real() else { return };
    let (train, test) = read(&folder, DataOptions::default()).unwrap();
    let pooled = read(&folder, DataOptions { pool: 2, ..DataOptions::default() }).unwrap();
    let few = DataOptions { scale: true, samples: Some(500), ..DataOptions::default() };
    let scales = [Some(500), None].map(|samples| {
        let (scaled, _) = read(&folder, DataOptions { samples, ..few.clone() }).unwrap();
        (scaled.n_samples() as f64, scaled.channels().unwrap().to_vec())
    });
    let (mut part, mut halves) = (&train, &pooled.0);
    let mut parts = 0;
    for line in include_str!("../golden/cifar10.csv").lines() {
        let (name, numbers) = line.split_once(',').unwrap();
        let numbers: Vec<f64> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
        let at = |side: usize| {
            let [_, channel, row, column] = [0, 1, 2, 3].map(|place| numbers[place] as usize);
            (channel * side + row) * side + column
        };
        match name {
            "samples" => {
                (part, halves) = if parts == 0 { (&train, &pooled.0) } else { (&test, &pooled.1) };
                parts += 1;
                assert_eq!(part.n_samples() as f64, numbers[0]);
            }
            "counts" => assert!(part.class_counts().iter().map(|&count| count as f64).eq(numbers)),
            "labels" => assert!(part.labels()[..20].iter().map(|&label| f64::from(label)).eq(numbers)),
            "pixel" => assert_eq!(part.sample(numbers[0] as usize)[at(32)], numbers[4] / 255.0),
            "pooled" => {
                assert!((halves.sample(numbers[0] as usize)[at(16)] - numbers[4]).abs() < 1e-15, "{line}")
            }
            "mean" | "deviation" if parts == 1 => {
                let (_, channels) = scales.iter().find(|(samples, _)| *samples == numbers[0]).unwrap();
                for (channel, expected) in channels.iter().zip(&numbers[1..]) {
                    let found = if name == "mean" { channel.mean } else { channel.deviation };
                    assert!((found - expected).abs() < 1e-12, "{line}: {found}");
                }
            }
            // The test samples' own moments serve nothing.
            "mean" | "deviation" => {}
            _ => panic!("{line}"),
        }
    }
    assert_eq!((parts, halves.n_features()), (2, 768));
}

#[test]
fn networks_learn_real_images() {
    let Some(folder) = real() else { return };
    for method in ["pdadmm", "adam"] {
        let text = format!(
            "data = '{}'\npool = 2\nsamples = 500\nscale = true\nhidden = '50'\nsweeps = 30\nmethod = '{method}'",
            folder.display()
        );
        let accuracy = train_and_evaluate(&settings(&text));
        println!("{method}: training accuracy {accuracy}");
        assert!(accuracy > 0.3, "{method}: {accuracy}");
    }
}
