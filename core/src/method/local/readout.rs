//! What reads the targets from what a layer gives.

use core::array;

use crate::block::pool::Window;
use crate::block::{Block, Network};
use crate::error::Result;
use crate::real::Real;
use crate::shape::Shape;

/// A linear map of a layer's output `a`, `s = M a + c`; of images, of the means of windows of their channels.
#[derive(Debug, Clone, Copy)]
pub struct Readout<T> {
    /// Of which the last ones are used.
    blocks: [Block<T>; 3],
    used: usize,
    input: Shape,
}

impl<T: Real> Readout<T> {
    /// Of a layer whose output has this shape: `outputs` numbers. Of images, windows of one size stand at `grid` places along the
    /// shorter side, or at as many as there are pixels, the first and the last at its edges.
    pub fn new(input: Shape, outputs: usize, grid: usize) -> Self {
        let [dense, flatten] = [Block::Dense { outputs }, Block::Flatten];
        if input.is_flat() {
            return Self { blocks: [flatten, flatten, dense], used: 1, input };
        }
        let side = input.height.min(input.width);
        let places = grid.clamp(1, side);
        let stride = side / places;
        let window = Window { size: side - (places - 1) * stride, stride };
        Self { blocks: [Block::AveragePool(window), flatten, dense], used: 3, input }
    }

    /// What it is made of: of images an average over windows and a flattening, then M and c as a fully connected block.
    pub fn blocks(&self) -> &[Block<T>] {
        &self.blocks[self.blocks.len() - self.used..]
    }

    /// The read-out as a network.
    ///
    /// # Errors
    /// [`Length`](crate::Error::Length) naming `parameters` if they would not fit into memory.
    pub fn network(&self) -> Result<Network<'_, T>> {
        Network::new(self.blocks(), self.input)
    }

    /// Weights and biases, M (outputs x inputs) before c (outputs).
    pub fn parameters(&self) -> usize {
        let mut shape = self.input;
        let counts: [usize; 3] = array::from_fn(|index| {
            let Some(block) = self.blocks().get(index) else { return 0 };
            let count = block.parameters(shape);
            shape = block.output_shape(index, shape).unwrap_or(shape);
            count
        });
        counts.into_iter().fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_a_readout_reach_from_edge_to_edge() {
        for (side, grid, size, stride) in
            [(14, 4, 5, 3), (7, 3, 3, 2), (8, 4, 2, 2), (3, 4, 1, 1), (5, 1, 5, 5), (28, 4, 7, 7)]
        {
            let shape = Shape { channels: 2, height: side, width: side + 1 };
            let readout = Readout::<f32>::new(shape, 3, grid);
            assert_eq!(readout.blocks[0], Block::AveragePool(Window { size, stride }), "{side} by {grid}");
            assert_eq!((grid.min(side) - 1) * stride + size, side);
            let network = readout.network().unwrap();
            assert_eq!((network.output(), network.parameters()), (Shape::flat(3), readout.parameters()));
        }
        let flat = Readout::<f64>::new(Shape::flat(7), 3, 4);
        assert_eq!((flat.network().unwrap().parameters(), flat.parameters()), (24, 24));
    }
}
