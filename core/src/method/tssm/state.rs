//! The state of a run over subnetworks, in memory of the caller's kind.

use core::marker::PhantomData;

use super::Inner;
use crate::block::Network;
use crate::error::Result;
use crate::matrix::{Matrix, Memory};
use crate::real::Real;
use crate::view::MatRef;

/// A subnetwork's parameters, their gradient or last change, the optimiser's moments or the linear maps' sums, and a copy
/// to go back to.
#[derive(Debug, Clone)]
pub struct Subnetwork<T, S> {
    pub(super) parameters: S,
    /// With proximal sweeps the last change.
    pub(super) gradient: S,
    pub(super) first: S,
    pub(super) second: S,
    /// The sums of a batch; empty with an optimiser.
    pub(super) sums: S,
    /// Parameters and moments before the epoch, one after the other; empty without a guard.
    pub(super) kept: S,
    /// Steps taken so far, and before the epoch.
    pub(super) steps: u64,
    pub(super) kept_steps: u64,
    /// Mean cost over the last epoch's batches that was not undone; with proximal sweeps that of the last batch, before its
    /// step.
    pub(super) cost: f64,
    /// The present nu.
    pub(super) nu: f64,
    /// By how much the last proximal step should lower the cost.
    pub(super) predicted: f64,
    scalar: PhantomData<T>,
}

/// Elements that a [`Subnetwork`] wants of each memory: parameters, gradient, two moments, sums, the copy.
pub(super) fn lengths<T: Real>(network: &Network<'_, T>, inner: &Inner<T>, guard: bool) -> [usize; 6] {
    let parameters = network.parameters();
    let (moments, sums) = match inner {
        Inner::Optimizer(optimizer) => (optimizer.moments(), 0),
        Inner::Proximal { .. } => (0, network.sums()),
    };
    let moment = |index: usize| if moments > index { parameters } else { 0 };
    let kept = if guard { parameters + moment(0) + moment(1) } else { 0 };
    [parameters, parameters, moment(0), moment(1), sums, kept]
}

/// Makes a subnetwork; its parameters are what their memory holds, the moments must be zero. `allocate(elements)` is called
/// for parameters, gradient, both moments, the sums and the copy.
pub fn subnetwork<T: Real, S: Memory<T>>(
    network: &Network<'_, T>,
    inner: &Inner<T>,
    guard: bool,
    allocate: impl FnMut(usize) -> S,
) -> Subnetwork<T, S> {
    let [parameters, gradient, first, second, sums, kept] = lengths(network, inner, guard).map(allocate);
    Subnetwork {
        parameters,
        gradient,
        first,
        second,
        sums,
        kept,
        steps: 0,
        kept_steps: 0,
        cost: f64::INFINITY,
        nu: inner.nu(),
        predicted: 0.0,
        scalar: PhantomData,
    }
}

impl<T: Real, S: Memory<T>> Subnetwork<T, S> {
    /// Weights and biases, as [`Network`] lays them out.
    pub fn parameters(&self) -> &[T] {
        self.parameters.as_ref()
    }

    /// The same, to be set before the state is initialised.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        self.parameters.as_mut()
    }

    /// The present nu of proximal sweeps.
    pub fn nu(&self) -> f64 {
        self.nu
    }

    /// The gradient of the last step's mean cost; with proximal sweeps the change that the last step made.
    pub fn gradient(&self) -> &[T] {
        self.gradient.as_ref()
    }

    /// The optimiser's state, as many as it keeps, the others empty, and the steps that it has made.
    pub fn moments(&self) -> (&[T], &[T], u64) {
        (self.first.as_ref(), self.second.as_ref(), self.steps)
    }

    /// The mean cost that a guard compares the next epoch's with; infinite before the first.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    fn parts(&mut self) -> ([&mut S; 3], &mut S) {
        ([&mut self.parameters, &mut self.first, &mut self.second], &mut self.kept)
    }

    /// Copies parameters and moments, if there is room.
    pub(super) fn keep(&mut self) {
        self.kept_steps = self.steps;
        let (parts, kept) = self.parts();
        let mut rest = kept.as_mut();
        for part in parts {
            let part = part.as_ref();
            let Some((to, after)) = core::mem::take(&mut rest).split_at_mut_checked(part.len()) else {
                return;
            };
            to.copy_from_slice(part);
            rest = after;
        }
    }

    /// Goes back to the copy.
    pub(super) fn undo(&mut self) {
        self.steps = self.kept_steps;
        let (parts, kept) = self.parts();
        let mut rest = kept.as_ref();
        for part in parts {
            let part = part.as_mut();
            let Some((from, after)) = rest.split_at_checked(part.len()) else { return };
            part.copy_from_slice(from);
            rest = after;
        }
    }

    /// Forgets what was learned of the gradients.
    pub(super) fn reset(&mut self, nu: f64) {
        self.first.as_mut().fill(T::ZERO);
        self.second.as_mut().fill(T::ZERO);
        (self.steps, self.kept_steps, self.cost) = (0, 0, f64::INFINITY);
        (self.nu, self.predicted) = (nu, 0.0);
    }
}

