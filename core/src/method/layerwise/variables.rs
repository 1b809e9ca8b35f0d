//! The variables of all layers over all groups of samples: group by group, and within a group variable by variable, layer
//! by layer.

use core::marker::PhantomData;

use super::frame::{Frame, Tile};
use crate::error::Result;
use crate::executor::{Executor, Pieces, Runs};
use crate::gemm::Gemm;
use crate::method::layers::{Layers, LayersMut, LayersRef};
use crate::method::numbers::Numbers;
use crate::method::run::{carve, carve_mut};
use crate::method::{Hyperparameters, Memory, Partition, Problem, State, Steps};
use crate::real::Real;
use crate::update::weights::Order;
use crate::view::{MatMut, MatRef, dense, dense_mut};
use crate::workspace::Stack;

/// What a method keeps of the samples beside a, z and r.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::method) enum Extra {
    /// Nothing.
    Nothing,
    /// The last layer's dual, and its z at the beginning of the sweep.
    Dual,
    /// What a and z were before their last step, and the momentum of each sample; beside them that of the weights.
    Momentum,
}

/// The parts of a group: its sums, a, z, r, z_L at the beginning of the sweep, u, a before its last step and its momentum, the
/// same of z.
const PARTS: usize = 10;

/// How long the variables are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes<'a, T> {
    layers: Layers<'a, T>,
    partition: Partition,
    steps: Steps<T>,
    extra: Extra,
    /// Numbers of a group's record.
    record: usize,
    /// Outputs of all layers, and of the last.
    outputs: usize,
    last: usize,
    /// Sums of the layer at work: as long as the largest layer's.
    sums: usize,
}

impl<'a, T: Real> Sizes<'a, T> {
    pub(super) fn new(
        layers: Layers<'a, T>,
        partition: Partition,
        steps: Steps<T>,
        extra: Extra,
        record: usize,
    ) -> Self {
        let outputs = layers.shapes().map(|shape| shape.n_out).sum();
        let sums = layers.shapes().map(|shape| shape.elements()).max().unwrap_or(0);
        let last = layers.n_out(layers.count() - 1);
        Self { layers, partition, steps, extra, record, outputs, last, sums }
    }

    /// The parts of a group of `m` samples.
    fn group(&self, m: usize) -> [usize; PARTS] {
        let Self { outputs, last, .. } = *self;
        let (hidden, layers) = (outputs - last, self.layers.count());
        let dual = if self.extra == Extra::Dual { last * m } else { 0 };
        let moving = if self.extra == Extra::Momentum { m } else { 0 };
        let before = [hidden * moving, (layers - 1) * moving, outputs * moving, layers * moving];
        let [a, t_a, z, t_z] = before;
        [self.sums, hidden * m, outputs * m, outputs * m, dual, dual, a, t_a, z, t_z]
    }

    fn group_length(&self, g: usize) -> usize {
        self.group(self.partition.group(g).1).iter().sum()
    }

    /// What lies before group `g`.
    fn groups_before(&self, g: usize) -> usize {
        let variables: usize = self.group(self.partition.group(g).0)[1..].iter().sum();
        g * self.sums + variables
    }

    /// Elements of what all samples have: parameters, what layers keep, their momentum, the groups.
    fn scalars(&self) -> [usize; 4] {
        let (parameters, kept) = (self.layers.network().parameters(), self.layers.scalars(&self.steps));
        let momentum = if self.extra == Extra::Momentum { self.layers.momentum() } else { 0 };
        [parameters, kept, momentum, self.groups_before(self.partition.groups())]
    }

    /// The layers' records, and the groups'.
    fn numbers(&self) -> [usize; 2] {
        [self.layers.numbers(), self.partition.groups() * self.record]
    }

