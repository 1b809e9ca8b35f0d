//! Data sets: what is trained and tested on, and where it comes from.

mod bytes;
mod channels;
pub mod cifar;
mod class_weights;
mod columns;
mod csv_file;
mod dataset;
pub mod description;
pub mod digits;
mod encode;
pub mod fashion_mnist;
pub mod folder;
pub mod idx;
mod memory;
mod missing;
mod names;
mod nearest;
mod outputs;
mod scale_channels;
mod schema;
mod source;
pub mod split;
pub mod table;
pub mod transform;

use std::path::Path;
use std::sync::Arc;

use altmin_core::Real;

pub use self::channels::Channel;
pub use self::cifar::Labels;
pub use self::class_weights::ClassWeights;
pub use self::columns::{Column, Columns, Encoding};
pub use self::dataset::{Dataset, ImageShape, Parts};
pub use self::memory::MEMORY;
pub use self::missing::Missing;
pub use self::outputs::Outputs;
use self::schema::Schema;
pub use self::source::{DataOptions, DataSource, Preprocessing, Validation};
pub use self::table::{Header, Table};
use crate::error::{Error, Result};

/// Training samples that [`DataOptions::holdout`] sets aside from a set of files; of CIFAR's a fifth if that is fewer.
pub const HOLDOUT: usize = 5_000;

/// Which samples of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The training samples.
    Train,
    /// The test samples.
    Test,
    /// All rows of a table, in their order.
    All,
}

/// Reads a data set and returns its training samples and those that sweeps are scored on: the test samples, unless options set
/// others aside.
///
/// Columns of a table and channels of images are scaled by what the training samples that are left at the end say of them,
/// so that nothing of the test samples is used.
///
/// # Errors
/// [`Error::Argument`] for an option outside its range: no samples or more than there are, fewer than two classes,
/// a class that does not exist or is named twice, classes of a data set that has values, pooling that does not divide the
/// image's sides, a folder that is none, a target for a source without columns, coarse labels of images that have one label,
/// [`DataSource::Memory`]. [`Error::Missing`],
/// [`Error::Format`] and [`Error::Io`] for the files. [`Error::Data`] for what they hold: labels with gaps, test labels
/// that the training samples lack, a single class, no samples, constant columns or channels.
pub fn load<T: Real>(source: &DataSource, options: &DataOptions) -> Result<Parts<T>> {
    load_split(source, options).map(|Split { train, validation, test }| (train, validation.unwrap_or(test)))
}

/// A data set in its parts.
#[derive(Debug)]
pub struct Split<T> {
    /// What is trained on.
    pub train: Dataset<T>,
    /// What is set aside to tell by when to stop and what to keep, where [`DataOptions::validation`] asks for it.
    pub validation: Option<Dataset<T>>,
    /// What is tested on.
    pub test: Dataset<T>,
}

impl<T: Real> Split<T> {
    /// The same with each part treated alike.
    fn each<U>(self, mut treat: impl FnMut(Dataset<T>) -> Result<Dataset<U>>) -> Result<Split<U>> {
        Ok(Split {
            train: treat(self.train)?,
            validation: self.validation.map(&mut treat).transpose()?,
            test: treat(self.test)?,
        })
    }
}

/// The same as [`load`] with the samples that are set aside for validation beside the test samples.
///
/// # Errors
/// As [`load`]; [`Error::Argument`] (`validation`) if it leaves nothing to train on.
pub fn load_split<T: Real>(source: &DataSource, options: &DataOptions) -> Result<Split<T>> {
    let parts = match source {
        DataSource::Csv(path) => return load_table(path, source, options),
        _ if options.of_tables().is_some() || options.regression => {
            let (name, value, _) = options.of_tables().unwrap_or(("target", "last".to_owned(), "last"));
            let expected = format!("a table, as {source} has no columns");
            return Err(Error::argument(name, value, expected));
        }
        DataSource::Digits | DataSource::FashionMnist if options.labels != Labels::Fine => {
            return Err(Error::argument(
                "labels",
                options.labels,
                format!("fine, as {source} has one label"),
            ));
        }
        DataSource::Digits => match options.fold {
            Some(fold) => split::fold(&digits::all()?, fold, options.split_seed)?,
            None => digits::load(options.split_seed)?,
        },
        DataSource::FashionMnist => in_fold(fashion_mnist::load(fashion_mnist::FOLDER.as_ref())?, options)?,
        DataSource::Directory(folder) => in_fold(folder::load(folder, options.labels)?, options)?,
        DataSource::Memory => {
            let expected = "files or digits: what a program has in its memory cannot be loaded";
            return Err(Error::argument("data", source, expected));
        }
    };
    let split = treat(parts, None, source, options)?;
    if !options.scale {
        return weighted(split, options);
    }
    let channels = scale_channels::measure(&split.train)?;
    weighted(split.each(|part| scale_channels::apply(part, &channels))?, options)
}

