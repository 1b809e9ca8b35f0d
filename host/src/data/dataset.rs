//! Samples with what is to be said about them: classes or values.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use altmin_core::Real;
use altmin_core::loss::Target;
use altmin_core::view::{MatRef, dense};
use serde::{Deserialize, Serialize};

use super::channels::Channel;
use super::class_weights::ClassWeights;
use super::columns::Columns;
use super::outputs::Outputs;
use super::scale_channels;
use crate::error::{Error, Result};

/// The size of the images that are a data set's samples.
///
/// A sample is stored channel by channel, each row by row: feature `(channel * height + row) * width + column`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

impl FromStr for ImageShape {
    type Err = Error;

    /// `HEIGHTxWIDTH` or `HEIGHTxWIDTHxCHANNELS`, each 1 or more.
    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            Error::argument("shape", text, "HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS such as 28x28 or 32x32x3")
        };
        let side = |side: &str| side.parse().ok().filter(|&side: &usize| side > 0).ok_or_else(refused);
        let sides = text.split('x').map(side).collect::<Result<Vec<usize>>>()?;
        let (height, width, channels) = match sides[..] {
            [height, width] => (height, width, 1),
            [height, width, channels] => (height, width, channels),
            _ => return Err(refused()),
        };
        let shape = Self { height, width, channels };
        shape.n_features().map(|_| shape).ok_or_else(refused)
    }
}

/// What is to be learnt of each sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Targets<T> {
    /// The class of each sample.
    Labels(Vec<u32>),
    /// `n_outputs` numbers a sample, sample after sample.
    Values(Vec<T>),
}

impl<T: Real> Targets<T> {
    /// Those of the samples of these indices, in this order.
    pub(super) fn select(&self, indices: &[usize], n_outputs: usize) -> Self {
        match self {
            Targets::Labels(labels) => Targets::Labels(indices.iter().map(|&index| labels[index]).collect()),
            Targets::Values(values) => {
                let sample = |&index: &usize| &values[index * n_outputs..][..n_outputs];
                Targets::Values(indices.iter().flat_map(sample).copied().collect())
            }
        }
    }
}

/// Samples and their classes or values. Samples are columns, without gaps, of a column-major `n_features x n_samples`
/// matrix; values are columns of an `n_outputs x n_samples` one.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<T> {
    pub(super) name: String,
    pub(super) features: Vec<T>,
    pub(super) n_features: usize,
    pub(super) targets: Targets<T>,
    pub(super) outputs: Outputs,
    pub(super) image: Option<ImageShape>,
    pub(super) columns: Option<Arc<Columns>>,
    pub(super) channels: Option<Arc<[Channel]>>,
    pub(super) notes: Vec<String>,
    pub(super) rows: Option<Vec<usize>>,
    /// By what the loss of a sample of each class is multiplied.
    pub(super) class_weights: Option<Vec<T>>,
}

impl<T: Real> Targets<T> {
    /// Bytes of those of a sample.
    pub(super) fn bytes_per_sample(&self, n_outputs: usize) -> usize {
        match self {
            Targets::Labels(_) => size_of::<u32>(),
            Targets::Values(_) => n_outputs * size_of::<T>(),
        }
    }
}

/// Training samples and test samples.
pub type Parts<T> = (Dataset<T>, Dataset<T>);

impl<T: Real> Dataset<T> {
    /// Bytes of a sample with its class or values.
    pub fn bytes_per_sample(&self) -> usize {
        self.n_features * size_of::<T>() + self.targets.bytes_per_sample(self.n_outputs())
    }

