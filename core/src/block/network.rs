//! A list of blocks: shapes, the record that a forward pass keeps, and the way back.

mod pass;

use super::conv::Bound;
use super::{Block, LinearMap, Masks, Place, dense};
use crate::error::{Error, Result};
use crate::gemm::Gemm;
use crate::real::Real;
use crate::shape::Shape;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, column_mut, copy, dense as view, dense_mut, require_size};
use crate::workspace::{Requirement, Stack};
use core::ops::Range;

/// Takes what linear maps saw on the way back: their inputs and the gradients in their outputs.
pub trait Sink<T: Real> {
    /// Called before the way back of a tile, with its first sample, counted from the group's.
    fn begin(&mut self, _first: usize) {}

    /// A fully connected map: `p` is n_in x m, `dz` n_out x m.
    ///
    /// # Errors
    /// Shapes that do not fit, too small a workspace.
    fn add_dense<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result;

    /// A convolution: `p` is of its input's features x m, `dz` of its output's.
    ///
    /// # Errors
    /// As [`Sink::add_dense`].
    fn add_conv<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        conv: &Bound,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result;

    /// Channels from `first` on of a map of one column: what the samples add up to for its weights and its bias.
    ///
    /// # Errors
    /// A place that does not fit.
    fn add_channels(&mut self, place: Place, first: usize, weights: &[T], bias: &[T]) -> Result;
}

/// Adds to a gradient that is laid out like the parameters.
#[derive(Debug)]
pub struct GradientSums<'a, T>(pub &'a mut [T]);

impl<T: Real> GradientSums<'_, T> {
    fn of(&mut self, map: LinearMap) -> Result<(MatMut<'_, T>, &mut [T])> {
        require_count("gradient", self.0.len(), map.end())?;
        Ok(map.write(self.0))
    }
}

impl<T: Real> Sink<T> for GradientSums<'_, T> {
    fn add_dense<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (mut weights, bias) = self.of(place.map)?;
        dense::add_gradient(gemm, p, dz, &mut weights, bias, stack)
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        gemm: &G,
        place: Place,
        conv: &Bound,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (mut weights, bias) = self.of(place.map)?;
        conv.add_gradient(gemm, p, dz, &mut weights, bias, stack)
    }

    fn add_channels(&mut self, place: Place, first: usize, weights: &[T], bias: &[T]) -> Result {
        let (mut own_weights, own_bias) = self.of(place.map)?;
        add_slice(weights, &mut column_mut(&mut own_weights, 0)[first..]);
        add_slice(bias, &mut own_bias[first..]);
        Ok(())
    }
}

/// Places that are worked out at a time on the way back.
const AT_A_TIME: usize = 16;

/// Blocks in order, checked against the shape that goes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Network<'a, T> {
    blocks: &'a [Block<T>],
    input: Shape,
    /// Of training passes.
    masks: Option<Masks>,
}

/// A block in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<T> {
    /// Its place, counted from 0.
    pub index: usize,
    /// The block.
    pub block: Block<T>,
    /// What goes in.
    pub input: Shape,
    /// What comes out.
    pub output: Shape,
    /// Where its parameters begin.
    pub offset: usize,
    /// Where the sums of its linear maps begin.
    pub sums: usize,
    /// Where the record keeps what goes in, in features before it; `None` for the network's own input.
    source: Option<usize>,
    /// Where the record keeps what comes out. The inner signal of a residual block lies right before it.
    target: usize,
    /// What of the features the block drops, in training passes.
    masks: Option<Masks>,
}

impl<T: Real> Step<T> {
    /// Where the record keeps what comes out.
    pub(super) fn target(&self) -> usize {
        self.target
    }

    /// Where the record keeps what goes in.
    pub(super) fn source(&self) -> Option<usize> {
        self.source
    }

    /// What of the features the block drops, in training passes.
    pub(super) fn masks(&self) -> Option<Masks> {
        self.masks
    }

    /// Features of the record up to the end of this block's part.
    pub(super) fn end(&self) -> usize {
        self.target.saturating_add(self.output.features())
    }

    /// Features of the inner signal right before the output.
    pub(super) fn inner(&self) -> usize {
        inner(&self.block, self.output)
    }

    /// Whether what comes out takes the place of what went in.
    pub(super) fn in_place(&self) -> bool {
        self.source == Some(self.target)
    }
}

impl<'a, T: Real> Network<'a, T> {
    /// A network of these blocks on samples of this shape.
    ///
    /// # Errors
    /// [`Error::Block`] for the first block that cannot take what comes in, [`Error::Setting`] for an activation out of
    /// its range, [`Error::Length`] naming `blocks` if there are none, or `parameters` if they would not fit into memory.
    pub fn new(blocks: &'a [Block<T>], input: Shape) -> Result<Self> {
        let mut shape = input;
        let mut parameters = 0_usize;
        for (index, block) in blocks.iter().enumerate() {
            parameters = parameters.saturating_add(block.parameters(shape));
            shape = block.output_shape(index, shape)?;
        }
        let network = Self { blocks, input, masks: None };
        if blocks.is_empty() {
            return Err(Error::Length { argument: "blocks", found: 0, needed: 1 });
        }
        if parameters == usize::MAX || network.last().end() == usize::MAX {
            return Err(Error::Length { argument: "parameters", found: 0, needed: usize::MAX });
        }
        Ok(network)
    }

