//! The executor over rayon: units are dealt out to the pool's workers, each with scratch of its own.
//!
//! The pool is entered once for a whole run. What a unit computes does not depend on the worker that computes it, and
//! sums over units are made by the method in their order, so results are the same bits for any number of threads.

use std::sync::Mutex;

use altmin_core::executor::{Executor, Units};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// Runs units on the pool that the caller is in; on the calling thread if it is in none.
#[derive(Debug)]
pub struct Parallel<T> {
    scratch: Vec<Mutex<Vec<T>>>,
}

impl<T: Real> Parallel<T> {
    /// An executor for a pool of `threads` workers with `scratch` for each.
    pub fn new(threads: usize, scratch: Requirement) -> Self {
        let worker = || Mutex::new(vec![T::ZERO; scratch.elements()]);
        Self { scratch: (0..threads.max(1)).map(|_| worker()).collect() }
    }

    /// Makes sure that each worker has `scratch`, which may allocate.
    pub fn reserve(&mut self, scratch: Requirement) {
        for memory in &mut self.scratch {
            let memory = memory.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            if memory.len() < scratch.elements() {
                memory.resize(scratch.elements(), T::ZERO);
            }
        }
    }

    fn unit<U: Units>(
        &self,
        index: usize,
        units: U,
        task: &(impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync),
    ) -> Result {
        let worker = rayon::current_thread_index().unwrap_or(0) % self.scratch.len();
        // A worker runs one unit at a time, so the lock is never waited for; a unit that panicked left only scratch behind.
        let mut scratch = self.scratch[worker].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        task(index, units.single(), Stack::new(&mut scratch))
    }

    fn halves<U: Units>(
        &self,
        first: usize,
        units: U,
        task: &(impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync),
    ) -> Result {
        match units.count() {
            0 => Ok(()),
            1 => self.unit(first, units, task),
            count => {
                let (front, back) = units.split(count / 2);
                let (front, back) = rayon::join(
                    || self.halves(first, front, task),
                    || self.halves(first + count / 2, back, task),
                );
                front.and(back)
            }
        }
    }
}

impl<T: Real> Executor<T> for Parallel<T> {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        if rayon::current_thread_index().is_some() {
            return self.halves(0, units, &task);
        }
        let mut rest = units;
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            self.unit(index, first, &task)?;
            rest = others;
        }
        Ok(())
    }
}
