//! Outcomes, observers, stops, options, and the end of a handle.

use std::ffi::{CString, c_void};
use std::ptr;
use std::thread;

use altmin::settings::{Method, TrainOptions, Widths};
use altmin_core::Choice;
use altmin_ffi::codes::altmin_outcome as outcome;
use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::model::{altmin_model_free, altmin_model_load_from};
use altmin_ffi::observer::altmin_metrics;
use altmin_ffi::settings::altmin_settings;
use altmin_ffi::trainer::checkpoint::*;
use altmin_ffi::trainer::weights::{
    altmin_trainer_load, altmin_trainer_save, altmin_trainer_save_to, altmin_trainer_set_weights_f64,
};
use altmin_ffi::trainer::*;

use crate::support::{append, begun, bits, c_path, file, info, last_error, small, step};

const RUNNING: (status, i32) = (status::Ok, outcome::Running as i32);
const STOPPED: (status, i32) = (status::Ok, outcome::Stopped as i32);

fn free(trainer: *mut altmin_trainer) {
    // SAFETY: nobody uses it any more.
    unsafe { altmin_trainer_free(trainer) };
}

fn watch(
    trainer: *mut altmin_trainer,
    observer: altmin_ffi::observer::altmin_observer,
    context: *mut c_void,
) {
    // SAFETY: the observers here suit their contexts.
    unsafe { assert_eq!(altmin_trainer_set_observer(trainer, observer, context), status::Ok) };
}

/// Weights after so many sweeps in one call.
fn after(sweeps: usize) -> (usize, Vec<u64>) {
    let trainer = begun(&small());
    assert_eq!(step(trainer, sweeps), RUNNING);
    let found = bits(trainer);
    free(trainer);
    found
}

unsafe extern "C" fn stop_at_once(metrics: *const altmin_metrics, calls: *mut c_void) -> i32 {
    // SAFETY: the context is the number of calls.
    unsafe {
        let calls = calls.cast::<usize>();
        *calls += 1;
        assert_eq!((*metrics).sweep, *calls);
        assert_eq!((*metrics).struct_size, size_of::<altmin_metrics>());
        assert!((*metrics).loss.is_finite() && (*metrics).test_accuracy.is_nan());
    }
    1
}

#[test]
fn an_observer_that_stops_at_once_stops_after_each_sweep() {
    let (trainer, mut calls) = (begun(&small()), 0usize);
    watch(trainer, Some(stop_at_once), (&raw mut calls).cast());
    for sweeps in 1..=3 {
        assert_eq!(step(trainer, 5), STOPPED);
        assert_eq!((calls, info(trainer).sweeps), (sweeps, sweeps));
    }
    watch(trainer, None, ptr::null_mut());
    assert_eq!(step(trainer, 2), RUNNING);
    assert_eq!((calls, bits(trainer)), (3, after(5)));
    free(trainer);
}

/// What an observer tries, and what it was answered.
struct Inside {
    trainer: *mut altmin_trainer,
    path: CString,
    changing: Vec<status>,
    message: String,
    reading: Vec<status>,
    sweeps: usize,
}

unsafe extern "C" fn call_from_inside(_: *const altmin_metrics, context: *mut c_void) -> i32 {
    // SAFETY: the context is what it was set with.
    unsafe {
        let inside = &mut *context.cast::<Inside>();
        let trainer = inside.trainer;
        inside.changing = vec![
            altmin_trainer_step(trainer, 1, ptr::null_mut()),
            altmin_trainer_set_observer(trainer, None, ptr::null_mut()),
            altmin_trainer_load(trainer, inside.path.as_ptr()),
            altmin_trainer_set_weights_f64(trainer, 0, ptr::null(), 0, ptr::null()),
        ];
        inside.message = last_error(trainer);
        inside.reading = vec![altmin_trainer_save(trainer, inside.path.as_ptr())];
        inside.sweeps = info(trainer).sweeps;
        // The same from another thread.
        let address = trainer.addr();
        let other = thread::spawn(move || {
            let trainer = std::ptr::with_exposed_provenance_mut(address);
            (altmin_trainer_step(trainer, 1, ptr::null_mut()), info(trainer).sweeps)
        });
        let (changing, sweeps) = other.join().expect("a thread");
        inside.changing.push(changing);
        assert_eq!(sweeps, inside.sweeps);
    }
    0
}

