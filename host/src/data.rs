//! Data sets: what is trained and tested on, and where it comes from.

pub mod digits;
pub mod fashion_mnist;
pub mod idx;
pub mod split;
pub mod transform;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use altmin_core::Real;
use altmin_core::view::{MatRef, dense};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Training samples that [`DataOptions::holdout`] sets aside from a set of files.
pub const HOLDOUT: usize = 5_000;

/// The size of the images that are a data set's samples.
///
/// A sample is stored channel by channel, each row by row: feature `(channel * height + row) * width + column`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Numbers a pixel: 1 for grey, 3 for colour.
    pub channels: usize,
}

impl ImageShape {
    /// Features of a sample: `height * width * channels`, or `None` when that overflows.
    pub fn n_features(self) -> Option<usize> {
        self.height.checked_mul(self.width)?.checked_mul(self.channels)
    }
}

/// Samples and their classes. Samples are columns, without gaps, of a column-major `n_features x n_samples` matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<T> {
    name: String,
    features: Vec<T>,
    labels: Vec<u32>,
    n_features: usize,
    classes: Vec<String>,
    image: Option<ImageShape>,
}

impl<T: Real> Dataset<T> {
    /// A data set of `labels.len()` samples.
    ///
    /// `features` holds `n_features` numbers a sample, sample after sample; a label is the index of its class in
    /// `classes`, the classes' names.
    ///
    /// # Errors
    /// [`Error::Data`] for no samples, no features, fewer than two classes, a label that is no index into `classes`,
    /// another number of features than `n_features * labels.len()`, a feature that is NaN or infinite.
    pub fn new(
        name: impl Into<String>,
        features: Vec<T>,
        labels: Vec<u32>,
        n_features: usize,
        classes: Vec<String>,
    ) -> Result<Self> {
        let name = name.into();
        let refuse = |found: String, expected: &str| Err(Error::data(&name, found, expected));
        if labels.is_empty() {
            return refuse("no samples".into(), "at least one");
        }
        if n_features == 0 {
            return refuse("no features".into(), "at least one");
        }
        if classes.len() < 2 {
            return refuse(format!("{} class", classes.len()), "at least two");
        }
        if n_features.checked_mul(labels.len()) != Some(features.len()) {
            let found = format!("{} numbers for {} samples", features.len(), labels.len());
            return refuse(found, &format!("{n_features} a sample"));
        }
        if let Some((sample, label)) =
            labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes.len())
        {
            return refuse(
                format!("label {label} at sample {sample}"),
                &format!("labels from 0 to {}", classes.len() - 1),
            );
        }
        if let Some(place) = features.iter().position(|feature| !feature.is_finite()) {
            let (sample, feature) = (place / n_features, place % n_features);
            return refuse(
                format!("{} in feature {feature} of sample {sample}", features[place]),
                "finite numbers",
            );
        }
        Ok(Self { name, features, labels, n_features, classes, image: None })
    }

    /// The same with the shape of its images.
    ///
    /// # Errors
    /// [`Error::Data`] if the shape has another number of features.
    pub fn with_image(mut self, image: ImageShape) -> Result<Self> {
        if image.n_features() != Some(self.n_features) {
            let expected = format!("{}x{}x{}", image.height, image.width, image.channels);
            return Err(Error::data(&self.name, format!("{} features", self.n_features), expected));
        }
        self.image = Some(image);
        Ok(self)
    }

    /// The name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// All features, sample after sample.
    pub fn features(&self) -> &[T] {
        &self.features
    }

    /// All features as `n_features x n_samples`.
    pub fn matrix(&self) -> MatRef<'_, T> {
        dense(&self.features, self.n_features, self.n_samples())
    }

    /// The features of one sample.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn sample(&self, index: usize) -> &[T] {
        &self.features[index * self.n_features..][..self.n_features]
    }

    /// The class of each sample, as an index into [`Dataset::classes`].
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Features a sample.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Samples.
    pub fn n_samples(&self) -> usize {
        self.labels.len()
    }

    /// Classes, whether or not a sample of each is there.
    pub fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// The classes' names.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The shape of the samples, if they are images.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }

    /// Samples of each class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.n_classes()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }
}

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// The UCI digits that are part of this crate.
    Digits,
    /// Fashion-MNIST where Debian's package puts it.
    FashionMnist,
    /// A folder of IDX files.
    Directory(PathBuf),
}

impl DataSource {
    /// By what the stored pixels are divided to lie between 0 and 1.
    pub fn divisor(&self) -> f64 {
        match self {
            DataSource::Digits => digits::DIVISOR,
            DataSource::FashionMnist | DataSource::Directory(_) => idx::DIVISOR,
        }
    }
}

impl FromStr for DataSource {
    type Err = Error;

    /// `digits`, `fashion-mnist`, or a folder (whose existence is not asked for here).
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "digits" => Ok(Self::Digits),
            "fashion-mnist" => Ok(Self::FashionMnist),
            "" => Err(Error::argument("data", text, "digits, fashion-mnist or a folder of IDX files")),
            folder => Ok(Self::Directory(folder.into())),
        }
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataSource::Digits => f.write_str("digits"),
            DataSource::FashionMnist => f.write_str("fashion-mnist"),
            DataSource::Directory(folder) => folder.display().fmt(f),
        }
    }
}

