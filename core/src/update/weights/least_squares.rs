//! The joint least-squares step of weights and bias.
//!
//! With the row means `k` of r and `m` of p, and the centred sums `C_c = r p' - M k m'`, `S_c = p p' - M m m'`:
//! `min_{D,d} (w/2)|r + D p + d 1'|^2 + (w delta/2)|D|^2 + (lambda/2)|W + D|^2`. The minimiser over d is
//! `d = -k - D m`, which centres r and p; then
//!
//! `D = -(C_c + (lambda/w) W)(S_c + (delta + lambda/w) I)^-1`.
//!
//! A quadratic with Hessian A falls by `<D, A D>/2` on the way to its minimum, so the objective without the proximal
//! term falls by `(w/2)(<D, D S_c> + M|k|^2) + w delta |D|^2 + (lambda/2)|D|^2`. With B the right-hand side,
//! `-(C_c + (lambda/w) W)`, and `<D, D S_c> = <B, D> - (delta + lambda/w)|D|^2`, that is
//! `(w/2)(<B, D> + delta |D|^2 + M|k|^2)`: no product is needed, and no difference of large numbers.

use super::{Change, Reduced, clear, squared};
use crate::cholesky;
use crate::error::{Error, Result, require_positive};
use crate::gemm::Gemm;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::sums::Sums;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// The Cholesky factor of `S_c + (delta + lambda/w) I`, for inputs that do not change from sweep to sweep.
#[derive(Debug, Clone, Copy)]
pub struct Factor<'a, T: Real> {
    /// The lower factor, n_in x n_in.
    pub lower: MatRef<'a, T>,
}

/// `lambda` of the l2 regulariser.
pub(super) fn l2_weight<T: Real>(regularizer: Regularizer<T>) -> Result<T> {
    match regularizer {
        Regularizer::None => Ok(T::ZERO),
        Regularizer::L2(lambda) => Ok(lambda),
        Regularizer::L1(lambda) => Err(Error::Setting {
            name: "l1 regulariser",
            found: lambda.to_f64(),
            expected: "l2 or none with least-squares weights, whose solution it does not have in closed form",
        }),
    }
}

/// `trace(S_c)`, in double precision since the means may be large beside the spread.
fn centred_trace<T: Real>(sums: &Sums<'_, T>) -> f64 {
    let count = sums.samples as f64;
    let centred = |(i, &sum): (usize, &T)| sums.gram[(i, i)].to_f64() - sum.to_f64() * sum.to_f64() / count;
    let trace: f64 = sums.input.iter().enumerate().map(centred).sum();
    let raw: f64 = (0..sums.input.len()).map(|i| sums.gram[(i, i)].to_f64()).sum();
    // What is left of constant inputs after centring is rounding of the sums themselves. Equal terms round to the same
    // side, so it grows with the number of terms in a row, which tiles and blocks keep near the root of the number of
    // samples: over constants from 0.01 to 3 and tiles from 100 to 60,000 columns it came to at most half of this.
    let rounding = raw * T::EPSILON.to_f64() * (16.0 + 2.0 * libm::sqrt(count));
    // Sums that have overflowed are not constant inputs: that must come out.
    if raw.is_finite() && trace <= rounding { 0.0 } else { trace }
}

/// `delta = damping * trace(S_c)/n_in`; 0 when the inputs are constant over the samples.
fn proximal_weight<T: Real>(damping: T, sums: &Sums<'_, T>) -> f64 {
    if sums.input.is_empty() {
        return 0.0;
    }
    damping.to_f64() * centred_trace(sums) / sums.input.len() as f64
}

/// Writes the Cholesky factor of `S_c + (delta + lambda/w) I` into `lower` (n_in x n_in) and says whether there is one:
/// not if there are no samples, or if the inputs are constant over them and so determine no weights.
///
/// # Errors
/// As [`reduce()`](super::reduce()).
pub fn factor<T: Real, G: Gemm<T>>(
    gemm: &G,
    damping: T,
    w: T,
    regularizer: Regularizer<T>,
    sums: &Sums<'_, T>,
    lower: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result<bool> {
    let lambda = l2_weight(regularizer)?;
    let n = sums.input.len();
    require_positive("damping", damping.to_f64())?;
    require_positive("w", w.to_f64())?;
    regularizer.validate()?;
    require_size("sums.gram", sums.gram.shape(), (n, n))?;
    require_size("lower", lower.shape(), (n, n))?;
    stack.require(factor_workspace(gemm, n))?;
    if sums.samples == 0 {
        return Ok(false);
    }
    let delta = proximal_weight(damping, sums);
    if !delta.is_finite() {
        return Err(Error::NonFinite { quantity: "the sum p p'" });
    }
    if delta == 0.0 {
        return Ok(false);
    }
    let inverse_count = T::ONE / T::from_usize(sums.samples);
    for j in 0..n {
        let mean = sums.input[j] * inverse_count;
        let target = &mut column_mut(lower, j)[j..];
        let gram = &column(&sums.gram, j)[j..];
        for ((s, &g), &sum) in target.iter_mut().zip(gram).zip(&sums.input[j..]) {
            *s = g - sum * mean;
        }
        target[0] += T::from_f64(delta + lambda.to_f64() / w.to_f64());
    }
    cholesky::factor(gemm, reborrow(lower), stack)?;
    Ok(true)
}

/// Scratch of [`factor`].
pub fn factor_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_in: usize) -> Requirement {
    cholesky::factor_workspace(gemm, n_in)
}

