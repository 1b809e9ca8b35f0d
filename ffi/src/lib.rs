//! The C interface of altmin, in two levels over the same mathematics: single updates on the caller's memory
//! ([`altmin_level1`]), and a trainer behind a handle.

pub use altmin_level1 as level1;
