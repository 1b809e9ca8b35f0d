//! A table's columns, and how to train on it.

use crate::data::Table;
use crate::data::description::{ColumnDescription, Content, describe};
use crate::settings::write_columns;
use crate::units::{printable, rounded};
use serde::Serialize;
use std::fmt::Write as _;

/// Integers of more different values than this are more likely amounts than classes.
const MOST_CLASSES: usize = 20;

/// Categories that a line lists.
const LISTED: usize = 6;

#[derive(Debug, Serialize)]
pub(super) struct Description<'a> {
    data: &'a str,
    rows: usize,
    header: bool,
    columns: Vec<ColumnDescription>,
    /// A command that trains on the table, where its last column can be learnt.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

impl<'a> Description<'a> {
    pub(super) fn of(table: &Table, data: &'a str) -> Self {
        let columns = describe(table);
        let command = options(&columns).map(|options| {
            let option = |(name, value): (&str, String)| format!(" --{name} {}", shell_word(&value));
            format!(
                "altmin train --data {}{}",
                shell_word(data),
                options.into_iter().map(option).collect::<String>()
            )
        });
        Self { data, rows: table.n_rows(), header: table.has_header(), columns, command }
    }

    pub(super) fn text(&self) -> String {
        let header = if self.header { "with" } else { "without" };
        let mut text = format!(
            "{}: {} rows, {} columns, {header} a header\n\n",
            printable(self.data),
            self.rows,
            self.columns.len()
        );
        let rows: Vec<[String; 4]> = self.columns.iter().map(row).collect();
        let titles = ["column", "kind", "missing", "values"].map(str::to_owned);
        let width = |column: usize| {
            let lengths = [&titles].into_iter().chain(&rows).map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        };
        let (name, kind, missing) = (width(0), width(1), width(2));
        for [first, second, third, last] in [&titles].into_iter().chain(&rows) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{first:name$}  {second:kind$}  {third:>missing$}  {last}");
        }
        match &self.command {
            Some(command) => text + &format!("\ntrain on it: {}\n", printable(command)),
            None => text + "\nthe last column is text: --target names the columns to learn\n",
        }
    }
}

fn row(column: &ColumnDescription) -> [String; 4] {
    let (kind, values) = match &column.content {
        Content::Numbers { least, largest, mean, different, number_the_rows, others, .. } => {
            let mut values = match different {
                0 => "none".to_owned(),
                1 => format!("always {}", number(*least)),
                _ => format!("{} to {}, mean {}", number(*least), number(*largest), number(*mean)),
            };
            if *number_the_rows {
                values += ", numbers the rows";
            }
            if *others > 0 {
                values += &format!(", {others} cells are no numbers");
            }
            ("numbers", values)
        }
        Content::Categories { counts } => {
            let one = |(name, count): &(String, usize)| format!("{} {count}", printable(name));
            let mut values = counts.iter().take(LISTED).map(one).collect::<Vec<_>>().join(", ");
            if counts.len() > LISTED {
                values += &format!(" and {} more", counts.len() - LISTED);
            }
            ("categories", values)
        }
        Content::Text { different } => ("text", format!("{different} different")),
    };
    [printable(&column.name).into_owned(), kind.to_owned(), column.missing.to_string(), values]
}

/// Five digits that count are enough to look at.
fn number(x: f64) -> String {
    let rounded = rounded(x, 5);
    let magnitude = rounded.abs();
    let is_plain = magnitude == 0.0 || (1e-3..1e7).contains(&magnitude);
    if is_plain { rounded.to_string() } else { format!("{rounded:e}") }
}

/// The options with which the last column can be learnt: what is to be left out, what is to be done about missing values, and
/// the loss for amounts. `None` if it is text.
fn options(columns: &[ColumnDescription]) -> Option<Vec<(&'static str, String)>> {
    let (target, features) = columns.split_last()?;
    let is_amount = match &target.content {
        Content::Text { .. } => return None,
        Content::Categories { .. } => false,
        Content::Numbers { different, integers, .. } => !integers || *different > MOST_CLASSES,
    };
    let is_excluded = |column: &ColumnDescription| match column.content {
        Content::Text { .. } => true,
        Content::Numbers { number_the_rows, .. } => number_the_rows,
        Content::Categories { .. } => false,
    };
    let (excluded, kept): (Vec<_>, Vec<_>) = features.iter().partition(|column| is_excluded(column));
    let mut options = Vec::new();
    if is_amount {
        options.push(("loss", "least-squares".to_owned()));
    }
    if !excluded.is_empty() {
        options
            .push(("exclude", write_columns(&excluded.iter().map(|column| column.name.clone()).collect())));
    }
    if target.missing > 0 {
        options.push(("missing", "drop".to_owned()));
    } else if kept.iter().any(|column| column.missing > 0) {
        options.push(("missing", "indicator".to_owned()));
    }
    Some(options)
}

/// A text as a shell takes it for one word.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
