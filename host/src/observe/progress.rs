//! A bar for people.

use super::{Metrics, Observer, Summary};
use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use std::time::Duration;

const TEMPLATE: &str = "{prefix}{bar:24} {pos}/{len} sweeps, {eta} left  {msg}";

/// A bar on stderr with objective, residuals, accuracies and time left; nothing where stderr is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar over at most `sweeps`.
    pub fn new(sweeps: usize) -> Self {
        let bar = ProgressBar::new(sweeps as u64);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar }
    }

    /// The bar with the name of the run before it.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.bar.set_prefix(format!("{name}  "));
        self
    }
}

/// What stands beside the bar.
fn message(metrics: &Metrics) -> String {
    format!(
        "objective {:.4e}  residuals {:.1e} {:.1e}  train {:.2} %  test {:.2} %",
        metrics.objective,
        metrics.primal_residual,
        metrics.dual_residual,
        100.0 * metrics.train_accuracy,
        100.0 * metrics.test_accuracy,
    )
}

impl Observer for Progress {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.bar.set_message(message(metrics));
        self.bar.set_position(metrics.sweep as u64);
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
        assert_eq!(message(&metrics), expected);
    }
}
