//! The settings of all methods.

use super::dlam::Repair;
use super::pdadmm::DualStorage;
use super::proxprop::{Carry, Form};
use super::step_schedule::StepSchedule;
use super::tssm::{Convention, Inner};
use crate::augmentation::Augmentation;
use crate::error::{Error, Result};
use crate::loss::{Loss, OutputSolver};
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::update::StepRule;

/// The settings of a run, of which each method takes what its [`Card`](super::Card) names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyperparameters<T> {
    /// The risk R.
    pub loss: Loss,
    /// How the output subproblem is solved.
    pub solver: OutputSolver,
    /// Omega, on the weights of every linear map.
    pub regularizer: Regularizer<T>,
    /// Weight of the penalties, above 0.
    pub nu: T,
    /// Weight of the constraints, above 0.
    pub rho: T,
    /// How weights and bias step.
    pub weight_step: StepRule<T>,
    /// How the inputs of layers step.
    pub input_step: StepRule<T>,
    /// Damping of least-squares weights where they are the only rule, above 0.
    pub damping: T,
    /// Where pdADMM's dual is kept.
    pub dual: DualStorage,
    /// Length of a gradient step, above 0.
    pub learning_rate: T,
    /// Samples of a mini-batch at most, above 0; `None` where a step takes all samples. The batches of a sweep are as few
    /// and as equal as that allows; one that would hold all samples is none.
    pub batch: Option<usize>,
    /// How mini-batches change their images, with the gradient methods, in the mini-batches of proximal sweeps, and with local
    /// ones; the passes that measure see them as they are.
    pub augmentation: Option<Augmentation>,
    /// Seed of what steps draw.
    pub seed: u64,
    /// Share of the last step that the next one takes along, 0 or above and below 1: of gradient descent, of the
    /// mini-batches of proximal sweeps.
    pub momentum: T,
    /// Nesterov's momentum, for gradient descent; asks for a momentum above 0.
    pub nesterov: bool,
    /// How steps shorten over the run: those of the gradient methods, and of the mini-batches of proximal sweeps.
    pub step_schedule: StepSchedule,
    /// Sweeps, or part of one, over which the same steps grow to their length; 0 or above.
    pub warm_up: f64,
    /// Decoupled decay of the weights, not of biases, before each step: by the share `rate weight_decay` with the gradient
    /// methods, by `weight_decay/nu` in the mini-batches of proximal sweeps, of which steps that a schedule shortens take as
    /// much less. 0 or above, and the share below 1.
    pub weight_decay: T,
    /// The norm of the whole gradient at most, above 0: a larger one is scaled down to it before it is stepped by. `None`
    /// where every gradient is taken as it is.
    pub clip: Option<T>,
    /// Sweeps of the run, over which steps shorten.
    pub sweeps: usize,
    /// How proximal sweeps solve for the weights of a dense map in mini-batches.
    pub form: Form,
    /// Whether maps in the primal form carry the sums of their inputs from mini-batch to mini-batch.
    pub carry: Option<Carry>,
    /// Weight of the penalties between subnetworks, above 0.
    pub alpha: T,
    /// tau_2: a step of a subnetwork's input is its gradient over this; above 0.
    pub tau: T,
    /// Means or sums over the samples of the terms between subnetworks.
    pub convention: Convention,
    /// How the weights of a subnetwork step.
    pub inner: Inner,
    /// By how much a subnetwork's mean cost may rise: more, and its step is undone. 0 or above. With an optimiser it looks
    /// at an epoch, with proximal sweeps at every batch, whose nu it then updates ([`Inner::Proxprop`]).
    pub guard: Option<T>,
    /// So many subnetworks, from the first, keep their weights, fewer than there are: the control that a split must beat.
    pub frozen: usize,
    /// Along the shorter side of images, the places at which a local read-out sees the mean of a window; above 0.
    pub readout_grid: usize,
    /// Half the width of DLAM's intervals `|h(z) - a| <= epsilon`, above 0.
    pub epsilon: T,
    /// What moves when DLAM's epsilon shrinks.
    pub repair: Repair,
    /// DLAM: Nesterov's extrapolation of every block, where F does not rise by it. One product a layer more, and a, z and W
    /// are stored twice.
    pub accelerate: bool,
}

impl<T: Real> Hyperparameters<T> {
    /// How a layer steps.
    pub fn steps(&self) -> Steps<T> {
        let Self { weight_step, input_step, regularizer, .. } = *self;
        Steps { weights: weight_step, inputs: input_step, regularizer }
    }
}

impl<T: Real> Default for Hyperparameters<T> {
    /// Weights of 1, least-squares steps with a damping of 0.1, no regulariser: values to change some of.
    fn default() -> Self {
        let damping = T::from_f64(0.1);
        Self {
            loss: Loss::CrossEntropy,
            solver: OutputSolver::Newton,
            regularizer: Regularizer::None,
            nu: T::ONE,
            rho: T::ONE,
            weight_step: StepRule::LeastSquares { damping },
            input_step: StepRule::LeastSquares { damping },
            damping,
            dual: DualStorage::default(),
            learning_rate: T::from_f64(0.01),
            batch: None,
            augmentation: None,
            seed: 0,
            momentum: T::ZERO,
            nesterov: false,
            step_schedule: StepSchedule::Constant,
            warm_up: 0.0,
            weight_decay: T::ZERO,
            clip: None,
            sweeps: 1,
            form: Form::Auto,
            carry: None,
            alpha: T::ONE,
            tau: T::from_f64(100.0),
            convention: Convention::Mean,
            inner: Inner::Sgd,
            guard: None,
            frozen: 0,
            readout_grid: 4,
            epsilon: T::from_f64(0.01),
            repair: Repair::default(),
            accelerate: false,
        }
    }
}

/// The weights that schedules change between two sweeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalties<T> {
    /// Weight of the penalties.
    pub nu: T,
    /// Weight of the constraints.
    pub rho: T,
    /// Half the width of DLAM's intervals.
    pub epsilon: T,
}

/// How a layer steps, which every method with step rules asks of its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steps<T> {
    /// The rule of weights and bias.
    pub weights: StepRule<T>,
    /// The rule of the layer's input.
    pub inputs: StepRule<T>,
    /// Omega on the weights.
    pub regularizer: Regularizer<T>,
}

impl<T: Real> Steps<T> {
    /// `Ok` when every number is in its range and the step rule can serve the regulariser: l1 has no least-squares step.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting).
    pub fn validate(&self) -> Result {
        self.weights.validate()?;
        self.inputs.validate()?;
        self.regularizer.validate()?;
        match (self.weights, self.regularizer) {
            (StepRule::LeastSquares { .. }, Regularizer::L1(lambda)) => Err(Error::Setting {
                name: "l1 regulariser",
                found: lambda.to_f64(),
                expected: "l2 or none with least-squares weights",
            }),
            _ => Ok(()),
        }
    }
}
