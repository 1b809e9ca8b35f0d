//! What a run of an experiment leaves.

use super::cells::Cell;
use crate::run::observe::{Metrics, Outcome};
use serde::{Deserialize, Serialize};

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The run's name.
    pub run: String,
    /// The varied settings and their values, as [`Cell::varied`].
    pub varied: Vec<(String, String)>,
    /// The seed.
    pub seed: u64,
    /// The training samples, as text that tells them from others.
    pub train: String,
    /// The test samples.
    pub test: String,
    /// Operations of the matrix products of a sweep.
    pub operations: f64,
    /// Why it ended.
    pub outcome: Outcome,
    /// Every sweep.
    pub course: Vec<Point>,
}

/// The state after a sweep, as [`Metrics`]; what is not finite is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The sweep, counted from 1.
    pub sweep: usize,
    /// The method's objective.
    pub objective: Option<f64>,
    /// The primal residual.
    pub primal_residual: Option<f64>,
    /// The dual residual.
    pub dual_residual: Option<f64>,
    /// Mean risk on the training samples.
    pub loss: Option<f64>,
    /// Training accuracy or R^2.
    pub train_accuracy: Option<f64>,
    /// Test accuracy or R^2.
    pub test_accuracy: Option<f64>,
    /// Seconds of all sweeps so far.
    pub seconds: f64,
}

impl From<&Metrics> for Point {
    fn from(metrics: &Metrics) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Self {
            sweep: metrics.sweep,
            objective: finite(metrics.objective),
            primal_residual: finite(metrics.primal_residual),
            dual_residual: finite(metrics.dual_residual),
            loss: finite(metrics.loss),
            train_accuracy: finite(metrics.train_accuracy),
            test_accuracy: finite(metrics.test_accuracy),
            seconds: metrics.seconds,
        }
    }
}

impl Point {
    /// The metrics again.
    pub(crate) fn metrics(&self) -> Metrics {
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Metrics {
            sweep: self.sweep,
            objective: number(self.objective),
            primal_residual: number(self.primal_residual),
            dual_residual: number(self.dual_residual),
            loss: number(self.loss),
            train_accuracy: number(self.train_accuracy),
            test_accuracy: number(self.test_accuracy),
            seconds: self.seconds,
            approximation_error: None,
            approximation_bound: None,
        }
    }
}

impl Record {
    /// Whether it is of this cell.
    pub(super) fn is_of(&self, cell: &Cell) -> bool {
        self.run == cell.run && self.varied == cell.varied && self.seed == cell.settings.seed
    }

    /// The value of a varied setting; none if it has no effect on this run.
    pub(crate) fn varied(&self, setting: &str) -> Option<&str> {
        self.varied.iter().find(|(key, _)| key == setting).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
impl Default for Record {
    fn default() -> Self {
        Self {
            run: String::new(),
            varied: Vec::new(),
            seed: 0,
            train: String::new(),
            test: String::new(),
            operations: 0.0,
            outcome: Outcome::SweepLimit,
            course: Vec::new(),
        }
    }
}
