//! The handle's life and its steps.

pub mod change;
pub mod checkpoint;
pub mod data;
pub mod weights;

use std::ffi::c_void;

use altmin::run::{Change, Metrics, Observer, Outcome, Summary};
use altmin_level1::boundary::{Memory, give};
use altmin_level1::error::{CallError, StatusError as _, altmin_error, altmin_status};

use crate::boundary::{Error, Result, guard, require_struct_size};
use crate::codes::altmin_outcome;
pub use crate::handle::altmin_trainer;
use crate::handle::{self, Exclusive, exclusive, reading};
use crate::info::altmin_info;
use crate::observer::{Callback, altmin_observer};
use crate::reserve;
use crate::session::{Session, with_trainer};
use crate::settings::{altmin_settings, resolve};

/// Makes a trainer. Nothing is kept of the settings' memory.
///
/// @param settings from altmin_settings_init, and then as wanted
/// @param[out] trainer the handle, to be freed with altmin_trainer_free; as it was if the call fails
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_new(
    settings: *const altmin_settings,
    trainer: *mut *mut altmin_trainer,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let resolved = resolve(memory, settings)?;
            let trainer = memory.required("trainer", trainer)?;
            *trainer = altmin_trainer::new(Session::new(resolved.settings, resolved.limit, resolved.image));
            Ok(())
        })
    }
}

/// Frees a trainer, its data and its threads, which have ended when it returns. NULL is fine.
///
/// From the observer, or from another thread while a call is at work: the call ends after its sweep, altmin_trainer_step
/// with ALTMIN_OUTCOME_STOPPED, and frees the trainer when it returns. Nothing may be called on the trainer any more but, in
/// the observer and until it returns, const functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_free(trainer: *mut altmin_trainer) {
    unsafe { handle::free(trainer) }
}

/// Does n sweeps more, unless there is a reason to end before; a later call goes on, with the same bits as if one call
/// had done them all. With one thread all work is done by the calling thread.
///
/// @param n how many; 0 does nothing
/// @param[out] outcome an altmin_outcome: ALTMIN_OUTCOME_RUNNING if all sweeps were done
/// @return ALTMIN_STATUS_STATE before there is data; ALTMIN_STATUS_MEMORY where there is none for a further sweep: those before
/// it are done, as altmin_trainer_info tells
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_step(
    trainer: *mut altmin_trainer,
    n: usize,
    outcome: *mut i32,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, memory| {
            let outcome = memory.result("outcome", outcome)?;
            let found = sweeps(&turn, n)?;
            // The call's own memory: it may be written even if the handle has been given up.
            give(outcome, found as i32);
            Ok(())
        })
    }
}

/// Asks the step at work, or if there is none the next one, to end: with ALTMIN_OUTCOME_STOPPED after the sweep that it is
/// at. May be called from any thread at any time, and from a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_stop(trainer: *mut altmin_trainer) -> altmin_status {
    // SAFETY: as the crate's documentation says.
    match unsafe { trainer.as_ref() } {
        Some(trainer) => {
            trainer.ask_to_stop();
            altmin_status::Ok
        }
        None => altmin_status::Null,
    }
}

/// Sets who is told of every sweep, in place of an earlier one. It is called on the thread that calls altmin_trainer_step,
/// between sweeps, with the network as the sweep left it. In it const functions work, so that it can save the network, and
/// altmin_trainer_evaluate and _predict; others return ALTMIN_STATUS_BUSY, and altmin_trainer_free frees the trainer when the step is over. A sweep that diverges is
/// not told of.
///
/// @param observer whom to call; NULL for nobody
/// @param context what it is called with; may be NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_observer(
    trainer: *mut altmin_trainer,
    observer: altmin_observer,
    context: *mut c_void,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, _| {
            turn.session().callback = Callback::new(observer, context);
            Ok(())
        })
    }
}

