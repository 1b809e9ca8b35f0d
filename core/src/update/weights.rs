//! Weights and bias of a layer: pdADMM equations 2 and 3; dlADMM equations 6, 7, 9, 11, 12 and 13.
//!
//! Objective `phi(W, b) = (w/2)|W p + b - z|^2 + Omega(W)`, separable over the rows of W. A step is `W <- W + D`,
//! `b <- b + d`, and the residual follows: `r <- r + D p + d 1'`.
//!
//! Everything is found from the sums `C = r p'`, `S = p p'`, `r 1` and `p 1` over the samples; for row i of the
//! gradient `G = w C` the smallest legal theta is `w (G_i S G_i')/|G_i|^2`, without a pass over the samples.

pub mod dual;
mod least_squares;
mod majorised;

use super::StepRule;
use super::sums::{Sums, add_slice};
use crate::error::{Result, require_positive};
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, reborrow, require_length, require_size};
use crate::workspace::{Requirement, Stack};

pub use least_squares::{Factor, factor, factor_workspace};

/// Which of the two moves first. Least-squares steps move both at once and take no notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// W, then b (pdADMM; forward pass of dlADMM).
    WeightsFirst,
    /// b, then W (backward pass of dlADMM).
    BiasFirst,
}

/// What a step of weights and bias did to its objective.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reduced {
    /// The decrease that is promised: `sum (theta_i/2)|D_i|^2 + (w/2) M |d|^2` for a majorised step, section 2's
    /// `(w/2)|change of r|^2 + w delta |D|^2 [+ (lambda/2)|D|^2]` for least squares.
    pub promised: f64,
    /// `|D|^2`.
    pub weights_squared: f64,
    /// `|d|^2`.
    pub bias_squared: f64,
}

/// The step's change, for the residual to follow.
#[derive(Debug)]
pub struct Change<'a, T: Real> {
    /// `D`, n_out x n_in.
    pub weights: MatMut<'a, T>,
    /// `d`, n_out.
    pub bias: &'a mut [T],
}

/// **reduce**: one step of weights (n_out x n_in) and bias (n_out) from the sums of all samples; writes its `change`.
///
/// - [`StepRule::Vector`], [`StepRule::Scalar`], [`StepRule::Backtracking`]: majorised, `D = -G/theta` or the
///   regulariser's proximal step, rows with `G_i = 0` stay unless the regulariser moves them; the bias is the exact
///   minimiser, `b <- b - rowmean(r)`. The objective falls by at least `sum (theta_i/2)|D_i|^2` and `(w/2) M |d|^2`.
/// - [`StepRule::LeastSquares`]: the exact joint minimiser of phi plus `(w delta/2)|D|^2`, with
///   `delta = damping * trace(S_c)/n_in`. `factored` saves the Cholesky factorisation where S does not change.
///
/// With no samples nothing moves.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting) (l1 with least squares among them), [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`reduce_workspace`],
/// [`NonFinite`](crate::error::Error::NonFinite) if the sums or the change are,
/// [`Singular`](crate::error::Error::Singular) if the damping is lost in rounding. Weights and bias are then untouched.
pub fn reduce<T: Real, G: Gemm<T>>(
    gemm: &G,
    rule: &StepRule<T>,
    order: Order,
    w: T,
    regularizer: Regularizer<T>,
    sums: &Sums<'_, T>,
    factored: Option<&Factor<'_, T>>,
    weights: &mut MatMut<'_, T>,
    bias: &mut [T],
    change: &mut Change<'_, T>,
    stack: Stack<'_, T>,
) -> Result<Reduced> {
    require_length("bias", bias.len(), weights.nrows())?;
    let old = as_ref(weights);
    let reduced = direction(gemm, rule, order, w, regularizer, sums, factored, &old, change, stack)?;
    for j in 0..weights.ncols() {
        add_slice(column(&as_ref(&change.weights), j), column_mut(weights, j));
    }
    add_slice(change.bias, bias);
    Ok(reduced)
}

