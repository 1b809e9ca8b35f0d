//! What changes between two steps, and what others share.

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use altmin::settings::Method;
use altmin_core::Choice;
use altmin_ffi::level1::error::altmin_error;
use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::observer::altmin_metrics;
use altmin_ffi::pool::{altmin_threads, altmin_threads_free, altmin_threads_new, altmin_threads_new_with};
use altmin_ffi::settings::altmin_settings;
use altmin_ffi::trainer::change::*;
use altmin_ffi::trainer::checkpoint::*;
use altmin_ffi::trainer::data::*;
use altmin_ffi::trainer::weights;
use altmin_ffi::trainer::*;
use altmin_ffi::version::{altmin_method_code, altmin_method_name};

use crate::support::{
    CLASSES, FEATURES, SAMPLES, append, begun, bits, features, last_error, new, small, step, text,
};

fn of(method: Method) -> altmin_settings {
    altmin_settings { method: method.code(), ..small() }
}

fn done(trainer: *mut altmin_trainer, n: usize) {
    assert_eq!(step(trainer, n).0, status::Ok, "{}", last_error(trainer));
}

/// The bits at the end of a trainer's life.
fn ended(trainer: *mut altmin_trainer) -> (usize, Vec<u64>) {
    let bits = bits(trainer);
    // SAFETY: the handle lives, and nobody uses it any more.
    unsafe { altmin_trainer_free(trainer) };
    bits
}

type Set = unsafe extern "C" fn(*mut altmin_trainer, f64) -> status;

fn set(function: Set, trainer: *mut altmin_trainer, value: f64) {
    // SAFETY: the handle lives.
    assert_eq!(unsafe { function(trainer, value) }, status::Ok, "{}", last_error(trainer));
}

/// A schedule changes the same number after the same sweep, by a way of its own.
#[test]
fn nu_and_rho_change_as_a_schedule_would_change_them() {
    for (method, key, function) in [
        (Method::Pdadmm, "nu", altmin_trainer_set_nu as Set),
        (Method::Pdadmm, "rho", altmin_trainer_set_rho),
        (Method::Dladmm, "nu", altmin_trainer_set_nu),
        (Method::Dladmm, "rho", altmin_trainer_set_rho),
        (Method::Taylor, "rho", altmin_trainer_set_rho),
        (Method::Dlam, "rho", altmin_trainer_set_rho),
    ] {
        let settings = altmin_settings {
            nu: if method == Method::Dlam { f64::NAN } else { 0.5 },
            rho: 0.5,
            ..of(method)
        };
        let options = CString::new(format!("{key}-schedule = 'times:3:4'")).expect("no 0 inside");
        let scheduled = begun(&altmin_settings { options: options.as_ptr(), ..settings });
        let changed = begun(&settings);
        done(changed, 4);
        let before = bits(changed);
        set(function, changed, 1.5);
        // Nothing moves before the next sweep.
        assert_eq!(bits(changed), before);
        done(changed, 3);
        done(scheduled, 7);
        let unchanged = begun(&settings);
        done(unchanged, 7);
        let (changed, scheduled, unchanged) = (ended(changed), ended(scheduled), ended(unchanged));
        assert_eq!(changed, scheduled, "{method} {key}");
        assert_ne!(changed, unchanged, "{method} {key}");
    }
}

/// Every method that has a number can change it, and a start does not depend on it.
#[test]
fn what_is_set_before_the_first_sweep_is_as_if_the_settings_had_said_it() {
    const NU: Set = altmin_trainer_set_nu;
    const RHO: Set = altmin_trainer_set_rho;
    let whole = "momentum = 0\nstep-schedule = 'constant'";
    for (method, batch, options, nu_or_rho) in [
        (Method::Pdadmm, 0, "", NU),
        (Method::Pdadmm, 0, "", RHO),
        (Method::Dladmm, 0, "", NU),
        (Method::Taylor, 0, "", RHO),
        (Method::Dlam, 0, "", RHO),
        (Method::Proxprop, 0, "", NU),
        (Method::Proxprop, 4, "", NU),
        (Method::Proxprop, 4, whole, NU),
        (Method::Local, 4, "", NU),
        (Method::Gsadmm, 0, "", RHO),
        (Method::Gsadmm, 0, "inner = 'proxprop'", NU),
        (Method::Gsadmm, 4, "inner = 'proxprop'", NU),
        (Method::Gsam, 0, "inner = 'proxprop'", NU),
    ] {
        let options = CString::new(options).expect("no 0 inside");
        let subnetworks = if matches!(method, Method::Gsadmm | Method::Gsam) { 2 } else { 0 };
        let settings = altmin_settings { batch, subnetworks, options: options.as_ptr(), ..of(method) };
        let [mut said, mut first] = [settings, settings];
        let is_nu = ptr::fn_addr_eq(nu_or_rho, NU);
        *(if is_nu { &mut said.nu } else { &mut said.rho }) = 2.75;
        *(if is_nu { &mut first.nu } else { &mut first.rho }) = 0.5;
        let (said, changed, late, unchanged) = (begun(&said), begun(&first), begun(&first), begun(&first));
        set(nu_or_rho, changed, 2.75);
        done(late, 2);
        set(nu_or_rho, late, 2.75);
        done(late, 3);
        [said, changed, unchanged].into_iter().for_each(|trainer| done(trainer, 5));
        let [said, changed, late, unchanged] = [said, changed, late, unchanged].map(ended);
        assert_eq!(said, changed, "{method} in batches of {batch}");
        assert!(late != unchanged && late != said, "{method} in batches of {batch}");
    }
}

