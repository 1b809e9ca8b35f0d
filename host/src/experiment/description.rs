//! The file that describes an experiment.

use super::claim::Claim;
use super::measure::Measure;
use crate::error::{Error, Result};
use crate::settings::TrainOptions;
use crate::settings::options::toml_error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// An experiment: runs, each with settings of its own, on the same data and networks, and what is said of them.
///
/// Every run is made for every combination of the varied values and for every seed. A run on which a varied setting has no effect
/// is made once for all its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Experiment {
    /// What it is, in one line.
    pub title: String,
    /// The paper, with the number of the table or figure.
    #[serde(default)]
    pub source: String,
    /// What else a reader must know: what the paper did, what is done otherwise here.
    #[serde(default)]
    pub about: String,
    /// Seeds of every run, counted up from that of the settings; default 1.
    #[serde(default = "one")]
    pub seeds: usize,
    /// The scale when nobody says another; default 1.
    #[serde(default = "whole")]
    pub scale: f64,
    /// What is multiplied by the scale.
    #[serde(default)]
    pub scaled: Vec<Scaled>,
    /// What is measured: the columns of the table.
    pub measures: Vec<Measure>,
    /// Settings of all runs; one that has no effect on a run is left out for it.
    #[serde(default)]
    pub settings: TrainOptions,
    /// The runs.
    pub runs: Vec<Run>,
    /// The varied settings.
    #[serde(default)]
    pub vary: Vec<Axis>,
    /// The paper's own numbers.
    #[serde(default)]
    pub reported: Vec<Reported>,
    /// What the paper claims.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// A size that the scale multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaled {
    /// Training samples.
    Samples,
    /// Widths of hidden layers.
    Hidden,
    /// Sweeps, those before growth and those between two changes of nu and rho.
    Sweeps,
}

/// A method with settings of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Run {
    /// Its name in tables and claims.
    pub name: String,
    /// Its settings; `method` is one of them.
    #[serde(default)]
    pub settings: TrainOptions,
}

/// A setting and the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Axis {
    /// The setting's key, as in the configuration of a run.
    pub setting: String,
    /// Its values, as in the configuration of a run.
    pub values: Vec<toml::Value>,
}

/// Numbers that a paper reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reported {
    /// Of which run.
    pub run: String,
    /// What the numbers are.
    pub measure: Measure,
    /// The varied values at which they are reported.
    #[serde(default)]
    pub at: BTreeMap<String, toml::Value>,
    /// The varied setting over whose values, in their order, the numbers go; none for a single number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// The numbers.
    pub numbers: Vec<f64>,
}

fn one() -> usize {
    1
}

fn whole() -> f64 {
    1.0
}

/// A value of a varied setting as tables show it.
pub(crate) fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        // The shorter of 0.000001 and 1e-6.
        toml::Value::Float(number) => {
            let (plain, short) = (number.to_string(), format!("{number:e}"));
            if short.len() < plain.len() { short } else { plain }
        }
        value => value.to_string(),
    }
}

impl Experiment {
    /// The experiment of a file's text; `path` is for the message.
    ///
    /// # Errors
    /// [`Error::Argument`] with the line for a text that is no TOML, for an unknown key, for a value of another form, and for names
    /// that claims and reported numbers do not find.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self> {
        let experiment: Self = toml::from_str(text)
            .map_err(|error| toml_error("experiment", "an experiment's file", text, path, &error))?;
        experiment.check()?;
        Ok(experiment)
    }

    fn check(&self) -> Result {
        let refused =
            |name: &'static str, found: &str, expected: String| Err(Error::argument(name, found, expected));
        if self.runs.is_empty() {
            return refused("runs", "", "at least one".into());
        }
        if self.measures.is_empty() {
            return refused("measures", "", "at least one".into());
        }
        if self.seeds == 0 {
            return refused("seeds", "0", "at least 1".into());
        }
        for (at, run) in self.runs.iter().enumerate() {
            if run.name.is_empty() || self.runs[..at].iter().any(|other| other.name == run.name) {
                return refused("runs", &run.name, "a name of its own for each".into());
            }
            if run.settings.method.is_none() {
                return refused("runs", &run.name, "a method among its settings".into());
            }
        }
        for (at, axis) in self.vary.iter().enumerate() {
            if axis.values.is_empty() || self.vary[..at].iter().any(|other| other.setting == axis.setting) {
                return refused("vary", &axis.setting, "each setting once, with its values".into());
            }
        }
        for reported in &self.reported {
            self.require_run("reported", &reported.run)?;
            reported
                .at
                .iter()
                .try_for_each(|(key, value)| self.require_value("reported", key, &shown(value)))?;
            let count = match &reported.over {
                Some(key) => self.require_axis("reported", key)?.values.len(),
                None => 1,
            };
            if reported.numbers.len() != count {
                let found = format!("{} numbers of {}", reported.numbers.len(), reported.run);
                return refused("reported", &found, format!("{count}, one for each value"));
            }
        }
        self.claims.iter().try_for_each(|claim| claim.check(self))
    }

    /// `Ok` if there is such a run.
    pub(super) fn require_run(&self, what: &'static str, name: &str) -> Result {
        let names = self.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>();
        if names.contains(&name) {
            return Ok(());
        }
        Err(Error::argument(what, name, format!("one of the runs: {}", names.join(", "))))
    }

    /// The axis of a setting.
    pub(super) fn require_axis(&self, what: &'static str, setting: &str) -> Result<&Axis> {
        let found = self.vary.iter().find(|axis| axis.setting == setting);
        found.ok_or_else(|| Error::argument(what, setting, "a varied setting"))
    }

    /// `Ok` if the setting takes this value.
    pub(super) fn require_value(&self, what: &'static str, setting: &str, value: &str) -> Result {
        if self.require_axis(what, setting)?.values.iter().any(|other| shown(other) == value) {
            return Ok(());
        }
        Err(Error::argument(what, format!("{setting} = {value}"), "one of the values that it takes"))
    }
}
