//! Nesterov's extrapolation of a block, taken only where the objective does not rise by it.
//!
//! Before a block x moves, it may go on as it went: `y = x + beta (x - x_before)`, with the momentum
//! `beta = (t - 1)/t_next`, `t_next = (1 + sqrt(1 + 4 t^2))/2` of Beck and Teboulle's FISTA. Where the objective is
//! separable, each part decides for itself: a row of weights and its bias together, a sample of z or of a. A part for
//! which it would rise stays where it is and begins again with t = 1.
//!
//! The step that follows starts from y, so a descent inequality holds with the change from y in the place of that from x.

mod variables;

pub use variables::{activation, activation_workspace, linear, linear_workspace, output, output_workspace};

use super::sums::{SumsMut, add_slice};
use super::weights::Change;
use crate::error::{Result, require_positive};
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::view::{MatMut, as_ref, column, column_mut, copy, reborrow, require_length, require_size};
use crate::workspace::{Requirement, Stack};

/// `beta = (t - 1)/t_next` and `t_next = (1 + sqrt(1 + 4 t^2))/2`; t is 1 at the start, where beta is 0.
pub fn momentum<T: Real>(t: T) -> (T, T) {
    let next = T::from_f64(0.5) * (T::ONE + (T::ONE + T::from_f64(4.0) * t * t).sqrt());
    ((t - T::ONE) / next, next)
}

/// Where weights and bias stood before their last step, and the momentum of each row.
#[derive(Debug)]
pub struct Before<'a, T: Real> {
    /// n_out x n_in.
    pub weights: MatMut<'a, T>,
    /// n_out.
    pub bias: &'a mut [T],
    /// t, n_out.
    pub t: &'a mut [T],
}

/// **reduce**: extrapolates weights (n_out x n_in) and bias (n_out), a row of both at once, where
/// `(w/2)|W p + b - z|^2 + Omega(W)` does not rise. The sums over the samples follow; what moved is written to `change`.
/// `before` becomes what weights and bias were.
///
/// The sums tell the objective's change, so there is no pass over the samples. One product of n_out x n_in x n_in.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting), [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`parameters_workspace`].
pub fn parameters<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    regularizer: Regularizer<T>,
    samples: usize,
    sums: &mut SumsMut<'_, T>,
    before: &mut Before<'_, T>,
    weights: &mut MatMut<'_, T>,
    bias: &mut [T],
    change: &mut Change<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let (n_out, n_in) = weights.shape();
    require_positive("w", w.to_f64())?;
    regularizer.validate()?;
    sums.require(n_out, n_in)?;
    require_length("bias", bias.len(), n_out)?;
    require_size("before.weights", before.weights.shape(), (n_out, n_in))?;
    require_length("before.bias", before.bias.len(), n_out)?;
    require_length("before.t", before.t.len(), n_out)?;
    require_size("change.weights", change.weights.shape(), (n_out, n_in))?;
    require_length("change.bias", change.bias.len(), n_out)?;
    stack.require(parameters_workspace(gemm, n_out, n_in))?;
    let mut product = stack.matrix(n_out, n_in)?;
    let rise = stack.vector(n_out)?;
    extrapolate(before, weights, bias, change);
    let (no, gram, target) = (Transpose::No, as_ref(&sums.gram), reborrow(&mut product));
    gemm.gemm(T::ONE, as_ref(&change.weights), no, gram, no, T::ZERO, target, stack)?;
    measure(w, regularizer, samples, sums, weights, change, &product, rise);
    refuse(before.t, rise, change, &mut product);
    for j in 0..n_in {
        add_slice(column(&as_ref(&change.weights), j), column_mut(weights, j));
    }
    add_slice(change.bias, bias);
    follow(samples, sums, change, &product);
    Ok(())
}

/// Scratch of [`parameters`]: a matrix like W, a column, and one product's.
pub fn parameters_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize) -> Requirement {
    Requirement::matrix(n_out, n_in).and(Requirement::vector(n_out)).and(gemm.workspace(n_out, n_in, n_in))
}

