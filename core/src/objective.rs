//! The methods' Lagrangians, term by term.
//!
//! Each function takes a tile and returns its share, summed in double precision over the columns in order. Whoever
//! holds the whole state adds up tiles, layers, the risk R and the regularisers Omega.

use crate::activation::Activation;
use crate::error::{Result, require_positive};
use crate::real::Real;
use crate::reduce;
use crate::view::{MatRef, column, require_size};
use crate::workspace::{Requirement, Stack};

/// Sums of a hidden layer in pdADMM's Lagrangian (the equation before its Algorithm 1).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CopyTerms {
    /// `|q - f(z)|^2`, weight nu/2.
    pub activation: f64,
    /// `<u, p_next - q>`.
    pub dual: f64,
    /// `|p_next - q|^2`, weight rho/2; its root over all layers is the primal residual.
    pub gap: f64,
}

impl CopyTerms {
    /// Adds another part.
    pub fn add(&mut self, other: Self) {
        self.activation += other.activation;
        self.dual += other.dual;
        self.gap += other.gap;
    }

    /// `(nu/2)|q - f(z)|^2 + <u, p_next - q> + (rho/2)|p_next - q|^2`.
    pub fn value(&self, nu: f64, rho: f64) -> f64 {
        0.5 * nu * self.activation + self.dual + 0.5 * rho * self.gap
    }
}

/// The dual of a hidden layer's tile.
#[derive(Debug, Clone, Copy)]
pub enum Dual<'a, T: Real> {
    /// `u = nu (q - f(z))`, pdADMM's Lemma 4.
    Recovered {
        /// The weight nu.
        nu: T,
    },
    /// Stored, n_out x m.
    Stored(MatRef<'a, T>),
}

/// pdADMM's terms of a hidden layer; `q`, `z` and `p_next` are n_out x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`copy_terms_workspace`].
pub fn copy_terms<T: Real>(
    activation: Activation<T>,
    dual: Dual<'_, T>,
    q: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    p_next: &MatRef<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<CopyTerms> {
    require_size("z", z.shape(), q.shape())?;
    require_size("p_next", p_next.shape(), q.shape())?;
    if let Dual::Stored(u) = dual {
        require_size("u", u.shape(), q.shape())?;
    }
    stack.require(copy_terms_workspace(q.nrows()))?;
    let (deviation, gap) = (stack.vector(q.nrows())?, stack.vector(q.nrows())?);
    let mut terms = CopyTerms::default();
    for j in 0..q.ncols() {
        let q = column(q, j);
        activation.apply(column(z, j), deviation)?;
        for (f, &q) in deviation.iter_mut().zip(q) {
            *f = q - *f;
        }
        for ((gap, &p), &q) in gap.iter_mut().zip(column(p_next, j)).zip(q) {
            *gap = p - q;
        }
        terms.activation += reduce::sum_squares(deviation);
        terms.gap += reduce::sum_squares(gap);
        terms.dual += match dual {
            Dual::Recovered { nu } => nu.to_f64() * reduce::dot(deviation, gap),
            Dual::Stored(u) => reduce::dot(column(&u, j), gap),
        };
    }
    Ok(terms)
}

/// Scratch of [`copy_terms`]: two columns.
pub fn copy_terms_workspace(n_out: usize) -> Requirement {
    Requirement::matrix(n_out, 2)
}

/// `|a - f(z)|^2` of a tile, dlADMM's penalty of a hidden layer (equation 1, weight nu/2); both n_out x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below
/// [`activation_gap_workspace`].
pub fn activation_gap<T: Real>(
    activation: Activation<T>,
    a: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<f64> {
    require_size("z", z.shape(), a.shape())?;
    let deviation = stack.vector(a.nrows())?;
    let mut sum = 0.0;
    for j in 0..a.ncols() {
        activation.apply(column(z, j), deviation)?;
        for (f, &a) in deviation.iter_mut().zip(column(a, j)) {
            *f = a - *f;
        }
        sum += reduce::sum_squares(deviation);
    }
    Ok(sum)
}

/// Scratch of [`activation_gap`]: a column.
pub fn activation_gap_workspace(n_out: usize) -> Requirement {
    Requirement::vector(n_out)
}

/// The last layer's constraint in dlADMM (equation 1).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ConstraintTerms {
    /// `<u, z - W a - b>`.
    pub dual: f64,
    /// `|z - W a - b|^2`, weight rho/2; its root is the primal residual.
    pub gap: f64,
}

impl ConstraintTerms {
    /// Adds another part.
    pub fn add(&mut self, other: Self) {
        self.dual += other.dual;
        self.gap += other.gap;
    }

    /// `<u, z - W a - b> + (rho/2)|z - W a - b|^2`.
    pub fn value(&self, rho: f64) -> f64 {
        self.dual + 0.5 * rho * self.gap
    }
}

/// dlADMM's constraint terms of a tile from the shifted residual `r = W a + b - z - u/rho` and `u`, both n_out x m,
/// `rho > 0`.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Setting`](crate::error::Error::Setting).
pub fn constraint_terms<T: Real>(rho: T, r: &MatRef<'_, T>, u: &MatRef<'_, T>) -> Result<ConstraintTerms> {
    require_size("u", u.shape(), r.shape())?;
    require_positive("rho", rho.to_f64())?;
    let inverse = T::ONE / rho;
    let mut terms = ConstraintTerms::default();
    for j in 0..r.ncols() {
        for (&r, &u) in column(r, j).iter().zip(column(u, j)) {
            let residual = -(r + inverse * u);
            terms.dual += (u * residual).to_f64();
            terms.gap += (residual * residual).to_f64();
        }
    }
    Ok(terms)
}

/// `|r|^2` of a tile, weight w/2.
pub fn squared<T: Real>(r: &MatRef<'_, T>) -> f64 {
    (0..r.ncols()).map(|j| reduce::sum_squares(column(r, j))).sum()
}
