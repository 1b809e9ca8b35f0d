//! Data sets as they are trained on: the digits, their split, and what the options make of a source.

use crate::common;

use std::collections::HashSet;
use std::path::Path;

use altmin::Error;
use altmin::data::split::stratified;
use altmin::data::transform::{pool, select};
use altmin::data::{
    DataOptions, DataSource, Dataset, HOLDOUT, ImageShape, Preprocessing, digits, fashion_mnist, load,
};
use common::*;

fn options() -> DataOptions {
    DataOptions::default()
}

/// A sample as something that can be put into a set.
fn key(sample: &[f32]) -> Vec<u32> {
    sample.iter().map(|pixel| pixel.to_bits()).collect()
}

fn keys(dataset: &Dataset<f32>) -> Vec<Vec<u32>> {
    (0..dataset.n_samples()).map(|index| key(dataset.sample(index))).collect()
}

#[test]
fn digits_are_the_published_ones() {
    let all = digits::all::<f64>().unwrap();
    assert_eq!((all.n_samples(), all.n_features(), all.n_classes()), (1797, 64, 10));
    // The first image and the counts as scikit-learn's documentation of load_digits prints them.
    let first_rows = [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0, 0.0, 0.0, 13.0, 15.0, 10.0, 15.0, 5.0, 0.0];
    assert_eq!(all.sample(0)[..16], first_rows.map(|pixel| pixel / 16.0));
    assert_eq!(all.labels()[..3], [0, 1, 2]);
    assert_eq!(all.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert!(all.features().iter().all(|&pixel| (0.0..=1.0).contains(&pixel)));
    assert!(all.features().contains(&1.0));
}

#[test]
fn the_split_of_digits_is_exact_stratified_and_seeded() {
    let all = digits::all::<f32>().unwrap();
    let (train, test) = digits::load::<f32>(0).unwrap();
    assert_eq!((train.n_samples(), test.n_samples()), (1437, 360));
    for (class, (&whole, &part)) in all.class_counts().iter().zip(&test.class_counts()).enumerate() {
        let share = whole as f64 * 360.0 / 1797.0;
        assert!((part as f64 - share).abs() < 1.0, "{part} of class {class}, share {share}");
    }
    let mut both = [keys(&train), keys(&test)].concat();
    let mut expected = keys(&all);
    both.sort();
    expected.sort();
    assert_eq!(both, expected);

    assert_eq!((train.clone(), test.clone()), digits::load(0).unwrap());
    let (other_train, other_test) = digits::load::<f32>(1).unwrap();
    assert_ne!(test, other_test);
    assert_ne!(train, other_train);
    let (a, b): (HashSet<_>, HashSet<_>) =
        (keys(&test).into_iter().collect(), keys(&other_test).into_iter().collect());
    // A fifth of a fifth is expected to be in both: 72 of 360.
    assert!(a.intersection(&b).count() < 120);
}

#[test]
fn largest_remainders_are_rounded_up_and_ties_go_to_the_lower_class() {
    // Shares of 4 in 10 samples: 2.0, 1.2, 0.8.
    let labels = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2];
    let (train, test) = stratified(&labels, 3, 4, 7);
    let count = |class| test.iter().filter(|&&index| labels[index] == class).count();
    assert_eq!((count(0), count(1), count(2)), (2, 1, 1));
    assert_eq!(train.len(), 6);
    // Shares of 1 in 4 samples: a half each.
    let (_, test) = stratified(&[1, 0, 1, 0], 2, 1, 7);
    assert_eq!(test.len(), 1);
    assert!([1, 3].contains(&test[0]));
}

