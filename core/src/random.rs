//! Random numbers by counter: each is a function of the seed and its place, never of the order of the calls.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, 'Parallel random numbers: as easy as 1, 2, 3', 2011).

/// What a sequence of numbers is for: sequences of different purposes are independent under one seed. It is the last eight
/// bits of the counter's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial weights.
    Weights = 0,
    /// Permutations of samples.
    Permutation = 1,
    /// Features that only have to be numbers.
    Features = 2,
    /// Orders of mini-batches, one sequence an epoch.
    Batches = 3,
    /// How images are shifted and flipped, one sequence a step.
    Augmentation = 4,
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The block that Philox4x32-10 gives for a counter under a key.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    counter
}

/// 128 random bits, for place `index` of sequence `sequence`.
pub fn words(seed: u64, purpose: Purpose, sequence: u32, index: u64) -> [u32; 4] {
    philox([index as u32, (index >> 32) as u32, sequence, purpose as u32], key(seed))
}

/// The generator's key of a seed.
fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// A random word as an integer below `bound`: the upper word of their product. A result is favoured by a share of
/// `bound/2^32` at most.
pub fn below(bound: u32, word: u32) -> u32 {
    ((u64::from(word) * u64::from(bound)) >> 32) as u32
}