    /// A data set of `labels.len()` samples with classes.
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
        require_samples(&name, labels.len(), n_features)?;
        if classes.len() < 2 {
            return Err(Error::data(&name, format!("{} class", classes.len()), "at least two"));
        }
        require_numbers(&name, "feature", &features, n_features, labels.len())?;
        if let Some((sample, label)) =
            labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes.len())
        {
            let found = format!("label {label} at sample {sample}");
            return Err(Error::data(&name, found, format!("labels from 0 to {}", classes.len() - 1)));
        }
        Ok(Self::checked(name, features, n_features, Targets::Labels(labels), Outputs::Classes(classes)))
    }

    /// A data set for regression: every sample has a value of each of `outputs`, which are names.
    ///
    /// `features` holds `n_features` numbers a sample and `values` as many as there are outputs, both sample after
    /// sample.
    ///
    /// # Errors
    /// [`Error::Data`] for no samples, no features, no outputs, lengths that do not fit together, a number that is NaN
    /// or infinite.
    pub fn with_values(
        name: impl Into<String>,
        features: Vec<T>,
        values: Vec<T>,
        n_features: usize,
        outputs: Vec<String>,
    ) -> Result<Self> {
        let name = name.into();
        let n_outputs = outputs.len();
        if n_outputs == 0 {
            return Err(Error::data(&name, "no outputs", "at least one"));
        }
        let n_samples = values.len() / n_outputs;
        require_samples(&name, n_samples, n_features)?;
        require_numbers(&name, "feature", &features, n_features, n_samples)?;
        require_numbers(&name, "output", &values, n_outputs, n_samples)?;
        Ok(Self::checked(name, features, n_features, Targets::Values(values), Outputs::Values(outputs)))
    }

    fn checked(
        name: String,
        features: Vec<T>,
        n_features: usize,
        targets: Targets<T>,
        outputs: Outputs,
    ) -> Self {
        Self {
            name,
            features,
            n_features,
            targets,
            outputs,
            image: None,
            columns: None,
            channels: None,
            notes: Vec::new(),
            rows: None,
            class_weights: None,
        }
    }

    /// Rows of a table as [`csv_file::dataset`](super::csv_file) reads them, not scaled and not encoded: features may be NaN.
    pub(super) fn of_rows(
        name: String,
        features: Vec<T>,
        n_features: usize,
        targets: Targets<T>,
        outputs: Outputs,
        rows: Vec<usize>,
    ) -> Self {
        Self { rows: Some(rows), ..Self::checked(name, features, n_features, targets, outputs) }
    }

    /// All that is said of the samples, without samples.
    pub(super) fn emptied(&self) -> Self {
        let targets = match &self.targets {
            Targets::Labels(_) => Targets::Labels(Vec::new()),
            Targets::Values(_) => Targets::Values(Vec::new()),
        };
        Self {
            name: self.name.clone(),
            features: Vec::new(),
            n_features: self.n_features,
            targets,
            outputs: self.outputs.clone(),
            image: self.image,
            columns: self.columns.clone(),
            channels: self.channels.clone(),
            notes: self.notes.clone(),
            rows: None,
            class_weights: self.class_weights.clone(),
        }
    }

    /// The same with the shape of its images.
    ///
    /// # Errors
    /// [`Error::Data`] if the shape has another number of features.
    pub fn with_image(mut self, image: ImageShape) -> Result<Self> {
        if image.n_features() != Some(self.n_features) {
            let expected = format!("those of {image} pixels");
            return Err(Error::data(&self.name, format!("{} features", self.n_features), expected));
        }
        self.image = Some(image);
        Ok(self)
    }

    /// [`with_image`](Self::with_image) where there is a shape.
    pub(super) fn with_image_if(self, image: Option<ImageShape>) -> Result<Self> {
        match image {
            Some(image) => self.with_image(image),
            None => Ok(self),
        }
    }

    /// The same with the columns of the table that it is from.
    pub(super) fn with_columns(mut self, columns: Arc<Columns>) -> Self {
        self.columns = Some(columns);
        self
    }

    /// The same with weights of its classes, by which the loss of their samples is multiplied.
    ///
    /// # Errors
    /// [`Error::Argument`] (`class-weights`) if it has values instead of classes; for another number of weights than of
    /// classes, and for a weight that is not finite and above 0, also in this precision.
    pub fn with_class_weights(mut self, weights: &ClassWeights) -> Result<Self> {
        let weights = weights.of(&self)?;
        let here: Vec<T> = weights.iter().copied().map(T::from_f64).collect();
        ClassWeights::Given(here.iter().map(|weight| weight.to_f64()).collect()).check()?;
        self.class_weights = Some(here);
        Ok(self)
    }

    /// By what the loss of a sample of each class is multiplied; none where all count alike.
    pub fn class_weights(&self) -> Option<&[T]> {
        self.class_weights.as_deref()
    }

    /// The same with what somebody who trains on it should know.
    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// What somebody who trains on it should know of how it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
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

    /// What a loss compares the outputs with: classes, with their weights if they have some, or values as
    /// `n_outputs x n_samples`.
    pub fn target(&self) -> Target<'_, T> {
        match (&self.targets, &self.class_weights) {
            (Targets::Labels(classes), Some(weights)) => Target::WeightedClasses { classes, weights },
            (Targets::Labels(classes), None) => Target::Classes(classes),
            (Targets::Values(values), _) => Target::Values(dense(values, self.n_outputs(), self.n_samples())),
        }
    }

    /// The features of one sample.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn sample(&self, index: usize) -> &[T] {
        &self.features[index * self.n_features..][..self.n_features]
    }

    /// The class of each sample, as an index into [`Dataset::classes`]; empty for regression.
    pub fn labels(&self) -> &[u32] {
        match &self.targets {
            Targets::Labels(labels) => labels,
            Targets::Values(_) => &[],
        }
    }

    /// The values of each sample, sample after sample; empty for classes.
    pub fn values(&self) -> &[T] {
        match &self.targets {
            Targets::Labels(_) => &[],
            Targets::Values(values) => values,
        }
    }

    /// Features a sample.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Samples.
    pub fn n_samples(&self) -> usize {
        match &self.targets {
            Targets::Labels(labels) => labels.len(),
            Targets::Values(values) => values.len() / self.n_outputs(),
        }
    }

    /// What the outputs of a network for this data set stand for.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Outputs that a network for this data set has: classes, whether or not a sample of each is there, or values.
    pub fn n_outputs(&self) -> usize {
        self.outputs.names().len()
    }

    /// Classes, whether or not a sample of each is there; 0 for regression.
    pub fn n_classes(&self) -> usize {
        self.classes().len()
    }

    /// The classes' names; none for regression.
    pub fn classes(&self) -> &[String] {
        self.outputs.classes()
    }

    /// The shape of the samples, if they are images.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }

    /// The columns of the table that the samples are from, if they are from one.
    pub fn columns(&self) -> Option<&Columns> {
        self.columns.as_deref()
    }

    /// Of each sample the row of the table that it is from, counted from 0; none where it is not read for a model.
    pub fn rows(&self) -> Option<&[usize]> {
        self.rows.as_deref()
    }

    /// The scales that the images' channels were given, one for each, if they were scaled.
    pub fn channels(&self) -> Option<&[Channel]> {
        self.channels.as_deref()
    }

    /// Mean and standard deviation of the pixels of each channel over all samples; none for samples that are no images.
    pub fn channel_moments(&self) -> Vec<Channel> {
        self.image.map_or_else(Vec::new, |image| scale_channels::moments(self, image))
    }

    /// Samples of each class; empty for regression.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.n_classes()];
        for &label in self.labels() {
            counts[label as usize] += 1;
        }
        counts
    }

    /// SST of an output: the sum of squared distances of its values from their mean over the samples.
    ///
    /// # Panics
    /// If the data set has classes, or no such output.
    pub fn squared_deviation(&self, output: usize) -> f64 {
        let values = || self.values()[output..].iter().step_by(self.n_outputs()).map(|value| value.to_f64());
        let mean = values().sum::<f64>() / self.n_samples() as f64;
        values().map(|value| (value - mean) * (value - mean)).sum()
    }
}

fn require_samples(name: &str, n_samples: usize, n_features: usize) -> Result {
    if n_samples == 0 {
        return Err(Error::data(name, "no samples", "at least one"));
    }
    if n_features == 0 {
        return Err(Error::data(name, "no features", "at least one"));
    }
    Ok(())
}

/// `Ok` for `rows * n_samples` finite numbers.
fn require_numbers<T: Real>(name: &str, what: &str, numbers: &[T], rows: usize, n_samples: usize) -> Result {
    if rows.checked_mul(n_samples) != Some(numbers.len()) {
        let found = format!("{} numbers for {n_samples} samples", numbers.len());
        return Err(Error::data(name, found, format!("{rows} a sample")));
    }
    if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
        let (sample, row) = (place / rows, place % rows);
        let found = format!("{} in {what} {row} of sample {sample}", numbers[place]);
        return Err(Error::data(name, found, "finite numbers"));
    }
    Ok(())
}
