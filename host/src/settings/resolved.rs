//! Settings in which nothing is missing.

mod validate;

use super::choice::{
    Convention, EpsilonRepair, EpsilonRule, Inner, Kernel, Method, Precision, StepRule, Use,
};
use super::defaults::{
    DAMPING, EPSILON, EPSILON_BOUNDS, EPSILON_RULE, STEP, SUBNETWORKS, SWEEPS, default_input_step,
};
use super::options::TrainOptions;
use super::penalty_schedule::{NuSchedule, RhoSchedule};
use super::values::{
    Batch, Classes, EpsilonBounds, Grow, Growth, Guard, Samples, Target, TimeLimit, Tolerance,
};
use crate::data::{DataOptions, DataSource, Labels};
use crate::error::{Error, Result};
use crate::network::blocks::Architecture;
use crate::network::cuts::{Cuts, Split};
use crate::network::init::Initializer;
use crate::network::score::Measure;
use crate::network::widths::Widths;
use altmin_core::method::Defaults;
use altmin_core::update::BACKTRACKING;
use altmin_core::{Activation, Loss, Regularizer};
use std::time::Duration;
use validate::validate;

/// Every setting of a run but the folder it is written to, checked; for meaning and defaults see [`TrainOptions`].
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Data set.
    pub data: DataSource,
    /// The columns of a table that are learnt, at least one; the last one if there is none. None for other data.
    pub target: Option<Vec<String>>,
    /// Columns of a table, or channels of images, get mean 0 and standard deviation 1.
    pub scale: bool,
    /// Which labels of CIFAR-100; fine for data other than a folder.
    pub labels: Labels,
    /// Side of the pooled squares, at least 1; 1 leaves the images as they are.
    pub pool: usize,
    /// Train on the first so many samples.
    pub samples: Option<usize>,
    /// The classes that are kept, at least two, all different.
    pub classes: Option<Vec<u32>>,
    /// The last training samples take the place of the test set.
    pub holdout: bool,
    /// Seed of the initial weights and of a split.
    pub seed: u64,
    /// Widths of the hidden layers: at least one, none 0. Ignored with a network of blocks.
    pub hidden: Vec<usize>,
    /// The network of blocks that takes the place of hidden layers and activation.
    pub network: Option<Architecture>,
    /// Activation of the hidden layers.
    pub activation: Activation<f64>,
    /// Risk of the output.
    pub loss: Loss,
    /// Regulariser on the weights.
    pub regularizer: Regularizer<f64>,
    /// How initial weights are drawn.
    pub init: Initializer,
    /// The shallow network to begin with.
    pub grow: Option<Growth>,
    /// Order of the updates.
    pub method: Method,
    /// Weight of the inner penalties, above 0.
    pub nu: f64,
    /// Weight of the constraint with a dual variable, above 0.
    pub rho: f64,
    /// Schedule of nu.
    pub nu_schedule: NuSchedule,
    /// Schedule of rho.
    pub rho_schedule: RhoSchedule,
    /// Step rule of the weights.
    pub step: StepRule,
    /// Step rule of the inputs.
    pub input_step: StepRule,
    /// Damping of least-squares weights, above 0; ignored with another rule.
    pub damping: f64,
    /// Initial epsilon of DLAM, above 0.
    pub epsilon: f64,
    /// Rule that adapts epsilon.
    pub epsilon_rule: EpsilonRule,
    /// What moves when epsilon shrinks.
    pub epsilon_repair: EpsilonRepair,
    /// The bounds of that rule, both above 0, the first not above the second.
    pub epsilon_bounds: (f64, f64),
    /// Extrapolate every block of DLAM.
    pub accelerate: bool,
    /// Length of a gradient step, above 0.
    pub learning_rate: f64,
    /// Samples of a mini-batch; all of them if there is none.
    pub batch: Option<usize>,
    /// How the network is cut into subnetworks.
    pub split: Split,
    /// How weights step inside subnetworks.
    pub inner: Inner,
    /// Means or sums over samples.
    pub convention: Convention,
    /// Weight of the subnetworks' penalties, above 0.
    pub alpha: f64,
    /// What divides the gradient in a step of a subnetwork's input, above 0.
    pub tau2: f64,
    /// By how much a subnetwork's mean cost may rise in an epoch, 0 or above.
    pub guard: Option<f64>,
    /// So many subnetworks, from the first, keep their weights: fewer than there are.
    pub freeze: usize,
    /// Report the approximation error of splitting after every epoch.
    pub diagnostics: bool,
    /// Sweeps at most, at least 1.
    pub sweeps: usize,
    /// Stop when both residuals are at most this, above 0.
    pub tolerance: Option<f64>,
    /// Stop after the sweep in which this much time has passed, above 0.
    pub time_limit: Option<Duration>,
    /// Threads, at least 1.
    pub threads: usize,
    /// Scalar type.
    pub precision: Precision,
    /// Matrix product.
    pub kernel: Kernel,
}

