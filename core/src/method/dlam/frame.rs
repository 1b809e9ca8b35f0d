//! What a pass does to one tile of a group.

use super::state::{Group, Hidden, Residual, Terms};
use super::{Repair, Settings};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::method::layer::Layer;
use crate::method::{Partition, Problem, strips};
use crate::objective;
use crate::real::Real;
use crate::reduce::sum_squared_differences;
use crate::update::input::Prepared;
use crate::update::interval::activation::{self, Interval};
use crate::update::interval::search::{self, Lengths};
use crate::update::interval::{linear, violation};
use crate::update::{StepRule, extrapolation, output, sums, weights};
use crate::view::{MatRef, as_ref, column, column_mut, columns};
use crate::workspace::Stack;

/// Everything of a group that a pass may write.
pub(super) struct Unit<'u, T, S> {
    pub(super) hidden: &'u mut [Hidden<T, S>],
    pub(super) residuals: &'u mut [Residual<T, S>],
    pub(super) group: &'u mut Group<T, S>,
}

/// What a pass may read.
pub(super) struct Frame<'u, T: Real, S> {
    pub(super) settings: Settings<T>,
    pub(super) partition: Partition,
    pub(super) problem: Problem<'u, T>,
    pub(super) layers: &'u [Layer<T, S>],
}

/// The square of the distance of two matrices of one shape.
fn distance<T: Real>(a: &MatRef<'_, T>, b: &MatRef<'_, T>) -> f64 {
    (0..a.ncols()).map(|j| sum_squared_differences(column(a, j), column(b, j))).sum()
}

/// The columns that a pass is at: of group `g`, from `start` within the group.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) g: usize,
    pub(super) start: usize,
    pub(super) count: usize,
}

