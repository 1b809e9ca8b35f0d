//! What is measured of a run.

use super::record::Record;
use crate::run::observe::{Metrics, Outcome};
use serde::{Deserialize, Serialize};
use std::fmt;

/// By how much of itself an objective or a residual must grow in a sweep to count as a rise: more than what rounding in `f32` does.
const RISE: f64 = 1e-5;

/// A number that a run leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Test accuracy after the last sweep.
    TestAccuracy,
    /// The highest test accuracy after any sweep.
    BestTestAccuracy,
    /// Training accuracy after the last sweep.
    TrainAccuracy,
    /// The highest training accuracy after any sweep.
    BestTrainAccuracy,
    /// Mean risk of the composed network on the training samples after the last sweep.
    Loss,
    /// The method's own objective after the last sweep.
    Objective,
    /// The share of the sweeps after the first that raised the objective, 0 to 1.
    ObjectiveRises,
    /// The primal residual after the last sweep.
    PrimalResidual,
    /// The share of the sweeps after the first that raised the primal residual, 0 to 1.
    ResidualRises,
    /// The last primal residual over the largest: 0 where it vanished, 1 where it is larger than ever.
    ResidualLeft,
    /// 1 of a run with a number that was not finite, else 0.
    Diverged,
    /// Mean seconds of a sweep, without the metrics.
    SecondsPerSweep,
}

impl Measure {
    /// What the number is of this run; none where it has none: a run that diverged in its first sweep, a data set without a
    /// test set.
    pub fn of(self, record: &Record) -> Option<f64> {
        let sweeps = || record.course.iter();
        let last = |value: fn(&Metrics) -> f64| record.course.last().map(|point| value(&point.metrics()));
        let most =
            |value: fn(&Metrics) -> f64| sweeps().map(|point| value(&point.metrics())).reduce(f64::max);
        let rises = |value: fn(&Metrics) -> f64| {
            let values: Vec<f64> = sweeps().map(|point| value(&point.metrics())).collect();
            let rises = |pair: &&[f64]| pair[1] - pair[0] > RISE * pair[0].abs();
            let pairs = values.len().checked_sub(1).filter(|&pairs| pairs > 0)?;
            Some(values.windows(2).filter(rises).count() as f64 / pairs as f64)
        };
        let number = match self {
            Self::TestAccuracy => last(|metrics| metrics.test_accuracy),
            Self::BestTestAccuracy => most(|metrics| metrics.test_accuracy),
            Self::TrainAccuracy => last(|metrics| metrics.train_accuracy),
            Self::BestTrainAccuracy => most(|metrics| metrics.train_accuracy),
            Self::Loss => last(|metrics| metrics.loss),
            Self::Objective => last(|metrics| metrics.objective),
            Self::ObjectiveRises => rises(|metrics| metrics.objective),
            Self::PrimalResidual => last(|metrics| metrics.primal_residual),
            Self::ResidualRises => rises(|metrics| metrics.primal_residual),
            Self::ResidualLeft => {
                let largest = most(|metrics| metrics.primal_residual).filter(|&largest| largest > 0.0);
                largest.zip(last(|metrics| metrics.primal_residual)).map(|(largest, last)| last / largest)
            }
            Self::Diverged => Some(if record.outcome == Outcome::Diverged { 1.0 } else { 0.0 }),
            Self::SecondsPerSweep => {
                last(|metrics| metrics.seconds).map(|seconds| seconds / record.course.len() as f64)
            }
        };
        number.filter(|number| !number.is_nan())
    }

    /// The number as text.
    pub fn show(self, number: f64) -> String {
        match self {
            Self::TestAccuracy | Self::BestTestAccuracy | Self::TrainAccuracy | Self::BestTrainAccuracy => {
                format!("{number:.4}")
            }
            Self::ObjectiveRises | Self::ResidualRises | Self::Diverged => format!("{number:.3}"),
            Self::SecondsPerSweep => format!("{number:.4}"),
            Self::Loss | Self::Objective | Self::PrimalResidual | Self::ResidualLeft => {
                format!("{number:.3e}")
            }
        }
    }
}

impl fmt::Display for Measure {
    /// As in files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::record::Point;

    fn record(points: &[(f64, f64, f64)]) -> Record {
        let course = points.iter().enumerate().map(|(at, &(objective, residual, accuracy))| Point {
            sweep: at + 1,
            objective: Some(objective),
            primal_residual: Some(residual),
            test_accuracy: Some(accuracy),
            seconds: 0.5 * (at + 1) as f64,
            ..Point::default()
        });
        Record { course: course.collect(), ..Record::default() }
    }

    #[test]
    fn numbers_of_a_run_by_hand() {
        let record = record(&[(4.0, 2.0, 0.5), (3.0, 4.0, 0.9), (3.5, 1.0, 0.7), (3.500001, 0.5, 0.8)]);
        let of = |measure: Measure| measure.of(&record);
        assert_eq!(of(Measure::TestAccuracy), Some(0.8));
        assert_eq!(of(Measure::BestTestAccuracy), Some(0.9));
        // One of three sweeps; the last raises the objective by less than rounding may.
        assert_eq!(of(Measure::ObjectiveRises), Some(1.0 / 3.0));
        assert_eq!(of(Measure::ResidualRises), Some(1.0 / 3.0));
        assert_eq!(of(Measure::ResidualLeft), Some(0.125));
        assert_eq!(of(Measure::SecondsPerSweep), Some(0.5));
        assert_eq!(of(Measure::Diverged), Some(0.0));
        // Nothing was said of it.
        assert_eq!(of(Measure::TrainAccuracy), None);
        assert_eq!(Measure::TestAccuracy.of(&Record::default()), None);
        assert_eq!(Measure::ObjectiveRises.of(&Record::default()), None);
    }

    #[test]
    fn names_are_those_of_files() {
        assert_eq!(Measure::SecondsPerSweep.to_string(), "seconds-per-sweep");
    }
}
