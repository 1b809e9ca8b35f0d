//! Dropout (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 2014), inverted as is the custom: in training each
//! feature of a sample is 0 with the probability `share`, and else divided by `1 - share`; otherwise it stays as it is.
//!
//! Whether a feature is dropped is a function of the seed and of its place alone ([`Masks`]): it is drawn in a forward pass
//! and once more on the way back, and nothing is kept of it. A draw has 16 bits, so a share is met to within 2^-17, and what
//! it is divided by is the share that is met.

use crate::random::{Purpose, key, philox_lanes};
use crate::real::Real;

/// The place of a training pass, on which its masks depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masks {
    /// The run's seed.
    pub seed: u64,
    /// The step that the pass is for, counted over the run.
    pub step: usize,
    /// The first of its samples, counted in the batch.
    pub first: usize,
    /// The network's first block, counted in the network that it may be a part of.
    pub block: usize,
}

/// Counters at a time, each of which gives four words, and a word two draws; more at a time were slower.
const LANES: usize = 4;
const WORDS: usize = 4 * LANES;
const DRAWS: usize = 2 * WORDS;

/// One more than the largest draw.
const DRAWS_END: u32 = 1 << 16;

impl Masks {
    /// Those of a block of the pass's network.
    pub(super) fn of_block(self, index: usize) -> Self {
        Self { block: self.block + index, ..self }
    }

    /// The draws of features `32 part ..` of the pass's sample `j`.
    fn draws(&self, j: usize, part: usize) -> [u32; DRAWS] {
        let counter = |lane| (part * LANES + lane) as u32;
        let purpose = (self.block as u32) << 8 | Purpose::Dropout as u32;
        let counters = [
            core::array::from_fn(counter),
            [(self.first + j) as u32; LANES],
            [self.step as u32; LANES],
            [purpose; LANES],
        ];
        let words = philox_lanes(counters, key(self.seed));
        let mut draws = [0; DRAWS];
        let (low, high) = draws.split_at_mut(WORDS);
        let words = words.as_flattened();
        low.iter_mut().zip(words).for_each(|(draw, word)| *draw = word % DRAWS_END);
        high.iter_mut().zip(words).for_each(|(draw, word)| *draw = word / DRAWS_END);
        draws
    }
}

/// Drops features of samples that lie one after the other in `signal`, `features` each: those that are passed on, or the
/// gradient in them.
///
/// # Panics
/// If there are no features.
pub(super) fn drop_features<T: Real>(share: f64, masks: &Masks, features: usize, signal: &mut [T]) {
    // Below a share of 1 something is kept.
    let dropped = (libm::round(share * f64::from(DRAWS_END)) as u32).min(DRAWS_END - 1);
    let scale = T::from_f64(f64::from(DRAWS_END) / f64::from(DRAWS_END - dropped));
    for (j, sample) in signal.chunks_exact_mut(features).enumerate() {
        for (part, signal) in sample.chunks_mut(DRAWS).enumerate() {
            for (x, draw) in signal.iter_mut().zip(masks.draws(j, part)) {
                *x = if draw < dropped { T::ZERO } else { scale * *x };
            }
        }
    }
}
