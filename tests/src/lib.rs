//! Proofs that need more than one crate's own tests: programs built, linked and run from outside.
//!
//! - `tests/no_std.rs` builds `no_std/`, which runs the core where there is no standard library, no C library and no
//!   allocator, and finds no undefined symbol in it.
//! - `tests/header.rs` makes the C header anew and compares it with the committed one.
//! - `tests/lowlevel.rs` builds the C program that runs pdADMM by hand, and compares its weights with the trainer's.
//! - `tests/symbols.rs` compares the shared library's symbols with the header's.

pub mod header;
pub mod library;
