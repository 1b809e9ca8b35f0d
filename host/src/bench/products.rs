//! The matrix products that a sweep needs.

use altmin_core::Real;
use altmin_core::method::Products;
use altmin_core::update::StepRule;

use crate::data::Dataset;
use crate::error::Result;
use crate::network::Network;
use crate::run::plan;
use crate::settings::{Method, Settings};

/// The products of a sweep, by shape. `widths` are all widths from the input's features to the outputs, at least two. The
/// step rule of the weights changes nothing: all of them work from the same sums.
pub fn sweep_products(method: Method, input_step: &StepRule<f64>, widths: &[usize]) -> Vec<Products> {
    let mut all: Vec<Products> = Vec::new();
    for (layer, pair) in widths.windows(2).enumerate() {
        let (n_out, n_in) = (pair[1], pair[0]);
        let products = (method.card().products)(layer == 0, input_step, n_out, n_in);
        for products in products.by_shape(n_out, n_in) {
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
pub fn product_flops(method: Method, input_step: &StepRule<f64>, widths: &[usize], samples: usize) -> f64 {
    let flops = |products: &Products| operations(products) * samples as f64;
    sweep_products(method, input_step, widths).iter().map(flops).sum()
}

/// The same of any network: a convolution multiplies every pixel of its output, as a dense block does a sample.
pub fn network_flops(method: Method, input_step: &StepRule<f64>, network: &Network, samples: usize) -> f64 {
    let mut first = true;
    let mut each_sample = 0.0;
    for step in network.steps() {
        let pixels = step.output.pixels() as f64;
        for map in step.block.maps(step.input, step.offset).into_iter().flatten() {
            let products =
                (method.card().products)(std::mem::take(&mut first), input_step, map.n_out, map.n_in);
            let products = products.by_shape(map.n_out, map.n_in);
            each_sample += products.iter().map(operations).sum::<f64>() * pixels;
        }
    }
    each_sample * samples as f64
}

/// The same of a run of these settings on these samples.
///
/// # Errors
/// As [`plan::network`].
pub fn sweep_flops<T: Real>(settings: &Settings, train: &Dataset<T>) -> Result<f64> {
    let network = plan::network(settings, train)?;
    Ok(network_flops(settings.method, &settings.input_rule(), &network, train.n_samples()))
}

/// Operations of products for one sample.
fn operations(products: &Products) -> f64 {
    products.count * 2.0 * products.n_out as f64 * products.n_in as f64
}
