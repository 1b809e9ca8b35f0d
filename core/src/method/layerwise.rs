//! What dlADMM, DLAM and Taylor's ADMM share, which work on one layer after the other.
//!
//! Samples are cut into groups, which are independent of one another; a group holds the variables of all layers over its
//! samples. A pass runs over the groups, and in each over tiles of samples, which stay in the caches
//! while a pass does with them what the order of updates allows: a residual follows its weights, a variable moves, the tile
//! joins the group's sums for the layer whose weights come next. Between two passes those weights
//! step.
//!
//! The order of updates is in [`dladmm`](super::dladmm), [`dlam`](super::dlam) and [`taylor`](super::taylor);
//! `lagrangian` holds what the two with a dual share.

mod frame;
mod group;
mod lagrangian;
mod sizes;
mod variables;

pub(super) use frame::Frame;
pub(super) use group::{Group, Tile};
pub(super) use lagrangian::{Terms, workspace};
pub(super) use sizes::Extra;
pub use variables::Variables;
pub(super) use variables::VariablesMut;

use super::layers::Layers;
use super::numbers::Numbers;
use super::run::carve_mut;
use super::{Hyperparameters, Memory, Partition, Run, State, pass};
use crate::error::Result;
use crate::executor::{Executor, Owners, Pieces, Readers};
use crate::real::Real;
use crate::view::require_length;
use sizes::Sizes;

/// How a layer-wise method stands to a run: its settings, how samples are cut, and what it keeps of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layerwise<T> {
    pub(super) settings: Hyperparameters<T>,
    partition: Partition,
    extra: Extra,
    /// Numbers of a group's record.
    record: usize,
}

impl<T: Real> Layerwise<T> {
    /// Settings and samples that fit a network of layers; groups have a record `R`.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting) for a number out of its range, [`Block`](crate::Error::Block) for a network that is
    /// not one of layers, [`Shape`](crate::Error::Shape) for samples or targets that do not fit it, or naming
    /// `partition` if it cuts another number of samples.
    pub(super) fn new<R: Numbers>(
        settings: &Hyperparameters<T>,
        extra: Extra,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        settings.steps().validate()?;
        Layers::new(run.network)?;
        require_length("partition", partition.samples(), run.samples())?;
        pass::check(settings.loss, run)?;
        Ok(Self { settings: *settings, partition, extra, record: R::COUNT })
    }

    /// How samples are cut where nothing is said: groups are the only units of work.
    pub(super) fn cut(run: &Run<'_, T>) -> Partition {
        Partition::for_phase(run.samples(), 1)
    }

    pub(super) fn partition(&self) -> Partition {
        self.partition
    }

    fn sizes<'s>(&self, run: &Run<'s, T>) -> Result<Sizes<'s, T>> {
        let layers = Layers::new(run.network)?;
        Ok(Sizes::new(layers, self.partition, self.settings.steps(), self.extra, self.record))
    }

    /// Sizes of the state.
    pub(super) fn memory(&self, run: &Run<'_, T>) -> Memory {
        self.sizes(run).map_or(Memory::default(), |sizes| sizes.memory())
    }

    /// Brings what groups keep to the first of the processes that share the run; layers are everywhere.
    pub(super) fn gather<E: Executor<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
    ) -> Result {
        let sizes = self.sizes(run)?;
        state.require(sizes.memory())?;
        let [.., groups] = carve_mut(state.scalars, sizes.scalars());
        let pieces = Pieces::new(groups, self.partition.groups(), |g| sizes.group_length(g));
        executor.share(Owners::Evenly, Readers::First, pieces)
    }

    /// The variables, for reading.
    pub(super) fn variables<'s>(
        &self,
        run: &Run<'s, T>,
        state: &'s State<'_, T>,
    ) -> Result<Variables<'s, T>> {
        Variables::new(self.sizes(run)?, state)
    }

    /// The variables, with groups whose record is that of [`Layerwise::new`].
    pub(super) fn variables_mut<'s, R: Numbers>(
        &self,
        run: &Run<'s, T>,
        state: &'s mut State<'_, T>,
    ) -> Result<VariablesMut<'s, T, R>> {
        VariablesMut::new(self.settings, self.sizes(run)?, run.problem, state)
    }
}
