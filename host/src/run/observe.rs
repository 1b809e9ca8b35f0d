//! Who watches a run: observers see what a sweep has done and never change it.

use crate::settings::Method;
use crate::settings::core_choice::as_text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Write};

/// The state of a run after a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metrics {
    /// The sweep, counted from 1.
    pub sweep: usize,
    /// The method's own Lagrangian, regularisers included, risk summed over the samples.
    pub objective: f64,
    /// How far the constraint with a dual variable is from being met, as a norm.
    pub primal_residual: f64,
    /// The change of the variable on the constraint's other side, as a norm.
    pub dual_residual: f64,
    /// Mean risk of the composed network on the training samples.
    pub loss: f64,
    /// Share of training samples that the composed network classifies rightly, 0 to 1. Where values are learnt and no
    /// classes, the coefficient of determination R^2, as [`Score::accuracy`](crate::network::score::Score::accuracy).
    pub train_accuracy: f64,
    /// The same of the test samples; NaN if there are none.
    pub test_accuracy: f64,
    /// Seconds that the sweeps have taken so far, without the metrics.
    pub seconds: f64,
    /// With diagnostics of subnetworks: the error that comes of splitting, |R(whole network) - R(last subnetwork)|.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximation_error: Option<f64>,
    /// What that error is at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximation_bound: Option<Bound>,
}

/// What the network says of the test samples within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evaluation {
    /// The sweep that it is made in, counted from 1.
    pub sweep: usize,
    /// Mini-batches of this sweep that have been stepped by.
    pub batches: usize,
    /// Seconds that the sweeps have taken so far, without metrics and evaluations.
    pub seconds: f64,
    /// Mean risk on the test samples.
    pub test_loss: f64,
    /// Test accuracy, or R^2 where values are learnt.
    pub test_accuracy: f64,
}

/// What a theorem bounds a number by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Bound {
    /// This number, which is an estimate: the spectral norms in it are approached from below.
    Estimate(f64),
    /// Nothing; in files `not promised`.
    #[serde(serialize_with = "not_promised")]
    NotPromised,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Estimate(bound) => write!(f, "{bound:.2e} (estimate)"),
            Bound::NotPromised => f.write_str(NOT_PROMISED),
        }
    }
}

const NOT_PROMISED: &str = "not promised";

fn not_promised<S: serde::Serializer>(serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(NOT_PROMISED)
}

/// A setting that a schedule, a rule or the caller has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The first sweep that works with the new value, counted from 1.
    pub sweep: usize,
    /// The setting's name, as in files: `nu`, `rho`, `epsilon`, `learning-rate`.
    pub setting: &'static str,
    /// Its value before.
    pub from: f64,
    /// Its value from now on.
    pub to: f64,
    /// By how much the change itself raised the objective, where that was measured: DLAM's activations are put back
    /// into their intervals when epsilon shrinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rise: Option<f64>,
}

impl Change {
    /// The settings that schedules, rules and callers change.
    pub(super) const SETTINGS: [&'static str; 4] = ["nu", "rho", "epsilon", "learning-rate"];
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All sweeps that were asked for are done.
    SweepLimit,
    /// Both residuals are within the tolerance.
    Converged,
    /// The best sweep is as many sweeps ago as the settings have patience.
    NoImprovement,
    /// The time is up.
    TimeLimit,
    /// A number is no longer finite; the last good state is kept.
    Diverged,
    /// Somebody asked to stop.
    Stopped,
}

impl Outcome {
    /// The outcome's name, as in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::SweepLimit => "sweep-limit",
            Outcome::Converged => "converged",
            Outcome::NoImprovement => "no-improvement",
            Outcome::TimeLimit => "time-limit",
            Outcome::Diverged => "diverged",
            Outcome::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The best sweep of a run: that of the highest test accuracy, for values of the lowest test loss; of equal ones the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Best {
    /// The sweep, counted from 1.
    pub sweep: usize,
    /// Mean risk on the test samples after it.
    pub test_loss: f64,
    /// Test accuracy after it, or R^2 where values are learnt.
    pub test_accuracy: f64,
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The method.
    #[serde(serialize_with = "as_text")]
    pub method: Method,
    /// The data set's name.
    pub data: String,
    /// Sweeps done.
    pub sweeps: usize,
    /// Why it ended.
    pub outcome: Outcome,
    /// The last objective.
    pub objective: f64,
    /// The last training accuracy, 0 to 1, or R^2 where values are learnt.
    pub train_accuracy: f64,
    /// The last test accuracy or R^2; NaN if there is no test set.
    pub test_accuracy: f64,
    /// The best sweep; none if there is no test set, or was no sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Seconds that the sweeps took.
    pub seconds: f64,
    /// Bytes of the state that is carried from sweep to sweep.
    pub state_bytes: usize,
    /// Threads.
    pub threads: usize,
    /// With diagnostics of subnetworks: the last error that comes of splitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximation_error: Option<f64>,
    /// What it is at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximation_bound: Option<Bound>,
}

/// Something whose whole state can be written between two sweeps.
pub trait Snapshot {
    /// Writes the state as a checkpoint, with the history of its run.
    ///
    /// # Errors
    /// What `to` cannot write.
    fn write(&self, history: &History, to: &mut dyn Write) -> io::Result<()>;
}

/// Sees every sweep and the end.
///
/// To end a run, an observer sets the flag that the run was given as `stop`, which is looked at after each call of
/// [`sweep`](Observer::sweep): it holds a reference to it.
pub trait Observer {
    /// Called after each sweep.
    ///
    /// # Errors
    /// What the observer writes to cannot be written.
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()>;

