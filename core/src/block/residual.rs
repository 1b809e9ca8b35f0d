//! The residual pair: `y = f(x' + conv_2(f(conv_1(x))))`, with 3x3 kernels and padding 1.
//!
//! The first convolution has the stride. x' is the input where shape and channels stay, else its 1x1 convolution with the
//! stride.

use super::conv::{Bound, Conv};
use super::{LinearMap, Place, Sink};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::gemm::Gemm;
use crate::real::Real;
use crate::shape::Shape;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, require_size};
use crate::workspace::{Requirement, Stack};

/// A residual pair's sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual<T> {
    /// Channels of the output, at least 1.
    pub outputs: usize,
    /// Step of the first convolution and of the projection, at least 1.
    pub stride: usize,
    /// f.
    pub activation: Activation<T>,
}

impl<T: Real> Residual<T> {
    fn first(&self) -> Conv {
        Conv::square(self.outputs, 3, self.stride, 1)
    }

    fn second(&self) -> Conv {
        Conv::square(self.outputs, 3, 1, 1)
    }

    /// The projection, where the input does not fit the output.
    fn projection(&self, input: Shape) -> Option<Conv> {
        (self.stride != 1 || input.channels != self.outputs)
            .then(|| Conv::square(self.outputs, 1, self.stride, 0))
    }

    /// The shape that comes out, or what would be needed for one.
    pub(super) fn output_shape(&self, input: Shape) -> core::result::Result<Shape, &'static str> {
        self.first().output_shape(input)
    }

    /// The two convolutions and the projection, if there is one.
    pub(super) fn maps(&self, input: Shape, offset: usize) -> [Option<LinearMap>; 3] {
        let first = self.first().map(input, offset);
        let inner = Shape { channels: self.outputs, ..input };
        let second = self.second().map(inner, first.end());
        let projection = self.projection(input).map(|conv| conv.map(input, second.end()));
        [Some(first), Some(second), projection]
    }
}

/// A residual pair with the shapes that it goes between, and where its parameters and sums begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundResidual<T> {
    activation: Activation<T>,
    first: (Bound, Place),
    second: (Bound, Place),
    projection: Option<(Bound, Place)>,
}

impl<T: Real> BoundResidual<T> {
    /// The pair on inputs of this shape, whose parameters begin at `offset` and whose sums at `start`.
    ///
    /// # Errors
    /// As [`Block::output_shape`](super::Block::output_shape).
    pub fn new(pair: &Residual<T>, input: Shape, offset: usize, start: usize) -> Result<Self> {
        pair.activation.validate()?;
        let first = Bound::new(pair.first(), input)?;
        let second = Bound::new(pair.second(), first.output())?;
        let pixels = first.output().pixels();
        let place = Place { map: pair.first().map(input, offset), start, pixels };
        let map = pair.second().map(first.output(), place.map.end());
        let next = Place { map, start: place.end(), pixels };
        let projection = match pair.projection(input) {
            None => None,
            Some(conv) => {
                let map = conv.map(input, next.map.end());
                Some((Bound::new(conv, input)?, Place { map, start: next.end(), pixels }))
            }
        };
        Ok(Self { activation: pair.activation, first: (first, place), second: (second, next), projection })
    }

    /// The two convolutions and the projection, if there is one.
    pub(super) fn convolutions(&self) -> impl Iterator<Item = &(Bound, Place)> {
        [Some(&self.first), Some(&self.second), self.projection.as_ref()].into_iter().flatten()
    }

