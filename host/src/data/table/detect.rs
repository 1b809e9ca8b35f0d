//! How a table is written, where nobody says it.

use std::path::Path;

use csv::StringRecord;

use super::{Row, has_extension, parsed, reader};
use crate::data::missing::is_missing;
use crate::data::nearest::quoted;
use crate::error::{Error, Result};

/// What separates cells, the likelier first where two of them give rows of as many cells.
const DELIMITERS: [u8; 4] = [b';', b'\t', b'|', b','];

/// Rows that are looked at to tell what separates cells.
const LOOKED_AT: usize = 50;

/// What separates the cells; see [`Table::read`](super::Table::read).
pub(super) fn likely_delimiter(path: &Path, text: &str) -> u8 {
    if has_extension(path, "tsv") {
        return b'\t';
    }
    // Cells a row, of rows that all have as many; else of the first row, which counts less.
    let cells = |&delimiter: &u8| {
        let records = reader(text, delimiter).into_records().take(LOOKED_AT);
        let counts: Vec<usize> = records.map_while(|record| record.ok()).map(|record| record.len()).collect();
        let first = counts.first().copied().unwrap_or(1);
        (first > 1 && counts.iter().all(|&count| count == first), first)
    };
    let likeliest = DELIMITERS.iter().rev().max_by_key(|delimiter| cells(delimiter));
    likeliest.copied().filter(|delimiter| cells(delimiter).1 > 1).unwrap_or(b',')
}

/// Whether some cell is a number with a decimal comma, and none one with a point.
pub(super) fn has_decimal_commas(rows: &[Row]) -> bool {
    let cells = || rows.iter().flat_map(|row| row.cells.iter()).map(str::trim);
    let with_comma = |cell: &str| cell.contains(',') && !cell.contains('.') && parsed(cell, true).is_some();
    let with_point = |cell: &str| cell.contains('.') && parsed(cell, false).is_some();
    cells().any(with_comma) && !cells().any(with_point)
}

/// Whether the first row is 0, 1, 2 and so on, above others.
pub(super) fn counts_columns(rows: &[Row]) -> bool {
    const FEWEST: usize = 3;
    let (first, below) = (&rows[0].cells, &rows[1..]);
    let counts =
        |cells: &StringRecord| cells.iter().enumerate().all(|(index, cell)| cell.trim() == index.to_string());
    first.len() >= FEWEST && !below.is_empty() && counts(first) && !below.iter().any(|row| counts(&row.cells))
}

/// Whether the first row names the columns; see [`Table::read`](super::Table::read).
pub(super) fn looks_like_header(path: &Path, rows: &[Row], decimal_comma: bool) -> Result<bool> {
    fn cell(row: &Row, column: usize) -> &str {
        row.cells[column].trim()
    }
    let is_number = |row: &Row, column: usize| parsed(cell(row, column), decimal_comma).is_some();
    let (first, below) = (&rows[0], &rows[1..]);
    let (mut a_name, mut a_number) = (None, None);
    let mut has_numbers = below.is_empty();
    for column in 0..first.cells.len() {
        let filled = below.iter().filter(|row| !is_missing(cell(row, column)));
        let (numbers, others): (Vec<_>, Vec<_>) = filled.partition(|row| is_number(row, column));
        if numbers.len() <= others.len() && !below.is_empty() {
            continue;
        }
        has_numbers = true;
        let name = cell(first, column);
        if is_missing(name) {
            continue;
        }
        if is_number(first, column) {
            a_number = a_number.or(Some(name));
        } else {
            a_name = a_name.or(Some(name));
        }
    }
    if !has_numbers {
        let recurs = |column: usize| below.iter().any(|row| cell(row, column) == cell(first, column));
        return Ok(!(0..first.cells.len()).any(recurs));
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
