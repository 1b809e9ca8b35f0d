//! What a run is about, and the memory that it keeps.

use crate::block::Network;
use crate::error::{Error, Result};
use crate::loss::Target;
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::view::MatRef;

/// The training set: features x samples, and what the network should say to each sample.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a, T: Real> {
    /// `p_0 = x`, n_0 x M.
    pub x: MatRef<'a, T>,
    /// `y`, M samples.
    pub target: Target<'a, T>,
}

/// What a run is about: the same for all of its calls.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a, T: Real> {
    /// The network.
    pub network: Network<'a, T>,
    /// After how many blocks it is cut into subnetworks, ascending; looked at by methods over subnetworks alone.
    pub cuts: &'a [usize],
    /// The training set.
    pub problem: Problem<'a, T>,
}

/// Omega over all weights of a network.
///
/// # Panics
/// If there are fewer parameters than the network has.
pub fn omega<T: Real>(regularizer: Regularizer<T>, network: &Network<'_, T>, parameters: &[T]) -> f64 {
    let matrices = network.maps().filter(|map| map.kind.is_matrix());
    matrices.map(|map| regularizer.value(&map.read(parameters).0)).sum()
}

impl<T: Real> Run<'_, T> {
    /// M.
    pub fn samples(&self) -> usize {
        self.problem.x.ncols()
    }
}

/// Sizes of a [`State`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Elements of [`State::scalars`], the network's parameters included.
    pub scalars: usize,
    /// Elements of [`State::numbers`].
    pub numbers: usize,
}

/// What a method keeps between two sweeps, in memory of the caller's.
///
/// Between the two sweeps of a run nothing else matters to the second, so that these two lists are a run's checkpoint.
#[derive(Debug)]
pub struct State<'a, T> {
    /// The network's parameters, laid out as [`Network`] says, and after them the method's variables.
    pub scalars: &'a mut [T],
    /// Records of layers and groups.
    pub numbers: &'a mut [f64],
}

impl<T: Real> State<'_, T> {
    /// `Ok` when both lists have these sizes.
    ///
    /// # Errors
    /// [`Error::Length`] naming `scalars` or `numbers`.
    pub fn require(&self, memory: Memory) -> Result {
        let lists = [
            ("scalars", self.scalars.len(), memory.scalars),
            ("numbers", self.numbers.len(), memory.numbers),
        ];
        match lists.into_iter().find(|&(_, found, needed)| found != needed) {
            Some((argument, found, needed)) => Err(Error::Length { argument, found, needed }),
            None => Ok(()),
        }
    }

    /// The parameters of the network.
    pub fn parameters(&self, network: &Network<'_, T>) -> &[T] {
        &self.scalars[..network.parameters()]
    }

    /// The same for writing, before the method is initialised.
    pub fn parameters_mut(&mut self, network: &Network<'_, T>) -> &mut [T] {
        &mut self.scalars[..network.parameters()]
    }
}

/// Cuts a slice into parts of these lengths, which fill it.
///
/// # Panics
/// If it is shorter: sizes are checked when a call begins.
pub(super) fn carve<A, const N: usize>(slice: &[A], lengths: [usize; N]) -> [&[A]; N] {
    let mut rest = slice;
    lengths.map(|length| {
        let (front, back) = rest.split_at(length);
        rest = back;
        front
    })
}

/// The same for writing.
///
/// # Panics
/// As [`carve`].
pub(super) fn carve_mut<A, const N: usize>(slice: &mut [A], lengths: [usize; N]) -> [&mut [A]; N] {
    let mut rest = slice;
    lengths.map(|length| {
        let (front, back) = core::mem::take(&mut rest).split_at_mut(length);
        rest = back;
        front
    })
}
