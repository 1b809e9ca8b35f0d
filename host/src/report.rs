//! What is left of a run for people to look at.

pub mod comparison;
pub mod curves;
pub mod table;
