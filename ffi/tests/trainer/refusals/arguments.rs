//! What calls are made with.

use std::ffi::{CString, c_char, c_void};
use std::fs;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use altmin::settings::Method;
use altmin_core::Choice;
use altmin_ffi::codes::altmin_precision;
use altmin_ffi::info::altmin_info;
use altmin_ffi::level1::error::altmin_error;
use altmin_ffi::level1::error::altmin_status as status;
use altmin_ffi::model::{altmin_model, altmin_model_free, altmin_model_load};
use altmin_ffi::settings::altmin_settings;
use altmin_ffi::trainer::checkpoint::altmin_trainer_checkpoint_to;
use altmin_ffi::trainer::data::{altmin_trainer_set_data_f32, altmin_trainer_set_data_f64};
use altmin_ffi::trainer::weights::altmin_trainer_save;
use altmin_ffi::trainer::*;
use altmin_ffi::writing::altmin_write;

use crate::support::{
    CLASSES, FEATURES, SAMPLES, append, begun, bits, c_path, features, file, last_error, new, small, step,
};

/// Outputs of the network for values.
pub(crate) const VALUES: usize = 2;
/// Outputs of the network for classes, and inputs and outputs of its first map.
pub(crate) const OUTPUTS: usize = 3;
pub(crate) const MAP: (usize, usize) = (5, FEATURES);

/// Any number of a buffer that is written to.
const UNTOUCHED: f64 = -77.25;

/// Arguments of all functions; each takes those that it has. Pointers of numbers are of the type that the function has.
#[derive(Clone)]
pub(crate) struct Arguments {
    pub(crate) trainer: *mut altmin_trainer,
    /// The same for functions of float.
    pub(crate) trainer_f32: *mut altmin_trainer,
    /// One that takes gradient steps.
    pub(crate) trainer_adam: *mut altmin_trainer,
    /// A setting that changes.
    pub(crate) number: f64,
    pub(crate) model: *mut altmin_model,
    pub(crate) model_f32: *mut altmin_model,
    pub(crate) settings: *const altmin_settings,
    pub(crate) struct_size: usize,
    pub(crate) new_trainer: *mut *mut altmin_trainer,
    pub(crate) new_model: *mut *mut altmin_model,
    pub(crate) error: *mut altmin_error,
    pub(crate) precision: i32,
    pub(crate) path: *const c_char,
    pub(crate) out_path: *const c_char,
    /// The trainer's state, in a file.
    pub(crate) checkpoint: *const c_char,
    /// The same in memory.
    pub(crate) state: *const c_void,
    pub(crate) state_count: usize,
    /// The model's file, in memory.
    pub(crate) file: *const c_void,
    pub(crate) file_count: usize,
    pub(crate) write: altmin_write,
    pub(crate) n_features: usize,
    pub(crate) m: usize,
    pub(crate) x: *const f64,
    pub(crate) x_f32: *const f32,
    pub(crate) ldx: usize,
    pub(crate) classes: *const i32,
    pub(crate) n_classes: usize,
    pub(crate) targets: *const f64,
    pub(crate) targets_f32: *const f32,
    pub(crate) n_out: usize,
    pub(crate) ldt: usize,
    pub(crate) loss: *mut f64,
    pub(crate) accuracy: *mut f64,
    pub(crate) scores: *mut f64,
    pub(crate) lds: usize,
    pub(crate) predicted: *mut i32,
    pub(crate) info: *mut altmin_info,
    pub(crate) index: usize,
    pub(crate) rows: *mut usize,
    pub(crate) columns: *mut usize,
    pub(crate) w: *mut f64,
    pub(crate) ldw: usize,
    pub(crate) b: *mut f64,
    pub(crate) outcome: *mut i32,
}

impl Arguments {
    /// Buffers of double are long enough for float.
    pub(crate) fn scores_f32(&self) -> *mut f32 {
        self.scores.cast()
    }

    pub(crate) fn w_f32(&self) -> *mut f32 {
        self.w.cast()
    }

    pub(crate) fn b_f32(&self) -> *mut f32 {
        self.b.cast()
    }
}

/// Memory that calls write to.
#[derive(Debug)]
#[repr(C)]
struct Outputs {
    new_trainer: *mut altmin_trainer,
    new_model: *mut altmin_model,
    outcome: i32,
    sizes: [usize; 2],
    numbers: [f64; 2],
    scores: [f64; OUTPUTS * SAMPLES],
    predicted: [i32; SAMPLES],
    w: [f64; MAP.0 * MAP.1],
    b: [f64; MAP.0],
    info: altmin_info,
    error: altmin_error,
}

