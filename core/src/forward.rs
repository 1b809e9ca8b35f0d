//! The composed network: a plain forward pass, for predictions and for the loss that is reported.

use crate::activation::Activation;
use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::view::{MatMut, MatRef, column_mut, reborrow, require_length, require_size};
use crate::workspace::{Requirement, Stack};

/// `z <- W p + b`: `weights` n_out x n_in, `bias` n_out, `p` n_in x m, `z` n_out x m. One product.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`linear_workspace`].
pub fn linear<T: Real, G: Gemm<T>>(
    gemm: &G,
    weights: &MatRef<'_, T>,
    bias: &[T],
    p: &MatRef<'_, T>,
    z: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let ((n_out, n_in), m) = (weights.shape(), p.ncols());
    require_length("bias", bias.len(), n_out)?;
    require_size("p", p.shape(), (n_in, m))?;
    require_size("z", z.shape(), (n_out, m))?;
    stack.require(linear_workspace(gemm, n_out, n_in, m))?;
    for j in 0..z.ncols() {
        column_mut(z, j).copy_from_slice(bias);
    }
    gemm.gemm(T::ONE, *weights, Transpose::No, *p, Transpose::No, T::ONE, reborrow(z), stack)
}

/// Scratch of [`linear`] for m columns: one product's.
pub fn linear_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) -> Requirement {
    gemm.workspace(n_out, m, n_in)
}

/// The network's output for a tile: `z_l = W_l f(z_{l-1}) + b_l`, without the activation after the last layer.
///
/// `layers` gives weights (n_out x n_in) and bias of each layer; `x` is n_0 x m, `output` n_L x m. There must be a layer.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape) naming `layers` (if there are none, or one does not fit what is below it) or
/// `output`, [`Length`](crate::error::Error::Length) naming `widest` if a hidden layer is wider,
/// [`Workspace`](crate::error::Error::Workspace) below [`network_workspace`]. `output` is then untouched.
pub fn network<'l, T: Real, G: Gemm<T>>(
    gemm: &G,
    activation: Activation<T>,
    mut layers: impl Iterator<Item = (MatRef<'l, T>, &'l [T])>,
    x: &MatRef<'_, T>,
    output: &mut MatMut<'_, T>,
    widest: usize,
    mut stack: Stack<'_, T>,
) -> Result {
    let m = x.ncols();
    let mut signal = stack.vector(widest * m)?;
    let mut next = stack.vector(widest * m)?;
    let mut current = layers.next();
    let mut rows = x.nrows();
    let mut first = true;
    while let Some((weights, bias)) = current {
        let p = if first { *x } else { crate::view::dense(signal, rows, m) };
        let n_out = weights.nrows();
        require_size("layers", weights.shape(), (n_out, rows))?;
        require_length("layers", bias.len(), n_out)?;
        current = layers.next();
        if current.is_none() {
            require_size("output", output.shape(), (n_out, m))?;
            return linear(gemm, &weights, bias, &p, output, stack);
        }
        let mut z = crate::view::view_mut("widest", next, n_out, m, n_out)?;
        linear(gemm, &weights, bias, &p, &mut z, stack.rest())?;
        activation.apply_in_place(&mut next[..n_out * m]);
        core::mem::swap(&mut signal, &mut next);
        (rows, first) = (n_out, false);
    }
    Err(crate::error::Error::Shape { argument: "layers", found: (0, 1), expected: (1, 1) })
}

/// Scratch of [`network`] for m columns, if no hidden layer has more than `widest` outputs and the shapes
/// `(n_out, n_in)` are these.
pub fn network_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    shapes: impl Iterator<Item = (usize, usize)>,
    widest: usize,
    m: usize,
) -> Requirement {
    let products =
        shapes.fold(Requirement::NONE, |most, (n_out, n_in)| most.or(linear_workspace(gemm, n_out, n_in, m)));
    Requirement::matrix(widest, 2 * m).and(products)
}
