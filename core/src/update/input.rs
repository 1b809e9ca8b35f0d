//! The input of a layer: `p` in pdADMM (equation 1), `a` in dlADMM (equations 3 and 16).
//!
//! Objective, separable over samples, with `r = W p + b - z`:
//!
//! `phi(p) = (w/2)|r|^2 + <u, p - t> + (c/2)|p - t|^2`
//!
//! - pdADMM: `w = nu`, `c = rho`, `t = q` and `u` of the layer below;
//! - dlADMM: `c = nu`, `t = f(z)` of the layer below, `u = 0`; `w = nu`, and `rho` for the last layer.
//!
//! A step first writes the coupling's gradient `u + c(p - t)` into a buffer `g`, by the function of its method. The
//! step completes it to `g = w W'r + u + c(p - t)`, and moves `p` and `r` together.
//!
//! `phi` is quadratic with Hessian `w W'W + c I`, so `phi(p - g/tau) <= U(p - g/tau; tau)` holds if and only if
//! `tau >= c + w|W g|^2/|g|^2`, column by column or for any set of columns together: no loop is needed.

mod coupling;

pub use coupling::{activation_coupling, copy_coupling, dual_coupling};

use super::{StepRule, backtrack};
use crate::cholesky;
use crate::error::{Error, Result, require_positive};
use crate::gemm::{Gemm, Transpose};
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// What the input's step knows before it meets the samples, made once a sweep from W.
#[derive(Debug, Clone, Copy)]
pub enum Prepared<'a, T: Real> {
    /// Each column finds its own tau ([`StepRule::Vector`]).
    Columns,
    /// One tau for the layer, from [`probe`] and [`scalar_tau`].
    Tau(T),
    /// `(w W'W + c I)^-1`, n_in x n_in, from [`invert_hessian`].
    Inverse(MatRef<'a, T>),
    /// `(w W W' + c I)^-1`, n_out x n_out, from [`invert_outer_hessian`]: the same step through Woodbury's identity,
    /// cheaper where the layer has far fewer outputs than inputs ([`StepKind::of`]).
    OuterInverse(MatRef<'a, T>),
}

/// What a step did to its objective.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moved {
    /// The decrease of phi that is promised: `sum (tau/2)|dp|^2` for a majorised step, `<g, dp>/2` for an exact one.
    pub promised: f64,
    /// `|dp|^2`, summed over the tile.
    pub squared: f64,
}

/// **map**: moves `p` and `r` by one step of equation 1 (pdADMM), 3 or 16 (dlADMM).
///
/// On entry `g` (n_in x m) holds the coupling's gradient, on exit that of phi at the old `p`. `weights` is n_out x n_in,
/// `p` n_in x m, `r` n_out x m; `w, c > 0`. Columns whose gradient is 0 stay.
///
/// Products: two of n_out x n_in x m (`W'r`, `W g`); with [`Prepared::Inverse`] one of n_in x n_in x m more, with
/// [`Prepared::OuterInverse`] two more like the first and one of n_out x n_out x m.
///
/// Majorised with [`Prepared::Columns`] and [`Prepared::Tau`] (phi falls by at least `(tau/2)|dp|^2`, Lemma 6 of pdADMM,
/// if tau is legal), exact with the other two.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting) for `w`, `c` or a tau that is not positive,
/// [`NonFinite`](crate::error::Error::NonFinite) for a tau that is not finite, [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`step_workspace`].
pub fn step<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    prepared: Prepared<'_, T>,
    g: &mut MatMut<'_, T>,
    p: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Moved> {
    let (n_out, n_in) = weights.shape();
    let m = r.ncols();
    require_size("p", p.shape(), (n_in, m))?;
    match prepared {
        Prepared::Columns => {}
        Prepared::Tau(tau) => require_tau(tau)?,
        Prepared::Inverse(inverse) => require_size("inverse", inverse.shape(), (n_in, n_in))?,
        Prepared::OuterInverse(inverse) => require_size("inverse", inverse.shape(), (n_out, n_out))?,
    }
    stack.require(step_workspace(gemm, prepared.kind(), n_out, n_in, m))?;
    complete_gradient(gemm, w, c, weights, &as_ref(r), g, stack.rest())?;
    let (one, no, yes) = (T::ONE, Transpose::No, Transpose::Yes);
    let mut step = stack.matrix(if prepared.kind() == StepKind::Gradient { n_out } else { n_in }, m)?;
    match prepared {
        Prepared::Columns | Prepared::Tau(_) => {
            multiply(gemm, one, weights, no, &as_ref(g), T::ZERO, &mut step, stack)?;
            return Ok(descend(w, c, prepared, &as_ref(g), &as_ref(&step), p, r));
        }
        Prepared::Inverse(inverse) => {
            multiply(gemm, one, &inverse, no, &as_ref(g), T::ZERO, &mut step, stack.rest())?;
        }
        Prepared::OuterInverse(inverse) => {
            // (w W'W + c I)^-1 g = (g - w W'(w W W' + c I)^-1 W g)/c
            let mut stack = stack.rest();
            let (mut h, mut e) = (stack.matrix(n_out, m)?, stack.matrix(n_out, m)?);
            multiply(gemm, one, weights, no, &as_ref(g), T::ZERO, &mut h, stack.rest())?;
            multiply(gemm, one, &inverse, no, &as_ref(&h), T::ZERO, &mut e, stack.rest())?;
            copy_scaled(one / c, &as_ref(g), &mut step);
            multiply(gemm, -w / c, weights, yes, &as_ref(&e), one, &mut step, stack)?;
        }
    }
    // The residual follows the step that was made, rounding included, or it would drift from W p + b - z.
    multiply(gemm, -one, weights, no, &as_ref(&step), one, r, stack)?;
    Ok(subtract(&as_ref(g), &as_ref(&step), p))
}

