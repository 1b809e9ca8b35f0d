//! A matrix that is nearly orthogonal, by the iteration of Newton and Schulz, as Muon takes it (Jordan et al. 2024).
//!
//! Of `X = U S V'` the odd polynomial `a X + b (X X') X + c (X X')^2 X` is `U p(S) V'` with `p(s) = a s + b s^3 + c s^5`: it
//! moves singular values and leaves singular vectors. Muon's coefficients are as steep at 0 as may be, so that few rounds
//! lift small values, and do not settle at 1: **five rounds take every singular value from 0.0016 to 1 into [0.68, 1.21]**.
//!
//! A round is three products, two of which are symmetric and made by half, in the smaller of the two dimensions.

use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, columns, copy, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// a, b and c.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];

/// Rounds; an odd number brings the result back to where it began.
const ROUNDS: usize = 5;

/// Columns of a symmetric product that are made at a time, from the diagonal down.
const STRIPE: usize = 64;

/// `x <- U p(...p(S/(|S| + 1e-7))) V'` for `x = U S V'` of any shape, |S| its Frobenius norm. `other`, of the same shape, is
/// used in between, and its content does not matter.
///
/// Singular values of less than 0.0016 of the norm stay below 0.68, and zeros stay zeros. What is not finite makes all of
/// x NaN. Muon's author computes in bfloat16; here it is the precision of x.
///
/// # Errors
/// [`Shape`](crate::Error::Shape) naming `other`; [`Workspace`](crate::Error::Workspace) below
/// [`orthogonalize_workspace`]. Nothing is written then.
pub fn orthogonalize<T: Real, G: Gemm<T>>(
    gemm: &G,
    x: &mut MatMut<'_, T>,
    other: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let (rows, n) = x.shape();
    require_size("other", other.shape(), (rows, n))?;
    stack.require(orthogonalize_workspace(gemm, rows, n))?;
    let squared: f64 = (0..n).map(|j| reduce::sum_squares(column(&as_ref(x), j))).sum();
    let scale = T::from_f64(1.0 / (libm::sqrt(squared) + 1e-7));
    for j in 0..n {
        for (to, &from) in column_mut(other, j).iter_mut().zip(column(&as_ref(x), j)) {
            *to = scale * from;
        }
    }
    let size = rows.min(n);
    let (mut gram, mut square) = (stack.matrix(size, size)?, stack.matrix(size, size)?);
    for round in 0..ROUNDS {
        let (from, to) = if round % 2 == 0 {
            (as_ref(other), &mut reborrow(x))
        } else {
            (as_ref(x), &mut reborrow(other))
        };
        turn(gemm, &from, to, [&mut gram, &mut square], stack.rest())?;
    }
    Ok(())
}

/// Scratch of [`orthogonalize`] for a matrix of `rows x columns`.
pub fn orthogonalize_workspace<T: Real, G: Gemm<T>>(gemm: &G, rows: usize, columns: usize) -> Requirement {
    let (size, length) = (rows.min(columns), rows.max(columns));
    let products = gemm.workspace(size, size.min(STRIPE), length).or(gemm.workspace(rows, columns, size));
    Requirement::matrix(size, size).and(Requirement::matrix(size, size)).and(products)
}

/// `to <- a X + b (X X') X + c (X X')^2 X`, where X is wide, else with `X' X` from the right.
fn turn<T: Real, G: Gemm<T>>(
    gemm: &G,
    x: &MatRef<'_, T>,
    to: &mut MatMut<'_, T>,
    [gram, square]: [&mut MatMut<'_, T>; 2],
    mut stack: Stack<'_, T>,
) -> Result {
    use Transpose::No;
    let [a, b, c] = COEFFICIENTS.map(T::from_f64);
    let is_wide = x.nrows() <= x.ncols();
    symmetric(gemm, T::ONE, x, is_wide, T::ZERO, gram, stack.rest())?;
    let gram = &as_ref(gram);
    copy(gram, square);
    symmetric(gemm, c, gram, false, b, square, stack.rest())?;
    copy(x, to);
    let square = as_ref(square);
    let (left, right) = if is_wide { (square, *x) } else { (*x, square) };
    gemm.gemm(T::ONE, left, No, right, No, a, reborrow(to), stack)
}

/// `C <- alpha A A' + beta C` of wide matrices, else with `A' A`, for a C that is symmetric before as well.
fn symmetric<T: Real, G: Gemm<T>>(
    gemm: &G,
    alpha: T,
    a: &MatRef<'_, T>,
    is_wide: bool,
    beta: T,
    c: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    use Transpose::{No, Yes};
    let size = c.ncols();
    for start in (0..size).step_by(STRIPE) {
        let (width, height) = (STRIPE.min(size - start), size - start);
        let target = c.view_mut((start, start), (height, width));
        if is_wide {
            let (below, stripe) = (a.rows(start, height), a.rows(start, width));
            gemm.gemm(alpha, below, No, stripe, Yes, beta, target, stack.rest())?;
        } else {
            let (below, stripe) = (columns(a, start, height), columns(a, start, width));
            gemm.gemm(alpha, below, Yes, stripe, No, beta, target, stack.rest())?;
        }
    }
    for j in 0..size {
        for i in j + 1..size {
            c[(j, i)] = c[(i, j)];
        }
    }
    Ok(())
}
