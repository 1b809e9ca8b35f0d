//! The joint least-squares step of weights and bias in its dual form: a matrix of samples x samples takes the place of one
//! of inputs x inputs.
//!
//! The step is that of [`reduce`](super::reduce()) with [`StepRule::LeastSquares`](crate::update::StepRule::LeastSquares), the
//! minimiser over D and d of `(w/2)|r + D p + d 1'|^2 + (w delta/2)|D|^2 + (lambda/2)|W + D|^2` with
//! `delta = damping * trace(S_c)/n_in`. With the centred `p_c`, `r_c`, `a = delta + lambda/w` and `K = p_c' p_c` (m x m),
//! since `p_c' (p_c p_c' + a I)^-1 = (K + a I)^-1 p_c'`:
//!
//! `D = -r~ p_c' - s W` with `r~ = (r_c - s W p_c)(K + a I)^-1` and the shrinkage `s = lambda/(w a)`,
//! `d = -k - D m`, for the row means k of r and m of p.
//!
//! The step is step 4 of proximal back-propagation with an implicit step of the weights (Frerix et al., ICLR 2018, section 3);
//! `(S_c + a I)^-1` on the right of a gradient is also FOOF's preconditioner (Benzing, ICML 2022).
//!
//! In units of n_out n_in m multiply-adds: `m/(2 n_out)` for K, `m/n_in` for the solve and one for `r~ p_c'`, which is what a
//! gradient costs; nothing of n_in x n_in is touched. Cheaper than the primal form where m < n_in.

use super::least_squares::l2_weight;
use crate::cholesky;
use crate::error::{Error, Result, require_not_negative, require_positive};
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::sums::add_columns;
use crate::view::{
    MatMut, MatRef, as_ref, column, column_mut, columns, reborrow, require_length, require_size,
};
use crate::workspace::{Requirement, Stack};

/// Columns of K that are made at a time, from the diagonal down.
const STRIPE: usize = 64;

/// What [`solve()`] found, for [`add_step`] to make the step of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Solution<T> {
    /// `s`, the share of W that an l2 regulariser takes; 0 without one.
    pub shrinkage: T,
}

/// Solves for the step of weights W (n_out x n_in) and bias: `p` (n_in x m) becomes `p_c`, `r` (n_out x m) becomes `r~`, and
/// `bias_change` (n_out) the bias's step `d`.
///
/// Without samples, and for inputs that are constant over them, `r~` is zero: W stays, but for the shrinkage.
///
/// # Errors
/// [`Setting`](Error::Setting) (l1 among them), [`Shape`](Error::Shape), [`Workspace`](Error::Workspace) below
/// [`solve_workspace`]; [`NonFinite`](Error::NonFinite) if `p` or `r` are not finite, [`Singular`](Error::Singular) if the
/// damping is lost in rounding. `p`, `r` and `bias_change` are then of no use.
pub fn solve<T: Real, G: Gemm<T>>(
    gemm: &G,
    damping: T,
    w: T,
    regularizer: Regularizer<T>,
    weights: &MatRef<'_, T>,
    p: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    bias_change: &mut [T],
    mut stack: Stack<'_, T>,
) -> Result<Solution<T>> {
    let ((n_out, n_in), m) = (weights.shape(), p.ncols());
    require_positive("damping", damping.to_f64())?;
    require_positive("w", w.to_f64())?;
    regularizer.validate()?;
    let ratio = l2_weight(regularizer)?.to_f64() / w.to_f64();
    require_size("p", p.shape(), (n_in, m))?;
    require_size("r", r.shape(), (n_out, m))?;
    require_length("bias_change", bias_change.len(), n_out)?;
    stack.require(solve_workspace(gemm, n_out, n_in, m))?;
    if m == 0 {
        bias_change.fill(T::ZERO);
        return Ok(Solution { shrinkage: T::ZERO });
    }
    let mean = stack.vector(n_in)?;
    let raw = centre(p, mean, stack.rest())?;
    centre(r, bias_change, stack.rest())?;
    let trace = spread(&as_ref(p), raw);
    if !trace.is_finite() {
        return Err(Error::NonFinite { quantity: "the sum p p'" });
    }
    let shift = damping.to_f64() * trace / n_in.max(1) as f64 + ratio;
    let shrinkage = T::from_f64(if ratio > 0.0 { ratio / shift } else { 0.0 });
    bias_change.iter_mut().for_each(|d| *d = -*d);
    if trace > 0.0 {
        if ratio > 0.0 {
            gemm.gemm(
                -shrinkage,
                *weights,
                Transpose::No,
                as_ref(p),
                Transpose::No,
                T::ONE,
                reborrow(r),
                stack.rest(),
            )?;
        }
        let mut k = stack.matrix(m, m)?;
        gram(gemm, &as_ref(p), &mut k, stack.rest())?;
        (0..m).for_each(|j| k[(j, j)] += T::from_f64(shift));
        cholesky::factor(gemm, reborrow(&mut k), stack.rest())?;
        cholesky::solve_right(gemm, as_ref(&k), reborrow(r), stack.rest())?;
        // d <- -k + r~ (p_c' m)
        for j in 0..m {
            let along = T::from_f64(reduce::dot(column(&as_ref(p), j), mean));
            for (d, &r) in bias_change.iter_mut().zip(column(&as_ref(r), j)) {
                *d += along * r;
            }
        }
    } else {
        r.fill(T::ZERO);
    }
    if ratio > 0.0 {
        for (j, &mean) in mean.iter().enumerate() {
            for (d, &w) in bias_change.iter_mut().zip(column(weights, j)) {
                *d += shrinkage * mean * w;
            }
        }
    }
    if !reduce::sum_squares(bias_change).is_finite() {
        return Err(Error::NonFinite { quantity: "the step of the weights" });
    }
    Ok(Solution { shrinkage })
}

