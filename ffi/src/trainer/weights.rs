//! Weights that are read, set, saved and loaded.

use std::ffi::{c_char, c_void};
use std::path::Path;

use altmin::network::Map;
use altmin::{Error as HostError, Trainer, allocate};
use altmin_core::Real;
use altmin_core::view::{copy, dense};
use altmin_level1::boundary::Memory;
use altmin_level1::error::{CallError, altmin_status};

use crate::boundary::{Error, Result, path};
use crate::handle::{altmin_trainer, exclusive, reading};
use crate::session::{Scalar, with_trainer};
use crate::writing::{MODEL, altmin_write, to_callback};

/// The shape of a linear map W x + b of the network: a layer's, or one of a block's. Maps are counted from 0, from input to
/// output; those of a residual pair are its first convolution, its second, and its projection if it has one. The inputs of a
/// convolution are those of its patch: row o of W is the kernel of output channel o, column
/// (channel * height + y) * width + x the place (y, x) of that input channel in the patch. Batch normalisation has two maps of one
/// column: weight and bias of its channels, and their running mean and variance.
///
/// @param index below `maps` of altmin_trainer_info
/// @param[out] n_out rows of W and elements of b; may be NULL
/// @param[out] n_in columns of W; may be NULL
/// @return ALTMIN_STATUS_STATE before there is data, for all functions of weights
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_weights_shape(
    trainer: *const altmin_trainer,
    index: usize,
    n_out: *mut usize,
    n_in: *mut usize,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, memory| {
            let (rows, columns) = with_trainer!(&session.run, trainer => {
                map(trainer, index).map(|map| (map.n_out, map.n_in))
            })?;
            let (n_out, n_in) = (memory.result("n_out", n_out)?, memory.result("n_in", n_in)?);
            altmin_level1::boundary::give(n_out, rows);
            altmin_level1::boundary::give(n_in, columns);
            Ok(())
        })
    }
}

/// Reads the present weights of a linear map: those of the last sweep that was good, or what has been set since.
///
/// @param index below `maps` of altmin_trainer_info
/// @param[out] w n_out x n_in, as altmin_trainer_weights_shape tells them; or NULL, and then ldw is ignored
/// @param[out] b n_out; or NULL
/// @return ALTMIN_STATUS_NULL if both are NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_get_weights_f32(
    trainer: *const altmin_trainer,
    index: usize,
    w: *mut f32,
    ldw: usize,
    b: *mut f32,
) -> altmin_status {
    unsafe { get_weights(trainer, index, w, ldw, b) }
}

/// As altmin_trainer_get_weights_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_get_weights_f64(
    trainer: *const altmin_trainer,
    index: usize,
    w: *mut f64,
    ldw: usize,
    b: *mut f64,
) -> altmin_status {
    unsafe { get_weights(trainer, index, w, ldw, b) }
}

/// Sets the weights of a linear map. The next sweep begins as the first one did: auxiliary variables come from a forward
/// pass, duals, moments and momentum are zero. The count of sweeps, schedules and the order of mini-batches go on, and so
/// can a training that had diverged.
///
/// @param index below `maps` of altmin_trainer_info
/// @param w n_out x n_in; or NULL to leave it as it is, and then ldw is ignored
/// @param b n_out; or NULL to leave it as it is
/// @return ALTMIN_STATUS_NULL if both are NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_weights_f32(
    trainer: *mut altmin_trainer,
    index: usize,
    w: *const f32,
    ldw: usize,
    b: *const f32,
) -> altmin_status {
    unsafe { set_weights(trainer, index, w, ldw, b) }
}

/// As altmin_trainer_set_weights_f32, in double precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_weights_f64(
    trainer: *mut altmin_trainer,
    index: usize,
    w: *const f64,
    ldw: usize,
    b: *const f64,
) -> altmin_status {
    unsafe { set_weights(trainer, index, w, ldw, b) }
}

