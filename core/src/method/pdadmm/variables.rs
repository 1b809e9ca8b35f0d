//! The variables of all layers over all groups of samples.
//!
//! A unit is a layer over a group of samples. Units are ordered layer by layer, and within a layer group by group, so that
//! the units of a layer are its matrices over all samples.

use core::ops::Range;

use crate::error::Result;
use crate::executor::Pieces;
use crate::loss::OutputReport;
use crate::method::layers::{Layers, LayersMut, LayersRef};
use crate::method::numbers::{Numbers, numbers};
use crate::method::run::{carve, carve_mut};
use crate::method::{Hyperparameters, Memory, Partition, State, Steps};
use crate::objective::CopyTerms;
use crate::real::Real;
use crate::update::input::{Moved, Probe};
use crate::view::{MatRef, dense};

/// Where the dual lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DualStorage {
    /// Nowhere: Lemma 4 gives it from q and z.
    #[default]
    Recovered,
    /// In memory of its own, moved by equation 7. For comparison.
    Stored,
}

/// What the phases of a sweep know of a unit's input.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InputRecord {
    pub(super) moved: Moved,
    pub(super) probe: Probe,
}

/// A unit's share of the Lagrangian and of what moved.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    pub(super) linear: f64,
    pub(super) copy: CopyTerms,
    pub(super) risk: f64,
    pub(super) z_moved: f64,
    pub(super) q_moved: f64,
    pub(super) report: OutputReport,
}

numbers!(InputRecord { moved: Moved, probe: Probe });
numbers!(Terms { linear: f64, copy: CopyTerms, risk: f64, z_moved: f64, q_moved: f64, report: OutputReport });

/// How long the variables of a unit are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes<'a, T> {
    layers: Layers<'a, T>,
    partition: Partition,
    steps: Steps<T>,
    dual: DualStorage,
}

/// The length of a variable of a unit.
pub(super) type Length<'a, T> = fn(&Sizes<'a, T>, usize) -> usize;

impl<T: Real> Sizes<'_, T> {
    pub(super) fn units(&self) -> usize {
        self.layers.count() * self.partition.groups()
    }

    /// The layer of a unit, and the samples of its group.
    fn unit(&self, unit: usize) -> (usize, usize) {
        let groups = self.partition.groups();
        (unit / groups, self.partition.group(unit % groups).1)
    }

    /// Outputs of a unit's layer.
    pub(super) fn n_out(&self, unit: usize) -> usize {
        self.layers.n_out(self.unit(unit).0)
    }

    /// `p`: n_in x m; none in the first layer, whose input is the data.
    pub(super) fn p(&self, unit: usize) -> usize {
        let (l, m) = self.unit(unit);
        if l == 0 { 0 } else { self.layers.n_in(l) * m }
    }

    pub(super) fn sums(&self, unit: usize) -> usize {
        self.layers.shape(self.unit(unit).0).elements()
    }

    /// `r` and `z`: n_out x m.
    pub(super) fn z(&self, unit: usize) -> usize {
        let (l, m) = self.unit(unit);
        self.layers.n_out(l) * m
    }

    /// `q`: n_out x m; none in the last layer.
    pub(super) fn q(&self, unit: usize) -> usize {
        if self.unit(unit).0 + 1 == self.layers.count() { 0 } else { self.z(unit) }
    }

    /// `u`: as long as q where it is stored.
    pub(super) fn u(&self, unit: usize) -> usize {
        if self.dual == DualStorage::Stored { self.q(unit) } else { 0 }
    }

    fn total(&self, length: impl Fn(&Self, usize) -> usize) -> usize {
        (0..self.units()).map(|unit| length(self, unit)).sum()
    }
}

/// The parts of a state's scalars, in their order: parameters, what layers keep, p, sums, r, z, q and u.
const SCALARS: usize = 8;

/// The parts of its numbers: the layers' records, those of inputs, the units' terms.
const NUMBERS: usize = 3;

impl<'a, T: Real> Sizes<'a, T> {
    pub(super) fn new(layers: Layers<'a, T>, partition: Partition, settings: &Hyperparameters<T>) -> Self {
        Self { layers, partition, steps: settings.steps(), dual: settings.dual }
    }

    fn scalars(&self) -> [usize; SCALARS] {
        let layers = (self.layers.network().parameters(), self.layers.scalars(&self.steps));
        let (p, sums, z) = (self.total(Self::p), self.total(Self::sums), self.total(Self::z));
        [layers.0, layers.1, p, sums, z, z, self.total(Self::q), self.total(Self::u)]
    }

    fn numbers(&self) -> [usize; NUMBERS] {
        let units = self.units();
        [self.layers.numbers(), units * InputRecord::COUNT, units * Terms::COUNT]
    }

    /// Sizes of the state.
    pub(super) fn memory(&self) -> Memory {
        Memory { scalars: self.scalars().iter().sum(), numbers: self.numbers().iter().sum() }
    }

