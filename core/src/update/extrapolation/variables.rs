//! The variables that have a column for each sample: z of a hidden layer, z of the last, and a.

use super::momentum;
use crate::activation::{Activation, between};
use crate::error::{Result, require_positive};
use crate::gemm::{Gemm, Transpose};
use crate::loss::{Loss, Target};
use crate::real::Real;
use crate::reduce;
use crate::update::interval::activation::Interval;
use crate::update::sums::add_slice;
use crate::view::{
    MatMut, MatRef, as_ref, column, column_mut, dense, reborrow, require_length, require_size,
};
use crate::workspace::{Requirement, Stack};

/// **map**: extrapolates z of a hidden layer, clipped to its interval (widened to contain z), in the samples where
/// `|r|^2` does not rise.
///
/// `a`, `before`, `z` and `r = W a_below + b - z` are n x m, `t` has m elements. `before` becomes what z was; z and r
/// move together.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting), [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`linear_workspace`].
pub fn linear<T: Real>(
    epsilon: T,
    activation: Activation<T>,
    a: &MatRef<'_, T>,
    before: &mut MatMut<'_, T>,
    t: &mut [T],
    z: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    require_positive("epsilon", epsilon.to_f64())?;
    require_size("a", a.shape(), z.shape())?;
    require(before, t, z, r)?;
    let n = z.nrows();
    stack.require(linear_workspace(n))?;
    let (target, new, scratch) = (stack.vector(n)?, stack.vector(n)?, stack.vector(n)?);
    for (j, t) in t.iter_mut().enumerate() {
        let (z, r, before) = (column_mut(z, j), column_mut(r, j), column_mut(before, j));
        go_on(*t, z, before, target);
        new.copy_from_slice(z);
        activation.clip_to_preimage(epsilon, column(a, j), target, new, scratch)?;
        for ((moved, new), &z) in target.iter_mut().zip(&mut *new).zip(&*z) {
            *moved = without_rounding(epsilon, z, *new - z);
            *new = z + *moved;
        }
        let accepted = reduce::sum_squared_differences(r, target) <= reduce::sum_squares(r);
        if decide(t, accepted) {
            z.copy_from_slice(new);
            subtract(target, r);
        }
    }
    Ok(())
}

/// Scratch of [`linear`]: three columns.
pub fn linear_workspace(n: usize) -> Requirement {
    Requirement::matrix(n, 3)
}

/// **map**: extrapolates z of the last layer in the samples where `R(z; y) + (rho/2)|r|^2` does not rise; otherwise as
/// [`linear`], without an interval.
///
/// # Errors
/// As [`linear`], and those of [`Loss::check_target`].
pub fn output<T: Real>(
    loss: Loss,
    rho: T,
    target: Target<'_, T>,
    before: &mut MatMut<'_, T>,
    t: &mut [T],
    z: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    require_positive("rho", rho.to_f64())?;
    require(before, t, z, r)?;
    let (n, m) = z.shape();
    loss.check_target(target, n, m)?;
    stack.require(output_workspace(n))?;
    let (new, moved) = (stack.vector(n)?, stack.vector(n)?);
    let half = 0.5 * rho.to_f64();
    for (j, t) in t.iter_mut().enumerate() {
        let (z, r, before) = (column_mut(z, j), column_mut(r, j), column_mut(before, j));
        go_on(*t, z, before, new);
        for ((moved, &new), &z) in moved.iter_mut().zip(&*new).zip(&*z) {
            *moved = new - z;
        }
        let risk = |z: &[T]| loss.value(dense(z, n, 1), target.columns(j, 1));
        let old = risk(z)? + half * reduce::sum_squares(r);
        let accepted = risk(new)? + half * reduce::sum_squared_differences(r, moved) <= old;
        if decide(t, accepted) {
            z.copy_from_slice(new);
            subtract(moved, r);
        }
    }
    Ok(())
}

/// Scratch of [`output`]: two columns.
pub fn output_workspace(n: usize) -> Requirement {
    Requirement::matrix(n, 2)
}

