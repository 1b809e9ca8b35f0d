//! The subproblem updates, one file a variable.
//!
//! Everything but the small n x n solves is separable over samples, so an update is cut into three steps:
//!
//! 1. **map** over a tile of columns: the input update ([`input`]), then the tile joins the sums ([`sums`]);
//! 2. **reduce**: weights and bias from the sums alone ([`weights`]);
//! 3. **apply** over tiles: the residual follows the weights ([`weights::apply`]), then the elementwise updates
//!    ([`hidden`], [`output`], [`copy`], [`dual`]) while the tile is in cache.
//!
//! All of them keep the linear residual `r = W p + b - z` up to date, so that no product is spent on it again.

pub mod copy;
pub mod dual;
pub mod extrapolation;
pub mod hidden;
pub mod input;
pub mod interval;
pub mod output;
pub mod sums;
pub mod weights;

use crate::choice::choice;
use crate::error::{Error, Result, require_positive};
use crate::real::Real;

/// The first step parameter that backtracking tries, and the factor by which it grows, where nobody says otherwise: the papers
/// leave both open. A start below every legal parameter seen makes the search find the first power above the smallest legal
/// one.
pub const BACKTRACKING: (f64, f64) = (1e-6, 2.0);

/// How far a majorised step goes: the choice of tau (inputs) or theta (weights).
///
/// A step `x - g/tau` is legal when `phi(x - g/tau) <= U(x - g/tau; tau)`, the test of pdADMM's equations 1 and 2 and
/// of dlADMM's Algorithms 2 and 3. Since phi is quadratic the smallest legal parameter is known in closed form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepRule<T> {
    /// The smallest legal tau for every column of the input, theta for every row of the weights: an exact line search
    /// each. The papers' vectors (dlADMM, DLAM); Lemma 1 of pdADMM holds column by column and row by row.
    Vector,
    /// The smallest legal scalar for the whole layer (pdADMM as printed).
    Scalar,
    /// The papers' backtracking: `start`, multiplied by `factor` until it is legal, one scalar a layer.
    Backtracking {
        /// The first parameter tried, above 0.
        start: T,
        /// What it is multiplied with, at least 1.001: a factor nearer to 1 would take millions of trials.
        factor: T,
    },
    /// The exact minimiser: joint least squares for (W, b) with a proximal term, one linear solve for an input.
    LeastSquares {
        /// Proximal weight relative to the mean eigenvalue of the centred `p p'`; above 0. The input's solve has the
        /// coupling weight for that and takes no notice of it.
        damping: T,
    },
}

/// A [`StepRule`] without its numbers, as people choose it by a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepRuleKind {
    /// [`StepRule::Vector`].
    Vector,
    /// [`StepRule::Scalar`].
    Scalar,
    /// [`StepRule::Backtracking`].
    Backtracking,
    /// [`StepRule::LeastSquares`].
    LeastSquares,
}

choice! { StepRuleKind, "step":
    Vector, 0, "vector",
        "One exact step length for each row of W and each sample of the input, in closed form (dlADMM eq. 3 and 9)";
    Scalar, 1, "scalar", "One exact step length for each layer, in closed form (pdADMM eq. 1 and 2)";
    Backtracking, 2, "backtracking",
        "Backtracking as in the papers: double the step parameter until the test is met (dlADMM Algorithms 2 and 3)";
    LeastSquares, 3, "least-squares",
        "Damped exact solution by one Cholesky factorisation; not in the papers, needs the fewest sweeps";
}

impl StepRuleKind {
    /// The rule with this damping, if it is least squares, and the first parameter and the factor of backtracking, if it
    /// is that.
    pub fn rule<T: Real>(self, (start, factor): (f64, f64), damping: f64) -> StepRule<T> {
        match self {
            Self::Vector => StepRule::Vector,
            Self::Scalar => StepRule::Scalar,
            Self::Backtracking => {
                StepRule::Backtracking { start: T::from_f64(start), factor: T::from_f64(factor) }
            }
            Self::LeastSquares => StepRule::LeastSquares { damping: T::from_f64(damping) },
        }
    }
}

impl<T: Real> StepRule<T> {
    /// `Ok` when every parameter is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn validate(&self) -> Result {
        match *self {
            StepRule::Vector | StepRule::Scalar => Ok(()),
            StepRule::Backtracking { start, factor } => {
                require_positive("backtracking start", start.to_f64())?;
                let factor = factor.to_f64();
                if factor.is_finite() && factor >= 1.001 {
                    Ok(())
                } else {
                    Err(Error::Setting {
                        name: "backtracking factor",
                        found: factor,
                        expected: "a finite number, 1.001 or above",
                    })
                }
            }
            StepRule::LeastSquares { damping } => require_positive("damping", damping.to_f64()),
        }
    }
}

/// The first of `start, start * factor, ...` that is legal, but no more than `cap`, which always is.
fn backtrack<T: Real>(start: T, factor: T, cap: T, legal: impl Fn(T) -> bool) -> T {
    let mut parameter = start;
    while parameter < cap && !legal(parameter) {
        let next = parameter * factor;
        // A subnormal start times a small factor may round to itself, and would forever.
        parameter = if next > parameter { next } else { cap };
    }
    parameter.min(cap)
}

/// A step whose parameter is the quotient of the very curvature and length that are compared must pass: where the two
/// sides of the test are equal but for rounding.
fn rounding_slack<T: Real>() -> T {
    T::ONE + T::from_f64(64.0) * T::EPSILON
}
