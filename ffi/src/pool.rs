//! Threads that several trainers share.

use std::ffi::c_void;

use altmin::run::executor::Threads;
use altmin_level1::boundary::require_some;
use altmin_level1::error::{CallError, altmin_error, altmin_status};

use crate::boundary::guard;
use crate::threads;

/// Threads for several trainers, by altmin_trainer_use_threads. They work for one trainer at a time, from the beginning of a sweep,
/// an evaluation or a prediction to its end; calls of others wait for that. They end when the handle and all trainers that use
/// them are freed.
#[expect(non_camel_case_types, reason = "C's name of the type")]
#[derive(Debug)]
pub struct altmin_threads(Threads);

impl altmin_threads {
    /// A share in them.
    pub(crate) fn threads(&self) -> Threads {
        self.0.clone()
    }
}

/// Makes threads.
///
/// @param count how many, 1 or more; with 1 there are none, and all work is done by the threads that call
/// @param[out] threads the handle, to be freed with altmin_threads_free; as it was if the call fails
/// @return ALTMIN_STATUS_MEMORY if the system does not have them
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_threads_new(
    count: usize,
    threads: *mut *mut altmin_threads,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            require_some(&[("count", count)])?;
            let threads = memory.required("threads", threads)?;
            let made = threads::new(count)?.shared();
            *threads = Box::into_raw(Box::new(altmin_threads(made)));
            Ok(())
        })
    }
}

/// Starts a thread of the caller's that calls `task(argument)` once and is at its disposal until that returns, which it does when the
/// threads are freed: a thread that is new, or one of a pool that nothing else needs meanwhile. All threads run at the same time, and
/// none may wait for another to have ended. Returns 0; anything else says that there is no such thread, and then nobody may call
/// `task`. It must return, and not by longjmp or an exception.
#[expect(non_camel_case_types, reason = "C's name of the type")]
pub type altmin_start = Option<
    unsafe extern "C" fn(
        task: unsafe extern "C" fn(argument: *mut c_void),
        argument: *mut c_void,
        context: *mut c_void,
    ) -> i32,
>;

/// Makes threads for altmin_trainer_use_threads that the caller starts, so that their names, priorities, processors and
/// stacks are the caller's choice.
///
/// `start` is called `count` times before this returns, or not at all for a count of 1. A stack needs 2 MiB, as altmin_threads_new has it. When the handle and all
/// trainers that use the threads are freed, every `task` has come to its end, and the thread that frees them has waited for that.
///
/// @param count how many, 1 or more; with 1 none is started, and all work is done by the threads that call
/// @param context what `start` is called with
/// @param[out] threads the handle, to be freed with altmin_threads_free; as it was if the call fails
/// @return ALTMIN_STATUS_MEMORY if `start` returns anything but 0: the threads that it had started have then ended their task
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_threads_new_with(
    count: usize,
    start: altmin_start,
    context: *mut c_void,
    threads: *mut *mut altmin_threads,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            require_some(&[("count", count)])?;
            let start = start.ok_or(CallError::Null { argument: "start" })?;
            let threads = memory.required("threads", threads)?;
            let made = threads::started_by(count, threads::Start { start, context })?.shared();
            *threads = Box::into_raw(Box::new(altmin_threads(made)));
            Ok(())
        })
    }
}

/// Frees the handle; trainers that use the threads keep them. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_threads_free(threads: *mut altmin_threads) {
    if !threads.is_null() {
        // SAFETY: it is from altmin_threads_new, and nobody uses it any more, as the caller promises.
        drop(unsafe { Box::from_raw(threads) });
    }
}
