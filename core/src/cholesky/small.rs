//! The plain loops at the bottom of the recursion.

use crate::error::{Error, Result};
use crate::real::Real;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut};

/// Columns of a matrix that is not cut any further.
pub(super) const SMALL: usize = 16;

/// Rows that are solved at a time: enough of them to keep vector units busy between two steps that wait for another.
const ROWS: usize = 32;

/// Factors `a` (n x n, `n <= SMALL`) in place; `first` is its first pivot's number in the whole matrix.
pub(super) fn factor_small<T: Real>(a: &mut MatMut<'_, T>, first: usize) -> Result {
    let n = a.nrows();
    let mut l = [[T::ZERO; SMALL]; SMALL];
    for (j, l) in l.iter_mut().enumerate().take(n) {
        l[j..n].copy_from_slice(&column_mut(a, j)[j..]);
    }
    for j in 0..n {
        let (done, rest) = l.split_at_mut(j);
        let current = &mut rest[0];
        for done in done {
            let factor = done[j];
            for (x, &y) in current.iter_mut().zip(&*done) {
                *x -= factor * y;
            }
        }
        let pivot = current[j];
        if !(pivot > T::ZERO && pivot.is_finite()) {
            return Err(Error::Singular { pivot: first + j });
        }
        let root = pivot.sqrt();
        current.iter_mut().for_each(|x| *x /= root);
        column_mut(a, j)[j..].copy_from_slice(&current[j..n]);
    }
    Ok(())
}

/// `X <- X L'^-1` for `l` of n x n, `n <= SMALL`.
pub(super) fn solve_small_transposed<T: Real>(l: &MatRef<'_, T>, x: &mut MatMut<'_, T>) {
    for_each_strip(x, |strip, n| {
        for j in 0..n {
            let (known, rest) = strip.split_at_mut(j);
            let coefficients = (0..j).map(|i| column(l, i)[j]);
            eliminate(&mut rest[0], known.iter().zip(coefficients), column(l, j)[j]);
        }
    });
}

/// `X <- X L^-1` for `l` of n x n, `n <= SMALL`.
pub(super) fn solve_small<T: Real>(l: &MatRef<'_, T>, x: &mut MatMut<'_, T>) {
    for_each_strip(x, |strip, n| {
        for j in (0..n).rev() {
            let (rest, known) = strip.split_at_mut(j + 1);
            let coefficients = column(l, j)[j + 1..].iter().copied();
            eliminate(&mut rest[j], known.iter().zip(coefficients), column(l, j)[j]);
        }
    });
}

/// Hands out `x` in strips of `ROWS` rows, as columns, the last strip filled up with zeros; the number of columns that
/// count goes with them.
fn for_each_strip<T: Real>(x: &mut MatMut<'_, T>, mut solve: impl FnMut(&mut [[T; ROWS]; SMALL], usize)) {
    let (m, n) = x.shape();
    let mut strip = [[T::ZERO; ROWS]; SMALL];
    for start in (0..m).step_by(ROWS) {
        let rows = ROWS.min(m - start);
        for (j, strip) in strip.iter_mut().enumerate().take(n) {
            strip[..rows].copy_from_slice(&column_mut(x, j)[start..start + rows]);
            strip[rows..].fill(T::ZERO);
        }
        solve(&mut strip, n);
        for (j, strip) in strip.iter().enumerate().take(n) {
            column_mut(x, j)[start..start + rows].copy_from_slice(&strip[..rows]);
        }
    }
}

/// `x <- (x - sum of coefficient times known column) / pivot`.
#[inline(always)]
fn eliminate<'s, T: Real>(x: &mut [T; ROWS], known: impl Iterator<Item = (&'s [T; ROWS], T)>, pivot: T) {
    let mut sum = *x;
    for (known, coefficient) in known {
        for (sum, &known) in sum.iter_mut().zip(known) {
            *sum -= coefficient * known;
        }
    }
    for (x, sum) in x.iter_mut().zip(sum) {
        *x = sum / pivot;
    }
}

/// Copies the lower triangle to the upper one, tile by tile because one of the two is walked across its columns.
pub(super) fn mirror<T: Real>(a: &mut MatMut<'_, T>) {
    let n = a.nrows();
    for top in (0..n).step_by(SMALL) {
        for left in (0..=top).step_by(SMALL) {
            mirror_tile(a, top..n.min(top + SMALL), left..n.min(left + SMALL));
        }
    }
}

fn mirror_tile<T: Real>(
    a: &mut MatMut<'_, T>,
    rows: core::ops::Range<usize>,
    columns: core::ops::Range<usize>,
) {
    let mut tile = [[T::ZERO; SMALL]; SMALL];
    for (tile, j) in tile.iter_mut().zip(columns.clone()) {
        tile[..rows.len()].copy_from_slice(&column(&as_ref(a), j)[rows.clone()]);
    }
    for (k, i) in rows.enumerate() {
        let to = &mut column_mut(a, i)[columns.clone()];
        for ((to, tile), j) in to.iter_mut().zip(&tile).zip(columns.clone()) {
            if j < i {
                *to = tile[k];
            }
        }
    }
}
