//! What is verified.

use std::fmt;

use altmin_core::Target;
use altmin_core::method::dlam::EpsilonRule;
use altmin_core::method::{Hyperparameters, Name, Run};

use super::matrix::Mat;

/// The samples in the order in which epoch k, counted from 0, takes them: indices below M, each once.
pub type Order<'a> = &'a (dyn Fn(usize) -> Vec<u32> + Sync);

/// What is verified: a method on a network and a training set.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The method; one of [`METHODS`](crate::METHODS).
    pub method: Name,
    /// Its settings. nu and rho stay as they are: the theorems are about one objective.
    pub hyperparameters: Hyperparameters<f64>,
    /// The network, its cuts, and the training set: features x samples, and classes or values.
    pub run: Run<'a, f64>,
    /// The network's initial parameters, laid out as [`Network`](altmin_core::block::Network) says.
    pub parameters: &'a [f64],
    /// How many sweeps are verified; epochs of a method in mini-batches.
    pub sweeps: usize,
    /// How DLAM's epsilon changes between sweeps; the other methods have none.
    pub epsilon_rule: EpsilonRule,
    /// The order of the samples in an epoch of mini-batches; without one they are taken where they lie.
    pub order: Option<Order<'a>>,
    /// Rounds of the power iterations by which a method over subnetworks reports the norms of its linear maps.
    pub norm_rounds: usize,
}

impl Setup<'_> {
    /// The targets as values, n x M: a class stands for its unit vector.
    pub(super) fn targets(&self) -> Mat {
        match self.run.problem.target {
            Target::Values(values) => Mat::of(values),
            Target::Classes(classes) | Target::WeightedClasses { classes, .. } => {
                let outputs = self.run.network.output().features();
                Mat::from_fn(outputs, classes.len(), |i, j| f64::from(u8::from(classes[j] as usize == i)))
            }
        }
    }
}

impl fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, hyperparameters, run, parameters: _, sweeps, epsilon_rule, order, norm_rounds } =
            self;
        f.debug_struct("Setup")
            .field("method", method)
            .field("hyperparameters", hyperparameters)
            .field("network", &run.network)
            .field("cuts", &run.cuts)
            .field("samples", &run.samples())
            .field("sweeps", sweeps)
            .field("epsilon_rule", epsilon_rule)
            .field("shuffled", &order.is_some())
            .field("norm_rounds", norm_rounds)
            .finish_non_exhaustive()
    }
}
