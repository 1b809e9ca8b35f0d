//! The matrix K of a convolution's patches: written from a sample, and added back into one, for a band of the output's rows
//! at a time.
//!
//! A column of K is a plane of the image, shifted by the column's place in the kernel. Where the output is as wide as the
//! input and the stride is 1, all its rows are one stretch of memory but for what the shift carries over an edge; else
//! each row is a stretch by itself.

use core::ops::Range;

use super::conv::Bound;
use crate::error::Result;
use crate::real::Real;
use crate::view::{require_length, require_size};

/// A column of K.
struct Column {
    /// First pixel of the image's channel that it shows.
    plane: usize,
    /// The first row of the band.
    top: usize,
    /// Rows of the band whose pixels lie within the image, and columns of the output.
    rows: Range<usize>,
    columns: Range<usize>,
    /// Row and column of the kernel.
    ky: usize,
    kx: usize,
}

impl Bound {
    /// Writes the rows of K, P x Q, that belong to a band of the output's rows, column-major, of one sample.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `p`, `band` or `patches`.
    pub fn gather<T: Real>(&self, p: &[T], band: Range<usize>, patches: &mut [T]) -> Result {
        let pixels = self.check_band(p.len(), &band, patches.len())?;
        for (q, k) in patches.chunks_exact_mut(pixels).enumerate() {
            self.gather_column(&self.column(q, &band), p, k);
        }
        Ok(())
    }

    fn gather_column<T: Real>(&self, column: &Column, p: &[T], k: &mut [T]) {
        if column.rows.is_empty() || column.columns.is_empty() {
            k.fill(T::ZERO);
        } else if self.is_shift() {
            let (to, from) = self.stretch(column);
            k[..to.start].fill(T::ZERO);
            k[to.end..].fill(T::ZERO);
            k[to].copy_from_slice(&p[from]);
            self.clear_edges(column, k);
        } else {
            self.gather_rows(column, p, k);
        }
    }

    /// The transpose of [`Bound::gather`], added: `dp <- dp + ` all patches at their places. What `patches` holds at the
    /// places of padding is lost.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `p`, `band` or `patches`.
    pub fn scatter<T: Real>(&self, band: Range<usize>, patches: &mut [T], dp: &mut [T]) -> Result {
        let pixels = self.check_band(dp.len(), &band, patches.len())?;
        for (q, k) in patches.chunks_exact_mut(pixels).enumerate() {
            self.scatter_column(&self.column(q, &band), k, dp);
        }
        Ok(())
    }

    fn scatter_column<T: Real>(&self, column: &Column, k: &mut [T], dp: &mut [T]) {
        if column.rows.is_empty() || column.columns.is_empty() {
            return;
        }
        if self.is_shift() {
            self.clear_edges(column, k);
            let (from, to) = self.stretch(column);
            dp[to].iter_mut().zip(&k[from]).for_each(|(dp, &k)| *dp += k);
        } else {
            self.scatter_rows(column, k, dp);
        }
    }

    /// The planes that the kernel's column kx sees, one for each channel: rows of the padded image from the band's first to
    /// the last that any row of the kernel reaches. Only where [`Bound::is_shift`].
    pub(super) fn gather_planes<T: Real>(&self, p: &[T], kx: usize, band: &Range<usize>, planes: &mut [T]) {
        let pixels = self.plane_rows(band) * self.output.width;
        for (channel, k) in planes.chunks_exact_mut(pixels).enumerate() {
            self.gather_column(&self.plane(channel, kx, band), p, k);
        }
    }

    /// The transpose of [`Bound::gather_planes`], added.
    pub(super) fn scatter_planes<T: Real>(
        &self,
        kx: usize,
        band: &Range<usize>,
        planes: &mut [T],
        dp: &mut [T],
    ) {
        let pixels = self.plane_rows(band) * self.output.width;
        for (channel, k) in planes.chunks_exact_mut(pixels).enumerate() {
            self.scatter_column(&self.plane(channel, kx, band), k, dp);
        }
    }

    /// Rows of a plane.
    pub(super) fn plane_rows(&self, band: &Range<usize>) -> usize {
        band.len() + self.conv.kernel_height - 1
    }

