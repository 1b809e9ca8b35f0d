//! The state of a run over subnetworks.

use super::{Inner, Splitting, Tssm};
use crate::error::Result;
use crate::method::maps;
use crate::method::numbers::{Numbers, numbers};
use crate::method::parts::Parts;
use crate::method::pass::Tally;
use crate::method::run::{carve, carve_mut};
use crate::method::{Memory, Run, State};
use crate::real::Real;
use crate::theory::Norms;
use crate::view::{MatRef, dense};

/// What a subnetwork knows beside matrices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subnetwork {
    /// Steps taken so far, and before the epoch.
    pub(super) steps: usize,
    pub(super) kept_steps: usize,
    /// Mean cost over the last epoch's batches that was not undone; with proximal sweeps that of the last batch, before its
    /// step. Infinite before the first.
    pub(super) cost: f64,
    /// The present nu.
    pub(super) nu: f64,
}

/// What a tile of samples adds to the report of an epoch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    /// R at the last subnetwork's input.
    pub(super) risk: f64,
    /// `sum |q - f(p)|^2`.
    pub(super) relaxation: f64,
    /// `<u, p - q>`.
    pub(super) coupling: f64,
    /// `sum |p - q|^2`.
    pub(super) gap: f64,
    /// `sum |dq|^2`; of p for gsAM.
    pub(super) moved: f64,
}

numbers!(Subnetwork { steps: usize, kept_steps: usize, cost: f64, nu: f64 });
numbers!(Terms { risk: f64, relaxation: f64, coupling: f64, gap: f64, moved: f64 });
numbers!(Norms { residual: f64, lipschitz: f64 });

impl Terms {
    /// What the tiles add up to.
    pub(super) fn sum(terms: &[f64]) -> Self {
        Self::all(terms).fold(Self::default(), |sum, terms| Self {
            risk: sum.risk + terms.risk,
            relaxation: sum.relaxation + terms.relaxation,
            coupling: sum.coupling + terms.coupling,
            gap: sum.gap + terms.gap,
            moved: sum.moved + terms.moved,
        })
    }
}

/// The state for writing.
///
/// What is kept of weights is of those that move, laid out as their parameters (`gradient`, moments) or as their sums.
#[derive(Debug)]
pub(super) struct VariablesMut<'s, T> {
    /// All of the network.
    pub(super) parameters: &'s mut [T],
    /// With proximal sweeps the last change; empty in mini-batches of them.
    pub(super) gradient: &'s mut [T],
    /// With proximal sweeps in mini-batches the velocity.
    pub(super) first: &'s mut [T],
    pub(super) second: &'s mut [T],
    /// The sums of a batch; where steps are solved for in mini-batches of proximal sweeps; empty with an optimiser.
    pub(super) sums: &'s mut [T],
    /// The Cholesky factor of the data's, where every batch is all of it.
    pub(super) factor: &'s mut [T],
    /// Parameters and moments to go back to, one after the other; empty without a guard.
    pub(super) before: &'s mut [T],
    /// What each group leaves: the gradient, the sums, or columns.
    pub(super) groups: &'s mut [T],
    /// The inputs of the subnetworks, cut by cut, features x M each.
    pub(super) p: &'s mut [T],
    /// The outputs below the cuts; empty for gsAM.
    pub(super) q: &'s mut [T],
    /// The duals of `p = q`; empty for gsAM.
    pub(super) u: &'s mut [T],
    pub(super) subnetworks: &'s mut [f64],
    pub(super) norms: &'s mut [f64],
    /// Those of the moving maps; empty with an optimiser.
    pub(super) records: &'s mut [f64],
    /// One for each moving subnetwork of each group.
    pub(super) tallies: &'s mut [f64],
    /// One for each tile of all samples.
    pub(super) terms: &'s mut [f64],
}

impl<T: Real> Tssm<T> {
    /// The parts of a state's scalars, in the order of [`VariablesMut`]'s.
    fn scalars(&self, run: &Run<'_, T>, parts: &Parts<'_, T>) -> [usize; 11] {
        let (network, moving) = (run.network, parts.moving_network());
        let parameters = moving.parameters();
        let p = parts.features_before(parts.count() - 1) * run.samples();
        let q = if self.splitting == Splitting::Gsadmm { p } else { 0 };
        if self.steps_in_minibatches() {
            let [velocity, solving, groups] = self.map_step(parts).scalars();
            return [network.parameters(), 0, velocity, 0, solving, 0, 0, groups, p, q, q];
        }
        let moments = self.optimizer().map_or(0, |optimizer| optimizer.moments());
        let moment = |index| if moments > index { parameters } else { 0 };
        let is_proximal = self.settings.inner == Inner::Proxprop;
        let sums = if is_proximal { moving.sums() } else { 0 };
        let factor = if is_proximal && self.sees_data() { maps::factor(&moving) } else { 0 };
        let before = if self.settings.guard.is_some() { (1 + moments) * parameters } else { 0 };
        let group = if is_proximal { sums } else { parameters };
        [
            network.parameters(),
            parameters,
            moment(0),
            moment(1),
            sums,
            factor,
            before,
            self.of_batch.groups().saturating_mul(group),
            p,
            q,
            q,
        ]
    }

    /// The parts of its numbers.
    fn numbers(&self, parts: &Parts<'_, T>) -> [usize; 5] {
        let n = parts.count();
        let records = match self.settings.inner {
            Inner::Sgd | Inner::Adam => 0,
            Inner::Proxprop if self.steps_in_minibatches() => self.map_step(parts).numbers(),
            Inner::Proxprop => maps::numbers(&parts.moving_network()),
        };
        let tallies = self.of_batch.groups() * parts.moving() * Tally::COUNT;
        [n * Subnetwork::COUNT, n * Norms::COUNT, records, tallies, self.tiles() * Terms::COUNT]
    }

