//! The linear variable of a hidden layer (pdADMM equation 4; dlADMM equations 4 and 14).

use crate::activation::Activation;
use crate::error::Result;
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, MatRef, column, column_mut, require_size};
use crate::workspace::{Requirement, Stack};

/// Whether the update is held back by its old value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proximal {
    /// `(nu/2)|z - z_old|^2` is part of the subproblem (pdADMM, equation 4): omega = 2 and `c = (W p + b + z_old)/2`.
    /// It also decides between the branches of f, where it may not be dropped.
    Yes,
    /// It is not (dlADMM, equations 4 and 14): omega = 1 and `c = W a + b`.
    No,
}

/// **apply**: the global minimiser, entry by entry, of
/// `(nu/2)|z - (W p + b)|^2 + (nu/2)|target - f(z)|^2 [+ (nu/2)|z - z_old|^2]`, which no value of nu changes.
///
/// `z` and `r = W p + b - z` are n_out x m and move together: `W p + b` is `r + z`, already at hand. `target` (n_out x m)
/// is `q` in pdADMM and `a` in dlADMM. Exact, though the problem is not convex.
///
/// Returns `|dz|^2`.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`step_workspace`].
pub fn step<T: Real>(
    proximal: Proximal,
    activation: Activation<T>,
    target: &MatRef<'_, T>,
    z: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<f64> {
    require_size("target", target.shape(), z.shape())?;
    require_size("r", r.shape(), z.shape())?;
    stack.require(step_workspace(z.nrows()))?;
    let (centre, new) = (stack.vector(z.nrows())?, stack.vector(z.nrows())?);
    let half = T::from_f64(0.5);
    let omega = T::from_f64(if proximal == Proximal::Yes { 2.0 } else { 1.0 });
    let mut moved = 0.0;
    for j in 0..z.ncols() {
        let (z, r) = (column_mut(z, j), column_mut(r, j));
        for ((centre, r), &z) in centre.iter_mut().zip(&mut *r).zip(&*z) {
            *r += z;
            *centre = if proximal == Proximal::Yes { half * (*r + z) } else { *r };
        }
        activation.minimise(omega, centre, column(target, j), new)?;
        for ((z, r), new) in z.iter_mut().zip(r).zip(&mut *new) {
            let change = *new - *z;
            *z = *new;
            *r -= *new;
            *new = change;
        }
        moved += reduce::sum_squares(new);
    }
    Ok(moved)
}

/// Scratch of [`step`]: two columns.
pub fn step_workspace(n_out: usize) -> Requirement {
    Requirement::matrix(n_out, 2)
}
