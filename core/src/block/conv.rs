//! The 2-D convolution, through the matrix of its patches.
//!
//! For one sample, `K` is `P x Q`: a row for each of the P pixels of the output, a column for each of the
//! `Q = channels * kernel height * kernel width` numbers under the kernel. A column of K is a plane of the image, shifted:
//! it is copied in runs. With W of n_out x Q the output is `K W'`, which is the sample's output as it is stored, channel
//! by channel. Padding counts as zeros.

use super::{LinearMap, Shape};
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::view::{
    MatMut, MatRef, column, column_mut, dense, dense_mut, reborrow, require_length, require_size,
};
use crate::workspace::{Requirement, Stack};

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
        LinearMap { offset, n_out: self.outputs, n_in: self.patch(input) }
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
    conv: Conv,
    input: Shape,
    output: Shape,
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

    /// Writes K, P x Q column-major, of one sample.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `p` or `patches`.
    pub fn gather<T: Real>(&self, p: &[T], patches: &mut [T]) -> Result {
        let (rows, columns) = self.patches();
        require_length("p", p.len(), self.input.features())?;
        require_length("patches", patches.len(), rows * columns)?;
        self.each_run(|run| match run {
            Run::Zeros { at, count } => patches[at..at + count].fill(T::ZERO),
            Run::Pixels { at, from, count, stride: 1 } => {
                patches[at..at + count].copy_from_slice(&p[from..from + count]);
            }
            Run::Pixels { at, from, count, stride } => {
                let pixels = p[from..].iter().step_by(stride);
                patches[at..at + count].iter_mut().zip(pixels).for_each(|(to, &from)| *to = from);
            }
        });
        Ok(())
    }

    /// The transpose of [`Bound::gather`]: `dp <- ` the sum of all patches at their places.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `dp` or `patches`.
    pub fn scatter<T: Real>(&self, patches: &[T], dp: &mut [T]) -> Result {
        let (rows, columns) = self.patches();
        require_length("dp", dp.len(), self.input.features())?;
        require_length("patches", patches.len(), rows * columns)?;
        dp.fill(T::ZERO);
        self.each_run(|run| {
            if let Run::Pixels { at, from, count, stride } = run {
                let patches = &patches[at..at + count];
                if stride == 1 {
                    dp[from..from + count].iter_mut().zip(patches).for_each(|(to, &from)| *to += from);
                } else {
                    let pixels = dp[from..].iter_mut().step_by(stride);
                    pixels.zip(patches).for_each(|(to, &from)| *to += from);
                }
            }
        });
        Ok(())
    }

    /// Calls `visit` for all runs of K, column by column.
    fn each_run(&self, mut visit: impl FnMut(Run)) {
        let Conv { kernel_height, kernel_width, stride, padding, .. } = self.conv;
        let (input, output) = (self.input, self.output);
        let mut at = 0;
        for channel in 0..input.channels {
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    // Output columns whose pixel lies within the image: lo .. hi.
                    let lo = padding.saturating_sub(kx).div_ceil(stride).min(output.width);
                    let reach = (input.width + padding).saturating_sub(kx).div_ceil(stride);
                    let hi = reach.min(output.width).max(lo);
                    for oy in 0..output.height {
                        let y = (oy * stride + ky).wrapping_sub(padding);
                        if y >= input.height || lo == hi {
                            visit(Run::Zeros { at, count: output.width });
                        } else {
                            let from =
                                (channel * input.height + y) * input.width + lo * stride + kx - padding;
                            visit(Run::Zeros { at, count: lo });
                            visit(Run::Pixels { at: at + lo, from, count: hi - lo, stride });
                            visit(Run::Zeros { at: at + hi, count: output.width - hi });
                        }
                        at += output.width;
                    }
                }
            }
        }
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
        let (pixels, patch) = self.patches();
        self.check(weights, bias.len(), p, &crate::view::as_ref(z))?;
        stack.require(self.workspace(gemm))?;
        let patches = stack.vector(self.patch_memory())?;
        for j in 0..p.ncols() {
            let k = self.patches_of(column(p, j), patches)?;
            let z = column_mut(z, j);
            for (z, &bias) in z.chunks_exact_mut(pixels).zip(bias) {
                z.fill(bias);
            }
            let (k, z) = (dense(k, pixels, patch), dense_mut(z, pixels, self.conv.outputs));
            gemm.gemm(T::ONE, k, Transpose::No, *weights, Transpose::Yes, T::ONE, z, stack.rest())?;
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
        let patches = stack.vector(self.patch_memory())?;
        for j in 0..dz.ncols() {
            let dp = column_mut(dp, j);
            let dz = dense(column(dz, j), pixels, self.conv.outputs);
            let pointwise = self.conv.is_pointwise();
            let k = dense_mut(if pointwise { &mut *dp } else { &mut *patches }, pixels, patch);
            gemm.gemm(T::ONE, dz, Transpose::No, *weights, Transpose::No, T::ZERO, k, stack.rest())?;
            if !pointwise {
                self.scatter(patches, dp)?;
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
        let (pixels, patch) = self.patches();
        self.check(&crate::view::as_ref(weights_gradient), bias_gradient.len(), p, dz)?;
        stack.require(self.workspace(gemm))?;
        let patches = stack.vector(self.patch_memory())?;
        for j in 0..p.ncols() {
            let k = dense(self.patches_of(column(p, j), patches)?, pixels, patch);
            let dz = column(dz, j);
            for (sum, dz) in bias_gradient.iter_mut().zip(dz.chunks_exact(pixels)) {
                *sum += T::from_f64(reduce::sum(dz));
            }
            let dz = dense(dz, pixels, self.conv.outputs);
            let target = reborrow(weights_gradient);
            gemm.gemm(T::ONE, dz, Transpose::Yes, k, Transpose::No, T::ONE, target, stack.rest())?;
        }
        Ok(())
    }

    /// K of a sample: the sample itself where that is what K is.
    fn patches_of<'k, T: Real>(&self, p: &'k [T], memory: &'k mut [T]) -> Result<&'k [T]> {
        if self.conv.is_pointwise() {
            return Ok(p);
        }
        self.gather(p, memory)?;
        Ok(memory)
    }

    /// Elements of K, if it has to be written.
    fn patch_memory(&self) -> usize {
        let (rows, columns) = self.patches();
        if self.conv.is_pointwise() { 0 } else { rows * columns }
    }

    /// Scratch of the convolution's passes, for any number of samples: K of one of them, and one product's.
    pub fn workspace<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let ((pixels, patch), outputs) = (self.patches(), self.conv.outputs);
        let products = gemm
            .workspace(pixels, outputs, patch)
            .or(gemm.workspace(pixels, patch, outputs))
            .or(gemm.workspace(outputs, patch, pixels));
        Requirement::vector(self.patch_memory()).and(products)
    }

    fn check<T: Real>(
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

/// A run of neighbours in a column of K.
enum Run {
    /// Padding.
    Zeros { at: usize, count: usize },
    /// Every `stride`-th pixel from `from`.
    Pixels { at: usize, from: usize, count: usize, stride: usize },
}