/// Neither gradient descent nor a guard has a memory: they go on as a new training from the same weights.
#[test]
fn a_change_is_that_of_a_new_training_from_the_same_weights() {
    let gd = |rate| altmin_settings { learning_rate: rate, batch: SAMPLES, ..of(Method::Gd) };
    goes_on_anew(gd(0.05), altmin_trainer_set_learning_rate, 0.2, gd(0.2));
    let guarded = |nu| altmin_settings { nu, batch: SAMPLES, ..of(Method::Proxprop) };
    goes_on_anew(guarded(0.5), altmin_trainer_set_nu, 7.0, guarded(7.0));
}

/// A factor of 2 is exact: every weight 2 is twice the learning rate, to the bit.
#[test]
fn classes_of_samples_in_memory_have_their_weights() {
    let gd = |rate, options: &CString| altmin_settings {
        learning_rate: rate,
        batch: SAMPLES,
        options: options.as_ptr(),
        ..of(Method::Gd)
    };
    let ended = |rate, weights: &str| {
        let options = CString::new(format!("class-weights = '{weights}'")).expect("no 0 inside");
        let trainer = begun(&gd(rate, &options));
        done(trainer, 4);
        ended(trainer)
    };
    let plain = ended(0.25, "none");
    assert_eq!(ended(0.125, "2,2,2"), plain);
    assert_ne!(ended(0.125, "2,2,4"), plain);
    assert_ne!(ended(0.25, "balanced"), plain);
}

fn goes_on_anew(before: altmin_settings, function: Set, value: f64, after: altmin_settings) {
    let changed = begun(&before);
    done(changed, 3);
    let other = begun(&after);
    let (_, weights) = bits(changed);
    let mut weights = weights.into_iter().map(f64::from_bits);
    for (index, (rows, columns)) in [(5, FEATURES), (3, 5)].into_iter().enumerate() {
        let w: Vec<f64> = weights.by_ref().take(rows * columns).collect();
        let b: Vec<f64> = weights.by_ref().take(rows).collect();
        // SAFETY: the matrices have the shape that is told.
        let set =
            unsafe { weights::altmin_trainer_set_weights_f64(other, index, w.as_ptr(), rows, b.as_ptr()) };
        assert_eq!(set, status::Ok);
    }
    set(function, changed, value);
    done(changed, 4);
    done(other, 4);
    assert_eq!(ended(changed).1, ended(other).1);
}

#[test]
fn what_was_changed_is_in_the_checkpoint() {
    let cases: [(Method, &[(Set, f64)]); 8] = [
        (Method::Proxprop, &[(altmin_trainer_set_nu, 40.0)]),
        (Method::Local, &[(altmin_trainer_set_nu, 40.0)]),
        (Method::Pdadmm, &[(altmin_trainer_set_nu, 0.3), (altmin_trainer_set_rho, 2.5)]),
        (Method::Dlam, &[(altmin_trainer_set_rho, 2.5)]),
        (Method::Adam, &[(altmin_trainer_set_learning_rate, 0.03)]),
        (Method::Muon, &[(altmin_trainer_set_learning_rate, 0.05)]),
        (Method::Gd, &[(altmin_trainer_set_learning_rate, 0.01)]),
        (Method::Gsadmm, &[(altmin_trainer_set_learning_rate, 0.02), (altmin_trainer_set_rho, 3.0)]),
    ];
    for (method, changes) in cases {
        let mut settings = of(method);
        if method == Method::Gsadmm {
            settings.subnetworks = 2;
        }
        // The checkpoint is written right after the change, and after a sweep more.
        for later in [0, 1] {
            let whole = begun(&settings);
            done(whole, 3);
            changes.iter().for_each(|&(function, value)| set(function, whole, value));
            done(whole, later);
            let mut file = Vec::<u8>::new();
            let resumed = begun(&settings);
            // SAFETY: handles and vector live, and the file is as long as it is said.
            unsafe {
                let context = (&raw mut file).cast();
                assert_eq!(altmin_trainer_checkpoint_to(whole, Some(append), context), status::Ok);
                let status = altmin_trainer_resume_from(resumed, file.as_ptr().cast(), file.len());
                assert_eq!(status, status::Ok, "{}", last_error(resumed));
            }
            done(whole, 3);
            done(resumed, 3);
            let untouched = begun(&settings);
            done(untouched, 6 + later);
            let whole = ended(whole);
            assert_eq!(whole, ended(resumed), "{method}");
            assert_ne!(whole, ended(untouched), "{method}");
        }
    }
}

