//! The register block: a small piece of C kept in registers while the packed factors stream past.
//!
//! Plain loops over arrays of fixed size: the compiler unrolls them and turns the inner one into vectors. The shapes
//! below leave room in the register file for one column of A, one broadcast element of B and one product (without the
//! standard library there is no fused multiply-add, so that a product needs a register of its own).

use crate::real::Real;
use crate::view::{MatMut, column_mut};

/// Sixteen registers of 32 bytes or more. One column fewer than would fit: with six, the compiler finds no vectors
/// when it may use 64 bytes.
#[cfg(target_feature = "avx")]
mod shape {
    pub(super) const F32: (usize, usize) = (16, 5);
    pub(super) const F64: (usize, usize) = (8, 5);
}

/// Sixteen registers of 16 bytes.
#[cfg(all(target_feature = "sse2", not(target_feature = "avx")))]
mod shape {
    pub(super) const F32: (usize, usize) = (8, 6);
    pub(super) const F64: (usize, usize) = (4, 6);
}

/// Thirty-two registers of 16 bytes.
#[cfg(target_feature = "neon")]
mod shape {
    pub(super) const F32: (usize, usize) = (16, 6);
    pub(super) const F64: (usize, usize) = (8, 6);
}

/// Scalar registers, sixteen or more.
#[cfg(not(any(target_feature = "sse2", target_feature = "neon")))]
mod shape {
    pub(super) const F32: (usize, usize) = (4, 2);
    pub(super) const F64: (usize, usize) = (4, 2);
}

/// Rows of the register block in `f32`.
pub(super) const F32_ROWS: usize = shape::F32.0;
/// Columns of the register block in `f32`.
pub(super) const F32_COLUMNS: usize = shape::F32.1;
/// Rows of the register block in `f64`.
pub(super) const F64_ROWS: usize = shape::F64.0;
/// Columns of the register block in `f64`.
pub(super) const F64_COLUMNS: usize = shape::F64.1;

/// `sum_l a_l b_l'` over packed columns of A and packed rows of B, as columns.
///
/// Not inlined: the sums stay in registers only as long as nothing here indexes them with a variable.
#[inline(never)]
pub(super) fn multiply<T: Real, const MR: usize, const NR: usize>(
    a: &[[T; MR]],
    b: &[[T; NR]],
) -> [[T; MR]; NR] {
    let mut sums = [[T::ZERO; MR]; NR];
    for (a, b) in a.iter().zip(b) {
        for (sums, &b) in sums.iter_mut().zip(b) {
            for (sum, &a) in sums.iter_mut().zip(a) {
                *sum += a * b;
            }
        }
    }
    sums
}

/// `C <- alpha sums + beta C` on the block of C whose first element is `(row, column)`, cut off at C's border.
///
/// With `beta = 0`, C is not read.
#[inline]
pub(super) fn store<T: Real, const MR: usize, const NR: usize>(
    sums: &[[T; MR]; NR],
    alpha: T,
    beta: T,
    c: &mut MatMut<'_, T>,
    (row, column): (usize, usize),
) {
    let (m, n) = c.shape();
    let rows = MR.min(m - row);
    for (sums, j) in sums.iter().zip(column..n) {
        let to = &mut column_mut(c, j)[row..row + rows];
        match <&mut [T; MR]>::try_from(&mut *to) {
            Ok(to) => store_column(sums, alpha, beta, to),
            Err(_) => store_column(sums, alpha, beta, to),
        }
    }
}

#[inline(always)]
fn store_column<T: Real>(sums: &[T], alpha: T, beta: T, to: &mut [T]) {
    if beta == T::ZERO {
        for (to, &sum) in to.iter_mut().zip(sums) {
            *to = alpha * sum;
        }
    } else {
        for (to, &sum) in to.iter_mut().zip(sums) {
            *to = alpha * sum + beta * *to;
        }
    }
}
