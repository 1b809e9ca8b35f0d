//! Threads that several trainers share.

use altmin::run::executor::Threads;
use altmin_level1::boundary::require_some;
use altmin_level1::error::{altmin_error, altmin_status};

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

/// Frees the handle; trainers that use the threads keep them. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_threads_free(threads: *mut altmin_threads) {
    if !threads.is_null() {
        // SAFETY: it is from altmin_threads_new, and nobody uses it any more, as the caller promises.
        drop(unsafe { Box::from_raw(threads) });
    }
}
