//! Blocks that networks are stacked from, and what passes through them: forward, backward to inputs and parameters.
//!
//! A sample is a column; an image is stored channel by channel, each row by row, so that a fully connected block sees the
//! same column as a convolution. Parameters of all blocks lie one after the other in one slice, for each linear map its
//! weights (n_out x n_in, column-major; for a convolution n_in is `channels * kernel height * kernel width`, in this
//! order) and then its bias.
//!
//! Backward passes *add* to gradients, so that the tiles of a batch join in one.

mod apply;
mod batch_norm;
pub mod conv;
pub mod dense;
mod dropout;
mod lipschitz;
mod network;
mod patches;
mod planes;
pub mod pool;
pub mod residual;
mod residual_dense;
mod sums;

pub(crate) use batch_norm::{scale_step, track};
pub use conv::Bound;
pub use dense::add_gradient as dense_gradient;
pub use dropout::Masks;
pub use network::{GradientSums, Network, Sink, Step};
pub use sums::{MapSums, Place};

use crate::activation::Activation;
use crate::error::{Error, Result, require_decay};
use crate::real::Real;
pub use crate::shape::Shape;
use crate::view::{MatMut, MatRef, dense as dense_view, dense_mut};
use conv::Conv;
use pool::Window;
use residual::Residual;

/// One block of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Block<T> {
    /// `z = W p + b` over all features of a sample, whatever its shape is not: an image must be flattened first.
    Dense {
        /// Outputs, at least 1.
        outputs: usize,
    },
    /// A 2-D convolution (cross-correlation, as in every library of this field).
    Conv(Conv),
    /// The largest of each window; a window that reaches over the edge is left out.
    MaxPool(Window),
    /// The mean of each window.
    AveragePool(Window),
    /// The mean of each channel.
    GlobalAveragePool,
    /// The same numbers as one long column.
    Flatten,
    /// An activation, elementwise.
    Activation(Activation<T>),
    /// In training passes, see [`Network::training`], features are 0 with the probability `share` and else divided by `1 - share`;
    /// in all others the block passes on what comes in.
    Dropout {
        /// 0 or above and below 1.
        share: f64,
    },
    /// Batch normalisation (Ioffe, Szegedy, ICML 2015): of each channel `y = gamma (x - mu)/sqrt(v + 1e-5) + beta`, in training
    /// passes, see [`Network::training`], with the mean mu and the variance v of the samples that pass at once, over all their
    /// pixels, and in all others with running ones. Its parameters are gamma and beta, [`MapKind::Scale`], and running mean
    /// and variance, [`MapKind::Statistics`], which a step moves a tenth of the way to the mini-batch's, as PyTorch's do.
    BatchNorm,
    /// Two 3x3 convolutions around which the input is carried.
    Residual(Residual<T>),
    /// `y = x + f(W x + b)` with this f, over all features of a flat sample.
    ResidualDense(Activation<T>),
}

/// What the parameters of a [`LinearMap`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// The matrix and the bias of a fully connected map.
    Dense,
    /// The same of a convolution's patches.
    Convolution,
    /// Weight and bias of every channel: a diagonal map, kept as one column.
    Scale,
    /// Running mean and variance of every channel, laid out as [`MapKind::Scale`]. They follow what passes and no gradient.
    Statistics,
}

impl MapKind {
    /// Whether there is a matrix of weights: those that regularisers and weight decay are for.
    pub const fn is_matrix(self) -> bool {
        matches!(self, Self::Dense | Self::Convolution)
    }
}

/// A linear map of a block: where its parameters lie, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearMap {
    /// What its parameters are.
    pub kind: MapKind,
    /// Where its weights begin in the network's parameters; its bias follows them.
    pub offset: usize,
    /// Outputs: features, or channels of a convolution.
    pub n_out: usize,
    /// Inputs: features, or the size of a convolution's patch.
    pub n_in: usize,
}

impl LinearMap {
    /// Weights and bias.
    pub const fn parameters(self) -> usize {
        self.n_out.saturating_mul(self.n_in.saturating_add(1))
    }

    /// The first so many of its parameters are weights that regularisers and weight decay are for.
    pub const fn regularized(self) -> usize {
        if self.kind.is_matrix() { self.n_out * self.n_in } else { 0 }
    }

    /// Where its parameters end.
    pub const fn end(self) -> usize {
        self.offset.saturating_add(self.parameters())
    }

