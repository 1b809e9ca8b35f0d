//! Sweeps timed against the products that they need.

use crate::config::{Kernel, Method, Precision, StepRule};
use serde::Serialize;

/// What is timed.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchSettings {
    /// The method.
    pub method: Method,
    /// Step rule of the weights.
    pub step: StepRule,
    /// Step rule of the inputs.
    pub input_step: StepRule,
    /// All widths, from the input's features to the outputs: at least two, none 0.
    pub layers: Vec<usize>,
    /// Samples, at least 1.
    pub samples: usize,
    /// Scalar type.
    pub precision: Precision,
    /// Threads, at least 1.
    pub threads: usize,
    /// Matrix product.
    pub kernel: Kernel,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BenchReport {
    /// Median seconds of a sweep.
    pub sweep_seconds: f64,
    /// Floating-point operations of the products that a sweep needs:
    /// [`product_flops`](crate::products::product_flops).
    pub product_flops: f64,
    /// `product_flops / sweep_seconds`, in 1e9 a second.
    pub sweep_gflops: f64,
    /// The best rate of the product itself on the same shapes, in 1e9 operations a second.
    pub gemm_gflops: f64,
    /// `sweep_gflops / gemm_gflops`.
    pub efficiency: f64,
    /// Bytes that are carried from sweep to sweep.
    pub state_bytes: usize,
    /// The most memory that the process has held, in bytes; none where the system does not tell.
    pub peak_rss_bytes: Option<usize>,
}