impl TrainOptions {
    /// Fills in defaults and checks everything.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first setting that is out of range or does not go with another one.
    pub fn resolve(self) -> Result<Settings> {
        let default_method = if self.network.is_some() { Method::Gsadmm } else { Method::Pdadmm };
        let method = self.method.unwrap_or(default_method);
        self.require_one_network()?;
        let split = match (self.subnetworks, self.cut) {
            (Some(_), Some(cuts)) => {
                return Err(Error::argument("cut", cuts, "no value together with --subnetworks"));
            }
            (None, Some(cuts)) => Split::After(cuts.0),
            (count, None) => Split::Subnetworks(count.unwrap_or(SUBNETWORKS)),
        };
        let inner = self.inner.unwrap_or(Inner::Adam);
        let within = inner.defaults();
        let splits = method.card().uses(Use::Subnetworks);
        let step = self.step.unwrap_or(STEP);
        let Defaults { nu, rho, learning_rate, .. } = (method.card().defaults)(&step.rule(BACKTRACKING, DAMPING));
        let data = self.data.unwrap_or(DataSource::Digits);
        let settings = Settings {
            target: self.target.and_then(|target| target.0),
            scale: self.scale.unwrap_or(data.has_columns()),
            labels: self.labels.unwrap_or_default(),
            data,
            pool: self.pool.unwrap_or(1),
            samples: self.samples.and_then(|samples| samples.0),
            classes: self.classes.and_then(|classes| classes.0),
            holdout: self.holdout.unwrap_or(false),
            seed: self.seed.unwrap_or(0),
            hidden: self.hidden.map_or_else(|| vec![100, 100], |hidden| hidden.0),
            network: self.network,
            activation: self.activation.unwrap_or(Activation::Relu),
            loss: self.loss.unwrap_or(Loss::CrossEntropy),
            regularizer: self.regularizer.unwrap_or(Regularizer::None),
            init: self.init.unwrap_or(Initializer::He),
            grow: self.grow.and_then(|grow| grow.0),
            method,
            nu: self.nu.unwrap_or(nu),
            rho: self.rho.unwrap_or(if splits { within.rho } else { rho }),
            nu_schedule: self.nu_schedule.unwrap_or_default(),
            rho_schedule: self.rho_schedule.unwrap_or_default(),
            step,
            input_step: self.input_step.unwrap_or_else(|| default_input_step(method, step)),
            damping: self.damping.unwrap_or(DAMPING),
            epsilon: self.epsilon.unwrap_or(EPSILON),
            epsilon_rule: self.epsilon_rule.unwrap_or(EPSILON_RULE),
            epsilon_repair: self.epsilon_repair.unwrap_or_default(),
            epsilon_bounds: self.epsilon_bounds.map_or(EPSILON_BOUNDS, |bounds| bounds.0),
            accelerate: self.accelerate.unwrap_or(false),
            learning_rate: self.learning_rate.unwrap_or(if splits {
                within.learning_rate
            } else {
                learning_rate
            }),
            batch: self.batch.map_or(within.batch.filter(|_| splits), |batch| batch.0),
            split,
            inner,
            convention: self.convention.unwrap_or(within.convention),
            alpha: self.alpha.unwrap_or(within.alpha),
            tau2: self.tau2.unwrap_or(within.tau),
            guard: self.guard.map_or(within.guard, |guard| guard.0),
            freeze: self.freeze.unwrap_or(0),
            diagnostics: self.diagnostics.unwrap_or(false),
            sweeps: self.sweeps.unwrap_or(SWEEPS),
            tolerance: self.tolerance.and_then(|tolerance| tolerance.0),
            time_limit: self.time_limit.and_then(|limit| limit.0),
            threads: self.threads.unwrap_or_else(processors),
            precision: self.precision.unwrap_or(Precision::F32),
            kernel: self.kernel.unwrap_or(Kernel::Fast),
        };
        validate(&settings)?;
        Ok(settings)
    }

    /// `Ok` when the network is described in one way.
    fn require_one_network(&self) -> Result {
        if self.network.is_none() {
            return Ok(());
        }
        let given = |name, value: Option<String>| match value {
            None => Ok(()),
            Some(value) => {
                Err(Error::argument(name, value, "no value together with --network, which lists all blocks"))
            }
        };
        given("hidden", self.hidden.as_ref().map(ToString::to_string))?;
        given("activation", self.activation.as_ref().map(ToString::to_string))?;
        given("grow", self.grow.as_ref().map(ToString::to_string))
    }
}

impl Settings {
    /// `Ok` when every setting is in its range and they go together.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first that does not.
    pub fn validate(&self) -> Result {
        validate(self)
    }

    /// Whether a setting has an effect: as [`Card::uses`](altmin_core::method::Card::uses), and for subnetworks as their inner optimizer needs it.
    pub fn uses(&self, setting: Use) -> bool {
        let proximal = self.inner == Inner::Proxprop;
        match setting {
            _ if !self.method.card().uses(Use::Subnetworks) => self.method.card().uses(setting),
            Use::Nu | Use::Damping => proximal,
            Use::LearningRate => !proximal,
            _ => self.method.card().uses(setting),
        }
    }

