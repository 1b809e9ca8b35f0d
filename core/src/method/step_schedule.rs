//! How long the steps of mini-batches are over a run.

use core::f64::consts::PI;

use crate::choice::choice;
use crate::error::{Result, require_not_negative};

/// How steps shorten towards the end of a run, k of K mini-batches in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepSchedule {
    /// 1.
    #[default]
    Constant,
    /// `1 - k/K`.
    Linear,
    /// `(1 + cos(pi k/K))/2` (Loshchilov, Hutter, SGDR, ICLR 2017, equation 5 with a single period).
    Cosine,
}

choice!(StepSchedule, "step-schedule":
    Constant, 0, "constant", "steps of one length";
    Linear, 1, "linear", "steps that shorten in proportion to the mini-batches left";
    Cosine, 2, "cosine", "steps that shorten along half a period of the cosine";
);

/// A schedule over the mini-batches of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Schedule {
    falling: StepSchedule,
    /// Mini-batches over which steps grow to their length.
    warm_up: f64,
    /// K.
    steps: usize,
}

impl Schedule {
    /// A schedule over `sweeps` sweeps of `batches` mini-batches each, the first `warm_up` sweeps of which steps grow.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting) naming `warm-up` below 0.
    pub(super) fn new(falling: StepSchedule, warm_up: f64, sweeps: usize, batches: usize) -> Result<Self> {
        require_not_negative("warm-up", warm_up)?;
        Ok(Self { falling, warm_up: warm_up * batches as f64, steps: sweeps.saturating_mul(batches) })
    }

    /// The length of step k, counted from 0, as a share of the whole length: above 0 and at most 1. Steps after the last
    /// are as long as that.
    pub(super) fn length(&self, k: usize) -> f64 {
        let grown = if self.warm_up > 0.0 { ((k + 1) as f64 / self.warm_up).min(1.0) } else { 1.0 };
        let last = self.steps.saturating_sub(1);
        let done = k.min(last) as f64 / self.steps.max(1) as f64;
        let left = match self.falling {
            StepSchedule::Constant => 1.0,
            StepSchedule::Linear => 1.0 - done,
            StepSchedule::Cosine => 0.5 * (1.0 + libm::cos(PI * done)),
        };
        grown * left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_and_shorten_as_they_should() {
        let of = |falling, warm_up| Schedule::new(falling, warm_up, 2, 50).unwrap();
        assert_eq!(of(StepSchedule::Constant, 0.0).length(1_000), 1.0);
        let linear = of(StepSchedule::Linear, 0.0);
        assert_eq!([0, 25, 99, 500].map(|k| linear.length(k)), [1.0, 0.75, 1.0 - 0.99, 1.0 - 0.99]);
        let cosine = of(StepSchedule::Cosine, 0.0);
        assert_eq!(cosine.length(0), 1.0);
        assert!((cosine.length(50) - 0.5).abs() < 1e-15);
        assert!(
            (cosine.length(99) - 0.000_246_719_817).abs() < 1e-12 && cosine.length(100) == cosine.length(99)
        );
        let warm = of(StepSchedule::Linear, 0.5);
        assert_eq!(warm.length(4), 0.2 * (1.0 - 0.04));
        assert_eq!(warm.length(30), linear.length(30));
        assert!(Schedule::new(StepSchedule::Linear, -1.0, 1, 1).is_err());
    }
}
