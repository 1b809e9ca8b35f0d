//! Residual balancing of rho.

use super::Sweep;
use crate::error::{Error, Result};
use crate::real::Real;

/// The rule of Boyd, Parikh, Chu, Peleato and Eckstein (2011), section 3.4.1, equation 3.13, by which rho follows the
/// residuals of pdADMM:
///
/// `rho <- factor rho` if `|r| > ratio |s|`, `rho <- rho/factor` if `|s| > ratio |r|`, else rho stays,
///
/// where r is the primal residual `p_{l+1} - q_l` of all layers and s the dual one, `rho (q^{k+1} - q^k)`. A large rho
/// punishes the primal residual and makes the dual one large, so this keeps the two within `ratio` of each other. The
/// paper's names are mu for `ratio` and tau_incr = tau_decr for `factor`.
///
/// pdADMM's dual is not scaled by rho and stays when rho changes
/// ([`Method::set_penalties`](super::Method::set_penalties)).
///
/// Lemma 1 promises a falling Lagrangian only above
/// [`pdadmm_rho_threshold`](crate::theory::pdadmm_rho_threshold), of which the rule knows nothing: it may go below. Nor
/// is convergence known while rho goes on changing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResidualBalancing {
    /// How far apart the residuals may be, at least 1; 10 in the paper.
    pub ratio: f64,
    /// What rho is multiplied with or divided by, at least 1; 2 in the paper.
    pub factor: f64,
}

impl Default for ResidualBalancing {
    fn default() -> Self {
        Self { ratio: 10.0, factor: 2.0 }
    }
}

impl ResidualBalancing {
    /// `Ok` when both numbers are finite and at least 1: with a smaller ratio both conditions could hold at once, with a
    /// smaller factor rho would go the wrong way.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn validate(&self) -> Result {
        for (name, found) in [("balancing ratio", self.ratio), ("balancing factor", self.factor)] {
            if !(found.is_finite() && found >= 1.0) {
                return Err(Error::Setting { name, found, expected: "a finite number, 1 or above" });
            }
        }
        Ok(())
    }

    /// rho for the next sweep, from that of the last one and what it reported. A rho that `T` cannot hold as a finite
    /// positive number with a finite inverse is not taken: then rho stays.
    pub fn next<T: Real>(&self, rho: f64, sweep: &Sweep) -> f64 {
        let Sweep { primal_residual, dual_residual, .. } = *sweep;
        let next = if primal_residual > self.ratio * dual_residual {
            rho * self.factor
        } else if dual_residual > self.ratio * primal_residual {
            rho / self.factor
        } else {
            rho
        };
        let scalar = T::from_f64(next);
        let usable = scalar.is_finite() && scalar > T::ZERO && (T::ONE / scalar).is_finite();
        if usable { next } else { rho }
    }
}
