//! A network at work, as it stands: what scores it only passes samples through.

use altmin_core::block::Shape;
use altmin_core::gemm::Gemm;
use altmin_core::method::layer::Layer;
use altmin_core::method::tssm::Subnetwork;
use altmin_core::view::{MatMut, MatRef, copy};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Real, Result, forward};

use crate::network::part::{Memory, Part, TILE};

/// The weights of a run, composed to one network.
#[derive(Debug, Clone, Copy)]
pub enum Composed<'a, T: Real> {
    /// Layers with an activation between them.
    Layers {
        /// At least one.
        layers: &'a [Layer<T, Memory<T>>],
        /// Not after the last.
        activation: Activation<T>,
    },
    /// Subnetworks, each on what the one before gives.
    Blocks {
        /// At least one.
        parts: &'a [Part<T>],
        /// Their parameters.
        subnetworks: &'a [Subnetwork<T, Memory<T>>],
    },
}

impl<T: Real> Composed<'_, T> {
    /// Numbers that come out for a sample.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Layers { layers, .. } => layers.last().map_or(0, |layer| layer.shape().0),
            Self::Blocks { parts, .. } => {
                parts.last().map_or(Shape::flat(0), |part| part.network().output()).features()
            }
        }
    }

    /// Columns of the tiles in which samples should pass.
    pub fn tile(&self) -> usize {
        match self {
            Self::Layers { .. } => TILE,
            Self::Blocks { parts, .. } => parts.iter().map(|part| part.tile(TILE)).min().unwrap_or(TILE),
        }
    }

    /// Scratch of [`Composed::forward`] for m columns.
    pub fn scratch<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        match self {
            Self::Layers { layers, .. } => {
                let shapes = layers.iter().map(Layer::shape);
                forward::network_workspace(gemm, shapes, widest(layers), m)
            }
            Self::Blocks { parts, .. } => parts.iter().rev().fold(Requirement::NONE, |after, part| {
                let network = part.network();
                Requirement::vector(network.record(m)).and(after.or(network.workspace(gemm, m)))
            }),
        }
    }

    /// `z <-` what the network says of the samples `x`: `x` is inputs x m, `z` outputs x m.
    ///
    /// # Errors
    /// Those of the core: shapes that do not fit, scratch below [`Composed::scratch`].
    pub fn forward<G: Gemm<T>>(
        &self,
        gemm: &G,
        x: &MatRef<'_, T>,
        z: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        match self {
            Self::Layers { layers, activation } => {
                let maps = layers.iter().map(|layer| (layer.weights(), layer.bias()));
                forward::network(gemm, *activation, maps, x, z, widest(layers), stack)
            }
            Self::Blocks { parts, subnetworks } => {
                let mut signal = *x;
                for (part, subnetwork) in parts.iter().zip(*subnetworks) {
                    let network = part.network();
                    let record = stack.vector(network.record(x.ncols()))?;
                    network.forward(gemm, subnetwork.parameters(), &signal, record, stack.rest())?;
                    signal = network.output_of(record, x.ncols());
                }
                copy(&signal, z);
                Ok(())
            }
        }
    }
}

/// The widest hidden layer.
fn widest<T: Real>(layers: &[Layer<T, Memory<T>>]) -> usize {
    let hidden = &layers[..layers.len().saturating_sub(1)];
    hidden.iter().map(|layer| layer.shape().0).max().unwrap_or(0)
}
