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
    /// What goes into its activations, each with the number of maps before it, and how far rounding may have moved it.
    linear: Vec<(usize, Activation<f64>, Mat, Mat)>,
    pub(super) output: Mat,
    /// How far rounding may have moved the output.
    pub(super) lost: Mat,
}

/// A signal, and by how much rounding may have moved its entries.
#[derive(Debug, Clone)]
pub(super) struct Signal {
    pub(super) value: Mat,
    pub(super) lost: Mat,
}

/// Rounding of a scalar product of so many terms, relative to the size of its terms.
fn rounding(terms: usize) -> f64 {
    (terms + 8) as f64 * f64::EPSILON
}

/// `W p + b`.
pub(super) fn linear(map: &Map, p: &Mat) -> Mat {
    let z = map.weights.times(p);
    Mat::from_fn(z.rows, z.columns, |i, j| z.at(i, j) + map.bias[i])
}

/// How far rounding may have moved the entries of `W p + b`, where it may have moved those of p by `lost`.
pub(super) fn linear_lost(map: &Map, p: &Mat, lost: &Mat) -> Mat {
    let weights = map.weights.abs();
    let (size, carried) = (weights.times(&p.abs()), weights.times(lost));
    Mat::from_fn(size.rows, size.columns, |i, j| {
        rounding(p.rows) * (size.at(i, j) + map.bias[i].abs()) + carried.at(i, j)
    })
}

impl Pass {
    /// The way forward through blocks that are dense or activations.
    pub(super) fn forward(network: &Network<'_, f64>, maps: &[Map], input: &Mat) -> Self {
        let mut pass =
            Self { inputs: Vec::new(), linear: Vec::new(), output: input.clone(), lost: input.map(|_| 0.0) };
        for block in network.blocks() {
            match *block {
                Block::Dense { .. } => {
                    let map = &maps[pass.inputs.len()];
                    let z = linear(map, &pass.output);
                    pass.lost = linear_lost(map, &pass.output, &pass.lost);
                    pass.inputs.push(std::mem::replace(&mut pass.output, z));
                }
                Block::Activation(activation) => {
                    let a = pass.output.map(|z| activate(activation, z));
                    let z = std::mem::replace(&mut pass.output, a);
                    let steepest = activation.lipschitz();
                    let next = pass.lost.zip(&pass.output, |lost, a| steepest * lost + rounding(0) * a.abs());
                    pass.linear.push((
                        pass.inputs.len(),
                        activation,
                        z,
                        std::mem::replace(&mut pass.lost, next),
                    ));
                }
                _ => {}
            }
        }
        pass
    }

    /// The signals at the outputs of the maps, from the one at the layer's output.
    pub(super) fn back(&self, maps: &[Map], signal: Signal) -> Vec<Signal> {
        let (mut signals, mut signal) = (Vec::new(), signal);
        let mut activations = self.linear.iter().rev().peekable();
        for index in (0..maps.len()).rev() {
            while let Some((_, activation, z, z_lost)) = activations.next_if(|(before, ..)| *before > index) {
                let Signal { value, lost } = signal;
                let slope = z.map(|z| slope_from_left(*activation, z));
                // A slope of 1 - a^2 or a (1 - a) is rounded as 1 is.
                let slope_lost = z_lost.map(|lost| lost + rounding(0));
                let off = value.zip(&slope_lost, |signal, lost| signal.abs() * lost);
                let kept = lost.zip(&slope, |lost, slope| lost * slope.abs());
                signal = Signal {
                    value: value.zip(&slope, |signal, slope| signal * slope),
                    lost: off.zip(&kept, |off, kept| off + kept),
                };
            }
            let weights = maps[index].weights.transposed();
            let below = through(&weights, &signal);
            signals.insert(0, std::mem::replace(&mut signal, below));
        }
        signals
    }
}

/// `A s`.
pub(super) fn through(weights: &Mat, signal: &Signal) -> Signal {
    let (size, carried) = (weights.abs().times(&signal.value.abs()), weights.abs().times(&signal.lost));
    let terms = weights.columns;
    Signal {
        value: weights.times(&signal.value),
        lost: size.zip(&carried, |size, carried| rounding(terms) * size + carried),
    }
}
