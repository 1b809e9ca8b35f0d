//! Files as tables: CSV as text, with the line of every row, or arrays of NumPy.

mod arrays;
mod detect;
pub(crate) mod npy;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use serde::{Deserialize, Serialize};

pub(super) use self::arrays::is_arrays;
use self::arrays::{Arrays, Cell};
use self::detect::{counts_columns, has_decimal_commas, likely_delimiter, looks_like_header};
use super::bytes;
use super::missing::is_missing;
use super::nearest::{nearest, quoted};
use crate::error::{Error, Result};

/// The name of a table that is not in a file.
pub(super) const STANDARD_INPUT: &str = "-";

/// Shells make a tab hard to type, and a space hard to see.
pub(crate) const DELIMITER_NAMES: [(&str, u8); 2] = [("tab", b'\t'), ("space", b' ')];

/// A delimiter as people write it.
pub(crate) fn delimiter_name(byte: u8) -> String {
    let named = DELIMITER_NAMES.iter().find(|&&(_, known)| known == byte);
    named.map_or_else(|| char::from(byte).to_string(), |(name, _)| (*name).to_owned())
}

/// Whether the first row of a table names its columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// As its cells look
    #[default]
    Auto,
    /// It does
    Yes,
    /// It is a sample
    No,
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Header::Auto => "auto",
            Header::Yes => "yes",
            Header::No => "no",
        })
    }
}

impl Header {
    pub(super) fn is_auto(&self) -> bool {
        *self == Header::Auto
    }
}

/// A file's columns and rows.
///
/// A cell in double quotes may hold separators and line ends, and a double quote as two. Lines end in LF or CRLF. A byte order
/// mark and empty lines are passed over. The file may be gzip, and `-` is standard input.
///
/// A file of NumPy has a column for each number of a row of its arrays, `.npy` as a CSV file without a header, `.npz` named by the
/// array and the place in a row, counted from 0: `x0`, `x1`; `y` where a row has one. What is called y, target, label or class comes
/// last. Of arrays named `x_train` and `x_test` the latter's rows come last and are the test samples. NaN is a missing value.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    /// One a column: from the header, or the column's number, counted from 1, where there is none.
    names: Vec<String>,
    /// The columns by name.
    places: HashMap<String, usize>,
    has_header: bool,
    /// Whether a comma stands in its numbers where others have a point.
    decimal_comma: bool,
    notes: Vec<String>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Rows(Vec<Row>),
    Arrays(Arrays),
}

#[derive(Debug)]
struct Row {
    /// Where it begins in the file, counted from 1.
    line: usize,
    cells: StringRecord,
}

