//! Mini-batches: which samples, in which order.

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

    /// Samples of the largest pass.
    pub(super) fn largest(batches: Option<Self>, samples: usize) -> usize {
        batches.and_then(|batches| batches.count(samples)).map_or(samples, |count| samples.div_ceil(count))
    }
}

/// The samples in the order of the present epoch.
#[derive(Debug)]
pub(super) struct Order {
    seed: u64,
    batches: usize,
    epoch: u32,
    samples: Vec<u32>,
}

impl Order {
    /// None if every pass takes all samples.
    pub(super) fn new(batches: Option<Batches>, samples: usize) -> Option<Self> {
        let seed = batches?.seed;
        let batches = batches?.count(samples)?;
        Some(Self { seed, batches, epoch: 0, samples: vec![0; samples] })
    }

    /// Draws the order of the next epoch, a function of seed and epoch alone; nothing is allocated.
    pub(super) fn draw(&mut self) {
        self.samples.iter_mut().enumerate().for_each(|(index, sample)| *sample = index as u32);
        shuffle(self.seed, Purpose::Batches, self.epoch, &mut self.samples);
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// The samples in the order that was drawn last.
    pub(super) fn samples(&self) -> &[u32] {
        &self.samples
    }

    /// Draws an order and cuts it into batches.
    pub(super) fn next_epoch(&mut self) -> impl Iterator<Item = &[u32]> {
        self.draw();
        let (batches, samples) = (self.batches, self.samples.as_slice());
        let edge = move |batch: usize| samples.len() * batch / batches;
        (0..batches).map(move |batch| &samples[edge(batch)..edge(batch + 1)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_takes_every_sample_once_in_equal_batches() {
        let mut order = Order::new(Some(Batches { size: 30, seed: 4 }), 100).expect("four batches");
        let mut epochs = Vec::new();
        for _ in 0..3 {
            let batches: Vec<Vec<u32>> = order.next_epoch().map(<[u32]>::to_vec).collect();
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 25, 25]);
            let mut all = batches.concat();
            epochs.push(all.clone());
            all.sort_unstable();
            assert!(all.into_iter().eq(0..100));
        }
        assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2] && epochs[0] != epochs[2]);
        let mut again = Order::new(Some(Batches { size: 30, seed: 4 }), 100).expect("four batches");
        assert!(again.next_epoch().flatten().eq(&epochs[0]));
        let mut other = Order::new(Some(Batches { size: 30, seed: 5 }), 100).expect("four batches");
        assert!(!other.next_epoch().flatten().eq(&epochs[0]));
    }

    #[test]
    fn a_batch_of_all_samples_is_no_batch() {
        assert!(Order::new(Some(Batches { size: 100, seed: 0 }), 100).is_none());
        assert!(Order::new(None, 100).is_none());
        assert_eq!(Batches::largest(Some(Batches { size: 100, seed: 0 }), 50), 50);
        assert_eq!(Batches::largest(Some(Batches { size: 30, seed: 0 }), 101), 26);
    }
}
