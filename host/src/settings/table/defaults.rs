//! Defaults that depend on other settings.

use super::Filled;
use crate::network::blocks::Architecture;
use crate::settings::choice::{Inner, Method, StepRule, Use};
use altmin_core::method::tssm::InnerDefaults;
use altmin_core::method::{Defaults, Setup};
use altmin_core::update::BACKTRACKING;

impl Filled<'_> {
    /// Those of the method for its step rule of the weights, its batches and its network.
    pub(super) fn method_defaults(&self) -> Defaults {
        let network = self.network();
        let steps = (self.batch(), self.guard());
        let samples = (self.is_tabular(), &self.hidden()[..], network.as_ref());
        of_method(self.method(), self.step(), steps, self.inner(), samples)
    }

    /// Whether samples are rows of a table with a meaning for each column, which images in a table have not.
    pub(super) fn is_tabular(&self) -> bool {
        self.data().has_columns() && self.shape().is_none()
    }

    /// Whether the method splits the network, and its inner optimizer has the defaults.
    pub(super) fn splits(&self) -> bool {
        self.method().card().uses(Use::Subnetworks)
    }

    /// The rule between cuts: TSSM's optimiser, or the steps of layers that have read-outs.
    pub(super) fn inner_of_method(&self) -> Inner {
        if self.method().card().uses(Use::Readouts) { Inner::Proxprop } else { self.preset().inner() }
    }

    /// Those of the rule between cuts.
    pub(super) fn inner_defaults(&self) -> InnerDefaults {
        self.inner().defaults(self.preset(), self.batch().is_some())
    }

    /// The step rule of the weights; inputs that are held in intervals of epsilon have no least-squares step.
    pub(super) fn input_step_as_weights(&self) -> StepRule {
        match self.step() {
            StepRule::LeastSquares if self.method().card().uses(Use::Epsilon) => StepRule::Vector,
            step => step,
        }
    }
}

/// The defaults of a method for a table or not and a network of these hidden layers or blocks, whose steps have such batches and such
/// a guard.
pub(in crate::settings) fn of_method(
    method: Method,
    step: StepRule,
    (batch, guard): (Option<usize>, Option<f64>),
    inner: Inner,
    (table, hidden, network): (bool, &[usize], Option<&Architecture>),
) -> Defaults {
    let maps = network.map_or(hidden.len() + 1, Architecture::linear_maps);
    let convolutions = network.is_some_and(Architecture::has_convolutions);
    let step = step.rule(BACKTRACKING, Defaults::UNUSED.damping);
    let is_guarded = method.card().uses(Use::Subnetworks) && guard.is_some();
    let minibatches = batch.is_some() && !is_guarded;
    (method.card().defaults)(&Setup { step, minibatches, maps, convolutions, inner, table })
}

/// The share of a table's training samples that is set aside.
pub(super) const VALIDATION: f64 = 0.1;

/// Sweeps at most: where samples are set aside they say when to stop, and else nothing does.
pub(super) const SWEEPS: usize = 100;
pub(super) const SWEEPS_WITH_PATIENCE: usize = 300;

/// Sweeps without a better score on the samples that are set aside.
pub(super) const PATIENCE: usize = 20;

/// Samples of a mini-batch.
pub(in crate::settings) fn default_batch(method: Method, inner: Inner) -> Option<usize> {
    if method.card().uses(Use::Subnetworks) { inner.batch() } else { method.card().batch }
}

/// As many as can work at once.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
