//! Columns of a table as a network sees them: with mean 0 and standard deviation 1 over the training samples.

use std::sync::Arc;

use altmin_core::Real;

use super::columns::{Column, Columns};
use super::dataset::{Dataset, Targets};
use super::nearest::quoted;
use super::outputs::Outputs;
use crate::error::{Error, Result};

/// Names that one message lists at most.
const LISTED: usize = 10;

impl Column {
    /// The column with the mean of these numbers and their standard deviation, the root of the mean squared distance
    /// from it; 1 where all are equal.
    fn measured(&self, name: &str, numbers: impl Iterator<Item = f64>) -> Result<Self> {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        let (mut first, mut varies) = (None, false);
        for x in numbers {
            varies |= *first.get_or_insert(x) != x;
            // Welford's recurrence, which keeps the digits of a small spread around a large mean.
            count += 1.0;
            let distance = x - mean;
            mean += distance / count;
            squares += distance * (x - mean);
        }
        let deviation = if varies { f64::sqrt(squares / count) } else { 1.0 };
        if !(mean.is_finite() && deviation.is_normal()) {
            let found = format!("numbers too large or too close in column {}", quoted(&self.name));
            return Err(Error::data(
                name,
                found,
                "a mean and a standard deviation that double precision holds",
            ));
        }
        Ok(Self { name: self.name.clone(), mean, deviation })
    }
}

impl Columns {
    /// The same columns with the scales that give every feature, and every value that is a target, mean 0 and standard
    /// deviation 1 over `train`. A feature that is always the same there gets mean 0 and keeps its unit; a note says so.
    ///
    /// # Errors
    /// [`Error::Data`] naming the columns of numbers too large or too close for a scale.
    pub(super) fn measured(&self, train: &Dataset<f64>) -> Result<(Self, Option<String>)> {
        let note = constant(&self.features, train.features()).map(|columns| {
            format!("feature columns constant in {}: {columns}; nothing is learnt from them", train.name())
        });
        let measure = |columns: &[Column], numbers: &[f64]| -> Result<Vec<Column>> {
            let numbers = |index| numbers.iter().copied().skip(index).step_by(columns.len());
            let measured = |(index, column): (usize, &Column)| column.measured(train.name(), numbers(index));
            columns.iter().enumerate().map(measured).collect()
        };
        let features = measure(&self.features, train.features())?;
        let targets = match train.outputs() {
            Outputs::Values(_) => measure(&self.targets, train.values())?,
            Outputs::Classes(_) => self.targets.clone(),
        };
        Ok((Self { features, targets, classes: self.classes.clone() }, note))
    }

    /// `Ok` when every value to be learnt differs between two samples.
    ///
    /// # Errors
    /// [`Error::Data`] naming the columns of which that is not so.
    pub(super) fn require_varying_targets(&self, train: &Dataset<f64>) -> Result {
        match train.outputs() {
            Outputs::Values(_) => match constant(&self.targets, train.values()) {
                None => Ok(()),
                Some(columns) => Err(Error::data(
                    train.name(),
                    format!("constant target columns: {columns}"),
                    "columns with at least two different numbers to train on",
                )),
            },
            Outputs::Classes(_) => Ok(()),
        }
    }

    /// A data set of these columns as the network sees it.
    ///
    /// # Errors
    /// [`Error::Data`] naming the column of a number that `T` cannot hold.
    pub(super) fn apply<T: Real>(self: &Arc<Self>, dataset: Dataset<f64>) -> Result<Dataset<T>> {
        let name = dataset.name.clone();
        let features = scale(&name, &self.features, &dataset.features)?;
        let scaled = match (dataset.targets, dataset.outputs) {
            (Targets::Values(values), outputs) => {
                let values = scale(&name, &self.targets, &values)?;
                Dataset::with_values(name, features, values, dataset.n_features, outputs.into_names())
            }
            (Targets::Labels(labels), outputs) => {
                Dataset::new(name, features, labels, dataset.n_features, outputs.into_names())
            }
        };
        Ok(scaled?.with_columns(Arc::clone(self)))
    }
}

/// Numbers as the network sees them, a number of each column a sample.
pub(super) fn scale<T: Real>(name: &str, columns: &[Column], numbers: &[f64]) -> Result<Vec<T>> {
    let scaled = |(&x, column): (&f64, &Column)| {
        let scaled = T::from_f64(column.scaled(x));
        if scaled.is_finite() {
            return Ok(scaled);
        }
        let found = format!("{x} in column {}", quoted(&column.name));
        Err(Error::data(name, found, "numbers that the chosen precision can hold once scaled"))
    };
    numbers.iter().zip(columns.iter().cycle()).map(scaled).collect()
}

/// The columns that hold one number alone, for a message; `None` where there are none.
fn constant(columns: &[Column], numbers: &[f64]) -> Option<String> {
    let first = &numbers[..columns.len()];
    let is_constant =
        |index: usize| numbers.iter().skip(index).step_by(columns.len()).all(|&x| x == first[index]);
    let constant: Vec<usize> = (0..columns.len()).filter(|&index| is_constant(index)).collect();
    let one = |&index: &usize| format!("{} (always {})", quoted(&columns[index].name), first[index]);
    let mut text = constant.iter().take(LISTED).map(one).collect::<Vec<_>>().join(", ");
    if constant.len() > LISTED {
        text += &format!(" and {} more", constant.len() - LISTED);
    }
    (!constant.is_empty()).then_some(text)
}