/// `change <- beta (x - before)`, `before <- x`.
fn extrapolate<T: Real>(
    before: &mut Before<'_, T>,
    weights: &MatMut<'_, T>,
    bias: &[T],
    change: &mut Change<'_, T>,
) {
    let weights = as_ref(weights);
    let row = |t: T, x: T, old: T| momentum(t).0 * (x - old);
    for j in 0..weights.ncols() {
        let old = as_ref(&before.weights);
        let terms = column(&weights, j).iter().zip(column(&old, j)).zip(&*before.t);
        for (d, ((&x, &old), &t)) in column_mut(&mut change.weights, j).iter_mut().zip(terms) {
            *d = row(t, x, old);
        }
    }
    for (d, ((&x, &old), &t)) in change.bias.iter_mut().zip(bias.iter().zip(&*before.bias).zip(&*before.t)) {
        *d = row(t, x, old);
    }
    copy(&weights, &mut before.weights);
    before.bias.copy_from_slice(bias);
}

/// What each row's objective rises by: `w (<C, D> + d r1 + (D S D' + 2 d <D, p1> + M d^2)/2)` and Omega's part;
/// `product` is `D S`.
fn measure<T: Real>(
    w: T,
    regularizer: Regularizer<T>,
    samples: usize,
    sums: &SumsMut<'_, T>,
    weights: &MatMut<'_, T>,
    change: &Change<'_, T>,
    product: &MatMut<'_, T>,
    rise: &mut [T],
) {
    let (half, count) = (T::from_f64(0.5), T::from_usize(samples));
    for ((rise, &d), &residual) in rise.iter_mut().zip(&*change.bias).zip(&*sums.residual) {
        *rise = w * d * (residual + half * count * d);
    }
    for j in 0..weights.ncols() {
        let (moves, cross) = (as_ref(&change.weights), as_ref(&sums.cross));
        let (product, weights) = (as_ref(product), as_ref(weights));
        let quadratic = column(&cross, j).iter().zip(column(&product, j)).zip(&*change.bias);
        let linear = column(&moves, j).iter().zip(column(&weights, j));
        for ((rise, (&step, &weight)), ((&c, &p), &d)) in rise.iter_mut().zip(linear).zip(quadratic) {
            *rise += w * step * (c + half * p + d * sums.input[j]) + regularizer.rise(weight, step);
        }
    }
}

/// Takes back the rows that would rise (or whose rise is NaN), and moves every t on.
fn refuse<T: Real>(t: &mut [T], rise: &[T], change: &mut Change<'_, T>, product: &mut MatMut<'_, T>) {
    for (i, (t, &rise)) in t.iter_mut().zip(rise).enumerate() {
        if rise <= T::ZERO {
            *t = momentum(*t).1;
            continue;
        }
        *t = T::ONE;
        change.bias[i] = T::ZERO;
        for j in 0..product.ncols() {
            change.weights[(i, j)] = T::ZERO;
            product[(i, j)] = T::ZERO;
        }
    }
}

/// The sums after `r <- r + D p + d 1'`, with `product = D S` at hand.
fn follow<T: Real>(
    samples: usize,
    sums: &mut SumsMut<'_, T>,
    change: &Change<'_, T>,
    product: &MatMut<'_, T>,
) {
    let count = T::from_usize(samples);
    for (sum, &d) in sums.residual.iter_mut().zip(&*change.bias) {
        *sum += count * d;
    }
    for j in 0..product.ncols() {
        let input = sums.input[j];
        for (sum, &step) in sums.residual.iter_mut().zip(column(&as_ref(&change.weights), j)) {
            *sum += step * input;
        }
        let product = as_ref(product);
        let terms = column(&product, j).iter().zip(&*change.bias);
        for (cross, (&product, &d)) in column_mut(&mut sums.cross, j).iter_mut().zip(terms) {
            *cross += product + d * input;
        }
    }
}
