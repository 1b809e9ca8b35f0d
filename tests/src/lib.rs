//! Proofs that need more than one crate's own tests: programs built, linked and run from outside.
//!
//! - `tests/no_std.rs` builds `no_std/`, which runs the core where there is no standard library, no C library and no
//!   allocator, and finds no undefined symbol in it.
//! - `tests/header.rs` makes the C header anew and compares it with the committed one.
//! - `tests/by_hand/` builds the C programs that train by hand from single updates, and compares their weights with the
//!   trainer's.
//! - `tests/symbols.rs` compares the shared library's symbols with the header's.
//! - `tests/c_programs.rs` compiles, links and runs the programs of `ffi/examples/` and `tests/programs/`, on demand under
//!   checkers of memory.
//! - `tests/layout.rs` compares sizes, offsets and values of the header with Rust's.
//! - `tests/embedded.rs` builds the library for small devices, finds nothing that it needs, and runs its example.
//!
//! `exchange/`, a crate of its own, writes and reads files that go from machine to machine: `experiments/other_machines.sh` runs it.
//! `hand_overs/`, a crate of its own, runs the threads' hand-overs in every order;
//! `ffi/install/tests/` installs the libraries and builds other people's projects with them.

pub mod header;
pub mod library;
#[cfg(target_os = "linux")]
pub mod programs;
pub mod tools;
