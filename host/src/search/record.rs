//! What a search has found out and need not find out again.

use super::Trial;
use crate::run::observe::Outcome;
use crate::settings::TrainOptions;
use serde::{Deserialize, Serialize};

/// Something that a search has found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// How many sweeps the seconds of a full run allow.
    Timing(Timing),
    /// A run that is over.
    Run(Run),
}

/// How many sweeps of a configuration the seconds of a full run allow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// [`Configuration::own`](super::Configuration::own).
    pub settings: TrainOptions,
    /// The sweeps.
    pub sweeps: usize,
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`Configuration::own`](super::Configuration::own): the method, and the settings that were tried.
    pub settings: TrainOptions,
    /// The rung, counted from 1.
    pub rung: usize,
    /// The sweeps that it was to have.
    pub sweeps: usize,
    /// The seed.
    pub seed: u64,
    /// Operations of the matrix products of the sweeps that it had.
    pub operations: f64,
    /// Seconds that they took, without the scores.
    pub seconds: f64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Accuracy on the held-out samples, 0 to 1, or their mean loss where values are learnt; none if it diverged.
    pub score: Option<f64>,
    /// Accuracy or R^2 on the held-out samples after each sweep.
    pub course: Vec<Option<f64>>,
}

impl Run {
    /// Whether it is the run that is to be made.
    pub(super) fn is_of(&self, trial: &Trial<'_>) -> bool {
        self.settings == trial.configuration.own && self.sweeps == trial.sweeps && self.seed == trial.seed
    }
}
