//! Parameters that follow a gradient which groups of samples have added up.

use crate::error::Result;
use crate::executor::{Executor, Units};
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::update::sums::add_slice;

/// Parameters with their gradient and moments, cut into stretches. Moments that the optimiser does not keep are empty.
#[derive(Debug)]
pub(super) struct Stretches<'s, T> {
    pub(super) parameters: &'s mut [T],
    pub(super) gradient: &'s mut [T],
    pub(super) first: &'s mut [T],
    pub(super) second: &'s mut [T],
}

/// Parameters of a stretch: with their gradient and moments, what the nearest cache holds.
const LENGTH: usize = 1 << 13;

impl<T: Real> Stretches<'_, T> {
    /// The parameters before `at` and those from there on.
    pub(super) fn split_at(self, at: usize) -> (Self, Self) {
        let Self { parameters, gradient, first, second } = self;
        let [a, b, c, d] = [parameters, gradient, first, second].map(|slice| {
            let at = at.min(slice.len());
            slice.split_at_mut(at)
        });
        (
            Self { parameters: a.0, gradient: b.0, first: c.0, second: d.0 },
            Self { parameters: a.1, gradient: b.1, first: c.1, second: d.1 },
        )
    }

    /// Adds up the groups' gradients, which `groups` holds one after the other, in their order, and hands each stretch to
    /// `step`, with the place of its first parameter.
    pub(super) fn follow<E: Executor<T>>(
        self,
        executor: &mut E,
        groups: &[T],
        step: impl Fn(usize, Self) -> Result + Sync,
    ) -> Result {
        let parameters = self.parameters.len();
        executor.run(self, |index, stretch: Self, _| {
            let at = index * LENGTH;
            stretch.gradient.fill(T::ZERO);
            for group in groups.chunks_exact(parameters) {
                add_slice(&group[at..][..stretch.gradient.len()], stretch.gradient);
            }
            step(at, stretch)
        })
    }

    /// The `t`-th step of an optimiser.
    pub(super) fn step(self, optimizer: &Optimizer<T>, t: usize) -> Result {
        optimizer.step(t as u64, self.gradient, self.first, self.second, self.parameters)
    }
}

impl<T: Real> Units for Stretches<'_, T> {
    type Unit = Self;

    fn count(&self) -> usize {
        self.parameters.len().div_ceil(LENGTH)
    }

    fn split(self, at: usize) -> (Self, Self) {
        self.split_at(at * LENGTH)
    }

    fn single(self) -> Self {
        self
    }
}
