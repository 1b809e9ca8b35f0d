//! The lines that `--json` prints.

use crate::compare::{Better, Comparison, Standing, best};
use crate::run::observe::Metrics;
use crate::settings::core_choice::as_text;
use crate::settings::{Method, TrainOptions};
use serde::Serialize;

/// A sweep of one of the runs.
#[derive(Serialize)]
pub(super) struct SweepLine<'a> {
    pub(super) label: &'a str,
    #[serde(serialize_with = "as_text")]
    pub(super) method: Method,
    #[serde(flatten)]
    pub(super) metrics: &'a Metrics,
}

/// A run that is over, with all its settings.
#[derive(Serialize)]
pub(super) struct SummaryLine<'a> {
    #[serde(flatten)]
    pub(super) standing: &'a Standing,
    pub(super) settings: TrainOptions,
}

/// The last line: what all shared, and the labels of the best.
#[derive(Serialize)]
pub(super) struct ComparisonLine<'a> {
    data: String,
    train_samples: usize,
    test_samples: usize,
    seed: u64,
    threads: usize,
    /// Runs that ended, and those that an interrupt left out.
    runs: Vec<&'a str>,
    not_run: Vec<&'a str>,
    best: Leaders<'a>,
}

/// The labels that are the best, or tie for it.
#[derive(Serialize)]
struct Leaders<'a> {
    seconds_per_sweep: Vec<&'a str>,
    loss: Vec<&'a str>,
    train_accuracy: Vec<&'a str>,
    test_accuracy: Vec<&'a str>,
    best_test_accuracy: Vec<&'a str>,
    reached: Vec<FirstToReach<'a>>,
}

/// The labels that reached an accuracy first.
#[derive(Serialize)]
struct FirstToReach<'a> {
    accuracy: f64,
    sweeps: Vec<&'a str>,
    seconds: Vec<&'a str>,
}

impl<'a> ComparisonLine<'a> {
    /// `samples` are those to train and to test on.
    pub(super) fn new(comparison: &'a Comparison, samples: (usize, usize), all: &'a [Standing]) -> Self {
        let (train_samples, test_samples) = samples;
        let (settings, entries) = (comparison.common(), comparison.entries());
        Self {
            data: settings.data.to_string(),
            train_samples,
            test_samples,
            seed: settings.seed,
            threads: settings.threads,
            runs: all.iter().map(|one| one.label.as_str()).collect(),
            not_run: entries[all.len()..].iter().map(|entry| entry.label.as_str()).collect(),
            best: Leaders::new(all),
        }
    }
}

impl<'a> Leaders<'a> {
    fn new(all: &'a [Standing]) -> Self {
        use Better::{High, Low};
        let swept = |one: &Standing, value: f64| one.loss.map(|_| value);
        let accuracies = all.first().map_or(0, |one| one.reached.len());
        let first = |index: usize| FirstToReach {
            accuracy: all[0].reached[index].accuracy,
            sweeps: leaders(all, Low, |one| one.reached[index].sweeps.map(|sweeps| sweeps as f64)),
            seconds: leaders(all, Low, |one| one.reached[index].seconds),
        };
        Self {
            seconds_per_sweep: leaders(all, Low, Standing::seconds_per_sweep),
            loss: leaders(all, Low, |one| one.loss),
            train_accuracy: leaders(all, High, |one| swept(one, one.summary.train_accuracy)),
            test_accuracy: leaders(all, High, |one| swept(one, one.summary.test_accuracy)),
            best_test_accuracy: leaders(all, High, |one| one.best_test_accuracy),
            reached: (0..accuracies).map(first).collect(),
        }
    }
}

fn leaders(all: &[Standing], better: Better, value: impl Fn(&Standing) -> Option<f64>) -> Vec<&str> {
    let values: Vec<_> = all.iter().map(value).collect();
    let best = best(&values, better);
    all.iter().zip(best).filter(|(_, best)| *best).map(|(one, _)| one.label.as_str()).collect()
}