    /// A plane as a column of patches whose kernel is one row high.
    fn plane(&self, channel: usize, kx: usize, band: &Range<usize>) -> Column {
        let last = band.start + self.plane_rows(band);
        let padding = self.conv.padding;
        let rows = padding.max(band.start)..(self.input.height + padding).min(last);
        let columns = padding.saturating_sub(kx)
            ..(self.input.width + padding).saturating_sub(kx).min(self.output.width);
        Column { plane: channel * self.input.pixels(), top: band.start, rows, columns, ky: 0, kx }
    }

    /// Whether the output's rows follow each other as the input's do.
    pub(super) fn is_shift(&self) -> bool {
        self.conv.stride == 1 && self.output.width == self.input.width
    }

    /// The pixels of a band, if everything fits; at least 1, so that there are chunks of them.
    fn check_band(&self, features: usize, band: &Range<usize>, patches: usize) -> Result<usize> {
        let rows = self.output.height;
        require_length("p", features, self.input.features())?;
        require_size("band", (band.start, band.end), (band.start.min(band.end), band.end.min(rows)))?;
        let pixels = band.len() * self.output.width;
        require_length("patches", patches, pixels * self.patches().1)?;
        Ok(pixels.max(1))
    }

    fn column(&self, q: usize, band: &Range<usize>) -> Column {
        let (height, width) = (self.conv.kernel_height, self.conv.kernel_width);
        let (channel, ky, kx) = (q / (height * width), q / width % height, q % width);
        // Output places whose pixel lies within the image: 0 <= place * stride + k - padding < side.
        let within = |k: usize, side: usize, places: usize| {
            let (padding, stride) = (self.conv.padding, self.conv.stride);
            let end = (side + padding).saturating_sub(k).div_ceil(stride).min(places);
            padding.saturating_sub(k).div_ceil(stride)..end
        };
        let rows = within(ky, self.input.height, self.output.height);
        Column {
            plane: channel * self.input.pixels(),
            top: band.start,
            rows: rows.start.max(band.start)..rows.end.min(band.end),
            columns: within(kx, self.input.width, self.output.width),
            ky,
            kx,
        }
    }

    /// The pixel of the image that a place of the output sees in this column.
    fn pixel(&self, column: &Column, row: usize, place: usize) -> usize {
        let (stride, padding) = (self.conv.stride, self.conv.padding);
        let y = row * stride + column.ky - padding;
        column.plane + y * self.input.width + place * stride + column.kx - padding
    }

    /// From the first to the last place within the image: in K's column, and in the image. Only where
    /// [`Bound::is_shift`].
    fn stretch(&self, column: &Column) -> (Range<usize>, Range<usize>) {
        let width = self.output.width;
        let start = (column.rows.start - column.top) * width + column.columns.start;
        let end = (column.rows.end - 1 - column.top) * width + column.columns.end;
        let from = self.pixel(column, column.rows.start, column.columns.start);
        (start..end, from..from + (end - start))
    }

    /// Sets the places of a column whose pixel the shift took from the next or the last row to zero.
    fn clear_edges<T: Real>(&self, column: &Column, k: &mut [T]) {
        let width = self.output.width;
        if column.columns.len() == width {
            return;
        }
        let (from, to) = (column.rows.start - column.top, column.rows.end - column.top);
        let rows = &mut k[from * width..to * width];
        for place in (0..column.columns.start).chain(column.columns.end..width) {
            rows[place..].iter_mut().step_by(width).for_each(|edge| *edge = T::ZERO);
        }
    }

    fn gather_rows<T: Real>(&self, column: &Column, p: &[T], k: &mut [T]) {
        for (row, k) in (column.top..).zip(k.chunks_exact_mut(self.output.width)) {
            if !column.rows.contains(&row) {
                k.fill(T::ZERO);
                continue;
            }
            k[..column.columns.start].fill(T::ZERO);
            k[column.columns.end..].fill(T::ZERO);
            let from = self.pixel(column, row, column.columns.start);
            let pixels = p[from..].iter().step_by(self.conv.stride);
            k[column.columns.clone()].iter_mut().zip(pixels).for_each(|(k, &p)| *k = p);
        }
    }

    fn scatter_rows<T: Real>(&self, column: &Column, k: &[T], dp: &mut [T]) {
        for row in column.rows.clone() {
            let k = &k[(row - column.top) * self.output.width..][column.columns.clone()];
            let to = self.pixel(column, row, column.columns.start);
            let pixels = dp[to..].iter_mut().step_by(self.conv.stride);
            pixels.zip(k).for_each(|(dp, &k)| *dp += k);
        }
    }
}