/// Gives the classes of the training samples the weights that are asked for, and the same to samples that are set aside.
fn weighted<T: Real>(mut split: Split<T>, options: &DataOptions) -> Result<Split<T>> {
    let Some(weights) = &options.class_weights else { return Ok(split) };
    split.train = split.train.with_class_weights(weights)?;
    let weights = &split.train.class_weights;
    match &mut split.validation {
        Some(validation) => validation.class_weights.clone_from(weights),
        None if options.holdout => split.test.class_weights.clone_from(weights),
        None => {}
    }
    Ok(split)
}

/// The parts in which a source comes, or a fold of its training samples.
fn in_fold<T: Real>(parts: Parts<T>, options: &DataOptions) -> Result<Parts<T>> {
    match options.fold {
        Some(fold) => split::fold(&parts.0, fold, options.split_seed),
        None => Ok(parts),
    }
}

fn load_table<T: Real>(path: &Path, source: &DataSource, options: &DataOptions) -> Result<Split<T>> {
    let csv_file::Loaded { schema, parts, validation, mut notes } = csv_file::load(path, options)?;
    let split = treat(parts, validation, source, options)?;
    encode::require_varying_targets(&split.train)?;
    let (columns, note) = Columns::learnt(&schema, &split.train, options.scale)?;
    notes.extend(note);
    for part in split.validation.iter().chain([&split.test]) {
        notes.extend(encode::unknown_categories(&columns, &schema, part.name(), part.features()));
    }
    let columns = Arc::new(columns);
    let Split { train, validation, test } = split.each(|part| columns.apply(&schema, part))?;
    weighted(Split { train: train.with_notes(notes), validation, test }, options)
}

/// Reads samples for a model as those that it was trained on were: `source` and `options` say which, and a table's
/// columns are looked up by name and scaled as in training, and so are images' channels.
///
/// # Errors
/// As [`load`]; [`Error::Argument`] (`data`) if one of model and source has columns and the other none, (`split`) for all
/// rows of a source that is no table; [`Error::Format`] if a column or class is not there.
pub fn load_like<T: Real>(
    trained: &Preprocessing,
    source: &DataSource,
    options: &DataOptions,
    part: Part,
) -> Result<Dataset<T>> {
    if let Some(table) = table_for(trained, source)? {
        return load_rows_like(trained, &table, options, part);
    }
    let (train, test) = load(source, options)?;
    let chosen = match part {
        Part::Train => train,
        Part::Test => test,
        Part::All => {
            let expected = format!("train or test, the parts in which {source} comes");
            return Err(Error::argument("split", "all", expected));
        }
    };
    match &trained.channels {
        Some(channels) => scale_channels::apply(chosen, channels),
        None => Ok(chosen),
    }
}

/// [`load_like`] of a table that is read already.
///
/// # Errors
/// As [`load_like`].
pub fn load_rows_like<T: Real>(
    trained: &Preprocessing,
    table: &Table,
    options: &DataOptions,
    part: Part,
) -> Result<Dataset<T>> {
    let source = DataSource::Csv(table.path().to_owned());
    let columns = columns_of(trained, &source)?;
    let is_training_file = trained.is_of(&source);
    if trained.test.is_some() && is_training_file && part == Part::Test {
        let expected = format!("train or all: the model was trained on all rows of {source}");
        return Err(Error::argument("split", "test", expected));
    }
    let schema = Schema::of(columns);
    let all = csv_file::dataset(table, &schema)?;
    let chosen = match part {
        Part::Train if trained.test.is_some() && is_training_file && table.first_test_row().is_none() => all,
        Part::All => all,
        Part::Train => csv_file::split(&all, table.first_test_row(), options.split_seed)?.0,
        Part::Test => csv_file::split(&all, table.first_test_row(), options.split_seed)?.1,
    };
    let chosen = pool(choose(chosen, options)?, options)?;
    let mut notes = chosen.notes().to_vec();
    notes.extend(encode::unknown_categories(columns, &schema, chosen.name(), chosen.features()));
    Ok(Arc::new(columns.clone()).apply(&schema, chosen)?.with_notes(notes))
}

/// The rows of a table for a model, without a look at what they are to be told.
#[derive(Debug)]
pub struct Inputs<T> {
    /// The inputs of the network, row after row.
    pub inputs: Vec<T>,
    /// The rows of the table, counted from 0: all but those that are left out for missing values.
    pub rows: Vec<usize>,
    /// What somebody who uses them should know.
    pub notes: Vec<String>,
}

/// The table in which a model's columns are to be looked for; `None` where neither it nor the source has columns.
///
/// # Errors
/// As [`load_like`] for the source, [`Table::read`] for the file.
pub fn table_for(trained: &Preprocessing, source: &DataSource) -> Result<Option<Table>> {
    match (&trained.columns, source) {
        (_, DataSource::Csv(path)) => {
            columns_of(trained, source)?;
            Table::read(path, trained.header, trained.delimiter).map(Some)
        }
        (Some(_), _) => {
            let expected = format!(
                "a .csv, .tsv, .npy or .npz file with the columns of {}, as in training",
                trained.data
            );
            Err(Error::argument("data", source, expected))
        }
        (None, _) => Ok(None),
    }
}

