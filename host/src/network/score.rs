//! What the composed network says: a plain forward pass over a data set, tile by tile.

use altmin_core::executor::{Executor, Owners, Pieces, Readers, Runs};
use altmin_core::gemm::Gemm;
use altmin_core::loss::{self, Loss, Target};
use altmin_core::method::Partition;
use altmin_core::view::{as_ref, columns};
use altmin_core::workspace::Requirement;
use altmin_core::{Real, Result};

use crate::data::{Dataset, Outputs};
use crate::network::predictor::Predictor;

/// Groups that a pass is cut into.
pub(super) const GROUPS: usize = 16;

/// What a forward pass is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Mean risk over the samples.
    pub loss: f64,
    /// Classes: share of samples whose largest output is their class, 0 to 1. Values: the coefficient of determination
    /// R^2 = 1 - SSE/SST, where SSE sums the squared errors of all outputs and SST the squared distances of their values
    /// from the mean of each: 1 for no error, 0 for what the means would do, no lower bound; NaN if no value varies.
    pub accuracy: f64,
}

/// What [`Score::accuracy`] is, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The share of samples that are classified rightly.
    Accuracy,
    /// The coefficient of determination.
    RSquared,
}

impl Measure {
    /// That of a network with these outputs.
    pub fn of(outputs: &Outputs) -> Self {
        if outputs.are_values() { Self::RSquared } else { Self::Accuracy }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Accuracy => "accuracy",
            Measure::RSquared => "R^2",
        }
    }

    /// A value for people: a share in percent, R^2 as a number.
    pub fn show(self, value: f64) -> String {
        match self {
            Measure::Accuracy => format!("{:.2} %", 100.0 * value),
            Measure::RSquared => format!("{value:.4}"),
        }
    }
}

/// Samples that are not trained on, by which sweeps are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// Those that the data set has for tests.
    Test,
    /// The last training samples, in place of the test samples.
    HeldOut,
    /// Training samples that are set aside beside the test samples.
    Validation,
}

impl Judge {
    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Judge::Test => "test",
            Judge::HeldOut => "held-out",
            Judge::Validation => "validation",
        }
    }
}

/// What the scores of a run are, and of which samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    /// What accuracies are.
    pub measure: Measure,
    /// What is called test in names of fields.
    pub judge: Judge,
}

impl Scores {
    /// Scores on the test samples.
    pub const fn on_test(measure: Measure) -> Self {
        Self { measure, judge: Judge::Test }
    }

    /// The name in files of a field of [`Metrics`](crate::run::observe::Metrics) and its like: `test_accuracy` may be
    /// `validation_accuracy`, and of values `validation_r2`.
    pub fn key(&self, field: &str) -> String {
        let part = |part: &str| match part {
            "test" => self.judge.name().replace('-', "_"),
            "accuracy" if self.measure == Measure::RSquared => "r2".to_owned(),
            part => part.to_owned(),
        };
        field.split('_').map(part).collect::<Vec<_>>().join("_")
    }
}

/// What a group of samples has of a score.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) risk: f64,
    /// Samples classified rightly, or SSE.
    pub(super) count: f64,
}

/// Numbers of a share.
const NUMBERS: usize = 2;

/// Evaluates networks over data sets, without allocating from one time to the next.
#[derive(Debug)]
pub struct Evaluator {
    /// A share a group: its risk and its count.
    shares: Vec<f64>,
}

impl Default for Evaluator {
    fn default() -> Self {
        Self { shares: vec![0.0; GROUPS * NUMBERS] }
    }
}

impl Evaluator {
    /// Scratch that each worker of the executor needs to score a network.
    pub fn scratch<T: Real, G: Gemm<T>>(network: &Predictor<'_, T>, gemm: &G) -> Requirement {
        let tile = network.tile();
        Requirement::matrix(network.outputs(), tile).and(network.scratch(gemm, tile))
    }

    /// Mean risk, and accuracy or R^2, of a network on a data set.
    ///
    /// # Errors
    /// Those of the core: shapes that do not fit, values that are no probabilities under cross-entropy.
    pub fn score<T: Real, E: Executor<T>, G: Gemm<T>>(
        &mut self,
        network: &Predictor<'_, T>,
        loss: Loss,
        data: &Dataset<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Score> {
        let (x, target) = (data.matrix(), data.target());
        let partition = Partition::new(x.ncols(), network.tile(), GROUPS);
        let outputs = network.outputs();
        let shares = &mut self.shares[..partition.groups() * NUMBERS];
        executor.run_at(Owners::Evenly, Runs::new(&mut *shares, NUMBERS), |g, numbers, mut stack| {
            let mut share = Share::default();
            let (first, _) = partition.group(g);
            for (start, count) in partition.tiles(g) {
                let mut stack = stack.rest();
                let mut output = stack.matrix(outputs, count)?;
                let tile = columns(&x, first + start, count);
                network.predict(gemm, &tile, &mut output, stack)?;
                let target = target.columns(first + start, count);
                share.risk += loss.value(as_ref(&output), target)?;
                share.count += loss::score(as_ref(&output), target)?;
            }
            numbers.copy_from_slice(&[share.risk, share.count]);
            Ok(())
        })?;
        let pieces = Pieces::new(&mut *shares, partition.groups(), |_| NUMBERS);
        executor.share_numbers(Owners::Evenly, Readers::All, pieces)?;
        let sum = |of: usize| shares.iter().skip(of).step_by(NUMBERS).sum();
        Ok(Score::of(data, sum(0), sum(1)))
    }
}

impl Score {
    /// The score of a data set from the risk over all its samples and from [`loss::score`] of them.
    pub fn of<T: Real>(data: &Dataset<T>, risk: f64, counted: f64) -> Self {
        let samples = data.n_samples() as f64;
        let accuracy = match data.target() {
            Target::Classes(_) | Target::WeightedClasses { .. } => counted / samples,
            Target::Values(_) => {
                let outputs = 0..data.n_outputs();
                r_squared(counted, outputs.map(|output| data.squared_deviation(output)).sum())
            }
        };
        Self { loss: risk / samples, accuracy }
    }
}

impl Score {
    /// Whether it is better than another one of the same data: a higher accuracy of classes, and of equal ones the lower loss; a lower
    /// loss of values.
    pub fn is_better_than(&self, other: &Self, measure: Measure) -> bool {
        match measure {
            Measure::Accuracy if self.accuracy == other.accuracy => self.loss < other.loss,
            Measure::Accuracy => self.accuracy > other.accuracy,
            // R^2 may be NaN, and is not what every loss asks for.
            Measure::RSquared => self.loss < other.loss,
        }
    }
}

/// 1 - SSE/SST; NaN where nothing varies.
pub fn r_squared(squared_errors: f64, squared_deviations: f64) -> f64 {
    if squared_deviations > 0.0 { 1.0 - squared_errors / squared_deviations } else { f64::NAN }
}
