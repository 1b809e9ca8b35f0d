//! Defaults that depend on other settings.

use super::choice::{StepRule, Use};
use super::table::Filled;
use altmin_core::method::Defaults;
use altmin_core::update::BACKTRACKING;

impl Filled<'_> {
    /// Those of the method with its step rule of the weights.
    pub(super) fn method_defaults(&self) -> Defaults {
        (self.method().card().defaults)(&self.step().rule(BACKTRACKING, self.damping()))
    }

    /// Whether the method splits the network, and its inner optimizer has the defaults.
    pub(super) fn splits(&self) -> bool {
        self.method().card().uses(Use::Subnetworks)
    }

    /// The step rule of the weights; inputs that are held in intervals of epsilon have no least-squares step.
    pub(super) fn input_step_as_weights(&self) -> StepRule {
        match self.step() {
            StepRule::LeastSquares if self.method().card().uses(Use::Epsilon) => StepRule::Vector,
            step => step,
        }
    }
}

/// As many as can work at once.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