#[test]
fn pooling_gives_the_means_of_squares() {
    let features = (0..16).map(f64::from).chain((0..16).map(|pixel| f64::from(pixel * pixel))).collect();
    let classes = vec!["a".to_owned(), "b".to_owned()];
    let image = ImageShape { height: 2, width: 4, channels: 2 };
    let whole = Dataset::new("hand", features, vec![0, 1], 16, classes).unwrap().with_image(image).unwrap();
    let pooled = pool(&whole, 2).unwrap();
    assert_eq!(pooled.image(), Some(ImageShape { height: 1, width: 2, channels: 2 }));
    assert_eq!(pooled.sample(0), [2.5, 4.5, 10.5, 12.5]);
    // (0 + 1 + 16 + 25)/4, (4 + 9 + 36 + 49)/4, (64 + 81 + 144 + 169)/4, (100 + 121 + 196 + 225)/4
    assert_eq!(pooled.sample(1), [10.5, 24.5, 114.5, 160.5]);
    assert_eq!(pooled.labels(), [0, 1]);
    assert_eq!(pool(&whole, 1).unwrap(), whole);
    for factor in [0, 3, 4] {
        let error = pool(&whole, factor).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("both sides of 2x4"), "{error}");
    }
}

#[test]
fn pooling_differs_between_precisions_by_rounding_only() {
    let options = DataOptions { pool: 2, ..options() };
    let (single, _) = load::<f32>(&DataSource::Digits, &options).unwrap();
    let (double, _) = load::<f64>(&DataSource::Digits, &options).unwrap();
    assert_eq!(single.n_features(), 16);
    let close = |(&a, &b): (&f32, &f64)| (f64::from(a) - b).abs() <= f64::from(f32::EPSILON) * b;
    assert!(single.features().iter().zip(double.features()).all(close));
}

#[test]
fn classes_are_chosen_relabelled_and_keep_their_names() {
    let (whole, whole_test) = load::<f32>(&DataSource::Digits, &options()).unwrap();
    let chosen = DataOptions { classes: Some(vec![8, 3]), ..options() };
    let (train, test) = load::<f32>(&DataSource::Digits, &chosen).unwrap();
    assert_eq!(train.classes(), ["8", "3"]);
    for (all, part) in [(&whole, &train), (&whole_test, &test)] {
        let mut next = 0;
        for index in 0..all.n_samples() {
            let label = match all.labels()[index] {
                8 => 0,
                3 => 1,
                _ => continue,
            };
            assert_eq!((part.sample(next), part.labels()[next]), (all.sample(index), label));
            next += 1;
        }
        assert_eq!(next, part.n_samples());
    }
}

#[test]
fn unfit_classes_are_wrong_use() {
    for (classes, part) in [
        (vec![], "at least two"),
        (vec![3], "at least two"),
        (vec![3, 3], "3 once"),
        (vec![3, 10], "classes from 0 to 9"),
        (vec![3, u32::MAX], "classes from 0 to 9"),
    ] {
        let error = load::<f32>(&DataSource::Digits, &DataOptions { classes: Some(classes), ..options() })
            .unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(part), "{error}");
        assert!(error.to_string().starts_with("`classes` is "), "{error}");
    }
}

#[test]
fn the_first_samples_are_the_first() {
    let (whole, whole_test) = load::<f32>(&DataSource::Digits, &options()).unwrap();
    let (train, test) =
        load::<f32>(&DataSource::Digits, &DataOptions { samples: Some(100), ..options() }).unwrap();
    assert_eq!(train, select(&whole, &(0..100).collect::<Vec<_>>()).unwrap());
    assert_eq!(test, whole_test);
    assert!(load::<f32>(&DataSource::Digits, &DataOptions { samples: Some(1437), ..options() }).is_ok());
    for count in [0, 1438] {
        let error =
            load::<f32>(&DataSource::Digits, &DataOptions { samples: Some(count), ..options() }).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("1 to 1437"), "{error}");
    }
    let error = load::<f32>(&DataSource::Digits, &DataOptions { samples: Some(1), ..options() }).unwrap_err();
    assert!(matches!(error, Error::Data { .. }) && error.to_string().contains("one class"), "{error}");
}

#[test]
fn holding_out_never_touches_the_test_samples() {
    let (whole, _) = load::<f32>(&DataSource::Digits, &options()).unwrap();
    let (train, held_out) =
        load::<f32>(&DataSource::Digits, &DataOptions { holdout: true, ..options() }).unwrap();
    assert_eq!((train.n_samples(), held_out.n_samples()), (1150, 287));
    assert_eq!([train.features(), held_out.features()].concat(), whole.features());
    assert_eq!([train.labels(), held_out.labels()].concat(), whole.labels());
}

