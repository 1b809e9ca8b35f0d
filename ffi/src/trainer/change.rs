//! What may change between two steps.

use altmin_level1::error::altmin_status;

use crate::boundary::Error;
use crate::handle::{altmin_trainer, exclusive};
use crate::pool::altmin_threads;
use crate::session::with_trainer;

/// Sets nu from the next sweep on; the duals are carried over, and a schedule goes on from it. A checkpoint has it, so that a
/// resumed training gives the same bits.
///
/// @param nu finite and above 0, also in the trainer's precision
/// @return ALTMIN_STATUS_STATE before there is data; ALTMIN_STATUS_SETTING for a method without nu, and where it is not above a
/// weight decay that is measured in it (ProxProp, local). What ProxProp, local and proximal steps of subnetworks have made of nu by
/// themselves is forgotten
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_nu(trainer: *mut altmin_trainer, nu: f64) -> altmin_status {
    unsafe {
        exclusive(
            trainer,
            |turn, _| with_trainer!(&mut turn.session().run, trainer => trainer.set_nu(nu).map_err(Error::from)),
        )
    }
}

/// Sets rho from the next sweep on, as altmin_trainer_set_nu.
///
/// @param rho finite and above 0, also in the trainer's precision
/// @return as altmin_trainer_set_nu, for rho
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_rho(trainer: *mut altmin_trainer, rho: f64) -> altmin_status {
    unsafe {
        exclusive(
            trainer,
            |turn, _| with_trainer!(&mut turn.session().run, trainer => trainer.set_rho(rho).map_err(Error::from)),
        )
    }
}

/// Sets the learning rate from the next sweep on; a step schedule shortens it as it would the old one. Moments and momentum are
/// carried over. A checkpoint has it, so that a resumed training gives the same bits.
///
/// @param learning_rate finite and above 0, also in the trainer's precision, and below one over the weight decay
/// @return ALTMIN_STATUS_STATE before there is data; ALTMIN_STATUS_SETTING for a method without a learning rate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_learning_rate(
    trainer: *mut altmin_trainer,
    learning_rate: f64,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, _| {
            with_trainer!(&mut turn.session().run, trainer => {
                trainer.set_learning_rate(learning_rate).map_err(Error::from)
            })
        })
    }
}

/// Sets how often the network passes the training and the test data for its metrics: after every n-th sweep, or never. At first,
/// and for every new training, after each. After other sweeps the observer is told too, and what would have taken a pass is
/// NaN in its numbers: loss and accuracies, and the objective where that is the network's loss. No such sweep is kept as the best
/// one, or ends a training by patience. Weights are the same bits.
///
/// @param n sweeps from one to the next; 0: never
/// @return ALTMIN_STATUS_STATE before there is data
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_set_metrics_every(
    trainer: *mut altmin_trainer,
    n: usize,
) -> altmin_status {
    unsafe {
        exclusive(trainer, |turn, _| {
            with_trainer!(&mut turn.session().run, trainer => {
                trainer.set_metrics_every(n);
                Ok(())
            })
        })
    }
}

/// Trainings that altmin_trainer_set_data begins from now on work on these threads, and not on some of the trainer's own. The
/// weights are the same bits.
///
/// @param threads as many as the settings' threads; NULL: threads of its own, as at first. They may be freed before the trainer
/// @return ALTMIN_STATUS_SETTING for another number of threads
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_trainer_use_threads(
    trainer: *mut altmin_trainer,
    threads: *const altmin_threads,
) -> altmin_status {
    unsafe {
        // SAFETY: NULL or alive, as the caller promises.
        let threads = threads.as_ref();
        exclusive(trainer, |turn, _| turn.session().use_threads(threads.map(altmin_threads::threads)))
    }
}