#[test]
fn inside_the_observer_a_handle_can_be_read_and_not_changed() {
    let trainer = begun(&small());
    let path = file("inside.safetensors");
    let mut inside = Inside {
        trainer,
        path: c_path(&path),
        changing: Vec::new(),
        message: String::new(),
        reading: Vec::new(),
        sweeps: 0,
    };
    let _ = trainer.expose_provenance();
    watch(trainer, Some(call_from_inside), (&raw mut inside).cast());
    assert_eq!(step(trainer, 4), RUNNING);
    assert_eq!(inside.changing, [status::Busy; 5]);
    assert!(inside.message.contains("at work"), "{}", inside.message);
    assert_eq!(inside.reading, [status::Ok]);
    assert_eq!(inside.sweeps, 4);
    assert_eq!(bits(trainer), after(4));
    std::fs::remove_file(path).expect("the observer has saved");
    free(trainer);
}

unsafe extern "C" fn free_from_inside(_: *const altmin_metrics, context: *mut c_void) -> i32 {
    // SAFETY: the context is the handle.
    unsafe { altmin_trainer_free(context.cast()) };
    0
}

#[test]
fn a_handle_freed_by_its_observer_stops_and_is_gone() {
    let trainer = begun(&small());
    watch(trainer, Some(free_from_inside), trainer.cast());
    assert_eq!(step(trainer, 10), STOPPED);
}

#[test]
fn a_stop_is_answered_once() {
    let trainer = begun(&small());
    // SAFETY: the handle lives.
    unsafe { assert_eq!(altmin_trainer_stop(trainer), status::Ok) };
    assert_eq!(step(trainer, 0), RUNNING);
    assert_eq!(step(trainer, 5), STOPPED);
    assert_eq!(info(trainer).sweeps, 0);
    assert_eq!(step(trainer, 5), RUNNING);
    assert_eq!(bits(trainer), after(5));
    free(trainer);
}

#[test]
fn limits_are_outcomes() {
    let limited = begun(&altmin_settings { sweeps: 3, ..small() });
    assert_eq!(step(limited, 2), RUNNING);
    for _ in 0..2 {
        assert_eq!(step(limited, 5), (status::Ok, outcome::SweepLimit as i32));
        assert_eq!(bits(limited), after(3));
    }
    free(limited);
    let timed = begun(&altmin_settings { time_limit: 1e-9, ..small() });
    assert_eq!(step(timed, 5), (status::Ok, outcome::TimeLimit as i32));
    assert_eq!(info(timed).sweeps, 1);
    free(timed);
    // Not after the first sweep, which starts where both residuals are 0.
    let tolerant = begun(&altmin_settings { tolerance: 1e9, ..small() });
    assert_eq!(step(tolerant, 5), (status::Ok, outcome::Converged as i32));
    assert_eq!(info(tolerant).sweeps, 2);
    free(tolerant);
    let diverging = begun(&altmin_settings { method: Method::Gd.code(), learning_rate: 1e300, ..small() });
    assert_eq!(step(diverging, 50), (status::Ok, outcome::Diverged as i32));
    assert_eq!(step(diverging, 1), (status::Ok, outcome::Diverged as i32));
    free(diverging);
}

