//! How long the variables of all layers over all groups of samples are.

use crate::method::layers::Layers;
use crate::method::{Memory, Partition, Steps};
use crate::real::Real;

/// What a method keeps of the samples beside a, z and r.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::method) enum Extra {
    /// Nothing.
    Nothing,
    /// The last layer's dual, and its z at the beginning of the sweep.
    Dual,
    /// What a and z were before their last step, and the momentum of each sample; beside them that of the weights.
    Momentum,
}

/// The parts of a group: its sums, a, z, r, z_L at the beginning of the sweep, u, a before its last step and its momentum, the
/// same of z.
pub(super) const PARTS: usize = 10;

/// How long the variables are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes<'a, T> {
    pub(super) layers: Layers<'a, T>,
    pub(super) partition: Partition,
    pub(super) steps: Steps<T>,
    extra: Extra,
    /// Numbers of a group's record.
    record: usize,
    /// Outputs of all layers, and of the last.
    outputs: usize,
    pub(super) last: usize,
    /// Sums of the layer at work: as long as the largest layer's.
    pub(super) sums: usize,
}

impl<'a, T: Real> Sizes<'a, T> {
    pub(super) fn new(
        layers: Layers<'a, T>,
        partition: Partition,
        steps: Steps<T>,
        extra: Extra,
        record: usize,
    ) -> Self {
        let outputs = layers.shapes().map(|shape| shape.n_out).sum();
        let sums = layers.shapes().map(|shape| shape.elements()).max().unwrap_or(0);
        let last = layers.n_out(layers.count() - 1);
        Self { layers, partition, steps, extra, record, outputs, last, sums }
    }

    /// The parts of a group of `m` samples.
    pub(super) fn group(&self, m: usize) -> [usize; PARTS] {
        let Self { outputs, last, .. } = *self;
        let (hidden, layers) = (outputs - last, self.layers.count());
        let dual = if self.extra == Extra::Dual { last * m } else { 0 };
        let moving = if self.extra == Extra::Momentum { m } else { 0 };
        let before = [hidden * moving, (layers - 1) * moving, outputs * moving, layers * moving];
        let [a, t_a, z, t_z] = before;
        [self.sums, hidden * m, outputs * m, outputs * m, dual, dual, a, t_a, z, t_z]
    }

    pub(super) fn group_length(&self, g: usize) -> usize {
        self.group(self.partition.group(g).1).iter().sum()
    }

    /// What lies before group `g`.
    pub(super) fn groups_before(&self, g: usize) -> usize {
        let variables: usize = self.group(self.partition.group(g).0)[1..].iter().sum();
        g * self.sums + variables
    }

    /// Elements of what all samples have: parameters, what layers keep, their momentum, the groups.
    pub(super) fn scalars(&self) -> [usize; 4] {
        let (parameters, kept) = (self.layers.network().parameters(), self.layers.scalars(&self.steps));
        let momentum = if self.extra == Extra::Momentum { self.layers.momentum() } else { 0 };
        [parameters, kept, momentum, self.groups_before(self.partition.groups())]
    }

    /// The layers' records, and the groups'.
    pub(super) fn numbers(&self) -> [usize; 2] {
        [self.layers.numbers(), self.partition.groups() * self.record]
    }

    /// Sizes of the state.
    pub(super) fn memory(&self) -> Memory {
        Memory { scalars: self.scalars().iter().sum(), numbers: self.numbers().iter().sum() }
    }
}
