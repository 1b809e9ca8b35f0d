//! Numbers that fill the range to the last bit, by linear congruences.

use altmin_core::Real;

fn next(state: u64) -> u64 {
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

/// Numbers in (-1, 1), the same for the same seed.
pub(crate) fn noise<T: Real>(seed: u64, count: usize) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut number = || {
        state = next(state);
        T::from_f64((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0)
    };
    (0..count).map(|_| number()).collect()
}

/// Columns and classes, the same for the same seed.
pub(crate) struct Congruential(pub(crate) u64);

impl Congruential {
    /// In -1 .. 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = next(self.0);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub(crate) fn vector<T: Real>(&mut self, count: usize, scale: f64) -> Vec<T> {
        (0..count).map(|_| T::from_f64(scale * self.next())).collect()
    }

    pub(crate) fn classes(&mut self, count: usize, rows: usize) -> Vec<u32> {
        (0..count).map(|_| ((self.next() + 1.0) / 2.0 * rows as f64) as u32).collect()
    }
}
