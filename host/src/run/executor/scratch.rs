//! Memory for each worker of a pool.
//!
//! The including module says whose locks these are, so that a model checker runs this very file.

use super::sync::{Mutex, PoisonError};

/// Scratch of every worker. One unit at a time has a worker's, and what it leaves there means nothing to the next.
#[derive(Debug)]
pub(super) struct Scratch<T> {
    workers: Vec<Mutex<Vec<T>>>,
}

impl<T: Copy> Scratch<T> {
    /// Room for `elements` of `zero` for each of `workers`, at least for one.
    pub(super) fn new(workers: usize, elements: usize, zero: T) -> Self {
        let worker = || Mutex::new(vec![zero; elements]);
        Self { workers: (0..workers.max(1)).map(|_| worker()).collect() }
    }

    /// Makes sure that each worker has room for `elements`, which may allocate.
    pub(super) fn reserve(&mut self, elements: usize, zero: T) {
        for memory in &mut self.workers {
            let memory = memory.get_mut().unwrap_or_else(PoisonError::into_inner);
            if memory.len() < elements {
                memory.resize(elements, zero);
            }
        }
    }

    /// For how many workers there is scratch.
    pub(super) fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Calls `work` with a worker's scratch. Workers above the number there are share with others, and wait for them; else a
    /// worker runs one unit at a time, so that the lock is never waited for.
    pub(super) fn with<R>(&self, worker: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
        // A unit that panicked left only scratch behind.
        let memory = &self.workers[worker % self.workers.len()];
        work(&mut memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