pub(super) fn step<T: Real, G: Gemm<T>>(
    gemm: &G,
    damping: T,
    w: T,
    regularizer: Regularizer<T>,
    sums: &Sums<'_, T>,
    factored: Option<&Factor<'_, T>>,
    weights: &MatRef<'_, T>,
    change: &mut Change<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Reduced> {
    let (n_out, n_in) = weights.shape();
    let lambda = l2_weight(regularizer)?;
    let determined = match factored {
        Some(factor) => {
            require_size("factored", factor.lower.shape(), (n_in, n_in))?;
            right_hand_side(lambda / w, sums, weights, change);
            cholesky::solve_right(gemm, factor.lower, reborrow(&mut change.weights), stack.rest())?;
            true
        }
        None => {
            let mut inner_stack = stack.rest();
            let mut lower = inner_stack.matrix(n_in, n_in)?;
            let found = factor(gemm, damping, w, regularizer, sums, &mut lower, inner_stack.rest())?;
            if found {
                right_hand_side(lambda / w, sums, weights, change);
                cholesky::solve_right(gemm, as_ref(&lower), reborrow(&mut change.weights), inner_stack)?;
            }
            found
        }
    };
    if !determined {
        clear(change);
    }
    let right_hand = right_hand_inner(lambda / w, sums, weights, change, stack.vector(n_out)?);
    let bias_centred = centre_bias(sums, change);
    let moved = squared(&as_ref(&change.weights));
    let delta = proximal_weight(damping, sums);
    Ok(Reduced {
        promised: 0.5 * w.to_f64() * (right_hand + delta * moved + bias_centred),
        weights_squared: moved,
        bias_squared: reduce::sum_squares(change.bias),
    })
}

/// Scratch of a least-squares [`reduce`](super::reduce): the factor, and a solve's; afterwards a column.
pub(super) fn step_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize) -> Requirement {
    let solve = cholesky::solve_right_workspace(gemm, n_out, n_in);
    Requirement::matrix(n_in, n_in).and(factor_workspace(gemm, n_in).or(solve)).or(Requirement::vector(n_out))
}

/// `D <- B = -(C_c + ratio W)`.
fn right_hand_side<T: Real>(
    ratio: T,
    sums: &Sums<'_, T>,
    weights: &MatRef<'_, T>,
    change: &mut Change<'_, T>,
) {
    for j in 0..weights.ncols() {
        right_hand_column(ratio, sums, weights, j, column_mut(&mut change.weights, j));
    }
}

/// `<B, D>`, with B made again column by column, since the solution took its place. `scratch` is n_out.
fn right_hand_inner<T: Real>(
    ratio: T,
    sums: &Sums<'_, T>,
    weights: &MatRef<'_, T>,
    change: &Change<'_, T>,
    scratch: &mut [T],
) -> f64 {
    let inner = |j: usize| {
        right_hand_column(ratio, sums, weights, j, scratch);
        reduce::dot(scratch, column(&as_ref(&change.weights), j))
    };
    (0..weights.ncols()).map(inner).sum()
}

fn right_hand_column<T: Real>(ratio: T, sums: &Sums<'_, T>, weights: &MatRef<'_, T>, j: usize, b: &mut [T]) {
    let mean = sums.input[j] / T::from_usize(sums.samples);
    let terms = column(&sums.cross, j).iter().zip(sums.residual).zip(column(weights, j));
    for (b, ((&c, &k), &w)) in b.iter_mut().zip(terms) {
        *b = k * mean - c - ratio * w;
    }
}

/// `d <- -k - D m`; returns `M |k|^2`.
fn centre_bias<T: Real>(sums: &Sums<'_, T>, change: &mut Change<'_, T>) -> f64 {
    let inverse_count = T::ONE / T::from_usize(sums.samples);
    for (d, &sum) in change.bias.iter_mut().zip(sums.residual) {
        *d = -sum * inverse_count;
    }
    let centred = sums.samples as f64 * reduce::sum_squares(change.bias);
    for j in 0..change.weights.ncols() {
        let mean = sums.input[j] * inverse_count;
        for (d, &w) in change.bias.iter_mut().zip(column(&as_ref(&change.weights), j)) {
            *d -= w * mean;
        }
    }
    centred
}
