//! A comparison with the data that all its runs share.

use super::reporter::Reporter;
use crate::cli::output;
use crate::compare::Comparison;
use crate::data::{self, Dataset};
use crate::error::Result;
use crate::settings::Precision;
use altmin_core::Real;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A comparison and its data, of either scalar type.
pub(super) trait LoadedComparison {
    /// What is compared.
    fn comparison(&self) -> &Comparison;

    /// Training and test samples.
    fn samples(&self) -> (usize, usize);

    /// Runs all.
    fn run(&self, reporter: &mut Reporter<'_>, stop: &AtomicBool) -> Result;
}

/// Reads the data of a comparison.
pub(super) fn load(comparison: Comparison) -> Result<Box<dyn LoadedComparison>> {
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
        output::notes_of(&train);
        Ok(Self { comparison, train: Arc::new(train), test: Arc::new(test) })
    }
}

impl<T: Real> LoadedComparison for Loaded<T> {
    fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    fn samples(&self) -> (usize, usize) {
        (self.train.n_samples(), self.test.n_samples())
    }

    fn run(&self, reporter: &mut Reporter<'_>, stop: &AtomicBool) -> Result {
        self.comparison.run(&self.train, &self.test, reporter, stop)
    }
}
