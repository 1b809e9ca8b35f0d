//! Data sets from CSV files: which columns are features, which are targets, and what their cells say.

use std::collections::HashMap;
use std::path::Path;

use super::columns::{Column, Columns};
use super::dataset::{Dataset, Parts};
use super::nearest::{nearest, quoted};
use super::split::stratified;
use super::table::Table;
use super::transform::select;
use crate::error::{Error, Result};

/// Rows that a file must have to be trained on: a fifth of them, two, is enough for their values to vary.
pub const FEWEST_ROWS: usize = 10;

/// Of so many rows one is for testing.
const ROWS_A_TEST_SAMPLE: usize = 5;

/// Training and test samples of a file, not scaled, and its columns.
///
/// `target` names the columns to be learnt, by default the last one; all others are features. A name that no column has
/// and that is a number counts the columns from 1. For `regression` the targets are numbers. Otherwise the one target is
/// the class: text or an integer; the classes are what the column holds, sorted, as numbers if all of them are.
///
/// # Errors
/// As [`Table::read`]. [`Error::Argument`] (`target`) for a column that does not exist, with the nearest names, one named
/// twice, several columns of classes, no feature left. [`Error::Format`] naming line and column of a cell that is empty,
/// no number, or not finite; and for too few rows. A single class is one too; a class of a single row is an
/// [`Error::Data`].
pub fn load(
    path: &Path,
    target: Option<&[String]>,
    regression: bool,
    seed: u64,
) -> Result<(Columns, Parts<f64>)> {
    let table = Table::read(path)?;
    let columns = choose(&table, target, regression)?;
    let all = dataset(&table, &columns)?;
    if table.n_rows() < FEWEST_ROWS {
        let rows = if table.n_rows() == 1 { "row" } else { "rows" };
        let found = format!("{} {rows} of samples", table.n_rows());
        return Err(Error::format(path, found, format!("at least {FEWEST_ROWS}")));
    }
    if let Some(class) = all.class_counts().iter().position(|&count| count == 1) {
        let found = format!("a single sample of class {}", quoted(&all.classes()[class]));
        return Err(Error::data(all.name(), found, "at least two of each class, for training and testing"));
    }
    Ok((columns, split(&all, seed)?))
}

/// A fifth of the samples for testing, the others for training, in an order drawn from `seed`; of each class its share.
///
/// # Errors
/// [`Error::Data`] for fewer than five samples.
pub fn split(all: &Dataset<f64>, seed: u64) -> Result<Parts<f64>> {
    let n_test = all.n_samples() / ROWS_A_TEST_SAMPLE;
    let (train, test) = if all.outputs().are_values() {
        stratified(&vec![0; all.n_samples()], 1, n_test, seed)
    } else {
        stratified(all.labels(), all.n_classes(), n_test, seed)
    };
    let part = |indices: &[usize], part| -> Result<Dataset<f64>> {
        Ok(select(all, indices)?.named(format!("{} ({part})", all.name())))
    };
    Ok((part(&train, "training")?, part(&test, "test")?))
}

/// All samples of a table, its columns looked up by name and not scaled.
///
/// # Errors
/// [`Error::Format`] naming a column that is not there, or line and column of a cell that is empty, no number, not finite,
/// or none of the classes.
pub fn dataset(table: &Table, columns: &Columns) -> Result<Dataset<f64>> {
    let features = feature_places(table, columns)?;
    let missing = "the target column of the model (to predict, none is needed)";
    let targets = places(table, &columns.targets, missing)?;
    let name = table.path().display().to_string();
    let names = |columns: &[Column]| columns.iter().map(|column| column.name.clone()).collect();
    let mut numbers = Vec::with_capacity(table.n_rows() * features.len());
    if columns.classes.is_empty() {
        let mut values = Vec::with_capacity(table.n_rows() * targets.len());
        for row in 0..table.n_rows() {
            read_numbers(table, row, &features, &mut numbers)?;
            read_numbers(table, row, &targets, &mut values)?;
        }
        Dataset::with_values(name, numbers, values, features.len(), names(&columns.targets))
    } else {
        let label_of: HashMap<&str, u32> = columns.classes.iter().map(String::as_str).zip(0..).collect();
        let mut labels = Vec::with_capacity(table.n_rows());
        for row in 0..table.n_rows() {
            read_numbers(table, row, &features, &mut numbers)?;
            let Some(&label) = label_of.get(table.text(row, targets[0])?) else {
                let known = columns.classes.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
                return Err(table.refuse(row, targets[0], &format!("a class of the model: {known}")));
            };
            labels.push(label);
        }
        Dataset::new(name, numbers, labels, features.len(), columns.classes.clone())
    }
}

