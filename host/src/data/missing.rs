//! Cells of a table in which nothing is known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is done about missing values in the features of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Refuse them
    #[default]
    Error,
    /// Replace them with the mean of the column over the training samples
    Mean,
    /// The same, with a further input that is 1 where the value is missing
    Indicator,
    /// Leave out the rows with missing values, in the target too
    Drop,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Missing::Error => "error",
            Missing::Mean => "mean",
            Missing::Indicator => "indicator",
            Missing::Drop => "drop",
        })
    }
}

impl Missing {
    pub(super) fn is_error(&self) -> bool {
        *self == Missing::Error
    }

    /// Whether a missing value is replaced.
    pub(super) fn fills(self) -> bool {
        matches!(self, Missing::Mean | Missing::Indicator)
    }
}

/// Whether a cell, without the spaces around it, stands for a missing value: nothing, or what pandas, R and SQL write.
pub(super) fn is_missing(cell: &str) -> bool {
    matches!(cell, "" | "?" | "NA" | "N/A" | "n/a" | "<NA>" | "NaN" | "nan" | "NULL" | "null")
}
