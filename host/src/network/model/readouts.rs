//! What reads the outputs from between two blocks of a network.

use altmin_core::Real;
use altmin_core::block::{Block, MapKind, Shape};
use altmin_core::method::local;
use serde::{Deserialize, Serialize};

use super::Map;
use crate::network::blocks::Network;

/// Where a read-out is, and what it sees there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Blocks below it, counted from 1.
    pub after: usize,
    /// Of an image it sees means of windows at so many places along the shorter side.
    pub grid: usize,
}

/// A read-out with its parameters: see [`altmin_core::method::local`].
#[derive(Debug, Clone, PartialEq)]
pub struct Readout<T> {
    /// Where it is.
    pub place: Place,
    /// M (outputs x inputs, column-major), then c.
    pub parameters: Vec<T>,
}

impl Place {
    /// The blocks of the read-out at this place of a network.
    ///
    /// # Panics
    /// If the network has fewer blocks than are below it.
    pub fn blocks(self, network: &Network) -> Vec<Block<f64>> {
        self.readout(network).blocks().to_vec()
    }

    /// Parameters of the read-out at this place of a network.
    pub(crate) fn parameters(self, network: &Network) -> usize {
        self.readout(network).parameters()
    }

    fn readout(self, network: &Network) -> local::Readout<f64> {
        local::Readout::new(self.shape(network), network.outputs(), self.grid)
    }

    /// What it sees before it takes means.
    fn shape(self, network: &Network) -> Shape {
        network.steps()[self.after - 1].output
    }
}

impl<T: Real> Readout<T> {
    /// Its linear map, of so many outputs.
    pub(super) fn map(&self, outputs: usize) -> Map<'_, T> {
        let (weights, bias) = self.parameters.split_at(self.parameters.len().saturating_sub(outputs));
        Map { kind: MapKind::Dense, n_out: outputs, n_in: weights.len() / outputs.max(1), weights, bias }
    }
}

/// What is wrong with the read-outs of a network: found and expected.
pub(crate) fn fault<T: Real>(readouts: &[Readout<T>], network: &Network) -> Option<(String, String)> {
    let (mut below, blocks) = (0, network.blocks().len());
    for (index, Readout { place, parameters }) in readouts.iter().enumerate() {
        if place.after <= below || place.after >= blocks || place.grid == 0 {
            let found = format!("a read-out after {} blocks, on a grid of {}", place.after, place.grid);
            let expected =
                format!("more than {below} and fewer than {blocks} blocks, and a grid of 1 or more");
            return Some((found, expected));
        }
        let expected = place.parameters(network);
        if parameters.len() != expected {
            let found = format!("{} parameters of readouts.{index}", parameters.len());
            return Some((found, expected.to_string()));
        }
        if !parameters.iter().all(|value| value.is_finite()) {
            let found = format!("a weight or bias in readouts.{index} that is NaN or infinite");
            return Some((found, "finite ones".into()));
        }
        below = place.after;
    }
    None
}
