//! The linear variable of a hidden layer (DLAM, equation 4).

use crate::activation::{Activation, between};
use crate::error::{Result, require_positive};
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, MatRef, column, column_mut, require_size};
use crate::workspace::{Requirement, Stack};

/// **apply**: the minimiser of `(rho/2)|W a_below + b - z|^2` over `|h(z) - a| <= epsilon`, whatever rho:
/// `z <- clip(W a_below + b, B1, B2)` with the ends of [`Activation::preimage`], widened to contain the present z.
///
/// `z`, `r = W a_below + b - z` and `a` (the layer's output) are n_out x m; z and r move together: `W a_below + b` is
/// `r + z`, already at hand. Exact: the objective falls by at least `(rho/2)|dz|^2` (Lemma 6 of DLAM).
///
/// Returns `|dz|^2`.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting) for an epsilon that is not positive, [`Shape`](crate::error::Error::Shape),
/// [`Workspace`](crate::error::Error::Workspace) below [`step_workspace`].
pub fn step<T: Real>(
    epsilon: T,
    activation: Activation<T>,
    a: &MatRef<'_, T>,
    z: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<f64> {
    require_positive("epsilon", epsilon.to_f64())?;
    require_size("a", a.shape(), z.shape())?;
    require_size("r", r.shape(), z.shape())?;
    stack.require(step_workspace(z.nrows()))?;
    let n = z.nrows();
    let (centre, old, scratch) = (stack.vector(n)?, stack.vector(n)?, stack.vector(n)?);
    let mut moved = 0.0;
    for j in 0..z.ncols() {
        let (z, r) = (column_mut(z, j), column_mut(r, j));
        old.copy_from_slice(z);
        for ((centre, &r), &z) in centre.iter_mut().zip(&*r).zip(&*z) {
            *centre = r + z;
        }
        activation.clip_to_preimage(epsilon, column(a, j), centre, z, scratch)?;
        // The change, not the centre, is taken from r: where z stays r keeps its bits.
        for ((old, r), &z) in old.iter_mut().zip(r).zip(&*z) {
            *old = z - *old;
            *r -= *old;
        }
        moved += reduce::sum_squares(old);
    }
    Ok(moved)
}

/// What [`repair`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Repaired {
    /// Entries of `z` that were outside.
    pub entries: usize,
    /// The square of the distance that they moved.
    pub squared: f64,
}

/// **map**: puts `z` (n_out x m) into the preimage of `[a - epsilon, a + epsilon]` after epsilon has shrunk; the residual
/// `r = W a_below + b - z` follows elementwise. `|r|` may rise by it. An entry for which no finite z serves, because `a`
/// is further than epsilon from the range of a smooth f, stays; of a ReLU it moves to 0 at most, and `a` is still
/// outside.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting) for an epsilon that is not positive, [`Shape`](crate::error::Error::Shape).
pub fn repair<T: Real>(
    epsilon: T,
    activation: Activation<T>,
    a: &MatRef<'_, T>,
    z: &mut MatMut<'_, T>,
    r: &mut MatMut<'_, T>,
) -> Result<Repaired> {
    require_positive("epsilon", epsilon.to_f64())?;
    require_size("a", a.shape(), z.shape())?;
    require_size("r", r.shape(), z.shape())?;
    let mut repaired = Repaired::default();
    for j in 0..z.ncols() {
        let (z, r) = (column_mut(z, j), column_mut(r, j));
        for ((z, r), &a) in z.iter_mut().zip(r).zip(column(a, j)) {
            let (low, high) = activation.preimage(a, epsilon);
            let new = between(low, *z, high);
            if new != *z && new.is_finite() {
                let change = new - *z;
                repaired.entries += 1;
                repaired.squared += change.to_f64() * change.to_f64();
                *z = new;
                *r -= change;
            }
        }
    }
    Ok(repaired)
}

/// Scratch of [`step`]: three columns.
pub fn step_workspace(n_out: usize) -> Requirement {
    Requirement::matrix(n_out, 3)
}
