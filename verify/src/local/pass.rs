//! A batch through a layer, forward and back.

use altmin_core::Activation;
use altmin_core::block::{Block, Network};

use super::Map;
use crate::matrix::Mat;
use crate::plain::{activate, slope_from_left};

/// What a layer made of a batch.
pub(super) struct Pass {
    /// The inputs of its maps.
    pub(super) inputs: Vec<Mat>,
    /// What goes into its activations, each with the number of maps before it.
    linear: Vec<(usize, Activation<f64>, Mat)>,
    pub(super) output: Mat,
}

/// `W p + b`.
pub(super) fn linear(map: &Map, p: &Mat) -> Mat {
    let z = map.weights.times(p);
    Mat::from_fn(z.rows, z.columns, |i, j| z.at(i, j) + map.bias[i])
}

impl Pass {
    /// The way forward through blocks that are dense or activations.
    pub(super) fn forward(network: &Network<'_, f64>, maps: &[Map], input: &Mat) -> Self {
        let mut pass = Self { inputs: Vec::new(), linear: Vec::new(), output: input.clone() };
        for block in network.blocks() {
            match *block {
                Block::Dense { .. } => {
                    let z = linear(&maps[pass.inputs.len()], &pass.output);
                    pass.inputs.push(std::mem::replace(&mut pass.output, z));
                }
                Block::Activation(activation) => {
                    let a = pass.output.map(|z| activate(activation, z));
                    let z = std::mem::replace(&mut pass.output, a);
                    pass.linear.push((pass.inputs.len(), activation, z));
                }
                _ => {}
            }
        }
        pass
    }

    /// The signals at the outputs of the maps, from the one at the layer's output.
    pub(super) fn back(&self, maps: &[Map], signal: Mat) -> Vec<Mat> {
        let (mut signals, mut signal) = (Vec::new(), signal);
        let mut activations = self.linear.iter().rev().peekable();
        for index in (0..maps.len()).rev() {
            while let Some((_, activation, z)) = activations.next_if(|(before, ..)| *before > index) {
                signal = signal.zip(z, |signal, z| signal * slope_from_left(*activation, z));
            }
            let below = maps[index].weights.transposed().times(&signal);
            signals.insert(0, std::mem::replace(&mut signal, below));
        }
        signals
    }
}
