//! The blocks of pdADMM's state: who owns which variable of a layer over a group of samples.

use crate::error::Result;
use crate::loss::OutputReport;
use crate::matrix::{Matrix, Memory};
use crate::method::layer::{Layer, LayerShape};
use crate::objective::CopyTerms;
use crate::real::Real;
use crate::update::input::{Moved, Probe};
use crate::update::sums::SumsShape;
use crate::view::MatRef;

/// A layer's input over a group of samples, and the group's sums.
#[derive(Debug, Clone)]
pub struct Input<T, S> {
    /// `p`, n_in x m; 0 x 0 in the first layer, whose input is the data.
    pub(super) p: Matrix<T, S>,
    pub(super) sums: S,
    pub(super) moved: Moved,
    pub(super) probe: Probe,
}

impl<T: Real, S: Memory<T>> Input<T, S> {
    /// `p`, n_in x m; 0 x 0 in the first layer.
    pub fn p(&self) -> MatRef<'_, T> {
        self.p.view()
    }
}

/// A layer's linear residual over a group of samples.
#[derive(Debug, Clone)]
pub struct Residual<T, S> {
    /// `r = W p + b - z`, n_out x m.
    pub(super) r: Matrix<T, S>,
}

impl<T: Real, S: Memory<T>> Residual<T, S> {
    /// `r = W p + b - z` as it is carried from sweep to sweep, n_out x m.
    pub fn r(&self) -> MatRef<'_, T> {
        self.r.view()
    }
}

/// A layer's outputs over a group of samples.
#[derive(Debug, Clone)]
pub struct Output<T, S> {
    /// `z`, n_out x m.
    pub(super) z: Matrix<T, S>,
    /// `q`, n_out x m; 0 x 0 in the last layer.
    pub(super) q: Matrix<T, S>,
    /// `u`, n_out x m if it is stored, else 0 x 0.
    pub(super) u: Matrix<T, S>,
    pub(super) terms: Terms,
}

impl<T: Real, S: Memory<T>> Output<T, S> {
    /// `z`, n_out x m.
    pub fn z(&self) -> MatRef<'_, T> {
        self.z.view()
    }

    /// `q`, n_out x m; 0 x 0 in the last layer.
    pub fn q(&self) -> MatRef<'_, T> {
        self.q.view()
    }

    /// `u`, n_out x m; 0 x 0 where it is not stored.
    pub fn u(&self) -> MatRef<'_, T> {
        self.u.view()
    }
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

/// Where the dual lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DualStorage {
    /// Nowhere: Lemma 4 gives it from q and z.
    #[default]
    Recovered,
    /// In memory of its own, moved by equation 7. For comparison.
    Stored,
}

/// The state of a run, in memory of the caller's kind.
///
/// Units are ordered layer by layer, and within a layer group by group.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The layers, first to last.
    pub layers: &'a mut [Layer<T, S>],
    /// layers x groups.
    pub inputs: &'a mut [Input<T, S>],
    /// layers x groups.
    pub residuals: &'a mut [Residual<T, S>],
    /// layers x groups.
    pub outputs: &'a mut [Output<T, S>],
}

/// The units of one layer and one group, to be put into the state's lists.
pub type Units<T, S> = (Input<T, S>, Residual<T, S>, Output<T, S>);

/// Makes the units of layer `index` over `m` samples; `allocate(elements)` is called for p, the sums, r, z, q and u.
///
/// # Errors
/// [`Length`](crate::error::Error::Length) if a memory is not as long as asked for.
pub fn units<T: Real, S: Memory<T>>(
    shape: LayerShape,
    first: bool,
    last: bool,
    storage: DualStorage,
    m: usize,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Units<T, S>> {
    let SumsShape { n_out, n_in } = shape.sums;
    let mut matrix = |argument, wanted: bool, rows: usize| {
        let (rows, columns) = if wanted { (rows, m) } else { (0, 0) };
        Matrix::new(argument, allocate(rows * columns), rows, columns)
    };
    let p = matrix("p", !first, n_in)?;
    let r = matrix("r", true, n_out)?;
    let z = matrix("z", true, n_out)?;
    let q = matrix("q", !last, n_out)?;
    let u = matrix("u", !last && storage == DualStorage::Stored, n_out)?;
    let sums = allocate(shape.sums.elements());
    let input = Input { p, sums, moved: Moved::default(), probe: Probe::default() };
    Ok((input, Residual { r }, Output { z, q, u, terms: Terms::default() }))
}
