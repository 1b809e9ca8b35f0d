//! Whose turn it is to change a handle, and who frees it.
//!
//! The including module says whose atomics these are, so that a model checker runs this very file.

use super::sync::{AtomicU8, Ordering};

/// A call that changes the handle is at work.
const WORKING: u8 = 1;
/// The handle has been given up; whoever is at work frees it.
const GONE: u8 = 2;

/// The turn of one call at a time, until the handle is given up. Whoever is told so frees what the turn guards: exactly
/// one of all who take and give up, and nobody is at work then.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Bits of [`WORKING`] and [`GONE`].
    bits: AtomicU8,
}

impl Turn {
    /// Nobody's.
    pub(crate) fn new() -> Self {
        Self { bits: AtomicU8::new(0) }
    }

    /// Takes the turn, to be ended with [`end`](Self::end); `false` if somebody else has it. What earlier turns have done
    /// is seen.
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        self.bits.compare_exchange(0, WORKING, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Ends the turn; `true` if what it guards was given up meanwhile, and is now to be freed by who ended it.
    #[must_use]
    pub(crate) fn end(&self) -> bool {
        self.bits.fetch_and(!WORKING, Ordering::AcqRel) & GONE != 0
    }

    /// Gives up what the turn guards; `true` if who gave it up is to free it, `false` if that is left to who is at work.
    #[must_use]
    pub(crate) fn give_up(&self) -> bool {
        self.bits.fetch_or(GONE, Ordering::AcqRel) == 0
    }

    /// Whether what the turn guards has been given up.
    pub(crate) fn is_gone(&self) -> bool {
        self.bits.load(Ordering::Acquire) & GONE != 0
    }
}
