//! What settings in which nothing is missing tell.

use super::choice::Use;
use super::table::defaults::{default_batch, of_method};
use super::table::{Settings, TrainOptions};
use crate::data::DataOptions;
use crate::error::{Error, Result};
use crate::network::cuts::Split;
use crate::network::score::{Judge, Measure, Scores};
#[cfg(feature = "program")]
use std::collections::BTreeMap;

impl Settings {
    /// How the network is cut into subnetworks or layers.
    pub fn split(&self) -> Split {
        match &self.cut {
            Some(cuts) => Split::After(cuts.0.clone()),
            None if self.method.card().uses(Use::Subnetworks) => Split::Subnetworks(self.subnetworks),
            None => Split::EachLinear,
        }
    }

    /// Whether the network is one of blocks: because it was written so, or because the method cuts it.
    pub fn has_blocks(&self) -> bool {
        self.network.is_some() || self.method.card().uses(Use::Subnetworks)
    }

    /// Whether mini-batches have the method's default.
    pub fn has_default_batch(&self) -> bool {
        self.batch == default_batch(self.method, self.inner)
    }

    /// Whether nu and rho both have their default.
    pub fn has_default_weights(&self) -> bool {
        let Self { method, step, batch, guard, inner, .. } = *self;
        let network =
            (self.data.has_columns() && self.shape.is_none(), &self.hidden[..], self.network.as_ref());
        let defaults = of_method(method, step, (batch, guard), inner, network);
        self.nu == defaults.nu && self.rho == defaults.rho
    }

    /// How the data set is read and preprocessed.
    pub fn data_options(&self) -> DataOptions {
        DataOptions {
            split_seed: self.split_seed.unwrap_or(self.seed),
            holdout: self.holdout,
            fold: None,
            validation: self.validation.clone(),
            test: self.test.clone(),
            classes: self.classes.clone(),
            samples: self.samples,
            pool: self.pool,
            target: self.target.clone(),
            exclude: self.exclude.clone(),
            features: self.features.clone(),
            categorical: self.categorical.clone(),
            shape: self.shape,
            missing: self.missing,
            delimiter: self.delimiter,
            header: self.header,
            regression: self.is_regression(),
            scale: self.scale,
            labels: self.labels,
            class_weights: self.class_weights.clone(),
        }
    }

    /// Whether values are learnt, and not classes: columns of a table, by a loss without probabilities.
    pub fn is_regression(&self) -> bool {
        self.data.has_columns() && !self.loss.has_probabilities()
    }

    /// What the accuracies of a run measure.
    pub fn measure(&self) -> Measure {
        if self.is_regression() { Measure::RSquared } else { Measure::Accuracy }
    }

    /// The samples that every sweep is scored on beside the training samples.
    pub fn judge(&self) -> Judge {
        match (&self.validation, self.holdout) {
            (Some(_), _) => Judge::Validation,
            (None, true) => Judge::HeldOut,
            (None, false) => Judge::Test,
        }
    }

    /// What the scores of a run are, and of which samples.
    pub fn scores(&self) -> Scores {
        Scores { measure: self.measure(), judge: self.judge() }
    }

    /// The first setting in which a run that is resumed with `other` would not be the same run any more: its key, and its two
    /// values as in files.
    ///
    /// # Errors
    /// As [`Settings::to_toml`].
    pub(crate) fn first_difference(&self, other: &Self) -> Result<Option<(String, String, String)>> {
        let [mut own, theirs] = [self.to_table()?, other.to_table()?];
        let text = |value: Option<toml::Value>| value.map_or("nothing".to_owned(), |value| value.to_string());
        for (key, value) in theirs {
            let before = own.remove(&key);
            if before.as_ref() != Some(&value) && !self.may_change(&key) {
                return Ok(Some((key, text(before), value.to_string())));
            }
        }
        // What has an effect before and none now.
        Ok(own.into_iter().next().map(|(key, before)| (key, before.to_string(), "nothing".to_owned())))
    }

    fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(TrainOptions::from(self.clone())).map_err(unwritable)
    }

    /// The settings as a file, defaults included; [`TrainOptions::from_toml`] and [`TrainOptions::resolve`] give the
    /// same settings back.
    ///
    /// # Errors
    /// [`Error::Argument`] for a number that TOML cannot hold (a seed above 2^63 - 1).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(&TrainOptions::from(self.clone())).map_err(unwritable)
    }

    /// Every setting by its key, each as a text.
    ///
    /// # Errors
    /// As [`Settings::to_toml`].
    #[cfg(feature = "program")]
    pub(crate) fn to_texts(&self) -> Result<BTreeMap<String, String>> {
        let table = toml::Table::try_from(TrainOptions::from(self.clone())).map_err(unwritable)?;
        let text = |value: toml::Value| match value {
            toml::Value::String(text) => text,
            // As messages write numbers: without rows of zeros.
            toml::Value::Float(number) => format!("{number:?}"),
            value => value.to_string(),
        };
        Ok(table.into_iter().map(|(key, value)| (key, text(value))).collect())
    }
}

fn unwritable(error: toml::ser::Error) -> Error {
    Error::argument("config", error, "numbers that fit into a TOML file")
}
