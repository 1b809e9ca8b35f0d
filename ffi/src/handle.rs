//! Who may use a handle and when: one call that changes it at a time, any number that only read.

mod turn;

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use altmin_level1::boundary::Memory;
use altmin_level1::error::{StatusError, altmin_error, altmin_status};

use crate::boundary::{Error, Result, caught};
use crate::reserve;
use crate::session::Session;
use turn::Turn;

/// What [`turn`] is written over.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU8, Ordering};
}

/// A network in training: settings, data, weights, and all that a method carries from sweep to sweep. Handles share nothing
/// and may be used in any thread.
///
/// Functions that take a const handle read it alone and may be called from several threads at once, and from the
/// observer, as altmin_trainer_evaluate and _predict may from there. All others need the handle alone: while one is at work, another one returns ALTMIN_STATUS_BUSY and does nothing.
/// A const call returns ALTMIN_STATUS_BUSY too while a sweep, or another change, is being made; it never waits.
/// altmin_trainer_stop may be called whenever the handle lives.
///
/// Every failed call leaves its outputs and the handle as they were. Only ALTMIN_STATUS_PANIC does not, which tells of a
/// defect of the library: from then on every call but altmin_trainer_error and altmin_trainer_free returns
/// ALTMIN_STATUS_POISONED.
#[expect(non_camel_case_types, reason = "C's name of the type")]
#[derive(Debug)]
pub struct altmin_trainer {
    turn: Turn,
    poisoned: AtomicBool,
    stop: AtomicBool,
    /// Of the last call that failed.
    failure: Mutex<altmin_error>,
    session: RwLock<Session>,
}

/// The right to change a handle, of one call at a time.
pub(crate) struct Exclusive<'h>(&'h altmin_trainer);

thread_local! {
    /// The observers' calls that this thread is in, the innermost one.
    static INSIDE: Cell<*const Inside> = const { Cell::new(ptr::null()) };
}

/// An observer's call, on the stack of the thread that makes it.
struct Inside {
    handle: *const altmin_trainer,
    outer: *const Inside,
}

/// Whether this thread is in the handle's observer.
fn is_inside(handle: &altmin_trainer) -> bool {
    let mut next = INSIDE.get();
    // SAFETY: each of them is on the stack of a call that has not returned.
    while let Some(inside) = unsafe { next.as_ref() } {
        if ptr::eq(inside.handle, handle) {
            return true;
        }
        next = inside.outer;
    }
    false
}

impl<'h> Exclusive<'h> {
    /// Calls the handle's observer: what it calls in its turn knows where it is.
    pub(crate) fn inside<R>(&self, observer: impl FnOnce() -> R) -> R {
        struct Restore(*const Inside);
        impl Drop for Restore {
            fn drop(&mut self) {
                INSIDE.set(self.0);
            }
        }
        let inside = Inside { handle: self.0, outer: INSIDE.get() };
        let _restore = Restore(inside.outer);
        INSIDE.set(&raw const inside);
        observer()
    }

    /// What the handle holds, for others as soon as this is dropped. Calls that only read are waited for.
    pub(crate) fn session(&self) -> RwLockWriteGuard<'h, Session> {
        self.0.session.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody has asked for an end since the last time that this was asked.
    pub(crate) fn take_stop(&self) -> bool {
        self.0.stop.swap(false, Ordering::Relaxed) || self.is_gone()
    }

    /// Whether the handle has been given up.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.turn.is_gone()
    }
}

impl altmin_trainer {
    /// A handle that waits for its first call, on the heap.
    pub(crate) fn new(session: Session) -> *mut Self {
        Box::into_raw(Box::new(Self {
            turn: Turn::new(),
            poisoned: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            failure: Mutex::new(altmin_error::new(altmin_status::Ok, &"")),
            session: RwLock::new(session),
        }))
    }

    /// Asks the call at work, or the next one, for an end.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Status and message of the last call that failed; those of success if none has.
    pub(crate) fn last_failure(&self) -> altmin_error {
        *self.failure()
    }