/// Writes the network with its present weights to a file, the same that `altmin train` writes and altmin_model_load reads:
/// safetensors. An older file of the name is replaced once the new one is whole.
///
/// With "keep = \"best\"" among the settings' options the weights are those after the best sweep so far, by the test data,
/// once there was one; they stay that when weights are set. Without test data steps then return ALTMIN_STATUS_SETTING.
///
/// @param path in UTF-8, or any bytes that the system takes
/// @return ALTMIN_STATUS_IO if the file cannot be written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_save(
    trainer: *const altmin_trainer,
    path: *const c_char,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, _| {
            let path = self::path("path", path)?;
            with_trainer!(&session.run, trainer => Ok(trainer.save(path)?))
        })
    }
}

/// The same bytes, handed to a function piece by piece.
///
/// @param write called with each piece
/// @param context what it is called with; may be NULL
/// @return ALTMIN_STATUS_IO if it does not take a piece
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_save_to(
    trainer: *const altmin_trainer,
    write: altmin_write,
    context: *mut c_void,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, _| {
            let mut callback = to_callback(write, context)?;
            with_trainer!(&session.run, trainer => {
                let written = trainer.model_to_save()?.file()?.write(&mut callback);
                Ok(written.map_err(|error| HostError::io("write", Path::new(MODEL), error))?)
            })
        })
    }
}

/// Takes over the weights of a file, whose network must be the trainer's but for its precision; the next sweep begins as after
/// altmin_trainer_set_weights_f32. What was done to the samples that the file's network was trained on, such as scaling,
/// must have been done to the trainer's too.
///
/// @param path as altmin_trainer_save
/// @return ALTMIN_STATUS_IO if the file cannot be read, ALTMIN_STATUS_FORMAT if it is no model, one of another version or
/// another network
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_load(
    trainer: *mut altmin_trainer,
    path: *const c_char,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, _| {
            let path = self::path("path", path)?;
            with_trainer!(&mut turn.session().run, trainer => Ok(trainer.load(path)?))
        })
    }
}

fn map<T: Real>(trainer: &Trainer<T>, index: usize) -> Result<Map<'_, T>> {
    trainer.maps().nth(index).ok_or_else(|| Error::Setting {
        argument: "index",
        found: index.to_string(),
        expected: "below the number of linear maps",
    })
}

fn require_one<T>(w: *const T, b: *const T) -> Result {
    match w.is_null() && b.is_null() {
        true => Err(CallError::Neither { argument: "w", other: "b" }.into()),
        false => Ok(()),
    }
}

unsafe fn get_weights<T: Scalar>(
    trainer: *const altmin_trainer,
    index: usize,
    w: *mut T,
    ldw: usize,
    b: *mut T,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, memory| {
            let map = map(session.trainer::<T>()?, index)?;
            require_one(w, b)?;
            let weights = match w.is_null() {
                true => None,
                false => Some(memory.matrix_out("w", w, map.n_out, map.n_in, ldw)?),
            };
            let bias = match b.is_null() {
                true => None,
                false => Some(memory.vector_out("b", b, map.n_out)?),
            };
            if let Some(mut weights) = weights {
                copy(&dense(map.weights, map.n_out, map.n_in), &mut weights);
            }
            if let Some(bias) = bias {
                bias.copy_from_slice(map.bias);
            }
            Ok(())
        })
    }
}

unsafe fn set_weights<T: Scalar>(
    trainer: *mut altmin_trainer,
    index: usize,
    w: *const T,
    ldw: usize,
    b: *const T,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, memory: &mut Memory| {
            let mut session = turn.session();
            let trainer = session.trainer_mut::<T>()?;
            let Map { n_out, n_in, weights, bias, .. } = map(trainer, index)?;
            let (present_weights, present_bias) = (allocate::copied(weights)?, allocate::copied(bias)?);
            require_one(w, b)?;
            let weights = match w.is_null() {
                true => dense(&present_weights, n_out, n_in),
                false => memory.matrix("w", w, n_out, n_in, ldw)?,
            };
            let bias = match b.is_null() {
                true => &present_bias[..],
                false => memory.vector("b", b, n_out)?,
            };
            Ok(trainer.set_map(index, &weights, bias)?)
        })
    }
}
