//! What the papers promise and under which condition.

mod approximation;

pub use approximation::{Approximation, Norms, approximation_bound, risk_lipschitz};

/// pdADMM, Lemma 1: L_rho decreases for every rho above `max(4 nu s^2, (sqrt(17) + 1) nu/2)`, where s is the
/// activation's Lipschitz constant.
pub fn pdadmm_rho_threshold(nu: f64, lipschitz: f64) -> f64 {
    let branches = 4.0 * nu * lipschitz * lipschitz;
    let quadratic = (libm::sqrt(17.0) + 1.0) * nu / 2.0;
    branches.max(quadratic)
}

/// dlADMM, Property 2: L_rho decreases for every rho above `2 H`, where H is the risk's gradient's Lipschitz constant,
/// if the dual starts at `-grad R(z_L)`.
pub fn dladmm_rho_threshold(risk_lipschitz: f64) -> f64 {
    2.0 * risk_lipschitz
}

/// pdADMM's constants of Lemma 1: each sweep L_rho falls by at least the blocks' own promises plus
/// `C1 |dz_l|^2 + C2 |dq_l|^2` for every hidden layer. Both are positive above [`pdadmm_rho_threshold`].
///
/// The blocks (p, W, b) promise what their updates report: `(tau/2)|dp|^2`, `(theta/2)|dW|^2` and `(nu/2) M |db|^2`. (The
/// paper prints `(nu/2)|db|^2`; a bias shared by M samples gives M times that.)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PdAdmmConstants {
    /// `nu/2 - 2 nu^2 s^2/rho`.
    pub c1: f64,
    /// `rho/2 - 2 nu^2/rho - nu/2`.
    pub c2: f64,
}

impl PdAdmmConstants {
    /// The constants for these weights and the activation's Lipschitz constant.
    pub fn new(nu: f64, rho: f64, lipschitz: f64) -> Self {
        Self {
            c1: nu / 2.0 - 2.0 * nu * nu * lipschitz * lipschitz / rho,
            c2: rho / 2.0 - 2.0 * nu * nu / rho - nu / 2.0,
        }
    }
}

/// dlADMM's constant on `|dz_L|^2`, once for the backward and once for the forward update of a sweep:
/// `rho/2 - 2 H^2/rho`, positive for `rho > 2 H`.
///
/// Derivation: R is convex, so each exact update of z_L lowers L_rho by at least `(rho/2)|dz|^2`. The dual step raises it
/// by `|du|^2/rho`; since `u = -grad R(z_L)` after every sweep, `|du| <= H |z^{k+1} - z^k|`, and
/// `|z^{k+1} - z^k|^2 <= 2|z_bar - z^k|^2 + 2|z^{k+1} - z_bar|^2`. The paper's `C1 = rho/2 - H/2 - H^2/rho` has the same
/// threshold and is smaller above it, so its inequality follows from this one.
pub fn dladmm_output_constant(rho: f64, risk_lipschitz: f64) -> f64 {
    rho / 2.0 - 2.0 * risk_lipschitz * risk_lipschitz / rho
}

/// Taylor's ADMM: L_rho decreases for every rho above `sqrt(2) H`, where H is the risk's gradient's Lipschitz constant, if
/// the dual starts at `-grad R(z_L)`. No paper states it; the derivation is [`taylor_output_constant`]'s.
pub fn taylor_rho_threshold(risk_lipschitz: f64) -> f64 {
    core::f64::consts::SQRT_2 * risk_lipschitz
}

/// What Taylor's ADMM may promise for `|dz_L|^2` of a sweep: `rho/2 - H^2/rho`, positive for `rho > sqrt(2) H`.
///
/// The argument of [`dladmm_output_constant`] with one update of z_L a sweep, right before the dual's: it lowers L_rho by at
/// least `(rho/2)|dz_L|^2`, and the dual step raises it by `|du|^2/rho <= (H^2/rho)|dz_L|^2`.
pub fn taylor_output_constant(rho: f64, risk_lipschitz: f64) -> f64 {
    rho / 2.0 - risk_lipschitz * risk_lipschitz / rho
}
