//! The whole state of a training, written to a file or to memory, and taken up again.

use std::ffi::{c_char, c_void};
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Write};
use std::path::Path;

use altmin::Error as HostError;
use altmin::atomic_file;
use altmin::run::History;
use altmin::run::checkpoint::Snapshot as _;
use altmin_level1::error::altmin_status;

use crate::boundary::{Result, path};
use crate::handle::{altmin_trainer, exclusive, reading};
use crate::session::with_trainer;
use crate::writing::{altmin_write, to_callback};

/// What messages call a state in memory.
const IN_MEMORY: &str = "the checkpoint in memory";

/// Writes all that the training carries from sweep to sweep to a file: weights, duals, momenta, schedules, where the
/// mini-batches are, and checksums of the data. A trainer that takes it up with altmin_trainer_resume goes on with the same
/// bits. The file is that of `altmin train --checkpoint-every`, whose format docs/checkpoint.md describes. An older file of the
/// name is replaced once the new one is whole.
///
/// @param path as altmin_trainer_save
/// @return ALTMIN_STATUS_STATE before there is data, ALTMIN_STATUS_IO if the file cannot be written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_checkpoint(
    trainer: *const altmin_trainer,
    path: *const c_char,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, _| {
            let path = self::path("path", path)?;
            with_trainer!(&session.run, trainer => {
                Ok(atomic_file::write(path, |file| trainer.write(&History::default(), file))?)
            })
        })
    }
}

/// The same bytes, handed to a function piece by piece.
///
/// @param write called with each piece
/// @param context what it is called with; may be NULL
/// @return ALTMIN_STATUS_IO if it does not take a piece
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_checkpoint_to(
    trainer: *const altmin_trainer,
    write: altmin_write,
    context: *mut c_void,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, _| {
            let callback = to_callback(write, context)?;
            with_trainer!(&session.run, trainer => {
                let mut to = BufWriter::with_capacity(1 << 16, callback);
                let written = trainer.write(&History::default(), &mut to).and_then(|()| to.flush());
                Ok(written.map_err(|error| HostError::io("write", Path::new(IN_MEMORY), error))?)
            })
        })
    }
}

/// Goes on where a checkpoint was written: the sweeps to come have the bits of a training without a break. Settings and data
/// must be those of the trainer that wrote it, test data too; only the number of threads, what ends a training, and the
/// number of sweeps where no schedule depends on it, may be others.
///
/// @param path as altmin_trainer_save
/// @return ALTMIN_STATUS_STATE before there is data, ALTMIN_STATUS_IO if the file cannot be read, ALTMIN_STATUS_FORMAT if it is
/// damaged or no checkpoint, ALTMIN_STATUS_SETTING if it is of another version, of other settings or of other data
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_resume(
    trainer: *mut altmin_trainer,
    path: *const c_char,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, _| {
            let path = self::path("path", path)?;
            with_trainer!(&mut turn.session().run, trainer => {
                let mut file = open(path)?;
                trainer.resume(&mut file, path)?;
                Ok(())
            })
        })
    }
}

/// The same from bytes that altmin_trainer_checkpoint_to has handed out, or those of a file.
///
/// @param bytes all of them, one after the other
/// @param count how many
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_resume_from(
    trainer: *mut altmin_trainer,
    bytes: *const c_void,
    count: usize,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, memory| {
            let bytes = memory.array("bytes", bytes.cast::<u8>(), count)?;
            with_trainer!(&mut turn.session().run, trainer => {
                trainer.resume(&mut Cursor::new(bytes), Path::new(IN_MEMORY))?;
                Ok(())
            })
        })
    }
}

fn open(path: &Path) -> Result<File, HostError> {
    File::open(path).map_err(|error: io::Error| HostError::io("read", path, error))
}
