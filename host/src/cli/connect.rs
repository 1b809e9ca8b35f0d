//! Where the command line meets the trainer: the only functions here that know of it.

use super::compare::{Conductor, Ready};
use super::train::Run;
use crate::bench::{BenchReport, BenchSettings, EpochReport};
use crate::compare::Comparison;
use crate::data::{self, Dataset};
use crate::error::Result;
use crate::run::observe::{Observer, Summary};
use crate::run::trainer::Trainer;
use crate::settings::{Precision, Settings};
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
    fn run(&mut self, observer: &mut (dyn Observer + Send), stop: &AtomicBool) -> Result<Summary> {
        Trainer::run(self, observer, stop)
    }

    fn save(&self, path: &Path) -> Result {
        Trainer::save(self, path)
    }
}

/// A comparison with the data that all its runs share.
pub(super) fn comparison(comparison: Comparison) -> Result<Box<dyn Ready>> {
    match comparison.common().precision {
        Precision::F32 => Ok(Box::new(Loaded::<f32>::new(comparison)?)),
        Precision::F64 => Ok(Box::new(Loaded::<f64>::new(comparison)?)),
    }
}

struct Loaded<T> {
    comparison: Comparison,
    train: Arc<Dataset<T>>,
    test: Arc<Dataset<T>>,
}

impl<T: Real> Loaded<T> {
    fn new(comparison: Comparison) -> Result<Self> {
        let settings = comparison.common();
        let (train, test) = data::load(&settings.data, &settings.data_options())?;
        Ok(Self { comparison, train: Arc::new(train), test: Arc::new(test) })
    }
}

impl<T: Real> Ready for Loaded<T> {
    fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    fn samples(&self) -> (usize, usize) {
        (self.train.n_samples(), self.test.n_samples())
    }

    fn run(&self, conductor: &mut Conductor<'_>, stop: &AtomicBool) -> Result {
        self.comparison.run(&self.train, &self.test, conductor, stop)
    }
}

/// Times epochs beside what is predicted of them.
pub(super) fn bench_epoch(settings: &Settings, repeats: usize) -> Result<Vec<EpochReport>> {
    crate::bench::epoch(settings, repeats)
}

/// Times sweeps.
pub(super) fn bench(settings: &BenchSettings) -> Result<BenchReport> {
    crate::bench::sweep(settings)
}
