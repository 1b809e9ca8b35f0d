//! A run that several processes share.

use std::sync::Arc;

use altmin_core::Real;
use altmin_core::executor::Transport;
use altmin_core::gemm::{Gemm, Transpose};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;

use super::{Trainer, problem};
use crate::allocate;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::random::{Purpose, uniform};
use crate::run::observe::Observer;
use crate::run::plan;
use crate::run::ranks::{Grid, Ranks};
use crate::scalars;
use crate::settings::{Every, Settings, Use};

/// What all processes must have alike, in the order of [`Trainer::alike`].
const ALIKE: [&str; 6] = ["program", "settings", "training data", "test data", "processor", "weights"];

/// Rows and columns of the product that tells processors apart: larger than what kernels take at a time.
const PROBE: usize = 97;

impl<T: Real> Trainer<T> {
    /// Shares the run with the other processes of `transport`, all of which make this call, before the first sweep, with the same settings and
    /// data, and then the same calls as one another. The sweeps are those of one process, to the bit, for every grid.
    ///
    /// What the first process has after [`run`](Trainer::run) is what it would have alone. The others have its weights, its
    /// metrics, and of the state their own part.
    ///
    /// # Errors
    /// [`Error::Argument`] for a `grid` that does not fit, and naming the `process` whose program, settings, data or processor
    /// is another one than that of the first.
    pub fn share_with(&mut self, transport: Arc<dyn Transport>, grid: Grid) -> Result {
        let whole = plan::network(&self.settings, &self.train)?;
        grid.require_layers(plan::costs(&self.settings, &whole)?.len())?;
        let ranks = Ranks::new(transport, grid, &plan::costs(&self.settings, &self.network)?)?;
        let own = self.alike()?;
        let mut bytes = [0; ALIKE.len() * 4];
        bytes.chunks_exact_mut(4).zip(own).for_each(|(to, sum)| to.copy_from_slice(&sum.to_ne_bytes()));
        let all = ranks.all_bytes(bytes);
        for (process, other) in all.iter().enumerate() {
            let differs = all[0].chunks(4).zip(other.chunks(4)).position(|(first, other)| first != other);
            if let Some(what) = differs {
                let expected = format!("one with the {} of process 0", ALIKE[what]);
                return Err(Error::argument("process", process, expected));
            }
        }
        self.executor.set_ranks(ranks);
        Ok(())
    }

    /// The grid of so many processes in which the one that has most to do has least of it, by counted operations.
    ///
    /// # Errors
    /// Those of the settings' network.
    pub fn best_grid(&self, processes: usize) -> Result<Grid> {
        let whole = plan::network(&self.settings, &self.train)?;
        let costs = plan::costs(&self.settings, &whole)?;
        // Only layers of mini-batches in a line are worked on by one process alone.
        Ok(Grid::best(processes, &costs, !self.settings.uses(Use::Readouts)))
    }

    /// Bytes that this process has sent to others.
    pub fn sent_bytes(&self) -> u64 {
        self.executor.ranks().map_or(0, Ranks::sent_bytes)
    }

    /// Checksums of what all processes must have alike.
    fn alike(&self) -> Result<[u32; ALIKE.len()]> {
        let text = |text: &str| crc32fast::hash(text.as_bytes());
        let settings = Settings { threads: 1, ..self.settings.clone() };
        let test = self.test_fingerprint().map_or_else(String::new, |test| test.to_string());
        Ok([
            text(env!("CARGO_PKG_VERSION")),
            text(&settings.to_toml()?),
            text(&self.train_fingerprint().to_string()),
            text(&test),
            self.product()?,
            checksum(self.parameters()).wrapping_add(self.state.sweeps as u32),
        ])
    }

    /// A checksum of a product: what one process computes is read by the others, and what all compute must be the same.
    fn product(&self) -> Result<u32> {
        let numbers = |sequence: u32| -> Vec<T> {
            let number = |index| T::from_f64(uniform(0, Purpose::Features, sequence, index) - 0.5);
            (0..(PROBE * PROBE) as u64).map(number).collect()
        };
        let (a, b, mut c) = (numbers(0), numbers(1), numbers(2));
        let needed = Gemm::<T>::workspace(&self.gemm, PROBE, PROBE, PROBE);
        let mut scratch = allocate::zeros::<T>(needed.elements())?;
        let [a, b] = [&a, &b].map(|matrix| dense(matrix, PROBE, PROBE));
        let to = dense_mut(&mut c, PROBE, PROBE);
        let stack = Stack::new(&mut scratch);
        self.gemm.gemm(T::ONE, a, Transpose::No, b, Transpose::Yes, T::ZERO, to, stack)?;
        Ok(checksum(&c))
    }

    /// The network that is trained from now on.
    pub(super) fn share_network(&mut self, network: &Network) -> Result {
        let costs = plan::costs(&self.settings, network)?;
        if let Some(ranks) = self.executor.ranks_mut() {
            ranks.deal(&costs);
        }
        Ok(())
    }

    /// Whether it is so for any of the processes; all of them ask at the same time.
    pub(super) fn any(&self, flag: bool) -> bool {
        self.executor.ranks().map_or(flag, |ranks| ranks.any(flag))
    }

    /// Whether an observer of any process writes the state now, which is then at the first.
    pub(super) fn gathers_for(&mut self, observer: &dyn Observer) -> Result<bool> {
        let Some(every) = self.settings.checkpoint_every else { return Ok(self.executor.ranks().is_none()) };
        let is_wanted = match every {
            Every::Sweeps(count) => self.state.sweeps.is_multiple_of(count),
            Every::Time(_) => self.any(observer.wants_snapshot()),
        };
        if is_wanted {
            self.gather()?;
        }
        Ok(is_wanted || self.executor.ranks().is_none())
    }

    /// Brings the whole state to the first process.
    pub(super) fn gather(&mut self) -> Result {
        if self.executor.ranks().is_none() {
            return Ok(());
        }
        Ok(self.engine.gather(problem(&self.train), &mut self.executor)?)
    }
}

fn checksum<T: Real>(numbers: &[T]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut bytes = Vec::new();
    for chunk in numbers.chunks(1 << 12) {
        bytes.clear();
        chunk.iter().for_each(|&scalar| scalars::push(scalar, &mut bytes));
        hasher.update(&bytes);
    }
    hasher.finalize()
}
