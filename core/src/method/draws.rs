//! What is drawn anew in every step of training.
//!
//! A draw is a function of the seed, the step and the place in its batch alone: nothing has to be kept of it, and no other
//! number of threads or of breaks between sweeps changes it.

use super::{Hyperparameters, Run};
use crate::augmentation::Augmentation;
use crate::block::{Masks, Network};
use crate::error::{Error, Result};
use crate::random::{Purpose, words};
use crate::real::Real;

/// The draws of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Draws {
    seed: u64,
    /// Counted from 0, over the whole run.
    step: usize,
    pub(super) augmentation: Option<Augmentation>,
}

impl Draws {
    /// Those of a step of a run with these settings.
    pub(super) fn new<T>(settings: &Hyperparameters<T>, step: usize) -> Self {
        Self { seed: settings.seed, step, augmentation: settings.augmentation }
    }

    /// Which features a pass drops, over samples from this place of the batch on, in a network whose first block is this one.
    pub(super) fn masks(&self, first: usize, block: usize) -> Masks {
        Masks { seed: self.seed, step: self.step, first, block }
    }

    /// Writes the sample at a place of the batch as this step takes it.
    pub(super) fn write<T: Real>(&self, place: usize, from: &[T], to: &mut [T]) {
        match &self.augmentation {
            None => to.copy_from_slice(from),
            Some(augmentation) => {
                let draw = words(self.seed, Purpose::Augmentation, self.step as u32, place as u64);
                augmentation.write(draw, from, to);
            }
        }
    }
}

/// `Ok` when what is drawn fits a run in mini-batches, or one whose steps take all samples.
///
/// # Errors
/// [`Setting`](Error::Setting) naming `augment`, also where a step takes all samples.
pub(super) fn check<T: Real>(settings: &Hyperparameters<T>, takes_all: bool, run: &Run<'_, T>) -> Result {
    let Some(augmentation) = settings.augmentation else { return Ok(()) };
    if takes_all {
        let (found, expected) = (run.samples() as f64, "mini-batches of fewer than all samples");
        return Err(Error::Setting { name: "augment", found, expected });
    }
    augmentation.validate(run.network.input().features())
}

/// `Ok` when a network is the same in training passes as in others, for methods in which no other has a place.
///
/// # Errors
/// [`Block`](Error::Block) with what is expected instead.
pub(super) fn require_one_network<T: Real>(network: Network<'_, T>, expected: &'static str) -> Result {
    match network.steps().find(|step| step.block.differs_in_training()) {
        Some(step) => {
            Err(Error::Block { index: step.index, block: step.block.name(), input: step.input, expected })
        }
        None => Ok(()),
    }
}
