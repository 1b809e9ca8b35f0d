//! What a pass does to one tile of a group.

use super::state::{Group, Hidden, Residual};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::method::layer::Layer;
use crate::method::{Partition, Problem, Settings, strips};
use crate::objective;
use crate::real::Real;
use crate::update::hidden::Proximal;
use crate::update::{hidden, input, output, sums, weights};
use crate::view::{MatRef, as_ref, columns};
use crate::workspace::Stack;

/// Everything of a group that a pass may write.
pub(in crate::method) struct Unit<'u, T, S> {
    pub(in crate::method) hidden: &'u mut [Hidden<T, S>],
    pub(in crate::method) residuals: &'u mut [Residual<T, S>],
    pub(in crate::method) group: &'u mut Group<T, S>,
}

/// What a pass may read.
pub(in crate::method) struct Frame<'u, T: Real, S> {
    pub(in crate::method) settings: Settings<T>,
    pub(in crate::method) partition: Partition,
    pub(in crate::method) problem: Problem<'u, T>,
    pub(in crate::method) layers: &'u [Layer<T, S>],
}

/// `w` of a layer's linear residual: nu, and rho in the last.
pub(in crate::method) fn linear_weight<T: Real>(settings: &Settings<T>, l: usize, layers: usize) -> T {
    if l + 1 == layers { settings.rho } else { settings.nu }
}

