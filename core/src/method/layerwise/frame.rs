//! What a pass does to one tile of a group.

use super::group::{Group, Matrices, Tile};
use crate::activation::Activation;
use crate::error::Result;
use crate::gemm::Gemm;
use crate::loss::Target;
use crate::method::layers::{LayerRef, LayersRef};
use crate::method::{Hyperparameters, Problem};
use crate::real::Real;
use crate::update::output::{self, Solved};
use crate::update::{sums, weights};
use crate::view::{MatRef, columns};
use crate::workspace::Stack;

/// What a pass may read.
#[derive(Debug, Clone, Copy)]
pub(in crate::method) struct Frame<'a, T: Real> {
    pub(in crate::method) settings: Hyperparameters<T>,
    pub(in crate::method) activation: Activation<T>,
    pub(in crate::method) problem: Problem<'a, T>,
    pub(in crate::method) layers: LayersRef<'a, T>,
}

impl<T: Real> Frame<'_, T> {
    /// The last layer's index.
    pub(in crate::method) fn last(&self) -> usize {
        self.layers.count() - 1
    }

    /// A tile of the input of layer `l`: a of the layer below, or the data.
    pub(in crate::method) fn input<'v>(
        &'v self,
        l: usize,
        a: &'v Matrices<'_, T>,
        tile: Tile,
    ) -> MatRef<'v, T> {
        match l.checked_sub(1) {
            None => columns(&self.problem.x, tile.sample, tile.count),
            Some(below) => a.tile(below, tile),
        }
    }

    /// The targets of a tile.
    pub(in crate::method) fn target(&self, tile: Tile) -> Target<'_, T> {
        self.problem.target.columns(tile.sample, tile.count)
    }

    /// z and a by a forward pass through all layers.
    pub(in crate::method) fn forward<R, G: Gemm<T>>(
        &self,
        gemm: &G,
        tile: Tile,
        group: &mut Group<'_, T, R>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        for layer in self.layers.iter() {
            let (l, Group { a, z, .. }) = (layer.index(), &mut *group);
            layer.forward(gemm, &self.input(l, a, tile), &mut z.tile_mut(l, tile), stack.rest())?;
            if l < self.last() {
                self.activation.apply(z.tile_slice(l, tile), a.tile_slice_mut(l, tile))?;
            }
        }
        Ok(())
    }

    /// Makes the group's sums ready for those of a layer.
    pub(in crate::method) fn clear_sums<R>(
        &self,
        layer: &LayerRef<'_, T>,
        group: &mut Group<'_, T, R>,
    ) -> Result {
        layer.shape().carve(group.sums)?.clear(layer.parts());
        Ok(())
    }

    /// A tile joins the sums for weights and bias of a layer.
    pub(in crate::method) fn accumulate<R, G: Gemm<T>>(
        &self,
        gemm: &G,
        layer: &LayerRef<'_, T>,
        tile: Tile,
        group: &mut Group<'_, T, R>,
        stack: Stack<'_, T>,
    ) -> Result {
        let Group { sums, a, r, .. } = group;
        let (p, r) = (self.input(layer.index(), a, tile), r.tile(layer.index(), tile));
        let mut sums = layer.shape().carve(sums)?;
        sums::accumulate(gemm, &r, &p, layer.parts(), &mut sums, stack)
    }

    /// The residual of a layer follows its weights.
    pub(in crate::method) fn follow<R, G: Gemm<T>>(
        &self,
        gemm: &G,
        layer: &LayerRef<'_, T>,
        tile: Tile,
        group: &mut Group<'_, T, R>,
        stack: Stack<'_, T>,
    ) -> Result {
        let Group { a, r, .. } = group;
        let (p, mut r) = (self.input(layer.index(), a, tile), r.tile_mut(layer.index(), tile));
        weights::apply(gemm, &layer.change(), layer.bias_change(), &p, &mut r, stack)
    }

    /// The same, but for the bias strip by strip: while one is near, `step` moves what follows the residual.
    pub(in crate::method) fn follow_in_strips<R, G: Gemm<T>>(
        &self,
        gemm: &G,
        layer: &LayerRef<'_, T>,
        tile: Tile,
        group: &mut Group<'_, T, R>,
        mut stack: Stack<'_, T>,
        step: impl Fn(Tile, &mut Group<'_, T, R>, Stack<'_, T>) -> Result,
    ) -> Result {
        let (l, Group { a, r, .. }) = (layer.index(), &mut *group);
        let (p, mut tile_of_r) = (self.input(l, a, tile), r.tile_mut(l, tile));
        weights::apply_weights(gemm, &layer.change(), &p, &mut tile_of_r, stack.rest())?;
        for strip in tile.strips(layer.shape().n_out) {
            weights::apply_bias(layer.bias_change(), &mut group.r.tile_mut(l, strip))?;
            step(strip, group, stack.rest())?;
        }
        Ok(())
    }

    /// z of the last layer, whose linear residual has the weight rho.
    pub(in crate::method) fn step_output<R>(
        &self,
        tile: Tile,
        group: &mut Group<'_, T, R>,
        stack: Stack<'_, T>,
    ) -> Result<Solved> {
        let (Hyperparameters { loss, solver, rho, .. }, last) = (self.settings, self.last());
        let (mut z, mut r) = (group.z.tile_mut(last, tile), group.r.tile_mut(last, tile));
        output::step(loss, solver, rho, self.target(tile), &mut z, &mut r, stack)
    }

    /// R of a tile.
    pub(in crate::method) fn risk<R>(&self, tile: Tile, group: &Group<'_, T, R>) -> Result<f64> {
        self.settings.loss.value(group.z.tile(self.last(), tile), self.target(tile))
    }
}
