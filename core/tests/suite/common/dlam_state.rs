//! DLAM's state in vectors.

use altmin_core::gemm::Portable;
use altmin_core::method::Partition;
use altmin_core::method::dlam::{self, Settings};
use altmin_core::method::layer::{Layer, LayerShape, Momentum};

use super::dense::Mat;
use super::state::{Memory, poison};
use super::teacher::Network;

pub(crate) struct LmMemory {
    pub(crate) layers: Vec<Layer<f64, Memory>>,
    pub(crate) momentum: Vec<Momentum<f64, Memory>>,
    pub(crate) hidden: Vec<dlam::Hidden<f64, Memory>>,
    pub(crate) residuals: Vec<dlam::Residual<f64, Memory>>,
    pub(crate) groups: Vec<dlam::Group<f64, Memory>>,
}

fn shapes(settings: &Settings<f64>, network: &Network) -> Vec<LayerShape> {
    let shape = |(l, w): (usize, &Mat)| LayerShape::new(&settings.steps(), l, w.rows, w.columns);
    network.weights.iter().enumerate().map(shape).collect()
}

impl LmMemory {
    pub(crate) fn new(settings: &Settings<f64>, network: &Network, partition: Partition) -> Self {
        let (shapes, accelerate) = (shapes(settings, network), settings.accelerate);
        let last = shapes.len() - 1;
        let (mut hidden, mut residuals, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in shapes.iter().enumerate() {
                let n_out = shape.sums.n_out;
                residuals.push(dlam::residual(n_out, m, poison).unwrap());
                if l < last {
                    hidden.push(dlam::hidden(accelerate, n_out, m, poison).unwrap());
                }
            }
            let n_last = shapes[last].sums.n_out;
            groups.push(dlam::group(accelerate, n_last, m, shapes.iter().copied(), poison).unwrap());
        }
        let layer = |(l, &shape): (usize, &LayerShape)| {
            let mut layer = Layer::new(shape, poison).unwrap();
            let (weights, bias) = layer.parameters_mut();
            weights.copy_from_slice(&network.weights[l].data);
            bias.copy_from_slice(&network.biases[l].data);
            layer
        };
        let layers = shapes.iter().enumerate().map(layer).collect();
        let moving = if accelerate { &shapes[..] } else { &[] };
        let momentum = moving.iter().map(|shape| Momentum::new(shape.sums, poison).unwrap()).collect();
        Self { layers, momentum, hidden, residuals, groups }
    }

    pub(crate) fn state(&mut self) -> dlam::State<'_, f64, Memory> {
        dlam::State {
            layers: &mut self.layers,
            momentum: &mut self.momentum,
            hidden: &mut self.hidden,
            residuals: &mut self.residuals,
            groups: &mut self.groups,
        }
    }
}

/// Exactly the scratch that DLAM asks for.
pub(crate) fn lm_scratch(settings: &Settings<f64>, network: &Network, partition: Partition) -> Memory {
    let sums = shapes(settings, network).into_iter().map(|shape| shape.sums);
    poison(dlam::workspace(&Portable, settings, partition.tile(), sums).elements())
}
