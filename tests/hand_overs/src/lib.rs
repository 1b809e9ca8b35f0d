//! The places where threads hand something over to each other, run by loom in every order that there is, stale reads that
//! the memory model allows included.
//!
//! What runs is the source itself, `ffi/src/handle/turn.rs` and `host/src/run/executor/{scratch,halves,line,turns}.rs`, over loom's atomics
//! and locks instead of the standard library's, and over a small pool of threads instead of rayon's.
#![cfg(test)]

mod executor;
#[path = "../../../host/src/run/executor/halves.rs"]
mod halves;
#[path = "../../../host/src/run/executor/line.rs"]
mod line;
mod pipeline;
mod pool;
#[path = "../../../host/src/run/executor/scratch.rs"]
mod scratch;
mod sync;
mod trainer;
#[path = "../../../ffi/src/handle/turn.rs"]
mod turn;
#[path = "../../../host/src/run/executor/turns.rs"]
mod turns;
