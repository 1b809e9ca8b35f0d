//! IDX folders: what is read from good files, and one clear line for each kind of bad one.

use crate::common;

use std::fs;
use std::path::Path;

use altmin::Error;
use altmin::data::{Dataset, ImageShape, idx};
use common::*;

fn load(folder: &Path) -> (Dataset<f64>, Dataset<f64>) {
    idx::load(folder).unwrap()
}

#[test]
fn plain_files_are_read() {
    let folder = folder();
    let (train, test) = load(folder.path());
    assert_eq!((train.n_samples(), train.n_features(), train.n_classes()), (6, 8, 3));
    assert_eq!(train.image(), Some(ImageShape { height: 4, width: 2, channels: 1 }));
    assert_eq!(train.labels(), [2, 0, 1, 1, 0, 2]);
    assert_eq!(train.classes(), ["0", "1", "2"]);
    assert_eq!(test.labels(), [1, 2, 0]);
    let expected: Vec<f64> = (0..48).map(|pixel| f64::from(pixel) / 255.0).collect();
    assert_eq!(train.features(), expected);
    assert_eq!(train.matrix().shape(), (8, 6));
    assert_eq!(train.matrix()[(3, 2)], 19.0 / 255.0);
    assert_eq!(train.sample(2), &expected[16..24]);
}

#[test]
fn other_names_and_gzip_are_read_alike() {
    let plain = folder();
    let expected = load(plain.path());
    for (separator, suffix, compressed) in
        [("-", ".gz", true), (".", "", false), (".", ".gz", true), ("-", "", true), ("-", ".gz", false)]
    {
        let other = tempfile::tempdir().unwrap();
        for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
            let bytes = fs::read(plain.path().join(name)).unwrap();
            let bytes = if compressed { gzip(&bytes) } else { bytes };
            put(other.path(), &(name.replace("-idx", &format!("{separator}idx")) + suffix), &bytes);
        }
        let (train, test) = load(other.path());
        assert_eq!((train.features(), train.labels()), (expected.0.features(), expected.0.labels()));
        assert_eq!((test.features(), test.labels()), (expected.1.features(), expected.1.labels()));
    }
}

#[test]
fn gzip_in_several_members_is_read_to_its_end() {
    let folder = folder();
    let whole = images(6, 4, 2);
    let (front, back) = whole.split_at(20);
    put(folder.path(), TRAIN_IMAGES, &[gzip(front), gzip(back)].concat());
    assert_eq!(load(folder.path()).0.n_samples(), 6);
}

/// The error with one file replaced, which must be a single line.
fn refused(name: &str, bytes: &[u8]) -> Error {
    let folder = folder();
    put(folder.path(), name, bytes);
    let error = idx::load::<f32>(folder.path()).unwrap_err();
    let line = error.to_string();
    assert!(!line.contains('\n') && line.contains(folder.path().to_str().unwrap()), "{line}");
    error
}

fn require(error: &Error, parts: &[&str]) {
    let line = error.to_string();
    for part in parts {
        assert!(line.contains(part), "`{part}` is not in: {line}");
    }
    assert!(!error.is_usage());
}

#[test]
fn a_missing_file_names_all_that_were_tried() {
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let folder = folder();
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = idx::load::<f32>(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }));
        let dotted = name.replace("-idx", ".idx");
        require(&error, &[name, &format!("{name}.gz"), &dotted, &format!("{dotted}.gz")]);
    }
}

