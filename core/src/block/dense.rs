//! The fully connected block, `z = W p + b`.

use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::update::sums::add_columns;
use crate::view::{MatMut, MatRef, reborrow, require_length, require_size};
use crate::workspace::{Requirement, Stack};

pub use crate::forward::{linear as forward, linear_workspace as forward_workspace};

/// `dp <- W' dz`: `weights` n_out x n_in, `dz` n_out x m, `dp` n_in x m. One product.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`backward_workspace`].
pub fn backward_input<T: Real, G: Gemm<T>>(
    gemm: &G,
    weights: &MatRef<'_, T>,
    dz: &MatRef<'_, T>,
    dp: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    require_size("dz", dz.shape(), (weights.nrows(), dz.ncols()))?;
    require_size("dp", dp.shape(), (weights.ncols(), dz.ncols()))?;
    stack.require(backward_workspace(gemm, weights.nrows(), weights.ncols(), dz.ncols()))?;
    gemm.gemm(T::ONE, *weights, Transpose::Yes, *dz, Transpose::No, T::ZERO, reborrow(dp), stack)
}

/// `dW <- dW + dz p'`, `db <- db + dz 1`: `dz` n_out x m, `p` n_in x m. One product.
///
/// # Errors
/// As [`backward_input`].
pub fn add_gradient<T: Real, G: Gemm<T>>(
    gemm: &G,
    p: &MatRef<'_, T>,
    dz: &MatRef<'_, T>,
    weights_gradient: &mut MatMut<'_, T>,
    bias_gradient: &mut [T],
    mut stack: Stack<'_, T>,
) -> Result {
    let (n_out, n_in) = weights_gradient.shape();
    require_size("p", p.shape(), (n_in, dz.ncols()))?;
    require_size("dz", dz.shape(), (n_out, dz.ncols()))?;
    require_length("bias gradient", bias_gradient.len(), n_out)?;
    stack.require(backward_workspace(gemm, n_out, n_in, dz.ncols()))?;
    let target = reborrow(weights_gradient);
    gemm.gemm(T::ONE, *dz, Transpose::No, *p, Transpose::Yes, T::ONE, target, stack.rest())?;
    add_columns(dz, bias_gradient, stack)
}

/// Scratch of [`backward_input`] and [`add_gradient`] for m columns: one product's, or one column.
pub fn backward_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) -> Requirement {
    gemm.workspace(n_in, m, n_out).or(gemm.workspace(n_out, n_in, m)).or(Requirement::vector(n_out))
}
