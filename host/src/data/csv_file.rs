//! Data sets from CSV files: their rows as samples, and which are for testing.

use std::fs;
use std::path::Path;

use super::dataset::{Dataset, Parts, Targets};
use super::missing::Missing;
use super::nearest::{nearest, quoted};
use super::outputs::Outputs;
use super::schema::{Feature, Schema};
use super::source::{DataOptions, Validation};
use super::split::{self, stratified};
use super::table::Table;
use super::transform::select;
use crate::error::{Error, Result};

/// Rows that a file must have to be trained on: a fifth of them, two, is enough for their values to vary.
pub(super) const FEWEST_ROWS: usize = 10;

/// Of so many rows one is for testing.
const ROWS_A_TEST_SAMPLE: usize = 5;

/// In a column of categories, the number of one that is none of the known.
pub(super) const UNKNOWN: f64 = -1.0;

/// A table to train on.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) schema: Schema,
    /// Training and test samples as [`dataset`] has them.
    pub(super) parts: Parts<f64>,
    /// Those of a file for validation.
    pub(super) validation: Option<Dataset<f64>>,
    /// What somebody who trains on them should know.
    pub(super) notes: Vec<String>,
}

/// Training and test samples of a file, as options say which columns are learnt, which are left out, whether there is a header,
/// and by which seed the rows are split, unless another file has the test samples.
///
/// The targets are by default the last column; all others that are not left out are features. A name that no column has and that
/// is a number counts the columns from 1. For regression the targets are numbers. Otherwise the one target is the class: text or an
/// integer; the classes are what the column holds, sorted, as numbers if all of them are. `1` and `1.0` are then the same class.
/// A feature in which more cells are text than numbers is one of categories.
///
/// # Errors
/// As [`Table::read`]. [`Error::Argument`] (`target`, `features`, `exclude`, `categorical`) for a column that does not exist, with
/// the nearest names, one named twice, columns that contradict each other, several columns of classes, no feature left; (`test`)
/// for a test file that is the same one. [`Error::Format`] naming line and column of a cell whose value is missing, unless the
/// options say what to do then, is no number, or not finite; for a column of too many different texts; and for too few rows. A
/// single class is one too; a class of a single row is an [`Error::Data`].
pub(super) fn load(path: &Path, options: &DataOptions) -> Result<Loaded> {
    let table = Table::read(path, options.header, options.delimiter)?;
    let schema = Schema::chosen(&table, options)?;
    let all = dataset(&table, &schema)?;
    if all.n_samples() < FEWEST_ROWS {
        let rows = if all.n_samples() == 1 { "row" } else { "rows" };
        let found = format!("{} {rows} of samples", all.n_samples());
        return Err(Error::format(path, found, format!("at least {FEWEST_ROWS}")));
    }
    let mut notes = table.notes().to_vec();
    notes.extend(all.notes().iter().cloned());
    notes.extend(rows_counted(&table, &schema, &all));
    let mut other = |setting, other: &Path, before: &[&Path]| -> Result<Dataset<f64>> {
        before.iter().try_for_each(|before| require_other(setting, other, before))?;
        let table = Table::read(other, options.header, options.delimiter)?;
        let samples = dataset(&table, &schema)?;
        notes.extend(table.notes().iter().chain(samples.notes()).cloned());
        Ok(samples.named(format!("{} ({setting})", other.display())))
    };
    let test = options.test.as_ref().map(|test| other("test", test, &[path])).transpose()?;
    let validation = match &options.validation {
        Some(Validation::File(file)) => {
            let before = [Some(path), options.test.as_deref()];
            Some(other("validation", file, &before.into_iter().flatten().collect::<Vec<_>>())?)
        }
        Some(Validation::Share(_)) | None => None,
    };
    let first_test_row = table.first_test_row();
    let all = match (first_test_row, &test, options.fold) {
        // Test samples come from elsewhere; those of the file are not for training.
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => split(&all, first_test_row, options.split_seed)?.0,
        _ => all,
    };
    if let Some(test) = test {
        let train = all.named(format!("{} (training)", path.display()));
        return Ok(Loaded { schema, parts: (train, test), validation, notes });
    }
    if let Some(class) = all.class_counts().iter().position(|&count| count == 1) {
        let found = format!("a single sample of class {}", quoted(&all.classes()[class]));
        return Err(Error::data(all.name(), found, "at least two of each class, for training and testing"));
    }
    let parts = match options.fold {
        Some(fold) => split::fold(&all, fold, options.split_seed)?,
        None => split(&all, first_test_row, options.split_seed)?,
    };
    Ok(Loaded { schema, parts, validation, notes })
}

/// `Ok` for two files, however their paths are spelt: no row is to be trained on and tested on.
fn require_other(setting: &'static str, path: &Path, other: &Path) -> Result {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| Error::io("read", path, error));
    if real(path)? == real(other)? {
        let expected = "a file of its own: no sample is trained on, told by and tested on at once";
        return Err(Error::argument(setting, path.display(), expected));
    }
    Ok(())
}

/// A note of each feature that does nothing but number the rows.
fn rows_counted(table: &Table, schema: &Schema, all: &Dataset<f64>) -> impl Iterator<Item = String> {
    let counts = |(index, feature): &(usize, &Feature)| {
        let numbers = all.features().iter().skip(*index).step_by(all.n_features());
        let first = all.features()[*index];
        feature.categories.is_none() && numbers.enumerate().all(|(row, &number)| number == first + row as f64)
    };
    schema.features.iter().enumerate().filter(counts).map(|(_, feature)| {
        let (shown, path) = (quoted(&feature.name), table.path().display());
        format!("column {shown} of {path} numbers the rows and is learnt from as a feature; --exclude leaves it out")
    })
}

