//! Consecutive blocks of a network, and the tiles of samples that pass through them.

use altmin_core::block::{Block, Network, Shape};
use altmin_core::{Real, Result};

/// Columns of a tile: 256 of 500 features in f32 are 0.5 MB, so that what a phase touches of a tile stays in the caches;
/// wider ones were no faster.
pub const TILE: usize = 512;

/// Scalars that are allocated once.
pub type Memory<T> = Box<[T]>;

/// Elements of scratch that a tile of a network of blocks should stay below: 64 MB in f32. Between convolutions a sample is
/// so large that tiles as wide as those of layers would not fit into memory.
const MOST_SCRATCH: usize = 1 << 24;

/// Some blocks of a network, with the shape that goes in.
#[derive(Debug, Clone)]
pub struct Part<T> {
    blocks: Vec<Block<T>>,
    input: Shape,
}

impl<T: Real> Part<T> {
    /// Blocks that fit one another and this shape.
    ///
    /// # Errors
    /// Those of [`Network::new`].
    pub fn new(blocks: Vec<Block<T>>, input: Shape) -> Result<Self> {
        Network::new(&blocks, input)?;
        Ok(Self { blocks, input })
    }

    /// The core's network, which is no more than a view.
    pub fn network(&self) -> Network<'_, T> {
        Network::new(&self.blocks, self.input).expect("blocks that were checked when the part was made")
    }

    /// The widest tile of samples that the scratch of a pass is meant for, `most` at most.
    pub fn tile(&self, most: usize) -> usize {
        // A pass holds the record, and signals as wide as its widest part.
        let sample = self.network().record(1).saturating_mul(3).saturating_add(self.input.features());
        (MOST_SCRATCH / sample.max(1)).clamp(1, most.max(1))
    }
}
