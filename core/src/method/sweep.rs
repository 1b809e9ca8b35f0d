//! What a sweep says of itself.

use crate::error::{Error, Result};
use crate::loss::OutputReport;

/// What passes over all samples found, batch by batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    /// R.
    pub risk: f64,
    /// [`score`](crate::loss::score): how many were classified rightly, or the squared errors.
    pub score: f64,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sweep {
    /// The method's Lagrangian after the sweep, regularisers included.
    pub objective: f64,
    /// How far the constraint is from being met.
    pub primal_residual: f64,
    /// rho times the change of the variable across the constraint; the norm of the objective's gradient where there is no
    /// constraint.
    pub dual_residual: f64,
    /// The decrease of the objective that the method's theorem promises for this sweep, by the steps it took. It may
    /// be negative if rho is below the theorem's threshold, or where there is no theorem: then nothing is promised.
    pub promised: f64,
    /// The output subproblem's solver's account, the worst of all samples.
    pub output: OutputReport,
    /// What the passes of mini-batches saw of their samples, each before the step that it was made for; `None` of sweeps
    /// over all samples, and where a batch was rejected.
    pub seen: Option<Seen>,
    /// The sweep's step was undone, because the loss would have risen: weights and biases are what they were.
    pub rejected: bool,
}

impl Sweep {
    /// The report of a part of an epoch and, before it, of the parts that came first.
    #[must_use]
    pub fn after(self, earlier: Self) -> Self {
        let seen = self
            .seen
            .zip(earlier.seen)
            .map(|(last, first)| Seen { risk: first.risk + last.risk, score: first.score + last.score });
        let (output, rejected) = (earlier.output.merge(self.output), self.rejected || earlier.rejected);
        Self { seen, output, rejected, ..self }
    }

    /// The report, if everything in it is finite. Norms of what moved may overflow while the objective does not.
    pub(super) fn require_finite(self) -> Result<Self> {
        let named = [
            ("the Lagrangian", self.objective),
            ("the change of the variables", self.promised),
            ("the primal residual", self.primal_residual),
            ("the dual residual", self.dual_residual),
        ];
        match named.iter().find(|(_, value)| !value.is_finite()) {
            Some(&(quantity, _)) => Err(Error::NonFinite { quantity }),
            None => Ok(self),
        }
    }
}
