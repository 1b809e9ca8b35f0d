//! The matrix products that a sweep needs.

use crate::config::{Method, StepRule};

/// Products of one layer in a sweep, in units of one `n_out x n_in x samples` product.
///
/// Weights take 2.5: `r p'`, half for the symmetric `p p'`, and one to apply the change to the residual. The first
/// layer's input is data: its `x x'` is computed once a run, which leaves 2, and it has no input update. Inputs take 2,
/// the gradient and its image; `least-squares` inputs one more for the solve. dlADMM does all of it twice, backward
/// and forward, but for the first layer, whose second step needs no samples.
pub fn layer_products(method: Method, input_step: StepRule, first: bool) -> f64 {
    let weights = if first { 2.0 } else { 2.5 };
    let inputs = match (first, input_step) {
        (true, _) => 0.0,
        (false, StepRule::LeastSquares) => 3.0,
        (false, StepRule::Vector | StepRule::Scalar | StepRule::Backtracking) => 2.0,
    };
    let passes = match method {
        Method::Dladmm if !first => 2.0,
        Method::Dladmm | Method::Pdadmm => 1.0,
    };
    passes * (weights + inputs)
}

/// Floating-point operations of the products of a sweep, `2 n_out n_in samples` for each full product.
///
/// `layers` are all widths from the input's features to the outputs, at least two. The step rule of the weights changes
/// nothing: all of them work from the same sums.
pub fn product_flops(method: Method, input_step: StepRule, layers: &[usize], samples: usize) -> f64 {
    let flops = |(layer, widths): (usize, &[usize])| {
        let product = 2.0 * widths[0] as f64 * widths[1] as f64 * samples as f64;
        layer_products(method, input_step, layer == 0) * product
    };
    layers.windows(2).enumerate().map(flops).sum()
}
