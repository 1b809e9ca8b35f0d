//! The output layer's z-subproblem, `min_z R(z; y) + (mu/2)|z - c|^2`, column by column.

use super::{Loss, Target};
use crate::choice::choice;
use crate::error::{Error, Result, require_positive};
use crate::real::Real;
use crate::reduce::max_abs;
use crate::view::{self, MatMut, MatRef, require_size};
use crate::workspace::{Requirement, Stack};

/// How the output subproblem is solved where it has no closed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputSolver {
    /// Newton's method, the full step halved until the objective falls. The Hessian `diag(s) - s s' + mu I` is
    /// inverted by the formula of Sherman and Morrison. A handful of iterations from a near start. Some columns are
    /// solved side by side; what becomes of a column does not depend on the others, to the bit.
    Newton,
    /// FISTA (Beck and Teboulle 2009), as the papers have it (dlADMM equations 5 and 15, pdADMM equation 5), with
    /// step `1/(H + mu)` and its momentum restarted whenever it points uphill. Linear convergence, slow for small mu.
    Fista,
}

choice! { OutputSolver, "solver":
    Newton, 0, "newton",
        "Newton's method, the full step halved until the objective falls: a handful of iterations from a near start";
    Fista, 1, "fista",
        "FISTA, as the papers have it, with its momentum restarted where it points uphill: slow for small mu";
}

/// What the output subproblem's solver met over the columns of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OutputReport {
    /// The largest KKT residual `|grad R(z) + mu (z - c)|` over all entries of all columns.
    pub residual: f64,
    /// The most iterations that a column took.
    pub iterations: usize,
    /// Columns that stopped at the iteration cap, above their tolerance.
    pub capped: usize,
}

impl OutputReport {
    /// The report for two tiles together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            residual: self.residual.max(other.residual),
            iterations: self.iterations.max(other.iterations),
            capped: self.capped + other.capped,
        }
    }
}

/// The factor k of [`kkt_tolerance`].
pub const KKT_FACTOR: f64 = 4.0;

/// The KKT residual at which a column counts as solved:
/// `k EPSILON (max(1, |y|) + (H + mu)|z| + mu |c|)`, all norms the largest absolute value, k = [`KKT_FACTOR`].
///
/// `magnitudes` are `|y|`, `|z|` and `|c|`. Each term is one of rounding: of `grad R`, whose parts are of size 1 or
/// `|y|`; of `z` itself, which moves `grad R + mu z` by up to `(H + mu)|z| EPSILON/2` from one number to the next,
/// so that no smaller residual may exist; and of `mu c`. It is thus within reach in `f32` as in `f64`.
pub fn kkt_tolerance<T: Real>(loss: Loss, mu: T, magnitudes: (T, T, T)) -> f64 {
    let (y, z, c) = magnitudes;
    let (mu, lipschitz) = (mu.to_f64(), loss.lipschitz::<T>().to_f64());
    let scale = y.to_f64().max(1.0) + (lipschitz + mu) * z.to_f64() + mu * c.to_f64();
    KKT_FACTOR * T::EPSILON.to_f64() * scale
}

/// Scratch for [`solve_output`] with `rows` outputs, whatever the number of columns: 72 vectors for Newton (9 for each of
/// 8 columns side by side), 6 for FISTA, none where there is a closed form.
pub fn solve_output_workspace<T: Real>(loss: Loss, solver: OutputSolver, rows: usize) -> Requirement {
    Requirement::matrix(rows, loss.solver_vectors(solver))
}

/// Minimises `R(z; y) + (mu/2)|z - c|^2` over z: the output layer's z-update (dlADMM equations 5 and 15, pdADMM
/// equation 5).
///
/// c, z: n x m, target: m classes or n x m values, mu: finite and positive (tried from 1e-6 to 1e4). `z` holds the
/// start and receives the solution; the columns do not influence one another. `iterations` caps a column's
/// iterations. Newton took at most 37 over mu from 1e-6 to 1e4 and |c| up to 1e3 (19 from |c| = 30 at mu = 0.01, 2 to
/// 5 from the solution of a problem near by): 60 is ample. FISTA needs about `sqrt((H + mu)/mu)` for each factor of e.
///
/// A column whose class has the weight w is `w` times the problem with `mu/w`, and is solved as that one; its KKT residual is
/// w times that of the other.
///
/// Cross-entropy: each column is iterated until its KKT residual is at most [`kkt_tolerance`]. A column that the cap
/// stops has an objective not above that of its start. Least squares: closed form `(y + mu c)/(1 + mu)`, for which
/// the solver, the cap and the start do not matter.
///
/// # Errors
/// Before anything is written: [`Error::Setting`] naming `mu`; [`Error::Shape`] naming `c`; those of
/// [`Loss::check_target`]; [`Error::Workspace`]. [`Error::NonFinite`] if a column of `c`, of the start or of the
/// solution is not finite: earlier columns are then solved, that one and later ones are of no use, and the error is that
/// of the first such column.
pub fn solve_output<T: Real>(
    loss: Loss,
    solver: OutputSolver,
    mu: T,
    c: MatRef<'_, T>,
    target: Target<'_, T>,
    mut z: MatMut<'_, T>,
    iterations: usize,
    mut stack: Stack<'_, T>,
) -> Result<OutputReport> {
    require_positive("mu", mu.to_f64())?;
    let (rows, columns) = z.shape();
    require_size("c", c.shape(), (rows, columns))?;
    loss.check_target(target, rows, columns)?;
    stack.require(solve_output_workspace::<T>(loss, solver, rows))?;
    let mut report = OutputReport::default();
    for (span, weight) in target.spans_of_weight() {
        let (start, count) = (span.start, span.len());
        let (c, target) = (view::columns(&c, start, count), target.columns(start, count));
        let z = view::columns_mut(&mut z, start, count);
        let of_span = loss.solve(solver, mu / weight, c, target, z, iterations, stack.rest())?;
        report = report.merge(OutputReport { residual: weight.to_f64() * of_span.residual, ..of_span });
    }
    Ok(report)
}

pub(super) fn require_finite<T: Real>(z: &[T]) -> Result {
    if max_abs(z).is_finite() { Ok(()) } else { Err(Error::NonFinite { quantity: "z of the output layer" }) }
}
