//! What a mini-batch leaves of each linear map, and the step of the weights from it, in blocks of their columns.
//!
//! Of a dense map whose weights are more numbers than a batch's inputs and residuals, these are kept themselves: the product
//! `r p'` over all samples of the batch is then made once, where the weights that it moves are stepped, and no group has a
//! gradient of its own that would have to be written, read and added up. Convolutions, whose weights are few, leave sums.

use super::Partition;
use crate::block::{Bound, LinearMap, MapKind, MapSums, Network, Place, Sink, dense_gradient};
use crate::error::Result;
use crate::executor::Extent;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::update::sums::{Parts, accumulate, add_slice};
use crate::view::{MatRef, column, dense, dense_mut};
use crate::workspace::{Requirement, Stack};

/// What a group of samples leaves of a linear map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trace {
    /// The inputs p and residuals r of its samples.
    Columns,
    /// The sums `r p'` and `r 1`, laid out as the map's parameters; of what is no matrix always these.
    Gradient,
    /// The sums of `r` and of `p`, laid out as [`SumsShape`](crate::update::sums::SumsShape) has them.
    Sums,
}

/// A linear map's place in the memory of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) place: Place,
    pub(super) trace: Trace,
    /// Where its part begins.
    start: usize,
    /// Samples of the largest group.
    width: usize,
}

impl Slot {
    fn elements(&self) -> usize {
        let map = self.place.map;
        match self.trace {
            Trace::Columns => (map.n_in + map.n_out).saturating_mul(self.width),
            Trace::Gradient => map.parameters(),
            Trace::Sums => self.place.shape().elements(),
        }
    }

    fn end(&self) -> usize {
        self.start.saturating_add(self.elements())
    }

    /// Its part of a group's memory.
    pub(super) fn of<'g, T>(&self, group: &'g [T]) -> &'g [T] {
        &group[self.start..self.end()]
    }

    /// p (n_in x count) and r (n_out x count) of a group of so many samples.
    pub(super) fn columns<'g, T: Real>(
        &self,
        group: &'g [T],
        count: usize,
    ) -> (MatRef<'g, T>, MatRef<'g, T>) {
        let map = self.place.map;
        let (p, r) = self.of(group).split_at(map.n_in * self.width);
        (dense(&p[..map.n_in * count], map.n_in, count), dense(&r[..map.n_out * count], map.n_out, count))
    }
}

/// How the memory of each group is laid out: map by map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a, T, F> {
    network: Network<'a, T>,
    trace: F,
    width: usize,
}

impl<'a, T: Real, F: Fn(Place) -> Trace + Copy> Layout<'a, T, F> {
    /// The layout for batches that are cut like the largest one, of which `trace` says what each map leaves.
    pub(super) fn new(network: Network<'a, T>, largest: Partition, trace: F) -> Self {
        // Of fewer samples a group may hold as many whole tiles.
        let tiles = largest.samples().div_ceil(largest.tile().max(1)).div_ceil(largest.groups());
        let width = largest.tile().saturating_mul(tiles).min(largest.samples());
        Self { network, trace, width }
    }

    /// The maps in the order of their parameters.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + Clone + use<'a, T, F> {
        let (trace, width, mut start) = (self.trace, self.width, 0);
        self.network.places().map(move |place| {
            let trace = if place.map.kind.is_matrix() { trace(place) } else { Trace::Gradient };
            let slot = Slot { place, trace, start, width };
            start = slot.end();
            slot
        })
    }

    /// Elements of a group's memory.
    pub(super) fn elements(&self) -> usize {
        self.slots().last().map_or(0, |slot| slot.end())
    }

    /// What the way back of a group hands over goes to `memory`, whose sums begin at zero; sums of `parts` where a map
    /// leaves [`Trace::Sums`].
    pub(super) fn collect<'m>(
        &self,
        memory: &'m mut [T],
        parts: Parts,
    ) -> Collector<'m, T, impl Iterator<Item = Slot> + Clone + use<'a, 'm, T, F>> {
        let slots = self.slots();
        for slot in slots.clone().filter(|slot| slot.trace != Trace::Columns) {
            let added =
                if slot.trace == Trace::Sums { slot.place.shape().counted(parts) } else { slot.elements() };
            memory[slot.start..][..added].fill(T::ZERO);
        }
        Collector { slots, memory, parts, first: 0 }
    }

    /// Scratch that collecting takes beside a pass, for tiles of m samples.
    pub(super) fn workspace<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        MapSums::workspace(gemm, &self.network, m)
    }
}