    /// Its weights and bias among the parameters of its network.
    ///
    /// # Panics
    /// If there are fewer parameters.
    pub fn read<T: Real>(self, parameters: &[T]) -> (MatRef<'_, T>, &[T]) {
        let (weights, bias) = parameters[self.offset..self.end()].split_at(self.n_out * self.n_in);
        (dense_view(weights, self.n_out, self.n_in), bias)
    }

    /// The same for writing.
    ///
    /// # Panics
    /// If there are fewer parameters.
    pub fn write<T: Real>(self, parameters: &mut [T]) -> (MatMut<'_, T>, &mut [T]) {
        let (weights, bias) = parameters[self.offset..self.end()].split_at_mut(self.n_out * self.n_in);
        (dense_mut(weights, self.n_out, self.n_in), bias)
    }
}

impl<T: Real> Block<T> {
    /// What the block is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Conv(_) => "conv",
            Self::MaxPool(_) => "maxpool",
            Self::AveragePool(_) => "avgpool",
            Self::GlobalAveragePool => "global average pool",
            Self::Flatten => "flatten",
            Self::Activation(_) => "activation",
            Self::Dropout { .. } => "dropout",
            Self::BatchNorm => "batchnorm",
            Self::Residual(_) => "residual",
            Self::ResidualDense(_) => "residual dense",
        }
    }

    /// The shape that comes out where `input` goes in.
    ///
    /// # Errors
    /// [`Error::Block`] if the block cannot take such an input, with `index`, the block's place in its network, in it;
    /// [`Error::Setting`] for an activation out of its range.
    pub fn output_shape(&self, index: usize, input: Shape) -> Result<Shape> {
        let misfit = |expected| Error::Block { index, block: self.name(), input, expected };
        if input.features() == 0 || input.features() == usize::MAX {
            return Err(misfit("at least one feature, and no more than fit into memory"));
        }
        match *self {
            Self::Dense { outputs: 0 } => Err(misfit("at least one output")),
            Self::Dense { outputs } if input.is_flat() => Ok(Shape::flat(outputs)),
            Self::ResidualDense(activation) if input.is_flat() => activation.validate().map(|()| input),
            Self::Dense { .. } | Self::ResidualDense(_) => {
                Err(misfit("a flat input: put `flatten` before it"))
            }
            Self::Conv(conv) => conv.output_shape(input).map_err(misfit),
            Self::MaxPool(window) | Self::AveragePool(window) => window.output_shape(input).map_err(misfit),
            Self::GlobalAveragePool => Ok(Shape::flat(input.channels)),
            Self::Flatten => Ok(Shape::flat(input.features())),
            Self::Activation(activation) => activation.validate().map(|()| input),
            Self::Dropout { share } => require_decay("dropout", share).map(|()| input),
            Self::BatchNorm => Ok(input),
            Self::Residual(pair) => {
                pair.activation.validate()?;
                pair.output_shape(input).map_err(misfit)
            }
        }
    }

    /// Whether the block does something else in training passes than in others.
    pub const fn differs_in_training(&self) -> bool {
        matches!(self, Self::Dropout { .. } | Self::BatchNorm)
    }

    /// The block's linear maps, first to last, as many as there are; `offset` is where its parameters begin.
    pub fn maps(&self, input: Shape, offset: usize) -> [Option<LinearMap>; 3] {
        match *self {
            Self::Dense { outputs } => [Some(dense_map(offset, outputs, input.features())), None, None],
            Self::ResidualDense(_) => {
                let n = input.features();
                [Some(dense_map(offset, n, n)), None, None]
            }
            Self::Conv(conv) => [Some(conv.map(input, offset)), None, None],
            Self::Residual(pair) => pair.maps(input, offset),
            Self::BatchNorm => {
                let [scale, statistics] = batch_norm::maps(input, offset);
                [Some(scale), Some(statistics), None]
            }
            _ => [None; 3],
        }
    }

    /// Weights and biases of the block.
    pub fn parameters(&self, input: Shape) -> usize {
        self.maps(input, 0).iter().flatten().map(|map| map.parameters()).fold(0, usize::saturating_add)
    }
}

const fn dense_map(offset: usize, n_out: usize, n_in: usize) -> LinearMap {
    LinearMap { kind: MapKind::Dense, offset, n_out, n_in }
}
