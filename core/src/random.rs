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
    /// Which features are dropped: the counter is made of feature, sample, step and block.
    Dropout = 5,
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The block that Philox4x32-10 gives for a counter under a key.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox_lanes(counter.map(|word| [word]), key).map(|[word]| word)
}

/// N blocks at once, for as many counters: lane n of each word belongs to counter n.
pub fn philox_lanes<const N: usize>(mut counters: [[u32; N]; 4], mut key: [u32; 2]) -> [[u32; N]; 4] {
    for _ in 0..ROUNDS {
        let before = counters;
        for n in 0..N {
            let first = u64::from(MULTIPLIERS[0]) * u64::from(before[0][n]);
            let second = u64::from(MULTIPLIERS[1]) * u64::from(before[2][n]);
            counters[0][n] = (second >> 32) as u32 ^ before[1][n] ^ key[0];
            counters[1][n] = second as u32;
            counters[2][n] = (first >> 32) as u32 ^ before[3][n] ^ key[1];
            counters[3][n] = first as u32;
        }
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    counters
}

/// 128 random bits, for place `index` of sequence `sequence`.
pub fn words(seed: u64, purpose: Purpose, sequence: u32, index: u64) -> [u32; 4] {
    philox([index as u32, (index >> 32) as u32, sequence, purpose as u32], key(seed))
}

/// The generator's key of a seed.
pub(crate) fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// A random word as an integer below `bound`: the upper word of their product. A result is favoured by a share of
/// `bound/2^32` at most.
pub fn below(bound: u32, word: u32) -> u32 {
    ((u64::from(word) * u64::from(bound)) >> 32) as u32
}