/// Keeps what the way back of a group meets at each map.
#[derive(Debug)]
pub(super) struct Collector<'m, T, I> {
    slots: I,
    memory: &'m mut [T],
    parts: Parts,
    /// The tile's first sample.
    first: usize,
}

impl<T: Real, I: Iterator<Item = Slot> + Clone> Collector<'_, T, I> {
    fn slot(&self, place: Place) -> Option<Slot> {
        self.slots.clone().find(|slot| slot.place.map.offset == place.map.offset)
    }
}

impl<T: Real, I: Iterator<Item = Slot> + Clone> Sink<T> for Collector<'_, T, I> {
    fn begin(&mut self, first: usize) {
        self.first = first;
    }

    fn add_dense<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let Some(slot) = self.slot(place) else { return Ok(()) };
        let (map, memory) = (place.map, &mut self.memory[slot.start..slot.end()]);
        match slot.trace {
            Trace::Columns => {
                let (inputs, residuals) = memory.split_at_mut(map.n_in * slot.width);
                for j in 0..p.ncols() {
                    let at = self.first + j;
                    inputs[at * map.n_in..][..map.n_in].copy_from_slice(column(p, j));
                    residuals[at * map.n_out..][..map.n_out].copy_from_slice(column(dz, j));
                }
                Ok(())
            }
            Trace::Gradient => {
                let (weights, bias) = memory.split_at_mut(map.n_out * map.n_in);
                let weights = &mut dense_mut(weights, map.n_out, map.n_in);
                dense_gradient(gemm, p, dz, weights, bias, stack)
            }
            Trace::Sums => accumulate(gemm, dz, p, self.parts, &mut place.shape().carve(memory)?, stack),
        }
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        conv: &Bound,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let Some(slot) = self.slot(place) else { return Ok(()) };
        let (map, memory) = (place.map, &mut self.memory[slot.start..slot.end()]);
        if slot.trace == Trace::Sums {
            return conv.add_sums(gemm, p, dz, self.parts, &mut place.shape().carve(memory)?, stack);
        }
        let (weights, bias) = memory.split_at_mut(map.n_out * map.n_in);
        conv.add_gradient(gemm, p, dz, &mut dense_mut(weights, map.n_out, map.n_in), bias, stack)
    }

    fn add_channels(&mut self, place: Place, first: usize, weights: &[T], bias: &[T]) -> Result {
        let Some(slot) = self.slot(place) else { return Ok(()) };
        let memory = &mut self.memory[slot.start..slot.end()];
        let (own_weights, own_bias) = memory.split_at_mut(place.map.n_out);
        add_slice(weights, &mut own_weights[first..]);
        add_slice(bias, &mut own_bias[first..]);
        Ok(())
    }
}

/// Numbers of a block of weights: with what a step reads beside them, half of what a core's own cache holds.
const BLOCK: usize = 1 << 16;

/// Some columns of a map's weights, and its bias after the last of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<X> {
    pub(super) slot: Slot,
    /// What else is known of the map.
    pub(super) map: X,
    /// The first column.
    pub(super) first: usize,
    /// How many columns of W.
    pub(super) count: usize,
    /// Whether the bias follows.
    pub(super) bias: bool,
}

impl<X> Columns<X> {
    /// Numbers of the columns of W.
    pub(super) fn weights(&self) -> usize {
        self.slot.place.map.n_out * self.count
    }