/// The features of all samples of a table, sample after sample and not scaled; the targets need not be there.
///
/// # Errors
/// As [`dataset`].
pub fn features(table: &Table, columns: &Columns) -> Result<Vec<f64>> {
    let places = feature_places(table, columns)?;
    let mut numbers = Vec::with_capacity(table.n_rows() * places.len());
    for row in 0..table.n_rows() {
        read_numbers(table, row, &places, &mut numbers)?;
    }
    Ok(numbers)
}

fn feature_places(table: &Table, columns: &Columns) -> Result<Vec<usize>> {
    places(table, &columns.features, "every feature of the model")
}

/// Where in a table the columns are.
fn places(table: &Table, columns: &[Column], expected: &str) -> Result<Vec<usize>> {
    let place = |column: &Column| {
        table.column(&column.name).ok_or_else(|| {
            let near = nearest(&column.name, table.names().iter().map(String::as_str));
            let found = format!("no column {}, only such as {near}", quoted(&column.name));
            Error::format(table.path(), found, expected)
        })
    };
    columns.iter().map(place).collect()
}

fn read_numbers(table: &Table, row: usize, columns: &[usize], numbers: &mut Vec<f64>) -> Result {
    for &column in columns {
        numbers.push(table.number(row, column)?);
    }
    Ok(())
}

/// The columns that are features and targets, without scales.
fn choose(table: &Table, target: Option<&[String]>, regression: bool) -> Result<Columns> {
    let n_columns = table.names().len();
    let mut targets = Vec::new();
    for name in target.unwrap_or_default() {
        let place = find(table, name)?;
        if targets.contains(&place) {
            return Err(Error::argument("target", name, "each column once"));
        }
        targets.push(place);
    }
    if target.is_none() {
        targets.push(n_columns - 1);
    }
    let list = || targets.iter().map(|&place| table.names()[place].as_str()).collect::<Vec<_>>().join(",");
    if targets.len() == n_columns {
        return Err(Error::argument("target", list(), "columns that leave at least one feature"));
    }
    if !regression && targets.len() > 1 {
        let expected =
            "one column of classes, or a loss such as least-squares, which fits several columns of numbers";
        return Err(Error::argument("target", list(), expected));
    }
    let column = |place: usize| Column::new(&table.names()[place]);
    let features = (0..n_columns).filter(|place| !targets.contains(place)).map(column).collect();
    let classes = if regression { Vec::new() } else { classes(table, targets[0])? };
    Ok(Columns { features, targets: targets.into_iter().map(column).collect(), classes })
}

/// The column that a person means.
fn find(table: &Table, name: &str) -> Result<usize> {
    let n_columns = table.names().len();
    let by_number =
        || name.parse().ok().filter(|number| (1..=n_columns).contains(number)).map(|n: usize| n - 1);
    table.column(name).or_else(by_number).ok_or_else(|| {
        let expected = if table.has_header() {
            let near = nearest(name, table.names().iter().map(String::as_str));
            format!("a column of `{}`; the nearest names are {near}", table.path().display())
        } else {
            format!("a number from 1 to {n_columns}: `{}` has no header", table.path().display())
        };
        Error::argument("target", name, expected)
    })
}

/// The names of the classes in a column, sorted: as numbers if all of them are, else as text.
fn classes(table: &Table, column: usize) -> Result<Vec<String>> {
    let mut first_row = HashMap::new();
    for row in 0..table.n_rows() {
        first_row.entry(table.text(row, column)?).or_insert(row);
    }
    let mut names: Vec<&str> = first_row.keys().copied().collect();
    names.sort_unstable();
    let number = |name: &&str| name.parse().ok().filter(|number: &f64| number.is_finite());
    if let Some(mut numbers) =
        names.iter().map(|name| Some((number(name)?, *name))).collect::<Option<Vec<_>>>()
    {
        let fractions = numbers.iter().filter(|(number, _)| number.fract() != 0.0);
        if let Some(row) = fractions.map(|(_, name)| first_row[name]).min() {
            return Err(table.refuse(row, column, "a class, which is text or an integer").with_hint(
                "use a --loss such as least-squares for numeric targets; --target names the columns",
            ));
        }
        numbers.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        names = numbers.into_iter().map(|(_, name)| name).collect();
    }
    if names.len() < 2 {
        let found =
            format!("the class {} alone in column {}", quoted(names[0]), quoted(&table.names()[column]));
        return Err(Error::format(table.path(), found, "at least two classes"));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}
