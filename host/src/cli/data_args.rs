//! The data of `evaluate` and `predict`.

use super::failure::Failure;
use crate::data::{self, DataSource, Dataset, Inputs, Part, Preprocessing, Table, transform};
use crate::error::Error;
use crate::settings::{Classes, Precision, Samples};
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
    /// All rows of a CSV file, in their order
    All,
}

/// The data that a model is used on; defaults are what it was trained with.
#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// Data set: `digits`, `fashion-mnist`, a folder with IDX or CIFAR files, a .csv, .tsv, .npy or .npz file, or `-` [default: as in training]
    ///
    /// In a CSV file the columns that the model was trained on are found by name, in any order; other columns are ignored. `-` is a
    /// table on standard input.
    #[arg(long, value_name = "NAME|DIR|FILE", help_heading = "Data")]
    data: Option<DataSource>,

    /// Part of the data set [default: test; all for a CSV file other than the training file]
    #[arg(long, value_name = "PART", help_heading = "Data")]
    split: Option<Split>,

    /// Average pooling over F x F pixels [default: as in training]
    #[arg(long, value_name = "F", help_heading = "Data")]
    pool: Option<usize>,

    /// Use the first N samples of that part, or `all` [default: all]
    #[arg(long, value_name = "N|all", help_heading = "Data")]
    samples: Option<Samples>,

    /// Use only these classes, renumbered from 0 in this order, or `all` [default: as in training]
    #[arg(long, value_name = "LIST|all", help_heading = "Data")]
    classes: Option<Classes>,

    /// Seed of the split of `digits` or of a CSV file [default: as in training]
    #[arg(long, visible_alias = "seed", value_name = "S", help_heading = "Data")]
    split_seed: Option<u64>,

    /// Number of threads; results are bit-identical for every number [default: all processors]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    threads: Option<usize>,

    /// Scalar type of the computation
    #[arg(long, value_name = "TYPE", default_value = "f32", help_heading = "Machine")]
    pub(super) precision: Precision,
}

impl DataArgs {
    /// The samples, treated as the model's were.
    pub(super) fn load<T: Real>(&self, trained: &Preprocessing) -> Result<Dataset<T>, Failure> {
        self.load_from(trained, self.table(trained)?.as_ref())
    }

    /// The same from the [`table`](Self::table) that they are from.
    pub(super) fn load_from<T: Real>(
        &self,
        trained: &Preprocessing,
        table: Option<&Table>,
    ) -> Result<Dataset<T>, Failure> {
        let source = self.source(trained)?;
        let mut options = trained.options();
        options.pool = self.pool.unwrap_or(options.pool);
        options.split_seed = self.split_seed.unwrap_or(options.split_seed);
        if let Some(Classes(classes)) = &self.classes {
            options.classes.clone_from(classes);
        }
        let part = self.part(trained, &source);
        let chosen = match table {
            Some(table) => data::load_rows_like::<T>(trained, table, &options, part)?,
            None => data::load_like::<T>(trained, &source, &options, part)?,
        };
        match self.samples {
            Some(Samples(Some(count))) => Ok(transform::first(chosen, count)?),
            _ => Ok(chosen),
        }
    }

    /// The rows of a table, treated as the model's were, without a look at targets, which need not be there; `None` where the
    /// samples to be used depend on their targets, or are no rows of a table.
    pub(super) fn load_inputs<T: Real>(
        &self,
        trained: &Preprocessing,
        table: &Table,
    ) -> Result<Option<Inputs<T>>, Failure> {
        let source = self.source(trained)?;
        if self.part(trained, &source) != Part::All || self.classes.is_some() || self.pool.is_some() {
            return Ok(None);
        }
        let mut inputs = data::load_inputs(trained, table)?;
        if let Some(Samples(Some(count))) = self.samples {
            let available = inputs.rows.len();
            if !(1..=available).contains(&count) {
                let expected = format!("1 to {available}, the number of samples in {source}");
                return Err(Error::argument("samples", count, expected).into());
            }
            inputs.inputs.truncate(inputs.inputs.len() / available * count);
            inputs.rows.truncate(count);
        }
        Ok(Some(inputs))
    }

    /// The table that the samples are from; `None` where they are from none.
    pub(super) fn table(&self, trained: &Preprocessing) -> Result<Option<Table>, Failure> {
        Ok(data::table_for(trained, &self.source(trained)?)?)
    }

    fn source(&self, trained: &Preprocessing) -> Result<DataSource, Error> {
        self.data.clone().map_or_else(|| trained.data.parse(), Ok)
    }

    /// The part that was asked for; by default what the model has not seen.
    fn part(&self, trained: &Preprocessing, source: &DataSource) -> Part {
        match self.split {
            Some(Split::Train) => Part::Train,
            Some(Split::Test) => Part::Test,
            Some(Split::All) => Part::All,
            None if source.has_columns() && !trained.is_of(source) => Part::All,
            None => Part::Test,
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
