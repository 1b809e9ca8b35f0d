//! Who runs the pieces of a sweep: one after the other here, many at once in a host.
//!
//! A phase of a method is a function over independent units: samples in groups, layers, or both. The executor runs
//! it for every unit, in any order or all at once, and returns when all are done: that is the barrier between phases.
//! Units share nothing that is written, so the result has the same bits however they are scheduled.

mod chain;
mod owners;
mod pieces;
mod pipeline;
mod spans;
mod transport;

pub use chain::Chain;
pub use owners::{Owners, Readers};
pub use pieces::Pieces;
pub use pipeline::{Lengths, Output, Own, Passed, Pipeline, PipelineMemory, QUEUE, one_by_one};
pub use spans::{Extent, Spans};
pub use transport::{Incoming, Outgoing, Transport};

use crate::error::Result;
use crate::real::Real;
use crate::workspace::Stack;

/// Independent pieces of work that can be dealt out.
pub trait Units: Send + Sized {
    /// One piece.
    type Unit: Send;

    /// How many there are.
    fn count(&self) -> usize;

    /// The first `at` pieces and the others.
    fn split(self, at: usize) -> (Self, Self);

    /// The only piece; called when [`count`](Units::count) is 1.
    fn single(self) -> Self::Unit;
}

/// Disjoint runs of equal length of a mutable slice; the last may be shorter.
#[derive(Debug)]
pub struct Runs<'a, A> {
    slice: &'a mut [A],
    length: usize,
}

impl<'a, A> Runs<'a, A> {
    /// Runs of `length` items.
    ///
    /// # Panics
    /// If `length` is 0.
    pub fn new(slice: &'a mut [A], length: usize) -> Self {
        assert!(length > 0);
        Self { slice, length }
    }
}

impl<'a, A: Send> Units for Runs<'a, A> {
    type Unit = &'a mut [A];

    fn count(&self) -> usize {
        self.slice.len().div_ceil(self.length)
    }

    fn split(self, at: usize) -> (Self, Self) {
        let middle = (at * self.length).min(self.slice.len());
        let (front, back) = self.slice.split_at_mut(middle);
        (Self { slice: front, length: self.length }, Self { slice: back, length: self.length })
    }

    fn single(self) -> &'a mut [A] {
        self.slice
    }
}

impl<'a, A: Send> Units for &'a mut [A] {
    type Unit = &'a mut A;

    fn count(&self) -> usize {
        self.len()
    }

    fn split(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }

    fn single(self) -> &'a mut A {
        &mut self[0]
    }
}

macro_rules! together {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Units),+> Units for ($($name,)+) {
            type Unit = ($($name::Unit,)+);

            fn count(&self) -> usize {
                $(debug_assert_eq!(self.$index.count(), self.0.count());)+
                self.0.count()
            }

            fn split(self, at: usize) -> (Self, Self) {
                let parts = ($(self.$index.split(at),)+);
                (($(parts.$index.0,)+), ($(parts.$index.1,)+))
            }

            fn single(self) -> Self::Unit {
                ($(self.$index.single(),)+)
            }
        }
    };
}

together!(A 0, B 1);
together!(A 0, B 1, C 2);
together!(A 0, B 1, C 2, D 3);
together!(A 0, B 1, C 2, D 3, E 4);
together!(A 0, B 1, C 2, D 3, E 4, F 5);

/// Runs a phase over its units and returns when all are done.
pub trait Executor<T: Real> {
    /// Calls `task(index, unit, scratch)` once for every unit, possibly at the same time on many threads.
    ///
    /// `scratch` holds at least what the executor was made with; its content is undefined.
    ///
    /// # Errors
    /// That of the failed task of the lowest index. Whether the others ran is not said.
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result;

    /// The same where each process of several does the units that it owns alone. Where a run has one process, that does all.
    ///
    /// # Errors
    /// As [`run`](Self::run); those of another process when numbers are next [shared](Self::share_numbers) with all.
    fn run_at<U: Units>(
        &mut self,
        _owners: Owners,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        self.run(units, task)
    }

    /// Tells other processes what units have written into these pieces, a piece a unit.
    ///
    /// # Errors
    /// As [`share_numbers`](Self::share_numbers).
    fn share<L: Fn(usize) -> usize>(
        &mut self,
        _owners: Owners,
        _readers: Readers,
        _pieces: Pieces<'_, T, L>,
    ) -> Result {
        Ok(())
    }

    /// The same for numbers.
    ///
    /// # Errors
    /// Where they are shared with all processes, that of the first phase in which a process failed.
    fn share_numbers<L: Fn(usize) -> usize>(
        &mut self,
        _owners: Owners,
        _readers: Readers,
        _pieces: Pieces<'_, f64, L>,
    ) -> Result {
        Ok(())
    }

    /// Lets all items pass through a pipeline, one after the other or each at another stage.
    ///
    /// # Errors
    /// Of the tasks that failed, that of the lowest item, and of several the lowest stage. Which other ones have run is not
    /// said.
    ///
    /// # Panics
    /// If there is less memory than the stages say.
    fn pipeline<P: Pipeline<T>>(&mut self, pipeline: &P, memory: PipelineMemory<'_, T>) -> Result {
        self.run(&mut [memory][..], |_, memory, stack| one_by_one(pipeline, memory, stack))
    }
}

/// One unit after the other, on the calling thread.
#[derive(Debug)]
pub struct Sequential<'a, T> {
    scratch: &'a mut [T],
}

impl<'a, T: Real> Sequential<'a, T> {
    /// An executor whose tasks share `scratch`.
    pub fn new(scratch: &'a mut [T]) -> Self {
        Self { scratch }
    }
}

impl<T: Real> Executor<T> for Sequential<'_, T> {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let mut rest = units;
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            task(index, first.single(), Stack::new(self.scratch))?;
            rest = others;
        }
        Ok(())
    }
}