/// `C <- alpha op(A) B + beta C`.
fn multiply<T: Real, G: Gemm<T>>(
    gemm: &G,
    alpha: T,
    a: &MatRef<'_, T>,
    op_a: Transpose,
    b: &MatRef<'_, T>,
    beta: T,
    c: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    gemm.gemm(alpha, *a, op_a, *b, Transpose::No, beta, reborrow(c), stack)
}

fn copy_scaled<T: Real>(scale: T, from: &MatRef<'_, T>, to: &mut MatMut<'_, T>) {
    for j in 0..from.ncols() {
        for (to, &from) in column_mut(to, j).iter_mut().zip(column(from, j)) {
            *to = scale * from;
        }
    }
}

/// A tau from samples that have diverged is not finite; one that is not positive is no step parameter.
fn require_tau<T: Real>(tau: T) -> Result {
    if tau.is_finite() {
        require_positive("tau", tau.to_f64())
    } else {
        Err(Error::NonFinite { quantity: "tau" })
    }
}

impl<T: Real> Prepared<'_, T> {
    /// The kind of step, for the workspace query.
    pub fn kind(&self) -> StepKind {
        match self {
            Prepared::Columns | Prepared::Tau(_) => StepKind::Gradient,
            Prepared::Inverse(_) => StepKind::Exact,
            Prepared::OuterInverse(_) => StepKind::OuterExact,
        }
    }
}

/// Which buffers a step needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// Along the gradient: `W g`.
    Gradient,
    /// By the inverse Hessian: its product with the gradient.
    Exact,
    /// By the inverse of `w W W' + c I`.
    OuterExact,
}

impl StepKind {
    /// The kind of step that a rule takes in a layer of this shape: the exact step goes through the outputs where
    /// `2 n_out n_in + n_out^2 < n_in^2`, which makes its products fewer.
    pub fn of<T>(rule: &StepRule<T>, n_out: usize, n_in: usize) -> Self {
        match rule {
            StepRule::LeastSquares { .. } if 2 * n_out * n_in + n_out * n_out < n_in * n_in => {
                Self::OuterExact
            }
            StepRule::LeastSquares { .. } => Self::Exact,
            StepRule::Vector | StepRule::Scalar | StepRule::Backtracking { .. } => Self::Gradient,
        }
    }

    /// Rows and columns of the inverse that the step is prepared with; 0 for a gradient step.
    pub fn inverse_size(self, n_out: usize, n_in: usize) -> usize {
        match self {
            Self::Gradient => 0,
            Self::Exact => n_in,
            Self::OuterExact => n_out,
        }
    }
}

