//! What a pass does to one tile of a group.

use super::{Group, Repair, Terms};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::method::Hyperparameters;
use crate::method::layers::LayerRef;
use crate::method::layerwise::{Frame, Tile};
use crate::objective;
use crate::real::Real;
use crate::reduce::sum_squared_differences;
use crate::update::input::Prepared;
use crate::update::interval::activation::{self, Interval};
use crate::update::interval::search::{self, Lengths};
use crate::update::interval::{linear, violation};
use crate::update::{StepRule, extrapolation};
use crate::view::{MatRef, as_ref};
use crate::workspace::Stack;

/// A layer's interval: what holds its a, whose z is at hand, below the weights `above`.
fn interval<'b, T: Real>(frame: &Frame<'_, T>, above: &LayerRef<'b, T>, z: MatRef<'b, T>) -> Interval<'b, T> {
    let Hyperparameters { rho, epsilon, .. } = frame.settings;
    Interval { rho, epsilon, activation: frame.activation, weights: above.weights(), z }
}

/// z of a layer goes on as it went, if that is wanted; then the tile joins the sums for W and b.
pub(super) fn accumulate<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    layer: &LayerRef<'_, T>,
    tile: Tile,
    group: &mut Group<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    if frame.settings.accelerate {
        extrapolate_linear(frame, layer.index(), tile, group, stack.rest())?;
    }
    frame.accumulate(gemm, layer, tile, group, stack)
}

fn extrapolate_linear<T: Real>(
    frame: &Frame<'_, T>,
    l: usize,
    tile: Tile,
    group: &mut Group<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let Hyperparameters { epsilon, loss, rho, .. } = frame.settings;
    let (mut z, mut r) = (group.z.tile_mut(l, tile), group.r.tile_mut(l, tile));
    let (mut before, t) = group.z_before.tile_mut(l, tile);
    if l == frame.last() {
        return extrapolation::output(loss, rho, frame.target(tile), &mut before, t, &mut z, &mut r, stack);
    }
    let a = group.a.tile(l, tile);
    extrapolation::linear(epsilon, frame.activation, &a, &mut before, t, &mut z, &mut r, stack)
}

/// The residual of a hidden layer follows its weights, and z (equation 4) its residual while a strip is near; then a goes
/// on as it went, if that is wanted.
pub(super) fn follow_and_step_linear<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    layer: &LayerRef<'_, T>,
    above: &LayerRef<'_, T>,
    tile: Tile,
    group: &mut Group<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let (Hyperparameters { epsilon, accelerate, .. }, l) = (frame.settings, layer.index());
    frame.follow_in_strips(gemm, layer, tile, group, stack.rest(), |strip, group, stack| {
        let (mut z, mut r) = (group.z.tile_mut(l, strip), group.r.tile_mut(l, strip));
        let a = group.a.tile(l, strip);
        group.record.stepped += linear::step(epsilon, frame.activation, &a, &mut z, &mut r, stack)?;
        group.record.linear += objective::squared(&as_ref(&r));
        Ok(())
    })?;
    if accelerate {
        group.record.moved += moved(l, tile, group);
        extrapolate_activation(gemm, frame, above, tile, group, stack)?;
    }
    Ok(())
}

/// The square of the distance of z of layer `l` from what it was before its step.
fn moved<T: Real>(l: usize, tile: Tile, group: &Group<'_, T>) -> f64 {
    let (z, before) = (group.z.tile(l, tile), group.z_before.value.tile(l, tile));
    let column = |j| sum_squared_differences(crate::view::column(&z, j), crate::view::column(&before, j));
    (0..tile.count).map(column).sum()
}

fn extrapolate_activation<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    above: &LayerRef<'_, T>,
    tile: Tile,
    group: &mut Group<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let l = above.index() - 1;
    let interval = interval(frame, above, group.z.tile(l, tile));
    let (mut a, mut r) = (group.a.tile_mut(l, tile), group.r.tile_mut(l + 1, tile));
    let (mut before, t) = group.a_before.tile_mut(l, tile);
    extrapolation::activation(gemm, &interval, &mut before, t, &mut a, &mut r, stack)
}

