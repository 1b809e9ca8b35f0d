//! The defaults that depend on other settings, in one place.

use super::choice::{Inner, Method, StepRule, Use};

/// What a setting is when nobody said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// Sweeps.
    pub sweeps: usize,
    /// The weight of the penalties inside a layer.
    pub nu: f64,
    /// The weight of the constraint that carries a dual variable.
    pub rho: f64,
    /// The length of a gradient step.
    pub learning_rate: f64,
}

/// The step rule of the weights when nobody said.
pub(super) const STEP: StepRule = StepRule::LeastSquares;

/// The damping of least-squares weights when nobody said: the low end of 0.1 to 1, which served best. At 0.001 the
/// weights fit the noise.
pub(super) const DAMPING: f64 = 0.1;

/// DLAM's epsilon and the bounds of its rule when nobody said.
pub(super) const EPSILON: f64 = 1.0;
pub(super) const EPSILON_BOUNDS: (f64, f64) = (0.01, 1.0);

/// TSSM's settings when nobody said: the paper's (section 3.2.1). Its authors' program has rho = 10, tau_2 = 10000 and Adam
/// with 0.001.
pub(super) const ALPHA: f64 = 1.0;
pub(super) const TAU2: f64 = 100.0;
pub(super) const SUBNETWORKS: usize = 2;
const BATCH: usize = 120;

/// Samples of a mini-batch when nobody said.
pub(super) fn default_batch(method: Method) -> Option<usize> {
    method.uses(Use::Subnetworks).then_some(BATCH)
}

/// The learning rate inside subnetworks when nobody said: 1/tau_1 = 1/100 for gradient descent.
pub fn inner_rate(inner: Inner) -> f64 {
    match inner {
        Inner::Sgd => 1e-2,
        Inner::Adam => 1e-3,
    }
}

/// The defaults of a method with a step rule for its weights.
///
/// From `experiments/search.py`: six pairs of nu and rho for each, 50 sweeps of a 196-500-500-10 network on 10,000 MNIST
/// images, scored on images 55,001 to 60,000, which no training sees; never on the test set. pdADMM's rho stays above the
/// threshold of Lemma 1, 4 nu for ReLU: below it no pair was better by more than 0.2 points. dlADMM's does not: 0.3
/// reaches 0.93 in one sweep where 1.1, above the threshold 2 H, takes four.
/// Taylor's ADMM, eight pairs: with 30 and 0.3 it reaches 0.93 in 2 sweeps and 0.955 in 50; with rho of 1.1, above the
/// threshold sqrt(2) H, it takes 5 and ends at 0.956; with nu of 1, 12 and 0.950.
pub fn defaults(method: Method, step: StepRule) -> Defaults {
    let (nu, rho) = match (method, step) {
        (Method::Pdadmm, StepRule::LeastSquares) => (1.0, 4.1),
        (Method::Pdadmm, StepRule::Vector | StepRule::Scalar | StepRule::Backtracking) => (0.01, 0.041),
        (Method::Dladmm, _) => (1.0, 0.3),
        (Method::Taylor, _) => (30.0, 0.3),
        (Method::Proxprop, _) => (3.0, 1.0),
        _ => (1.0, 1.0),
    };
    let learning_rate = match method {
        Method::Adam => 1e-3,
        Method::Adagrad => 1e-2,
        Method::Gd => 0.1,
        _ => 1.0,
    };
    Defaults { sweeps: 100, nu, rho, learning_rate }
}

/// The step rule of the inputs when nobody said: that of the weights, but DLAM's, whose inputs are held in intervals, have
/// no least-squares step.
pub(super) fn default_input_step(method: Method, step: StepRule) -> StepRule {
    match (method, step) {
        (Method::Dlam, StepRule::LeastSquares) => StepRule::Vector,
        _ => step,
    }
}
