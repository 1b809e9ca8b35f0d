//! A network from a file, to be used and not trained.

use std::ffi::{c_char, c_void};
use std::path::Path;

use altmin::Model;
use altmin::allocate;
use altmin::network::evaluate;
use altmin::run::kernel::fast::packing_bytes;
use altmin::settings::Precision;
use altmin_core::Real;
use altmin_level1::boundary::Memory;
use altmin_level1::error::{CallError, altmin_error, altmin_status};

use crate::boundary::{Error, Result, guard, path, require_size, require_struct_size};
use crate::codes::{PRECISIONS, meaning};
use crate::info::altmin_info;
use crate::prediction::{Wanted, largest};
use crate::reserve::Share;
use crate::writing::MODEL;

/// A network from a file, which nothing changes: any number of threads may use it at once.
#[expect(non_camel_case_types, reason = "C's name of the type")]
#[derive(Debug)]
pub struct altmin_model {
    model: AnyModel,
    /// Of the reserve, what a thread that predicts may need.
    _share: Share,
}

impl altmin_model {
    /// On the heap.
    fn new(model: AnyModel) -> Result<*mut Self> {
        let bytes = match &model {
            AnyModel::F32(model) => packing_bytes::<f32>(model.network.widest()),
            AnyModel::F64(model) => packing_bytes::<f64>(model.network.widest()),
        };
        Ok(Box::into_raw(Box::new(Self { model, _share: Share::new(bytes)? })))
    }
}

#[derive(Debug)]
enum AnyModel {
    F32(Model<f32>),
    F64(Model<f64>),
}

/// Reads a file that altmin_trainer_save or `altmin train` has written.
///
/// @param path in UTF-8, or any bytes that the system takes
/// @param precision an altmin_precision, to which the file's numbers are converted; ALTMIN_DEFAULT is ALTMIN_PRECISION_F32
/// @param[out] model the handle, to be freed with altmin_model_free; as it was if the call fails
/// @return ALTMIN_STATUS_IO if the file cannot be read, ALTMIN_STATUS_FORMAT if it is no model, one of another version, or one
/// whose numbers the precision cannot hold
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_model_load(
    path: *const c_char,
    precision: i32,
    model: *mut *mut altmin_model,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let path = self::path("path", path)?;
            let precision = meaning("precision", &PRECISIONS, precision)?.unwrap_or(Precision::F32);
            let model = memory.required("model", model)?;
            let loaded = match precision {
                Precision::F32 => AnyModel::F32(Model::load(path)?),
                Precision::F64 => AnyModel::F64(Model::load(path)?),
            };
            *model = altmin_model::new(loaded)?;
            Ok(())
        })
    }
}

/// The same from the bytes of such a file, which altmin_trainer_save_to hands out too.
///
/// @param bytes all of them, one after the other; nothing is kept of their memory
/// @param count how many
/// @param precision as altmin_model_load
/// @param[out] model as altmin_model_load
/// @return ALTMIN_STATUS_FORMAT as altmin_model_load
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_model_load_from(
    bytes: *const c_void,
    count: usize,
    precision: i32,
    model: *mut *mut altmin_model,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let bytes = memory.array("bytes", bytes.cast::<u8>(), count)?;
            let precision = meaning("precision", &PRECISIONS, precision)?.unwrap_or(Precision::F32);
            let model = memory.required("model", model)?;
            let name = Path::new(MODEL);
            let loaded = match precision {
                Precision::F32 => AnyModel::F32(Model::from_bytes(bytes, name)?),
                Precision::F64 => AnyModel::F64(Model::from_bytes(bytes, name)?),
            };
            *model = altmin_model::new(loaded)?;
            Ok(())
        })
    }
}

/// Frees a model. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_model_free(model: *mut altmin_model) {
    if !model.is_null() {
        // SAFETY: it is from `altmin_model_load`, as the crate's documentation says.
        drop(unsafe { Box::from_raw(model) });
    }
}

/// What is known of a model.
///
/// @param[in,out] info its struct_size is read, everything else written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_model_info(
    model: *const altmin_model,
    info: *mut altmin_info,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let model = handle(model)?;
            require_struct_size("info", info)?;
            *memory.required("info", info)? = match &model.model {
                AnyModel::F32(model) => altmin_info::of_model(model, Precision::F32),
                AnyModel::F64(model) => altmin_info::of_model(model, Precision::F64),
            };
            Ok(())
        })
    }
}

/// What the network says of samples: the outputs of its last layer, the class with the largest of them (the first of several),
/// or both. Scores are those before a softmax. The work is done by the calling thread; several may call at once.
///
/// Samples are taken as the network takes them: scaled and pooled, if it was trained on such.
///
/// @param n_features of a sample, as altmin_model_info tells
/// @param m samples
/// @param x n_features x m
/// @param[out] scores n_out x m, n_out the outputs that altmin_model_info tells; or NULL, and then lds is ignored
/// @param[out] classes m; or NULL, as it must be where values are learnt
/// @return ALTMIN_STATUS_NULL if both are NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_model_predict_f32(
    model: *const altmin_model,
    n_features: usize,
    m: usize,
    x: *const f32,
    ldx: usize,
    scores: *mut f32,
    lds: usize,
    classes: *mut i32,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| match &handle(model)?.model {
            AnyModel::F32(model) => predict(memory, model, n_features, m, x, ldx, scores, lds, classes),
            AnyModel::F64(_) => Err(Error::Precision { expected: "double" }),
        })
    }
}

/// As altmin_model_predict_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_model_predict_f64(
    model: *const altmin_model,
    n_features: usize,
    m: usize,
    x: *const f64,
    ldx: usize,
    scores: *mut f64,
    lds: usize,
    classes: *mut i32,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| match &handle(model)?.model {
            AnyModel::F64(model) => predict(memory, model, n_features, m, x, ldx, scores, lds, classes),
            AnyModel::F32(_) => Err(Error::Precision { expected: "float" }),
        })
    }
}

unsafe fn handle<'a>(model: *const altmin_model) -> Result<&'a altmin_model> {
    // SAFETY: NULL or alive, as the crate's documentation says.
    unsafe { model.as_ref() }.ok_or(CallError::Null { argument: "model" }.into())
}

unsafe fn predict<T: Real>(
    memory: &mut Memory,
    model: &Model<T>,
    n_features: usize,
    m: usize,
    x: *const T,
    ldx: usize,
    scores: *mut T,
    lds: usize,
    classes: *mut i32,
) -> Result {
    require_size("n_features", n_features, model.n_features())?;
    let (outputs, values) = (model.outputs.names().len(), model.outputs.are_values());
    // SAFETY: the caller's promise is this function's.
    let (x, wanted) = unsafe {
        let x = memory.matrix("x", x, n_features, m, ldx)?;
        (x, Wanted::new(memory, outputs, values, m, scores, lds, classes)?)
    };
    match wanted {
        Wanted { scores: Some(scores), lds, classes } => {
            evaluate::predict(model, &x, scores, lds, 1)?;
            largest(outputs, scores, lds, classes);
        }
        Wanted { scores: None, classes, .. } => {
            let mut scores = allocate::zeros(outputs.saturating_mul(m))?;
            evaluate::predict(model, &x, &mut scores, outputs, 1)?;
            largest(outputs, &scores, outputs, classes);
        }
    }
    Ok(())
}
