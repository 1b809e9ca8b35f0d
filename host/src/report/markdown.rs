//! Tables in Markdown.

use std::fmt::Write as _;

/// Rows under a first one with the titles, the columns padded to one width: the first `left` columns begin at the left, numbers stand
/// at the right.
pub(super) fn markdown(rows: &[Vec<String>], left: usize) -> String {
    let length = |text: &str| text.chars().count();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| length(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a String cannot fail.
            let _ = match column < left {
                true => write!(text, "| {cell:width$} "),
                false => write!(text, "| {cell:>width$} "),
            };
        }
        text.push_str("|\n");
        if index == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = match column < left {
                    true => write!(text, "|{dashes}-"),
                    false => write!(text, "|{dashes}:"),
                };
            }
            text.push_str("|\n");
        }
    }
    text
}