/// A folder with `train` training samples of one pixel, the index modulo 256, in two classes.
fn narrow_folder(train: u32) -> tempfile::TempDir {
    let folder = folder();
    let alternating = |count: u32| labels(&(0..count).map(|index| (index % 2) as u8).collect::<Vec<_>>());
    put(folder.path(), TRAIN_IMAGES, &images(train, 1, 1));
    put(folder.path(), TRAIN_LABELS, &alternating(train));
    put(folder.path(), TEST_IMAGES, &images(3, 1, 1));
    put(folder.path(), TEST_LABELS, &alternating(3));
    folder
}

#[test]
fn files_hold_out_their_last_five_thousand_before_the_first_are_taken() {
    let folder = narrow_folder(5_300);
    let source = DataSource::Directory(folder.path().to_owned());
    let options = DataOptions { holdout: true, samples: Some(200), ..options() };
    let (train, held_out) = load::<f64>(&source, &options).unwrap();
    assert_eq!((train.n_samples(), held_out.n_samples()), (200, HOLDOUT));
    let pixel = |index: usize| (index % 256) as f64 / 255.0;
    assert_eq!(train.features(), (0..200).map(pixel).collect::<Vec<_>>());
    assert_eq!(held_out.features(), (300..5_300).map(pixel).collect::<Vec<_>>());

    let error = load::<f64>(&source, &DataOptions { samples: Some(301), ..options.clone() }).unwrap_err();
    assert!(error.to_string().contains("1 to 300"), "{error}");
    let small = narrow_folder(5_000);
    let error = load::<f64>(&DataSource::Directory(small.path().to_owned()), &options).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("`holdout`"), "{error}");
}

/// What `load` says of a folder with these labels of training and test samples.
fn load_labels(
    train: &[u8],
    test: &[u8],
    options: &DataOptions,
) -> altmin::Result<(Dataset<f32>, Dataset<f32>)> {
    let folder = folder();
    put(folder.path(), TRAIN_IMAGES, &images(train.len() as u32, 4, 2));
    put(folder.path(), TRAIN_LABELS, &labels(train));
    put(folder.path(), TEST_IMAGES, &images(test.len() as u32, 4, 2));
    put(folder.path(), TEST_LABELS, &labels(test));
    load(&DataSource::Directory(folder.path().to_owned()), options)
}

#[test]
fn labels_out_of_range_are_refused() {
    let error = load_labels(&[0, 1, 2, 200], &[0], &options()).unwrap_err();
    assert!(error.to_string().contains("labels up to 200, none of them 3"), "{error}");
    assert!(error.hint().unwrap().contains("classes"));
    let error = load_labels(&[0, 1, 2], &[0, 3], &options()).unwrap_err();
    assert!(error.to_string().contains("label 3, expected labels from 0 to 2"), "{error}");
    for one in [[0, 0, 0], [7, 7, 7]] {
        let error = load_labels(&one, &one, &options()).unwrap_err();
        assert!(error.to_string().contains("at least two classes"), "{error}");
        assert!(!error.is_usage());
    }
}

#[test]
fn classes_can_be_chosen_among_labels_with_gaps() {
    let chosen = DataOptions { classes: Some(vec![26, 1]), ..options() };
    let (train, test) = load_labels(&[1, 26, 13, 1], &[26, 200, 1], &chosen).unwrap();
    assert_eq!((train.labels(), test.labels()), ([1, 0, 1].as_slice(), [0, 1].as_slice()));
    assert_eq!(train.classes(), ["26", "1"]);
    let absent = DataOptions { classes: Some(vec![26, 2]), ..options() };
    let error = load_labels(&[1, 26, 13, 1], &[26, 1], &absent).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("`classes` is `2`"), "{error}");
}