    pub(super) fn sizes(&self, run: &Run<'_, T>) -> Memory {
        let Ok(parts) = self.parts(run) else { return Memory::default() };
        let (scalars, numbers) = (self.scalars(run, &parts), self.numbers(&parts));
        Memory { scalars: scalars.iter().sum(), numbers: numbers.iter().sum() }
    }

    /// Carves the state.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state of other sizes.
    pub(super) fn variables_mut<'s>(
        &self,
        run: &Run<'_, T>,
        state: &'s mut State<'_, T>,
    ) -> Result<VariablesMut<'s, T>> {
        let parts = self.parts(run)?;
        state.require(self.sizes(run))?;
        let [parameters, gradient, first, second, sums, factor, before, groups, p, q, u] =
            carve_mut(state.scalars, self.scalars(run, &parts));
        let [subnetworks, norms, records, tallies, terms] = carve_mut(state.numbers, self.numbers(&parts));
        Ok(VariablesMut {
            parameters,
            gradient,
            first,
            second,
            sums,
            factor,
            before,
            groups,
            p,
            q,
            u,
            subnetworks,
            norms,
            records,
            tallies,
            terms,
        })
    }

    /// The variables, for reading.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) for a state that is not of [`memory`](crate::method::Method::memory)'s sizes.
    pub fn variables<'s>(&self, run: &Run<'s, T>, state: &'s State<'_, T>) -> Result<Variables<'s, T>> {
        let parts = self.parts(run)?;
        state.require(self.sizes(run))?;
        let [parameters, gradient, first, second, _, _, _, _, p, q, u] =
            carve(state.scalars, self.scalars(run, &parts));
        let [subnetworks, norms, ..] = carve(state.numbers, self.numbers(&parts));
        Ok(Variables { parts, parameters, gradient, first, second, p, q, u, subnetworks, norms })
    }
}

/// The record of subnetwork l.
pub(super) fn subnetwork(subnetworks: &[f64], l: usize) -> Subnetwork {
    Subnetwork::read(&subnetworks[l * Subnetwork::COUNT..])
}

/// Changes the record of subnetwork l.
pub(super) fn update<R>(subnetworks: &mut [f64], l: usize, change: impl FnOnce(&mut Subnetwork) -> R) -> R {
    Subnetwork::update(&mut subnetworks[l * Subnetwork::COUNT..], change)
}

/// The state for reading.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'s, T: Real> {
    parts: Parts<'s, T>,
    parameters: &'s [T],
    gradient: &'s [T],
    first: &'s [T],
    second: &'s [T],
    p: &'s [T],
    q: &'s [T],
    u: &'s [T],
    subnetworks: &'s [f64],
    norms: &'s [f64],
}

impl<'s, T: Real> Variables<'s, T> {
    /// The number of subnetworks.
    pub fn subnetworks(&self) -> usize {
        self.parts.count()
    }

    /// Weights and biases of subnetwork l, laid out as [`Network`](crate::block::Network) says.
    ///
    /// # Panics
    /// For all functions here: if there is no such subnetwork.
    pub fn parameters(&self, l: usize) -> &'s [T] {
        &self.parameters[self.parts.parameters(l)]
    }

    /// The gradient of subnetwork l's last step's mean cost; with proximal sweeps the change that the last step made. Empty
    /// if it is frozen, and with proximal sweeps in mini-batches.
    pub fn gradient(&self, l: usize) -> &'s [T] {
        self.gradient.get(self.parts.moving_parameters(l)).unwrap_or_default()
    }

    /// The optimiser's states in subnetwork l, those that it keeps, the others empty, and the steps that it has made; with
    /// proximal sweeps in mini-batches the velocity.
    pub fn moments(&self, l: usize) -> (&'s [T], &'s [T], u64) {
        let own = self.parts.moving_parameters(l);
        let of = |moment: &'s [T]| moment.get(own.clone()).unwrap_or_default();
        (of(self.first), of(self.second), subnetwork(self.subnetworks, l).steps as u64)
    }

    /// The mean cost of subnetwork l that a guard compares the next epoch's with; infinite before the first. With proximal
    /// sweeps that of the last batch, before its step.
    pub fn cost(&self, l: usize) -> f64 {
        subnetwork(self.subnetworks, l).cost
    }

    /// The present nu of proximal sweeps in subnetwork l.
    pub fn nu(&self, l: usize) -> f64 {
        subnetwork(self.subnetworks, l).nu
    }

    /// What subnetwork l added to Theorem 1 when it was last looked at.
    pub fn norms(&self, l: usize) -> Norms {
        Norms::read(&self.norms[l * Norms::COUNT..])
    }

    /// The matrix of the cut after subnetwork l, features x M.
    fn matrix(&self, all: &'s [T], l: usize) -> MatRef<'s, T> {
        // Every cut has as many samples.
        let features = self.parts.features_before(self.parts.count() - 1);
        let samples = all.len() / features.max(1);
        let rows = self.parts.features(l);
        dense(&all[self.parts.features_before(l) * samples..], rows, samples)
    }

    /// The input of the subnetwork above the cut after subnetwork l, features x M.
    pub fn p(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.p, l)
    }

    /// The output below that cut; of no columns for gsAM.
    pub fn q(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.q, l)
    }

    /// The dual of `p = q` there; of no columns for gsAM.
    pub fn u(&self, l: usize) -> MatRef<'s, T> {
        self.matrix(self.u, l)
    }
}
