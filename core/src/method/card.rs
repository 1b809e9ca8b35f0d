//! What is known of a method without a run.

use super::StepSchedule;
use super::proxprop::carry::Carry;
use super::tssm::settings::Inner;
use crate::update::StepRule;

/// A setting, or a group of them, that has an effect with some methods alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// nu, the weight of penalties.
    Nu,
    /// A schedule of nu.
    NuSchedule,
    /// rho, the weight of constraints.
    Rho,
    /// A schedule of rho.
    RhoSchedule,
    /// Residual balancing of rho.
    Balancing,
    /// A choice of step rules.
    Steps,
    /// Damping of least-squares weights.
    Damping,
    /// epsilon, its rule and bounds, and acceleration.
    Epsilon,
    /// A learning rate.
    LearningRate,
    /// Mini-batches.
    Batch,
    /// Momentum that can be chosen.
    Momentum,
    /// Nesterov's momentum.
    Nesterov,
    /// A schedule of the steps' length, with a warm-up.
    StepSchedule,
    /// Decoupled weight decay.
    WeightDecay,
    /// Clipping of the gradient.
    Clip,
    /// Augmentation of images.
    Augmentation,
    /// Loss and accuracy from the passes that train ([`Seen`](super::Seen)).
    Seen,
    /// A choice between forms of the least-squares step, and sums that are carried.
    Form,
    /// An l1 regulariser, beside a step rule that has a form for it.
    L1,
    /// Cuts of the network.
    Cuts,
    /// A rule by which the weights between two cuts step.
    Inner,
    /// What goes on between subnetworks, and in how many: alpha, tau_2, guard, frozen subnetworks.
    Subnetworks,
    /// Read-outs of layers.
    Readouts,
}

/// What defaults depend on beside the method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// The step rule of the weights.
    pub step: StepRule<f64>,
    /// Whether steps are made from mini-batches.
    pub minibatches: bool,
    /// Linear maps of the network.
    pub maps: usize,
    /// Whether some of them are convolutions.
    pub convolutions: bool,
    /// The rule by which weights step between cuts.
    pub inner: Inner,
    /// Whether samples are rows of a table, which are few, and whose targets are noisy.
    pub table: bool,
}

/// Defaults of settings that differ from method to method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// Weight of the penalties.
    pub nu: f64,
    /// Weight of the constraints.
    pub rho: f64,
    /// Length of a gradient step.
    pub learning_rate: f64,
    /// Damping of least-squares weights.
    pub damping: f64,
    /// Momentum.
    pub momentum: f64,
    /// How steps shorten over the run.
    pub step_schedule: StepSchedule,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Sums of inputs that are carried between mini-batches.
    pub carry: Option<Carry>,
}

impl Defaults {
    /// Those of a setting that a method does not use.
    pub const UNUSED: Self = Self {
        nu: 1.0,
        rho: 1.0,
        learning_rate: 1.0,
        // The low end of 0.1 to 1, which served best. At 0.001 the weights fit the noise.
        damping: 0.1,
        momentum: 0.0,
        step_schedule: StepSchedule::Constant,
        weight_decay: 0.0,
        carry: None,
    };
}

/// A number of products of one shape over all samples, `n_out x n_in x M` each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Products {
    /// Rows of the matrix that multiplies the samples.
    pub n_out: usize,
    /// Its columns.
    pub n_in: usize,
    /// How many in a sweep; a symmetric one counts half.
    pub count: f64,
}

/// The products of a layer in a sweep, in three shapes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LayerProducts {
    /// Of the layer's own shape, n_out x n_in.
    pub own: f64,
    /// Of n_in x n_in.
    pub inner: f64,
    /// Of n_out x n_out.
    pub outer: f64,
}

impl LayerProducts {
    /// Back-propagation: one product forward, one back, one for the gradient. The first layer's input is data, which takes
    /// nothing back.
    pub const fn back_propagation(first: bool) -> Self {
        Self { own: if first { 2.0 } else { 3.0 }, inner: 0.0, outer: 0.0 }
    }

    /// One pass over a layer with variables of its own.
    ///
    /// Weights take `r p'` and one to apply the change to the residual, of the layer's own shape, and half of an
    /// `n_in x n_in` one for the symmetric `p p'`; the first layer's input is data, whose `x x'` is computed once a run, and
    /// which has no update. Inputs take 2, the gradient and its image. Exact inputs take one of `n_in x n_in` more for the
    /// solve, or, where that is less, two of the layer's shape and one of `n_out x n_out`.
    pub const fn alternating(first: bool, exact_inputs: bool, n_out: usize, n_in: usize) -> Self {
        let outer = 2 * n_out * n_in + n_out * n_out < n_in * n_in;
        match (first, exact_inputs, outer) {
            (true, ..) => Self { own: 2.0, inner: 0.0, outer: 0.0 },
            (false, true, true) => Self { own: 6.0, inner: 0.5, outer: 1.0 },
            (false, true, false) => Self { own: 4.0, inner: 1.5, outer: 0.0 },
            (false, false, _) => Self { own: 4.0, inner: 0.5, outer: 0.0 },
        }
    }

    /// Two passes.
    pub const fn twice(self) -> Self {
        let Self { own, inner, outer } = self;
        Self { own: 2.0 * own, inner: 2.0 * inner, outer: 2.0 * outer }
    }

    /// The same by shape.
    pub fn by_shape(self, n_out: usize, n_in: usize) -> [Products; 3] {
        [
            Products { n_out, n_in, count: self.own },
            Products { n_out: n_in, n_in, count: self.inner },
            Products { n_out, n_in: n_out, count: self.outer },
        ]
    }
}

/// How many matrices over all samples a method carries from sweep to sweep. Scratch and weights, which do not grow with the
/// samples, are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateMatrices {
    /// For each hidden layer, of its outputs.
    pub hidden: usize,
    /// For the last layer, of its outputs.
    pub last: usize,
    /// For each cut between subnetworks, of the numbers that cross it.
    pub cut: usize,
}

/// What is known of a method without a run.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    /// What people type.
    pub name: &'static str,
    /// Its number in the C interface.
    pub code: i32,
    /// What people read.
    pub title: &'static str,
    /// One line for a list of methods.
    pub summary: &'static str,
    /// Where it is from.
    pub paper: &'static str,
    /// It trains networks whose blocks alternate dense and one activation, and no others.
    pub layers_only: bool,
    /// The settings that have an effect beside those that every method takes.
    pub uses: &'static [Use],
    /// Those that have one in mini-batches alone.
    pub in_minibatches: &'static [Use],
    /// Defaults.
    pub defaults: fn(&Setup) -> Defaults,
    /// Samples of a mini-batch when nobody said; `None` for all of them.
    pub batch: Option<usize>,
    /// The objective is R and Omega of the composed network: there are no variables beside the weights.
    pub composed: bool,
    /// The products of a layer in a sweep: whether it is the first, the step rule of the inputs, outputs and inputs.
    pub products: fn(bool, &StepRule<f64>, usize, usize) -> LayerProducts,
    /// What it carries from sweep to sweep.
    pub state: StateMatrices,
    /// What the method's theorem asks of rho, which must be above it: of nu, the activation's Lipschitz constant s, and H,
    /// that of the risk's gradient. `None` where no theorem asks anything of rho.
    pub rho_threshold: Option<fn(f64, f64, f64) -> f64>,
    /// That theorem.
    pub theorem: &'static str,
}

impl Card {
    /// Whether a setting has an effect.
    pub fn uses(&self, setting: Use) -> bool {
        self.uses.contains(&setting) || self.in_minibatches.contains(&setting)
    }
}
