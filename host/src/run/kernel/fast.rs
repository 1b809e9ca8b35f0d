//! The product of the crate `gemm`, whose kernels use whatever vector unit the machine has.

use altmin_core::gemm::{Gemm, Transpose, product_shape, scale};
use altmin_core::view::{MatMut, MatRef, require_size};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// More than the crate packs at a time of either factor's rows, and of the columns that it adds to them.
const DEPTH: usize = 1024;
const MORE: usize = 1024;
/// More than the block that it keeps for each thread, of the size of the processor's second cache.
const CACHE: usize = 4 << 20;

/// Bytes that a thread's products take at most beside their factors, where no factor has more columns than `widest`.
pub fn packing_bytes<T: Real>(widest: usize) -> usize {
    widest.saturating_add(MORE).saturating_mul(DEPTH * size_of::<T>()).saturating_add(CACHE)
}

/// Rows of a symmetric product that is not halved any further, but computed with its upper triangle.
const DIAGONAL: usize = 64;
/// Halves begin at a multiple of this many rows, which all the crate's kernels can cover without a remainder.
const ALIGNED: usize = 16;

/// The product of the crate `gemm`, on the calling thread.
///
/// Needs no scratch of the caller's, but allocates packing buffers on each call. The same bits for every thread of a
/// process: the crate picks its kernel and its block sizes from the machine once, and from the shapes. Another machine
/// may give other bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fast;

impl<T: Real> Gemm<T> for Fast {
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        c: MatMut<'_, T>,
        _stack: Stack<'_, T>,
    ) -> Result {
        product_shape(&a, op_a, &b, op_b, &c)?;
        multiply(alpha, a, op_a, b, op_b, beta, c);
        Ok(())
    }

    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, _stack: Stack<'_, T>) -> Result {
        let n = a.nrows();
        require_size("c", c.shape(), (n, n))?;
        lower(alpha, a, beta, c);
        Ok(())
    }

    fn workspace(&self, _m: usize, _n: usize, _k: usize) -> Requirement {
        Requirement::NONE
    }
}

/// The lower triangle of `C <- alpha A A' + beta C`, in halves: the square below the diagonal is one product.
fn lower<T: Real>(alpha: T, a: MatRef<'_, T>, beta: T, mut c: MatMut<'_, T>) {
    let (n, k) = a.shape();
    if n <= DIAGONAL {
        return multiply(alpha, a, Transpose::No, a, Transpose::Yes, beta, c);
    }
    let at = n.div_ceil(2).next_multiple_of(ALIGNED);
    let rest = n - at;
    let (above, below) = (a.view((0, 0), (at, k)), a.view((at, 0), (rest, k)));
    lower(alpha, above, beta, c.view_mut((0, 0), (at, at)));
    let square = c.view_mut((at, 0), (rest, at));
    multiply(alpha, below, Transpose::No, above, Transpose::Yes, beta, square);
    lower(alpha, below, beta, c.view_mut((at, at), (rest, rest)));
}

/// Column and row stride of op(A).
fn strides<T: Real>(matrix: &MatRef<'_, T>, op: Transpose) -> (isize, isize) {
    let (row, column) = matrix.strides();
    match op {
        Transpose::No => (column as isize, row as isize),
        Transpose::Yes => (row as isize, column as isize),
    }
}

/// `C <- alpha op(A) op(B) + beta C` for shapes that fit.
fn multiply<T: Real>(
    alpha: T,
    a: MatRef<'_, T>,
    op_a: Transpose,
    b: MatRef<'_, T>,
    op_b: Transpose,
    beta: T,
    mut c: MatMut<'_, T>,
) {
    let (m, n) = c.shape();
    let (rows, k) = op_a.shape(a.shape());
    assert_eq!((rows, k, n), (m, op_b.shape(b.shape()).0, op_b.shape(b.shape()).1));
    if m == 0 || n == 0 || k == 0 || alpha == T::ZERO {
        return scale(beta, c);
    }
    let (a_columns, a_rows) = strides(&a, op_a);
    let (b_columns, b_rows) = strides(&b, op_b);
    let (c_rows, c_columns) = c.strides();
    // SAFETY: each pointer comes from a view, and goes with that view's strides and with the shape checked above, so
    // that the crate stays inside the memory which the views borrow. C is borrowed mutably: it overlaps neither
    // factor. All three hold numbers of type T, f32 or f64, of which the crate has kernels.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            c_columns as isize,
            c_rows as isize,
            beta != T::ZERO,
            a.as_ptr(),
            a_columns,
            a_rows,
            b.as_ptr(),
            b_columns,
            b_rows,
            // The crate calls beta what is alpha here, and the other way round.
            beta,
            alpha,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
