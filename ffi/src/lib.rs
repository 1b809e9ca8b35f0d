//! The C interface: nothing is exported yet.
//!
//! It will hold two levels over the same mathematics, column-major with a leading dimension as BLAS and LAPACK have it:
//!
//! - each update and objective of `altmin-core` as a function on the caller's memory, with a query for its workspace;
//! - a trainer behind a handle: data in, sweeps, predictions and weights out.
//!
//! Until then this crate is a plain Rust library without content, so that the workspace has its final shape.
