//! Handles and samples for the tests.

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::ptr;

use altmin_ffi::codes::altmin_precision;
use altmin_ffi::info::altmin_info;
use altmin_ffi::level1::error::altmin_error;
use altmin_ffi::level1::error::altmin_status::{self, Ok as DONE};
use altmin_ffi::settings::{altmin_settings, altmin_settings_init};
use altmin_ffi::trainer::data::*;
use altmin_ffi::trainer::weights::*;
use altmin_ffi::trainer::*;

/// Features, samples and classes of the samples here.
pub(crate) const FEATURES: usize = 3;
pub(crate) const SAMPLES: usize = 8;
pub(crate) const CLASSES: [i32; SAMPLES] = [0, 1, 2, 0, 1, 2, 0, 1];

/// Samples: no two alike, all of moderate size.
pub(crate) fn features() -> Vec<f64> {
    (0..FEATURES * SAMPLES).map(|k| f64::from((k * k * 7 % 31) as u8) / 16.0 - 1.0).collect()
}

pub(crate) fn defaults() -> altmin_settings {
    let mut settings = MaybeUninit::uninit();
    // SAFETY: the struct has room for itself.
    unsafe {
        assert_eq!(altmin_settings_init(settings.as_mut_ptr(), size_of::<altmin_settings>()), DONE);
        settings.assume_init()
    }
}

/// The widths of the networks here.
static HIDDEN: [usize; 1] = [5];

/// Settings of a small network on one thread.
pub(crate) fn small() -> altmin_settings {
    altmin_settings {
        precision: altmin_precision::F64 as i32,
        hidden: HIDDEN.as_ptr(),
        hidden_count: HIDDEN.len(),
        threads: 1,
        ..defaults()
    }
}

pub(crate) fn new(settings: &altmin_settings) -> *mut altmin_trainer {
    let mut trainer = ptr::null_mut();
    // SAFETY: the settings are whole, and the handle is freed by the test.
    unsafe { assert_eq!(altmin_trainer_new(settings, &raw mut trainer, ptr::null_mut()), DONE) };
    trainer
}

/// A trainer of double with the samples here.
pub(crate) fn begun(settings: &altmin_settings) -> *mut altmin_trainer {
    let (trainer, x) = (new(settings), features());
    // SAFETY: the samples have the sizes that are said.
    let status = unsafe {
        altmin_trainer_set_data_f64(
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
        )
    };
    assert_eq!(status, DONE, "{}", last_error(trainer));
    trainer
}

pub(crate) fn step(trainer: *mut altmin_trainer, n: usize) -> (altmin_status, i32) {
    let mut outcome = -7;
    // SAFETY: the handle lives.
    let status = unsafe { altmin_trainer_step(trainer, n, &raw mut outcome) };
    (status, outcome)
}

pub(crate) fn last_error(trainer: *const altmin_trainer) -> String {
    text(failure(trainer).message.as_ptr())
}

pub(crate) fn failure(trainer: *const altmin_trainer) -> altmin_error {
    let mut failure = MaybeUninit::uninit();
    // SAFETY: the handle lives or is NULL, and the call writes all of the struct.
    unsafe {
        assert_eq!(altmin_trainer_error(trainer, failure.as_mut_ptr()), DONE);
        failure.assume_init()
    }
}

pub(crate) fn text(text: *const c_char) -> String {
    // SAFETY: texts of the library end with a 0.
    unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned()
}

pub(crate) fn info(trainer: *const altmin_trainer) -> altmin_info {
    let mut info = MaybeUninit::<altmin_info>::zeroed();
    // SAFETY: numbers may all be zero, and the size is written before it is read.
    unsafe {
        (*info.as_mut_ptr()).struct_size = size_of::<altmin_info>();
        assert_eq!(altmin_trainer_info(trainer, info.as_mut_ptr()), DONE);
        info.assume_init()
    }
}

/// The bits of all weights of a trainer of double, and how many sweeps it has done.
pub(crate) fn bits(trainer: *const altmin_trainer) -> (usize, Vec<u64>) {
    let info = info(trainer);
    let mut bits = Vec::new();
    for index in 0..info.maps {
        let (mut rows, mut columns) = (0, 0);
        // SAFETY: the matrices have the shape that is told.
        unsafe {
            assert_eq!(altmin_trainer_weights_shape(trainer, index, &raw mut rows, &raw mut columns), DONE);
            let (mut w, mut b) = (vec![0.0; rows * columns], vec![0.0; rows]);
            let status = altmin_trainer_get_weights_f64(trainer, index, w.as_mut_ptr(), rows, b.as_mut_ptr());
            assert_eq!(status, DONE);
            bits.extend(w.iter().chain(&b).map(|number: &f64| number.to_bits()));
        }
    }
    (info.sweeps, bits)
}

/// A path for a test's file.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trainer-{}-{name}", std::process::id()))
}

pub(crate) fn c_path(path: &Path) -> CString {
    CString::new(path.to_str().expect("UTF-8")).expect("no 0 inside")
}

/// Appends what is written to the vector that is the context.
pub(crate) unsafe extern "C" fn append(bytes: *const c_void, count: usize, context: *mut c_void) -> i32 {
    // SAFETY: the test hands in a vector, and the library as many bytes as it says.
    unsafe {
        (*context.cast::<Vec<u8>>()).extend(std::slice::from_raw_parts(bytes.cast::<u8>(), count));
    }
    0
}
