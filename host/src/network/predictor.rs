//! A network with its parameters, at work on samples.

use altmin_core::block::Network;
use altmin_core::gemm::Gemm;
use altmin_core::method::{TILE, widest_tile};
use altmin_core::view::{MatMut, MatRef};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// A network with its parameters. Whoever scores or predicts passes samples through it, tile by tile.
#[derive(Debug, Clone, Copy)]
pub struct Predictor<'a, T> {
    /// The network.
    pub network: Network<'a, T>,
    /// Its parameters.
    pub parameters: &'a [T],
}

impl<T: Real> Predictor<'_, T> {
    /// Numbers that come out for a sample.
    pub fn outputs(&self) -> usize {
        self.network.output().features()
    }

    /// Columns of the tiles in which samples should pass.
    pub fn tile(&self) -> usize {
        widest_tile(&self.network).min(TILE)
    }

    /// Scratch of [`Predictor::predict`] for m columns.
    pub fn scratch<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        self.network.apply_workspace(gemm, m)
    }

    /// `z <-` what the network says of the samples `x`: `x` is inputs x m, `z` outputs x m.
    ///
    /// # Errors
    /// Those of [`Network::apply`].
    pub fn predict<G: Gemm<T>>(
        &self,
        gemm: &G,
        x: &MatRef<'_, T>,
        z: &mut MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        self.network.apply(gemm, self.parameters, x, z, stack)
    }
}