/// Equation 6: a, the input of layer `above`; `tau` is that of the layer, where the rule has one.
pub(super) fn step_activation<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    above: &LayerRef<'_, T>,
    tau: T,
    tile: Tile,
    group: &mut Group<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let l = above.index() - 1;
    let interval = interval(frame, above, group.z.tile(l, tile));
    let prepared = match frame.settings.input_step {
        StepRule::Vector => Prepared::Columns,
        _ => Prepared::Tau(tau),
    };
    let (mut a, mut r) = (group.a.tile_mut(l, tile), group.r.tile_mut(l + 1, tile));
    let moved = activation::step(gemm, &interval, prepared, &mut a, &mut r, stack)?;
    group.record.promised += moved.promised;
    group.record.trials += moved.trials;
    Ok(())
}

/// What a tau for the input of layer `above` is judged by: the gradient without one, the moves with it.
pub(super) fn lengths<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    above: &LayerRef<'_, T>,
    tau: Option<T>,
    tile: Tile,
    group: &Group<'_, T>,
    stack: Stack<'_, T>,
) -> Result<Lengths> {
    let l = above.index() - 1;
    let interval = interval(frame, above, group.z.tile(l, tile));
    let (a, r) = (group.a.tile(l, tile), group.r.tile(l + 1, tile));
    match tau {
        None => search::probe(gemm, &interval, &a, &r, stack),
        Some(tau) => search::trial(gemm, &interval, tau, &a, &r, stack),
    }
}

/// The last layer's residual follows its weights, and z_L (equation 5) its residual.
pub(super) fn follow_and_step_output<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    layer: &LayerRef<'_, T>,
    tile: Tile,
    group: &mut Group<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    frame.follow(gemm, layer, tile, group, stack.rest())?;
    let solved = frame.step_output(tile, group, stack)?;
    group.record.stepped += solved.squared;
    group.record.report = group.record.report.merge(solved.report);
    if frame.settings.accelerate {
        group.record.moved += moved(frame.last(), tile, group);
    }
    account_output(frame, tile, group)
}

pub(super) fn account_output<T: Real>(frame: &Frame<'_, T>, tile: Tile, group: &mut Group<'_, T>) -> Result {
    group.record.risk += frame.risk(tile, group)?;
    group.record.linear += objective::squared(&group.r.tile(frame.last(), tile));
    Ok(())
}

/// The worst violation of the hidden layers' intervals.
pub(super) fn account_violation<T: Real>(
    frame: &Frame<'_, T>,
    tile: Tile,
    group: &mut Group<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    for l in 0..frame.last() {
        let (a, z) = (group.a.tile(l, tile), group.z.tile(l, tile));
        let worst = violation(frame.settings.epsilon, frame.activation, &z, &a, stack.rest())?;
        group.record.violation = group.record.violation.max(worst);
    }
    Ok(())
}

/// Makes every interval hold again: by z where the settings say so, and by a where it still does not.
pub(super) fn project<T: Real, G: Gemm<T>>(
    gemm: &G,
    frame: &Frame<'_, T>,
    tile: Tile,
    group: &mut Group<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let Hyperparameters { epsilon, repair, .. } = frame.settings;
    for l in 0..frame.last() {
        if repair == Repair::Linear {
            let (mut z, mut r) = (group.z.tile_mut(l, tile), group.r.tile_mut(l, tile));
            let moved = linear::repair(epsilon, frame.activation, &group.a.tile(l, tile), &mut z, &mut r)?;
            count(&mut group.record, moved.entries, moved.squared);
        }
        let above = frame.layers.get(l + 1);
        let interval = interval(frame, &above, group.z.tile(l, tile));
        let (mut a, mut r) = (group.a.tile_mut(l, tile), group.r.tile_mut(l + 1, tile));
        let moved = activation::project(gemm, &interval, &mut a, &mut r, stack.rest())?;
        count(&mut group.record, moved.entries, moved.squared);
    }
    Ok(())
}

fn count(terms: &mut Terms, entries: usize, squared: f64) {
    terms.entries += entries;
    terms.projected += squared;
}
