//! The gradient of what ties an input to the layer below, `u + c (p - t)`.

use crate::activation::Activation;
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef, column, column_mut, require_size};

/// pdADMM's coupling with its dual from Lemma 4: `g = nu (q - f(z)) + rho (p - q)`.
///
/// `p`, `q`, `z` (the layer below's output copy and linear variable) and `g` are n_in x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn copy_coupling<T: Real>(
    nu: T,
    rho: T,
    activation: Activation<T>,
    p: &MatRef<'_, T>,
    q: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    g: &mut MatMut<'_, T>,
) -> Result {
    require_size("q", q.shape(), p.shape())?;
    require_size("z", z.shape(), p.shape())?;
    require_size("g", g.shape(), p.shape())?;
    for j in 0..p.ncols() {
        let g = column_mut(g, j);
        activation.apply(column(z, j), g)?;
        for ((g, &p), &q) in g.iter_mut().zip(column(p, j)).zip(column(q, j)) {
            *g = nu * (q - *g) + rho * (p - q);
        }
    }
    Ok(())
}

/// pdADMM's coupling with a stored dual (equation 7): `g = u + rho (p - q)`; all n_in x m.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn dual_coupling<T: Real>(
    rho: T,
    u: &MatRef<'_, T>,
    p: &MatRef<'_, T>,
    q: &MatRef<'_, T>,
    g: &mut MatMut<'_, T>,
) -> Result {
    require_size("q", q.shape(), p.shape())?;
    require_size("u", u.shape(), p.shape())?;
    require_size("g", g.shape(), p.shape())?;
    for j in 0..p.ncols() {
        let pq = column(p, j).iter().zip(column(q, j));
        for ((g, &u), (&p, &q)) in column_mut(g, j).iter_mut().zip(column(u, j)).zip(pq) {
            *g = u + rho * (p - q);
        }
    }
    Ok(())
}

/// dlADMM's coupling: `g = nu (a - f(z))`; all n_in x m, `z` of the layer below.
///
/// # Errors
/// [`Shape`](crate::error::Error::Shape).
pub fn activation_coupling<T: Real>(
    nu: T,
    activation: Activation<T>,
    a: &MatRef<'_, T>,
    z: &MatRef<'_, T>,
    g: &mut MatMut<'_, T>,
) -> Result {
    require_size("z", z.shape(), a.shape())?;
    require_size("g", g.shape(), a.shape())?;
    for j in 0..a.ncols() {
        let g = column_mut(g, j);
        activation.apply(column(z, j), g)?;
        for (g, &a) in g.iter_mut().zip(column(a, j)) {
            *g = nu * (a - *g);
        }
    }
    Ok(())
}
