//! Two columns for people.

use crate::network::score::{Measure, Score, Scores};
use crate::run::observe::{Best, Summary};
use crate::units::{bytes, printable};
use std::fmt::Write as _;

/// Rows of a name and a value, the names padded to one width.
pub fn rows(rows: &[(&str, String)]) -> String {
    let rows = rows.iter().map(|(name, value)| (printable(name), printable(value)));
    let width = rows.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    text
}

/// A run that is over; `scores` says what its accuracies are, and `test` is the score of the model that it leaves on test samples
/// that no sweep was scored on, `linear` that of a linear model on the test samples.
pub fn summary(summary: &Summary, scores: Scores, test: Option<Score>, linear: Option<Score>) -> String {
    let Scores { measure, judge } = scores;
    let judge = judge.name();
    let sweeps = match summary.seconds / summary.sweeps as f64 {
        each if each.is_finite() => format!("{} ({}, {:.4} s each)", summary.sweeps, summary.outcome, each),
        _ => format!("{} ({})", summary.sweeps, summary.outcome),
    };
    let best = summary.best.map(|Best { sweep, test_loss, test_accuracy }| match measure {
        Measure::Accuracy => format!("{sweep} ({judge} accuracy {})", measure.show(test_accuracy)),
        Measure::RSquared => format!("{sweep} ({judge} loss {test_loss:.6e})"),
    });
    let test_name = format!("test {}", measure.name());
    let test = test.map(|test| (&test_name[..], measure.show(test.accuracy)));
    let linear = linear.map(|linear| ("linear model", measure.show(linear.accuracy)));
    let judged = format!("{judge} {}", measure.name());
    let trained = format!("training {}", measure.name());
    let all = [
        ("method", summary.method.to_string()),
        ("data", summary.data.clone()),
        ("sweeps", sweeps),
        ("seconds", format!("{:.3}", summary.seconds)),
        ("objective", format!("{:.6e}", summary.objective)),
        (&trained, measure.show(summary.train_accuracy)),
        (&judged, measure.show(summary.test_accuracy)),
        ("best sweep", best.unwrap_or_else(|| "none".to_owned())),
    ];
    let machine = [("state", bytes(summary.state_bytes)), ("threads", summary.threads.to_string())];
    let mut text = rows(&all.into_iter().chain(test).chain(linear).chain(machine).collect::<Vec<_>>());
    if let (Some(error), Some(bound)) = (summary.approximation_error, summary.approximation_bound) {
        let _ = writeln!(text, "\napproximation error {error:.2e}, bound of Theorem 1: {bound}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_padded() {
        let text = rows(&[("a", "1".into()), ("long", "2".into())]);
        assert_eq!(text, "a     1\nlong  2\n");
    }
}
