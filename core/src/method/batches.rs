//! Mini-batches: which samples make a step.

use super::Partition;
use super::pass::Samples;
use crate::block::Network;
use crate::error::{Error, Result, require_positive};
use crate::real::Real;
use crate::view::require_size;

/// The samples of a sweep in mini-batches, and which of these it takes.
#[derive(Debug, Clone, Copy)]
pub struct Epoch<'o> {
    /// The samples in order; without one, as they lie.
    pub order: Option<&'o [u32]>,
    /// The first mini-batch that is taken.
    pub first: usize,
    /// One after the last; the end of the order comes before it.
    pub end: usize,
}

impl<'o> Epoch<'o> {
    /// All of an order.
    pub fn whole(order: Option<&'o [u32]>) -> Self {
        Self { order, first: 0, end: usize::MAX }
    }
}

/// How a sweep takes the samples: all at once, or in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batches {
    samples: usize,
    /// Samples of a batch at most; `None` where a step takes all.
    size: Option<usize>,
}

impl Batches {
    /// Batches of `size` samples at most; none where one would hold all samples.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `batch` for a size of 0.
    pub(super) fn new(size: Option<usize>, samples: usize) -> Result<Self> {
        if let Some(size) = size {
            require_positive("batch", size as f64)?;
        }
        Ok(Self { samples, size: size.filter(|&size| size < samples) })
    }

    /// M.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Whether every step takes all samples.
    pub(super) fn are_whole(&self) -> bool {
        self.size.is_none()
    }

    /// Samples of the largest step.
    pub(super) fn largest(&self) -> usize {
        self.size.map_or(self.samples, |size| self.samples.div_ceil(self.samples.div_ceil(size)))
    }

    /// Steps of a sweep.
    pub(super) fn count(&self) -> usize {
        self.samples.div_ceil(self.size.unwrap_or(self.samples).max(1))
    }

    /// The steps of a sweep, none without samples: as few as hold a batch's samples each at most, all as large as one
    /// another, but for one sample. Without an order a batch is samples that lie side by side. `partition` cuts the largest.
    pub(super) fn steps<'o>(
        &self,
        epoch: Epoch<'o>,
        partition: Partition,
    ) -> impl Iterator<Item = Samples<'o>> + use<'o> {
        let batches = *self;
        (0..self.steps_of(epoch)).map(move |batch| batches.step(epoch, partition, batch))
    }

    /// The number of [`steps`](Self::steps).
    pub(super) fn steps_of(&self, epoch: Epoch<'_>) -> usize {
        epoch.end.min(self.steps_in(epoch.order)).saturating_sub(epoch.first)
    }

    /// Those of all of an order.
    fn steps_in(&self, order: Option<&[u32]>) -> usize {
        // No batch of fewer samples is larger than those of all.
        self.taken(order).1.div_ceil(self.largest().max(1))
    }

    /// One of the [`steps`](Self::steps), counted from 0.
    pub(super) fn step<'o>(&self, epoch: Epoch<'o>, partition: Partition, batch: usize) -> Samples<'o> {
        let Epoch { order, first, .. } = epoch;
        let (count, (order, samples), batch) = (self.steps_in(order), self.taken(order), first + batch);
        let edge = |batch: usize| samples * batch / count;
        let (first, end) = (edge(batch), edge(batch + 1));
        let order = order.map(|order| &order[first..end]);
        Samples { order, first, partition: partition.of(end - first), draws: None }
    }

    /// The order, where a sweep follows it, and how many samples it takes.
    fn taken<'o>(&self, order: Option<&'o [u32]>) -> (Option<&'o [u32]>, usize) {
        let order = order.filter(|_| self.size.is_some());
        (order, order.map_or(self.samples, <[u32]>::len))
    }

    /// `Ok` when a partition cuts the largest step.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape) naming `partition`.
    pub(super) fn check_partition(&self, partition: Partition) -> Result {
        require_size("partition", (partition.samples(), 1), (self.largest(), 1))
    }

    /// `Ok` when a network that normalises mini-batches has those of at least two samples, each in one tile.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `batch`; [`Shape`](Error::Shape) naming `partition`.
    pub(super) fn check_batch_norm<T: Real>(&self, network: &Network<'_, T>, partition: Partition) -> Result {
        if !network.has_batch_norm() {
            return Ok(());
        }
        let smallest = self.samples / self.count().max(1);
        if smallest < 2 {
            let expected = "batches of 2 samples or more, of which batchnorm takes mean and variance";
            return Err(Error::Setting { name: "batch", found: smallest as f64, expected });
        }
        require_size("partition", (partition.tile(), partition.groups()), (self.largest(), 1))
    }

    /// `Ok` when an order names samples that there are.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `batch`.
    pub(super) fn check(&self, order: Option<&[u32]>) -> Result {
        match order.unwrap_or_default().iter().find(|&&sample| sample as usize >= self.samples) {
            None => Ok(()),
            Some(&sample) => {
                let (found, expected) = (f64::from(sample), "indices below the number of samples");
                Err(Error::Setting { name: "batch", found, expected })
            }
        }
    }
}
