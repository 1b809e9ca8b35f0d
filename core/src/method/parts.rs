//! The subnetworks of a network, and where what belongs to each begins.

use core::iter;
use core::ops::Range;

use crate::block::Network;
use crate::error::{Error, Result};
use crate::real::Real;

/// A network cut into subnetworks, of which the first ones keep their weights.
///
/// What weights step from is kept of the others alone, laid out as the parameters or as the sums of the network that
/// these make together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a, T> {
    network: Network<'a, T>,
    cuts: &'a [usize],
    frozen: usize,
}

impl<'a, T: Real> Parts<'a, T> {
    /// The subnetworks of a network that is cut after so many blocks.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) naming `cuts`, if these do not ascend within the network, or `frozen`.
    pub(super) fn new(network: Network<'a, T>, cuts: &'a [usize], frozen: usize) -> Result<Self> {
        let mut before = 0;
        for &cut in cuts {
            if cut <= before || cut >= network.blocks().len() {
                let (found, expected) = (cut as f64, "numbers of blocks, ascending, fewer than there are");
                return Err(Error::Setting { name: "cuts", found, expected });
            }
            before = cut;
        }
        if frozen > cuts.len() {
            let (found, expected) = (frozen as f64, "fewer than the subnetworks");
            return Err(Error::Setting { name: "frozen", found, expected });
        }
        Ok(Self { network, cuts, frozen })
    }

    /// The subnetworks of cuts that [`Parts::new`] has accepted, all of which move.
    pub(super) fn checked(network: Network<'a, T>, cuts: &'a [usize]) -> Self {
        Self { network, cuts, frozen: 0 }
    }

    /// n.
    pub(super) fn count(&self) -> usize {
        self.cuts.len() + 1
    }

    /// How many of them move.
    pub(super) fn moving(&self) -> usize {
        self.count() - self.frozen
    }

    /// The first block of subnetwork l; one after the last for l = n.
    pub(super) fn block(&self, l: usize) -> usize {
        match l.checked_sub(1) {
            None => 0,
            Some(below) => self.cuts.get(below).copied().unwrap_or(self.network.blocks().len()),
        }
    }

    /// Subnetwork l.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn get(&self, l: usize) -> Network<'a, T> {
        self.network.part(self.block(l)..self.block(l + 1))
    }

    /// All subnetworks, first to last.
    pub(super) fn iter(&self) -> impl Iterator<Item = Network<'a, T>> + use<'a, T> {
        let parts = *self;
        (0..parts.count()).map(move |l| parts.get(l))
    }

    /// Where the parameters of subnetwork l begin among those of the network.
    fn offset(&self, l: usize) -> usize {
        self.network.step(self.block(l)).offset
    }

    /// The parameters of subnetwork l among those of the network.
    pub(super) fn parameters(&self, l: usize) -> Range<usize> {
        let start = self.offset(l);
        start..start + self.get(l).parameters()
    }

    /// The subnetworks that move, as one network.
    pub(super) fn moving_network(&self) -> Network<'a, T> {
        self.network.part(self.block(self.frozen)..self.network.blocks().len())
    }

    /// The parameters of the network that stand still.
    pub(super) fn standing(&self) -> usize {
        self.offset(self.frozen)
    }

    /// The parameters of subnetwork l among those that move; none if it stands still.
    pub(super) fn moving_parameters(&self, l: usize) -> Range<usize> {
        if l < self.frozen {
            return 0..0;
        }
        let (all, standing) = (self.parameters(l), self.standing());
        all.start - standing..all.end - standing
    }

    /// Where the parameters of each moving subnetwork end among those that move.
    pub(super) fn ends(&self) -> impl Iterator<Item = usize> + use<'a, T> {
        let (moving, start) = (self.moving_network(), self.block(self.frozen));
        let (mut steps, mut passed) = (moving.steps(), 0);
        let inner = self.cuts[self.frozen..].iter().map(move |&cut| {
            let ahead = cut - start - passed;
            passed += ahead + 1;
            steps.nth(ahead).map_or(0, |step| step.offset)
        });
        inner.chain(iter::once(moving.parameters()))
    }

    /// The moving subnetwork that a parameter belongs to.
    pub(super) fn of_parameter(&self, at: usize) -> usize {
        self.frozen + self.ends().take_while(|&end| end <= at).count()
    }

    /// Features that cross the cut after subnetwork l.
    pub(super) fn features(&self, l: usize) -> usize {
        self.network.step(self.cuts[l]).input.features()
    }

    /// Features that cross the widest cut.
    pub(super) fn widest_cut(&self) -> usize {
        (0..self.cuts.len()).map(|l| self.features(l)).max().unwrap_or(0)
    }

    /// Features that cross the cuts before subnetwork l.
    pub(super) fn features_before(&self, l: usize) -> usize {
        (0..l).map(|l| self.features(l)).sum()
    }
}
