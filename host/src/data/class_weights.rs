//! How much the samples of a class count in the loss.

use std::fmt;
use std::str::FromStr;

use altmin_core::Real;

use super::Dataset;
use crate::error::{Error, Result};

/// Weights of classes, by which the loss of their samples is multiplied.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// `M/(C M_c)` for a class of M_c of the M samples, of C classes that have samples: every class counts as much as any
    /// other, and all weights add up to the number of samples. A class without samples has 1.
    Balanced,
    /// One weight a class, finite and above 0.
    Given(Vec<f64>),
}

impl ClassWeights {
    /// The weight of each class of a data set.
    ///
    /// # Errors
    /// [`Error::Argument`] as [`Dataset::with_class_weights`].
    pub(super) fn of<T: Real>(&self, data: &Dataset<T>) -> Result<Vec<f64>> {
        if data.outputs().are_values() {
            let expected = format!("none, as {} has values and no classes", data.name());
            return Err(Error::argument("class-weights", self, expected));
        }
        match self {
            Self::Balanced => {
                let counts = data.class_counts();
                let present = counts.iter().filter(|&&count| count > 0).count();
                let balanced = |&count: &usize| match count {
                    0 => 1.0,
                    _ => data.n_samples() as f64 / (present as f64 * count as f64),
                };
                Ok(counts.iter().map(balanced).collect())
            }
            Self::Given(weights) if weights.len() == data.n_classes() => Ok(weights.clone()),
            Self::Given(_) => {
                let expected = format!("balanced, or {} weights, one a class", data.n_classes());
                Err(Error::argument("class-weights", self, expected))
            }
        }
    }

    /// `Ok` if every weight is finite and above 0.
    ///
    /// # Errors
    /// [`Error::Argument`] (`class-weights`).
    pub fn check(&self) -> Result {
        let Self::Given(weights) = self else { return Ok(()) };
        match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            Some(weight) => Err(Error::argument(
                "class-weights",
                weight,
                "finite weights above 0, also in the run's precision",
            )),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::Given(weights) => {
                f.write_str(&weights.iter().map(f64::to_string).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl FromStr for ClassWeights {
    type Err = Error;

    /// `balanced`, or numbers with commas between them.
    fn from_str(text: &str) -> Result<Self> {
        let refused =
            |_| Error::argument("class-weights", text, "balanced, weights such as 1,2.5,1, or none");
        match text {
            "balanced" => Ok(Self::Balanced),
            _ => text
                .split(',')
                .map(|weight| weight.trim().parse().map_err(refused))
                .collect::<Result<_>>()
                .map(Self::Given),
        }
    }
}
