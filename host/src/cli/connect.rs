//! Where the command line meets the trainer: the only functions here that know of it.

use super::train::Run;
use crate::bench::{BenchReport, BenchSettings};
use crate::config::{Precision, Settings};
use crate::data;
use crate::error::Result;
use crate::observe::{Observer, Summary};
use crate::trainer::Trainer;
use altmin_core::Real;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A run that is ready to start.
pub(super) fn run(settings: &Settings) -> Result<Box<dyn Run>> {
    match settings.precision {
        Precision::F32 => run_in::<f32>(settings),
        Precision::F64 => run_in::<f64>(settings),
    }
}

fn run_in<T: Real>(settings: &Settings) -> Result<Box<dyn Run>> {
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options())?;
    Ok(Box::new(Trainer::new(settings, Arc::new(train), Arc::new(test))?))
}

impl<T: Real> Run for Trainer<T> {
    fn run(&mut self, observer: &mut dyn Observer, stop: &AtomicBool) -> Result<Summary> {
        Trainer::run(self, observer, stop)
    }

    fn save(&self, path: &Path) -> Result {
        Trainer::save(self, path)
    }
}

/// Times sweeps.
pub(super) fn bench(settings: &BenchSettings) -> Result<BenchReport> {
    crate::bench::sweep(settings)
}
