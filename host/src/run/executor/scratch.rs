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
    /// This memory, each worker's, of which there is one at least.
    pub(super) fn new(memory: Vec<Vec<T>>) -> Self {
        Self { workers: memory.into_iter().map(Mutex::new).collect() }
    }

    /// Every worker's, to be made larger.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Vec<T>> {
        self.workers.iter_mut().map(|memory| memory.get_mut().unwrap_or_else(PoisonError::into_inner))
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