/// **map**: extrapolates a, the input of the layer above, clipped to its interval (widened to contain a), in the samples
/// where the residual above, `|r|^2`, does not rise.
///
/// `before`, `a` and the interval's z are n_in x m, `r` is n_out x m, `t` has m elements. `before` becomes what a was; a
/// and r move together. One product of n_out x n_in x m.
///
/// # Errors
/// As [`linear`], with [`activation_workspace`].
pub fn activation<T: Real, G: Gemm<T>>(
    gemm: &G,
    interval: &Interval<'_, T>,
    before: &mut MatMut<'_, T>,
    t: &mut [T],
    a: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let (n, m) = interval.check(&as_ref(a), &as_ref(r))?;
    let n_out = r.nrows();
    require_size("before", before.shape(), (n, m))?;
    require_length("t", t.len(), m)?;
    stack.require(activation_workspace(gemm, n_out, n, m))?;
    let (mut moves, mut product) = (stack.matrix(n, m)?, stack.matrix(n_out, m)?);
    let Interval { epsilon, weights, z, .. } = *interval;
    for (j, &t) in t.iter().enumerate() {
        let (a, before, d) = (column_mut(a, j), column_mut(before, j), column_mut(&mut moves, j));
        interval.activation.apply(column(&z, j), d)?;
        let (beta, _) = momentum(t);
        for ((d, before), &a) in d.iter_mut().zip(before).zip(&*a) {
            let (low, high) = ((*d - epsilon).min(a), (*d + epsilon).max(a));
            *d = without_rounding(epsilon, a, between(low, a + beta * (a - *before), high) - a);
            *before = a;
        }
    }
    let (no, target) = (Transpose::No, reborrow(&mut product));
    gemm.gemm(T::ONE, weights, no, as_ref(&moves), no, T::ZERO, target, stack)?;
    for (j, t) in t.iter_mut().enumerate() {
        let (r, product) = (column_mut(r, j), column_mut(&mut product, j));
        let old = reduce::sum_squares(r);
        add_slice(r, product);
        if decide(t, reduce::sum_squares(product) <= old) {
            r.copy_from_slice(product);
            add_slice(column(&as_ref(&moves), j), column_mut(a, j));
        }
    }
    Ok(())
}

/// Scratch of [`activation`]: the moves, n_in x m, their product, n_out x m, and one product's.
pub fn activation_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    n_out: usize,
    n_in: usize,
    m: usize,
) -> Requirement {
    Requirement::matrix(n_in, m).and(Requirement::matrix(n_out, m)).and(gemm.workspace(n_out, m, n_in))
}

fn require<T: Real>(before: &MatMut<'_, T>, t: &[T], z: &MatMut<'_, T>, r: &MatMut<'_, T>) -> Result {
    require_size("before", before.shape(), z.shape())?;
    require_length("t", t.len(), z.ncols())?;
    require_size("r", r.shape(), z.shape())
}

/// `target <- x + beta (x - before)`, `before <- x`.
fn go_on<T: Real>(t: T, x: &[T], before: &mut [T], target: &mut [T]) {
    let (beta, _) = momentum(t);
    for ((target, before), &x) in target.iter_mut().zip(before).zip(x) {
        *target = x + beta * (x - *before);
        *before = x;
    }
}

/// The move `d` of `x`, or 0 where it is no more than rounding: an entry that stands at an end of its interval and is
/// clipped there has not moved, and chance should not decide whether its sample would rise.
fn without_rounding<T: Real>(epsilon: T, x: T, d: T) -> T {
    let rounding = T::from_f64(4.0) * T::EPSILON * (x.abs() + epsilon);
    if d.abs() <= rounding { T::ZERO } else { d }
}

/// Moves t on, or back to 1; says again which.
fn decide<T: Real>(t: &mut T, accepted: bool) -> bool {
    *t = if accepted { momentum(*t).1 } else { T::ONE };
    accepted
}

fn subtract<T: Real>(moved: &[T], r: &mut [T]) {
    for (r, &moved) in r.iter_mut().zip(moved) {
        *r -= moved;
    }
}