#[test]
fn options_apply_in_their_order() {
    let options = DataOptions { classes: Some(vec![1, 2]), samples: Some(2), pool: 2, ..options() };
    let folder = folder();
    let (train, test) = load::<f64>(&DataSource::Directory(folder.path().to_owned()), &options).unwrap();
    // Training labels are 2 0 1 1 0 2: the first two of classes 1 and 2 are images 0 and 2.
    assert_eq!(train.labels(), [1, 0]);
    // Image 0 holds 0..8 in rows of two, image 2 holds 16..24.
    let expected = [1.5, 5.5, 17.5, 21.5].map(|pixel| pixel / 255.0);
    assert!(train.features().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    assert_eq!((test.n_samples(), test.n_features()), (2, 2));
}

#[test]
fn a_model_remembers_how_to_treat_a_data_set() {
    let with = DataOptions {
        split_seed: 5,
        holdout: true,
        classes: Some(vec![1, 2]),
        samples: Some(20),
        pool: 2,
        ..options()
    };
    let kept = Preprocessing::new(&DataSource::Digits, &with);
    assert_eq!((kept.data.as_str(), kept.divisor), ("digits", 16.0));
    assert_eq!(kept.options(), DataOptions { holdout: false, samples: None, ..with });
}

#[test]
fn sources_are_read_as_they_are_written() {
    for text in ["digits", "fashion-mnist", "some/folder", "./digits"] {
        assert_eq!(text.parse::<DataSource>().unwrap().to_string(), text);
    }
    assert_eq!("./digits".parse::<DataSource>().unwrap(), DataSource::Directory("./digits".into()));
    assert!("".parse::<DataSource>().unwrap_err().is_usage());
    let error = load::<f32>(&"mnsit".parse().unwrap(), &options()).unwrap_err();
    assert!(
        error.is_usage() && error.to_string().contains("`mnsit`, expected digits, fashion-mnist"),
        "{error}"
    );
}

#[test]
fn fashion_mnist_is_found_or_says_how_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    for folder in [empty.path(), &empty.path().join("absent")] {
        let error = fashion_mnist::load::<f32>(folder).unwrap_err();
        assert!(error.to_string().contains("train-images-idx3-ubyte.gz"), "{error}");
        assert!(error.hint().unwrap().contains("apt install dataset-fashion-mnist"));
        assert!(!error.is_usage());
    }
    if Path::new(fashion_mnist::FOLDER).exists() {
        let (train, test) = load::<f32>(&DataSource::FashionMnist, &options()).unwrap();
        assert_eq!((train.n_samples(), test.n_samples()), (60_000, 10_000));
    }
}

#[test]
fn a_data_set_checks_what_it_is_made_of() {
    let two = || vec!["a".to_owned(), "b".to_owned()];
    let good = Dataset::new("x", vec![0.0f32; 6], vec![0, 1, 1], 2, two()).unwrap();
    let refused = |features: Vec<f32>, labels: Vec<u32>, n_features, classes| {
        Dataset::new("x", features, labels, n_features, classes).unwrap_err().to_string()
    };
    assert!(refused(vec![], vec![], 2, two()).contains("no samples"));
    assert!(refused(vec![], vec![0], 0, two()).contains("no features"));
    assert!(refused(vec![0.0; 2], vec![0], 2, vec!["a".into()]).contains("1 class, expected at least two"));
    assert!(
        refused(vec![0.0; 5], vec![0, 1], 2, two()).contains("5 numbers for 2 samples, expected 2 a sample")
    );
    assert!(
        refused(vec![0.0; 4], vec![0, 2], 2, two())
            .contains("label 2 at sample 1, expected labels from 0 to 1")
    );
    assert!(refused(vec![0.0; 4], vec![0, 1], usize::MAX, two()).contains("4 numbers"));
    for bad in [f32::NAN, f32::INFINITY] {
        let message = refused(vec![0.0, 0.0, 0.0, bad], vec![0, 1], 2, two());
        assert!(message.contains("in feature 1 of sample 1, expected finite"), "{message}");
    }
    assert!(good.with_image(ImageShape { height: 3, width: 1, channels: 1 }).is_err());
}
