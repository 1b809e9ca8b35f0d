//! The subproblem updates of alternating minimisation for neural networks.
//!
//! Neither the standard library nor an allocator is needed: every function works on views of the caller's memory and
//! says beforehand how much scratch it wants.
#![cfg_attr(not(test), no_std)]

pub mod cholesky;
pub mod error;
pub mod executor;
pub mod gemm;
pub mod real;
pub mod view;
pub mod workspace;

pub use error::{Error, Result};
pub use real::Real;