    /// The same network in a training pass, forward and back, over samples at this place: its dropout blocks drop features, and
    /// those of batch normalisation take mean and variance of the samples that pass at once.
    /// [`Network::apply`] is no such pass of any network.
    #[must_use]
    pub fn training(self, masks: Masks) -> Self {
        Self { masks: Some(masks), ..self }
    }

    /// The same network in any other pass.
    pub(super) fn evaluation(self) -> Self {
        Self { masks: None, ..self }
    }

    /// What goes in.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// What comes out.
    pub fn output(&self) -> Shape {
        self.last().output
    }

    /// The blocks.
    pub fn blocks(&self) -> &'a [Block<T>] {
        self.blocks
    }

    /// The blocks in their places, first to last.
    pub fn steps(&self) -> impl Iterator<Item = Step<T>> + Clone + use<'a, T> {
        let (mut shape, mut source, mut end) = (self.input, None, 0_usize);
        let (mut offset, mut sums) = (0_usize, 0_usize);
        let (blocks, masks) = (self.blocks, self.masks);
        blocks.iter().enumerate().map(move |(index, &block)| {
            // Checked when the network was made.
            let output = block.output_shape(index, shape).unwrap_or(shape);
            let before = index.checked_sub(1).map(|before| &blocks[before]);
            let target = match (block, source) {
                (Block::Flatten, Some(source)) => source,
                (Block::Activation(_), Some(source)) if keeps_in_place(before) => source,
                _ => end.saturating_add(inner(&block, output)),
            };
            let masks = masks.map(|masks| masks.of_block(index));
            let step = Step { index, block, input: shape, output, offset, sums, source, target, masks };
            if let Some(last) = step.places().last() {
                (offset, sums) = (last.map.end(), last.end());
            }
            (shape, source, end) = (output, Some(target), end.max(step.end()));
            step
        })
    }

    /// The blocks in their places, last to first. A place needs those before it, which are gone through anew for some
    /// blocks at a time.
    pub fn steps_back(&self) -> impl Iterator<Item = Step<T>> + use<'a, T> {
        let network = *self;
        (0..network.blocks.len().div_ceil(AT_A_TIME)).rev().flat_map(move |part| {
            let mut steps = [None; AT_A_TIME];
            let found = network.steps().skip(part * AT_A_TIME);
            steps.iter_mut().zip(found).for_each(|(to, step)| *to = Some(step));
            steps.into_iter().rev().flatten()
        })
    }

    /// The blocks `range` as a network of their own; its parameters and its sums begin where those of
    /// [`Network::step`] `range.start` do.
    ///
    /// # Panics
    /// If there are no such blocks.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let (input, masks) = (self.step(range.start).input, self.masks);
        Self { input, masks: masks.map(|masks| masks.of_block(range.start)), blocks: &self.blocks[range] }
    }

    /// The block at a place.
    ///
    /// # Panics
    /// If there is none.
    pub fn step(&self, index: usize) -> Step<T> {
        self.steps().nth(index).expect("a block at every place below the number of blocks")
    }

    /// Whether training passes take mean and variance of the samples that pass at once.
    pub fn has_batch_norm(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::BatchNorm))
    }

    fn last(&self) -> Step<T> {
        self.step(self.blocks.len() - 1)
    }

    /// Weights and biases of all blocks.
    pub fn parameters(&self) -> usize {
        self.maps().last().map_or(0, LinearMap::end)
    }

    /// The linear maps of all blocks, in the order of their parameters.
    pub fn maps(&self) -> impl Iterator<Item = LinearMap> + Clone + use<'a, T> {
        self.steps().flat_map(|step| step.block.maps(step.input, step.offset).into_iter().flatten())
    }

    /// Elements of the record of a forward pass over m samples: what every block gave that a later one, or the way back,
    /// needs.
    pub fn record(&self, m: usize) -> usize {
        self.steps().map(|step| step.end()).max().unwrap_or(0).saturating_mul(m)
    }

    /// Passes `x` (features of the input x m) through all blocks; the output (features of the output x m) is
    /// [`Network::output_of`] the record. `record` holds [`Network::record`] elements, `parameters`
    /// [`Network::parameters`].
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Length`], [`Error::Workspace`] below [`Network::workspace`].
    pub fn forward<G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        x: &MatRef<'_, T>,
        record: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = x.ncols();
        self.check(parameters, x, record, m)?;
        stack.require(self.workspace(gemm, m))?;
        for step in self.steps() {
            pass::forward(gemm, &step, parameters, x, record, m, stack.rest())?;
        }
        Ok(())
    }

    /// The output in the record of a forward pass over m samples.
    pub fn output_of<'r>(&self, record: &'r [T], m: usize) -> MatRef<'r, T> {
        let last = self.last();
        at(record, last.target, last.output, m)
    }

    /// The way back: `signal`, of [`Network::signal`] elements, begins with the gradient in the output (features of the
    /// output x m) and is overwritten; what linear maps saw goes to `sink`, the gradient in the input (features of the
    /// input x m) to `dx`, if it is wanted. `x` and `record` as [`Network::forward`] had and left them.
    ///
    /// A product for each linear map beside the sink's; where `dx` is not wanted, none for the first map.
    ///
    /// # Errors
    /// As [`Network::forward`]; [`Error::Length`] naming `signal`.
    pub fn backward<G: Gemm<T>, K: Sink<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        x: &MatRef<'_, T>,
        record: &[T],
        signal: &mut [T],
        mut dx: Option<&mut MatMut<'_, T>>,
        sink: &mut K,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = x.ncols();
        self.check(parameters, x, record, m)?;
        require_count("signal", signal.len(), self.signal(m))?;
        if let Some(dx) = &dx {
            require_size("dx", dx.shape(), (self.input.features(), m))?;
        }
        stack.require(self.workspace(gemm, m))?;
        // Below the first map nobody asks for a gradient but through `dx`.
        let lowest = if dx.is_some() { Some(0) } else { self.first_map() };
        let Some(lowest) = lowest else { return Ok(()) };
        let (mut above, mut below) = (signal, stack.vector(self.signal(m))?);
        for step in self.steps_back().take_while(|step| step.index >= lowest) {
            let (rows, features) = (step.output.features(), step.input.features());
            let dy = &mut above[..rows * m];
            if pass::keeps_place(&step.block) {
                pass::backward_in_place(&step, record, m, dy)?;
                if let (0, Some(dx)) = (step.index, dx.as_deref_mut()) {
                    copy(&view(dy, features, m), dx);
                }
                continue;
            }
            let dy = &mut dense_mut(dy, rows, m);
            if step.index == lowest {
                let dx = dx.as_deref_mut();
                pass::backward(gemm, &step, parameters, x, record, dy, dx, sink, stack.rest())?;
                continue;
            }
            let dp = &mut dense_mut(&mut below[..features * m], features, m);
            pass::backward(gemm, &step, parameters, x, record, dy, Some(dp), sink, stack.rest())?;
            core::mem::swap(&mut above, &mut below);
        }
        Ok(())
    }

    /// Elements of the signal that goes back over m samples: as many as the widest block gives.
    pub fn signal(&self, m: usize) -> usize {
        self.widest().saturating_mul(m)
    }

    /// The first block with a linear map.
    fn first_map(&self) -> Option<usize> {
        let first = self.steps().find(|step| step.places().next().is_some());
        first.map(|step| step.index)
    }

    /// Scratch of [`Network::forward`] and [`Network::backward`] for m columns.
    pub fn workspace<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        let steps =
            self.steps().fold(Requirement::NONE, |most, step| most.or(pass::workspace(gemm, &step, m)));
        Requirement::vector(self.signal(m)).and(steps)
    }

    fn widest(&self) -> usize {
        self.steps().map(|step| step.output.features()).max().unwrap_or(0)
    }

    fn check(&self, parameters: &[T], x: &MatRef<'_, T>, record: &[T], m: usize) -> Result {
        require_size("x", x.shape(), (self.input.features(), m))?;
        require_count("parameters", parameters.len(), self.parameters())?;
        require_count("record", record.len(), self.record(m))
    }
}

/// Features of a block's inner signal.
fn inner<T>(block: &Block<T>, output: Shape) -> usize {
    if matches!(block, Block::Residual(_) | Block::ResidualDense(_)) { output.features() } else { 0 }
}

/// Whether an activation may write over the output of the block before it, which that block's way back does not need.
fn keeps_in_place<T>(before: Option<&Block<T>>) -> bool {
    matches!(
        before,
        Some(
            Block::Dense { .. }
                | Block::Conv(_)
                | Block::AveragePool(_)
                | Block::GlobalAveragePool
                | Block::Dropout { .. }
                | Block::BatchNorm
        )
    )
}

fn require_count(argument: &'static str, found: usize, needed: usize) -> Result {
    if found < needed { Err(Error::Length { argument, found, needed }) } else { Ok(()) }
}

/// The part of a record that begins after `start` features.
fn at<T: Real>(record: &[T], start: usize, shape: Shape, m: usize) -> MatRef<'_, T> {
    view(&record[start * m..(start + shape.features()) * m], shape.features(), m)
}

/// What goes into a block, in the record of a forward pass or the network's own input.
pub(super) fn input_of<'r, T: Real>(
    step: &Step<T>,
    x: &MatRef<'r, T>,
    record: &'r [T],
    m: usize,
) -> MatRef<'r, T> {
    match step.source {
        None => *x,
        Some(source) => at(record, source, step.input, m),
    }
}

/// What comes out of a block, in the record of a forward pass.
pub(super) fn output_in<'r, T: Real>(step: &Step<T>, record: &'r [T], m: usize) -> MatRef<'r, T> {
    at(record, step.target, step.output, m)
}