/// Sweep, loss, and test accuracy of every call.
unsafe extern "C" fn note(metrics: *const altmin_metrics, context: *mut c_void) -> i32 {
    // SAFETY: the metrics live, and the context is a vector.
    unsafe {
        let altmin_metrics { sweep, loss, test_accuracy, .. } = *metrics;
        (*context.cast::<Vec<(usize, f64, f64)>>()).push((sweep, loss, test_accuracy));
    }
    0
}

#[test]
fn metrics_come_every_so_many_sweeps_or_never_and_change_no_bit() {
    let run = |every: Option<usize>| {
        let (trainer, x) = (begun(&small()), features());
        let mut seen = Vec::<(usize, f64, f64)>::new();
        // SAFETY: the handle lives, and so does the vector as long as it is stepped.
        unsafe {
            let classes = CLASSES.as_ptr();
            let (n, m, none) = (FEATURES, SAMPLES, ptr::null());
            let set = altmin_trainer_set_test_data_f64(trainer, n, m, x.as_ptr(), n, classes, none, 0, 0);
            assert_eq!(set, status::Ok);
            if let Some(every) = every {
                assert_eq!(altmin_trainer_set_metrics_every(trainer, every), status::Ok);
            }
            altmin_trainer_set_observer(trainer, Some(note), (&raw mut seen).cast());
            done(trainer, 7);
        }
        (seen, ended(trainer))
    };
    let (all, weights) = run(None);
    assert_eq!(all.len(), 7);
    assert!(all.iter().all(|(_, loss, accuracy)| loss.is_finite() && accuracy.is_finite()));
    for every in [0, 1, 3] {
        let (some, same) = run(Some(every));
        assert_eq!(same, weights);
        let expected: Vec<_> = all
            .iter()
            .map(|&(sweep, loss, accuracy)| match every > 0 && sweep % every == 0 {
                true => (sweep, loss.to_bits(), accuracy.to_bits()),
                false => (sweep, f64::NAN.to_bits(), f64::NAN.to_bits()),
            })
            .collect();
        let found: Vec<_> =
            some.iter().map(|&(sweep, loss, accuracy)| (sweep, loss.to_bits(), accuracy.to_bits())).collect();
        assert_eq!(found, expected);
    }
}

struct Inside {
    trainer: *mut altmin_trainer,
    x: Vec<f64>,
    scores: Vec<u64>,
    loss: f64,
    told: f64,
    elsewhere: Option<status>,
}

fn predicted(trainer: *mut altmin_trainer, x: &[f64]) -> (status, Vec<u64>) {
    let mut scores = [0.0; 3 * SAMPLES];
    // SAFETY: the memory has the sizes that are said.
    let status = unsafe {
        let to = scores.as_mut_ptr();
        altmin_trainer_predict_f64(trainer, FEATURES, SAMPLES, x.as_ptr(), FEATURES, to, 3, ptr::null_mut())
    };
    (status, scores.iter().map(|score: &f64| score.to_bits()).collect())
}

unsafe extern "C" fn use_it(metrics: *const altmin_metrics, context: *mut c_void) -> i32 {
    // SAFETY: the context is what it was set with, and the memory has the sizes that are said.
    unsafe {
        let inside = &mut *context.cast::<Inside>();
        let (status, scores) = predicted(inside.trainer, &inside.x);
        assert_eq!(status, status::Ok);
        inside.scores = scores;
        let evaluated = altmin_trainer_evaluate_f64(
            inside.trainer,
            FEATURES,
            SAMPLES,
            inside.x.as_ptr(),
            FEATURES,
            CLASSES.as_ptr(),
            ptr::null(),
            0,
            0,
            &raw mut inside.loss,
            ptr::null_mut(),
        );
        assert_eq!(evaluated, status::Ok);
        inside.told = (*metrics).loss;
        let (address, x) = (inside.trainer.addr(), inside.x.clone());
        let other = thread::spawn(move || predicted(ptr::with_exposed_provenance_mut(address), &x).0);
        inside.elsewhere = Some(other.join().expect("a thread"));
    }
    0
}

