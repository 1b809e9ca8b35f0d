//! The blocks of dlADMM's state: the variables of a group of samples.

use crate::error::Result;
use crate::loss::OutputReport;
use crate::matrix::{Matrix, Memory};
use crate::method::layer::{Layer, LayerShape};
use crate::objective::ConstraintTerms;
use crate::real::Real;
use crate::update::input::Probe;
use crate::view::MatRef;

/// A hidden layer's variables over a group of samples.
#[derive(Debug, Clone)]
pub struct Hidden<T, S> {
    /// `a`, n_out x m.
    pub(in crate::method) a: Matrix<T, S>,
    /// `z`, n_out x m.
    pub(in crate::method) z: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Hidden<T, S> {
    /// `a`, n_out x m.
    pub fn a(&self) -> MatRef<'_, T> {
        self.a.view()
    }

    /// `z`, n_out x m.
    pub fn z(&self) -> MatRef<'_, T> {
        self.z.view()
    }
}

/// A layer's linear residual over a group of samples; shifted by `u/rho` in the last.
#[derive(Debug, Clone)]
pub struct Residual<T, S> {
    /// n_out x m.
    pub(in crate::method) r: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Residual<T, S> {
    /// `r = W a + b - z` as it is carried from sweep to sweep, minus `u/rho` in the last layer; n_out x m.
    pub fn r(&self) -> MatRef<'_, T> {
        self.r.view()
    }
}

/// The last layer's variables over a group of samples, the group's sums, and its accounts.
#[derive(Debug, Clone)]
pub struct Group<T, S> {
    /// `z_L`, n_L x m.
    pub(in crate::method) z: Matrix<T, S>,
    /// `z_L` at the beginning of the sweep.
    pub(in crate::method) before: Matrix<T, S>,
    /// `u`, n_L x m.
    pub(in crate::method) u: Matrix<T, S>,
    /// Sums of the layer at work: as long as the largest layer's.
    pub(in crate::method) sums: S,
    pub(in crate::method) probe: Probe,
    pub(in crate::method) terms: Terms,
}

impl<T: Real, S: Memory<T>> Group<T, S> {
    /// `z_L`, n_L x m.
    pub fn z(&self) -> MatRef<'_, T> {
        self.z.view()
    }

    /// `u`, n_L x m.
    pub fn u(&self) -> MatRef<'_, T> {
        self.u.view()
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(in crate::method) struct Terms {
    pub(in crate::method) linear: f64,
    pub(in crate::method) activation: f64,
    pub(in crate::method) constraint: ConstraintTerms,
    pub(in crate::method) risk: f64,
    pub(in crate::method) input_promised: f64,
    pub(in crate::method) output_moved: f64,
    pub(in crate::method) sweep_moved: f64,
    pub(in crate::method) report: OutputReport,
}

/// The state of a run, in memory of the caller's kind.
///
/// Units are ordered group by group, and within a group layer by layer.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The layers, first to last.
    pub layers: &'a mut [Layer<T, S>],
    /// groups x (layers - 1).
    pub hidden: &'a mut [Hidden<T, S>],
    /// groups x layers.
    pub residuals: &'a mut [Residual<T, S>],
    /// groups.
    pub groups: &'a mut [Group<T, S>],
}

/// Makes the variables of a hidden layer over `m` samples; `allocate(elements)` is called for a and z.
///
/// # Errors
/// [`Length`](crate::error::Error::Length) if a memory is not as long as asked for.
pub fn hidden<T: Real, S: Memory<T>>(
    n_out: usize,
    m: usize,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Hidden<T, S>> {
    let a = Matrix::new("a", allocate(n_out * m), n_out, m)?;
    Ok(Hidden { a, z: Matrix::new("z", allocate(n_out * m), n_out, m)? })
}

/// Makes the residual of a layer over `m` samples; errors as [`hidden()`].
pub fn residual<T: Real, S: Memory<T>>(
    n_out: usize,
    m: usize,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Residual<T, S>> {
    Ok(Residual { r: Matrix::new("r", allocate(n_out * m), n_out, m)? })
}

/// Makes what a group of `m` samples has once: z_L twice, u, and sums as long as the largest layer's; errors as
/// [`hidden()`].
pub fn group<T: Real, S: Memory<T>>(
    n_last: usize,
    m: usize,
    layers: impl Iterator<Item = LayerShape>,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Group<T, S>> {
    let sums = layers.map(|layer| layer.sums.elements()).max().unwrap_or(0);
    let mut matrix = |argument| Matrix::new(argument, allocate(n_last * m), n_last, m);
    let (z, before, u) = (matrix("z")?, matrix("z before")?, matrix("u")?);
    Ok(Group { z, before, u, sums: allocate(sums), probe: Probe::default(), terms: Terms::default() })
}
