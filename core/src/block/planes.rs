//! The 2-D convolution of many channels without the matrix K of its patches.
//!
//! Where the output is as wide as the input and the stride is 1, the columns of K that belong to one place (ky, kx) of the
//! kernel, one for each channel, are planes of the padded image that begin ky rows further down: the rows of the kernel
//! share the planes of its column kx. So these alone are written, a kernel's height less than K, and each place takes a
//! product of its own, as deep as there are channels.
//!
//! For the weights' gradient a product of one place would be small. There the planes of all columns of the kernel lie side
//! by side, and so do the output's gradients moved down by as many rows as each row of the kernel, zeros around them: one
//! product of the two gives all places.

use core::ops::Range;

use super::conv::{BAND, Bound};
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, dense, reborrow, view, view_mut};
use crate::workspace::{Requirement, Stack};

/// Channels, of input and output, from which on products of a place are worth it.
const CHANNELS: usize = 16;

impl Bound {
    /// Whether the convolution is worked on place by place.
    pub(super) fn is_planar(&self) -> bool {
        let channels = self.input.channels.min(self.conv.outputs);
        self.is_shift() && self.conv.kernel_height > 1 && channels >= CHANNELS
    }

    /// The bands of the output's rows whose planes are written at a time.
    fn plane_bands(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, height) = (self.plane_band_rows(), self.output.height);
        (0..height.div_ceil(rows)).map(move |band| band * rows..height.min((band + 1) * rows))
    }

    fn plane_band_rows(&self) -> usize {
        let row = self.input.channels.saturating_mul(self.output.width);
        let rows = (BAND / row).saturating_sub(self.conv.kernel_height - 1);
        rows.clamp(1, self.output.height)
    }

    /// Elements of the planes of the largest band.
    pub(super) fn plane_memory(&self) -> usize {
        self.plane_elements(&(0..self.plane_band_rows()))
    }

    fn plane_elements(&self, band: &Range<usize>) -> usize {
        self.input.channels * self.plane_rows(band) * self.output.width
    }

    /// Scratch of the passes: the planes of a band, and one product's.
    pub(super) fn planes_workspace<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let (channels, outputs) = (self.input.channels, self.conv.outputs);
        let pixels = self.plane_band_rows() * self.output.width;
        let products =
            gemm.workspace(pixels, outputs, channels).or(gemm.workspace(pixels, channels, outputs));
        Requirement::vector(self.plane_memory()).and(products)
    }

    /// The part of the planes that row ky of the kernel sees: pixels x channels.
    fn seen<'k, T: Real>(&self, planes: &'k [T], ky: usize, band: &Range<usize>) -> Result<MatRef<'k, T>> {
        let width = self.output.width;
        let stride = self.plane_rows(band) * width;
        view("planes", &planes[ky * width..], band.len() * width, self.input.channels, stride)
    }

    /// The first of the columns of W that belong to a place, and how many columns lie between two of them.
    fn place(&self, ky: usize, kx: usize) -> (usize, usize) {
        let places = self.conv.kernel_height * self.conv.kernel_width;
        (ky * self.conv.kernel_width + kx, places - 1)
    }

    /// `z <- z + conv(p)` for one sample.
    pub(super) fn forward_planes<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        weights: &MatRef<'_, T>,
        p: &[T],
        z: &mut [T],
        memory: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        for band in self.plane_bands() {
            let planes = &mut memory[..self.plane_elements(&band)];
            for kx in 0..self.conv.kernel_width {
                self.gather_planes(p, kx, &band, planes);
                for ky in 0..self.conv.kernel_height {
                    let (first, between) = self.place(ky, kx);
                    let w = weights.columns_with_step(first, self.input.channels, between);
                    let (k, z) = (self.seen(planes, ky, &band)?, self.band_mut(z, &band)?);
                    gemm.gemm(T::ONE, k, Transpose::No, w, Transpose::Yes, T::ONE, z, stack.rest())?;
                }
            }
        }
        Ok(())
    }

    /// `dp <- dp + ` the gradient in one sample.
    pub(super) fn backward_planes<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        weights: &MatRef<'_, T>,
        dz: &[T],
        dp: &mut [T],
        memory: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        for band in self.plane_bands() {
            let planes = &mut memory[..self.plane_elements(&band)];
            let (width, stride) = (self.output.width, self.plane_rows(&band) * self.output.width);
            let dz = self.band(dz, &band)?;
            for kx in 0..self.conv.kernel_width {
                planes.fill(T::ZERO);
                for ky in 0..self.conv.kernel_height {
                    let (first, between) = self.place(ky, kx);
                    let w = weights.columns_with_step(first, self.input.channels, between);
                    let part = &mut planes[ky * width..];
                    let k = view_mut("planes", part, dz.nrows(), self.input.channels, stride)?;
                    gemm.gemm(T::ONE, dz, Transpose::No, w, Transpose::No, T::ONE, k, stack.rest())?;
                }
                self.scatter_planes(kx, &band, planes, dp);
            }
        }
        Ok(())
    }

    /// `dW <- dW + ` what all samples add to it: `p` of the input's features x m, `dz` of the output's.
    pub(super) fn add_plane_gradient<T: Real, G: Gemm<T>>(
        &self,
        gemm: &G,
        p: &MatRef<'_, T>,
        dz: &MatRef<'_, T>,
        gradient: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (rows, columns) = self.place_products();
        let mut total = stack.matrix(rows, columns)?;
        let memory = stack.vector(self.gradient_elements(&(0..self.gradient_band_rows())))?;
        (0..columns).for_each(|j| column_mut(&mut total, j).fill(T::ZERO));
        for j in 0..p.ncols() {
            for band in self.gradient_bands() {
                let pixels = self.plane_rows(&band) * self.output.width;
                let (moved, planes) = memory[..self.gradient_elements(&band)].split_at_mut(rows * pixels);
                self.move_down(column(dz, j), &band, moved)?;
                let each = planes.chunks_exact_mut(self.input.channels * pixels);
                each.enumerate().for_each(|(kx, planes)| self.gather_planes(column(p, j), kx, &band, planes));
                let (a, b) = (dense(moved, pixels, rows), dense(planes, pixels, columns));
                let total = reborrow(&mut total);
                gemm.gemm(T::ONE, a, Transpose::Yes, b, Transpose::No, T::ONE, total, stack.rest())?;
            }
        }
        let (height, width) = (self.conv.kernel_height, self.conv.kernel_width);
        for at in 0..columns {
            let (kx, c) = (at / self.input.channels, at % self.input.channels);
            let all = as_ref(&total);
            for (ky, sum) in column(&all, at).chunks_exact(self.conv.outputs).enumerate() {
                add_slice(sum, column_mut(gradient, (c * height + ky) * width + kx));
            }
        }
        Ok(())
    }

    /// The band's part of each output channel once for every row of the kernel, that many rows further down.
    fn move_down<T: Real>(&self, dz: &[T], band: &Range<usize>, moved: &mut [T]) -> Result {
        let (width, dz) = (self.output.width, self.band(dz, band)?);
        let pixels = self.plane_rows(band) * width;
        for (at, to) in moved.chunks_exact_mut(pixels).enumerate() {
            let (ky, channel) = (at / self.conv.outputs, at % self.conv.outputs);
            let (above, rest) = to.split_at_mut(ky * width);
            let (own, below) = rest.split_at_mut(dz.nrows());
            above.fill(T::ZERO);
            own.copy_from_slice(column(&dz, channel));
            below.fill(T::ZERO);
        }
        Ok(())
    }

    /// The shape of the product that gives all places: output channels at every row of the kernel, channels at every column.
    fn place_products(&self) -> (usize, usize) {
        (self.conv.outputs * self.conv.kernel_height, self.input.channels * self.conv.kernel_width)
    }

    fn gradient_bands(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, height) = (self.gradient_band_rows(), self.output.height);
        (0..height.div_ceil(rows)).map(move |band| band * rows..height.min((band + 1) * rows))
    }

    fn gradient_band_rows(&self) -> usize {
        let (rows, columns) = self.place_products();
        let row = (rows + columns).saturating_mul(self.output.width);
        let rows = (4 * BAND / row).saturating_sub(self.conv.kernel_height - 1);
        rows.clamp(1, self.output.height)
    }

    fn gradient_elements(&self, band: &Range<usize>) -> usize {
        let (rows, columns) = self.place_products();
        (rows + columns) * self.plane_rows(band) * self.output.width
    }

    /// Scratch of [`Bound::add_plane_gradient`]: the product, what goes into it for a band, and its own.
    pub(super) fn plane_gradient_workspace<T: Real, G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let ((rows, columns), band) = (self.place_products(), 0..self.gradient_band_rows());
        Requirement::matrix(rows, columns)
            .and(Requirement::vector(self.gradient_elements(&band)))
            .and(gemm.workspace(rows, columns, self.plane_rows(&band) * self.output.width))
    }
}
