//! The data of `evaluate` and `predict`.

use super::failure::Failure;
use crate::config::{Classes, Precision, Samples};
use crate::data::{self, DataSource, Dataset, Preprocessing, transform};
use crate::error::Error;
use altmin_core::Real;
use clap::{Args, ValueEnum};
use std::thread::available_parallelism;

/// Which part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Split {
    /// The training samples
    Train,
    /// The test samples
    Test,
}

/// Options that say on what a model is used. What is not given is what the model was trained with.
#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// Data set: `digits`, `fashion-mnist`, or a folder with IDX files [default: as in training]
    #[arg(long, value_name = "NAME|DIR", help_heading = "Data")]
    data: Option<DataSource>,

    /// Which part of it
    #[arg(long, value_name = "PART", default_value = "test", help_heading = "Data")]
    split: Split,

    /// Average pooling over F x F pixels [default: as in training]
    #[arg(long, value_name = "F", help_heading = "Data")]
    pool: Option<usize>,

    /// The first N samples of that part, or `all` [default: all]
    #[arg(long, value_name = "N|all", help_heading = "Data")]
    samples: Option<Samples>,

    /// These classes alone, renumbered from 0 in this order, or `all` [default: as in training]
    #[arg(long, value_name = "LIST|all", help_heading = "Data")]
    classes: Option<Classes>,

    /// Seed of the split of `digits` [default: as in training]
    #[arg(long, value_name = "S", help_heading = "Data")]
    seed: Option<u64>,

    /// Threads; the result has the same bits for every number [default: all processors]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    threads: Option<usize>,

    /// Scalar type of the computation
    #[arg(long, value_name = "TYPE", default_value = "f32", help_heading = "Machine")]
    pub(super) precision: Precision,
}

impl DataArgs {
    /// The samples, treated as the model's were.
    pub(super) fn load<T: Real>(&self, trained: &Preprocessing) -> Result<Dataset<T>, Failure> {
        let source = match &self.data {
            Some(source) => source.clone(),
            None => trained.data.parse()?,
        };
        let mut options = trained.options();
        options.pool = self.pool.unwrap_or(options.pool);
        options.split_seed = self.seed.unwrap_or(options.split_seed);
        if let Some(Classes(classes)) = &self.classes {
            options.classes.clone_from(classes);
        }
        let (train, test) = data::load::<T>(&source, &options)?;
        let chosen = match self.split {
            Split::Train => train,
            Split::Test => test,
        };
        match self.samples {
            Some(Samples(Some(count))) => Ok(transform::first(chosen, count)?),
            _ => Ok(chosen),
        }
    }

    /// Threads to use.
    pub(super) fn threads(&self) -> Result<usize, Failure> {
        match self.threads {
            Some(0) => Err(Error::argument("threads", 0, "at least 1").into()),
            Some(threads) => Ok(threads),
            None => Ok(available_parallelism().map_or(1, usize::from)),
        }
    }
}