/// What is made of a data set, in this order: split, holdout, classes, samples, pooling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataOptions {
    /// Seed of the split of `digits` into training and test samples; default 0. Other sources come split.
    pub split_seed: u64,
    /// Test on the last training samples and not on the test samples, so that settings can be chosen without them:
    /// the last [`HOLDOUT`] (of MNIST, images 55,001 to 60,000), of `digits` the last fifth; default no.
    pub holdout: bool,
    /// Keep only these classes, relabelled 0, 1, ... in this order; default all.
    pub classes: Option<Vec<u32>>,
    /// Train only on the first so many samples of those that are left; default all.
    pub samples: Option<usize>,
    /// Replace each square of so many pixels a side by its mean; default 1.
    pub pool: usize,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self { split_seed: 0, holdout: false, classes: None, samples: None, pool: 1 }
    }
}

/// What must be done to a sample of a data set before a model can take it: kept with the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// The [`DataSource`] as text.
    pub data: String,
    /// By what stored pixels were divided.
    pub divisor: f64,
    /// [`DataOptions::pool`].
    pub pool: usize,
    /// [`DataOptions::classes`].
    pub classes: Option<Vec<u32>>,
    /// [`DataOptions::split_seed`]: another one would put training samples among the test samples.
    pub split_seed: u64,
}

impl Preprocessing {
    /// What [`load`] does with these arguments.
    pub fn new(source: &DataSource, options: &DataOptions) -> Self {
        Self {
            data: source.to_string(),
            divisor: source.divisor(),
            pool: options.pool,
            classes: options.classes.clone(),
            split_seed: options.split_seed,
        }
    }

    /// The options that treat a data set in the same way: all training samples, and the real test samples.
    pub fn options(&self) -> DataOptions {
        DataOptions {
            split_seed: self.split_seed,
            classes: self.classes.clone(),
            pool: self.pool,
            ..DataOptions::default()
        }
    }
}

/// Reads a data set and returns its training and its test samples.
///
/// # Errors
/// [`Error::Argument`] for an option outside its range: no samples or more than there are, fewer than two classes,
/// a class that does not exist or is named twice, pooling that does not divide the image's sides, a folder that is
/// none. [`Error::Missing`], [`Error::Format`] and [`Error::Io`] for the files. [`Error::Data`] for what they hold:
/// labels with gaps, test labels that the training samples lack, a single class, no samples.
pub fn load<T: Real>(source: &DataSource, options: &DataOptions) -> Result<(Dataset<T>, Dataset<T>)> {
    let (mut train, mut test) = match source {
        DataSource::Digits => digits::load(options.split_seed)?,
        DataSource::FashionMnist => fashion_mnist::load(fashion_mnist::FOLDER.as_ref())?,
        DataSource::Directory(folder) => idx::load(folder)?,
    };
    if options.classes.is_none() {
        require_all_classes(&train, &test)?;
    }
    if options.holdout {
        let count = if *source == DataSource::Digits { train.n_samples() / 5 } else { HOLDOUT };
        (train, test) = split::hold_out(train, count)?;
    }
    if let Some(classes) = &options.classes {
        train = transform::choose_classes(train, classes)?;
        test = transform::choose_classes(test, classes)?;
        transform::require_present(&train, classes)?;
    }
    if let Some(count) = options.samples {
        train = transform::first(train, count)?;
    }
    if options.pool != 1 {
        train = transform::pool(&train, options.pool)?;
        test = transform::pool(&test, options.pool)?;
    }
    require_two_classes(&train)?;
    Ok((train, test))
}

/// `Ok` when every class has a training sample: a gap in the labels is more often a broken file than meant.
fn require_all_classes<T: Real>(train: &Dataset<T>, test: &Dataset<T>) -> Result {
    require_two_classes(train)?;
    let counts = train.class_counts();
    let largest = train.labels().iter().copied().max().unwrap_or(0);
    if let Some(&label) = test.labels().iter().find(|&&label| label > largest) {
        let expected = format!("labels from 0 to {largest}, as in training");
        return Err(Error::data(test.name(), format!("label {label}"), expected));
    }
    match counts.iter().position(|&count| count == 0) {
        None => Ok(()),
        Some(gap) => Err(Error::Data {
            name: train.name().to_owned(),
            found: format!("labels up to {largest}, none of them {gap}"),
            expected: "labels from 0 without gaps".to_owned(),
            hint: Some("name the classes that exist with `classes`"),
        }),
    }
}

/// `Ok` when there is something to tell apart.
fn require_two_classes<T: Real>(train: &Dataset<T>) -> Result {
    let counts = train.class_counts();
    if counts.iter().filter(|&&count| count > 0).count() >= 2 {
        return Ok(());
    }
    let found = format!("{} samples of one class", train.n_samples());
    Err(Error::data(train.name(), found, "samples of at least two classes"))
}
