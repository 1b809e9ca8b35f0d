//! Sums of inputs that are carried from batch to batch.

use crate::error::{Error, Result, require_decay};

/// The sums `p p'` and `p 1` of maps in the primal form as a mean over batches, which is renewed, and factored, from every
/// so-manieth batch alone.
///
/// The mean after batch t of those that renew it is `sum_i beta^(t-i) (1 - beta) S_i / (1 - beta^t)`. A step is then the
/// gradient of the batch times the inverse of the carried matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carry {
    /// How much of the mean stays when it is renewed, in [0, 1).
    pub beta: f64,
    /// It is renewed from every so-manieth batch; 1 or above.
    pub every: usize,
}

impl Carry {
    /// `Ok` when both numbers are in their range.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `carry`.
    pub fn validate(&self) -> Result {
        require_decay("carry", self.beta)?;
        if self.every == 0 {
            return Err(Error::Setting {
                name: "carry",
                found: 0.0,
                expected: "a number of batches, 1 or above",
            });
        }
        Ok(())
    }

    /// Whether batch k, counted from 0, renews the mean.
    pub(super) fn renews(self, k: usize) -> bool {
        k.is_multiple_of(self.every)
    }

    /// The share that batch k, which renews the mean, has in it.
    pub(super) fn share(self, k: usize) -> f64 {
        let t = k / self.every + 1;
        (1.0 - self.beta) / (1.0 - libm::pow(self.beta, t as f64))
    }
}
