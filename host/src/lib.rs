//! Training.

pub mod gemm_fast;
