//! Mini-batches: which samples, in which order.

use crate::allocate;
use crate::error::Result;
use crate::random::{Purpose, shuffle};

/// Mini-batches in an order that is drawn anew for every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// Samples of a batch at most, above 0. All batches of an epoch are as large as one another, but for one sample.
    pub size: usize,
    /// Seed of the orders.
    pub seed: u64,
}

impl Batches {
    /// How many batches make an epoch; none if one would hold all samples.
    fn count(self, samples: usize) -> Option<usize> {
        Some(samples.div_ceil(self.size.max(1))).filter(|&count| count > 1)
    }

    /// Sets the order of an epoch, a function of seed and epoch alone; nothing is allocated.
    pub fn draw(self, epoch: u32, samples: &mut [u32]) {
        samples.iter_mut().enumerate().for_each(|(index, sample)| *sample = index as u32);
        shuffle(self.seed, Purpose::Batches, epoch, samples);
    }

    /// Samples of the largest of the batches that make an epoch.
    pub fn largest(self, samples: usize) -> usize {
        self.count(samples).map_or(samples, |count| samples.div_ceil(count))
    }
}

/// The samples in the order of the present epoch.
#[derive(Debug)]
pub(super) struct Order {
    batches: Batches,
    epoch: u32,
    samples: Vec<u32>,
}

impl Order {
    /// None if every pass takes all samples.
    ///
    /// # Errors
    /// [`Error::Allocation`](crate::Error::Allocation).
    pub(super) fn new(batches: Option<Batches>, samples: usize) -> Result<Option<Self>> {
        let Some(batches) = batches.filter(|batches| batches.count(samples).is_some()) else {
            return Ok(None);
        };
        Ok(Some(Self { batches, epoch: 0, samples: allocate::filled(samples, 0)? }))
    }

    /// Draws the order of the next epoch.
    pub(super) fn draw(&mut self) {
        self.batches.draw(self.epoch, &mut self.samples);
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Mini-batches of an epoch.
    pub(super) fn batches(&self) -> usize {
        self.batches.count(self.samples.len()).unwrap_or(1)
    }

    /// The epoch that is drawn next.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Goes on with this epoch.
    pub(super) fn set_epoch(&mut self, epoch: u32) {
        self.epoch = epoch;
    }

    /// The samples in the order that was drawn last.
    pub(super) fn samples(&self) -> &[u32] {
        &self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_takes_every_sample_once_in_an_order_of_its_own() {
        let epochs = |seed: u64| -> Vec<Vec<u32>> {
            let mut order =
                Order::new(Some(Batches { size: 30, seed }), 100).expect("room").expect("four batches");
            let epoch = |_| {
                order.draw();
                order.samples().to_vec()
            };
            (0..3).map(epoch).collect()
        };
        let found = epochs(4);
        for epoch in &found {
            let mut all = epoch.clone();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..100));
        }
        assert!(found[0] != found[1] && found[1] != found[2] && found[0] != found[2]);
        assert_eq!(epochs(4), found);
        assert!(epochs(5) != found);
    }

    #[test]
    fn a_batch_of_all_samples_is_no_batch() {
        for batches in [Some(Batches { size: 100, seed: 0 }), None] {
            assert!(Order::new(batches, 100).expect("room").is_none());
        }
        assert_eq!(Batches { size: 100, seed: 0 }.largest(50), 50);
        assert_eq!(Batches { size: 30, seed: 0 }.largest(101), 26);
    }
}
