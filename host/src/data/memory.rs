//! Data sets from a program's memory.

use altmin_core::Real;
use altmin_core::view::{MatRef, column};

use super::dataset::Dataset;
use crate::allocate;
use crate::error::{Error, Result};

/// What such a data set is called until it is [`named`](Dataset::named) otherwise.
pub const MEMORY: &str = "memory";

/// More classes than this are taken for a slip.
const MOST_CLASSES: usize = 1 << 20;

/// What a short text takes with all that an allocator adds.
const BYTES_OF_A_NAME: usize = 64;

impl<T: Real> Dataset<T> {
    /// A copy of samples with classes: `features` is features x samples, `labels` has the class of each sample, from 0.
    ///
    /// `classes` is how many there are; `None` takes them from the labels, of which each up to the largest must then be
    /// there. Their names are their numbers.
    ///
    /// # Errors
    /// As [`Dataset::new`]; [`Error::Data`] for another number of labels than samples, a negative label, classes that are
    /// too many (above 1,048,576), and for a gap in the labels where `classes` is not given; [`Error::Allocation`].
    pub fn from_classes(features: &MatRef<'_, T>, labels: &[i32], classes: Option<usize>) -> Result<Self> {
        require_count("labels", labels.len(), features.ncols())?;
        let converted = |(sample, &label): (usize, &i32)| {
            u32::try_from(label).map_err(|_| {
                Error::data(MEMORY, format!("label {label} at sample {sample}"), "labels from 0")
            })
        };
        let mut classes_of = allocate::empty(labels.len())?;
        for label in labels.iter().enumerate().map(converted) {
            classes_of.push(label?);
        }
        let labels: Vec<u32> = classes_of;
        let count = match classes {
            Some(count) if count <= MOST_CLASSES => count,
            Some(count) => {
                return Err(Error::data(
                    MEMORY,
                    format!("{count} classes"),
                    format!("at most {MOST_CLASSES}"),
                ));
            }
            None => counted(&labels)?,
        };
        Self::new(MEMORY, gathered(features)?, labels, features.nrows(), numbers(count)?)
    }

    /// A copy of samples with values to be learnt: `features` is features x samples, `values` outputs x samples. The
    /// outputs' names are their numbers, from 0.
    ///
    /// # Errors
    /// As [`Dataset::with_values`]; [`Error::Data`] for values of another number of samples; [`Error::Allocation`].
    pub fn from_values(features: &MatRef<'_, T>, values: &MatRef<'_, T>) -> Result<Self> {
        require_count("columns of values", values.ncols(), features.ncols())?;
        let names = numbers(values.nrows())?;
        Self::with_values(MEMORY, gathered(features)?, gathered(values)?, features.nrows(), names)
    }
}

fn require_count(what: &str, found: usize, samples: usize) -> Result {
    if found == samples {
        return Ok(());
    }
    Err(Error::data(MEMORY, format!("{found} {what}"), format!("{samples}, one for each sample")))
}

/// So many names that are numbers, from 0.
fn numbers(count: usize) -> Result<Vec<String>> {
    allocate::require(count.saturating_mul(BYTES_OF_A_NAME))?;
    Ok((0..count).map(|number| number.to_string()).collect())
}

/// As many classes as the largest label says, each of which must be there.
fn counted(labels: &[u32]) -> Result<usize> {
    let mut sorted = allocate::copied(labels)?;
    sorted.sort_unstable();
    sorted.dedup();
    let gap = sorted.iter().enumerate().find(|&(class, &label)| class != label as usize);
    match gap {
        None if sorted.len() <= MOST_CLASSES => Ok(sorted.len()),
        None => {
            Err(Error::data(MEMORY, format!("{} classes", sorted.len()), format!("at most {MOST_CLASSES}")))
        }
        Some((gap, _)) => {
            let found = format!("labels up to {}, none of them {gap}", sorted[sorted.len() - 1]);
            Err(Error::data(MEMORY, found, "labels without gaps, or the number of classes"))
        }
    }
}

/// The numbers column by column, without gaps.
fn gathered<T: Real>(matrix: &MatRef<'_, T>) -> Result<Vec<T>> {
    let mut numbers = allocate::empty(matrix.len())?;
    (0..matrix.ncols()).for_each(|j| numbers.extend_from_slice(column(matrix, j)));
    Ok(numbers)
}