#[test]
fn the_observer_predicts_and_evaluates_and_nobody_else_does() {
    for threads in [1, 2] {
        let trainer = begun(&altmin_settings { threads, ..small() });
        let _ = trainer.expose_provenance();
        let (scores, loss, told) = (Vec::new(), 0.0, 1.0);
        let mut inside = Inside { trainer, x: features(), scores, loss, told, elsewhere: None };
        // SAFETY: the handle and its context live.
        unsafe { altmin_trainer_set_observer(trainer, Some(use_it), (&raw mut inside).cast()) };
        done(trainer, 3);
        assert_eq!(inside.scores, predicted(trainer, &inside.x).1);
        assert_eq!(inside.loss, inside.told);
        assert_eq!(inside.elsewhere, Some(status::Busy));
        let plain = begun(&small());
        done(plain, 3);
        assert_eq!(ended(trainer), ended(plain));
    }
}

fn threads(count: usize) -> *mut altmin_threads {
    let mut threads = ptr::null_mut();
    // SAFETY: the handle is freed by the test.
    unsafe { assert_eq!(altmin_threads_new(count, &raw mut threads, ptr::null_mut()), status::Ok) };
    threads
}

#[test]
fn trainers_share_threads_at_the_same_time_and_keep_their_bits() {
    let cases = [Method::Pdadmm, Method::Local, Method::Dladmm, Method::Adam];
    let settings = |method: Method| altmin_settings { threads: 3, ..of(method) };
    let alone = cases.map(|method| {
        let trainer = begun(&settings(method));
        done(trainer, 20);
        ended(trainer)
    });
    let pool = threads(3);
    let shared = cases.map(|method| {
        let trainer = new(&settings(method));
        let x = features();
        // SAFETY: the handles live, and the samples have the sizes that are said.
        unsafe {
            assert_eq!(altmin_trainer_use_threads(trainer, pool), status::Ok);
            let (n, m, none, x) = (FEATURES, SAMPLES, ptr::null(), x.as_ptr());
            let set = altmin_trainer_set_data_f64(trainer, n, m, x, n, CLASSES.as_ptr(), 0, none, 0, 0);
            assert_eq!(set, status::Ok);
        }
        trainer
    });
    // SAFETY: those who use the threads keep them.
    unsafe { altmin_threads_free(pool) };
    struct Sent(*mut altmin_trainer);
    // SAFETY: a handle may be used in any thread.
    unsafe impl Send for Sent {}
    let at_once = shared.map(|trainer| {
        let trainer = Sent(trainer);
        thread::spawn(move || {
            let Sent(trainer) = { trainer };
            done(trainer, 20);
            ended(trainer)
        })
    });
    assert_eq!(at_once.map(|thread| thread.join().expect("a thread")), alone);
}

/// Threads of the caller's, and how many of them are at work.
struct Own {
    left: usize,
    at_work: Arc<AtomicUsize>,
    handles: Vec<thread::JoinHandle<()>>,
}

unsafe extern "C" fn start(
    task: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
    context: *mut c_void,
) -> i32 {
    // SAFETY: the context is what was given with this function.
    let own = unsafe { &mut *context.cast::<Own>() };
    if own.left == 0 {
        return 11;
    }
    own.left -= 1;
    own.at_work.fetch_add(1, Ordering::SeqCst);
    let (at_work, argument) = (Arc::clone(&own.at_work), argument.expose_provenance());
    own.handles.push(thread::spawn(move || {
        // SAFETY: once, with the argument that came with it.
        unsafe { task(ptr::with_exposed_provenance_mut(argument)) };
        at_work.fetch_sub(1, Ordering::SeqCst);
    }));
    0
}

