//! Handles share nothing, and go from thread to thread.

use std::thread;

use altmin_ffi::codes::altmin_outcome::Running;
use altmin_ffi::level1::error::altmin_status::Ok as DONE;
use altmin_ffi::settings::altmin_settings;
use altmin_ffi::trainer::{altmin_trainer, altmin_trainer_free};

use crate::support::{begun, bits, small, step};

/// A handle on its way to another thread.
struct Handle(*mut altmin_trainer);
// SAFETY: a handle may be used in any thread, one at a time.
unsafe impl Send for Handle {}

fn stepped(handle: &Handle, n: usize) {
    assert_eq!(step(handle.0, n), (DONE, Running as i32));
}

fn seeded(seed: u64) -> Handle {
    Handle(begun(&altmin_settings { seed, ..small() }))
}

/// Frees the handle and returns its weights.
fn ended(handle: Handle) -> (usize, Vec<u64>) {
    let found = bits(handle.0);
    // SAFETY: nobody uses it any more.
    unsafe { altmin_trainer_free(handle.0) };
    found
}

fn trained(seed: u64) -> (usize, Vec<u64>) {
    let handle = seeded(seed);
    (0..1000).for_each(|_| stepped(&handle, 1));
    ended(handle)
}

#[test]
fn eight_handles_at_once_give_the_bits_of_one_after_the_other() {
    let alone: Vec<_> = (1..=8).map(trained).collect();
    assert!(alone.windows(2).all(|pair| pair[0].1 != pair[1].1));
    let threads: Vec<_> = (1..=8).map(|seed| thread::spawn(move || trained(seed))).collect();
    let at_once: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("a thread")).collect();
    assert!(alone == at_once);
}

#[test]
fn a_handle_goes_from_thread_to_thread() {
    let expected = {
        let handle = seeded(3);
        stepped(&handle, 40);
        ended(handle)
    };
    let mut handle = seeded(3);
    for _ in 0..4 {
        let moved = thread::spawn(move || {
            stepped(&handle, 10);
            handle
        });
        handle = moved.join().expect("a thread");
    }
    assert_eq!(ended(handle), expected);
}
