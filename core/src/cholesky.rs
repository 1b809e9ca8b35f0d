//! Cholesky's factorisation in place, and what is made of a factor: solutions and the inverse.
//!
//! Everything is cut in halves until the pieces are small enough for plain loops, so that nearly all of the work is
//! done by [`Gemm`]. Only the lower triangle of a symmetric matrix is read, and only that of a factor.

mod small;

use small::{SMALL, factor_small, mirror, solve_small, solve_small_transposed};

use crate::error::Result;
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::view::{MatMut, MatRef, as_ref, columns_mut, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// Columns of L'^-1 that enter the inverse at a time.
const BLOCK: usize = 128;

/// Where a matrix of `n > SMALL` columns is cut: the first part is the larger, of whole small pieces.
fn cut(n: usize) -> usize {
    n.div_ceil(2).next_multiple_of(SMALL)
}

/// Products inside the halves of a matrix of `n` columns, with `m` rows beside it.
fn halves<T: Real>(gemm: &(impl Gemm<T> + ?Sized), m: usize, n: usize) -> Requirement {
    if n <= SMALL { Requirement::NONE } else { gemm.workspace(m, cut(n), cut(n)) }
}

/// `A = L L'`: writes the lower triangle of L over that of `a` (n x n, symmetric positive definite).
///
/// What is above the diagonal is neither read nor defined afterwards. About `n^3 / 3` floating-point operations.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape) if `a` is not square, [`Workspace`](crate::error::Error::Workspace) below
/// [`factor_workspace`]; [`Singular`](crate::error::Error::Singular) with the first pivot that is not positive and
/// finite (NaN is neither): `a` is then overwritten in part.
pub fn factor<T: Real>(gemm: &(impl Gemm<T> + ?Sized), a: MatMut<'_, T>, mut stack: Stack<'_, T>) -> Result {
    let n = a.nrows();
    require_size("a", a.shape(), (n, n))?;
    stack.require(factor_workspace(gemm, n))?;
    factor_part(gemm, a, 0, &mut stack)
}

/// Scratch for [`factor`] of an n x n matrix.
pub fn factor_workspace<T: Real>(gemm: &(impl Gemm<T> + ?Sized), n: usize) -> Requirement {
    halves(gemm, cut(n), n)
}

fn factor_part<T: Real>(
    gemm: &(impl Gemm<T> + ?Sized),
    mut a: MatMut<'_, T>,
    first: usize,
    stack: &mut Stack<'_, T>,
) -> Result {
    let n = a.nrows();
    if n <= SMALL {
        return factor_small(&mut a, first);
    }
    let at = cut(n);
    let (mut left, mut right) = a.columns_range_pair_mut(0..at, at..n);
    let (mut a11, mut a21) = left.rows_range_pair_mut(0..at, at..n);
    let mut a22 = right.rows_range_mut(at..n);
    factor_part(gemm, reborrow(&mut a11), first, stack)?;
    solve_transposed(gemm, &as_ref(&a11), reborrow(&mut a21), stack)?;
    gemm.syrk(-T::ONE, as_ref(&a21), T::ONE, reborrow(&mut a22), stack.rest())?;
    factor_part(gemm, a22, first + at, stack)
}

/// `X <- X (L L')^-1` for `x` of m x n and the factor `l` of n x n. About `2 m n^2` floating-point operations.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape) if `l` is not square or `x` has not as many columns,
/// [`Workspace`](crate::error::Error::Workspace) below [`solve_right_workspace`].
pub fn solve_right<T: Real>(
    gemm: &(impl Gemm<T> + ?Sized),
    l: MatRef<'_, T>,
    mut x: MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let (m, n) = (x.nrows(), l.nrows());
    require_size("l", l.shape(), (n, n))?;
    require_size("x", x.shape(), (m, n))?;
    stack.require(solve_right_workspace(gemm, m, n))?;
    solve_transposed(gemm, &l, reborrow(&mut x), &mut stack)?;
    solve(gemm, &l, x, &mut stack)
}

/// Scratch for [`solve_right`] with `x` of m x n.
pub fn solve_right_workspace<T: Real>(gemm: &(impl Gemm<T> + ?Sized), m: usize, n: usize) -> Requirement {
    halves(gemm, m, n)
}

/// `X <- X L'^-1`.
fn solve_transposed<T: Real>(
    gemm: &(impl Gemm<T> + ?Sized),
    l: &MatRef<'_, T>,
    mut x: MatMut<'_, T>,
    stack: &mut Stack<'_, T>,
) -> Result {
    let n = l.nrows();
    if n <= SMALL {
        solve_small_transposed(l, &mut x);
        return Ok(());
    }
    let at = cut(n);
    let (mut x1, mut x2) = x.columns_range_pair_mut(0..at, at..n);
    let (l11, l21, l22) = parts(l, at);
    solve_transposed(gemm, &l11, reborrow(&mut x1), stack)?;
    let (minus, no, yes) = (-T::ONE, Transpose::No, Transpose::Yes);
    gemm.gemm(minus, as_ref(&x1), no, l21, yes, T::ONE, reborrow(&mut x2), stack.rest())?;
    solve_transposed(gemm, &l22, x2, stack)
}

/// `X <- X L^-1`.
fn solve<T: Real>(
    gemm: &(impl Gemm<T> + ?Sized),
    l: &MatRef<'_, T>,
    mut x: MatMut<'_, T>,
    stack: &mut Stack<'_, T>,
) -> Result {
    let n = l.nrows();
    if n <= SMALL {
        solve_small(l, &mut x);
        return Ok(());
    }
    let at = cut(n);
    let (mut x1, mut x2) = x.columns_range_pair_mut(0..at, at..n);
    let (l11, l21, l22) = parts(l, at);
    solve(gemm, &l22, reborrow(&mut x2), stack)?;
    let no = Transpose::No;
    gemm.gemm(-T::ONE, as_ref(&x2), no, l21, no, T::ONE, reborrow(&mut x1), stack.rest())?;
    solve(gemm, &l11, x1, stack)
}

/// The three parts of a lower triangle that is cut at `at`.
fn parts<'b, T: Real>(l: &'b MatRef<'_, T>, at: usize) -> (MatRef<'b, T>, MatRef<'b, T>, MatRef<'b, T>) {
    let rest = l.nrows() - at;
    (l.view((0, 0), (at, at)), l.view((at, 0), (rest, at)), l.view((at, at), (rest, rest)))
}

