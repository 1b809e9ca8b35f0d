//! Small IDX files, made byte by byte.
#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// An IDX file of unsigned bytes.
pub(crate) fn idx(dimensions: &[u32], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|dimension| bytes.extend(dimension.to_be_bytes()));
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Images of `height x width` whose pixels count up from 0, modulo 256.
pub(crate) fn images(count: u32, height: u32, width: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count * height * width).map(|pixel| pixel as u8).collect();
    idx(&[count, height, width], &pixels)
}

pub(crate) fn labels(labels: &[u8]) -> Vec<u8> {
    idx(&[labels.len() as u32], labels)
}

pub(crate) const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
pub(crate) const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
pub(crate) const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
pub(crate) const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// A folder with six training and three test images of 4x2 in three classes.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), TRAIN_IMAGES, &images(6, 4, 2));
    put(folder.path(), TRAIN_LABELS, &labels(&[2, 0, 1, 1, 0, 2]));
    put(folder.path(), TEST_IMAGES, &images(3, 4, 2));
    put(folder.path(), TEST_LABELS, &labels(&[1, 2, 0]));
    folder
}

pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// A folder of real data below the one that ALTMIN_DATA names; says so when there is none.
pub(crate) fn real_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ALTMIN_DATA").map(|data| Path::new(&data).join(name));
    if folder.is_none() {
        println!("skipped: ALTMIN_DATA is not set");
    }
    folder
}
