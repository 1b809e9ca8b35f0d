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
/// rho lies above the threshold of the method's convergence theorem for ReLU, either loss and the default nu: pdADMM
/// 4 nu (Lemma 1), dlADMM 2 H, which is 1 for cross-entropy and 2 for least squares (Theorem 4.2).
pub fn defaults(method: Method, step: StepRule) -> Defaults {
    let (sweeps, nu, rho) = match (method, step) {
        (Method::Pdadmm, StepRule::LeastSquares) => (100, 1.0, 5.0),
        (Method::Pdadmm, StepRule::Vector | StepRule::Scalar | StepRule::Backtracking) => (100, 1.0, 5.0),
        (Method::Dladmm, StepRule::LeastSquares) => (100, 1.0, 2.5),
        (Method::Dladmm, StepRule::Vector | StepRule::Scalar | StepRule::Backtracking) => (100, 1.0, 2.5),
    };
    Defaults { sweeps, nu, rho }
}
