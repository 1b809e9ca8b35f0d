//! Data sets from CSV files: which columns are features, which are targets, and what their cells say.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::columns::{Column, Columns};
use super::dataset::{Dataset, Parts};
use super::nearest::{nearest, quoted};
use super::source::DataOptions;
use super::split::stratified;
use super::table::Table;
use super::transform::select;
use crate::error::{Error, Result};

/// Rows that a file must have to be trained on: a fifth of them, two, is enough for their values to vary.
pub const FEWEST_ROWS: usize = 10;

/// Of so many rows one is for testing.
const ROWS_A_TEST_SAMPLE: usize = 5;

/// A table to train on.
#[derive(Debug)]
pub struct Loaded {
    /// Its columns, without scales.
    pub columns: Columns,
    /// Training and test samples, not scaled.
    pub parts: Parts<f64>,
    /// What somebody who trains on them should know.
    pub notes: Vec<String>,
}

/// Training and test samples of a file, as options say which columns are learnt, which are left out, whether there is a header,
/// and by which seed the rows are split, unless another file has the test samples.
///
/// The targets are by default the last column; all others that are not left out are features. A name that no column has and that
/// is a number counts the columns from 1. For regression the targets are numbers. Otherwise the one target is the class: text or an
/// integer; the classes are what the column holds, sorted, as numbers if all of them are. `1` and `1.0` are then the same class.
///
/// # Errors
/// As [`Table::read`]. [`Error::Argument`] (`target`, `exclude`) for a column that does not exist, with the nearest names, one named
/// twice, several columns of classes, no feature left; (`test`) for a test file that is the same one. [`Error::Format`] naming line and column of a cell that is empty,
/// no number, or not finite; and for too few rows. A single class is one too; a class of a single row is an
/// [`Error::Data`].
pub fn load(path: &Path, options: &DataOptions) -> Result<Loaded> {
    let table = Table::read(path, options.header)?;
    let columns = choose(&table, options)?;
    let all = dataset(&table, &columns)?;
    if table.n_rows() < FEWEST_ROWS {
        let rows = if table.n_rows() == 1 { "row" } else { "rows" };
        let found = format!("{} {rows} of samples", table.n_rows());
        return Err(Error::format(path, found, format!("at least {FEWEST_ROWS}")));
    }
    let mut notes = table.notes().to_vec();
    notes.extend(rows_counted(&table, &columns, &all));
    if let Some(other) = &options.test {
        require_other(path, other)?;
        let test = Table::read(other, options.header)?;
        notes.extend(test.notes().iter().cloned());
        let test = dataset(&test, &columns)?;
        let test = test.named(format!("{} (test)", other.display()));
        let train = all.named(format!("{} (training)", path.display()));
        return Ok(Loaded { columns, parts: (train, test), notes });
    }
    if let Some(class) = all.class_counts().iter().position(|&count| count == 1) {
        let found = format!("a single sample of class {}", quoted(&all.classes()[class]));
        return Err(Error::data(all.name(), found, "at least two of each class, for training and testing"));
    }
    Ok(Loaded { columns, parts: split(&all, options.split_seed)?, notes })
}

/// `Ok` for two files, however their paths are spelt: no row is to be trained on and tested on.
fn require_other(train: &Path, test: &Path) -> Result {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| Error::io("read", path, error));
    if real(train)? == real(test)? {
        let expected = "another file than --data: no sample is both trained on and tested on";
        return Err(Error::argument("test", test.display(), expected));
    }
    Ok(())
}

