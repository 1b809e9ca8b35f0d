//! The variables of all layers over all groups of samples: group by group, and within a group variable by variable, layer
//! by layer.

use core::marker::PhantomData;

use super::frame::Frame;
use super::group::Group;
use super::sizes::{PARTS, Sizes};
use crate::error::Result;
use crate::executor::{Executor, Owners, Pieces, Readers, Runs};
use crate::gemm::Gemm;
use crate::method::layers::{LayersMut, LayersRef};
use crate::method::numbers::Numbers;
use crate::method::run::{carve, carve_mut};
use crate::method::{Hyperparameters, Partition, Problem, State};
use crate::real::Real;
use crate::update::weights::Order;
use crate::view::{MatRef, dense};
use crate::workspace::Stack;

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
        let units = (groups, Runs::new(records, R::COUNT));
        executor.run_at(Owners::Evenly, units, |g, (memory, numbers), stack| {
            let mut group = Group::carve(&sizes, g, memory, R::read(numbers));
            let result = pass(&frame, &mut group, stack);
            group.record.write(numbers);
            result
        })?;
        executor.share_numbers(Owners::Evenly, Readers::All, R::deal(records))
    }

    /// All that groups keep, a piece a group.
    pub(super) fn deal_groups(
        &mut self,
    ) -> Pieces<'_, T, impl Fn(usize) -> usize + Copy + Send + use<'s, '_, T, R>> {
        let sizes = self.sizes;
        Pieces::new(self.groups, sizes.partition.groups(), move |g| sizes.group_length(g))
    }

    /// Adds up the groups' sums of layer `l`, in their order, all threads at once.
    pub(in crate::method) fn collect<E: Executor<T>>(&mut self, executor: &mut E, l: usize) -> Result {
        let shape = self.sizes.layers.shape(l);
        executor.share(Owners::Evenly, Readers::All, self.deal_groups().fronts(shape.elements()))?;
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
