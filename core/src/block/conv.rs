//! The 2-D convolution, through the matrix of its patches.
//!
//! For one sample, `K` is `P x Q`: a row for each of the P pixels of the output, a column for each of the
//! `Q = channels * kernel height * kernel width` numbers under the kernel. A column of K is a plane of the image, shifted:
//! it is copied in runs. With W of n_out x Q the output is `K W'`, which is the sample's output as it is stored, channel
//! by channel. Padding counts as zeros. Where there are many channels the passes do without K.

use core::ops::Range;

use super::{LinearMap, MapKind};
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::shape::Shape;
use crate::view::{
    MatMut, MatRef, column, column_mut, dense, dense_mut, reborrow, require_length, require_size, view,
    view_mut,
};
use crate::workspace::{Requirement, Stack};

/// Elements of K that are worked on at a time.
pub(super) const BAND: usize = 1 << 16;

/// A convolution's sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    /// Channels of the output, at least 1.
    pub outputs: usize,
    /// Rows of the kernel, at least 1.
    pub kernel_height: usize,
    /// Columns of the kernel, at least 1.
    pub kernel_width: usize,
    /// From one patch to the next, in both directions, at least 1.
    pub stride: usize,
    /// Rows and columns of zeros around the image.
    pub padding: usize,
}

impl Conv {
    /// With a square kernel.
    pub const fn square(outputs: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        Self { outputs, kernel_height: kernel, kernel_width: kernel, stride, padding }
    }

    /// The shape that comes out, or what would be needed for one.
    pub(super) fn output_shape(self, input: Shape) -> core::result::Result<Shape, &'static str> {
        if self.outputs == 0 {
            return Err("at least one output");
        }
        if self.stride == 0 {
            return Err("a stride of at least 1");
        }
        let along = |side: usize, kernel: usize| {
            let padded = side.checked_add(self.padding.checked_mul(2)?)?;
            (kernel > 0).then_some(padded.checked_sub(kernel)? / self.stride + 1)
        };
        match (along(input.height, self.kernel_height), along(input.width, self.kernel_width)) {
            (Some(height), Some(width)) => Ok(Shape { channels: self.outputs, height, width }),
            _ => Err("a kernel of at least 1 pixel and no larger than its padded input"),
        }
    }

    /// The map from patches to output channels.
    pub(super) const fn map(self, input: Shape, offset: usize) -> LinearMap {
        LinearMap { kind: MapKind::Convolution, offset, n_out: self.outputs, n_in: self.patch(input) }
    }

    /// Q, the size of a patch.
    const fn patch(self, input: Shape) -> usize {
        input.channels.saturating_mul(self.kernel_height).saturating_mul(self.kernel_width)
    }

    /// Whether K is the sample itself: a 1x1 kernel that leaves nothing out.
    const fn is_pointwise(self) -> bool {
        self.kernel_height == 1 && self.kernel_width == 1 && self.stride == 1 && self.padding == 0
    }
}

/// A convolution with the shapes that it goes between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub(super) conv: Conv,
    pub(super) input: Shape,
    pub(super) output: Shape,
}

impl Bound {
    /// The convolution on inputs of this shape; what is wrong, in words, if it cannot take them.
    ///
    /// # Errors
    /// As [`Block::output_shape`](super::Block::output_shape).
    pub fn new(conv: Conv, input: Shape) -> Result<Self> {
        let output = super::Block::<f32>::Conv(conv).output_shape(0, input)?;
        Ok(Self { conv, input, output })
    }

    /// What goes in.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// What comes out.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// P and Q: pixels of the output, numbers of a patch.
    pub fn patches(&self) -> (usize, usize) {
        (self.output.pixels(), self.conv.patch(self.input))
    }

