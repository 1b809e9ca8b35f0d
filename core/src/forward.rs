//! What a layer makes of its input.

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
