//! A bar for people.

use crate::network::score::{Measure, Scores};
use crate::run::observe::{Change, Metrics, Observer, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

const TEMPLATE: &str = "{prefix}{bar:24} {pos}/{len} sweeps, {eta} left  {msg}";

/// A bar on stderr with objective, residuals, accuracies and time left; nothing where stderr is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    scores: Scores,
    /// The present values of what schedules have changed.
    changed: BTreeMap<&'static str, f64>,
}

impl Progress {
    /// A bar over at most `sweeps`; accuracies are shown as what they are.
    pub fn new(sweeps: usize, scores: Scores) -> Self {
        let bar = ProgressBar::new(sweeps as u64);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, scores, changed: BTreeMap::new() }
    }

    /// The bar with the name of the run before it.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.bar.set_prefix(format!("{name}  "));
        self
    }
}

/// The figures of a sweep, as they are shown while a run goes on; `changed` are the present values of what schedules have changed.
pub(super) fn figures(
    metrics: &Metrics,
    Scores { measure, judge }: Scores,
    changed: &BTreeMap<&'static str, f64>,
) -> Vec<String> {
    let kind = if measure == Measure::RSquared { "R^2 " } else { "" };
    let mut figures = vec![
        format!("objective {:.4e}", metrics.objective),
        format!("residuals {:.1e} {:.1e}", metrics.primal_residual, metrics.dual_residual),
        format!("train {kind}{}", measure.show(metrics.train_accuracy)),
        format!("{} {kind}{}", judge.name(), measure.show(metrics.test_accuracy)),
    ];
    if let (Some(error), Some(bound)) = (metrics.approximation_error, metrics.approximation_bound) {
        figures.push(format!("approximation error {error:.1e}, bound {bound}"));
    }
    figures.extend(changed.iter().map(|(setting, value)| format!("{setting} {value:.2e}")));
    figures
}

impl Observer for Progress {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.bar.set_message(figures(metrics, self.scores, &self.changed).join("  "));
        self.bar.set_position(metrics.sweep as u64);
        Ok(())
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.changed.insert(change.setting, change.to);
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.bar.finish_and_clear();
        Ok(())
    }
}

impl Drop for Progress {
    // A run that ends with an error must not leave a bar over its message.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::observe::Bound;

    #[test]
    fn message_names_every_quantity() {
        let metrics = Metrics {
            sweep: 3,
            objective: 1234.5,
            primal_residual: 0.02,
            dual_residual: 0.3,
            loss: 0.1,
            train_accuracy: 0.987_6,
            test_accuracy: 0.95,
            seconds: 1.0,
            approximation_error: None,
            approximation_bound: None,
        };
        let expected = "objective 1.2345e3  residuals 2.0e-2 3.0e-1  train 98.76 %  test 95.00 %";
        assert_eq!(
            figures(&metrics, Scores::on_test(Measure::Accuracy), &BTreeMap::new()).join("  "),
            expected
        );
        let changed = BTreeMap::from([("rho", 8.2), ("nu", 1e-6)]);
        let found = figures(&metrics, Scores::on_test(Measure::Accuracy), &changed).join("  ");
        assert_eq!(found, format!("{expected}  nu 1.00e-6  rho 8.20e0"));
        let split =
            |bound| Metrics { approximation_error: Some(0.012), approximation_bound: Some(bound), ..metrics };
        let found =
            figures(&split(Bound::Estimate(34.0)), Scores::on_test(Measure::Accuracy), &BTreeMap::new())
                .join("  ");
        assert_eq!(found, format!("{expected}  approximation error 1.2e-2, bound 3.40e1 (estimate)"));
        let found = figures(&split(Bound::NotPromised), Scores::on_test(Measure::Accuracy), &BTreeMap::new())
            .join("  ");
        assert_eq!(found, format!("{expected}  approximation error 1.2e-2, bound not promised"));
        let expected = "objective 1.2345e3  residuals 2.0e-2 3.0e-1  train R^2 0.9876  test R^2 0.9500";
        assert_eq!(
            figures(&metrics, Scores::on_test(Measure::RSquared), &BTreeMap::new()).join("  "),
            expected
        );
    }
}