#[test]
fn threads_may_be_the_callers_own() {
    let settings = altmin_settings { threads: 3, ..of(Method::Local) };
    let plain = begun(&settings);
    done(plain, 10);
    let mut own = Own { left: 3, at_work: Arc::default(), handles: Vec::new() };
    let mut pool = ptr::null_mut();
    let context: *mut c_void = (&raw mut own).cast();
    // SAFETY: the context outlives the call, and `start` does what is asked for.
    let status = unsafe { altmin_threads_new_with(3, Some(start), context, &raw mut pool, ptr::null_mut()) };
    assert_eq!(status, status::Ok);
    assert_eq!((own.left, own.handles.len()), (0, 3));
    let trainer = new(&settings);
    let x = features();
    // SAFETY: the handles live, and the samples have the sizes that are said.
    unsafe {
        assert_eq!(altmin_trainer_use_threads(trainer, pool), status::Ok);
        let begun = altmin_trainer_set_data_f64(
            trainer,
            FEATURES,
            SAMPLES,
            x.as_ptr(),
            FEATURES,
            CLASSES.as_ptr(),
            0,
            ptr::null(),
            0,
            0,
        );
        assert_eq!(begun, status::Ok);
        altmin_threads_free(pool);
    }
    done(trainer, 10);
    assert!(own.handles.iter().all(|handle| !handle.is_finished()));
    assert_eq!(ended(trainer), ended(plain));
    own.handles.into_iter().for_each(|handle| handle.join().expect("a thread that ends"));
    assert_eq!(own.at_work.load(Ordering::SeqCst), 0);
}

#[test]
fn a_thread_that_is_not_started_ends_those_before_it() {
    let mut own = Own { left: 2, at_work: Arc::default(), handles: Vec::new() };
    let (mut pool, context) = (ptr::null_mut(), (&raw mut own).cast());
    let mut error = altmin_error::short(status::Ok, "");
    // SAFETY: the context outlives the calls, and `start` does what is asked for.
    unsafe {
        let refused = altmin_threads_new_with(4, Some(start), context, &raw mut pool, &raw mut error);
        assert_eq!(refused, status::Memory);
        assert!(
            text(error.message.as_ptr()).contains("`start` returned 11"),
            "{}",
            text(error.message.as_ptr())
        );
        assert_eq!(altmin_threads_new_with(2, None, context, &raw mut pool, ptr::null_mut()), status::Null);
        assert_eq!(
            altmin_threads_new_with(1, Some(start), context, &raw mut pool, ptr::null_mut()),
            status::Ok
        );
        altmin_threads_free(pool);
    }
    assert_eq!(own.handles.len(), 2);
    own.handles.into_iter().for_each(|handle| handle.join().expect("a thread that ends"));
}

#[test]
fn threads_are_as_many_as_the_settings_say() {
    let (pool, trainer) = (threads(2), new(&altmin_settings { threads: 3, ..small() }));
    // SAFETY: the handles live until they are freed.
    unsafe {
        assert_eq!(altmin_trainer_use_threads(trainer, pool), status::Shape);
        assert!(last_error(trainer).contains("`threads` is 2, expected 3"), "{}", last_error(trainer));
        assert_eq!(altmin_trainer_use_threads(trainer, ptr::null()), status::Ok);
        let mut none = ptr::null_mut();
        assert_eq!(altmin_threads_new(0, &raw mut none, ptr::null_mut()), status::Shape);
        assert_eq!(altmin_threads_new(1, ptr::null_mut(), ptr::null_mut()), status::Null);
        assert!(none.is_null());
        altmin_threads_free(pool);
        altmin_threads_free(ptr::null_mut());
        altmin_trainer_free(trainer);
    }
}

#[test]
fn methods_have_names_and_codes() {
    let expected = [
        "pdadmm", "dladmm", "dlam", "taylor", "proxprop", "gd", "adagrad", "adadelta", "adam", "gsadmm",
        "gsam", "adamw", "muon", "local",
    ];
    let mut found: Vec<String> = Vec::new();
    for code in 0.. {
        let name = altmin_method_name(code);
        if name.is_null() {
            break;
        }
        let mut back = -7;
        // SAFETY: the text ends with a 0.
        assert_eq!(unsafe { altmin_method_code(name, &raw mut back, ptr::null_mut()) }, status::Ok);
        assert_eq!(back, code);
        found.push(text(name));
    }
    found.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    assert!(altmin_method_name(-1).is_null() && altmin_method_name(i32::MIN).is_null());
    let mut code = -7;
    // SAFETY: the texts end with a 0, and NULL is refused.
    unsafe {
        for name in [c"pdadm", c"", c"PDADMM"] {
            let status = altmin_method_code(name.as_ptr(), &raw mut code, ptr::null_mut());
            assert_eq!((status, code), (status::Setting, -7));
        }
        assert_eq!(altmin_method_code(ptr::null(), &raw mut code, ptr::null_mut()), status::Null);
        assert_eq!(altmin_method_code(c"adam".as_ptr(), ptr::null_mut(), ptr::null_mut()), status::Null);
    }
}