    /// Called for each setting that a schedule has changed, before [`sweep`](Observer::sweep) tells of the first sweep with
    /// the new value; does nothing unless it is written.
    ///
    /// # Errors
    /// What the observer writes to cannot be written.
    fn change(&mut self, change: &Change) -> io::Result<()> {
        let _ = change;
        Ok(())
    }

    /// Called for each evaluation within an epoch, before [`sweep`](Observer::sweep) tells of it; does nothing unless it is written.
    ///
    /// # Errors
    /// What the observer writes to cannot be written.
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let _ = evaluation;
        Ok(())
    }

    /// Called after [`sweep`](Observer::sweep), when the run's whole state may be written; does nothing unless it is written.
    ///
    /// # Errors
    /// What the observer writes to cannot be written.
    fn snapshot(&mut self, run: &dyn Snapshot) -> io::Result<()> {
        let _ = run;
        Ok(())
    }

    /// Whether [`snapshot`](Observer::snapshot) would write the state now, which processes that share a run then bring together.
    fn wants_snapshot(&self) -> bool {
        false
    }

    /// Called at the end of a [run](crate::run::trainer::Trainer::run); never by [`step`](crate::run::trainer::Trainer::step),
    /// after which the run may go on.
    ///
    /// # Errors
    /// What the observer writes to cannot be written.
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

/// Keeps the metrics of every sweep, for curves, and what schedules have changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The metrics, in order.
    pub sweeps: Vec<Metrics>,
    /// The changes, in order.
    pub changes: Vec<Change>,
}

impl Observer for History {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.sweeps.push(*metrics);
        Ok(())
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.changes.push(*change);
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        (**self).sweep(metrics)
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        (**self).change(change)
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        (**self).evaluation(evaluation)
    }

    fn snapshot(&mut self, run: &dyn Snapshot) -> io::Result<()> {
        (**self).snapshot(run)
    }

    fn wants_snapshot(&self) -> bool {
        (**self).wants_snapshot()
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        (**self).finish(summary)
    }
}

/// Several observers. One that fails is dropped and its error kept, so that a full disk does not cost a run: the others
/// go on. Only when the last one has failed does the run, which nobody sees any more, get an error.
#[derive(Default)]
pub struct Observers<'a> {
    observers: Vec<(String, Box<dyn Observer + Send + 'a>)>,
    failures: Vec<(String, io::Error)>,
}

impl<'a> Observers<'a> {
    /// Nobody watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, to be called after those that are there; `what` is the name of what it writes.
    pub fn add(&mut self, what: String, observer: impl Observer + Send + 'a) {
        self.observers.push((what, Box::new(observer)));
    }

    /// What the dropped ones write, and their errors, in order; forgotten here.
    pub fn take_failures(&mut self) -> Vec<(String, io::Error)> {
        std::mem::take(&mut self.failures)
    }

    fn each(&mut self, mut call: impl FnMut(&mut dyn Observer) -> io::Result<()>) -> io::Result<()> {
        let before = self.observers.len();
        let failures = &mut self.failures;
        self.observers.retain_mut(|(what, observer)| match call(observer.as_mut()) {
            Ok(()) => true,
            Err(error) => {
                failures.push((std::mem::take(what), error));
                false
            }
        });
        match self.failures.last() {
            Some((what, error)) if before > 0 && self.observers.is_empty() => {
                Err(io::Error::new(error.kind(), format!("{what}: {error}")))
            }
            _ => Ok(()),
        }
    }
}

impl Observer for Observers<'_> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.each(|observer| observer.sweep(metrics))
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.each(|observer| observer.change(change))
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.each(|observer| observer.evaluation(evaluation))
    }

    fn snapshot(&mut self, run: &dyn Snapshot) -> io::Result<()> {
        self.each(|observer| observer.snapshot(run))
    }

    fn wants_snapshot(&self) -> bool {
        self.observers.iter().any(|(_, observer)| observer.wants_snapshot())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.each(|observer| observer.finish(summary))
    }
}
