//! The subproblem updates of alternating minimisation for neural networks.
//!
//! Neither the standard library nor an allocator is needed: every function works on views of the caller's memory and
//! says beforehand how much scratch it wants.
#![cfg_attr(not(test), no_std)]

pub mod activation;
pub mod block;
pub mod choice;
pub mod cholesky;
pub mod error;
pub mod executor;
mod exponential;
pub mod forward;
pub mod gemm;
pub mod loss;
pub mod matrix;
pub mod method;
pub mod objective;
pub mod optimizer;
pub mod real;
pub mod reduce;
pub mod regularizer;
pub mod shape;
pub mod theory;
pub mod update;
pub mod view;
pub mod workspace;

pub use activation::Activation;
pub use choice::Choice;
pub use error::{Error, Result};
pub use loss::{Loss, OutputSolver, Target};
pub use optimizer::Optimizer;
pub use real::Real;
pub use regularizer::Regularizer;