    /// Whether the network is one of blocks: because it was written so, or because the method cuts it.
    pub fn has_blocks(&self) -> bool {
        self.network.is_some() || self.method.card().uses(Use::Subnetworks)
    }

    /// Whether nu and rho both have their default.
    pub fn has_default_weights(&self) -> bool {
        let defaults = (self.method.card().defaults)(&self.step.rule(BACKTRACKING, self.damping));
        self.nu == defaults.nu && self.rho == defaults.rho
    }

    /// How the data set is read and preprocessed.
    pub fn data_options(&self) -> DataOptions {
        DataOptions {
            split_seed: self.seed,
            holdout: self.holdout,
            classes: self.classes.clone(),
            samples: self.samples,
            pool: self.pool,
            target: self.target.clone(),
            regression: self.is_regression(),
            scale: self.scale,
            labels: self.labels,
        }
    }

    /// Whether values are learnt, and not classes: columns of a table, by a loss without probabilities.
    pub fn is_regression(&self) -> bool {
        self.data.has_columns() && !self.loss.has_probabilities()
    }

    /// What the accuracies of a run measure.
    pub fn measure(&self) -> Measure {
        if self.is_regression() { Measure::RSquared } else { Measure::Accuracy }
    }

    /// The settings as a file, defaults included; [`TrainOptions::from_toml`] and [`TrainOptions::resolve`] give the
    /// same settings back.
    ///
    /// # Errors
    /// [`Error::Argument`] for a number that TOML cannot hold (a seed above 2^63 - 1).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(&TrainOptions::from(self.clone()))
            .map_err(|error| Error::argument("config", error, "numbers that fit into a TOML file"))
    }
}

impl From<Settings> for TrainOptions {
    fn from(settings: Settings) -> Self {
        let used = settings.clone();
        let uses = |setting| used.uses(setting);
        let has_columns = settings.data.has_columns();
        let is_folder = matches!(settings.data, DataSource::Directory(_));
        let layers = settings.network.is_none();
        let (subnetworks, cut) = match settings.split {
            Split::Subnetworks(count) => (Some(count), None),
            Split::After(after) => (None, Some(Cuts(after))),
        };
        Self {
            data: Some(settings.data),
            target: has_columns.then_some(Target(settings.target)),
            scale: Some(settings.scale),
            labels: is_folder.then_some(settings.labels),
            pool: Some(settings.pool),
            samples: Some(Samples(settings.samples)),
            classes: Some(Classes(settings.classes)),
            holdout: Some(settings.holdout),
            seed: Some(settings.seed),
            hidden: layers.then_some(Widths(settings.hidden)),
            network: settings.network,
            activation: layers.then_some(settings.activation),
            loss: Some(settings.loss),
            regularizer: Some(settings.regularizer),
            init: Some(settings.init),
            grow: layers.then_some(Grow(settings.grow)),
            method: Some(settings.method),
            nu: uses(Use::Nu).then_some(settings.nu),
            rho: uses(Use::Rho).then_some(settings.rho),
            nu_schedule: uses(Use::NuSchedule).then_some(settings.nu_schedule),
            rho_schedule: uses(Use::RhoSchedule).then_some(settings.rho_schedule),
            step: uses(Use::Steps).then_some(settings.step),
            input_step: uses(Use::Steps).then_some(settings.input_step),
            damping: uses(Use::Damping).then_some(settings.damping),
            epsilon: uses(Use::Epsilon).then_some(settings.epsilon),
            epsilon_rule: uses(Use::Epsilon).then_some(settings.epsilon_rule),
            epsilon_repair: uses(Use::Epsilon).then_some(settings.epsilon_repair),
            epsilon_bounds: uses(Use::Epsilon).then_some(EpsilonBounds(settings.epsilon_bounds)),
            accelerate: uses(Use::Epsilon).then_some(settings.accelerate),
            learning_rate: uses(Use::LearningRate).then_some(settings.learning_rate),
            batch: uses(Use::Batch).then_some(Batch(settings.batch)),
            subnetworks: subnetworks.filter(|_| uses(Use::Subnetworks)),
            cut: cut.filter(|_| uses(Use::Subnetworks)),
            inner: uses(Use::Subnetworks).then_some(settings.inner),
            convention: uses(Use::Subnetworks).then_some(settings.convention),
            alpha: uses(Use::Subnetworks).then_some(settings.alpha),
            tau2: uses(Use::Subnetworks).then_some(settings.tau2),
            guard: uses(Use::Subnetworks).then_some(Guard(settings.guard)),
            freeze: uses(Use::Subnetworks).then_some(settings.freeze),
            diagnostics: uses(Use::Subnetworks).then_some(settings.diagnostics),
            sweeps: Some(settings.sweeps),
            tolerance: Some(Tolerance(settings.tolerance)),
            time_limit: Some(TimeLimit(settings.time_limit)),
            threads: Some(settings.threads),
            precision: Some(settings.precision),
            kernel: Some(settings.kernel),
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
