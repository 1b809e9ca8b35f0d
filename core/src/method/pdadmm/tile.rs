//! What a phase does to one tile.

use super::state::{Input, Output};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::loss::Target;
use crate::matrix::Memory;
use crate::method::layer::Layer;
use crate::method::{Partition, Problem, Settings};
use crate::objective::{self, CopyTerms, Dual};
use crate::real::Real;
use crate::update::hidden::Proximal;
use crate::update::input::{self, Moved};
use crate::update::{copy, dual, hidden, output};
use crate::view::{MatMut, MatRef, as_ref, columns};
use crate::workspace::Stack;

/// A tile of the data.
pub(super) fn data_tile<'a, T: Real>(
    problem: &Problem<'a, T>,
    partition: &Partition,
    group: usize,
    start: usize,
    count: usize,
) -> MatRef<'a, T> {
    columns(&problem.x, partition.group(group).0 + start, count)
}

/// A tile of a layer's input: the data if the layer has no input of its own.
pub(super) fn input_tile<'b, T: Real, S: Memory<T>>(
    problem: &Problem<'b, T>,
    partition: &Partition,
    input: &'b Input<T, S>,
    group: usize,
    start: usize,
    count: usize,
) -> MatRef<'b, T> {
    if input.p.shape().1 == 0 {
        data_tile(problem, partition, group, start, count)
    } else {
        input.p.columns(start, count)
    }
}

/// The coupling's gradient of equation 1, with the dual stored or recovered.
pub(super) fn coupling<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    below: &Output<T, S>,
    p: &MatRef<'_, T>,
    start: usize,
    gradient: &mut MatMut<'_, T>,
) -> Result {
    let Settings { nu, rho, activation, .. } = *settings;
    let count = p.ncols();
    let q = below.q.columns(start, count);
    if below.u.shape().1 == 0 {
        input::copy_coupling(nu, rho, activation, p, &q, &below.z.columns(start, count), gradient)
    } else {
        input::dual_coupling(rho, &below.u.columns(start, count), p, &q, gradient)
    }
}

pub(super) fn step_input<T: Real, S: Memory<T>, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    layer: &Layer<T, S>,
    below: &Output<T, S>,
    input: &mut Input<T, S>,
    start: usize,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Moved> {
    let (weights, prepared) = (layer.weights(), layer.prepared(&settings.steps()));
    let mut p = input.p.columns_mut(start, r.ncols());
    let mut gradient = stack.matrix(p.nrows(), p.ncols())?;
    coupling(settings, below, &as_ref(&p), start, &mut gradient)?;
    input::step(gemm, settings.nu, settings.rho, &weights, prepared, &mut gradient, &mut p, r, stack)
}

/// Equations 4, 6 and 7 on a tile of a hidden layer, and its share of the Lagrangian.
pub(super) fn step_hidden<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    p_next: &MatRef<'_, T>,
    start: usize,
    r: &mut MatMut<'_, T>,
    output: &mut Output<T, S>,
    mut stack: Stack<'_, T>,
) -> Result {
    let Settings { nu, rho, activation, .. } = *settings;
    let count = r.ncols();
    let stored = output.u.shape().1 > 0;
    let mut recovered = stack.matrix(r.nrows(), if stored { 0 } else { count })?;
    let mut z = output.z.columns_mut(start, count);
    let mut q = output.q.columns_mut(start, count);
    if !stored {
        dual::recover(nu, activation, &as_ref(&q), &as_ref(&z), &mut recovered)?;
    }
    output.terms.z_moved += hidden::step(Proximal::Yes, activation, &as_ref(&q), &mut z, r, stack.rest())?;
    let u = if stored { output.u.columns(start, count) } else { as_ref(&recovered) };
    output.terms.q_moved += copy::step(nu, rho, activation, p_next, &u, &as_ref(&z), &mut q, stack.rest())?;
    if stored {
        dual::step(rho, p_next, &as_ref(&q), &mut output.u.columns_mut(start, count))?;
    }
    let terms = output_terms(settings, output, p_next, start, stack.rest())?;
    output.terms.copy.add(terms);
    Ok(())
}

/// Equation 5 on a tile of the last layer, and its risk.
pub(super) fn step_output<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    target: Target<'_, T>,
    start: usize,
    r: &mut MatMut<'_, T>,
    output: &mut Output<T, S>,
    stack: Stack<'_, T>,
) -> Result {
    let Settings { nu, loss, solver, .. } = *settings;
    let mut z = output.z.columns_mut(start, r.ncols());
    let solved = output::step(loss, solver, nu, target, &mut z, r, stack)?;
    output.terms.z_moved += solved.squared;
    output.terms.report = output.terms.report.merge(solved.report);
    output.terms.risk += loss.value(as_ref(&z), target)?;
    Ok(())
}

pub(super) fn output_terms<T: Real, S: Memory<T>>(
    settings: &Settings<T>,
    output: &Output<T, S>,
    p_next: &MatRef<'_, T>,
    start: usize,
    stack: Stack<'_, T>,
) -> Result<CopyTerms> {
    let count = p_next.ncols();
    let dual = if output.u.shape().1 > 0 {
        Dual::Stored(output.u.columns(start, count))
    } else {
        Dual::Recovered { nu: settings.nu }
    };
    let (q, z) = (output.q.columns(start, count), output.z.columns(start, count));
    objective::copy_terms(settings.activation, dual, &q, &z, p_next, stack)
}
