//! The 2-D convolution of many channels without the matrix K of its patches.
//!
//! Where the output is as wide as the input and the stride is 1, the columns of K that belong to one place (ky, kx) of the
//! kernel, one for each channel, are planes of the padded image that begin ky rows further down: the rows of the kernel
//! share the planes of its column kx. So these alone are written, a kernel's height less than K, and each place takes a
//! product of its own, as deep as there are channels. The weights' gradient keeps K: its products of one place would be too small
//! in what they give.

use core::ops::Range;

use super::conv::{BAND, Bound};
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::view::{MatRef, view, view_mut};
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
}
