//! The defaults that depend on other settings, in one place.

use super::choice::{Method, StepRule};

/// What a setting is when nobody said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// Sweeps.
    pub sweeps: usize,
    /// The weight of the penalties inside a layer.
    pub nu: f64,
    /// The weight of the constraint that carries a dual variable.
    pub rho: f64,
}

/// The step rule of the weights when nobody said.
pub(super) const STEP: StepRule = StepRule::LeastSquares;

/// The damping of least-squares weights when nobody said: the low end of 0.1 to 1, which served best. At 0.001 the
/// weights fit the noise.
pub(super) const DAMPING: f64 = 0.1;

/// The defaults of a method with a step rule for its weights.
///
/// From `experiments/search.py`: six pairs of nu and rho for each, 50 sweeps of a 196-500-500-10 network on 10,000 MNIST
/// images, scored on images 55,001 to 60,000, which no training sees; never on the test set. pdADMM's rho stays above the
/// threshold of Lemma 1, 4 nu for ReLU: below it no pair was better by more than 0.2 points. dlADMM's does not: 0.3
/// reaches 0.93 in one sweep where 1.1, above the threshold 2 H, takes four.
pub fn defaults(method: Method, step: StepRule) -> Defaults {
    let (sweeps, nu, rho) = match (method, step) {
        (Method::Pdadmm, StepRule::LeastSquares) => (100, 1.0, 4.1),
        (Method::Pdadmm, StepRule::Vector | StepRule::Scalar | StepRule::Backtracking) => (100, 0.01, 0.041),
        (Method::Dladmm, _) => (100, 1.0, 0.3),
    };
    Defaults { sweeps, nu, rho }
}
