//! What a run shows and writes: progress, rows of numbers, tables and curves.

mod canvas;
pub mod comparison;
pub mod csv;
pub mod curves;
pub mod experiment;
pub(crate) mod image;
pub mod json;
mod markdown;
pub mod page;
pub mod progress;
pub mod promises;
pub mod search;
pub(crate) mod spread;
pub mod table;
pub mod view;

pub use self::csv::CsvRows;
pub use json::JsonLines;
pub use progress::Progress;
pub use view::View;
