//! A bar for people.

use super::{Change, Metrics, Observer, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

const TEMPLATE: &str = "{bar:24} {pos}/{len} sweeps, {eta} left  {msg}";

/// A bar on stderr with objective, residuals, accuracies and time left; nothing where stderr is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// The present values of what schedules have changed.
    changed: BTreeMap<&'static str, f64>,
}

impl Progress {
    /// A bar over at most `sweeps`.
    pub fn new(sweeps: usize) -> Self {
        let bar = ProgressBar::new(sweeps as u64);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, changed: BTreeMap::new() }
    }
}

/// What stands beside the bar.
fn message(metrics: &Metrics, changed: &BTreeMap<&'static str, f64>) -> String {
    let mut text = format!(
        "objective {:.4e}  residuals {:.1e} {:.1e}  train {:.2} %  test {:.2} %",
        metrics.objective,
        metrics.primal_residual,
        metrics.dual_residual,
        100.0 * metrics.train_accuracy,
        100.0 * metrics.test_accuracy,
    );
    for (setting, value) in changed {
        // Writing to a String cannot fail.
        let _ = write!(text, "  {setting} {value:.2e}");
    }
    text
}

impl Observer for Progress {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.bar.set_message(message(metrics, &self.changed));
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
        };
        let expected = "objective 1.2345e3  residuals 2.0e-2 3.0e-1  train 98.76 %  test 95.00 %";
        assert_eq!(message(&metrics, &BTreeMap::new()), expected);
        let changed = BTreeMap::from([("rho", 8.2), ("nu", 1e-6)]);
        assert_eq!(message(&metrics, &changed), format!("{expected}  nu 1.00e-6  rho 8.20e0"));
    }
}
