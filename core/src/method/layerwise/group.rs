//! What a group of samples has of every layer, and the tiles that a pass works on.

use super::sizes::Sizes;
use crate::method::Partition;
use crate::method::layers::Layers;
use crate::method::partition::strips;
use crate::method::run::carve_mut;
use crate::real::Real;
use crate::view::{MatMut, MatRef, dense, dense_mut};

/// Columns of a group that a pass is at.
#[derive(Debug, Clone, Copy)]
pub(in crate::method) struct Tile {
    /// The first of them among all samples.
    pub(in crate::method) sample: usize,
    /// The first of them within the group.
    pub(in crate::method) start: usize,
    /// How many they are.
    pub(in crate::method) count: usize,
}

impl Tile {
    /// Pieces of which elementwise updates work on one at a time, in matrices of so many rows.
    pub(super) fn strips(self, rows: usize) -> impl Iterator<Item = Self> {
        strips(rows, 0, self.count).map(move |(offset, count)| Self {
            sample: self.sample + offset,
            start: self.start + offset,
            count,
        })
    }
}

/// A matrix of each layer from the `first` on over the samples of a group, n_out x m, one after the other.
#[derive(Debug)]
pub(in crate::method) struct Matrices<'u, T> {
    layers: Layers<'u, T>,
    first: usize,
    samples: usize,
    elements: &'u mut [T],
}

impl<T: Real> Matrices<'_, T> {
    /// Rows of the matrix of layer `l`, and where the columns of a tile begin.
    fn place(&self, l: usize, start: usize) -> (usize, usize) {
        let before: usize = (self.first..l).map(|l| self.layers.n_out(l)).sum();
        let rows = self.layers.n_out(l);
        (rows, before * self.samples + rows * start)
    }

    /// All elements.
    pub(in crate::method) fn as_mut_slice(&mut self) -> &mut [T] {
        self.elements
    }

    /// The elements of layer `l`.
    pub(in crate::method) fn layer(&self, l: usize) -> &[T] {
        let (rows, start) = self.place(l, 0);
        &self.elements[start..][..rows * self.samples]
    }

    /// The same for writing.
    pub(in crate::method) fn layer_mut(&mut self, l: usize) -> &mut [T] {
        let (rows, start) = self.place(l, 0);
        &mut self.elements[start..][..rows * self.samples]
    }

    /// The columns of a tile in the matrix of layer `l`, one after the other.
    pub(in crate::method) fn tile_slice(&self, l: usize, tile: Tile) -> &[T] {
        let (rows, start) = self.place(l, tile.start);
        &self.elements[start..][..rows * tile.count]
    }

    /// The same for writing.
    pub(in crate::method) fn tile_slice_mut(&mut self, l: usize, tile: Tile) -> &mut [T] {
        let (rows, start) = self.place(l, tile.start);
        &mut self.elements[start..][..rows * tile.count]
    }

    /// The same columns as a matrix.
    pub(in crate::method) fn tile(&self, l: usize, tile: Tile) -> MatRef<'_, T> {
        dense(self.tile_slice(l, tile), self.layers.n_out(l), tile.count)
    }

    /// The same for writing.
    pub(in crate::method) fn tile_mut(&mut self, l: usize, tile: Tile) -> MatMut<'_, T> {
        let rows = self.layers.n_out(l);
        dense_mut(self.tile_slice_mut(l, tile), rows, tile.count)
    }
}

/// What a variable was before its last step, and the momentum t of each sample; empty where a method does not extrapolate.
#[derive(Debug)]
pub(in crate::method) struct Before<'u, T> {
    pub(in crate::method) value: Matrices<'u, T>,
    t: &'u mut [T],
}

impl<T: Real> Before<'_, T> {
    /// At rest, where `variable` stands.
    pub(in crate::method) fn start(&mut self, variable: &Matrices<'_, T>) {
        let value = self.value.as_mut_slice();
        let length = value.len();
        value.copy_from_slice(&variable.elements[..length]);
        self.t.fill(T::ONE);
    }

    /// The columns of a tile in layer `l`, and their momentum.
    pub(in crate::method) fn tile_mut(&mut self, l: usize, tile: Tile) -> (MatMut<'_, T>, &mut [T]) {
        let t = &mut self.t[l * self.value.samples + tile.start..][..tile.count];
        (self.value.tile_mut(l, tile), t)
    }
}

/// A group of samples: everything that a pass may write.
#[derive(Debug)]
pub(in crate::method) struct Group<'u, T, R> {
    partition: Partition,
    index: usize,
    /// The sums of the layer at work.
    pub(in crate::method) sums: &'u mut [T],
    /// `a` of the hidden layers.
    pub(in crate::method) a: Matrices<'u, T>,
    /// `z` of all layers.
    pub(in crate::method) z: Matrices<'u, T>,
    /// The linear residual `r` of all layers.
    pub(in crate::method) r: Matrices<'u, T>,
    /// `z_L` at the beginning of the sweep, n_L x m.
    pub(in crate::method) z_last_before: &'u mut [T],
    /// `u` of the last layer.
    pub(in crate::method) u: Matrices<'u, T>,
    pub(in crate::method) a_before: Before<'u, T>,
    pub(in crate::method) z_before: Before<'u, T>,
    /// The group's accounts.
    pub(in crate::method) record: R,
}

impl<'u, T: Real, R> Group<'u, T, R> {
    pub(super) fn carve(sizes: &Sizes<'u, T>, index: usize, memory: &'u mut [T], record: R) -> Self {
        let (partition, (_, samples)) = (sizes.partition, sizes.partition.group(index));
        let of = |first, elements| Matrices { layers: sizes.layers, first, samples, elements };
        let matrices = |elements| of(0, elements);
        let [sums, a, z, r, z_last_before, u, a_before, t_a, z_before, t_z] =
            carve_mut(memory, sizes.group(samples));
        Self {
            partition,
            index,
            sums,
            a: matrices(a),
            z: matrices(z),
            r: matrices(r),
            z_last_before,
            u: of(sizes.layers.count() - 1, u),
            a_before: Before { value: matrices(a_before), t: t_a },
            z_before: Before { value: matrices(z_before), t: t_z },
            record,
        }
    }

    /// The tiles that the group is worked on in.
    pub(in crate::method) fn tiles(&self) -> impl Iterator<Item = Tile> + use<T, R> {
        let (first, _) = self.partition.group(self.index);
        let tiles = self.partition.tiles(self.index);
        tiles.map(move |(start, count)| Tile { sample: first + start, start, count })
    }
}
