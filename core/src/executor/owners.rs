//! Whose the units of a phase are, where several processes with memories of their own share a run.
//!
//! A process does the units that it owns and tells the others what they read of them. What a unit computes depends on what it
//! reads alone, and sums over units are made in the units' order, so the bits are the same for any number of processes.

/// How the units of a phase are dealt out to processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// Unit `i` is group `i mod groups` of layer `first + i / groups`, and has one owner.
    Grid {
        /// The layer of the first unit.
        first: usize,
        /// Groups of samples of each layer.
        groups: usize,
    },
    /// Unit `i` is layer `first + i`, and is done by each process that owns a group of it.
    Layers {
        /// The layer of the first unit.
        first: usize,
    },
    /// Each has one owner; the units are dealt out in their order to all processes.
    Evenly,
}

/// Who reads what a unit has written, beside its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// The owner of the same group in the layer below.
    Below,
    /// The owner of the same group in the layer above.
    Above,
    /// All owners of groups of the layer.
    Layer,
    /// All processes.
    All,
    /// The first process.
    First,
}
