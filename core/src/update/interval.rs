//! DLAM's hidden layers: z and a held within intervals of each other.
//!
//! The objective of Problem 2 has `(rho/2)|r_l|^2` for every layer, `r_l = W_l a_{l-1} + b_l - z_l`, and the indicator
//! of `|h(z_l) - a_l| <= epsilon` for every hidden one. For h increasing both updates are over boxes:
//!
//! - [`linear`]: z (equation 4), exact: the point of its interval nearest to `W a + b`;
//! - [`activation`]: a (equation 6, Algorithm 3), majorised: a gradient step, clipped; [`search`] finds one tau for a
//!   whole layer where a rule wants that.
//!
//! Every interval is widened to contain the present value: rounding in h or in its inverse must not throw it out, and so
//! F never rises by it. The intervals are met up to rounding: [`violation`] tells how well.

pub mod activation;
pub mod linear;
pub mod search;

use crate::activation::Activation;
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatRef, column, require_size};
use crate::workspace::{Requirement, Stack};

/// The largest `|h(z) - a| - epsilon` of a tile, 0 where the intervals are met; both n x m. NaN counts as infinite.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Workspace`](crate::error::Error::Workspace) below [`violation_workspace`].
pub fn violation<T: Real>(
    epsilon: T,
    activation: Activation<T>,
    z: &MatRef<'_, T>,
    a: &MatRef<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<f64> {
    require_size("a", a.shape(), z.shape())?;
    let image = stack.vector(z.nrows())?;
    let mut worst = 0.0;
    for j in 0..z.ncols() {
        activation.apply(column(z, j), image)?;
        for (&h, &a) in image.iter().zip(column(a, j)) {
            let excess = (h.to_f64() - a.to_f64()).abs() - epsilon.to_f64();
            worst = if excess.is_nan() { f64::INFINITY } else { excess.max(worst) };
        }
    }
    Ok(worst)
}

/// Scratch of [`violation`]: a column.
pub fn violation_workspace(n: usize) -> Requirement {
    Requirement::vector(n)
}