/// The change of [`reduce()`] alone: weights and bias stay where they are.
///
/// # Errors
/// As [`reduce()`].
pub fn direction<T: Real, G: Gemm<T>>(
    gemm: &G,
    rule: &StepRule<T>,
    order: Order,
    w: T,
    regularizer: Regularizer<T>,
    sums: &Sums<'_, T>,
    factored: Option<&Factor<'_, T>>,
    weights: &MatRef<'_, T>,
    change: &mut Change<'_, T>,
    stack: Stack<'_, T>,
) -> Result<Reduced> {
    let (n_out, n_in) = weights.shape();
    rule.validate()?;
    regularizer.validate()?;
    require_positive("w", w.to_f64())?;
    require_sums(sums, n_out, n_in)?;
    require_size("change.weights", change.weights.shape(), (n_out, n_in))?;
    require_length("change.bias", change.bias.len(), n_out)?;
    stack.require(reduce_workspace(gemm, rule, n_out, n_in))?;
    if sums.samples == 0 {
        clear(change);
        return Ok(Reduced::default());
    }
    let reduced = match *rule {
        StepRule::LeastSquares { damping } => {
            least_squares::step(gemm, damping, w, regularizer, sums, factored, weights, change, stack)?
        }
        _ => majorised::step(gemm, rule, order, w, regularizer, sums, weights, change, stack)?,
    };
    require_finite(change)?;
    Ok(reduced)
}

/// Scratch of [`reduce()`].
pub fn reduce_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    rule: &StepRule<T>,
    n_out: usize,
    n_in: usize,
) -> Requirement {
    match rule {
        StepRule::LeastSquares { .. } => least_squares::step_workspace(gemm, n_out, n_in),
        _ => majorised::step_workspace(gemm, n_out, n_in),
    }
}

/// **apply**: the residual of a tile follows a step, `r <- r + D p + d 1'`: [`apply_weights`] and [`apply_bias`].
///
/// `p` is n_in x m, `r` n_out x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`apply_workspace`].
pub fn apply<T: Real, G: Gemm<T>>(
    gemm: &G,
    change: &MatRef<'_, T>,
    bias_change: &[T],
    p: &MatRef<'_, T>,
    r: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    require_length("bias_change", bias_change.len(), r.nrows())?;
    apply_weights(gemm, change, p, r, stack)?;
    apply_bias(bias_change, r)
}

/// The product of [`apply`], `r <- r + D p`.
///
/// # Errors
/// As [`apply`].
pub fn apply_weights<T: Real, G: Gemm<T>>(
    gemm: &G,
    change: &MatRef<'_, T>,
    p: &MatRef<'_, T>,
    r: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    require_size("change", change.shape(), (r.nrows(), p.nrows()))?;
    require_size("p", p.shape(), (p.nrows(), r.ncols()))?;
    stack.require(apply_workspace(gemm, r.nrows(), p.nrows(), r.ncols()))?;
    gemm.gemm(T::ONE, *change, Transpose::No, *p, Transpose::No, T::ONE, reborrow(r), stack)
}

/// The rest of [`apply`], `r <- r + d 1'`: elementwise, so that it can pass over a strip of a tile together with the
/// elementwise updates that follow.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn apply_bias<T: Real>(bias_change: &[T], r: &mut MatMut<'_, T>) -> Result {
    require_length("bias_change", bias_change.len(), r.nrows())?;
    for j in 0..r.ncols() {
        add_slice(bias_change, column_mut(r, j));
    }
    Ok(())
}

/// Scratch of [`apply`] for a tile of m columns: one product's.
pub fn apply_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) -> Requirement {
    gemm.workspace(n_out, m, n_in)
}

fn require_sums<T: Real>(sums: &Sums<'_, T>, n_out: usize, n_in: usize) -> Result {
    require_size("sums.cross", sums.cross.shape(), (n_out, n_in))?;
    require_size("sums.gram", sums.gram.shape(), (n_in, n_in))?;
    require_length("sums.residual", sums.residual.len(), n_out)?;
    require_length("sums.input", sums.input.len(), n_in)
}

fn require_finite<T: Real>(change: &Change<'_, T>) -> Result {
    let weights = as_ref(&change.weights);
    let all = (0..weights.ncols()).all(|j| reduce::sum_squares(column(&weights, j)).is_finite());
    if all && reduce::sum_squares(change.bias).is_finite() {
        Ok(())
    } else {
        Err(crate::error::Error::NonFinite { quantity: "the step of the weights" })
    }
}

fn clear<T: Real>(change: &mut Change<'_, T>) {
    for j in 0..change.weights.ncols() {
        column_mut(&mut change.weights, j).fill(T::ZERO);
    }
    change.bias.fill(T::ZERO);
}

/// `|A|^2` (Frobenius).
fn squared<T: Real>(matrix: &MatRef<'_, T>) -> f64 {
    (0..matrix.ncols()).map(|j| reduce::sum_squares(column(matrix, j))).sum()
}

/// `<A, B>`.
fn inner<T: Real>(a: &MatRef<'_, T>, b: &MatRef<'_, T>) -> f64 {
    (0..a.ncols()).map(|j| reduce::dot(column(a, j), column(b, j))).sum()
}
