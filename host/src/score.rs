//! What the composed network says: a plain forward pass over a data set, tile by tile.

use altmin_core::executor::Executor;
use altmin_core::forward;
use altmin_core::gemm::Gemm;
use altmin_core::loss::{self, Loss, Target};
use altmin_core::matrix::Memory;
use altmin_core::method::Partition;
use altmin_core::method::layer::Layer;
use altmin_core::view::{MatRef, as_ref, columns};
use altmin_core::workspace::Requirement;
use altmin_core::{Activation, Real, Result};

use crate::engine::TILE;

/// Groups that a pass is cut into.
const GROUPS: usize = 16;

/// What a forward pass is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Mean risk over the samples.
    pub loss: f64,
    /// Share of samples whose largest output is their class, 0 to 1.
    pub accuracy: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Share {
    risk: f64,
    correct: usize,
}

/// Evaluates networks of one shape over data sets, without allocating from one time to the next.
#[derive(Debug)]
pub struct Evaluator {
    widths: Vec<usize>,
    shares: Vec<Share>,
}

impl Evaluator {
    /// For networks with these widths, from the input's features to the outputs.
    pub fn new(widths: Vec<usize>) -> Self {
        Self { widths, shares: vec![Share::default(); GROUPS] }
    }

    fn widest(&self) -> usize {
        self.widths[1..self.widths.len() - 1].iter().copied().max().unwrap_or(0)
    }

    /// Scratch that each worker of the executor needs.
    pub fn scratch<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let shapes = self.widths.windows(2).map(|pair| (pair[1], pair[0]));
        let outputs = self.widths[self.widths.len() - 1];
        Requirement::matrix(outputs, TILE).and(forward::network_workspace(gemm, shapes, self.widest(), TILE))
    }

    /// Mean risk and accuracy of a network on samples `x` with `classes`.
    ///
    /// # Errors
    /// Those of the core: shapes that do not fit.
    pub fn score<T: Real, S: Memory<T>, E: Executor<T>, G: Gemm<T>>(
        &mut self,
        layers: &[Layer<T, S>],
        activation: Activation<T>,
        loss: Loss,
        x: MatRef<'_, T>,
        classes: &[u32],
        executor: &mut E,
        gemm: &G,
    ) -> Result<Score> {
        let partition = Partition::new(x.ncols(), TILE, GROUPS);
        let (widest, outputs) = (self.widest(), self.widths[self.widths.len() - 1]);
        let shares = &mut self.shares[..partition.groups()];
        executor.run(&mut *shares, |g, share, mut stack| {
            *share = Share::default();
            let (first, _) = partition.group(g);
            for (start, count) in partition.tiles(g) {
                let mut stack = stack.rest();
                let mut output = stack.matrix(outputs, count)?;
                let tile = columns(&x, first + start, count);
                let layers = layers.iter().map(|layer| (layer.weights(), layer.bias()));
                forward::network(gemm, activation, layers, &tile, &mut output, widest, stack)?;
                let classes = &classes[first + start..][..count];
                share.risk += loss.value(as_ref(&output), Target::Classes(classes))?;
                share.correct += loss::count_correct(as_ref(&output), classes)?;
            }
            Ok(())
        })?;
        let count = x.ncols() as f64;
        Ok(Score {
            loss: shares.iter().map(|share| share.risk).sum::<f64>() / count,
            accuracy: shares.iter().map(|share| share.correct).sum::<usize>() as f64 / count,
        })
    }
}
