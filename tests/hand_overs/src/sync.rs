//! What the sources are written over.

use std::cell::Cell;
use std::sync::LockResult;
pub(crate) use std::sync::{PoisonError, TryLockError};

pub(crate) use loom::sync::atomic::{AtomicU8, Ordering};
pub(crate) use loom::sync::{Condvar, MutexGuard};

pub(crate) use crate::pool::join;

/// Units of work, as the core has them.
pub(crate) trait Units: Send + Sized {
    type Unit: Send;
    fn count(&self) -> usize;
    fn split(self, at: usize) -> (Self, Self);
    fn single(self) -> Self::Unit;
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

thread_local! {
    /// Locks that were waited for; loom runs the threads of a model within the one that calls it.
    static WAITED: Cell<usize> = const { Cell::new(0) };
}

/// How many locks have been waited for since this was asked last.
pub(crate) fn waited() -> usize {
    WAITED.take()
}

/// A lock that counts how often it is waited for.
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(loom::sync::Mutex::new(content))
    }

    pub(crate) fn get_mut(&mut self) -> LockResult<&mut T> {
        self.0.get_mut()
    }

    pub(crate) fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }

    pub(crate) fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError<MutexGuard<'_, T>>> {
        self.0.try_lock()
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(error)) => Err(error),
            Err(TryLockError::WouldBlock) => {
                WAITED.set(WAITED.get() + 1);
                self.0.lock()
            }
        }
    }
}
