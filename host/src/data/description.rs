//! What a table holds, before anything is learnt from it.

use std::collections::HashSet;

use serde::Serialize;

use super::schema::Kind;
use super::table::Table;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Cells whose value is missing.
    pub missing: usize,
    /// What the other cells hold.
    #[serde(flatten)]
    pub content: Content,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Content {
    /// Numbers, but for a minority of cells.
    Numbers {
        /// The smallest; NaN, as the next two, where there is none.
        least: f64,
        /// The largest.
        largest: f64,
        /// Their mean.
        mean: f64,
        /// How many are different.
        different: usize,
        /// Whether all are integers.
        integers: bool,
        /// Whether each is one more than that of the row before.
        number_the_rows: bool,
        /// Cells that are no numbers.
        others: usize,
    },
    /// Names of categories, few enough that each can be an input of a network.
    Categories {
        /// Each with its rows, in the order of the names.
        counts: Vec<(String, usize)>,
    },
    /// Texts, too many to be categories.
    Text {
        /// How many are different.
        different: usize,
    },
}

/// The columns of a table, in order.
pub fn describe(table: &Table) -> Vec<ColumnDescription> {
    let column = |(place, name): (usize, &String)| ColumnDescription {
        name: name.clone(),
        missing: table.column_cells(place).filter(Option::is_none).count(),
        content: match Kind::of(table, place) {
            Kind::Numbers => numbers(table, place),
            Kind::Texts(names) => Content::Text { different: names.as_slice().len() },
            Kind::Categories(names) => {
                let mut counts: Vec<_> = names.as_slice().iter().map(|name| (name.clone(), 0)).collect();
                for category in table.column_cells(place).flatten().filter_map(|text| names.place(&text)) {
                    counts[category].1 += 1;
                }
                Content::Categories { counts }
            }
        },
    };
    table.names().iter().enumerate().map(column).collect()
}

fn numbers(table: &Table, place: usize) -> Content {
    let cells: Vec<Option<f64>> = table
        .column_cells(place)
        .map(|cell| cell.and_then(|text| table.parsed(&text)).filter(|number| number.is_finite()))
        .collect();
    let numbers: Vec<f64> = cells.iter().copied().flatten().collect();
    // 0 and -0 are one number.
    let different: HashSet<u64> = numbers.iter().map(|number| (number + 0.0).to_bits()).collect();
    let follows = |pair: &[Option<f64>]| matches!(pair, [Some(one), Some(next)] if *next == one + 1.0);
    Content::Numbers {
        least: numbers.iter().copied().fold(f64::NAN, f64::min),
        largest: numbers.iter().copied().fold(f64::NAN, f64::max),
        mean: numbers.iter().sum::<f64>() / numbers.len() as f64,
        different: different.len(),
        integers: numbers.iter().all(|number| number.fract() == 0.0),
        number_the_rows: cells.len() > 1 && cells.windows(2).all(follows),
        others: table.column_cells(place).flatten().count() - numbers.len(),
    }
}
