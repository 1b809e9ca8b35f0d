//! Memory of the methods that pass samples through the whole network, and that pass by plain loops.

use altmin_core::gemm::Portable;
use altmin_core::method::backprop::{self, Moments};
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::network::{self, Group};
use altmin_core::method::proxprop::{self, Guard, Kept};
use altmin_core::method::{Partition, Steps};
use altmin_core::update::sums::{Parts, SumsShape};
use altmin_core::{Activation, Loss, Regularizer};

use super::dense::Mat;
use super::state::{Memory, poison, sums};
use super::subproblems::{activate, omega, residual, risk};
use super::teacher::Network;

pub(crate) const ACTIVATIONS: [Activation<f64>; 4] =
    [Activation::Relu, Activation::LeakyRelu { slope: 0.2 }, Activation::Sigmoid, Activation::Tanh];

fn layers(steps: &Steps<f64>, network: &Network) -> Vec<Layer<f64, Memory>> {
    let layer = |(l, shape): (usize, SumsShape)| {
        let mut layer = Layer::new(LayerShape::new(steps, l, shape.n_out, shape.n_in), poison).unwrap();
        let (weights, bias) = layer.parameters_mut();
        weights.copy_from_slice(&network.weights[l].data);
        bias.copy_from_slice(&network.biases[l].data);
        layer
    };
    sums(network).enumerate().map(layer).collect()
}

fn groups(parts: Parts, network: &Network, partition: Partition) -> Vec<Group<f64, Memory>> {
    (0..partition.groups()).map(|_| network::group(parts, sums(network), poison).unwrap()).collect()
}

pub(crate) struct ProxMemory {
    pub(crate) layers: Vec<Layer<f64, Memory>>,
    pub(crate) kept: Vec<Kept<f64, Memory>>,
    pub(crate) groups: Vec<Group<f64, Memory>>,
    pub(crate) guard: Guard,
    /// Exactly the scratch that the method asks for.
    pub(crate) scratch: Memory,
}

impl ProxMemory {
    pub(crate) fn new(settings: &proxprop::Settings<f64>, network: &Network, partition: Partition) -> Self {
        let scratch = proxprop::workspace(&Portable, settings, partition.tile(), sums(network));
        Self {
            layers: layers(&settings.steps(), network),
            kept: sums(network).map(|shape| proxprop::kept(shape, poison).unwrap()).collect(),
            groups: groups(Parts::All, network, partition),
            guard: Guard::default(),
            scratch: poison(scratch.elements()),
        }
    }

    pub(crate) fn split(&mut self) -> (proxprop::State<'_, f64, Memory>, &mut Memory) {
        let Self { layers, kept, groups, guard, scratch } = self;
        (proxprop::State { layers, kept, groups, guard }, scratch)
    }
}

pub(crate) struct BackMemory {
    pub(crate) layers: Vec<Layer<f64, Memory>>,
    pub(crate) moments: Vec<Moments<Memory>>,
    pub(crate) groups: Vec<Group<f64, Memory>>,
    pub(crate) steps: u64,
    /// Exactly the scratch that the method asks for.
    pub(crate) scratch: Memory,
}

impl BackMemory {
    pub(crate) fn new(settings: &backprop::Settings<f64>, network: &Network, partition: Partition) -> Self {
        let scratch = backprop::workspace(&Portable, settings, partition.tile(), sums(network));
        let moments = |shape| Moments::new(&settings.optimizer, shape, poison);
        Self {
            layers: layers(&settings.steps(), network),
            moments: sums(network).map(moments).collect(),
            groups: groups(Parts::Residual, network, partition),
            steps: 7,
            scratch: poison(scratch.elements()),
        }
    }

    pub(crate) fn split(&mut self) -> (backprop::State<'_, f64, Memory>, &mut Memory) {
        let Self { layers, moments, groups, steps, scratch } = self;
        (backprop::State { layers, moments, groups, steps }, scratch)
    }
}

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
    }
}