    /// `z <- conv(p) + b`: `weights` n_out x Q, `bias` n_out, `p` features of the input x m, `z` of the output x m.
    ///
    /// A product of P x Q x n_out for each sample.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`Bound::workspace`].
    pub fn forward<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        weights: &MatRef<'_, T>,
        bias: &[T],
        p: &MatRef<'_, T>,
        z: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (pixels, _) = self.patches();
        self.check(weights, bias.len(), p, &crate::view::as_ref(z))?;
        stack.require(self.workspace(gemm))?;
        let memory = stack.vector(self.pass_memory())?;
        for j in 0..p.ncols() {
            let z = column_mut(z, j);
            for (z, &bias) in z.chunks_exact_mut(pixels).zip(bias) {
                z.fill(bias);
            }
            if self.is_planar() {
                self.forward_planes(gemm, weights, column(p, j), z, memory, stack.rest())?;
                continue;
            }
            for band in self.bands() {
                let k = self.patches_of(column(p, j), &band, memory)?;
                let z = self.band_mut(z, &band)?;
                gemm.gemm(T::ONE, k, Transpose::No, *weights, Transpose::Yes, T::ONE, z, stack.rest())?;
            }
        }
        Ok(())
    }

    /// `dp <- ` the gradient in the input: `dz` of the output's features x m, `dp` of the input's.
    ///
    /// A product of P x n_out x Q for each sample.
    ///
    /// # Errors
    /// As [`Bound::forward`].
    pub fn backward_input<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        weights: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        dp: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (pixels, patch) = self.patches();
        self.check(weights, self.conv.outputs, &crate::view::as_ref(dp), dz)?;
        stack.require(self.workspace(gemm))?;
        let memory = stack.vector(self.pass_memory())?;
        for j in 0..dz.ncols() {
            let (dz, dp) = (column(dz, j), column_mut(dp, j));
            if self.conv.is_pointwise() {
                let (dz, k) = (dense(dz, pixels, self.conv.outputs), dense_mut(dp, pixels, patch));
                gemm.gemm(T::ONE, dz, Transpose::No, *weights, Transpose::No, T::ZERO, k, stack.rest())?;
                continue;
            }
            dp.fill(T::ZERO);
            if self.is_planar() {
                self.backward_planes(gemm, weights, dz, dp, memory, stack.rest())?;
                continue;
            }
            for band in self.bands() {
                let (dz, memory) = (self.band(dz, &band)?, &mut memory[..self.band_elements(&band)]);
                let k = dense_mut(memory, dz.nrows(), patch);
                gemm.gemm(T::ONE, dz, Transpose::No, *weights, Transpose::No, T::ZERO, k, stack.rest())?;
                self.scatter(band, memory, dp)?;
            }
        }
        Ok(())
    }

    /// `dW <- dW + sum over samples of dZ' K`, `db <- db + ` the sums of channels.
    ///
    /// A product of n_out x P x Q for each sample.
    ///
    /// # Errors
    /// As [`Bound::forward`].
    pub fn add_gradient<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        weights_gradient: &mut MatMut<'_, T>,
        bias_gradient: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (pixels, _) = self.patches();
        self.check(&crate::view::as_ref(weights_gradient), bias_gradient.len(), p, dz)?;
        stack.require(self.workspace(gemm))?;
        for j in 0..p.ncols() {
            for (sum, dz) in bias_gradient.iter_mut().zip(column(dz, j).chunks_exact(pixels)) {
                *sum += T::from_f64(reduce::sum(dz));
            }
        }
        if self.is_planar() {
            return self.add_plane_gradient(gemm, p, dz, weights_gradient, stack);
        }
        let memory = stack.vector(self.band_memory())?;
        for j in 0..p.ncols() {
            let dz = column(dz, j);
            for band in self.bands() {
                let k = self.patches_of(column(p, j), &band, memory)?;
                let (dz, target) = (self.band(dz, &band)?, reborrow(weights_gradient));
                gemm.gemm(T::ONE, dz, Transpose::Yes, k, Transpose::No, T::ONE, target, stack.rest())?;
            }
        }
        Ok(())
    }

    /// The bands of the output's rows that are worked on one after the other: K of a whole image need not fit into the
    /// nearer caches, K of a band does. A pointwise convolution, whose K is there, has a single one.
    pub(super) fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, height) = (self.band_rows(), self.output.height);
        (0..height.div_ceil(rows)).map(move |band| band * rows..height.min((band + 1) * rows))
    }

    pub(super) fn band_rows(&self) -> usize {
        if self.conv.is_pointwise() {
            return self.output.height;
        }
        let row = self.output.width.saturating_mul(self.patches().1);
        (BAND / row).clamp(1, self.output.height)
    }

    /// Elements of K of a band.
    fn band_elements(&self, band: &Range<usize>) -> usize {
        band.len() * self.output.width * self.patches().1
    }

    /// Elements of K of the largest band, if it has to be written.
    pub(super) fn band_memory(&self) -> usize {
        if self.conv.is_pointwise() { 0 } else { self.band_elements(&(0..self.band_rows())) }
    }

    /// Elements that forward and input's backward keep beside their products' scratch.
    fn pass_memory(&self) -> usize {
        if self.is_planar() { self.plane_memory() } else { self.band_memory() }
    }

    /// K of a band of a sample: the sample itself where that is what K is.
    pub(super) fn patches_of<'k, T: Real>(
        &self,
        p: &'k [T],
        band: &Range<usize>,
        memory: &'k mut [T],
    ) -> Result<MatRef<'k, T>> {
        let (pixels, patch) = self.patches();
        if self.conv.is_pointwise() {
            return Ok(dense(p, pixels, patch));
        }
        let memory = &mut memory[..self.band_elements(band)];
        self.gather(p, band.clone(), memory)?;
        Ok(dense(memory, band.len() * self.output.width, patch))
    }

    /// The pixels of a band in a sample's output: pixels x channels.
    pub(super) fn band<'z, T: Real>(&self, z: &'z [T], band: &Range<usize>) -> Result<MatRef<'z, T>> {
        let width = self.output.width;
        let part = &z[band.start * width..];
        view("z", part, band.len() * width, self.conv.outputs, self.output.pixels())
    }

    pub(super) fn band_mut<'z, T: Real>(&self, z: &'z mut [T], band: &Range<usize>) -> Result<MatMut<'z, T>> {
        let width = self.output.width;
        let part = &mut z[band.start * width..];
        view_mut("z", part, band.len() * width, self.conv.outputs, self.output.pixels())
    }

    /// Scratch of the convolution's passes, for any number of samples: K of a band, and one product's.
    pub fn workspace<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let ((_, patch), outputs) = (self.patches(), self.conv.outputs);
        let pixels = self.band_rows() * self.output.width;
        let products = gemm
            .workspace(pixels, outputs, patch)
            .or(gemm.workspace(pixels, patch, outputs))
            .or(gemm.workspace(outputs, patch, pixels));
        let patches = Requirement::vector(self.band_memory()).and(products);
        if !self.is_planar() {
            return patches;
        }
        self.planes_workspace(gemm).or(self.plane_gradient_workspace(gemm))
    }

    pub(super) fn check<T: Real>(
        &self,
        weights: &MatRef<'_, T>,
        bias: usize,
        p: &MatRef<'_, T>,
        z: &MatRef<'_, T>,
    ) -> Result {
        let (_, patch) = self.patches();
        require_size("weights", weights.shape(), (self.conv.outputs, patch))?;
        require_length("bias", bias, self.conv.outputs)?;
        require_size("p", p.shape(), (self.input.features(), p.ncols()))?;
        require_size("z", z.shape(), (self.output.features(), p.ncols()))
    }
}
