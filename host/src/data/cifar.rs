//! The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009), plain or gzip.
//!
//! A file is records without a header: the label in a byte (CIFAR-100: the coarse label, then the fine one), and
//! 3x32x32 pixels, channel by channel (red, green, blue), each row by row.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use altmin_core::Real;
use serde::{Deserialize, Serialize};

use super::bytes::read_whole;
use super::{Dataset, ImageShape};
use crate::error::{Error, Result};

/// The largest pixel: stored pixels are 0 to 255.
pub const DIVISOR: f64 = 255.0;
/// The shape of every image.
pub const IMAGE: ImageShape = ImageShape { height: 32, width: 32, channels: 3 };

const PIXELS: usize = 32 * 32 * 3;
const CIFAR10_NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Which of CIFAR-100's two labels of an image are learnt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// The 100 classes
    #[default]
    Fine,
    /// The 20 superclasses, of five classes each
    Coarse,
}

impl Labels {
    /// Whether these are the labels that data sets with one label have.
    pub(super) fn is_fine(&self) -> bool {
        *self == Labels::Fine
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Labels::Fine => "fine",
            Labels::Coarse => "coarse",
        })
    }
}

/// Which of the two data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// 10 classes, one label a record.
    Cifar10,
    /// 100 classes in 20 superclasses, both labels in a record.
    Cifar100,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Variant::Cifar10 => "CIFAR-10",
            Variant::Cifar100 => "CIFAR-100",
        })
    }
}

impl Variant {
    /// The names of the files with training samples, in their order, `.gz` left out. Of several at least one must be
    /// there.
    pub fn training_names(self) -> &'static [&'static str] {
        match self {
            Variant::Cifar10 => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            Variant::Cifar100 => &["train.bin"],
        }
    }

    /// The name of the file with test samples, `.gz` left out.
    pub fn test_name(self) -> &'static str {
        match self {
            Variant::Cifar10 => "test_batch.bin",
            Variant::Cifar100 => "test.bin",
        }
    }

    /// Whether any of the files is in a folder.
    pub(super) fn is_in(self, folder: &Path) -> bool {
        self.training_names().iter().chain([&self.test_name()]).any(|name| find(folder, name).is_some())
    }

    fn label_bytes(self) -> usize {
        match self {
            Variant::Cifar10 => 1,
            Variant::Cifar100 => 2,
        }
    }

    fn record(self) -> usize {
        self.label_bytes() + PIXELS
    }
}

/// The labels that are read, and the names of their classes.
struct Classes {
    /// Which byte of a record.
    place: usize,
    names: Vec<String>,
}

impl Classes {
    fn read(folder: &Path, variant: Variant, labels: Labels) -> Result<Self> {
        let numbers = |count: usize| (0..count).map(|class| class.to_string()).collect();
        let (place, file, known): (usize, _, Vec<String>) = match (variant, labels) {
            (Variant::Cifar10, Labels::Fine) => {
                (0, "batches.meta.txt", CIFAR10_NAMES.map(str::to_owned).to_vec())
            }
            (Variant::Cifar10, Labels::Coarse) => {
                let expected =
                    format!("fine, as `{}` holds {variant}, whose images have one label", folder.display());
                return Err(Error::argument("labels", labels, expected));
            }
            (Variant::Cifar100, Labels::Coarse) => (0, "coarse_label_names.txt", numbers(20)),
            (Variant::Cifar100, Labels::Fine) => (1, "fine_label_names.txt", numbers(100)),
        };
        let path = folder.join(file);
        if !path.exists() {
            return Ok(Self { place, names: known });
        }
        let text = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let names: Vec<String> = lines.map(str::to_owned).collect();
        if names.len() != known.len() {
            let expected = format!("{}, a line for each {labels} class of {variant}", known.len());
            return Err(Error::format(&path, format!("{} names", names.len()), expected));
        }
        Ok(Self { place, names })
    }
}

