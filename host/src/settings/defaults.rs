//! The defaults that depend on other settings, in one place.

use super::choice::{EpsilonRule, Method, StepRule};

/// Sweeps when nobody said.
pub(super) const SWEEPS: usize = 100;

/// The step rule of the weights when nobody said.
pub(super) const STEP: StepRule = StepRule::LeastSquares;

/// DLAM's epsilon, its rule and the rule's bounds when nobody said. Held fixed, where Lemma 1 speaks, a small epsilon with a
/// small rho did best on held-out images (see the README's search); at 1 the composed network says nothing.
pub(super) const EPSILON: f64 = 0.01;
pub(super) const EPSILON_RULE: EpsilonRule = EpsilonRule::Fixed;
pub(super) const EPSILON_BOUNDS: (f64, f64) = (0.01, 1.0);

/// Subnetworks when nobody said, as in most of the paper.
pub(super) const SUBNETWORKS: usize = 2;

/// The step rule of the inputs when nobody said: that of the weights, but DLAM's, whose inputs are held in intervals, have
/// no least-squares step.
pub(super) fn default_input_step(method: Method, step: StepRule) -> StepRule {
    match (method, step) {
        (Method::Dlam, StepRule::LeastSquares) => StepRule::Vector,
        _ => step,
    }
}
