//! The matrix products that a sweep needs.

use crate::settings::{Method, StepRule};

/// A number of products of one shape over all samples, `n_out x n_in x samples` each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Products {
    /// Rows of the matrix that multiplies the samples.
    pub n_out: usize,
    /// Its columns.
    pub n_in: usize,
    /// How many in a sweep; a symmetric one counts half.
    pub count: f64,
}

/// The products of a layer in a sweep, by shape.
///
/// Weights take `r p'` and one to apply the change to the residual, of the layer's own shape, and half of an
/// `n_in x n_in` one for the symmetric `p p'`; the first layer's input is data, whose `x x'` is computed once a run, and
/// which has no update. Inputs take 2, the gradient and its image. Exact (`least-squares`) inputs take one of
/// `n_in x n_in` more for the solve, or, where that is less, two of the layer's shape and one of `n_out x n_out`. dlADMM
/// does all of it twice, backward and forward, but for the first layer, whose second step needs no samples. Taylor's
/// ADMM always takes exact inputs, DLAM never; a further trial of one of DLAM's steps costs one more, which is not
/// counted. Back-propagation takes one product forward, one back and one for the gradient; so do the steps of the weights
/// inside subnetworks, and what lies between them is not counted. Proximal back-propagation takes half of `p p'` more.
pub fn layer_products(
    method: Method,
    input_step: StepRule,
    first: bool,
    n_out: usize,
    n_in: usize,
) -> [Products; 3] {
    let passes = if method == Method::Dladmm && !first { 2.0 } else { 1.0 };
    let exact = match method {
        Method::Pdadmm | Method::Dladmm => input_step == StepRule::LeastSquares,
        Method::Taylor => true,
        _ => false,
    };
    let outer = 2 * n_out * n_in + n_out * n_out < n_in * n_in;
    let (own, inner, outputs) = match method {
        _ if first => (2.0, 0.0, 0.0),
        Method::Gd | Method::Adagrad | Method::Adadelta | Method::Adam | Method::Gsadmm | Method::Gsam => {
            (3.0, 0.0, 0.0)
        }
        Method::Proxprop => (3.0, 0.5, 0.0),
        _ if exact && outer => (6.0, 0.5, 1.0),
        _ if exact => (4.0, 1.5, 0.0),
        _ => (4.0, 0.5, 0.0),
    };
    [
        Products { n_out, n_in, count: passes * own },
        Products { n_out: n_in, n_in, count: passes * inner },
        Products { n_out, n_in: n_out, count: passes * outputs },
    ]
}

/// The products of a sweep, by shape. `layers` are all widths from the input's features to the outputs, at least two. The
/// step rule of the weights changes nothing: all of them work from the same sums.
pub fn sweep_products(method: Method, input_step: StepRule, layers: &[usize]) -> Vec<Products> {
    let mut all: Vec<Products> = Vec::new();
    for (layer, pair) in layers.windows(2).enumerate() {
        for products in layer_products(method, input_step, layer == 0, pair[1], pair[0]) {
            match all.iter_mut().find(|known| (known.n_out, known.n_in) == (products.n_out, products.n_in)) {
                Some(known) => known.count += products.count,
                None if products.count > 0.0 => all.push(products),
                None => {}
            }
        }
    }
    all
}

/// Floating-point operations of the products of a sweep, two for each element of each product and each sample.
pub fn product_flops(method: Method, input_step: StepRule, layers: &[usize], samples: usize) -> f64 {
    let flops = |products: &Products| {
        products.count * 2.0 * products.n_out as f64 * products.n_in as f64 * samples as f64
    };
    sweep_products(method, input_step, layers).iter().map(flops).sum()
}
