//! What the outputs are compared with.

use core::ops::Range;

use super::refuse;
use crate::error::{Result, require_positive};
use crate::real::Real;
use crate::view::{MatRef, column, columns, require_length};

/// The labels of a tile's samples.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a, T: Real> {
    /// One class a sample, counted from 0; stands for the unit vector of that class.
    Classes(&'a [u32]),
    /// The same, and the risk of a sample is multiplied by the weight of its class: as many weights as outputs, finite and above 0.
    WeightedClasses {
        /// One class a sample.
        classes: &'a [u32],
        /// One weight a class.
        weights: &'a [T],
    },
    /// One column of outputs a sample, n x m.
    Values(MatRef<'a, T>),
}

impl<'a, T: Real> Target<'a, T> {
    /// The number of samples.
    pub fn samples(&self) -> usize {
        match self {
            Self::Classes(classes) | Self::WeightedClasses { classes, .. } => classes.len(),
            Self::Values(values) => values.ncols(),
        }
    }

    /// The target of the samples `start .. start + count`.
    ///
    /// # Panics
    /// If there are fewer samples.
    #[must_use]
    pub fn columns(&self, start: usize, count: usize) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(&classes[start..][..count]),
            Self::WeightedClasses { classes, weights } => {
                Self::WeightedClasses { classes: &classes[start..][..count], weights }
            }
            Self::Values(values) => Self::Values(columns(values, start, count)),
        }
    }

    /// The largest weight of a class, by which the Lipschitz constant of the risk's gradient is multiplied; 1 without weights.
    pub fn largest_weight(&self) -> f64 {
        match self {
            Self::WeightedClasses { weights, .. } => {
                weights.iter().fold(0.0, |most, weight| weight.to_f64().max(most))
            }
            Self::Classes(_) | Self::Values(_) => 1.0,
        }
    }

    /// By what the risk of sample `j` is multiplied.
    pub(super) fn weight(&self, j: usize) -> T {
        match self {
            Self::WeightedClasses { classes, weights } => weights[classes[j] as usize],
            Self::Classes(_) | Self::Values(_) => T::ONE,
        }
    }

    /// The samples in spans of one weight, each as long as it can be.
    pub(super) fn spans_of_weight(self) -> impl Iterator<Item = (Range<usize>, T)> {
        let mut start = 0;
        core::iter::from_fn(move || {
            let first = (start < self.samples()).then_some(start)?;
            let weight = self.weight(first);
            let end = match self {
                Self::WeightedClasses { .. } => (first..self.samples()).find(|&j| self.weight(j) != weight),
                Self::Classes(_) | Self::Values(_) => None,
            };
            start = end.unwrap_or(self.samples());
            Some((first..start, weight))
        })
    }

    /// The target of sample `j`.
    pub(super) fn column(&self, j: usize) -> ColumnTarget<'a, T> {
        match self {
            Self::Classes(classes) | Self::WeightedClasses { classes, .. } => {
                ColumnTarget::Class(classes[j] as usize)
            }
            Self::Values(values) => ColumnTarget::Values(column(values, j)),
        }
    }
}

/// The target of one sample.
#[derive(Debug, Clone, Copy)]
pub(super) enum ColumnTarget<'a, T> {
    Class(usize),
    Values(&'a [T]),
}

impl<T: Real> ColumnTarget<'_, T> {
    /// Writes the target out as a vector.
    pub(super) fn write(&self, y: &mut [T]) {
        match *self {
            Self::Class(class) => {
                y.fill(T::ZERO);
                y[class] = T::ONE;
            }
            Self::Values(values) => y.copy_from_slice(values),
        }
    }
}

pub(super) fn check_classes(name: &'static str, classes: &[u32], rows: usize) -> Result {
    match classes.iter().find(|&&class| class as usize >= rows) {
        Some(&class) => refuse(name, f64::from(class), "classes below the number of rows of `z`"),
        None => Ok(()),
    }
}

pub(super) fn check_weights<T: Real>(weights: &[T], rows: usize) -> Result {
    require_length("weights", weights.len(), rows)?;
    weights.iter().try_for_each(|weight| require_positive("weights", weight.to_f64()))
}

pub(super) fn check_probabilities<T: Real>(values: MatRef<'_, T>) -> Result {
    for j in 0..values.ncols() {
        let column = column(&values, j);
        if let Some(negative) = column.iter().find(|&&y| y < T::ZERO) {
            return refuse("target", negative.to_f64(), "probabilities, 0 or above");
        }
        let total: f64 = column.iter().map(|y| y.to_f64()).sum();
        let is_one = (total - 1.0).abs() <= 1e-3;
        if !is_one {
            return refuse("target", total, "columns of probabilities that add up to 1");
        }
    }
    Ok(())
}