/// Training and test samples of a folder, pixels between 0 and 1.
///
/// The classes are all that the data set has; their names are those of `batches.meta.txt`, `fine_label_names.txt` or
/// `coarse_label_names.txt` where that is in the folder, else CIFAR-10's own ten, or for CIFAR-100 numbers.
///
/// # Errors
/// [`Error::Argument`] (`labels`) for coarse labels of CIFAR-10. [`Error::Missing`] without a training or without a test
/// file. [`Error::Format`] for a file without records, one whose length is no multiple of a record's, a label that the data
/// set does not have, another number of names than of classes; [`Error::Io`] for what cannot be read.
pub fn load<T: Real>(folder: &Path, variant: Variant, labels: Labels) -> Result<(Dataset<T>, Dataset<T>)> {
    let classes = Classes::read(folder, variant, labels)?;
    let training: Vec<PathBuf> =
        variant.training_names().iter().filter_map(|name| find(folder, name)).collect();
    if training.is_empty() {
        return Err(missing(folder, variant.training_names()));
    }
    let test_name = variant.test_name();
    let test = find(folder, test_name).ok_or_else(|| missing(folder, &[test_name]))?;
    let name = |part| format!("{} ({part})", folder.display());
    Ok((
        read(&training, variant, &classes, name("training"))?,
        read(&[test], variant, &classes, name("test"))?,
    ))
}

/// The file, plain or, where that is not there, with `.gz` at the end of its name.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    candidates(name).into_iter().map(|name| folder.join(name)).find(|path| path.exists())
}

fn candidates(name: &str) -> [String; 2] {
    [name.to_owned(), format!("{name}.gz")]
}

fn missing(folder: &Path, names: &[&str]) -> Error {
    let tried = names.iter().flat_map(|name| candidates(name)).collect();
    Error::Missing { folder: folder.to_owned(), tried, package: None }
}

/// The samples of some files, one file after the other.
fn read<T: Real>(files: &[PathBuf], variant: Variant, classes: &Classes, name: String) -> Result<Dataset<T>> {
    // The files' bytes, a fraction of the numbers made of them, tell how many samples there are: the numbers are then
    // put where they stay, and no vector grows by being copied.
    let contents =
        files.iter().map(|path| Ok((path, records(path, variant)?))).collect::<Result<Vec<_>>>()?;
    let n_samples = contents.iter().map(|(_, bytes)| bytes.len() / variant.record()).sum::<usize>();
    let mut features = Vec::with_capacity(n_samples * PIXELS);
    let mut labels = Vec::with_capacity(n_samples);
    let values: [T; 256] = std::array::from_fn(|pixel| T::from_f64(pixel as f64 / DIVISOR));
    for (path, bytes) in contents {
        for (number, record) in bytes.chunks_exact(variant.record()).enumerate() {
            labels.push(label(path, number, record[classes.place], classes.names.len())?);
            features.extend(record[variant.label_bytes()..].iter().map(|&pixel| values[usize::from(pixel)]));
        }
    }
    Dataset::new(name, features, labels, PIXELS, classes.names.clone())?.with_image(IMAGE)
}

/// A file's bytes, which are whole records and at least one.
fn records(path: &Path, variant: Variant) -> Result<Vec<u8>> {
    let bytes = read_whole(path)?;
    if !bytes.is_empty() && bytes.len().is_multiple_of(variant.record()) {
        return Ok(bytes);
    }
    Err(Error::Format {
        path: path.to_owned(),
        found: format!("{} bytes", bytes.len()),
        expected: format!("a multiple of {}, the length of a record of {variant}", variant.record()),
        hint: Some("the file is truncated, or not in the data set's binary format"),
    })
}

fn label(path: &Path, record: usize, label: u8, n_classes: usize) -> Result<u32> {
    if usize::from(label) < n_classes {
        return Ok(u32::from(label));
    }
    let found = format!("label {label} in record {record}, counted from 0");
    Err(Error::format(path, found, format!("labels from 0 to {}", n_classes - 1)))
}
