//! The linear variable of the last layer (pdADMM equation 5; dlADMM equations 5 and 15).

use crate::error::{Result, require_positive};
use crate::loss::{Loss, OutputReport, OutputSolver, Target, solve_output, solve_output_workspace};
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, as_ref, column, column_mut, reborrow, require_size};
use crate::workspace::{Requirement, Stack};

/// Iterations at most for one sample. Newton takes 20 from far away; FISTA, with `sqrt((H + mu)/mu)` for each factor of
/// e, meets the bound within it down to mu of about 1e-4, and is reported as capped below that.
pub const ITERATIONS: usize = 5000;

/// What the update did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Solved {
    /// `|dz|^2`, summed over the tile.
    pub squared: f64,
    /// The solver's own account.
    pub report: OutputReport,
}

/// **apply**: `z <- argmin R(z; y) + (mu/2)|z - c|^2`, separable over samples, to the KKT bound of [`solve_output`].
///
/// `z` and `r = c - z` are n_out x m and move together. In pdADMM `mu = nu` and `c = W p + b`; in dlADMM `mu = rho` and
/// `c = W a + b - u/rho`, so that `r` is the shifted residual.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Setting`](crate::error::Error::Setting),
/// [`Workspace`](crate::error::Error::Workspace) below [`step_workspace`],
/// [`NonFinite`](crate::error::Error::NonFinite) if `r` or `z` is.
pub fn step<T: Real>(
    loss: Loss,
    solver: OutputSolver,
    mu: T,
    target: Target<'_, T>,
    z: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<Solved> {
    // The solver checks these again, but by then r has been written.
    require_positive("mu", mu.to_f64())?;
    require_size("r", r.shape(), z.shape())?;
    let (n, m) = z.shape();
    loss.check_target(target, n, m)?;
    stack.require(step_workspace::<T>(loss, solver, n, m))?;
    let mut old = stack.matrix(n, m)?;
    crate::view::copy(&as_ref(z), &mut old);
    for j in 0..m {
        for (r, &z) in column_mut(r, j).iter_mut().zip(column(&as_ref(z), j)) {
            *r += z;
        }
    }
    let report = solve_output(loss, solver, mu, as_ref(r), target, reborrow(z), ITERATIONS, stack)?;
    let mut squared = 0.0;
    for j in 0..m {
        let old = column_mut(&mut old, j);
        for ((r, old), &z) in column_mut(r, j).iter_mut().zip(old.iter_mut()).zip(column(&as_ref(z), j)) {
            *r -= z;
            *old -= z;
        }
        squared += reduce::sum_squares(old);
    }
    Ok(Solved { squared, report })
}

/// Scratch of [`step`]: the old `z` and the solver's.
pub fn step_workspace<T: Real>(loss: Loss, solver: OutputSolver, n_out: usize, m: usize) -> Requirement {
    Requirement::matrix(n_out, m).and(solve_output_workspace::<T>(loss, solver, n_out))
}