/// What lies between two subnetworks, over all samples: the input p of the one above, and for gsADMM the output q of the
/// one below and the dual u of `p = q`; features x M each.
#[derive(Debug, Clone)]
pub struct Interface<T, S> {
    pub(super) p: Matrix<T, S>,
    pub(super) q: Matrix<T, S>,
    pub(super) u: Matrix<T, S>,
}

/// Makes an interface of so many features over m samples; `allocate(elements)` is called for p, q and u, the latter two
/// with 0 where `dual` is false (gsAM).
///
/// # Errors
/// [`Length`](crate::error::Error::Length) if a memory is not as long as asked for.
pub fn interface<T: Real, S: Memory<T>>(
    features: usize,
    m: usize,
    dual: bool,
    mut allocate: impl FnMut(usize) -> S,
) -> Result<Interface<T, S>> {
    let p = Matrix::new("p", allocate(features * m), features, m)?;
    let m = if dual { m } else { 0 };
    let q = Matrix::new("q", allocate(features * m), features, m)?;
    Ok(Interface { p, q, u: Matrix::new("u", allocate(features * m), features, m)? })
}

impl<T: Real, S: Memory<T>> Interface<T, S> {
    /// The input of the subnetwork above.
    pub fn p(&self) -> MatRef<'_, T> {
        self.p.view()
    }

    /// The output of the subnetwork below.
    pub fn q(&self) -> MatRef<'_, T> {
        self.q.view()
    }

    /// The dual of `p = q`.
    pub fn u(&self) -> MatRef<'_, T> {
        self.u.view()
    }
}

/// What a group of a mini-batch leaves of a subnetwork.
#[derive(Debug, Clone)]
pub struct Share<T, S> {
    /// The gradient, or the linear maps' sums.
    pub(super) sums: S,
    pub(super) cost: f64,
    scalar: PhantomData<T>,
}

/// Elements that a [`Share`] wants.
pub(super) fn share_length<T: Real>(network: &Network<'_, T>, inner: &Inner<T>) -> usize {
    match inner {
        Inner::Optimizer(_) => network.parameters(),
        Inner::Proximal { .. } => network.sums(),
    }
}

/// Makes a share; `allocate(elements)` is called for the gradient, or the linear maps' sums.
pub fn share<T: Real, S: Memory<T>>(
    network: &Network<'_, T>,
    inner: &Inner<T>,
    allocate: impl FnOnce(usize) -> S,
) -> Share<T, S> {
    Share { sums: allocate(share_length(network, inner)), cost: 0.0, scalar: PhantomData }
}

/// What a tile of samples adds to the report of an epoch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
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

impl Terms {
    pub(super) fn add(&mut self, other: Self) {
        self.risk += other.risk;
        self.relaxation += other.relaxation;
        self.coupling += other.coupling;
        self.gap += other.gap;
        self.moved += other.moved;
    }
}

/// The state of a run.
#[derive(Debug)]
pub struct State<'a, T, S> {
    /// The subnetworks, first to last: n of them.
    pub subnetworks: &'a mut [Subnetwork<T, S>],
    /// What lies between them: n - 1.
    pub interfaces: &'a mut [Interface<T, S>],
    /// n x groups of a mini-batch, subnetwork by subnetwork.
    pub shares: &'a mut [Share<T, S>],
    /// One for each tile of all samples.
    pub terms: &'a mut [Terms],
}
