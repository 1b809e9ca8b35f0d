//! CSV files as tables of text, with the line of every row.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::nearest::quoted;
use crate::error::{Error, Result};

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
/// Cells are separated by commas, in a file whose name ends in `.tsv` by tabs; a cell in double quotes may hold
/// separators and line ends, and a double quote as two. Lines end in LF or CRLF. A byte order mark and empty lines are
/// passed over.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    /// One a column: from the header, or the column's number, counted from 1, where there is none.
    names: Vec<String>,
    /// The columns by name.
    places: HashMap<String, usize>,
    has_header: bool,
    notes: Vec<String>,
    rows: Vec<Row>,
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
    /// With [`Header::Auto`] the first row is a header, the columns' names, if above columns of numbers it has text and no number; a
    /// column of numbers is one in which more than half of the cells that are filled below the first row are numbers. So is a row
    /// `0,1,2,...` of three numbers at least, as pandas writes it above columns without names. Without a header, and where the
    /// header's cell is empty, a column's name is its number, counted from 1.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read. [`Error::Format`] with the line: bytes that are no UTF-8, no rows or a
    /// header alone, a single column, a row with fewer or more cells than the first, a first row that has names as well
    /// as numbers above columns of numbers, two columns of one name.
    pub fn read(path: &Path, header: Header) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| Error::io("read", path, error))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + line_ends(&bytes, 0, error.valid_up_to());
            Error::format(path, format!("bytes in line {line} that are no UTF-8"), "text in UTF-8")
        })?;
        let rows = rows(path, text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let Some(first) = rows.first() else {
            return Err(Error::format(path, "no rows", "a row of column names, and rows of numbers"));
        };
        let columns = first.cells.len();
        if columns == 1 {
            return Err(Error::Format {
                path: path.to_owned(),
                found: format!("a single column in line {}", first.line),
                expected: "at least two, a feature and a target".to_owned(),
                hint: Some("cells are separated by commas, or by tabs in a .tsv file"),
            });
        }
        if let Some(row) = rows.iter().find(|row| row.cells.len() != columns) {
            let found = format!("{} cells in line {}", row.cells.len(), row.line);
            return Err(Error::format(path, found, format!("{columns}, as in line {}", first.line)));
        }
        Self::with_names(path, rows, header)
    }

    fn with_names(path: &Path, mut rows: Vec<Row>, header: Header) -> Result<Self> {
        let mut notes = Vec::new();
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
            Header::Auto => looks_like_header(path, &rows)?,
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
        let mut places = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            if let Some(first) = places.insert(name.clone(), index) {
                let found = format!("columns {} and {} with the name {}", first + 1, index + 1, quoted(name));
                return Err(Error::format(path, found, "each name once"));
            }
        }
        Ok(Self { path: path.to_owned(), names, places, has_header, notes, rows })
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
        self.rows.len()
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// A cell without the spaces around it.
    ///
    /// # Errors
    /// [`Error::Format`] if nothing is in it.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn text(&self, row: usize, column: usize) -> Result<&str> {
        match self.rows[row].cells[column].trim() {
            "" => Err(Error::Format {
                path: self.path.clone(),
                found: format!("an empty cell in {}", self.place(row, column)),
                expected: "a value in every cell".to_owned(),
                hint: Some("remove rows with missing values, or fill the values in"),
            }),
            text => Ok(text),
        }
    }

    /// A cell's number.
    ///
    /// # Errors
    /// [`Error::Format`] if nothing is in the cell, or no number, or one that is NaN or infinite.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn number(&self, row: usize, column: usize) -> Result<f64> {
        let text = self.text(row, column)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.refuse(row, column, "a finite number")),
            Err(_) => Err(self.refuse(row, column, "a number")),
        }
    }

    /// Refuses a cell for what is in it.
    pub(super) fn refuse(&self, row: usize, column: usize, expected: &str) -> Error {
        let text = quoted(self.rows[row].cells[column].trim());
        Error::format(&self.path, format!("{text} in {}", self.place(row, column)), expected)
    }

    /// Where a cell is, for people.
    fn place(&self, row: usize, column: usize) -> String {
        format!("line {}, column {}", self.rows[row].line, quoted(&self.names[column]))
    }
}

/// The rows of a text, empty lines left out.
fn rows(path: &Path, text: &str) -> Result<Vec<Row>> {
    let is_tsv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(if is_tsv { b'\t' } else { b',' })
        .from_reader(text.as_bytes());
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

/// Whether the first row is 0, 1, 2 and so on, above others.
fn counts_columns(rows: &[Row]) -> bool {
    const FEWEST: usize = 3;
    let (first, below) = (&rows[0].cells, &rows[1..]);
    let counts =
        |cells: &StringRecord| cells.iter().enumerate().all(|(index, cell)| cell.trim() == index.to_string());
    first.len() >= FEWEST && !below.is_empty() && counts(first) && !below.iter().any(|row| counts(&row.cells))
}

/// Whether the first row names the columns; see [`Table::read`].
fn looks_like_header(path: &Path, rows: &[Row]) -> Result<bool> {
    let is_number = |row: &Row, column: usize| row.cells[column].trim().parse::<f64>().is_ok();
    let (first, below) = (&rows[0], &rows[1..]);
    let (mut a_name, mut a_number) = (None, None);
    for column in 0..first.cells.len() {
        let filled = below.iter().filter(|row| !row.cells[column].trim().is_empty());
        let (numbers, others): (Vec<_>, Vec<_>) = filled.partition(|row| is_number(row, column));
        if numbers.len() <= others.len() && !below.is_empty() {
            continue;
        }
        let cell = first.cells[column].trim();
        if is_number(first, column) {
            a_number = a_number.or(Some(cell));
        } else if !cell.is_empty() {
            a_name = a_name.or(Some(cell));
        }
    }
    match (a_name, a_number) {
        (Some(name), Some(number)) if !below.is_empty() => Err(Error::Format {
            path: path.to_owned(),
            found: format!(
                "{} as well as {} in line {}, above columns of numbers",
                quoted(name),
                quoted(number),
                first.line
            ),
            expected: "names alone, or numbers alone".to_owned(),
            hint: Some(
                "a header has no column with a number for a name, a file without one numbers in every row; --header yes or no says which it is",
            ),
        }),
        (name, _) => Ok(name.is_some()),
    }
}
