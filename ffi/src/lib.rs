//! The C interface of altmin, in two levels over the same mathematics: single updates on the caller's memory
//! ([`altmin_level1`]), and a trainer behind a handle.
//!
//! # Safety
//! For every function: a pointer that is not NULL points to memory of the shape that is documented, which nobody else
//! writes, or, where it is written, reads, until the call returns; a handle is one that `_new` or `_load` gave and that has
//! not been freed; a text ends with a 0.

mod boundary;
pub mod codes;
pub mod handle;
pub mod info;
pub mod model;
pub mod observer;
pub mod pool;
mod prediction;
pub mod products;
mod quiet;
mod reserve;
mod session;
pub mod settings;
mod threads;
pub mod trainer;
pub mod version;
pub mod writing;

pub use altmin_level1 as level1;
