//! The blocks of DLAM's state: the variables of a group of samples.

use crate::error::Result;
use crate::loss::OutputReport;
use crate::matrix::{Matrix, Memory};
use crate::method::layer::{Layer, LayerShape, Momentum};
use crate::real::Real;
use crate::update::interval::search::Lengths;
use crate::view::MatRef;

/// A hidden layer's variables over a group of samples.
#[derive(Debug, Clone)]
pub struct Hidden<T, S> {
    pub(super) a: Matrix<T, S>,
    pub(super) z: Matrix<T, S>,
    pub(super) a_before: Before<T, S>,
    pub(super) z_before: Before<T, S>,
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

/// What a variable was before its last step, and the momentum t of each sample; of no columns without extrapolation.
#[derive(Debug, Clone)]
pub(super) struct Before<T, S> {
    pub(super) value: Matrix<T, S>,
    pub(super) t: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Before<T, S> {
    fn new(accelerate: bool, rows: usize, m: usize, allocate: &mut impl FnMut(usize) -> S) -> Result<Self> {
        let columns = if accelerate { m } else { 0 };
        let value = Matrix::new("before", allocate(rows * columns), rows, columns)?;
        Ok(Self { value, t: Matrix::new("t", allocate(columns), 1, columns)? })
    }

    /// At rest, where `variable` stands.
    pub(super) fn start(&mut self, variable: &Matrix<T, S>) {
        let value = self.value.as_mut_slice();
        let length = value.len();
        value.copy_from_slice(&variable.as_slice()[..length]);
        self.t.as_mut_slice().fill(T::ONE);
    }

    /// The number of samples that it holds.
    pub(super) fn columns(&self) -> usize {
        self.value.shape().1
    }
}

/// A layer's linear residual over a group of samples.
#[derive(Debug, Clone)]
pub struct Residual<T, S> {
    pub(super) r: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Residual<T, S> {
    /// `r = W a + b - z` as it is carried from sweep to sweep, n_out x m.
    pub fn r(&self) -> MatRef<'_, T> {
        self.r.view()
    }
}

/// The last layer's variable over a group of samples, the group's sums, and its accounts.
#[derive(Debug, Clone)]
pub struct Group<T, S> {
    pub(super) z: Matrix<T, S>,
    pub(super) z_before: Before<T, S>,
    /// Sums of the layer at work: as long as the largest layer's.
    pub(super) sums: S,
    pub(super) lengths: Lengths,
    pub(super) terms: Terms,
}

impl<T: Real, S: Memory<T>> Group<T, S> {
    /// `z_L`, n_L x m.
    pub fn z(&self) -> MatRef<'_, T> {
        self.z.view()
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    /// `sum |r|^2` over all layers.
    pub(super) linear: f64,
    pub(super) risk: f64,
    /// What the activations' steps promised.
    pub(super) promised: f64,
    /// `sum |dz|^2` of the steps, over all layers.
    pub(super) stepped: f64,
    /// `sum |z - z_before|^2` of the sweep, over all layers.
    pub(super) moved: f64,
    pub(super) trials: usize,
    pub(super) violation: f64,
    pub(super) entries: usize,
    pub(super) projected: f64,
    pub(super) report: OutputReport,
}

/// The state of a run, in memory of the caller's kind.
///
/// Units are ordered group by group, and within a group layer by layer.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The layers, first to last.
    pub layers: &'a mut [Layer<T, S>],
    /// One for each layer with `accelerate`, else none.
    pub momentum: &'a mut [Momentum<T, S>],
    /// groups x (layers - 1).
    pub hidden: &'a mut [Hidden<T, S>],
    /// groups x layers.
    pub residuals: &'a mut [Residual<T, S>],
    /// groups.
    pub groups: &'a mut [Group<T, S>],
}

/// Makes the variables of a hidden layer over `m` samples; `allocate(elements)` is called for a, z, and, of no elements
/// without `accelerate`, for what both were before and their momentum (n_out m, m, n_out m, m).
///
/// # Errors
/// [`Length`](crate::error::Error::Length) if a memory is not as long as asked for.
pub fn hidden<T: Real, S: Memory<T>>(
    accelerate: bool,
    n_out: usize,
    m: usize,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Hidden<T, S>> {
    let (a, z) = (allocate(n_out * m), allocate(n_out * m));
    Ok(Hidden {
        a: Matrix::new("a", a, n_out, m)?,
        z: Matrix::new("z", z, n_out, m)?,
        a_before: Before::new(accelerate, n_out, m, &mut allocate)?,
        z_before: Before::new(accelerate, n_out, m, &mut allocate)?,
    })
}

/// Makes the residual of a layer over `m` samples; errors as [`hidden()`].
pub fn residual<T: Real, S: Memory<T>>(
    n_out: usize,
    m: usize,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Residual<T, S>> {
    Ok(Residual { r: Matrix::new("r", allocate(n_out * m), n_out, m)? })
}

/// Makes what a group of `m` samples has once: z_L, what it was before and its momentum (of no elements without
/// `accelerate`), and sums as long as the largest layer's; errors as [`hidden()`].
pub fn group<T: Real, S: Memory<T>>(
    accelerate: bool,
    n_last: usize,
    m: usize,
    layers: impl Iterator<Item = LayerShape>,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Group<T, S>> {
    let sums = layers.map(|layer| layer.sums.elements()).max().unwrap_or(0);
    let z = Matrix::new("z", allocate(n_last * m), n_last, m)?;
    let z_before = Before::new(accelerate, n_last, m, &mut allocate)?;
    let (lengths, terms) = (Lengths::default(), Terms::default());
    Ok(Group { z, z_before, sums: allocate(sums), lengths, terms })
}