/// What `altmin train` writes to config.toml does here what the fields do, its limit of sweeps included; fields win over it.
#[test]
fn options_are_those_of_the_command_line() {
    let options = TrainOptions {
        method: Some(Method::Dladmm),
        hidden: Some(Widths(vec![4, 4])),
        seed: Some(9),
        nu: Some(0.02),
        sweeps: Some(6),
        precision: Some(altmin::settings::Precision::F64),
        threads: Some(1),
        ..TrainOptions::default()
    };
    let written =
        CString::new(options.resolve().and_then(|all| all.to_toml()).expect("settings")).expect("text");
    let from_text = begun(&altmin_settings { options: written.as_ptr(), ..crate::support::defaults() });
    assert_eq!(step(from_text, 100), (status::Ok, outcome::SweepLimit as i32));
    let hidden = [4, 4];
    let fields = altmin_settings {
        method: Method::Dladmm.code(),
        hidden: hidden.as_ptr(),
        hidden_count: 2,
        seed: 9,
        nu: 0.02,
        ..small()
    };
    let from_fields = begun(&fields);
    assert_eq!(step(from_fields, 6), RUNNING);
    assert_eq!(bits(from_text), bits(from_fields));
    let over = begun(&altmin_settings { options: written.as_ptr(), seed: 10, ..crate::support::defaults() });
    let seeded = begun(&altmin_settings { seed: 10, ..fields });
    // The text says how many sweeps there are in all.
    assert_eq!(step(over, 6), (status::Ok, outcome::SweepLimit as i32));
    assert_eq!(step(seeded, 6), RUNNING);
    assert_eq!(bits(over), bits(seeded));
    assert_ne!(bits(over), bits(from_fields));
    [from_text, from_fields, over, seeded].into_iter().for_each(free);
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    let (trained, fresh) = (begun(&small()), begun(&altmin_settings { seed: 1, ..small() }));
    let path = file("weights.safetensors");
    assert_eq!(step(trained, 3), RUNNING);
    // SAFETY: the handles live.
    unsafe {
        assert_eq!(altmin_trainer_save(trained, c_path(&path).as_ptr()), status::Ok);
        assert_ne!(bits(trained).1, bits(fresh).1);
        assert_eq!(altmin_trainer_load(fresh, c_path(&path).as_ptr()), status::Ok);
    }
    assert_eq!(bits(trained).1, bits(fresh).1);
    std::fs::remove_file(path).expect("the file");
    [trained, fresh].into_iter().for_each(free);
}

#[test]
fn a_training_that_is_taken_up_again_has_the_bits_of_one_without_a_break() {
    let options = c"method = 'proxprop'\nbatch = 3\nmomentum = 0.9\nsweeps = 6\nstep-schedule = 'linear'";
    let batches = altmin_settings { options: options.as_ptr(), ..small() };
    for settings in [small(), batches] {
        let (whole, first) = (begun(&settings), begun(&settings));
        assert_eq!((step(whole, 5).0, step(first, 2).0), (status::Ok, status::Ok));
        let (path, mut state) = (file("state.altmin"), Vec::<u8>::new());
        // SAFETY: the handles live, and so does the vector.
        unsafe {
            assert_eq!(altmin_trainer_checkpoint(first, c_path(&path).as_ptr()), status::Ok);
            let to = (&raw mut state).cast();
            assert_eq!(altmin_trainer_checkpoint_to(first, Some(append), to), status::Ok);
            assert_eq!(state, std::fs::read(&path).expect("the file"));
            let [by_file, by_memory] = [begun(&settings), begun(&settings)];
            assert_eq!(altmin_trainer_resume(by_file, c_path(&path).as_ptr()), status::Ok);
            assert_eq!(altmin_trainer_resume_from(by_memory, state.as_ptr().cast(), state.len()), status::Ok);
            for resumed in [by_file, by_memory] {
                assert_eq!(bits(resumed), bits(first));
                assert_eq!(step(resumed, 3).0, status::Ok);
                assert_eq!(bits(resumed), bits(whole));
                free(resumed);
            }
        }
        std::fs::remove_file(path).expect("the file");
        [whole, first].into_iter().for_each(free);
    }
}

#[test]
fn a_model_in_memory_is_the_file() {
    let trainer = begun(&small());
    let (path, mut bytes) = (file("memory.safetensors"), Vec::<u8>::new());
    let mut model = ptr::null_mut();
    // SAFETY: the handles live, and so does the vector.
    unsafe {
        assert_eq!(altmin_trainer_save(trainer, c_path(&path).as_ptr()), status::Ok);
        assert_eq!(altmin_trainer_save_to(trainer, Some(append), (&raw mut bytes).cast()), status::Ok);
        assert_eq!(bytes, std::fs::read(&path).expect("the file"));
        let (data, count) = (bytes.as_ptr().cast(), bytes.len());
        assert_eq!(altmin_model_load_from(data, count, 1, &raw mut model, ptr::null_mut()), status::Ok);
        altmin_model_free(model);
    }
    std::fs::remove_file(path).expect("the file");
    free(trainer);
}
