//! What a phase does to one tile.

use super::variables::{Sizes, Terms};
use crate::activation::Activation;
use crate::error::Result;
use crate::gemm::Gemm;
use crate::loss::Target;
use crate::method::layers::LayerRef;
use crate::method::partition::{tile_of, tile_of_mut};
use crate::method::{Hyperparameters, Partition, Problem};
use crate::objective::{self, CopyTerms, Dual};
use crate::real::Real;
use crate::update::hidden::Proximal;
use crate::update::input::{self, Moved};
use crate::update::{copy, dual, hidden, output};
use crate::view::{MatMut, MatRef, as_ref, columns};
use crate::workspace::Stack;

/// What all units of a phase read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a, T: Real> {
    pub(super) settings: Hyperparameters<T>,
    pub(super) activation: Activation<T>,
    pub(super) problem: Problem<'a, T>,
    pub(super) partition: Partition,
    pub(super) sizes: Sizes<'a, T>,
}

/// z, q and u of a unit, for reading; u is empty where it is not stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output<'v, T> {
    pub(super) n_out: usize,
    pub(super) z: &'v [T],
    pub(super) q: &'v [T],
    pub(super) u: &'v [T],
}

/// The same for writing.
#[derive(Debug)]
pub(super) struct OutputMut<'v, T> {
    pub(super) n_out: usize,
    pub(super) z: &'v mut [T],
    pub(super) q: &'v mut [T],
    pub(super) u: &'v mut [T],
}

impl<T> OutputMut<'_, T> {
    fn read(&self) -> Output<'_, T> {
        let Self { n_out, z, q, u } = self;
        Output { n_out: *n_out, z, q, u }
    }
}

impl<'a, T: Real> Frame<'a, T> {
    /// The number of layers.
    pub(super) fn layers(&self) -> usize {
        self.sizes.units() / self.partition.groups()
    }

    /// z, q and u of a unit.
    pub(super) fn output<'v>(&self, z: &'v [T], q: &'v [T], u: &'v [T], unit: usize) -> Output<'v, T> {
        let of = |all, length| self.sizes.of(all, unit, length);
        Output { n_out: self.sizes.n_out(unit), z: of(z, Sizes::z), q: of(q, Sizes::q), u: of(u, Sizes::u) }
    }

    /// A tile of the input of layer `l`, which has `p` of its own but for the first, whose input is the data.
    pub(super) fn input<'v>(
        &self,
        l: usize,
        p: &'v [T],
        group: usize,
        start: usize,
        count: usize,
    ) -> MatRef<'v, T>
    where
        'a: 'v,
    {
        match l {
            0 => columns(&self.problem.x, self.partition.group(group).0 + start, count),
            _ => tile_of(p, p.len() / self.partition.group(group).1, start, count),
        }
    }

    /// The targets of a tile.
    pub(super) fn target(&self, group: usize, start: usize, count: usize) -> Target<'a, T> {
        self.problem.target.columns(self.partition.group(group).0 + start, count)
    }

    /// The coupling's gradient of equation 1, with the dual stored or recovered.
    pub(super) fn coupling(
        &self,
        below: &Output<'_, T>,
        p: &MatRef<'_, T>,
        start: usize,
        gradient: &mut MatMut<'_, T>,
    ) -> Result {
        let Hyperparameters { nu, rho, .. } = self.settings;
        let tile = |variable| tile_of(variable, below.n_out, start, p.ncols());
        let q = tile(below.q);
        if below.u.is_empty() {
            input::copy_coupling(nu, rho, self.activation, p, &q, &tile(below.z), gradient)
        } else {
            input::dual_coupling(rho, &tile(below.u), p, &q, gradient)
        }
    }

    /// Equation 1 on a tile.
    pub(super) fn step_input<G: Gemm<T>>(
        &self,
        gemm: &G,
        layer: &LayerRef<'_, T>,
        below: &Output<'_, T>,
        start: usize,
        p: &mut MatMut<'_, T>,
        r: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result<Moved> {
        let (weights, prepared) = (layer.weights(), layer.prepared());
        let mut gradient = stack.matrix(p.nrows(), p.ncols())?;
        self.coupling(below, &as_ref(p), start, &mut gradient)?;
        let Hyperparameters { nu, rho, .. } = self.settings;
        input::step(gemm, nu, rho, &weights, prepared, &mut gradient, p, r, stack)
    }

    /// Equations 4, 6 and 7 on a tile of a hidden layer, and its share of the Lagrangian.
    pub(super) fn step_hidden(
        &self,
        p_next: &MatRef<'_, T>,
        start: usize,
        r: &mut MatMut<'_, T>,
        output: &mut OutputMut<'_, T>,
        terms: &mut Terms,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Hyperparameters { nu, rho, .. } = self.settings;
        let (f, rows, count) = (self.activation, output.n_out, r.ncols());
        let stored = !output.u.is_empty();
        let mut recovered = stack.matrix(rows, if stored { 0 } else { count })?;
        let mut z = tile_of_mut(output.z, rows, start, count);
        let mut q = tile_of_mut(output.q, rows, start, count);
        if !stored {
            dual::recover(nu, f, &as_ref(&q), &as_ref(&z), &mut recovered)?;
        }
        terms.z_moved += hidden::step(Proximal::Yes, f, &as_ref(&q), &mut z, r, stack.rest())?;
        let u = if stored { tile_of(output.u, rows, start, count) } else { as_ref(&recovered) };
        terms.q_moved += copy::step(nu, rho, f, p_next, &u, &as_ref(&z), &mut q, stack.rest())?;
        if stored {
            dual::step(rho, p_next, &as_ref(&q), &mut tile_of_mut(output.u, rows, start, count))?;
        }
        terms.copy.add(self.output_terms(&output.read(), p_next, start, stack.rest())?);
        Ok(())
    }

    /// Equation 5 on a tile of the last layer, and its risk.
    pub(super) fn step_output(
        &self,
        target: Target<'_, T>,
        start: usize,
        r: &mut MatMut<'_, T>,
        output: &mut OutputMut<'_, T>,
        terms: &mut Terms,
        stack: Stack<'_, T>,
    ) -> Result {
        let Hyperparameters { nu, loss, solver, .. } = self.settings;
        let mut z = tile_of_mut(output.z, output.n_out, start, r.ncols());
        let solved = output::step(loss, solver, nu, target, &mut z, r, stack)?;
        terms.z_moved += solved.squared;
        terms.report = terms.report.merge(solved.report);
        terms.risk += loss.value(as_ref(&z), target)?;
        Ok(())
    }

    /// A hidden layer's share of the Lagrangian on a tile.
    pub(super) fn output_terms(
        &self,
        output: &Output<'_, T>,
        p_next: &MatRef<'_, T>,
        start: usize,
        stack: Stack<'_, T>,
    ) -> Result<CopyTerms> {
        let tile = |variable| tile_of(variable, output.n_out, start, p_next.ncols());
        let dual = if output.u.is_empty() {
            Dual::Recovered { nu: self.settings.nu }
        } else {
            Dual::Stored(tile(output.u))
        };
        objective::copy_terms(self.activation, dual, &tile(output.q), &tile(output.z), p_next, stack)
    }
}
