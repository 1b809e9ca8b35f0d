//! The state of a run over subnetworks, in memory of the caller's kind.

use core::marker::PhantomData;

use crate::block::Network;
use crate::error::Result;
use crate::matrix::{Matrix, Memory};
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::view::MatRef;

/// A subnetwork's parameters, their gradient, the optimiser's moments, and a copy to go back to.
#[derive(Debug, Clone)]
pub struct Subnetwork<T, S> {
    pub(super) parameters: S,
    pub(super) gradient: S,
    pub(super) first: S,
    pub(super) second: S,
    /// Parameters and moments before the epoch, one after the other; empty without a guard.
    pub(super) kept: S,
    /// Steps taken so far, and before the epoch.
    pub(super) steps: u64,
    pub(super) kept_steps: u64,
    /// Mean cost over the last epoch's batches that was not undone.
    pub(super) cost: f64,
    scalar: PhantomData<T>,
}

/// Elements that a [`Subnetwork`] wants of each memory: parameters, gradient, two moments, the copy.
pub(super) fn lengths<T: Real>(
    network: &Network<'_, T>,
    optimizer: &Optimizer<T>,
    guard: bool,
) -> [usize; 5] {
    let parameters = network.parameters();
    let moment = |index: usize| if optimizer.moments() > index { parameters } else { 0 };
    let kept = if guard { parameters + moment(0) + moment(1) } else { 0 };
    [parameters, parameters, moment(0), moment(1), kept]
}

/// Makes a subnetwork; its parameters are what their memory holds, the moments must be zero. `allocate(elements)` is called
/// for parameters, gradient, both moments and the copy.
pub fn subnetwork<T: Real, S: Memory<T>>(
    network: &Network<'_, T>,
    optimizer: &Optimizer<T>,
    guard: bool,
    allocate: impl FnMut(usize) -> S,
) -> Subnetwork<T, S> {
    let [parameters, gradient, first, second, kept] = lengths(network, optimizer, guard).map(allocate);
    let (steps, kept_steps, cost) = (0, 0, f64::INFINITY);
    Subnetwork { parameters, gradient, first, second, kept, steps, kept_steps, cost, scalar: PhantomData }
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

    /// The gradient of the last step's mean cost.
    pub fn gradient(&self) -> &[T] {
        self.gradient.as_ref()
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
    pub(super) fn reset(&mut self) {
        self.first.as_mut().fill(T::ZERO);
        self.second.as_mut().fill(T::ZERO);
        (self.steps, self.kept_steps, self.cost) = (0, 0, f64::INFINITY);
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
    pub(super) gradient: S,
    pub(super) cost: f64,
    scalar: PhantomData<T>,
}

/// Makes a share; `allocate(elements)` is called for the gradient.
pub fn share<T: Real, S: Memory<T>>(
    network: &Network<'_, T>,
    allocate: impl FnOnce(usize) -> S,
) -> Share<T, S> {
    Share { gradient: allocate(network.parameters()), cost: 0.0, scalar: PhantomData }
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
