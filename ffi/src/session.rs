//! What a handle holds: settings, and a trainer of either precision once there is data.

use std::sync::Arc;

use altmin::Trainer;
use altmin::data::{Dataset, ImageShape};
use altmin::run::executor::Threads;
use altmin::settings::{Precision, Settings};
use altmin_core::Real;

use crate::boundary::{Error, Result, require_size};
use crate::observer::Callback;
use crate::reserve::Share;
use crate::threads;

/// A training.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) settings: Settings,
    /// Sweeps at most, if there is a limit.
    pub(crate) limit: Option<usize>,
    /// The shape of a sample, if it is not a column of features.
    pub(crate) image: Option<ImageShape>,
    pub(crate) callback: Callback,
    pub(crate) run: Run,
    /// Threads of others that the next training works on.
    threads: Option<Threads>,
    /// Of the reserve, what the trainer's threads may need.
    share: Option<Share>,
}

/// The trainer, `None` before there is data.
#[derive(Debug)]
pub(crate) enum Run {
    /// float
    F32(Option<Trainer<f32>>),
    /// double
    F64(Option<Trainer<f64>>),
}

/// Evaluates an expression on the trainer, whatever its precision; fails if there is none yet.
macro_rules! with_trainer {
    ($run:expr, $trainer:ident => $body:expr) => {
        match $run {
            $crate::session::Run::F32(Some($trainer)) => $body,
            $crate::session::Run::F64(Some($trainer)) => $body,
            _ => Err($crate::boundary::Error::NoData),
        }
    };
}
pub(crate) use with_trainer;

impl Session {
    pub(crate) fn new(settings: Settings, limit: Option<usize>, image: Option<ImageShape>) -> Self {
        let run = match settings.precision {
            Precision::F32 => Run::F32(None),
            Precision::F64 => Run::F64(None),
        };
        Self { settings, limit, image, callback: Callback::default(), run, threads: None, share: None }
    }

    /// Begins a training on a data set; an earlier one is forgotten.
    pub(crate) fn begin<T: Scalar>(&mut self, data: Dataset<T>) -> Result {
        let threads = || match &self.threads {
            Some(threads) => Ok(threads.clone()),
            None => threads::new(self.settings.threads),
        };
        let trainer = Trainer::on_threads(&self.settings, Arc::new(data), threads)?;
        let share = Share::new(trainer.packing_bytes().saturating_mul(self.settings.threads))?;
        *T::slot_mut(&mut self.run)? = Some(trainer);
        self.share = Some(share);
        Ok(())
    }

    /// Threads of others for the next training, or its own.
    pub(crate) fn use_threads(&mut self, threads: Option<Threads>) -> Result {
        if let Some(threads) = &threads {
            require_size("threads", threads.count(), self.settings.threads)?;
        }
        self.threads = threads;
        Ok(())
    }

    /// `Ok` when the training is of this precision.
    pub(crate) fn require<T: Scalar>(&self) -> Result {
        T::slot(&self.run).map(|_| ())
    }

    /// The trainer of this precision.
    pub(crate) fn trainer<T: Scalar>(&self) -> Result<&Trainer<T>> {
        T::slot(&self.run)?.as_ref().ok_or(Error::NoData)
    }

    /// The trainer of this precision.
    pub(crate) fn trainer_mut<T: Scalar>(&mut self) -> Result<&mut Trainer<T>> {
        T::slot_mut(&mut self.run)?.as_mut().ok_or(Error::NoData)
    }
}

/// A scalar type of the interface.
pub(crate) trait Scalar: Real {
    /// The trainer's place, if it is of this type.
    fn slot(run: &Run) -> Result<&Option<Trainer<Self>>>;
    /// The trainer's place, if it is of this type.
    fn slot_mut(run: &mut Run) -> Result<&mut Option<Trainer<Self>>>;
}

macro_rules! scalar {
    ($T:ty, $variant:ident, $other:literal) => {
        impl Scalar for $T {
            fn slot(run: &Run) -> Result<&Option<Trainer<Self>>> {
                match run {
                    Run::$variant(trainer) => Ok(trainer),
                    _ => Err(Error::Precision { expected: $other }),
                }
            }

            fn slot_mut(run: &mut Run) -> Result<&mut Option<Trainer<Self>>> {
                match run {
                    Run::$variant(trainer) => Ok(trainer),
                    _ => Err(Error::Precision { expected: $other }),
                }
            }
        }
    };
}

scalar!(f32, F32, "double");
scalar!(f64, F64, "float");

/// Handles go from thread to thread, and reading calls share what they hold.
const _: () = {
    const fn sent_and_shared<T: Send + Sync>() {}
    sent_and_shared::<Session>();
};