    /// `y <- f(x' + conv_2(h))`, `h <- f(conv_1(x))`: `x` is of the input's features x m, `h` and `y` of the output's;
    /// `parameters` are those of the whole network.
    ///
    /// # Errors
    /// [`Shape`](Error::Shape), [`Length`](Error::Length) naming `parameters`, [`Workspace`](Error::Workspace) below
    /// [`BoundResidual::workspace`].
    pub fn forward<G: Gemm<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        x: &MatRef<'_, T>,
        h: &mut MatMut<'_, T>,
        y: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = x.ncols();
        self.check(parameters, x, &as_ref(h), &as_ref(y), m)?;
        stack.require(self.workspace(gemm, m))?;
        forward(gemm, &self.first, parameters, x, h, stack.rest())?;
        for j in 0..m {
            self.activation.apply_in_place(column_mut(h, j));
        }
        forward(gemm, &self.second, parameters, &as_ref(h), y, stack.rest())?;
        match &self.projection {
            None => add(x, y)?,
            Some(projection) => {
                let mut projected = stack.matrix(y.nrows(), m)?;
                forward(gemm, projection, parameters, x, &mut projected, stack)?;
                add(&as_ref(&projected), y)?;
            }
        }
        for j in 0..m {
            self.activation.apply_in_place(column_mut(y, j));
        }
        Ok(())
    }

    /// The gradient in the input, `dx`, if it is wanted, and in the parameters, to `sink`; `dy` (of the output's
    /// features x m) is overwritten. `x`, `h`, `y` as [`BoundResidual::forward`] left them.
    ///
    /// # Errors
    /// As [`BoundResidual::forward`].
    pub fn backward<G: Gemm<T>, K: Sink<T>>(
        &self,
        gemm: &G,
        parameters: &[T],
        x: &MatRef<'_, T>,
        h: &MatRef<'_, T>,
        y: &MatRef<'_, T>,
        dy: &mut MatMut<'_, T>,
        dx: Option<&mut MatMut<'_, T>>,
        sink: &mut K,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = dy.ncols();
        self.check(parameters, x, h, y, m)?;
        require_size("dy", dy.shape(), y.shape())?;
        if let Some(dx) = &dx {
            require_size("dx", dx.shape(), x.shape())?;
        }
        stack.require(self.workspace(gemm, m))?;
        for j in 0..m {
            self.activation.backward(column(y, j), column_mut(dy, j))?;
        }
        let dy = as_ref(dy);
        sink.add_conv(gemm, self.second.1, &self.second.0, h, &dy, stack.rest())?;
        if let Some((bound, place)) = &self.projection {
            sink.add_conv(gemm, *place, bound, x, &dy, stack.rest())?;
        }
        let mut dh = stack.matrix(h.nrows(), m)?;
        backward(gemm, &self.second, parameters, &dy, &mut dh, stack.rest())?;
        for j in 0..m {
            self.activation.backward(column(h, j), column_mut(&mut dh, j))?;
        }
        sink.add_conv(gemm, self.first.1, &self.first.0, x, &as_ref(&dh), stack.rest())?;
        let Some(dx) = dx else { return Ok(()) };
        backward(gemm, &self.first, parameters, &as_ref(&dh), dx, stack.rest())?;
        match &self.projection {
            None => add(&dy, dx),
            Some(projection) => {
                let mut projected = stack.matrix(dx.nrows(), m)?;
                backward(gemm, projection, parameters, &dy, &mut projected, stack)?;
                add(&as_ref(&projected), dx)
            }
        }
    }

    fn check(
        &self,
        parameters: &[T],
        x: &MatRef<'_, T>,
        h: &MatRef<'_, T>,
        y: &MatRef<'_, T>,
        m: usize,
    ) -> Result {
        let (input, output) = (self.first.0.input().features(), self.first.0.output().features());
        let needed = self.convolutions().map(|(_, place)| place.map.end()).max().unwrap_or(0);
        if parameters.len() < needed {
            return Err(Error::Length { argument: "parameters", found: parameters.len(), needed });
        }
        require_size("x", x.shape(), (input, m))?;
        require_size("h", h.shape(), (output, m))?;
        require_size("y", y.shape(), (output, m))
    }

    /// Scratch of both passes for m columns.
    pub fn workspace<G: Gemm<T>>(&self, gemm: &G, m: usize) -> Requirement {
        let convolutions = self.first.0.workspace(gemm).or(self.second.0.workspace(gemm));
        let (input, output) = (self.first.0.input().features(), self.first.0.output().features());
        let inner = Requirement::matrix(output, m);
        match &self.projection {
            None => inner.and(convolutions),
            Some((bound, _)) => {
                let projected = Requirement::matrix(input.max(output), m);
                inner.and(projected).and(convolutions.or(bound.workspace(gemm)))
            }
        }
    }
}

fn forward<T: Real, G: Gemm<T>>(
    gemm: &G,
    (bound, place): &(Bound, Place),
    parameters: &[T],
    p: &MatRef<'_, T>,
    z: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let (weights, bias) = place.map.read(parameters);
    bound.forward(gemm, &weights, bias, p, z, stack)
}

fn backward<T: Real, G: Gemm<T>>(
    gemm: &G,
    (bound, place): &(Bound, Place),
    parameters: &[T],
    dz: &MatRef<'_, T>,
    dp: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let (weights, _) = place.map.read(parameters);
    bound.backward_input(gemm, &weights, dz, dp, stack)
}

/// `to <- to + from`.
fn add<T: Real>(from: &MatRef<'_, T>, to: &mut MatMut<'_, T>) -> Result {
    require_size("x", from.shape(), to.shape())?;
    for j in 0..from.ncols() {
        add_slice(column(from, j), column_mut(to, j));
    }
    Ok(())
}