/// Scratch of [`step`]: a matrix of m columns, n_out rows for a gradient step and n_in for an exact one (and two of n_out
/// rows more for one through the outputs), and one product's.
pub fn step_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    kind: StepKind,
    n_out: usize,
    n_in: usize,
    m: usize,
) -> Requirement {
    let forward = gemm.workspace(n_out, m, n_in);
    let backward = gemm.workspace(n_in, m, n_out);
    let rest = match kind {
        StepKind::Gradient => Requirement::matrix(n_out, m).and(forward),
        StepKind::Exact => Requirement::matrix(n_in, m).and(forward.or(gemm.workspace(n_in, m, n_in))),
        StepKind::OuterExact => {
            let inner = forward.or(backward).or(gemm.workspace(n_out, m, n_out));
            let outputs = Requirement::matrix(n_out, m);
            Requirement::matrix(n_in, m).and(outputs).and(outputs).and(inner)
        }
    };
    backward.or(rest)
}

/// `g <- g + w W'r`.
fn complete_gradient<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    r: &MatRef<'_, T>,
    g: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    require_positive("w", w.to_f64())?;
    require_positive("c", c.to_f64())?;
    require_size("r", r.shape(), (weights.nrows(), r.ncols()))?;
    require_size("g", g.shape(), (weights.ncols(), r.ncols()))?;
    gemm.gemm(w, *weights, Transpose::Yes, *r, Transpose::No, T::ONE, reborrow(g), stack)
}

/// `p <- p - g/tau`, `r <- r - h/tau` with the tau of each column or of all.
fn descend<T: Real>(
    w: T,
    c: T,
    prepared: Prepared<'_, T>,
    g: &MatRef<'_, T>,
    h: &MatRef<'_, T>,
    p: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
) -> Moved {
    let mut moved = Moved::default();
    for j in 0..g.ncols() {
        let (g, h) = (column(g, j), column(h, j));
        let norm = reduce::sum_squares(g);
        if norm == 0.0 {
            continue;
        }
        let tau = match prepared {
            Prepared::Tau(tau) => tau.to_f64(),
            _ => smallest_tau(w, c, norm, reduce::sum_squares(h)),
        };
        let length = T::from_f64(1.0 / tau);
        for (p, &g) in column_mut(p, j).iter_mut().zip(g) {
            *p -= length * g;
        }
        for (r, &h) in column_mut(r, j).iter_mut().zip(h) {
            *r -= length * h;
        }
        moved.promised += 0.5 * norm / tau;
        moved.squared += norm / (tau * tau);
    }
    moved
}

/// `p <- p - d` for the exact step `d`, whose decrease is `<g, d>/2`.
fn subtract<T: Real>(g: &MatRef<'_, T>, d: &MatRef<'_, T>, p: &mut MatMut<'_, T>) -> Moved {
    let mut moved = Moved::default();
    for j in 0..d.ncols() {
        let d = column(d, j);
        for (p, &d) in column_mut(p, j).iter_mut().zip(d) {
            *p -= d;
        }
        moved.promised += 0.5 * reduce::dot(column(g, j), d);
        moved.squared += reduce::sum_squares(d);
    }
    moved
}

/// `c + w |h|^2/|g|^2`, the smallest tau that the papers' test accepts; `|g|^2` must not be 0.
fn smallest_tau<T: Real>(w: T, c: T, gradient_squared: f64, product_squared: f64) -> f64 {
    c.to_f64() + w.to_f64() * product_squared / gradient_squared
}

/// The sums over samples that a scalar tau needs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Probe {
    /// `|g|^2`.
    pub gradient_squared: f64,
    /// `|W g|^2`.
    pub product_squared: f64,
}

impl Probe {
    /// Adds another part of the samples.
    pub fn add(&mut self, other: Self) {
        self.gradient_squared += other.gradient_squared;
        self.product_squared += other.product_squared;
    }
}

/// **map** before a step with one tau a layer: `|g|^2` and `|W g|^2` of a tile; arguments, scratch
/// ([`StepKind::Gradient`]) and errors as [`step`].
///
/// Two products, which [`step`] makes again once tau is known: only [`StepRule::Scalar`] and
/// [`StepRule::Backtracking`] need them, which repeat published runs.
pub fn probe<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    g: &mut MatMut<'_, T>,
    r: &MatRef<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Probe> {
    let (n_out, n_in) = weights.shape();
    let m = r.ncols();
    stack.require(step_workspace(gemm, StepKind::Gradient, n_out, n_in, m))?;
    complete_gradient(gemm, w, c, weights, r, g, stack.rest())?;
    let mut h = stack.matrix(n_out, m)?;
    let target = reborrow(&mut h);
    gemm.gemm(T::ONE, *weights, Transpose::No, as_ref(g), Transpose::No, T::ZERO, target, stack)?;
    let mut sums = Probe::default();
    for j in 0..m {
        sums.gradient_squared += reduce::sum_squares(column(&as_ref(g), j));
        sums.product_squared += reduce::sum_squares(column(&as_ref(&h), j));
    }
    Ok(sums)
}

