//! The output copy of a layer (pdADMM equation 6).

use crate::activation::Activation;
use crate::error::{Result, require_positive};
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, MatRef, column, column_mut, require_size};
use crate::workspace::{Requirement, Stack};

/// **apply**: the exact minimiser of `(nu/2)|q - f(z)|^2 + <u, p_next - q> + (rho/2)|p_next - q|^2`:
///
/// `q <- (rho p_next + u + nu f(z))/(rho + nu)`
///
/// (the paper prints the case `rho = nu`). `p_next` is the next layer's new input, `u` the dual, `z` this layer's new
/// linear variable; all n_out x m. Returns `|dq|^2`.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`step_workspace`].
pub fn step<T: Real>(
    nu: T,
    rho: T,
    activation: Activation<T>,
    p_next: &MatRef<'_, T>,
    u: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    q: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<f64> {
    require_positive("nu", nu.to_f64())?;
    require_positive("rho", rho.to_f64())?;
    require_size("p_next", p_next.shape(), q.shape())?;
    require_size("u", u.shape(), q.shape())?;
    require_size("z", z.shape(), q.shape())?;
    let new = stack.vector(q.nrows())?;
    let scale = T::ONE / (rho + nu);
    let mut moved = 0.0;
    for j in 0..q.ncols() {
        activation.apply(column(z, j), new)?;
        for ((new, &p), &u) in new.iter_mut().zip(column(p_next, j)).zip(column(u, j)) {
            *new = scale * (rho * p + u + nu * *new);
        }
        for (q, new) in column_mut(q, j).iter_mut().zip(new.iter_mut()) {
            let change = *new - *q;
            *q = *new;
            *new = change;
        }
        moved += reduce::sum_squares(new);
    }
    Ok(moved)
}

/// **apply**, where nu changes between two sweeps: `q <- f(z) + ratio (q - f(z))` with `ratio = nu_old/nu_new`.
///
/// The dual is recovered from `u = nu (q - f(z))` (Lemma 4). Read with another nu the same q would mean a multiplier that
/// is `nu_new/nu_old` times as large; the q that is written here means the same one:
/// `nu_new (q_new - f(z)) = nu_old (q_old - f(z)) = u`. Exact up to rounding. `z` and `q` are n_out x m, `ratio > 0`.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting), [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`carry_workspace`].
pub fn carry<T: Real>(
    ratio: T,
    activation: Activation<T>,
    z: &MatRef<'_, T>,
    q: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    require_positive("ratio", ratio.to_f64())?;
    require_size("z", z.shape(), q.shape())?;
    let f = stack.vector(q.nrows())?;
    for j in 0..q.ncols() {
        activation.apply(column(z, j), f)?;
        for (q, &f) in column_mut(q, j).iter_mut().zip(&*f) {
            *q = f + ratio * (*q - f);
        }
    }
    Ok(())
}

/// Scratch of [`carry`]: a column.
pub fn carry_workspace(n_out: usize) -> Requirement {
    Requirement::vector(n_out)
}

/// Scratch of [`step`]: a column.
pub fn step_workspace(n_out: usize) -> Requirement {
    Requirement::vector(n_out)
}