/// What is known of the training; nothing is computed for it.
///
/// @param[in,out] info its struct_size is read, everything else written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_info(
    trainer: *const altmin_trainer,
    info: *mut altmin_info,
) -> altmin_status {
    unsafe {
        reading(trainer, |session, memory| {
            require_struct_size("info", info)?;
            *memory.required("info", info)? = altmin_info::of(session);
            Ok(())
        })
    }
}

/// Copies status and message of the last call on the trainer that failed, which later calls that succeed leave as they are;
/// ALTMIN_STATUS_OK and no message if none has. May be called from any thread at any time; of calls in several threads the
/// failure may be another thread's, as its status may tell. What altmin_trainer_new has to say is in its own error.
///
/// @param trainer if NULL, that is the failure
/// @param[out] error what is written; must not be NULL
/// @return ALTMIN_STATUS_OK, whatever is written
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_error(
    trainer: *const altmin_trainer,
    error: *mut altmin_error,
) -> altmin_status {
    // SAFETY: as the crate's documentation says, of both.
    let (trainer, error) = unsafe { (trainer.as_ref(), Memory::default().required("error", error)) };
    match error {
        Ok(error) => {
            *error = match trainer {
                Some(trainer) => trainer.last_failure(),
                None => altmin_error::new(altmin_status::Null, &CallError::Null { argument: "trainer" }),
            };
            altmin_status::Ok
        }
        Err(error) => error.status(),
    }
}

/// Sweeps one by one, so that between them the handle can be read.
fn sweeps(turn: &Exclusive<'_>, n: usize) -> Result<altmin_outcome> {
    with_trainer!(&turn.session().run, _trainer => Ok(()))?;
    if n > 0 && turn.take_stop() {
        return Ok(altmin_outcome::Stopped);
    }
    for _ in 0..n {
        let (outcome, told) = sweep(turn)?;
        let mut wants_an_end = false;
        if let Some((callback, metrics)) = told {
            // SAFETY: who set the observer has promised that it can be called until it is replaced.
            wants_an_end = turn.inside(|| unsafe { callback.wants_an_end(&metrics) });
            wants_an_end |= turn.take_stop();
        }
        // What the training has come to says more than that somebody wants it to end.
        if outcome != altmin_outcome::Running {
            return Ok(outcome);
        }
        if wants_an_end {
            return Ok(altmin_outcome::Stopped);
        }
    }
    Ok(altmin_outcome::Running)
}

/// One sweep: what became of it, and, if it was good, whom to tell what.
fn sweep(turn: &Exclusive<'_>) -> Result<(altmin_outcome, Option<(Callback, Metrics)>)> {
    // A sweep that has begun must end: what it needs of the reserve is there before.
    reserve::require()?;
    let session = &mut *turn.session();
    with_trainer!(&mut session.run, trainer => {
        if session.limit.is_some_and(|limit| trainer.info().sweeps >= limit) {
            return Ok((altmin_outcome::SweepLimit, None));
        }
        let outcome = match trainer.step(1, &mut Nobody, &NEVER)? {
            Outcome::SweepLimit => match session.limit {
                Some(limit) if trainer.info().sweeps >= limit => altmin_outcome::SweepLimit,
                _ => altmin_outcome::Running,
            },
            Outcome::Converged => altmin_outcome::Converged,
            Outcome::NoImprovement => altmin_outcome::NoImprovement,
            Outcome::TimeLimit => altmin_outcome::TimeLimit,
            Outcome::Stopped => altmin_outcome::Stopped,
            Outcome::Diverged => return Ok((altmin_outcome::Diverged, None)),
        };
        Ok::<_, Error>((outcome, trainer.metrics().map(|metrics| (session.callback, *metrics))))
    })
}

/// The flag of a trainer that is stopped by other means.
static NEVER: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// The observer of a sweep whose metrics are read afterwards.
struct Nobody;

impl Observer for Nobody {
    fn sweep(&mut self, _: &Metrics) -> std::io::Result<()> {
        Ok(())
    }

    fn change(&mut self, _: &Change) -> std::io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> std::io::Result<()> {
        Ok(())
    }
}