/// `(L L')^-1`, both triangles of it, written over the factor `l` (n x n).
///
/// The product of L'^-1, which is made in scratch, with its transpose: about `5 n^3 / 6` floating-point operations. If
/// `l` does not come from [`factor`], a zero on its diagonal makes the result NaN or infinite.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape) if `l` is not square, [`Workspace`](crate::error::Error::Workspace) below
/// [`invert_workspace`].
pub fn invert<T: Real>(
    gemm: &(impl Gemm<T> + ?Sized),
    mut l: MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let n = l.nrows();
    require_size("l", l.shape(), (n, n))?;
    stack.require(invert_workspace(gemm, n))?;
    let mut v = stack.matrix(n, n)?;
    v.fill(T::ZERO);
    invert_transposed(gemm, &as_ref(&l), reborrow(&mut v), &mut stack)?;
    l.fill(T::ZERO);
    for start in (0..n).step_by(BLOCK) {
        // Of these columns of V, which is upper triangular, only the first `end` rows count.
        let end = n.min(start + BLOCK);
        let columns = columns_mut(&mut v, start, end - start);
        let target = l.view_mut((0, 0), (end, end));
        gemm.syrk(T::ONE, columns.view((0, 0), (end, end - start)), T::ONE, target, stack.rest())?;
    }
    mirror(&mut l);
    Ok(())
}

/// Scratch for [`invert`] of an n x n factor.
pub fn invert_workspace<T: Real>(gemm: &(impl Gemm<T> + ?Sized), n: usize) -> Requirement {
    let product = gemm.workspace(n, n, n.min(BLOCK));
    Requirement::matrix(n, n).and(factor_workspace(gemm, n).or(product))
}

/// `V <- L'^-1` above and on the diagonal; `v` comes filled with zeros.
fn invert_transposed<T: Real>(
    gemm: &(impl Gemm<T> + ?Sized),
    l: &MatRef<'_, T>,
    mut v: MatMut<'_, T>,
    stack: &mut Stack<'_, T>,
) -> Result {
    let n = l.nrows();
    if n <= SMALL {
        v.fill_diagonal(T::ONE);
        solve_small_transposed(l, &mut v);
        return Ok(());
    }
    let at = cut(n);
    let (l11, l21, l22) = parts(l, at);
    let (mut left, mut right) = v.columns_range_pair_mut(0..at, at..n);
    let mut v11 = left.rows_range_mut(0..at);
    let (mut v12, v22) = right.rows_range_pair_mut(0..at, at..n);
    invert_transposed(gemm, &l11, reborrow(&mut v11), stack)?;
    invert_transposed(gemm, &l22, v22, stack)?;
    let (minus, no, yes) = (-T::ONE, Transpose::No, Transpose::Yes);
    gemm.gemm(minus, as_ref(&v11), no, l21, yes, T::ZERO, reborrow(&mut v12), stack.rest())?;
    solve_transposed(gemm, &l22, v12, stack)
}