/// Handles, samples, and files, made for one call.
pub(crate) struct World {
    pub(crate) settings: Box<altmin_settings>,
    trainer: *mut altmin_trainer,
    trainer_f32: *mut altmin_trainer,
    adam: *mut altmin_trainer,
    /// One that learns values.
    pub(crate) regression: *mut altmin_trainer,
    /// One without data.
    pub(crate) empty: *mut altmin_trainer,
    model: *mut altmin_model,
    model_f32: *mut altmin_model,
    pub(crate) regression_model: *mut altmin_model,
    x: Vec<f64>,
    x_f32: Vec<f32>,
    pub(crate) with_nan: Vec<f64>,
    classes: Box<[i32; SAMPLES]>,
    pub(crate) negative: Box<[i32; SAMPLES]>,
    pub(crate) too_large: Box<[i32; SAMPLES]>,
    pub(crate) targets: Vec<f64>,
    path: (PathBuf, CString),
    out_path: (PathBuf, CString),
    checkpoint: (PathBuf, CString),
    pub(crate) files: &'static Files,
    pub(crate) nowhere: CString,
    outputs: *mut Outputs,
}

/// The files of two networks, and the state of a trainer, made once: to write one as carefully as the library does takes its
/// time.
pub(crate) struct Files {
    classes: Vec<u8>,
    values: Vec<u8>,
    pub(crate) state: Vec<u8>,
}

/// Takes all bytes.
unsafe extern "C" fn swallow(_: *const c_void, _: usize, _: *mut c_void) -> i32 {
    0
}

/// Takes none.
pub(crate) unsafe extern "C" fn choke(_: *const c_void, _: usize, _: *mut c_void) -> i32 {
    3
}

impl Files {
    fn of(
        trainer: *mut altmin_trainer,
        regression: *mut altmin_trainer,
        path: &(PathBuf, CString),
    ) -> &'static Self {
        static FILES: OnceLock<Files> = OnceLock::new();
        let saved = |trainer: *mut altmin_trainer| {
            // SAFETY: the handle lives.
            unsafe { assert_eq!(altmin_trainer_save(trainer, path.1.as_ptr()), status::Ok) };
            fs::read(&path.0).expect("the file")
        };
        let state = |trainer: *mut altmin_trainer| {
            let mut state = Vec::<u8>::new();
            // SAFETY: the handle lives, and so does the vector.
            let written =
                unsafe { altmin_trainer_checkpoint_to(trainer, Some(append), (&raw mut state).cast()) };
            assert_eq!(written, status::Ok);
            state
        };
        FILES.get_or_init(|| Files {
            classes: saved(trainer),
            values: saved(regression),
            state: state(trainer),
        })
    }
}

/// Writes a model's file and loads it.
fn model(bytes: &[u8], path: &(PathBuf, CString), precision: altmin_precision) -> *mut altmin_model {
    let mut model = ptr::null_mut();
    fs::write(&path.0, bytes).expect("a file");
    // SAFETY: the path ends with a 0.
    unsafe {
        let loaded = altmin_model_load(path.1.as_ptr(), precision as i32, &raw mut model, ptr::null_mut());
        assert_eq!(loaded, status::Ok);
    }
    model
}

