//! What tells the data of two runs apart.

use super::record::record;
use crate::data::Dataset;
use crate::scalars;
use altmin_core::Real;
use std::fmt;

/// Samples that are hashed at a time.
const SAMPLES: usize = 64;

/// Sizes of a data set, and a checksum of what a run sees of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    features: usize,
    outputs: usize,
    samples: usize,
    checksum: u32,
}

record!(Fingerprint { features: usize, outputs: usize, samples: usize, checksum: u32 });

impl Fingerprint {
    /// CRC-32 over all features, all classes or values, weights of classes, and the outputs' names.
    pub(crate) fn of<T: Real>(data: &Dataset<T>) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        let mut bytes = Vec::new();
        let weights = data.class_weights().unwrap_or_default();
        for scalars in [data.features(), data.values(), weights] {
            for chunk in scalars.chunks(SAMPLES * data.n_features()) {
                bytes.clear();
                chunk.iter().for_each(|&scalar| scalars::push(scalar, &mut bytes));
                hasher.update(&bytes);
            }
        }
        for label in data.labels() {
            hasher.update(&label.to_le_bytes());
        }
        for name in data.outputs().names() {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        Self {
            features: data.n_features(),
            outputs: data.n_outputs(),
            samples: data.n_samples(),
            checksum: hasher.finalize(),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { features, outputs, samples, checksum } = self;
        write!(f, "{samples} samples of {features} features and {outputs} outputs, checksum {checksum:08x}")
    }
}