/// The inputs that a model gets of all rows of a table: its columns, looked up by name and treated as in training. Targets
/// need not be there.
///
/// # Errors
/// [`Error::Argument`] (`data`) if the model has no columns; as [`load_like`] for the cells.
pub fn load_inputs<T: Real>(trained: &Preprocessing, table: &Table) -> Result<Inputs<T>> {
    let source = DataSource::Csv(table.path().to_owned());
    let columns = columns_of(trained, &source)?;
    let schema = Schema::of(columns);
    let rows = csv_file::features(table, &schema)?;
    let name = source.to_string();
    let mut notes: Vec<String> = csv_file::left_out(table, rows.rows.len()).into_iter().collect();
    notes.extend(encode::unknown_categories(columns, &schema, &name, &rows.numbers));
    Ok(Inputs { inputs: columns.inputs(&schema, &name, &rows.numbers)?, rows: rows.rows, notes })
}

/// The columns of a model that is to be used on a table.
fn columns_of<'a>(trained: &'a Preprocessing, table: &DataSource) -> Result<&'a Columns> {
    trained.columns.as_ref().ok_or_else(|| {
        Error::argument("data", table, format!("images, as the model was trained on {}", trained.data))
    })
}

/// Everything that is made of training, validation and test samples but scaling.
fn treat<T: Real>(
    (mut train, mut test): Parts<T>,
    mut validation: Option<Dataset<T>>,
    source: &DataSource,
    options: &DataOptions,
) -> Result<Split<T>> {
    if options.classes.is_none() && !train.outputs().are_values() {
        require_all_classes(&train, &test)?;
    }
    if options.holdout {
        let count = match source {
            DataSource::Digits | DataSource::Csv(_) | DataSource::Memory => train.n_samples() / 5,
            DataSource::FashionMnist => HOLDOUT,
            DataSource::Directory(folder) => folder::Format::of(folder)?.holdout(train.n_samples()),
        };
        (train, test) = split::hold_out(train, count)?;
    }
    if let Some(Validation::Share(share)) = options.validation {
        let set_aside;
        (train, set_aside) = split::set_aside(&train, share, options.split_seed)?;
        validation = Some(set_aside);
    }
    let mut split = Split { train, validation, test }.each(|part| choose(part, options))?;
    if let Some(classes) = &options.classes {
        transform::require_present(&split.train, classes)?;
    }
    if let Some(count) = options.samples {
        split.train = transform::first(split.train, count)?;
    }
    split = split.each(|part| pool(part, options))?;
    if !split.train.outputs().are_values() {
        require_two_classes(&split.train)?;
    }
    Ok(split)
}
/// The samples of the classes that are asked for.
fn choose<T: Real>(dataset: Dataset<T>, options: &DataOptions) -> Result<Dataset<T>> {
    match &options.classes {
        None => Ok(dataset),
        Some(classes) => transform::choose_classes(dataset, classes),
    }
}

/// The images in the size that is asked for.
fn pool<T: Real>(dataset: Dataset<T>, options: &DataOptions) -> Result<Dataset<T>> {
    if options.pool == 1 {
        return Ok(dataset);
    }
    if dataset.rows().is_some() && dataset.image().is_some() {
        let expected = format!("1, as {} has a column for each pixel", dataset.name());
        return Err(Error::argument("pool", options.pool, expected));
    }
    transform::pool(&dataset, options.pool)
}

/// `Ok` when every class has a training sample: a gap in the labels is more often a broken file than meant.
fn require_all_classes<T: Real>(train: &Dataset<T>, test: &Dataset<T>) -> Result {
    require_two_classes(train)?;
    let counts = train.class_counts();
    let largest = train.labels().iter().copied().max().unwrap_or(0);
    if let Some(&label) = test.labels().iter().find(|&&label| label > largest) {
        let expected = format!("labels from 0 to {largest}, as in training");
        return Err(Error::data(test.name(), format!("label {label}"), expected));
    }
    match counts.iter().position(|&count| count == 0) {
        None => Ok(()),
        Some(absent) if absent > largest as usize => Err(Error::Data {
            name: train.name().to_owned(),
            found: format!("no samples of class {absent}"),
            expected: format!("samples of each of {} classes", counts.len()),
            hint: Some("name the classes that exist with `classes`"),
        }),
        Some(gap) => Err(Error::Data {
            name: train.name().to_owned(),
            found: format!("labels up to {largest}, none of them {gap}"),
            expected: "labels from 0 without gaps".to_owned(),
            hint: Some("name the classes that exist with `classes`"),
        }),
    }
}

/// `Ok` when there is something to tell apart.
fn require_two_classes<T: Real>(train: &Dataset<T>) -> Result {
    let counts = train.class_counts();
    if counts.iter().filter(|&&count| count > 0).count() >= 2 {
        return Ok(());
    }
    let found = format!("{} samples of one class", train.n_samples());
    Err(Error::data(train.name(), found, "samples of at least two classes"))
}
