//! How samples are cut into groups and tiles.

use crate::block::Network;
use crate::real::Real;
use crate::view::{MatMut, MatRef, dense, dense_mut};

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

/// Columns of a tile: 256 of 500 features in f32 are 0.5 MB, so that what a phase touches of a tile stays in the caches;
/// wider ones were no faster.
pub const TILE: usize = 512;

/// Units of work that a phase should at least be cut into, so that many threads find work. More groups cost memory for
/// their sums.
const UNITS: usize = 64;
const MOST_GROUPS: usize = 16;

/// Groups of a method that passes samples through the whole network, each of which has sums for all layers: as many as
/// eight threads need, and fewer where so few samples would be left to each that adding up the sums costs more than they do.
const NETWORK_GROUPS: usize = 8;
const LEAST_SAMPLES: usize = 128;

impl Partition {
    /// How samples are cut for a phase that has `at_once` units of other kinds, such as layers, for each group.
    ///
    /// # Panics
    /// If `at_once` is 0.
    pub fn for_phase(samples: usize, at_once: usize) -> Self {
        // A power of two, so that two or four processes that share the samples have the same number of groups each.
        let groups = UNITS.div_ceil(at_once).next_power_of_two();
        Self::new(samples, TILE, groups.min(MOST_GROUPS))
    }

    /// How samples are cut for passes through a whole network: all groups as large as one another, and their tiles, which
    /// are at most `most` samples wide.
    ///
    /// # Panics
    /// If `most` is 0.
    pub fn for_network(samples: usize, most: usize) -> Self {
        let groups = (samples / LEAST_SAMPLES).clamp(2, NETWORK_GROUPS);
        let tiles = samples.div_ceil(groups * TILE).max(1);
        let tile = samples.div_ceil(groups * tiles).next_multiple_of(16).max(16);
        let wide = Self::new(samples, tile, groups);
        Self::new(samples, wide.tile().clamp(1, most), wide.groups())
    }

    /// How the samples of a mini-batch are cut for passes through a network: in one tile, where it takes their mean and
    /// variance.
    pub fn for_batch<T: Real>(samples: usize, network: &Network<'_, T>) -> Self {
        if network.has_batch_norm() {
            return Self::new(samples, samples.max(1), 1);
        }
        Self::for_network(samples, widest_tile(network))
    }
}

/// Elements of scratch that a tile should stay below: 64 MB in f32. Between convolutions a sample is so large that tiles as
/// wide as those of layers would not fit into memory.
const MOST_SCRATCH: usize = 1 << 24;

/// The widest tile of samples that a pass through a network should take, at least 1.
pub fn widest_tile<T: Real>(network: &Network<'_, T>) -> usize {
    // A pass holds the record, and signals as wide as its widest part.
    let sample = network.record(1).saturating_mul(3).saturating_add(network.input().features());
    (MOST_SCRATCH / sample.max(1)).max(1)
}

/// Elements of a matrix that elementwise updates work on at a time: with the six or so matrices that they touch, what
/// the nearest caches hold. A tile, which suits the product, is wider than that.
const STRIP: usize = 8192;

/// Cuts the columns `start .. start + count` of a tile of `rows` rows into strips: first column and number of columns.
pub(super) fn strips(rows: usize, start: usize, count: usize) -> impl Iterator<Item = (usize, usize)> {
    let width = (STRIP / rows.max(1)).max(1);
    (0..count.div_ceil(width)).map(move |s| (start + s * width, width.min(count - s * width)))
}

/// Columns `start .. start + count` of a matrix of `rows` rows without gaps.
///
/// # Panics
/// If there are fewer columns.
pub(super) fn tile_of<T: Real>(matrix: &[T], rows: usize, start: usize, count: usize) -> MatRef<'_, T> {
    dense(&matrix[start * rows..(start + count) * rows], rows, count)
}

/// The same for writing.
///
/// # Panics
/// If there are fewer columns.
pub(super) fn tile_of_mut<T: Real>(
    matrix: &mut [T],
    rows: usize,
    start: usize,
    count: usize,
) -> MatMut<'_, T> {
    dense_mut(&mut matrix[start * rows..(start + count) * rows], rows, count)
}