/// Scratch of [`solve()`].
pub fn solve_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize, m: usize) -> Requirement {
    let gram = gemm.workspace(m, m.min(STRIPE), n_in);
    let solve = cholesky::factor_workspace(gemm, m).or(cholesky::solve_right_workspace(gemm, n_out, m));
    Requirement::vector(n_in).and(
        Requirement::vector(n_out.max(n_in))
            .or(gemm.workspace(n_out, m, n_in))
            .or(Requirement::matrix(m, m).and(gram.or(solve))),
    )
}

/// `V <- momentum V + D` for some columns of W: those of `p` as rows. `solved` (n_out x m) is [`solve()`]'s `r~`, `p` the
/// columns' rows of its `p_c` (columns x m), `weights` and `velocity` the columns of W before the step and of V.
///
/// One product of n_out x columns x m, the one that a gradient takes.
///
/// # Errors
/// [`Setting`](Error::Setting) naming `momentum` below 0, [`Shape`](Error::Shape), [`Workspace`](Error::Workspace) below
/// [`add_step_workspace`].
pub fn add_step<T: Real, G: Gemm<T>>(
    gemm: &G,
    solution: Solution<T>,
    momentum: T,
    weights: &MatRef<'_, T>,
    solved: &MatRef<'_, T>,
    p: &MatRef<'_, T>,
    velocity: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    require_not_negative("momentum", momentum.to_f64())?;
    let ((n_out, columns), m) = (weights.shape(), p.ncols());
    require_size("p", p.shape(), (columns, m))?;
    require_size("solved", solved.shape(), (n_out, m))?;
    require_size("velocity", velocity.shape(), (n_out, columns))?;
    stack.require(add_step_workspace(gemm, n_out, columns, m))?;
    gemm.gemm(-T::ONE, *solved, Transpose::No, *p, Transpose::Yes, momentum, reborrow(velocity), stack)?;
    if solution.shrinkage != T::ZERO {
        for j in 0..weights.ncols() {
            for (v, &w) in column_mut(velocity, j).iter_mut().zip(column(weights, j)) {
                *v += -solution.shrinkage * w;
            }
        }
    }
    Ok(())
}

/// Scratch of [`add_step`].
pub fn add_step_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    n_out: usize,
    columns: usize,
    m: usize,
) -> Requirement {
    gemm.workspace(n_out, columns, m)
}

/// Takes the row means from a matrix; returns the largest of them by magnitude.
fn centre<T: Real>(matrix: &mut MatMut<'_, T>, mean: &mut [T], stack: Stack<'_, T>) -> Result<f64> {
    mean.fill(T::ZERO);
    add_columns(&as_ref(matrix), mean, stack)?;
    let inverse_count = T::ONE / T::from_usize(matrix.ncols());
    mean.iter_mut().for_each(|mean| *mean *= inverse_count);
    for j in 0..matrix.ncols() {
        for (x, &mean) in column_mut(matrix, j).iter_mut().zip(&*mean) {
            *x -= mean;
        }
    }
    Ok(reduce::max_abs(mean).to_f64())
}

/// `|p_c|^2`; 0 where what is left after centring is rounding of the means, the largest of which is `mean`.
fn spread<T: Real>(p: &MatRef<'_, T>, mean: f64) -> f64 {
    let found: f64 = (0..p.ncols()).map(|j| reduce::sum_squares(column(p, j))).sum();
    // A mean of m equal numbers, of blocks of them, is off by a few units in the last place.
    let rounding = 16.0 * T::EPSILON.to_f64() * mean;
    if found <= rounding * rounding * (p.nrows() * p.ncols()) as f64 { 0.0 } else { found }
}

/// The lower triangle of `K <- p' p`.
fn gram<T: Real, G: Gemm<T>>(
    gemm: &G,
    p: &MatRef<'_, T>,
    k: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    let m = p.ncols();
    for start in (0..m).step_by(STRIPE) {
        let width = STRIPE.min(m - start);
        let target = k.view_mut((start, start), (m - start, width));
        let (below, stripe) = (columns(p, start, m - start), columns(p, start, width));
        gemm.gemm(T::ONE, below, Transpose::Yes, stripe, Transpose::No, T::ZERO, target, stack.rest())?;
    }
    Ok(())
}