impl<T: Real, S: Memory<T>> Frame<'_, T, S> {
    /// The tiles of a group.
    pub(super) fn tiles(&self, g: usize) -> impl Iterator<Item = Tile> + use<T, S> {
        self.partition.tiles(g).map(move |(start, count)| Tile { g, start, count })
    }

    /// A tile of the input of the layer above `below`: the data if there is none.
    fn input<'b>(&'b self, below: &'b [Hidden<T, S>], tile: Tile) -> MatRef<'b, T> {
        let Tile { g, start, count } = tile;
        match below.last() {
            None => columns(&self.problem.x, self.partition.group(g).0 + start, count),
            Some(below) => below.a.columns(start, count),
        }
    }

    fn target(&self, tile: Tile) -> crate::loss::Target<'_, T> {
        self.problem.target.columns(self.partition.group(tile.g).0 + tile.start, tile.count)
    }

    /// z and a by a forward pass through all layers.
    pub(super) fn forward<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        tile: Tile,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Tile { start, count, .. } = tile;
        for (l, layer) in self.layers.iter().enumerate() {
            let (below, rest) = unit.hidden.split_at_mut(l);
            let p = self.input(below, tile);
            let Some(Hidden { a, z, .. }) = rest.first_mut() else {
                return layer.forward(gemm, &p, &mut unit.group.z.columns_mut(start, count), stack);
            };
            layer.forward(gemm, &p, &mut z.columns_mut(start, count), stack.rest())?;
            let (z, mut a) = (z.columns(start, count), a.columns_mut(start, count));
            for j in 0..count {
                self.settings.activation.apply(column(&z, j), column_mut(&mut a, j))?;
            }
        }
        Ok(())
    }

    pub(super) fn clear_sums(&self, group: &mut Group<T, S>, l: usize) -> Result {
        let layer = &self.layers[l];
        layer.sums_shape().carve(group.sums.as_mut())?.clear(layer.parts());
        Ok(())
    }

    /// z of layer `l` goes on as it went, if that is wanted; then the tile joins the sums for W and b.
    pub(super) fn accumulate<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        l: usize,
        tile: Tile,
        mut stack: Stack<'_, T>,
    ) -> Result {
        if self.settings.accelerate {
            self.extrapolate_linear(unit, l, tile, stack.rest())?;
        }
        let layer = &self.layers[l];
        let p = self.input(&unit.hidden[..l], tile);
        let r = unit.residuals[l].r.columns(tile.start, tile.count);
        let mut sums = layer.sums_shape().carve(unit.group.sums.as_mut())?;
        sums::accumulate(gemm, &r, &p, layer.parts(), &mut sums, stack)
    }

    fn extrapolate_linear(
        &self,
        unit: &mut Unit<'_, T, S>,
        l: usize,
        tile: Tile,
        stack: Stack<'_, T>,
    ) -> Result {
        let Settings { epsilon, activation, loss, rho, .. } = self.settings;
        let Tile { start, count, .. } = tile;
        let mut r = unit.residuals[l].r.columns_mut(start, count);
        let Some(Hidden { a, z, z_before, .. }) = unit.hidden.get_mut(l) else {
            let Group { z, z_before, .. } = &mut *unit.group;
            let mut before = z_before.value.columns_mut(start, count);
            let t = &mut z_before.t.as_mut_slice()[start..start + count];
            let z = &mut z.columns_mut(start, count);
            return extrapolation::output(loss, rho, self.target(tile), &mut before, t, z, &mut r, stack);
        };
        let mut before = z_before.value.columns_mut(start, count);
        let t = &mut z_before.t.as_mut_slice()[start..start + count];
        let (a, z) = (a.columns(start, count), &mut z.columns_mut(start, count));
        extrapolation::linear(epsilon, activation, &a, &mut before, t, z, &mut r, stack)
    }

    /// The residual of layer `l` follows its weights, and z (equation 4) its residual while a strip is near; then a goes
    /// on as it went, if that is wanted.
    pub(super) fn follow_and_step_linear<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        l: usize,
        tile: Tile,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Settings { epsilon, activation, .. } = self.settings;
        let Tile { start, count, .. } = tile;
        let layer = &self.layers[l];
        let p = self.input(&unit.hidden[..l], tile);
        let mut r = unit.residuals[l].r.columns_mut(start, count);
        weights::apply_weights(gemm, &layer.change(), &p, &mut r, stack.rest())?;
        let terms = &mut unit.group.terms;
        for (start, count) in strips(r.nrows(), start, count) {
            let Hidden { a, z, .. } = &mut unit.hidden[l];
            let (a, mut z) = (a.columns(start, count), z.columns_mut(start, count));
            let mut r = unit.residuals[l].r.columns_mut(start, count);
            weights::apply_bias(layer.bias_change(), &mut r)?;
            terms.stepped += linear::step(epsilon, activation, &a, &mut z, &mut r, stack.rest())?;
            terms.linear += objective::squared(&as_ref(&r));
        }
        if self.settings.accelerate {
            let Hidden { z, z_before, .. } = &unit.hidden[l];
            let before = z_before.value.columns(start, count);
            terms.moved += distance(&z.columns(start, count), &before);
            self.extrapolate_activation(gemm, unit, l, tile, stack)?;
        }
        Ok(())
    }

    fn extrapolate_activation<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        l: usize,
        tile: Tile,
        stack: Stack<'_, T>,
    ) -> Result {
        let Tile { start, count, .. } = tile;
        let Hidden { a, z, a_before, .. } = &mut unit.hidden[l];
        let interval = self.interval(z.columns(start, count), l);
        let mut before = a_before.value.columns_mut(start, count);
        let t = &mut a_before.t.as_mut_slice()[start..start + count];
        let mut r = unit.residuals[l + 1].r.columns_mut(start, count);
        let a = &mut a.columns_mut(start, count);
        extrapolation::activation(gemm, &interval, &mut before, t, a, &mut r, stack)
    }

    /// What holds a of layer `l`, whose z is at hand.
    fn interval<'b>(&'b self, z: MatRef<'b, T>, l: usize) -> Interval<'b, T> {
        let Settings { rho, epsilon, activation, .. } = self.settings;
        Interval { rho, epsilon, activation, weights: self.layers[l + 1].weights(), z }
    }

    /// Equation 6: a of layer `l`, the input of layer `l + 1`; `tau` is that of the layer, where the rule has one.
    pub(super) fn step_activation<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        l: usize,
        tau: T,
        tile: Tile,
        stack: Stack<'_, T>,
    ) -> Result {
        let Tile { start, count, .. } = tile;
        let Hidden { a, z, .. } = &mut unit.hidden[l];
        let interval = self.interval(z.columns(start, count), l);
        let prepared = match self.settings.input_step {
            StepRule::Vector => Prepared::Columns,
            _ => Prepared::Tau(tau),
        };
        let mut r = unit.residuals[l + 1].r.columns_mut(start, count);
        let a = &mut a.columns_mut(start, count);
        let moved = activation::step(gemm, &interval, prepared, a, &mut r, stack)?;
        unit.group.terms.promised += moved.promised;
        unit.group.terms.trials += moved.trials;
        Ok(())
    }

    /// What a tau for layer `l`'s activations is judged by: the gradient without one, the moves with it.
    pub(super) fn lengths<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &Unit<'_, T, S>,
        l: usize,
        tau: Option<T>,
        tile: Tile,
        stack: Stack<'_, T>,
    ) -> Result<Lengths> {
        let Tile { start, count, .. } = tile;
        let Hidden { a, z, .. } = &unit.hidden[l];
        let interval = self.interval(z.columns(start, count), l);
        let (a, r) = (a.columns(start, count), unit.residuals[l + 1].r.columns(start, count));
        match tau {
            None => search::probe(gemm, &interval, &a, &r, stack),
            Some(tau) => search::trial(gemm, &interval, tau, &a, &r, stack),
        }
    }

    /// The last layer's residual follows its weights, and z_L (equation 5) its residual.
    pub(super) fn follow_and_step_output<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        tile: Tile,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Settings { loss, solver, rho, .. } = self.settings;
        let (Tile { start, count, .. }, last) = (tile, self.layers.len() - 1);
        let layer = &self.layers[last];
        let p = self.input(&unit.hidden[..last], tile);
        let mut r = unit.residuals[last].r.columns_mut(start, count);
        weights::apply(gemm, &layer.change(), layer.bias_change(), &p, &mut r, stack.rest())?;
        let mut z = unit.group.z.columns_mut(start, count);
        let solved = output::step(loss, solver, rho, self.target(tile), &mut z, &mut r, stack)?;
        let terms = &mut unit.group.terms;
        terms.stepped += solved.squared;
        terms.report = terms.report.merge(solved.report);
        if self.settings.accelerate {
            let before = unit.group.z_before.value.columns(start, count);
            terms.moved += distance(&as_ref(&z), &before);
        }
        self.account_output(unit, tile)
    }

    pub(super) fn account_output(&self, unit: &mut Unit<'_, T, S>, tile: Tile) -> Result {
        let (Tile { start, count, .. }, Group { z, terms, .. }) = (tile, &mut *unit.group);
        terms.risk += self.settings.loss.value(z.columns(start, count), self.target(tile))?;
        let last = &unit.residuals[self.layers.len() - 1];
        terms.linear += objective::squared(&last.r.columns(start, count));
        Ok(())
    }

    /// The worst violation of the hidden layers' intervals.
    pub(super) fn account_violation(
        &self,
        unit: &mut Unit<'_, T, S>,
        tile: Tile,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (Tile { start, count, .. }, Settings { epsilon, activation, .. }) = (tile, self.settings);
        for Hidden { a, z, .. } in unit.hidden.iter() {
            let (a, z) = (a.columns(start, count), z.columns(start, count));
            let worst = violation(epsilon, activation, &z, &a, stack.rest())?;
            unit.group.terms.violation = unit.group.terms.violation.max(worst);
        }
        Ok(())
    }

    /// Makes every interval hold again: by z where the settings say so, and by a where it still does not.
    pub(super) fn project<G: Gemm<T>>(
        &self,
        gemm: &G,
        unit: &mut Unit<'_, T, S>,
        tile: Tile,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (Tile { start, count, .. }, Settings { epsilon, activation, repair, .. }) = (tile, self.settings);
        for (l, Hidden { a, z, .. }) in unit.hidden.iter_mut().enumerate() {
            if repair == Repair::Linear {
                let (a, mut z) = (a.columns(start, count), z.columns_mut(start, count));
                let mut r = unit.residuals[l].r.columns_mut(start, count);
                let moved = linear::repair(epsilon, activation, &a, &mut z, &mut r)?;
                unit.group.terms.entries += moved.entries;
                unit.group.terms.projected += moved.squared;
            }
            let interval = self.interval(z.columns(start, count), l);
            let mut r = unit.residuals[l + 1].r.columns_mut(start, count);
            let a = &mut a.columns_mut(start, count);
            let moved = activation::project(gemm, &interval, a, &mut r, stack.rest())?;
            unit.group.terms.entries += moved.entries;
            unit.group.terms.projected += moved.squared;
        }
        Ok(())
    }

    /// A group's accounts at the start of a sweep.
    pub(super) fn open(&self, group: &mut Group<T, S>) {
        group.terms = Terms::default();
    }
}
