//! The functions of level 1.
//!
//! A row: the names of a function in both precisions, then every argument with its name as the header has it and what it
//! is. What is not said here follows: leading dimensions from the matrix before them, the size of the workspace from the
//! function's `_workspace` twin, whose row has arguments of the same names.

mod elementwise;
mod intervals;
mod linear;

pub(crate) use altmin_level1::error::altmin_status as status;

use crate::argument::{Bad, Row};

/// All of them.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    elementwise::rows(&mut rows);
    intervals::rows(&mut rows);
    linear::rows(&mut rows);
    rows
}

/// Adds a function: `row!(rows; name_f32, name_f64; argument: what it is, ...)`, or one name where there is no precision.
macro_rules! row {
    ($rows:expr; $single:ident, $double:ident; $($name:ident: $what:expr),+ $(,)?) => {
        $crate::rows::row!(@one $rows, 4, $single; $($name: $what),+);
        $crate::rows::row!(@one $rows, 8, $double; $($name: $what),+);
    };
    ($rows:expr; $function:ident; $($name:ident: $what:expr),+ $(,)?) => {
        $crate::rows::row!(@one $rows, 8, $function; $($name: $what),+);
    };
    (@one $rows:expr, $element:literal, $function:ident; $($name:ident: $what:expr),+) => {
        $rows.push($crate::argument::Row {
            name: stringify!($function),
            element: $element,
            arguments: vec![
                $($crate::argument::Argument { name: stringify!($name), description: $what }),+
            ],
            function: Box::new(
                $function as unsafe extern "C" fn($($crate::rows::row!(@any $name)),+) -> $crate::rows::status,
            ),
        });
    };
    (@any $name:ident) => { _ };
}

pub(crate) use row;

/// Finite and above 0.
pub(crate) const POSITIVE: Bad = &[
    (0.0, status::Setting),
    (-1.0, status::Setting),
    (f64::NAN, status::Setting),
    (f64::INFINITY, status::Setting),
    (f64::NEG_INFINITY, status::Setting),
];

/// Finite and 0 or above.
pub(crate) const NOT_NEGATIVE: Bad = &[
    (-1.0, status::Setting),
    (f64::NAN, status::Setting),
    (f64::INFINITY, status::Setting),
    (f64::NEG_INFINITY, status::Setting),
];

/// Finite.
pub(crate) const FINITE: Bad =
    &[(f64::NAN, status::Setting), (f64::INFINITY, status::Setting), (f64::NEG_INFINITY, status::Setting)];
