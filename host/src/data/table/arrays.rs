//! Arrays of NumPy as the columns of a table: a file of one, `.npy`, or of several, `.npz`.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::npy::{self, Array, Elements};
use crate::data::bytes;
use crate::data::nearest::quoted;
use crate::error::{Error, Result};

/// Names of arrays that are learnt, not learnt from: they come last.
const TARGETS: [&str; 7] = ["y", "target", "targets", "label", "labels", "class", "classes"];

const TRAINING: &str = "_train";
const TEST: &str = "_test";

/// An array and its name in the file.
type Named = (String, Array);

/// The columns that arrays of as many rows have.
#[derive(Debug)]
pub(super) struct Arrays {
    pub(super) n_rows: usize,
    /// The first row for testing, where arrays are named `..._train` and `..._test`.
    pub(super) test: Option<usize>,
    parts: Vec<Part>,
    /// Of each column its array and its place in a row of it.
    columns: Vec<(usize, usize)>,
}

#[derive(Debug)]
struct Part {
    elements: Elements,
    width: usize,
}

/// What is in a cell.
pub(super) enum Cell<'a> {
    Number(f64),
    Text(&'a str),
}

impl Arrays {
    pub(super) fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let (part, offset) = self.columns[column];
        let Part { elements, width } = &self.parts[part];
        match elements {
            Elements::Numbers(numbers) => Cell::Number(numbers[row * width + offset]),
            Elements::Texts(texts) => Cell::Text(&texts[row * width + offset]),
        }
    }

    pub(super) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Whether all cells of a column are numbers.
    pub(super) fn holds_numbers(&self, column: usize) -> bool {
        matches!(self.parts[self.columns[column].0].elements, Elements::Numbers(_))
    }
}

/// Whether a file's name is that of arrays.
pub(crate) fn is_arrays(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy") || end.eq_ignore_ascii_case("npz"))
}

/// Reads a file's arrays, the names of their columns, and a note of what was left out.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] for what is no such file, and for arrays that do not have as many rows.
pub(super) fn read(path: &Path) -> Result<(Arrays, Option<Vec<String>>, Vec<String>)> {
    let content = bytes::read_whole(path)?;
    if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy")) {
        let array = npy::read(path, "", &content)?;
        let rows = array.shape.first().copied();
        let Some(n_rows) = rows.filter(|_| array.shape.len() > 1) else {
            let found = format!("an array of shape {:?}", array.shape);
            return Err(Error::format(path, found, "a row for each sample, with a column for the target"));
        };
        let (arrays, _) = together(path, vec![(String::new(), array)], n_rows, None)?;
        return Ok((arrays, None, Vec::new()));
    }
    let mut all = entries(path, content)?;
    let mut notes = Vec::new();
    all.retain(|(name, array)| {
        let is_scalar = array.shape.is_empty();
        if is_scalar {
            notes.push(format!(
                "array {} of {} is a single value and is left out",
                quoted(name),
                path.display()
            ));
        }
        !is_scalar
    });
    let (all, test) = joined(path, all, &mut notes)?;
    let Some(n_rows) = all.first().map(|(_, array)| array.shape[0]) else {
        return Err(Error::format(path, "no arrays", "arrays such as x and y"));
    };
    let (arrays, names) = together(path, all, n_rows, test)?;
    Ok((arrays, Some(names), notes))
}

/// The arrays of a `.npz` file, a zip archive of `.npy` files.
fn entries(path: &Path, content: Vec<u8>) -> Result<Vec<Named>> {
    let damaged = |error: &dyn std::fmt::Display| {
        Error::format(path, error.to_string(), "an archive as numpy.savez writes it")
    };
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|error| damaged(&error))?;
    let mut all = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(|error| damaged(&error))?;
        let Some(name) = file.name().ok().and_then(|name| Some(name.strip_suffix(".npy")?.to_owned())) else {
            continue;
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        let array = npy::read(path, &name, &bytes)?;
        all.push((name, array));
    }
    Ok(all)
}

/// Arrays named `..._train` with those named `..._test` below them, if there are any, and then no others.
fn joined(path: &Path, all: Vec<Named>, notes: &mut Vec<String>) -> Result<(Vec<Named>, Option<usize>)> {
    if !all.iter().any(|(name, _)| name.ends_with(TRAINING)) {
        return Ok((all, None));
    }
    let (mut training, mut others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(name, _)| name.ends_with(TRAINING));
    let first = training[0].1.shape[0];
    for (name, array) in &mut training {
        name.truncate(name.len() - TRAINING.len());
        let wanted = format!("{name}{TEST}");
        let Some(place) = others.iter().position(|(name, _)| *name == wanted) else {
            return Err(Error::format(
                path,
                format!("no array {}", quoted(&wanted)),
                "one for each array of training samples",
            ));
        };
        let below = others.swap_remove(place).1;
        if array.shape[0] != first || below.shape[1..] != array.shape[1..] {
            let found =
                format!("{:?} training and {:?} test elements of {}", array.shape, below.shape, quoted(name));
            return Err(Error::format(
                path,
                found,
                format!("{first} training samples, and test samples of one shape with them"),
            ));
        }
        array.shape[0] += below.shape[0];
        match (&mut array.elements, below.elements) {
            (Elements::Numbers(own), Elements::Numbers(more)) => own.extend(more),
            (Elements::Texts(own), Elements::Texts(more)) => own.extend(more),
            _ => {
                let found = format!("numbers and texts in {}", quoted(name));
                return Err(Error::format(path, found, "one kind of elements in training and test"));
            }
        }
    }
    for (name, _) in &others {
        notes.push(format!(
            "array {} of {} is none of training or test samples and is left out",
            quoted(name),
            path.display()
        ));
    }
    Ok((training, Some(first)))
}

/// Arrays with `n_rows` rows each beside one another, what is to be learnt last, and the columns' names.
fn together(
    path: &Path,
    mut all: Vec<Named>,
    n_rows: usize,
    test: Option<usize>,
) -> Result<(Arrays, Vec<String>)> {
    all.sort_by_key(|(name, _)| TARGETS.contains(&&*name.to_lowercase()));
    if let Some((name, array)) = all.iter().find(|(_, array)| array.shape[0] != n_rows) {
        let found =
            format!("{} rows in array {}, {n_rows} in {}", array.shape[0], quoted(name), quoted(&all[0].0));
        return Err(Error::format(path, found, "as many rows in each array"));
    }
    let (mut parts, mut columns, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (name, Array { shape, elements }) in all {
        let width: usize = shape[1..].iter().product();
        for offset in 0..width {
            columns.push((parts.len(), offset));
            names.push(if width == 1 { name.clone() } else { format!("{name}{offset}") });
        }
        parts.push(Part { elements, width });
    }
    Ok((Arrays { n_rows, test, parts, columns }, names))
}