impl Table {
    /// Reads a file.
    ///
    /// Without a delimiter, cells are separated by tabs in a `.tsv` file, else by whichever of comma, semicolon, tab and bar gives
    /// the first rows equally many cells, and the most. Where it is no comma, numbers may have a decimal comma: they do if some
    /// cell is a number with one, and none is a number with a point.
    ///
    /// With [`Header::Auto`] the first row is a header, the columns' names, if above columns of numbers it has text and no number; a
    /// column of numbers is one in which more than half of the cells that are filled below the first row are numbers. So is a row
    /// `0,1,2,...` of three numbers at least, as pandas writes it above columns without names; and in a table without numbers a
    /// row none of whose cells stands below it. Without a header, and where the header's cell is empty, a column's name is its
    /// number, counted from 1.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read. [`Error::Format`] with the line: bytes that are no UTF-8, no rows or a
    /// header alone, a single column, a row with fewer or more cells than the first, a first row that has names as well
    /// as numbers above columns of numbers, two columns of one name.
    pub fn read(path: &Path, header: Header, delimiter: Option<u8>) -> Result<Self> {
        if is_arrays(path) {
            return Self::read_arrays(path, header, delimiter);
        }
        let bytes = match path.to_str() {
            Some(STANDARD_INPUT) => Cow::Borrowed(bytes::standard_input(path)?),
            _ => Cow::Owned(bytes::read_whole(path)?),
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + line_ends(&bytes, 0, error.valid_up_to());
            Error::format(path, format!("bytes in line {line} that are no UTF-8"), "text in UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let delimiter = delimiter.unwrap_or_else(|| likely_delimiter(path, text));
        let rows = rows(path, text, delimiter)?;
        let Some(first) = rows.first() else {
            return Err(Error::format(path, "no rows", "a row of column names, and rows of numbers"));
        };
        let columns = first.cells.len();
        if columns == 1 {
            return Err(Error::Format {
                path: path.to_owned(),
                found: format!("a single column in line {}", first.line),
                expected: "at least two, a feature and a target".to_owned(),
                hint: Some("--delimiter says what separates cells"),
            });
        }
        if let Some(row) = rows.iter().find(|row| row.cells.len() != columns) {
            let found = format!("{} cells in line {}", row.cells.len(), row.line);
            return Err(Error::format(path, found, format!("{columns}, as in line {}", first.line)));
        }
        let decimal_comma = delimiter != b',' && has_decimal_commas(&rows);
        Self::with_names(path, rows, header, decimal_comma)
    }

    fn with_names(path: &Path, mut rows: Vec<Row>, header: Header, decimal_comma: bool) -> Result<Self> {
        let mut notes = Vec::new();
        if decimal_comma {
            notes.push(format!("the numbers of {} are read with a decimal comma", path.display()));
        }
        let has_header = match header {
            Header::Yes => true,
            Header::No => false,
            Header::Auto if counts_columns(&rows) => {
                notes.push(format!(
                    "the first row of {}, 0 to {}, is taken as the columns' names; --header no makes it a sample",
                    path.display(),
                    rows[0].cells.len() - 1
                ));
                true
            }
            Header::Auto => looks_like_header(path, &rows, decimal_comma)?,
        };
        let number = |index: usize| (index + 1).to_string();
        let names: Vec<String> = match has_header {
            true => rows
                .remove(0)
                .cells
                .iter()
                .enumerate()
                .map(|(index, cell)| match cell.trim() {
                    "" => number(index),
                    name => name.to_owned(),
                })
                .collect(),
            false => (0..rows[0].cells.len()).map(number).collect(),
        };
        if rows.is_empty() {
            return Err(Error::format(path, "a header and no rows", "a row for every sample"));
        }
        let places = places(path, &names)?;
        let content = Content::Rows(rows);
        Ok(Self { path: path.to_owned(), names, places, has_header, decimal_comma, notes, content })
    }

    fn read_arrays(path: &Path, header: Header, delimiter: Option<u8>) -> Result<Self> {
        let none = "auto: arrays have neither header nor delimiter";
        if !header.is_auto() {
            return Err(Error::argument("header", header, none));
        }
        if let Some(delimiter) = delimiter {
            return Err(Error::argument("delimiter", delimiter_name(delimiter), none));
        }
        let (arrays, names, notes) = arrays::read(path)?;
        let has_header = names.is_some();
        let n_columns = arrays.n_columns();
        let names = names.unwrap_or_else(|| (1..=n_columns).map(|number| number.to_string()).collect());
        if n_columns < 2 {
            let found = format!("{} rows and {n_columns} columns", arrays.n_rows);
            return Err(Error::format(path, found, "samples with a feature and a target at least"));
        }
        let places = places(path, &names)?;
        let (path, content) = (path.to_owned(), Content::Arrays(arrays));
        Ok(Self { path, names, places, has_header, decimal_comma: false, notes, content })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The columns' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the names are from the file.
    pub fn has_header(&self) -> bool {
        self.has_header
    }

    /// What somebody who trains on the table should know of how it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Rows, the header not counted.
    pub fn n_rows(&self) -> usize {
        match &self.content {
            Content::Rows(rows) => rows.len(),
            Content::Arrays(arrays) => arrays.n_rows,
        }
    }

    /// The first of the rows that are for testing, where the file says which are.
    pub(super) fn first_test_row(&self) -> Option<usize> {
        match &self.content {
            Content::Rows(_) => None,
            Content::Arrays(arrays) => arrays.test,
        }
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The columns that a person means by names, or by numbers from 1 that no column has for a name, each once.
    ///
    /// # Errors
    /// [`Error::Argument`] of this setting for a column that does not exist, with the nearest names, and for one named twice.
    pub fn places(&self, setting: &'static str, names: &[String]) -> Result<Vec<usize>> {
        let mut places = Vec::new();
        for name in names {
            let place = self.meant(setting, name)?;
            if places.contains(&place) {
                return Err(Error::argument(setting, name, "each column once"));
            }
            places.push(place);
        }
        Ok(places)
    }

    fn meant(&self, setting: &'static str, name: &str) -> Result<usize> {
        let n_columns = self.names.len();
        let by_number =
            || name.parse().ok().filter(|number| (1..=n_columns).contains(number)).map(|n: usize| n - 1);
        self.column(name).or_else(by_number).ok_or_else(|| {
            let expected = if self.has_header {
                let near = nearest(name, self.names.iter().map(String::as_str));
                format!("a column of `{}`; the nearest names are {near}", self.path.display())
            } else {
                format!("a number from 1 to {n_columns}: `{}` has no header", self.path.display())
            };
            Error::argument(setting, name, expected)
        })
    }

    /// A cell without the spaces around it; none if its value is missing: if it is empty, or `NA`, `N/A`, `NaN`, `NULL`, or `?`.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn cell(&self, row: usize, column: usize) -> Option<Cow<'_, str>> {
        let text = self.as_written(row, column);
        (!is_missing(&text)).then_some(text)
    }

    /// Whether a cell has no value.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub(super) fn is_missing(&self, row: usize, column: usize) -> bool {
        match self.content.number(row, column) {
            Some(number) => number.is_nan(),
            None => self.cell(row, column).is_none(),
        }
    }

    /// Whether a column can hold nothing but numbers, whatever is in it.
    pub(super) fn is_of_numbers(&self, column: usize) -> bool {
        matches!(&self.content, Content::Arrays(arrays) if arrays.holds_numbers(column))
    }

    /// A cell as it is in the file, without the spaces around it.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn as_written(&self, row: usize, column: usize) -> Cow<'_, str> {
        match &self.content {
            Content::Rows(rows) => Cow::Borrowed(rows[row].cells[column].trim()),
            Content::Arrays(arrays) => match arrays.cell(row, column) {
                Cell::Number(number) => Cow::Owned(number.to_string()),
                Cell::Text(text) => Cow::Borrowed(text.trim()),
            },
        }
    }

    /// The cells of a column.
    pub(super) fn column_cells(&self, column: usize) -> impl Iterator<Item = Option<Cow<'_, str>>> {
        (0..self.n_rows()).map(move |row| self.cell(row, column))
    }