impl World {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = |name: &str| {
            let path = file(&format!("{number}-{name}.safetensors"));
            let text = c_path(&path);
            (path, text)
        };
        let (path, out_path, checkpoint) = (path("model"), path("saved"), path("checkpoint"));
        let x = features();
        let x_f32: Vec<f32> = x.iter().map(|&number| number as f32).collect();
        let classes = Box::new(CLASSES);
        let targets: Vec<f64> = (0..VALUES * SAMPLES).map(|k| f64::from(k as u8) / 8.0).collect();
        let (trainer, empty) = (begun(&small()), new(&small()));
        let adam = begun(&altmin_settings { method: Method::Adam.code(), ..small() });
        let trainer_f32 = new(&altmin_settings { precision: altmin_precision::F32 as i32, ..small() });
        let regression = new(&altmin_settings { loss: 1, ..small() });
        // SAFETY: the samples have the sizes that are said.
        unsafe {
            let (x, t) = (x.as_ptr(), targets.as_ptr());
            let (x_f32, c) = (x_f32.as_ptr(), classes.as_ptr());
            let learnt = altmin_trainer_set_data_f64(
                regression,
                FEATURES,
                SAMPLES,
                x,
                FEATURES,
                ptr::null(),
                0,
                t,
                VALUES,
                VALUES,
            );
            assert_eq!(learnt, status::Ok);
            let learnt = altmin_trainer_set_data_f32(
                trainer_f32,
                FEATURES,
                SAMPLES,
                x_f32,
                FEATURES,
                c,
                0,
                ptr::null(),
                0,
                0,
            );
            assert_eq!(learnt, status::Ok);
        }
        assert_eq!(step(trainer, 2).0, status::Ok);
        let files = Files::of(trainer, regression, &path);
        fs::write(&checkpoint.0, &files.state).expect("a file");
        let regression_model = model(&files.values, &path, altmin_precision::F64);
        // The last one stays.
        let models =
            [altmin_precision::F64, altmin_precision::F32].map(|type_| model(&files.classes, &path, type_));
        let spoil = |place: usize, with: i32| {
            let mut classes = classes.clone();
            classes[place] = with;
            classes
        };
        let mut with_nan = x.clone();
        with_nan[FEATURES * SAMPLES - 1] = f64::NAN;
        // SAFETY: numbers may all be zero.
        let zero: altmin_info = unsafe { std::mem::zeroed() };
        let outputs = Outputs {
            new_trainer: ptr::null_mut(),
            new_model: ptr::null_mut(),
            outcome: -7,
            sizes: [77; 2],
            numbers: [UNTOUCHED; 2],
            scores: [UNTOUCHED; OUTPUTS * SAMPLES],
            predicted: [-7; SAMPLES],
            w: [UNTOUCHED; MAP.0 * MAP.1],
            b: [UNTOUCHED; MAP.0],
            info: altmin_info { struct_size: size_of::<altmin_info>(), loss: UNTOUCHED, ..zero },
            error: altmin_error::new(status::Ok, &""),
        };
        Self {
            settings: Box::new(small()),
            trainer,
            trainer_f32,
            adam,
            regression,
            empty,
            model: models[0],
            model_f32: models[1],
            regression_model,
            x,
            x_f32,
            with_nan,
            negative: spoil(3, -1),
            too_large: spoil(3, 3),
            classes,
            targets,
            path,
            out_path,
            checkpoint,
            files,
            nowhere: c_path(&file("no-such-folder").join("model.safetensors")),
            outputs: Box::into_raw(Box::new(outputs)),
        }
    }

    /// A call that must succeed, whatever the function.
    pub(crate) fn arguments(&self) -> Arguments {
        // SAFETY: the memory lives as long as the world; only addresses are taken.
        unsafe {
            let outputs = self.outputs;
            Arguments {
                trainer: self.trainer,
                trainer_f32: self.trainer_f32,
                trainer_adam: self.adam,
                number: 0.5,
                model: self.model,
                model_f32: self.model_f32,
                settings: &raw const *self.settings,
                struct_size: size_of::<altmin_settings>(),
                new_trainer: &raw mut (*outputs).new_trainer,
                new_model: &raw mut (*outputs).new_model,
                error: &raw mut (*outputs).error,
                precision: altmin_precision::F64 as i32,
                path: self.path.1.as_ptr(),
                out_path: self.out_path.1.as_ptr(),
                checkpoint: self.checkpoint.1.as_ptr(),
                state: self.files.state.as_ptr().cast(),
                state_count: self.files.state.len(),
                file: self.files.classes.as_ptr().cast(),
                file_count: self.files.classes.len(),
                write: Some(swallow),
                n_features: FEATURES,
                m: SAMPLES,
                x: self.x.as_ptr(),
                x_f32: self.x_f32.as_ptr(),
                ldx: FEATURES,
                classes: self.classes.as_ptr(),
                n_classes: OUTPUTS,
                targets: ptr::null(),
                targets_f32: ptr::null(),
                n_out: 0,
                ldt: 0,
                loss: (&raw mut (*outputs).numbers).cast(),
                accuracy: (&raw mut (*outputs).numbers).cast::<f64>().add(1),
                scores: (&raw mut (*outputs).scores).cast(),
                lds: OUTPUTS,
                predicted: (&raw mut (*outputs).predicted).cast(),
                info: &raw mut (*outputs).info,
                index: 0,
                rows: (&raw mut (*outputs).sizes).cast(),
                columns: (&raw mut (*outputs).sizes).cast::<usize>().add(1),
                w: (&raw mut (*outputs).w).cast(),
                ldw: MAP.0,
                b: (&raw mut (*outputs).b).cast(),
                outcome: &raw mut (*outputs).outcome,
            }
        }
    }

    /// All that a refused call must leave as it was.
    pub(crate) fn snapshot(&self) -> String {
        // SAFETY: the memory lives.
        let outputs = unsafe { &*self.outputs };
        let Outputs {
            new_trainer, new_model, outcome, sizes, numbers, scores, predicted, w, b, info, ..
        } = outputs;
        format!(
            "{new_trainer:?} {new_model:?} {outcome} {sizes:?} {numbers:?} {scores:?} {predicted:?} {w:?} {b:?} {info:?} {:?} {:?} {}",
            bits(self.trainer),
            bits(self.regression),
            self.out_path.0.exists(),
        )
    }

    /// Why the last call was refused: the handle's word, or that of the error struct.
    pub(crate) fn message(&self, arguments: &Arguments) -> String {
        let handles = [arguments.trainer, arguments.trainer_f32, arguments.trainer_adam];
        let said = handles.into_iter().map(|trainer| last_error(trainer)).find(|said| !said.is_empty());
        // SAFETY: the memory lives.
        said.unwrap_or_else(|| {
            crate::support::text(unsafe { (&raw const (*self.outputs).error.message).cast() })
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: the handles and the memory are the world's, and the call that was made with them is over.
        unsafe {
            let outputs = Box::from_raw(self.outputs);
            let own = [self.trainer, self.trainer_f32, self.adam, self.regression, self.empty];
            for trainer in own.into_iter().chain([outputs.new_trainer]) {
                altmin_trainer_free(trainer);
            }
            for model in [self.model, self.model_f32, self.regression_model, outputs.new_model] {
                altmin_model_free(model);
            }
        }
        for path in [&self.path.0, &self.out_path.0, &self.checkpoint.0] {
            // One that was not written need not go.
            let _ = std::fs::remove_file(path);
        }
    }
}