    /// Sizes of the state.
    pub(super) fn memory(&self) -> Memory {
        Memory { scalars: self.scalars().iter().sum(), numbers: self.numbers().iter().sum() }
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
    fn carve(sizes: &Sizes<'u, T>, index: usize, memory: &'u mut [T], record: R) -> Self {
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

/// The state for writing, and what the run is about; `R` is a group's record.
#[derive(Debug)]
pub(in crate::method) struct VariablesMut<'s, T: Real, R> {
    pub(in crate::method) settings: Hyperparameters<T>,
    pub(in crate::method) layers: LayersMut<'s, T>,
    pub(in crate::method) momentum: &'s mut [T],
    problem: Problem<'s, T>,
    sizes: Sizes<'s, T>,
    groups: &'s mut [T],
    records: &'s mut [f64],
    record: PhantomData<fn() -> R>,
}

impl<'s, T: Real, R: Numbers> VariablesMut<'s, T, R> {
    /// Carves the state.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state of other sizes.
    pub(super) fn new(
        settings: Hyperparameters<T>,
        sizes: Sizes<'s, T>,
        problem: Problem<'s, T>,
        state: &'s mut State<'_, T>,
    ) -> Result<Self> {
        state.require(sizes.memory())?;
        let [parameters, kept, momentum, groups] = carve_mut(state.scalars, sizes.scalars());
        let [of_layers, records] = carve_mut(state.numbers, sizes.numbers());
        let layers = LayersMut::new(sizes.layers, sizes.steps, parameters, kept, of_layers);
        Ok(Self { settings, layers, momentum, problem, sizes, groups, records, record: PhantomData })
    }

    /// The last layer's index.
    pub(in crate::method) fn last(&self) -> usize {
        self.sizes.layers.count() - 1
    }

    /// M.
    pub(in crate::method) fn samples(&self) -> usize {
        self.sizes.partition.samples()
    }

    /// The groups' accounts, in their order.
    pub(in crate::method) fn records(&self) -> impl Iterator<Item = R> {
        R::all(self.records)
    }

    /// Forgets all accounts, and what layers knew of the data.
    pub(in crate::method) fn reset(&mut self) {
        self.layers.reset();
        self.records.fill(0.0);
    }

    /// Runs `pass` for every group.
    pub(in crate::method) fn pass<E: Executor<T>>(
        &mut self,
        executor: &mut E,
        pass: impl Fn(&Frame<'_, T>, &mut Group<'_, T, R>, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let Self { settings, layers, problem, sizes, groups, records, .. } = self;
        let (sizes, problem, partition) = (*sizes, *problem, sizes.partition);
        let activation = sizes.layers.activation();
        let frame = Frame { settings: *settings, activation, problem, layers: layers.read() };
        let groups = Pieces::new(groups, partition.groups(), |g| sizes.group_length(g));
        executor.run((groups, Runs::new(records, R::COUNT)), |g, (memory, numbers), stack| {
            let mut group = Group::carve(&sizes, g, memory, R::read(numbers));
            let result = pass(&frame, &mut group, stack);
            group.record.write(numbers);
            result
        })
    }

    /// Adds up the groups' sums of layer `l`, in their order, all threads at once.
    pub(in crate::method) fn collect<E: Executor<T>>(&mut self, executor: &mut E, l: usize) -> Result {
        let Self { layers, sizes, groups, .. } = self;
        let (sizes, groups) = (*sizes, &**groups);
        let sums = |g| &groups[sizes.groups_before(g)..][..sizes.sums];
        layers.get(l).collect_at_once(executor, || (0..sizes.partition.groups()).map(sums))
    }

    /// Weights and bias of layer `l`, whose linear residual has the weight `w`; returns what they promise.
    pub(in crate::method) fn step_weights<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        l: usize,
        order: Order,
        w: T,
    ) -> Result<f64> {
        self.collect(executor, l)?;
        let samples = self.samples();
        executor.run(self.layers.range(l, l + 1), |_, mut layer, stack| {
            layer.step(gemm, order, w, l == 0, samples, stack)
        })?;
        Ok(self.layers.get(l).reduced().promised)
    }
}

/// The state for reading, group by group.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'s, T: Real> {
    layers: LayersRef<'s, T>,
    sizes: Sizes<'s, T>,
    groups: &'s [T],
    records: &'s [f64],
}

impl<'s, T: Real> Variables<'s, T> {
    pub(super) fn new(sizes: Sizes<'s, T>, state: &'s State<'_, T>) -> Result<Self> {
        state.require(sizes.memory())?;
        let [parameters, kept, _, groups] = carve(state.scalars, sizes.scalars());
        let [of_layers, records] = carve(state.numbers, sizes.numbers());
        let layers = LayersRef::new(sizes.layers, sizes.steps, parameters, kept, of_layers);
        Ok(Self { layers, sizes, groups, records })
    }

    /// The groups' accounts, in their order.
    pub(in crate::method) fn records<R: Numbers>(&self) -> impl Iterator<Item = R> + use<'s, T, R> {
        R::all(self.records)
    }

    /// The parts of group `g`, and the number of its samples.
    fn group(&self, g: usize) -> ([&'s [T]; PARTS], usize) {
        let (_, samples) = self.sizes.partition.group(g);
        let start = self.sizes.groups_before(g);
        (carve(&self.groups[start..], self.sizes.group(samples)), samples)
    }

    /// The matrix of layer `l` among those of all layers.
    fn matrix(&self, all: &'s [T], l: usize, samples: usize) -> MatRef<'s, T> {
        let layers = self.sizes.layers;
        let (before, rows) = ((0..l).map(|l| layers.n_out(l)).sum::<usize>(), layers.n_out(l));
        dense(&all[before * samples..][..rows * samples], rows, samples)
    }

    /// How samples are cut into groups.
    pub fn partition(&self) -> Partition {
        self.sizes.partition
    }

    /// `a` of hidden layer `l` over the m samples of group `g`, n_out x m.
    ///
    /// # Panics
    /// For all functions here: if there is no such layer or group.
    pub fn a(&self, g: usize, l: usize) -> MatRef<'s, T> {
        let ([_, a, ..], samples) = self.group(g);
        self.matrix(a, l, samples)
    }

    /// `z` of layer `l` over the samples of group `g`, n_out x m.
    pub fn z(&self, g: usize, l: usize) -> MatRef<'s, T> {
        let ([_, _, z, ..], samples) = self.group(g);
        self.matrix(z, l, samples)
    }

    /// `r = W a + b - z` of layer `l` over the samples of group `g` as it is carried from sweep to sweep, n_out x m; minus
    /// `u/rho` in the last layer where there is a dual.
    pub fn r(&self, g: usize, l: usize) -> MatRef<'s, T> {
        let ([_, _, _, r, ..], samples) = self.group(g);
        self.matrix(r, l, samples)
    }

    /// `u` of the last layer over the samples of group `g`, n_L x m; of no columns where there is no dual.
    pub fn u(&self, g: usize) -> MatRef<'s, T> {
        let ([_, _, _, _, _, u, ..], _) = self.group(g);
        dense(u, self.sizes.last, u.len() / self.sizes.last)
    }

    /// `W`, n_out x n_in.
    pub fn weights(&self, l: usize) -> MatRef<'s, T> {
        self.layers.get(l).weights()
    }

    /// `b`, n_out.
    pub fn bias(&self, l: usize) -> &'s [T] {
        self.layers.get(l).bias()
    }
}
