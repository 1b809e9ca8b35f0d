//! What a run of a comparison leaves, and how it stands among the others.

use crate::report::curves::Line;
use crate::run::observe::{Metrics, Summary};
use serde::Serialize;

/// A run of a comparison that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The run's label.
    pub label: String,
    /// Every sweep, in order.
    pub sweeps: Vec<Metrics>,
    /// How it ended.
    pub summary: Summary,
}

/// When a run first reached a test accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reached {
    /// The accuracy that was asked for, 0 to 1.
    pub accuracy: f64,
    /// Sweeps until then; none if it never did.
    pub sweeps: Option<usize>,
    /// Seconds that they took, without the metrics.
    pub seconds: Option<f64>,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The run's label.
    pub label: String,
    /// The last state.
    #[serde(flatten)]
    pub summary: Summary,
    /// Mean risk of the composed network on the training samples after the last sweep; none without a sweep.
    pub loss: Option<f64>,
    /// The last primal residual; none without a sweep.
    pub primal_residual: Option<f64>,
    /// The last dual residual; none without a sweep.
    pub dual_residual: Option<f64>,
    /// The highest test accuracy of any sweep, 0 to 1.
    pub best_test_accuracy: Option<f64>,
    /// The first sweep that had it.
    pub best_test_sweep: Option<usize>,
    /// When it reached each of the accuracies that were asked for, in their order.
    pub reached: Vec<Reached>,
}

impl Standing {
    /// Seconds a sweep; none without a sweep.
    pub fn seconds_per_sweep(&self) -> Option<f64> {
        (self.summary.sweeps > 0).then(|| self.summary.seconds / self.summary.sweeps as f64)
    }
}

impl Series {
    /// Its sweeps under its label, to be drawn.
    pub fn line(&self) -> Line<'_> {
        Line { label: &self.label, sweeps: &self.sweeps }
    }

    /// The first sweep after which the test accuracy was at least `accuracy`.
    pub fn reached(&self, accuracy: f64) -> Reached {
        let first = self.sweeps.iter().find(|metrics| metrics.test_accuracy >= accuracy);
        Reached {
            accuracy,
            sweeps: first.map(|metrics| metrics.sweep),
            seconds: first.map(|metrics| metrics.seconds),
        }
    }

    /// The first sweep with the highest test accuracy, as [`best_test`].
    pub fn best_test(&self) -> Option<&Metrics> {
        best_test(&self.sweeps)
    }

    /// How the run stands, and when it reached `accuracies`.
    pub fn standing(&self, accuracies: &[f64]) -> Standing {
        let (last, best) = (self.sweeps.last(), self.best_test());
        Standing {
            label: self.label.clone(),
            summary: self.summary.clone(),
            loss: last.map(|metrics| metrics.loss),
            primal_residual: last.map(|metrics| metrics.primal_residual),
            dual_residual: last.map(|metrics| metrics.dual_residual),
            best_test_accuracy: best.map(|metrics| metrics.test_accuracy),
            best_test_sweep: best.map(|metrics| metrics.sweep),
            reached: accuracies.iter().map(|&accuracy| self.reached(accuracy)).collect(),
        }
    }
}

/// The first sweep with the highest test accuracy; none without a sweep that has an accuracy.
pub fn best_test(sweeps: &[Metrics]) -> Option<&Metrics> {
    let better = |best: Option<&'_ Metrics>, metrics: &Metrics| {
        best.is_none_or(|best| metrics.test_accuracy > best.test_accuracy)
    };
    let accurate = sweeps.iter().filter(|metrics| !metrics.test_accuracy.is_nan());
    accurate.fold(None, |best, metrics| if better(best, metrics) { Some(metrics) } else { best })
}

/// Which of two numbers is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The lower one.
    Low,
    /// The higher one.
    High,
}

/// For each value whether it is the best, all of those that tie for it; a value that is missing or NaN never is.
pub fn best(values: &[Option<f64>], better: Better) -> Vec<bool> {
    let present = || values.iter().flatten().copied().filter(|value| !value.is_nan());
    let best = match better {
        Better::Low => present().reduce(f64::min),
        Better::High => present().reduce(f64::max),
    };
    values.iter().map(|value| value.is_some() && *value == best).collect()
}