/// A note of each feature that does nothing but number the rows.
fn rows_counted(table: &Table, columns: &Columns, all: &Dataset<f64>) -> impl Iterator<Item = String> {
    let counts = |&index: &usize| {
        let numbers = all.features().iter().skip(index).step_by(all.n_features());
        let first = all.features()[index];
        numbers.enumerate().all(|(row, &number)| number == first + row as f64)
    };
    (0..all.n_features()).filter(counts).map(|index| {
        let name = &columns.features[index].name;
        let (shown, path) = (quoted(name), table.path().display());
        format!("column {shown} of {path} numbers the rows and is learnt from as a feature; --exclude leaves it out")
    })
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
        let label_of = labels_of(&columns.classes);
        let mut labels = Vec::with_capacity(table.n_rows());
        for row in 0..table.n_rows() {
            read_numbers(table, row, &features, &mut numbers)?;
            let Some(label) = label_of(table.text(row, targets[0])?) else {
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

/// The label of a class by its name; by its number where all classes have one, however it is written.
fn labels_of(classes: &[String]) -> impl Fn(&str) -> Option<u32> {
    let by_name: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let numbers: Option<Vec<f64>> = classes.iter().map(|name| finite(name)).collect();
    move |text| {
        let by_number = || {
            let number = finite(text)?;
            numbers.as_ref()?.iter().position(|&class| class == number).map(|label| label as u32)
        };
        by_name.get(text).copied().or_else(by_number)
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The columns that are features and targets, without scales.
fn choose(table: &Table, options: &DataOptions) -> Result<Columns> {
    let (n_columns, regression) = (table.names().len(), options.regression);
    let mut targets = find_all(table, "target", options.target.as_deref())?;
    let excluded = find_all(table, "exclude", options.exclude.as_deref())?;
    if options.target.is_none() {
        // The last one that there is.
        targets.extend((0..n_columns).rfind(|place| !excluded.contains(place)));
    }
    if let Some(&both) = targets.iter().find(|place| excluded.contains(place)) {
        return Err(Error::argument("exclude", &table.names()[both], "columns that are not to be learnt"));
    }
    let list = || targets.iter().map(|&place| table.names()[place].as_str()).collect::<Vec<_>>().join(",");
    if targets.len() + excluded.len() == n_columns {
        let (name, columns) = match &options.exclude {
            Some(names) => ("exclude", names.join(",")),
            None => ("target", list()),
        };
        return Err(Error::argument(name, columns, "columns that leave at least one feature"));
    }
    if !regression && targets.len() > 1 {
        let expected =
            "one column of classes, or a loss such as least-squares, which fits several columns of numbers";
        return Err(Error::argument("target", list(), expected));
    }
    let column = |place: usize| Column::new(&table.names()[place]);
    let is_feature = |place: &usize| !targets.contains(place) && !excluded.contains(place);
    let features = (0..n_columns).filter(is_feature).map(column).collect();
    let classes = if regression { Vec::new() } else { classes(table, targets[0])? };
    Ok(Columns { features, targets: targets.into_iter().map(column).collect(), classes })
}

/// The columns that a person means, each once.
fn find_all(table: &Table, setting: &'static str, names: Option<&[String]>) -> Result<Vec<usize>> {
    let mut places = Vec::new();
    for name in names.unwrap_or_default() {
        let place = find(table, setting, name)?;
        if places.contains(&place) {
            return Err(Error::argument(setting, name, "each column once"));
        }
        places.push(place);
    }
    Ok(places)
}

/// The column that a person means.
fn find(table: &Table, setting: &'static str, name: &str) -> Result<usize> {
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
        Error::argument(setting, name, expected)
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
    let number = |name: &&str| finite(name);
    if let Some(mut numbers) =
        names.iter().map(|name| Some((number(name)?, *name))).collect::<Option<Vec<_>>>()
    {
        let fractions = numbers.iter().filter(|(number, _)| number.fract() != 0.0);
        if let Some(row) = fractions.map(|(_, name)| first_row[name]).min() {
            return Err(table.refuse(row, column, "a class, which is text or an integer").with_hint(
                "use a --loss such as least-squares for numeric targets; --target names the columns",
            ));
        }
        // Of one number written in several ways the shortest stays.
        numbers.sort_by(|(a, text), (b, other)| a.total_cmp(b).then_with(|| text.len().cmp(&other.len())));
        numbers.dedup_by(|(a, _), (b, _)| a == b);
        names = numbers.into_iter().map(|(_, name)| name).collect();
    }
    if names.len() < 2 {
        let found =
            format!("the class {} alone in column {}", quoted(names[0]), quoted(&table.names()[column]));
        return Err(Error::format(table.path(), found, "at least two classes"));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}