#[test]
fn a_folder_that_is_none_is_wrong_use() {
    let folder = folder();
    for path in [folder.path().join("absent"), folder.path().join(TRAIN_IMAGES)] {
        let error = idx::load::<f32>(&path).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("a folder of IDX files"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_idx_is_refused() {
    let error = refused(TRAIN_IMAGES, b"<html><body>404</body></html>");
    require(&error, &[TRAIN_IMAGES, "no IDX file", "3c 68 74 6d", "3 dimensions of unsigned bytes"]);
    require(&refused(TRAIN_IMAGES, b""), &["only 0 bytes"]);
    require(&refused(TRAIN_IMAGES, &[0, 0]), &["only 2 bytes"]);
}

#[test]
fn wrong_magic_says_what_the_file_is() {
    let error = refused(TRAIN_IMAGES, &labels(&[0, 1, 2]));
    require(&error, &[TRAIN_IMAGES, "1 dimension (labels)", "3 dimensions"]);
    assert!(error.hint().unwrap().contains("swapped"));
    let error = refused(TRAIN_LABELS, &images(6, 4, 2));
    require(&error, &[TRAIN_LABELS, "3 dimensions (images)", "1 dimension of unsigned bytes"]);
    let mut floats = images(6, 4, 2);
    floats[2] = 0x0D;
    require(&refused(TRAIN_IMAGES, &floats), &["type 0x0d", "unsigned bytes"]);
    require(&refused(TRAIN_IMAGES, &idx(&[1, 1, 1, 1], &[0])), &["4 dimensions"]);
    require(&refused(TRAIN_IMAGES, &[0, 0, 8, 1, 0, 0, 0, 0]), &["1 dimension (labels)"]);
}

#[test]
fn every_cut_is_noticed_plain_and_compressed() {
    let whole = images(6, 4, 2);
    for length in 0..whole.len() {
        let error = refused(TRAIN_IMAGES, &whole[..length]);
        require(&error, &[TRAIN_IMAGES, "only "]);
        assert!(error.hint().unwrap().contains("truncated"));
        require(&refused(TRAIN_IMAGES, &gzip(&whole[..length])), &["only "]);
    }
    let compressed = gzip(&whole);
    // Two bytes are enough to be taken for gzip.
    for length in 2..compressed.len() {
        require(&refused(TRAIN_IMAGES, &compressed[..length]), &[TRAIN_IMAGES, "damaged gzip data"]);
    }
}

#[test]
fn damaged_gzip_is_noticed_by_its_checksum() {
    let mut compressed = gzip(&images(6, 4, 2));
    let checksum = compressed.len() - 8;
    compressed[checksum] ^= 1;
    require(&refused(TRAIN_IMAGES, &compressed), &["damaged gzip data"]);
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = images(6, 4, 2);
    bytes.push(0);
    require(&refused(TRAIN_IMAGES, &bytes), &["more bytes after the 48 of 6x4x2"]);
    require(&refused(TRAIN_IMAGES, &gzip(&bytes)), &["more bytes after"]);
}

#[test]
fn dimensions_that_overflow_or_exceed_the_file_take_no_memory() {
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]);
    require(&refused(TRAIN_IMAGES, &huge), &["4294967295x4294967295x4294967295"]);
    let large = idx(&[u32::MAX, 28, 28], &[1, 2, 3]);
    require(&refused(TRAIN_IMAGES, &large), &["only 3 bytes", "4294967295x28x28"]);
}

#[test]
fn counts_must_agree() {
    let error = refused(TRAIN_LABELS, &labels(&[0, 1, 2, 0, 1]));
    require(&error, &[TRAIN_LABELS, "5 labels", "expected 6, one for each image", TRAIN_IMAGES]);
    let error = refused(TEST_IMAGES, &images(4, 4, 2));
    require(&error, &[TEST_LABELS, "3 labels", "expected 4"]);
    require(&refused(TEST_IMAGES, &images(3, 2, 4)), &["images of 2x4", "images of 4x2, as in training"]);
}

#[test]
fn zero_samples_and_zero_pixels_are_refused() {
    let folder = folder();
    put(folder.path(), TEST_IMAGES, &images(0, 4, 2));
    put(folder.path(), TEST_LABELS, &labels(&[]));
    let error = idx::load::<f32>(folder.path()).unwrap_err();
    require(&error, &[TEST_IMAGES, "0 images", "at least one"]);
    require(&refused(TEST_IMAGES, &images(3, 0, 2)), &["images of 0x2"]);
}

#[test]
fn mnist_is_the_canonical_one() {
    let Some(folder) = real_data("mnist") else { return };
    let (train, test) = idx::load::<f32>(&folder).unwrap();
    assert_eq!((train.n_samples(), test.n_samples(), train.n_features()), (60_000, 10_000, 784));
    // As every tutorial shows them; the mean is the constant that PyTorch's examples normalise with.
    assert_eq!(train.labels()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(test.labels()[..5], [7, 2, 1, 0, 4]);
    let sum: f64 = train.features().iter().map(|&pixel| f64::from(pixel)).sum();
    assert!((sum / train.features().len() as f64 - 0.1307).abs() < 1e-4);
}