    /// Deals out one of the variables, unit by unit.
    pub(super) fn deal<'v>(
        self,
        all: &'v mut [T],
        length: Length<'a, T>,
    ) -> Pieces<'v, T, impl Fn(usize) -> usize + Copy + Send + use<'a, 'v, T>> {
        Pieces::new(all, self.units(), move |unit| length(&self, unit))
    }

    /// Deals out one of the variables in layer `l`, group by group, beside those of the layers before it.
    pub(super) fn deal_layer<'v>(
        self,
        all: &'v mut [T],
        l: usize,
        length: Length<'a, T>,
    ) -> (&'v [T], Pieces<'v, T, impl Fn(usize) -> usize + Copy + Send + use<'a, 'v, T>>) {
        let groups = self.partition.groups();
        let elements = |units: Range<usize>| units.map(|unit| length(&self, unit)).sum();
        let (before, rest) = all.split_at_mut(elements(0..l * groups));
        let own = &mut rest[..elements(l * groups..(l + 1) * groups)];
        (before, Pieces::new(own, groups, move |g| length(&self, l * groups + g)))
    }

    /// The variable of a unit.
    pub(super) fn of<'v>(self, all: &'v [T], unit: usize, length: Length<'a, T>) -> &'v [T] {
        let start: usize = (0..unit).map(|unit| length(&self, unit)).sum();
        &all[start..start + length(&self, unit)]
    }
}

/// The state for writing.
#[derive(Debug)]
pub(super) struct VariablesMut<'s, T> {
    pub(super) layers: LayersMut<'s, T>,
    pub(super) p: &'s mut [T],
    pub(super) sums: &'s mut [T],
    pub(super) r: &'s mut [T],
    pub(super) z: &'s mut [T],
    pub(super) q: &'s mut [T],
    pub(super) u: &'s mut [T],
    /// A record a unit.
    pub(super) inputs: &'s mut [f64],
    /// Terms of a unit.
    pub(super) terms: &'s mut [f64],
}

impl<'s, T: Real> VariablesMut<'s, T> {
    /// Carves the state.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state of other sizes.
    pub(super) fn new(sizes: Sizes<'s, T>, state: &'s mut State<'_, T>) -> Result<Self> {
        state.require(sizes.memory())?;
        let [parameters, kept, p, sums, r, z, q, u] = carve_mut(state.scalars, sizes.scalars());
        let [records, inputs, terms] = carve_mut(state.numbers, sizes.numbers());
        let layers = LayersMut::new(sizes.layers, sizes.steps, parameters, kept, records);
        Ok(Self { layers, p, sums, r, z, q, u, inputs, terms })
    }
}

/// The state for reading.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'s, T: Real> {
    layers: LayersRef<'s, T>,
    sizes: Sizes<'s, T>,
    p: &'s [T],
    r: &'s [T],
    z: &'s [T],
    q: &'s [T],
    u: &'s [T],
    inputs: &'s [f64],
    terms: &'s [f64],
}

impl<'s, T: Real> Variables<'s, T> {
    pub(super) fn new(sizes: Sizes<'s, T>, state: &'s State<'_, T>) -> Result<Self> {
        state.require(sizes.memory())?;
        let [parameters, kept, p, _, r, z, q, u] = carve(state.scalars, sizes.scalars());
        let [records, inputs, terms] = carve(state.numbers, sizes.numbers());
        let layers = LayersRef::new(sizes.layers, sizes.steps, parameters, kept, records);
        Ok(Self { layers, sizes, p, r, z, q, u, inputs, terms })
    }

    pub(super) fn layers(&self) -> LayersRef<'s, T> {
        self.layers
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = InputRecord> + use<'s, T> {
        InputRecord::all(self.inputs)
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = Terms> + use<'s, T> {
        Terms::all(self.terms)
    }

    /// The matrix of layer `l` over all samples: its units lie side by side.
    fn matrix(&self, all: &'s [T], l: usize, rows: usize, length: Length<'s, T>) -> MatRef<'s, T> {
        let groups = self.sizes.partition.groups();
        let start: usize = (0..l * groups).map(|unit| length(&self.sizes, unit)).sum();
        let elements: usize = (l * groups..(l + 1) * groups).map(|unit| length(&self.sizes, unit)).sum();
        dense(&all[start..start + elements], rows, elements / rows)
    }

    /// `p` of layer `l`, n_in x M; of no columns in the first layer, whose input is the data.
    ///
    /// # Panics
    /// For all functions here: if there is no such layer.
    pub fn p(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.p, l, self.sizes.layers.n_in(l), Sizes::p)
    }

    /// `r = W p + b - z` as it is carried from sweep to sweep, n_out x M.
    pub fn r(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.r, l, self.sizes.layers.n_out(l), Sizes::z)
    }

    /// `z`, n_out x M.
    pub fn z(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.z, l, self.sizes.layers.n_out(l), Sizes::z)
    }

    /// `q`, n_out x M; of no columns in the last layer.
    pub fn q(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.q, l, self.sizes.layers.n_out(l), Sizes::q)
    }

    /// `u`, n_out x M; of no columns in the last layer, and where it is not stored.
    pub fn u(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.u, l, self.sizes.layers.n_out(l), Sizes::u)
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
