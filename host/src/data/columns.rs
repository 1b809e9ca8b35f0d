//! The columns of a table that a model takes and gives, and what it makes of their cells.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::dataset::ImageShape;
use super::missing::Missing;
use super::nearest::quoted;
use super::outputs::Outputs;

/// How a cell becomes a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// The number that it holds.
    Number {
        /// The number of a missing value; none where missing values are refused.
        fill: Option<f64>,
    },
    /// 1 if it holds this text, else 0.
    Category(String),
    /// 1 if its value is missing, else 0.
    Missing,
}

impl Encoding {
    fn is_default(&self) -> bool {
        *self == Encoding::default()
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Encoding::Number { fill: None }
    }
}

/// An input or an output of a network that a column of a table has: how a cell becomes a number `x`, and the scale of these
/// numbers. A network sees `(x - mean) / deviation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name in the table's header, or the column's number, counted from 1.
    pub name: String,
    /// What is taken away from a number; 0 if the column is not scaled.
    pub mean: f64,
    /// By what a number is then divided, above 0; 1 if the column is not scaled.
    pub deviation: f64,
    /// How a cell becomes a number.
    #[serde(default, skip_serializing_if = "Encoding::is_default")]
    pub encoding: Encoding,
}

impl Column {
    /// A column whose numbers are taken as they are.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), mean: 0.0, deviation: 1.0, encoding: Encoding::default() }
    }

    /// The same with another encoding.
    #[must_use]
    pub fn encoded(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// A number of the table as the network sees it.
    pub fn scaled(&self, x: f64) -> f64 {
        (x - self.mean) / self.deviation
    }

    /// A number of the network in the table's own unit.
    pub fn unscaled(&self, x: f64) -> f64 {
        x * self.deviation + self.mean
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.encoding {
            Encoding::Number { .. } => f.write_str(&self.name),
            Encoding::Category(category) => write!(f, "{} = {category}", self.name),
            Encoding::Missing => write!(f, "{} is missing", self.name),
        }
    }
}

/// The columns of a table that a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// One for each of the network's inputs; those of one column of the table stand together.
    pub features: Vec<Column>,
    /// One for each of the network's outputs; or the column of the classes' names, which has no scale.
    pub targets: Vec<Column>,
    /// The names of all classes in the table, sorted; none for regression.
    pub classes: Vec<String>,
    /// What was done about missing values.
    #[serde(default, skip_serializing_if = "Missing::is_error")]
    pub missing: Missing,
    /// The images whose pixels the features are, in the order in which a sample has them; none where they are no pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageShape>,
}

impl Columns {
    /// What is wrong with the columns of a network with these inputs and outputs: found and expected.
    pub(crate) fn fault(&self, n_inputs: usize, outputs: &Outputs) -> Option<(String, String)> {
        let n_targets = if outputs.are_values() { outputs.names().len() } else { 1 };
        let counts = [("feature", self.features.len(), n_inputs), ("target", self.targets.len(), n_targets)];
        if let Some((what, found, expected)) =
            counts.into_iter().find(|(_, found, expected)| found != expected)
        {
            return Some((format!("{found} {what} columns"), expected.to_string()));
        }
        if let Some(image) = self.image.filter(|image| image.n_features() != Some(n_inputs)) {
            return Some((format!("images of {image} pixels"), format!("{n_inputs} pixels")));
        }
        if outputs.are_values() != self.classes.is_empty() {
            return Some((
                format!("{} classes in a column", self.classes.len()),
                format!("those of {}", outputs.kind()),
            ));
        }
        if let Some(Column { name, .. }) =
            self.targets.iter().find(|column| column.encoding != Encoding::default())
        {
            return Some((format!("target column {} with an encoding", quoted(name)), "none".to_owned()));
        }
        let is_category = |column: &Column| matches!(column.encoding, Encoding::Category(_));
        let categorical: HashSet<&str> = self
            .features
            .iter()
            .filter(|column| is_category(column))
            .map(|column| &column.name[..])
            .collect();
        let is_number = |column: &&Column| matches!(column.encoding, Encoding::Number { .. });
        if let Some(Column { name, .. }) =
            self.features.iter().filter(is_number).find(|column| categorical.contains(&column.name[..]))
        {
            return Some((format!("numbers and categories of column {}", quoted(name)), "either".to_owned()));
        }
        let is_filled = |column: &&Column| match column.encoding {
            Encoding::Number { fill: Some(fill) } => !fill.is_finite(),
            _ => false,
        };
        if let Some(Column { name, .. }) = self.features.iter().find(is_filled) {
            let found = format!("no finite number for missing values of column {}", quoted(name));
            return Some((found, "a finite one".to_owned()));
        }
        let usable = |column: &&Column| {
            column.mean.is_finite() && column.deviation.is_finite() && column.deviation > 0.0
        };
        let unusable = self.features.iter().chain(&self.targets).find(|column| !usable(column))?;
        let Column { name, mean, deviation, .. } = unusable;
        let found = format!("mean {mean:e} and standard deviation {deviation:e} of column {}", quoted(name));
        Some((found, "finite ones, the latter above 0".to_owned()))
    }
}