    /// A cell's text.
    ///
    /// # Errors
    /// [`Error::Format`] if the value is missing.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn text(&self, row: usize, column: usize) -> Result<Cow<'_, str>> {
        self.cell(row, column).ok_or_else(|| {
            let place = self.place(row, column);
            let found = match &*self.as_written(row, column) {
                "" => format!("an empty cell in {place}"),
                word => format!("{}, a missing value, in {place}", quoted(word)),
            };
            Error::Format {
                path: self.path.clone(),
                found,
                expected: "a value in every cell".to_owned(),
                hint: Some(
                    "--missing mean replaces missing values of features, --missing drop leaves out the rows that have any",
                ),
            }
        })
    }

    /// A cell's number.
    ///
    /// # Errors
    /// [`Error::Format`] if the value is missing, no number, or one that is infinite.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn number(&self, row: usize, column: usize) -> Result<f64> {
        if let Some(number) = self.content.number(row, column).filter(|number| number.is_finite()) {
            return Ok(number);
        }
        match self.parsed(&self.text(row, column)?) {
            Some(number) if number.is_finite() => Ok(number),
            Some(_) => Err(self.refuse(row, column, "a finite number")),
            None => Err(self.refuse(row, column, "a number")),
        }
    }

    /// The number that a text of this table is.
    pub(super) fn parsed(&self, text: &str) -> Option<f64> {
        parsed(text, self.decimal_comma)
    }

    /// Refuses a cell for what is in it.
    pub(super) fn refuse(&self, row: usize, column: usize, expected: &str) -> Error {
        let text = quoted(&self.as_written(row, column));
        Error::format(&self.path, format!("{text} in {}", self.place(row, column)), expected)
    }

    /// Where a cell is, for people.
    fn place(&self, row: usize, column: usize) -> String {
        let column = quoted(&self.names[column]);
        match &self.content {
            Content::Rows(rows) => format!("line {}, column {column}", rows[row].line),
            Content::Arrays(_) => format!("row {row}, column {column}"),
        }
    }
}

impl Content {
    /// The number in a cell of an array of numbers.
    fn number(&self, row: usize, column: usize) -> Option<f64> {
        match self {
            Content::Rows(_) => None,
            Content::Arrays(arrays) => match arrays.cell(row, column) {
                Cell::Number(number) => Some(number),
                Cell::Text(_) => None,
            },
        }
    }
}

/// The columns by name.
fn places(path: &Path, names: &[String]) -> Result<HashMap<String, usize>> {
    let mut places = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = places.insert(name.clone(), index) {
            let found = format!("columns {} and {} with the name {}", first + 1, index + 1, quoted(name));
            return Err(Error::format(path, found, "each name once"));
        }
    }
    Ok(places)
}

/// Whether the name of a file ends so, that of a gzip file before its `.gz`.
pub(super) fn has_extension(path: &Path, expected: &str) -> bool {
    let is =
        |path: &Path, expected: &str| path.extension().is_some_and(|end| end.eq_ignore_ascii_case(expected));
    is(path, expected) || is(path, "gz") && path.file_stem().is_some_and(|stem| is(stem.as_ref(), expected))
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

/// The number that a text is.
fn parsed(text: &str, decimal_comma: bool) -> Option<f64> {
    if decimal_comma && text.contains(',') {
        text.replacen(',', ".", 1).parse().ok()
    } else {
        text.parse().ok()
    }
}

/// The rows of a text, empty lines left out.
fn rows(path: &Path, text: &str, delimiter: u8) -> Result<Vec<Row>> {
    let mut reader = reader(text, delimiter);
    let mut rows = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let cells = record.map_err(|error| Error::format(path, error.to_string(), "a CSV file"))?;
        // The reader's own line is that of the end of the row before, and of the empty lines between.
        let end = cells.position().map_or(0, |position| position.byte() as usize);
        let gap = text[end..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += line_ends(text.as_bytes(), counted, end + gap);
        counted = end + gap;
        if cells.len() > 1 || cells.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push(Row { line, cells });
        }
    }
    Ok(rows)
}

/// Ends of lines that begin in `start..end`: LF, CRLF, and CR alone.
fn line_ends(bytes: &[u8], start: usize, end: usize) -> usize {
    let ends = |place: usize| match bytes[place] {
        b'\n' => true,
        b'\r' => bytes.get(place + 1) != Some(&b'\n'),
        _ => false,
    };
    (start..end).filter(|&place| ends(place)).count()
}
