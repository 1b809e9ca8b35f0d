//! Pooling: the largest or the mean of each window of a channel.

use crate::error::Result;
use crate::real::Real;
use crate::reduce;
use crate::shape::Shape;
use crate::view::{MatMut, MatRef, column, column_mut, require_size};

/// The square windows of a pooling block. Those that would reach over the edge are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Side of a window, at least 1.
    pub size: usize,
    /// From one window to the next, at least 1.
    pub stride: usize,
}

impl Window {
    /// The shape that comes out, or what would be needed for one.
    pub(super) fn output_shape(self, input: Shape) -> core::result::Result<Shape, &'static str> {
        if self.stride == 0 {
            return Err("a stride of at least 1");
        }
        if self.size == 0 || self.size > input.height || self.size > input.width {
            return Err("a window of at least 1 pixel and no larger than its input");
        }
        let along = |side: usize| (side - self.size) / self.stride + 1;
        Ok(Shape { height: along(input.height), width: along(input.width), ..input })
    }

    /// `Ok` when these are the shapes before and after.
    fn check(self, input: Shape, output: Shape) -> Result {
        let right = self.output_shape(input).unwrap_or(Shape { channels: 0, height: 0, width: 0 });
        require_size("output", (output.channels, output.pixels()), (right.channels, right.pixels()))?;
        require_size("output", (output.height, output.width), (right.height, right.width))
    }

    /// In how many windows a pixel lies at most.
    pub(super) fn overlap(self, output: Shape) -> usize {
        let along = |places: usize| self.size.div_ceil(self.stride.max(1)).min(places);
        along(output.height) * along(output.width)
    }

    /// Calls `visit(output pixel, first pixel of its window)` for all windows of a channel.
    fn each(self, input: Shape, output: Shape, mut visit: impl FnMut(usize, usize)) {
        for row in 0..output.height {
            for col in 0..output.width {
                visit(row * output.width + col, (row * input.width + col) * self.stride);
            }
        }
    }

    /// The rows of the window that begins at `first`, as ranges of pixels.
    fn rows(self, input: Shape, first: usize) -> impl Iterator<Item = core::ops::Range<usize>> {
        (0..self.size).map(move |row| first + row * input.width).map(move |start| start..start + self.size)
    }
}

/// `y <- ` the largest of each window: `x` is features of the input x m, `y` features of the output x m. NaN wins.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn max_forward<T: Real>(
    window: Window,
    input: Shape,
    output: Shape,
    x: &MatRef<'_, T>,
    y: &mut MatMut<'_, T>,
) -> Result {
    window.check(input, output)?;
    each_channel(input, output, x, y, |x, y| {
        window.each(input, output, |pixel, first| {
            let mut largest = x[first];
            for row in window.rows(input, first) {
                for &value in &x[row] {
                    // Not `>`: NaN must win.
                    #[allow(clippy::neg_cmp_op_on_partial_ord)]
                    if !(value <= largest) {
                        largest = value;
                    }
                }
            }
            y[pixel] = largest;
        });
    })
}

/// `dx <- ` the gradient at the first largest of each window, 0 elsewhere. `x`, `dx` are of the input's features, `y`,
/// `dy` of the output's, all with m columns.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn max_backward<T: Real>(
    window: Window,
    input: Shape,
    output: Shape,
    x: &MatRef<'_, T>,
    y: &MatRef<'_, T>,
    dy: &MatRef<'_, T>,
    dx: &mut MatMut<'_, T>,
) -> Result {
    window.check(input, output)?;
    let m = dx.ncols();
    require_size("x", x.shape(), (input.features(), m))?;
    require_size("dx", dx.shape(), (input.features(), m))?;
    require_size("y", y.shape(), (output.features(), m))?;
    require_size("dy", dy.shape(), (output.features(), m))?;
    for j in 0..m {
        let dx = column_mut(dx, j);
        dx.fill(T::ZERO);
        let channels = column(x, j).chunks_exact(input.pixels()).zip(dx.chunks_exact_mut(input.pixels()));
        let (y, dy) = (column(y, j), column(dy, j));
        for (c, (x, dx)) in channels.enumerate() {
            let from = c * output.pixels();
            window.each(input, output, |pixel, first| {
                let largest = y[from + pixel];
                let place = window.rows(input, first).flatten().find(|&place| x[place] == largest);
                if let Some(place) = place {
                    dx[place] += dy[from + pixel];
                }
            });
        }
    }
    Ok(())
}

/// `y <- ` the mean of each window; shapes as [`max_forward`].
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn average_forward<T: Real>(
    window: Window,
    input: Shape,
    output: Shape,
    x: &MatRef<'_, T>,
    y: &mut MatMut<'_, T>,
) -> Result {
    window.check(input, output)?;
    let scale = T::ONE / T::from_usize(window.size * window.size);
    each_channel(input, output, x, y, |x, y| {
        window.each(input, output, |pixel, first| {
            let mut sum = T::ZERO;
            for row in window.rows(input, first) {
                for &value in &x[row] {
                    sum += value;
                }
            }
            y[pixel] = scale * sum;
        });
    })
}

/// `dx <- ` the gradient of the means: `dy` of the output's features x m, `dx` of the input's.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn average_backward<T: Real>(
    window: Window,
    input: Shape,
    output: Shape,
    dy: &MatRef<'_, T>,
    dx: &mut MatMut<'_, T>,
) -> Result {
    window.check(input, output)?;
    let scale = T::ONE / T::from_usize(window.size * window.size);
    each_channel(output, input, dy, dx, |dy, dx| {
        dx.fill(T::ZERO);
        window.each(input, output, |pixel, first| {
            let share = scale * dy[pixel];
            for row in window.rows(input, first) {
                dx[row].iter_mut().for_each(|dx| *dx += share);
            }
        });
    })
}

/// `y <- ` the mean of each channel: `x` is of the input's features x m, `y` channels x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn global_forward<T: Real>(input: Shape, x: &MatRef<'_, T>, y: &mut MatMut<'_, T>) -> Result {
    let count = input.pixels() as f64;
    each_channel(input, Shape::flat(input.channels), x, y, |x, y| {
        y[0] = T::from_f64(reduce::sum(x) / count);
    })
}

/// `dx <- ` the gradient of the means of channels; shapes as [`global_forward`].
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn global_backward<T: Real>(input: Shape, dy: &MatRef<'_, T>, dx: &mut MatMut<'_, T>) -> Result {
    let scale = T::ONE / T::from_usize(input.pixels());
    each_channel(Shape::flat(input.channels), input, dy, dx, |dy, dx| dx.fill(scale * dy[0]))
}

/// Calls `work` for each channel of each sample.
fn each_channel<T: Real>(
    from: Shape,
    to: Shape,
    x: &MatRef<'_, T>,
    y: &mut MatMut<'_, T>,
    mut work: impl FnMut(&[T], &mut [T]),
) -> Result {
    let m = x.ncols();
    require_size("x", x.shape(), (from.features(), m))?;
    require_size("y", y.shape(), (to.features(), m))?;
    for j in 0..m {
        let channels = column(x, j).chunks_exact(from.pixels());
        for (x, y) in channels.zip(column_mut(y, j).chunks_exact_mut(to.pixels())) {
            work(x, y);
        }
    }
    Ok(())
}