    /// Those of them that regularisers and weight decay are for.
    pub(super) fn regularized(&self) -> usize {
        if self.kind().is_matrix() { self.weights() } else { 0 }
    }

    /// What they belong to.
    pub(super) fn kind(&self) -> MapKind {
        self.slot.place.map.kind
    }
}

impl<X> Extent for Columns<X> {
    fn extent(&self) -> usize {
        self.slot.place.map.n_out * (self.count + usize::from(self.bias))
    }
}

/// How many blocks a map's columns make.
fn count_of_blocks(map: LinearMap) -> usize {
    let width = (BLOCK / map.n_out.max(1)).max(1);
    map.n_in.div_ceil(width).max(1)
}

/// One of `count` blocks of a map, as wide as one another but for a column.
fn block<X>(slot: Slot, beside: X, index: usize, count: usize) -> Columns<X> {
    // Networks that fit into no memory are asked for theirs too.
    let edge = |index: usize| (slot.place.map.n_in as u128 * index as u128 / count as u128) as usize;
    let (first, end) = (edge(index), edge(index + 1));
    Columns { slot, map: beside, first, count: end - first, bias: index + 1 == count }
}

/// The columns of all maps in blocks, in the order of the parameters.
pub(super) fn blocks<X: Copy, I: Iterator<Item = (Slot, X)> + Clone>(
    maps: I,
) -> impl Iterator<Item = Columns<X>> + Clone {
    maps.flat_map(|(slot, beside)| {
        let count = count_of_blocks(slot.place.map);
        (0..count).map(move |index| block(slot, beside, index, count))
    })
}

/// The last block of every map: no other one of it is wider, and the bias follows.
pub(super) fn largest_blocks(slots: impl Iterator<Item = Slot>) -> impl Iterator<Item = Columns<()>> {
    slots.map(|slot| {
        let count = count_of_blocks(slot.place.map);
        block(slot, (), count - 1, count)
    })
}

/// `to <- share * sum r [p; 1]'` over the groups, for these columns and the bias; `groups` holds the groups' memory one after
/// the other.
pub(super) fn gradient<X, T: Real, G: Gemm<T>>(
    gemm: &G,
    columns: Columns<X>,
    groups: &[T],
    partition: Partition,
    share: T,
    to: &mut [T],
    mut stack: Stack<'_, T>,
) -> Result {
    let (slot, n_out) = (columns.slot, columns.slot.place.map.n_out);
    let length = groups.len() / partition.groups();
    if slot.trace == Trace::Gradient {
        to.fill(T::ZERO);
        for group in groups.chunks_exact(length) {
            add_slice(&slot.of(group)[columns.first * n_out..][..to.len()], to);
        }
        to.iter_mut().for_each(|g| *g = share * *g);
        return Ok(());
    }
    let (weights, bias) = to.split_at_mut(columns.weights());
    bias.fill(T::ZERO);
    for (g, group) in groups.chunks_exact(length).enumerate() {
        let (p, r) = slot.columns(group, partition.group(g).1);
        let p = p.rows(columns.first, columns.count);
        let beta = if g == 0 { T::ZERO } else { T::ONE };
        let weights = dense_mut(weights, n_out, columns.count);
        gemm.gemm(share, r, Transpose::No, p, Transpose::Yes, beta, weights, stack.rest())?;
        if columns.bias {
            for j in 0..r.ncols() {
                add_slice(column(&r, j), bias);
            }
        }
    }
    bias.iter_mut().for_each(|g| *g = share * *g);
    Ok(())
}

/// Scratch of [`gradient`].
pub(super) fn gradient_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    slots: impl Iterator<Item = Slot>,
) -> Requirement {
    largest_blocks(slots).fold(Requirement::NONE, |most, columns| {
        let map = columns.slot.place.map;
        most.or(gemm.workspace(map.n_out, columns.count, columns.slot.width))
    })
}
