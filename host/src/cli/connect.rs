//! Where the command line meets the trainer: the only functions here that know of it.

use super::train::Run;
use crate::bench::{BenchReport, BenchSettings};
use crate::config::{Precision, Settings};
use crate::data;
use crate::error::{Error, Result};
use altmin_core::Real;

/// A run that is ready to start.
pub(super) fn run(settings: &Settings) -> Result<Box<dyn Run>> {
    match settings.precision {
        Precision::F32 => run_in::<f32>(settings),
        Precision::F64 => run_in::<f64>(settings),
    }
}

fn run_in<T: Real>(settings: &Settings) -> Result<Box<dyn Run>> {
    let (_train, _test) = data::load::<T>(&settings.data, &settings.data_options())?;
    Err(Error::argument("method", settings.method, "a method whose trainer is part of this build"))
}

/// Times sweeps.
pub(super) fn bench(settings: &BenchSettings) -> Result<BenchReport> {
    Err(Error::argument("method", settings.method, "a method whose trainer is part of this build"))
}
