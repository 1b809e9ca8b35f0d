//! Random numbers by counter: each is a function of the seed and its place, never of the order of the calls.
//!
//! The generator is the core's. Logarithm and cosine come from `libm`, so that a seed gives the same bits on every platform.

use std::f64::consts::TAU;

use altmin_core::random::words;
pub use altmin_core::random::{Purpose, philox};

/// 128 random bits as two integers, for place `index` of sequence `sequence`.
fn bits(seed: u64, purpose: Purpose, sequence: u32, index: u64) -> [u64; 2] {
    let block = words(seed, purpose, sequence, index);
    [u64::from(block[1]) << 32 | u64::from(block[0]), u64::from(block[3]) << 32 | u64::from(block[2])]
}

/// The upper 52 bits as a number strictly between 0 and 1, in the middle of its interval.
fn open_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// A number uniform between 0 and 1, both excluded.
pub fn uniform(seed: u64, purpose: Purpose, sequence: u32, index: u64) -> f64 {
    open_unit(bits(seed, purpose, sequence, index)[0])
}

/// A number from the standard normal distribution (Box and Muller, of whose pair the cosine is taken).
pub fn normal(seed: u64, purpose: Purpose, sequence: u32, index: u64) -> f64 {
    let [radius, angle] = bits(seed, purpose, sequence, index).map(open_unit);
    libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(TAU * angle)
}

/// The numbers `0..n` in random order: every order is equally likely.
pub fn permutation(seed: u64, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(seed, Purpose::Permutation, 0, &mut order);
    order
}

/// Puts `items` into random order: every order is equally likely.
pub fn shuffle<A>(seed: u64, purpose: Purpose, sequence: u32, items: &mut [A]) {
    let mut index = 0;
    let mut next = || {
        index += 1;
        bits(seed, purpose, sequence, index - 1)[0]
    };
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, &mut next) as usize);
    }
}

/// An integer below `bound`, from the next random words.
///
/// The upper word of `random * bound`; the few random words that would favour some results are drawn again
/// (Lemire, 'Fast random integer generation in an interval', 2019).
fn below(bound: u64, next: &mut impl FnMut() -> u64) -> u64 {
    let favoured = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(next()) * u128::from(bound);
        if product as u64 >= favoured {
            return (product >> 64) as u64;
        }
    }
}
