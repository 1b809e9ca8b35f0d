//! A pass through the whole network, by plain loops.

use altmin_core::{Activation, Loss, Regularizer};

use super::dense::Mat;
use super::subproblems::{activate, omega, residual, risk};
use super::teacher::Network;

pub(crate) const ACTIVATIONS: [Activation<f64>; 5] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.2 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Softplus,
];

/// `a_{l-1}` and `z_l` of every layer: `a[0]` is the data.
pub(crate) fn forward(activation: Activation<f64>, network: &Network, x: &Mat) -> (Vec<Mat>, Vec<Mat>) {
    let (mut a, mut z) = (vec![x.clone()], Vec::new());
    for l in 0..network.layers() {
        let nothing = Mat::zeros(network.weights[l].rows, x.columns);
        z.push(residual(&network.weights[l], &network.biases[l], &a[l], &nothing));
        if l + 1 < network.layers() {
            a.push(z[l].map(|z| activate(activation, z)));
        }
    }
    (a, z)
}

/// R + Omega.
pub(crate) fn objective(
    (activation, loss, regularizer): (Activation<f64>, Loss, Regularizer<f64>),
    network: &Network,
    x: &Mat,
    y: &Mat,
) -> f64 {
    let (_, z) = forward(activation, network, x);
    risk(loss, z.last().unwrap(), y) + omega(regularizer, &network.weights)
}

/// f' by its definition.
pub(crate) fn derivative(activation: Activation<f64>, z: f64) -> f64 {
    match activation {
        Activation::Relu => f64::from(u8::from(z > 0.0)),
        Activation::LeakyRelu { slope } => {
            if z > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Activation::Sigmoid => (-z).exp() / (1.0 + (-z).exp()).powi(2),
        Activation::Tanh => 1.0 / z.cosh().powi(2),
        Activation::Softplus => 1.0 / (1.0 + (-z).exp()),
    }
}
