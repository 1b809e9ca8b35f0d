//! The dual variables.

use crate::activation::Activation;
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef, column, column_mut, require_size};

/// **apply**, pdADMM's equation 7: `u <- u + rho (p_next - q)`; all n_out x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn step<T: Real>(rho: T, p_next: &MatRef<'_, T>, q: &MatRef<'_, T>, u: &mut MatMut<'_, T>) -> Result {
    require_size("p_next", p_next.shape(), u.shape())?;
    require_size("q", q.shape(), u.shape())?;
    for j in 0..u.ncols() {
        for ((u, &p), &q) in column_mut(u, j).iter_mut().zip(column(p_next, j)).zip(column(q, j)) {
            *u += rho * (p - q);
        }
    }
    Ok(())
}

/// pdADMM's Lemma 4, `u = nu (q - f(z))`, which holds after every sweep because `q` was minimised over and `u` moved by
/// equation 7: the dual need not be stored. All n_out x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn recover<T: Real>(
    nu: T,
    activation: Activation<T>,
    q: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    u: &mut MatMut<'_, T>,
) -> Result {
    require_size("q", q.shape(), u.shape())?;
    require_size("z", z.shape(), u.shape())?;
    for j in 0..u.ncols() {
        let u = column_mut(u, j);
        activation.apply(column(z, j), u)?;
        for (u, &q) in u.iter_mut().zip(column(q, j)) {
            *u = nu * (q - *u);
        }
    }
    Ok(())
}

/// **apply**, dlADMM's Algorithm 1, lines 23 and 24: `u <- u + rho (z - W a - b)`, in terms of the shifted residual
/// `r = W a + b - z - u/rho` that the last layer carries: `u_new = -rho r` and `r_new = 2 r + u_old/rho`.
///
/// `r` and `u` are n_out x m, `rho > 0`. Returns the squared norm of the primal residual `z - W a - b`.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape), [`Setting`](crate::error::Error::Setting).
pub fn step_shifted<T: Real>(rho: T, r: &mut MatMut<'_, T>, u: &mut MatMut<'_, T>) -> Result<f64> {
    crate::error::require_positive("rho", rho.to_f64())?;
    require_size("u", u.shape(), r.shape())?;
    let inverse = T::ONE / rho;
    let mut primal = 0.0;
    for j in 0..r.ncols() {
        for (r, u) in column_mut(r, j).iter_mut().zip(column_mut(u, j)) {
            let residual = *r + inverse * *u;
            primal += (residual * residual).to_f64();
            *u = -rho * *r;
            *r += residual;
        }
    }
    Ok(primal)
}