/// **reduce**: the scalar tau of a layer from its [`Probe`]: the smallest legal one for [`StepRule::Scalar`], the first
/// legal one of the sequence for [`StepRule::Backtracking`] (dlADMM, Algorithm 2), which ends at the cap
/// `c + w |W|^2` (Frobenius), legal for every gradient. Other rules have no scalar and get the cap.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting).
pub fn scalar_tau<T: Real>(
    rule: &StepRule<T>,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    probe: Probe,
) -> Result<T> {
    rule.validate()?;
    require_positive("w", w.to_f64())?;
    require_positive("c", c.to_f64())?;
    let norm: f64 = (0..weights.ncols()).map(|j| reduce::sum_squares(column(weights, j))).sum();
    let cap = T::from_f64(c.to_f64() + w.to_f64() * norm);
    if probe.gradient_squared == 0.0 {
        return Ok(cap);
    }
    let smallest = T::from_f64(smallest_tau(w, c, probe.gradient_squared, probe.product_squared));
    Ok(match *rule {
        StepRule::Scalar => smallest,
        StepRule::Backtracking { start, factor } => {
            backtrack(start, factor, cap.max(smallest), |tau| tau >= smallest)
        }
        StepRule::Vector | StepRule::LeastSquares { .. } => cap,
    })
}

/// **reduce**: `inverse <- (w W'W + c I)^-1`, the exact step's matrix; n_in x n_in, `weights` n_out x n_in, `w, c > 0`.
///
/// One product of n_in x n_in x n_out, one Cholesky factorisation and inversion, no pass over the samples.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting), [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace), and [`Singular`](crate::error::Error::Singular) if W is so large that
/// c is lost in rounding, or not finite.
pub fn invert_hessian<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    inverse: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    invert_shifted_square(gemm, w, c, weights, Transpose::Yes, inverse, stack)
}

/// **reduce**: `inverse <- (w W W' + c I)^-1`, n_out x n_out; otherwise as [`invert_hessian`].
///
/// # Errors
/// As [`invert_hessian`].
pub fn invert_outer_hessian<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    inverse: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    invert_shifted_square(gemm, w, c, weights, Transpose::No, inverse, stack)
}

/// `inverse <- (w op(W) op(W)' + c I)^-1`.
fn invert_shifted_square<T: Real, G: Gemm<T>>(
    gemm: &G,
    w: T,
    c: T,
    weights: &MatRef<'_, T>,
    op: Transpose,
    inverse: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    require_positive("w", w.to_f64())?;
    require_positive("c", c.to_f64())?;
    let (n, k) = op.shape(weights.shape());
    require_size("inverse", inverse.shape(), (n, n))?;
    stack.require(invert_workspace(gemm, n, k))?;
    let op_right = if op == Transpose::No { Transpose::Yes } else { Transpose::No };
    gemm.gemm(w, *weights, op, *weights, op_right, T::ZERO, reborrow(inverse), stack.rest())?;
    for i in 0..n {
        inverse[(i, i)] += c;
    }
    cholesky::factor(gemm, reborrow(inverse), stack.rest())?;
    cholesky::invert(gemm, reborrow(inverse), stack)
}

/// Scratch of [`invert_hessian`].
pub fn invert_hessian_workspace<T: Real, G: Gemm<T>>(gemm: &G, n_out: usize, n_in: usize) -> Requirement {
    invert_workspace(gemm, n_in, n_out)
}

/// Scratch of [`invert_outer_hessian`].
pub fn invert_outer_hessian_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    n_out: usize,
    n_in: usize,
) -> Requirement {
    invert_workspace(gemm, n_out, n_in)
}

fn invert_workspace<T: Real, G: Gemm<T>>(gemm: &G, n: usize, k: usize) -> Requirement {
    gemm.workspace(n, n, k).or(cholesky::factor_workspace(gemm, n)).or(cholesky::invert_workspace(gemm, n))
}
