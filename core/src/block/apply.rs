//! What a network says of samples, without a record of the way.

use core::ops::Range;

use super::{Block, Network};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::real::Real;
use crate::view::{MatMut, MatRef, copy, require_size};
use crate::workspace::{Requirement, Stack};

impl<'a, T: Real> Network<'a, T> {
    /// `z <-` what comes out of the network for the samples `x`: `x` is features of the input x m, `z` of the output x m.
    ///
    /// The same bits as [`Network::forward`], but only what goes into a block and comes out of it is kept.
    ///
    /// # Errors
    /// As [`Network::forward`]; [`Error::Workspace`](crate::Error::Workspace) below [`Network::apply_workspace`].
    pub fn apply<G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        x: &MatRef<'_, T>,
        z: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = x.ncols();
        require_size("z", z.shape(), (self.output().features(), m))?;
        stack.require(self.apply_workspace(gemm, m))?;
        let widest = self.widest_record(m);
        let (mut below, mut above) = (stack.vector(widest)?, stack.vector(widest)?);
        let mut input = *x;
        let mut rest = parameters;
        for stage in self.stages() {
            let stage = self.part(stage).evaluation();
            stage.forward(gemm, rest, &input, above, stack.rest())?;
            rest = rest.get(stage.parameters()..).unwrap_or_default();
            core::mem::swap(&mut below, &mut above);
            input = stage.output_of(below, m);
        }
        copy(&input, z);
        Ok(())
    }

    /// Scratch of [`Network::apply`] for m columns.
    pub fn apply_workspace<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        let stages =
            self.stages().fold(Requirement::NONE, |most, stage| most.or(self.part(stage).workspace(gemm, m)));
        let record = Requirement::vector(self.widest_record(m));
        record.and(record).and(stages)
    }

    fn widest_record(&self, m: usize) -> usize {
        self.stages().map(|stage| self.part(stage).record(m)).max().unwrap_or(0)
    }

    /// Each block, with the activation that may write over its output.
    fn stages(&self) -> impl Iterator<Item = Range<usize>> + use<'a, T> {
        let blocks = self.blocks();
        let mut start = 0;
        core::iter::from_fn(move || {
            let first = start;
            let activation = matches!(blocks.get(first + 1), Some(Block::Activation(_)));
            start += 1 + usize::from(activation);
            (first < blocks.len()).then_some(first..start)
        })
    }
}
