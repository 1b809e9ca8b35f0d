//! The product that everything else is made of.

mod block;
mod pack;
mod portable;

pub use portable::Portable;

use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef, column_mut, require_size};
use crate::workspace::{Requirement, Stack};

/// Whether a factor enters as it is or transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transpose {
    /// op(A) = A
    No,
    /// op(A) = A'
    Yes,
}

impl Transpose {
    /// The shape of op(A) from that of A.
    pub fn shape(self, shape: (usize, usize)) -> (usize, usize) {
        match self {
            Transpose::No => shape,
            Transpose::Yes => (shape.1, shape.0),
        }
    }
}

/// A matrix product. Altmin's own is [`Portable`]; hosts bring faster ones.
///
/// With `beta = 0`, `C` is written without being read, so that it may hold NaN; with `alpha = 0` or `k = 0` the factors
/// are not read either. The result must be a function of the
/// arguments alone: the same bits on every call, for any thread that makes it.
pub trait Gemm<T: Real>: Sync {
    /// `C <- alpha op(A) op(B) + beta C`, with op(A) of m x k, op(B) of k x n, C of m x n.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) if the factors do not fit, [`Workspace`](crate::error::Error::Workspace)
    /// if `stack` has less than [`Gemm::workspace`].
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        c: MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result;

    /// The lower triangle of `C <- alpha A A' + beta C`, with A of n x k, C of n x n. What lies above the diagonal
    /// of `C` may be overwritten by the same product or left alone.
    ///
    /// # Errors
    /// As [`Gemm::gemm`].
    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result;

    /// Scratch for one product of op(A) (m x k) with op(B) (k x n), or for `syrk` with `m = n`.
    ///
    /// Monotone in each argument: what serves a product serves every smaller one.
    fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement;
}

/// Checks the shapes of a product `C <- op(A) op(B)` and returns `(m, n, k)`.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape) naming `b` or `c`.
pub fn product_shape<T: Real>(
    a: &MatRef<'_, T>,
    op_a: Transpose,
    b: &MatRef<'_, T>,
    op_b: Transpose,
    c: &MatMut<'_, T>,
) -> Result<(usize, usize, usize)> {
    let (m, k) = op_a.shape(a.shape());
    let (_, n) = op_b.shape(b.shape());
    require_size("b", b.shape(), op_b.shape((k, n)))?;
    require_size("c", c.shape(), (m, n))?;
    Ok((m, n, k))
}

/// `C <- beta C`: what is left of a product without terms. C is not read if `beta = 0`.
pub fn scale<T: Real>(beta: T, mut c: MatMut<'_, T>) {
    for j in 0..c.ncols() {
        let column = column_mut(&mut c, j);
        if beta == T::ZERO {
            column.fill(T::ZERO);
        } else {
            column.iter_mut().for_each(|c| *c = beta * *c);
        }
    }
}
