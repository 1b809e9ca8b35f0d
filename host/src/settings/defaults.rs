//! The defaults that depend on other settings, in one place.

use super::choice::{Convention, EpsilonRule, Inner, Method, StepRule};

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

/// DLAM's epsilon, its rule and the rule's bounds when nobody said. Held fixed, where Lemma 1 speaks, a small epsilon with a
/// small rho did best on held-out images (see the README's search); at 1 the composed network says nothing.
pub(super) const EPSILON: f64 = 0.01;
pub(super) const EPSILON_RULE: EpsilonRule = EpsilonRule::Fixed;
pub(super) const EPSILON_BOUNDS: (f64, f64) = (0.01, 1.0);

/// Subnetworks when nobody said, as in most of the paper.
pub(super) const SUBNETWORKS: usize = 2;

/// What a setting of subnetworks is when nobody said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InnerDefaults {
    /// Means or sums.
    pub convention: Convention,
    /// The weight of penalties.
    pub alpha: f64,
    /// The weight of constraints.
    pub rho: f64,
    /// What divides an input's gradient.
    pub tau2: f64,
    /// The length of a gradient step; of no consequence to proximal sweeps.
    pub learning_rate: f64,
    /// Samples of a mini-batch.
    pub batch: Option<usize>,
    /// By how much a cost may rise.
    pub guard: Option<f64>,
}

/// The defaults of a method over subnetworks with an inner rule.
///
/// Of optimisers they are the paper's (section 3.2.1), with 1/tau_1 = 1/100 for gradient descent; its authors' program has
/// rho = 10, tau_2 = 10000 and Adam with 0.001.
///
/// Proximal sweeps are guarded, over all samples (a batch should be several times as large as layers are wide), with alpha =
/// rho = tau_2: p then goes in one step to `q - (grad R + u)/rho`, for gsAM to `f - grad R/alpha`, and comes to rest where
/// `q - f = -grad R/alpha`, so that a single number says how far a split moves. From `experiments/subnetworks.py` on
/// held-out images of MNIST (nine layers of 500) and digits: 0.1 to 1 did well on both, 0.01 too on the former alone.
pub fn inner_defaults(inner: Inner) -> InnerDefaults {
    let paper = InnerDefaults {
        convention: Convention::Mean,
        alpha: 1.0,
        rho: 1.0,
        tau2: 100.0,
        learning_rate: 1e-2,
        batch: Some(120),
        guard: None,
    };
    match inner {
        Inner::Sgd => paper,
        Inner::Adam => InnerDefaults { learning_rate: 1e-3, ..paper },
        Inner::Proxprop => InnerDefaults {
            convention: Convention::Sum,
            alpha: 0.3,
            rho: 0.3,
            tau2: 0.3,
            batch: None,
            guard: Some(0.0),
            ..paper
        },
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
        (Method::Proxprop | Method::Gsadmm | Method::Gsam, _) => (3.0, 1.0),
        (Method::Dlam, _) => (1.0, 0.01),
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