    fn failure(&self) -> MutexGuard<'_, altmin_error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn require_sound(&self) -> Result {
        if self.poisoned.load(Ordering::Acquire) { Err(Error::Poisoned) } else { Ok(()) }
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, Session>> {
        match self.session.try_read() {
            Ok(session) => Ok(session),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
            Err(TryLockError::Poisoned(_)) => Err(Error::Poisoned),
        }
    }

    /// The status of a result; keeps its message.
    fn report(&self, result: &Result) -> altmin_status {
        let Err(error) = result else { return altmin_status::Ok };
        if matches!(error, Error::Panic(_)) {
            self.poisoned.store(true, Ordering::Release);
        }
        // Some errors take memory to be said.
        let said = if reserve::require().is_ok() { error } else { &Error::Short };
        *self.failure() = altmin_error::new(error.status(), said);
        error.status()
    }
}

/// Runs a call that needs the handle alone.
///
/// # Safety
/// As the crate's documentation says of every handle.
pub(crate) unsafe fn exclusive(
    trainer: *mut altmin_trainer,
    call: impl FnOnce(Exclusive<'_>, &mut Memory) -> Result,
) -> altmin_status {
    // SAFETY: NULL or alive, as the caller promises; alive until its turn ends below.
    let Some(handle) = (unsafe { trainer.as_ref() }) else { return altmin_status::Null };
    if !handle.turn.take() {
        return handle.report(&Err(Error::Busy));
    }
    let result =
        handle.require_sound().and_then(|()| caught(|| call(Exclusive(handle), &mut Memory::default())));
    let status = handle.report(&result);
    if handle.turn.end() {
        // SAFETY: it is from `new`, and who gave it up has left it to this call.
        drop(unsafe { Box::from_raw(trainer) });
    }
    status
}

/// Runs a call that needs the handle alone but leaves it as it is: also in the handle's observer, which stands between two sweeps.
///
/// # Safety
/// As the crate's documentation says of every handle.
pub(crate) unsafe fn using(
    trainer: *mut altmin_trainer,
    call: impl FnOnce(Exclusive<'_>, &mut Memory) -> Result,
) -> altmin_status {
    // SAFETY: NULL or alive, as the caller promises; in the observer until the step that calls it has returned.
    match unsafe { trainer.as_ref() } {
        Some(handle) if is_inside(handle) => {
            let result = handle
                .require_sound()
                .and_then(|()| caught(|| call(Exclusive(handle), &mut Memory::default())));
            handle.report(&result)
        }
        // SAFETY: the caller's promise is this function's.
        _ => unsafe { exclusive(trainer, call) },
    }
}

/// Runs a call that only reads.
///
/// # Safety
/// As the crate's documentation says of every handle.
pub(crate) unsafe fn reading(
    trainer: *const altmin_trainer,
    call: impl FnOnce(&Session, &mut Memory) -> Result,
) -> altmin_status {
    // SAFETY: NULL or alive, as the caller promises.
    let Some(handle) = (unsafe { trainer.as_ref() }) else { return altmin_status::Null };
    let result = handle.require_sound().and_then(|()| {
        let session = handle.read()?;
        caught(|| call(&session, &mut Memory::default()))
    });
    handle.report(&result)
}

/// Frees the handle, or leaves that to the call at work.
///
/// # Safety
/// As the crate's documentation says of every handle.
pub(crate) unsafe fn free(trainer: *mut altmin_trainer) {
    // SAFETY: NULL or alive, as the caller promises.
    let Some(handle) = (unsafe { trainer.as_ref() }) else { return };
    if handle.turn.give_up() {
        // SAFETY: it is from `new`, and nobody is at work on it.
        drop(unsafe { Box::from_raw(trainer) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    use altmin::settings::TrainOptions;

    fn handle() -> *mut altmin_trainer {
        let options = TrainOptions { threads: Some(1), ..TrainOptions::default() };
        altmin_trainer::new(Session::new(options.resolve().expect("defaults"), None, None))
    }

    fn message(handle: *const altmin_trainer) -> String {
        // SAFETY: the handle lives, and messages end with a 0.
        let error = unsafe { (*handle).last_failure() };
        unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_str().expect("UTF-8").to_owned()
    }

    #[test]
    fn a_panic_poisons_the_handle_but_for_its_message() {
        for changes in [true, false] {
            let trainer = handle();
            // SAFETY: the handle lives until it is freed.
            unsafe {
                let status = match changes {
                    true => exclusive(trainer, |_, _| panic!("on {}", "purpose")),
                    false => reading(trainer, |_, _| panic!("on {}", "purpose")),
                };
                assert_eq!(status, altmin_status::Panic);
                assert!(message(trainer).contains("on purpose"), "{}", message(trainer));
                for _ in 0..2 {
                    assert_eq!(exclusive(trainer, |_, _| Ok(())), altmin_status::Poisoned);
                    assert_eq!(reading(trainer, |_, _| Ok(())), altmin_status::Poisoned);
                    assert!(message(trainer).contains("earlier failure"));
                }
                free(trainer);
            }
        }
    }

    #[test]
    fn a_panic_while_the_session_is_changed_poisons_too() {
        let trainer = handle();
        // SAFETY: the handle lives until it is freed.
        unsafe {
            let status = exclusive(trainer, |turn, _| {
                let _session = turn.session();
                panic!("half-way")
            });
            assert_eq!(status, altmin_status::Panic);
            assert_eq!(reading(trainer, |_, _| Ok(())), altmin_status::Poisoned);
            free(trainer);
        }
    }

    #[test]
    fn a_handle_given_up_at_work_is_freed_when_the_work_is_over() {
        let trainer = handle();
        // SAFETY: the handle lives until the outer call has ended.
        unsafe {
            let status = exclusive(trainer, |turn, _| {
                assert!(!turn.is_gone());
                free(trainer);
                free(trainer);
                assert!(turn.is_gone() && turn.take_stop());
                assert_eq!(reading(trainer, |_, _| Ok(())), altmin_status::Ok);
                assert_eq!(exclusive(trainer, |_, _| Ok(())), altmin_status::Busy);
                Ok(())
            });
            assert_eq!(status, altmin_status::Ok);
        }
    }

    #[test]
    fn the_last_failure_stays_whatever_succeeds_after_it() {
        let trainer = handle();
        // SAFETY: the handle lives until it is freed.
        unsafe {
            assert_eq!(message(trainer), "");
            assert_eq!(reading(trainer, |_, _| Err(Error::NoData)), altmin_status::State);
            let first = (*trainer).last_failure();
            assert_eq!(first.status, altmin_status::State);
            assert_eq!(reading(trainer, |_, _| Ok(())), altmin_status::Ok);
            assert_eq!((*trainer).last_failure().message, first.message);
            assert_eq!(reading(trainer, |_, _| Err(Error::Busy)), altmin_status::Busy);
            assert_ne!((*trainer).last_failure().message, first.message);
            assert_eq!(exclusive(trainer, |_, _| Ok(())), altmin_status::Ok);
            assert_eq!((*trainer).last_failure().status, altmin_status::Busy);
            free(trainer);
        }
    }

    /// What one thread reads is a whole message, whatever others fail and change meanwhile.
    #[test]
    fn a_failure_is_read_whole_while_others_fail() {
        struct Shared(*mut altmin_trainer);
        // SAFETY: the functions of a handle may be called from any thread.
        unsafe impl Sync for Shared {}
        let trainer = Shared(handle());
        let trainer = &trainer;
        std::thread::scope(|scope| {
            for change in [true, false, true] {
                scope.spawn(move || {
                    for round in 0..2000 {
                        // SAFETY: the handle lives until all threads have ended.
                        unsafe {
                            let error = || Err(if round % 2 == 0 { Error::NoData } else { Error::Busy });
                            match change {
                                true => exclusive(trainer.0, |_, _| error()),
                                false => reading(trainer.0, |_, _| error()),
                            };
                        }
                    }
                });
            }
            for _ in 0..2000 {
                let message = message(trainer.0);
                let texts = [Error::NoData, Error::Busy].map(|error| error.to_string());
                assert!(message.is_empty() || texts.contains(&message), "{message}");
            }
        });
        // SAFETY: nobody uses it any more.
        unsafe { free(trainer.0) };
    }
}