/// A fifth of the samples for testing, the others for training, in an order drawn from `seed`; of each class its share. Where the table
/// says which rows are for testing, beginning with `first_test_row`, it is these.
///
/// # Errors
/// [`Error::Data`] for fewer than five samples.
pub(super) fn split(all: &Dataset<f64>, first_test_row: Option<usize>, seed: u64) -> Result<Parts<f64>> {
    let part = |indices: &[usize], part| -> Result<Dataset<f64>> {
        Ok(select(all, indices)?.named(format!("{} ({part})", all.name())))
    };
    if let (Some(first), Some(rows)) = (first_test_row, all.rows()) {
        let (test, train): (Vec<_>, Vec<_>) = (0..rows.len()).partition(|&sample| rows[sample] >= first);
        return Ok((part(&train, "training")?, part(&test, "test")?));
    }
    let n_test = all.n_samples() / ROWS_A_TEST_SAMPLE;
    let (train, test) = if all.outputs().are_values() {
        stratified(&vec![0; all.n_samples()], 1, n_test, seed)
    } else {
        stratified(all.labels(), all.n_classes(), n_test, seed)
    };
    Ok((part(&train, "training")?, part(&test, "test")?))
}

/// All samples of a table, its columns looked up by name, not scaled and not encoded: a feature is a number, or the place of a
/// category among those that are known, or [`UNKNOWN`], or NaN where the value is missing. Rows that are left out for a missing
/// value are counted in a note.
///
/// # Errors
/// [`Error::Format`] naming a column that is not there, or line and column of a cell that is empty, no number, not finite,
/// or none of the classes; and if no row is left.
pub(super) fn dataset(table: &Table, schema: &Schema) -> Result<Dataset<f64>> {
    let missing = "the target column of the model (to predict, none is needed)";
    let targets = places(table, schema.targets.iter(), missing)?;
    let Rows { rows, numbers, n_features } = rows(table, schema, &targets)?;
    let values = match &schema.classes {
        None => {
            let cells = rows.iter().flat_map(|&row| targets.iter().map(move |&target| (row, target)));
            Targets::Values(cells.map(|(row, target)| table.number(row, target)).collect::<Result<_>>()?)
        }
        Some(classes) => {
            let label = |&row: &usize| {
                classes.place(&table.text(row, targets[0])?).map(|label| label as u32).ok_or_else(|| {
                    let known =
                        classes.as_slice().iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
                    table.refuse(row, targets[0], &format!("a class of the model: {known}"))
                })
            };
            Targets::Labels(rows.iter().map(label).collect::<Result<_>>()?)
        }
    };
    let outputs = match &schema.classes {
        None => Outputs::Values(schema.targets.clone()),
        Some(classes) => Outputs::Classes(classes.as_slice().to_vec()),
    };
    let notes = left_out(table, rows.len()).into_iter().collect();
    let name = table.path().display().to_string();
    let samples = Dataset::of_rows(name, numbers, n_features, values, outputs, rows).with_notes(notes);
    samples.with_image_if(schema.image)
}

/// A note of the rows that are left out where so many are used.
pub(super) fn left_out(table: &Table, n_used: usize) -> Option<String> {
    let rows = match table.n_rows() - n_used {
        0 => return None,
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    };
    Some(format!("{rows} of {} left out for missing values", table.path().display()))
}

/// The features of the samples of a table as [`dataset`] has them; the targets need not be there.
pub(super) struct Rows {
    /// The rows that are not left out, counted from 0.
    pub(super) rows: Vec<usize>,
    /// `n_features` numbers for each of them.
    pub(super) numbers: Vec<f64>,
    pub(super) n_features: usize,
}

/// The samples of a table without targets.
///
/// # Errors
/// As [`dataset`].
pub(super) fn features(table: &Table, schema: &Schema) -> Result<Rows> {
    rows(table, schema, &[])
}

/// The rows whose features, and these targets, are to be used.
fn rows(table: &Table, schema: &Schema, targets: &[usize]) -> Result<Rows> {
    let expected = "every feature of the model";
    let features = places(table, schema.features.iter().map(|feature| &feature.name), expected)?;
    let is_whole =
        |&row: &usize| features.iter().chain(targets).all(|&column| !table.is_missing(row, column));
    let rows: Vec<usize> = match schema.missing {
        Missing::Drop => (0..table.n_rows()).filter(is_whole).collect(),
        _ => (0..table.n_rows()).collect(),
    };
    if rows.is_empty() {
        let found = format!("missing values in each of {} rows", table.n_rows());
        return Err(Error::format(table.path(), found, "a row without"));
    }
    let mut numbers = Vec::with_capacity(rows.len() * features.len());
    for &row in &rows {
        for (&column, feature) in features.iter().zip(&schema.features) {
            numbers.push(match (table.is_missing(row, column), &feature.categories) {
                (true, _) if schema.missing.fills() => f64::NAN,
                (_, None) => table.number(row, column)?,
                (_, Some(categories)) => {
                    categories.place(&table.text(row, column)?).map_or(UNKNOWN, |place| place as f64)
                }
            });
        }
    }
    Ok(Rows { rows, numbers, n_features: features.len() })
}

/// Where in a table the columns are.
fn places<'a>(table: &Table, names: impl Iterator<Item = &'a String>, expected: &str) -> Result<Vec<usize>> {
    let place = |name: &String| {
        table.column(name).ok_or_else(|| {
            let near = nearest(name, table.names().iter().map(String::as_str));
            let found = format!("no column {}, only such as {near}", quoted(name));
            Error::format(table.path(), found, expected)
        })
    };
    names.map(place).collect()
}
