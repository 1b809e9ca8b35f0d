//! The methods: the order of updates, and nothing else.
//!
//! A method is a list of phases over an [`Executor`](crate::executor::Executor). Its state lies in the caller's memory,
//! in blocks that no two units of a phase write.

pub mod backprop;
pub mod balancing;
pub mod dladmm;
pub mod dlam;
pub mod layer;
pub mod network;
pub mod pdadmm;
pub mod proxprop;
mod steering;
pub mod taylor;
pub mod tssm;

use crate::activation::Activation;
use crate::error::{Error, Result, require_positive};
use crate::loss::{Loss, OutputReport, OutputSolver, Target};
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::view::MatRef;

/// What both methods need to know beside the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings<T> {
    /// Weight of the penalties, above 0.
    pub nu: T,
    /// Weight of the constraints, above 0.
    pub rho: T,
    /// How weights and bias step.
    pub weight_step: StepRule<T>,
    /// How inputs step.
    pub input_step: StepRule<T>,
    /// The hidden layers' activation f.
    pub activation: Activation<T>,
    /// The risk R, summed over samples.
    pub loss: Loss,
    /// How the output subproblem is solved.
    pub solver: OutputSolver,
    /// Omega, on every layer's weights.
    pub regularizer: Regularizer<T>,
}

impl<T: Real> Settings<T> {
    /// `Ok` when every number is in its range and the step rule can serve the regulariser: l1 has no least-squares step.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting).
    pub fn validate(&self) -> Result {
        require_positive("nu", self.nu.to_f64())?;
        require_positive("rho", self.rho.to_f64())?;
        self.activation.validate()?;
        self.steps().validate()
    }

    /// How a layer steps.
    pub fn steps(&self) -> Steps<T> {
        let Self { weight_step, input_step, regularizer, .. } = *self;
        Steps { weights: weight_step, inputs: input_step, regularizer }
    }
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

/// The training set: features x samples, and what the network should say to each sample.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a, T: Real> {
    /// `p_0 = x`, n_0 x M.
    pub x: MatRef<'a, T>,
    /// `y`, M samples.
    pub target: Target<'a, T>,
}

/// How the samples are cut: into groups that are worked on independently and have sums of their own, and each group
/// into tiles that pass through the cache.
///
/// It depends on sizes alone, never on threads, so that sums are the same bits for any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    samples: usize,
    groups: usize,
    tile: usize,
}

impl Partition {
    /// Cuts `samples` into tiles of `tile` columns and those into at most `groups` groups.
    ///
    /// # Panics
    /// If `tile` or `groups` is 0.
    pub fn new(samples: usize, tile: usize, groups: usize) -> Self {
        assert!(tile > 0 && groups > 0);
        Self { samples, groups: groups.min(samples.div_ceil(tile)).max(1), tile }
    }

    /// Fewer samples, a mini-batch, in the same tiles and as many groups at most.
    #[must_use]
    pub fn of(&self, samples: usize) -> Self {
        Self::new(samples, self.tile, self.groups)
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The number of groups, at least 1.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The widest tile.
    pub fn tile(&self) -> usize {
        self.tile.min(self.samples)
    }

    /// First sample and number of samples of a group.
    pub fn group(&self, group: usize) -> (usize, usize) {
        let tiles = self.samples.div_ceil(self.tile);
        let edge = |g: usize| (tiles * g / self.groups * self.tile).min(self.samples);
        (edge(group), edge(group + 1) - edge(group))
    }

    /// First column, within the group, and number of columns of each of its tiles.
    pub fn tiles(&self, group: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (_, count) = self.group(group);
        let tile = self.tile;
        (0..count.div_ceil(tile)).map(move |t| (t * tile, tile.min(count - t * tile)))
    }
}

/// Elements of a matrix that elementwise updates work on at a time: with the six or so matrices that they touch, what
/// the nearest caches hold. A tile, which suits the product, is wider than that.
const STRIP: usize = 8192;

/// Cuts the columns `start .. start + count` of a tile of `rows` rows into strips: first column and number of columns.
fn strips(rows: usize, start: usize, count: usize) -> impl Iterator<Item = (usize, usize)> {
    let width = (STRIP / rows.max(1)).max(1);
    (0..count.div_ceil(width)).map(move |s| (start + s * width, width.min(count - s * width)))
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
    /// The sweep's step was undone, because the loss would have risen: weights and biases are what they were.
    pub rejected: bool,
}

impl Sweep {
    /// The report, if everything in it is finite. Norms of what moved may overflow while the objective does not.
    fn require_finite(self) -> Result<Self> {
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
