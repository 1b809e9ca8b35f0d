//! The executor over rayon: units are dealt out to the pool's workers, each with scratch of its own.
//!
//! What a unit computes does not depend on the worker that computes it, and
//! sums over units are made by the method in their order, so results are the same bits for any number of threads.

use std::sync::{Arc, Mutex};

use altmin_core::executor::{Executor, Units};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

use crate::error;

/// The threads of a run: workers of their own or, if one is enough, the thread that calls.
#[derive(Debug, Clone)]
pub struct Threads {
    workers: Option<Arc<rayon::ThreadPool>>,
}

impl Threads {
    /// So many threads, at least 1.
    ///
    /// # Errors
    /// [`Error::Argument`](error::Error::Argument) (`threads`) if they cannot be had.
    pub fn new(threads: usize) -> error::Result<Self> {
        if threads <= 1 {
            return Ok(Self { workers: None });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("altmin-{index}"))
            .build()
            .map_err(|error| error::Error::argument("threads", threads, error.to_string()))?;
        Ok(Self { workers: Some(Arc::new(pool)) })
    }

    /// Calls `work` on one of the workers, which can deal out units to the others, and waits for it; on the calling thread
    /// if there are none, or if it is one of them.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.workers {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// Runs units on the pool that the caller is in; on the calling thread if it is in none, or made for one thread.
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
        // Made for one thread, it stays off whatever pool the caller may be in.
        if self.scratch.len() > 1 && rayon::current_thread_index().is_some() {
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
