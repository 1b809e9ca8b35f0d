//! What there is to know of a trainer without a sweep.

use altmin_core::Real;

use super::Trainer;
use crate::network::score::Measure;
use crate::run::kernel::fast::packing_bytes;
use crate::run::observe::Metrics;
use crate::settings::Method;

/// A trainer as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// The method.
    pub method: Method,
    /// Training samples.
    pub samples: usize,
    /// Features of a sample.
    pub features: usize,
    /// Outputs of the network: classes or values.
    pub outputs: usize,
    /// What accuracies are: the share of samples classified rightly, or R^2 of values.
    pub measure: Measure,
    /// Linear maps of the network as it stands: fewer before it has grown than afterwards.
    pub maps: usize,
    /// Weights and biases of all of them.
    pub parameters: usize,
    /// Sweeps done.
    pub sweeps: usize,
    /// [`Trainer::state_bytes`].
    pub state_bytes: usize,
    /// Threads.
    pub threads: usize,
}

impl<T: Real> Trainer<T> {
    /// What is known of the run; nothing is computed for it.
    pub fn info(&self) -> Info {
        Info {
            method: self.settings.method,
            samples: self.train.n_samples(),
            features: self.train.n_features(),
            outputs: self.train.n_outputs(),
            measure: self.measure(),
            maps: self.maps().len(),
            parameters: self.good.len(),
            sweeps: self.state.sweeps,
            state_bytes: self.state_bytes(),
            threads: self.settings.threads,
        }
    }

    /// Bytes that each thread's products take at most beside what the trainer has allocated, now and when it has grown.
    pub fn packing_bytes(&self) -> usize {
        let layers = self.settings.hidden.iter().filter(|_| self.settings.grow.is_some()).max();
        packing_bytes::<T>(self.network.widest().max(layers.copied().unwrap_or(0)))
    }

    /// What the last good sweep said, of the weights as it left them; none before the first.
    pub fn metrics(&self) -> Option<&Metrics> {
        self.state.last.as_ref()
    }
}