impl<T: Real, S: Memory<T>> Frame<'_, T, S> {
    pub(in crate::method) fn weight(&self, l: usize) -> T {
        linear_weight(&self.settings, l, self.layers.len())
    }

    /// A tile of the input of the layer above `below`: the data if there is none.
    pub(in crate::method) fn input<'b>(
        &'b self,
        below: &'b [Hidden<T, S>],
        g: usize,
        start: usize,
        count: usize,
    ) -> MatRef<'b, T> {
        match below.last() {
            None => columns(&self.problem.x, self.partition.group(g).0 + start, count),
            Some(below) => below.a.columns(start, count),
        }
    }

    pub(in crate::method) fn clear_sums(&self, group: &mut Group<T, S>, l: usize) -> Result {
        let layer = &self.layers[l];
        layer.sums_shape().carve(group.sums.as_mut())?.clear(layer.parts());
        Ok(())
    }

    pub(in crate::method) fn accumulate<G: Gemm<T>>(
        &self,
        gemm: &G,
        hidden: &[Hidden<T, S>],
        residuals: &[Residual<T, S>],
        group: &mut Group<T, S>,
        g: usize,
        l: usize,
        start: usize,
        count: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let layer = &self.layers[l];
        let p = self.input(&hidden[..l], g, start, count);
        let r = residuals[l].r.columns(start, count);
        let mut sums = layer.sums_shape().carve(group.sums.as_mut())?;
        sums::accumulate(gemm, &r, &p, layer.parts(), &mut sums, stack)
    }

    /// The residual of layer `l` follows its weights.
    pub(in crate::method) fn follow<G: Gemm<T>>(
        &self,
        gemm: &G,
        hidden: &[Hidden<T, S>],
        residuals: &mut [Residual<T, S>],
        g: usize,
        l: usize,
        start: usize,
        count: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let layer = &self.layers[l];
        let p = self.input(&hidden[..l], g, start, count);
        let mut r = residuals[l].r.columns_mut(start, count);
        weights::apply(gemm, &layer.change(), layer.bias_change(), &p, &mut r, stack)
    }

    /// Equations 3 and 16: a of layer `l`, the input of layer `l + 1`.
    pub(in crate::method) fn step_activation<G: Gemm<T>>(
        &self,
        gemm: &G,
        hidden: &mut [Hidden<T, S>],
        residuals: &mut [Residual<T, S>],
        group: &mut Group<T, S>,
        l: usize,
        start: usize,
        count: usize,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Settings { nu, activation, .. } = self.settings;
        let above = &self.layers[l + 1];
        let Hidden { a, z } = &mut hidden[l];
        let mut a = a.columns_mut(start, count);
        let mut gradient = stack.matrix(a.nrows(), count)?;
        input::activation_coupling(nu, activation, &as_ref(&a), &z.columns(start, count), &mut gradient)?;
        let (w, prepared) = (self.weight(l + 1), above.prepared(&self.settings.steps()));
        let mut r = residuals[l + 1].r.columns_mut(start, count);
        let moved =
            input::step(gemm, w, nu, &above.weights(), prepared, &mut gradient, &mut a, &mut r, stack)?;
        group.terms.input_promised += moved.promised;
        Ok(())
    }

    /// The residual of layer `l` follows its weights, and z its residual while a strip is near.
    pub(in crate::method) fn follow_and_step_linear<G: Gemm<T>>(
        &self,
        gemm: &G,
        hidden: &mut [Hidden<T, S>],
        residuals: &mut [Residual<T, S>],
        g: usize,
        l: usize,
        start: usize,
        count: usize,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let layer = &self.layers[l];
        let p = self.input(&hidden[..l], g, start, count);
        let mut r = residuals[l].r.columns_mut(start, count);
        weights::apply_weights(gemm, &layer.change(), &p, &mut r, stack.rest())?;
        for (start, count) in strips(r.nrows(), start, count) {
            weights::apply_bias(layer.bias_change(), &mut residuals[l].r.columns_mut(start, count))?;
            self.step_linear(hidden, residuals, l, start, count, stack.rest())?;
        }
        Ok(())
    }

    /// Equations 4 and 14: z of layer `l`.
    pub(in crate::method) fn step_linear(
        &self,
        hidden: &mut [Hidden<T, S>],
        residuals: &mut [Residual<T, S>],
        l: usize,
        start: usize,
        count: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let Hidden { a, z } = &mut hidden[l];
        let (mut z, mut r) = (z.columns_mut(start, count), residuals[l].r.columns_mut(start, count));
        let a = a.columns(start, count);
        hidden::step(Proximal::No, self.settings.activation, &a, &mut z, &mut r, stack)?;
        Ok(())
    }

    /// Equations 5 and 15: z of the last layer.
    pub(in crate::method) fn step_output(
        &self,
        residual: &mut Residual<T, S>,
        group: &mut Group<T, S>,
        g: usize,
        start: usize,
        count: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let Settings { loss, solver, rho, .. } = self.settings;
        let target = self.problem.target.columns(self.partition.group(g).0 + start, count);
        let (mut z, mut r) = (group.z.columns_mut(start, count), residual.r.columns_mut(start, count));
        let solved = output::step(loss, solver, rho, target, &mut z, &mut r, stack)?;
        group.terms.output_moved += solved.squared;
        group.terms.report = group.terms.report.merge(solved.report);
        Ok(())
    }

    /// The penalties of a hidden layer, with `here` and `residual` its own.
    pub(in crate::method) fn account_hidden(
        &self,
        here: &Hidden<T, S>,
        residual: &Residual<T, S>,
        group: &mut Group<T, S>,
        start: usize,
        count: usize,
        stack: Stack<'_, T>,
    ) -> Result {
        let (a, z) = (here.a.columns(start, count), here.z.columns(start, count));
        group.terms.linear += objective::squared(&residual.r.columns(start, count));
        group.terms.activation += objective::activation_gap(self.settings.activation, &a, &z, stack)?;
        Ok(())
    }

    pub(in crate::method) fn account_output(
        &self,
        residual: &Residual<T, S>,
        group: &mut Group<T, S>,
        g: usize,
        start: usize,
        count: usize,
    ) -> Result {
        let Settings { loss, rho, .. } = self.settings;
        let target = self.problem.target.columns(self.partition.group(g).0 + start, count);
        group.terms.risk += loss.value(group.z.columns(start, count), target)?;
        let terms = objective::constraint_terms(
            rho,
            &residual.r.columns(start, count),
            &group.u.columns(start, count),
        )?;
        group.terms.constraint.add(terms);
        Ok(())
    }

    /// `u <- -grad R(z_L)`, where the dual stands after every sweep.
    pub(in crate::method) fn initialize_dual(
        &self,
        group: &mut Group<T, S>,
        g: usize,
        start: usize,
        count: usize,
    ) -> Result {
        let target = self.problem.target.columns(self.partition.group(g).0 + start, count);
        let mut u = group.u.columns_mut(start, count);
        self.settings.loss.gradient(group.z.columns(start, count), target, crate::view::reborrow(&mut u))?;
        for j in 0..count {
            crate::view::column_mut(&mut u, j).iter_mut().for_each(|u| *u = -*u);
        }
        Ok(())
    }
}
