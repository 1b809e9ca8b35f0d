//! How large rho must be for the convergence theorems.

use crate::config::{Method, Settings};
use crate::network::{Activation, Loss};

/// What a method's theorem asks of rho: it must be above this.
///
/// pdADMM, Lemma 1: `max(4 nu s^2, (sqrt(17) + 1) nu / 2)` with the activation's Lipschitz constant s. dlADMM,
/// Theorem 4.2: `2 H` with the risk's, 1/2 for softmax cross-entropy and 1 for least squares.
pub fn rho_threshold(method: Method, nu: f64, activation: Activation, loss: Loss) -> f64 {
    match method {
        Method::Pdadmm => {
            let s = lipschitz(activation);
            (4.0 * nu * s * s).max((17f64.sqrt() + 1.0) * nu / 2.0)
        }
        Method::Dladmm => match loss {
            Loss::CrossEntropy => 1.0,
            Loss::LeastSquares => 2.0,
        },
    }
}

/// The theorem that [`rho_threshold`] is from.
pub fn theorem(method: Method) -> &'static str {
    match method {
        Method::Pdadmm => "pdADMM, Lemma 1: rho > max(4 nu s^2, (sqrt(17) + 1) nu / 2)",
        Method::Dladmm => "dlADMM, Theorem 4.2: rho > 2 H",
    }
}

/// A warning if rho is not above its method's threshold; none where nu and rho are the built-in defaults.
pub fn warning(settings: &Settings) -> Option<String> {
    let threshold = rho_threshold(settings.method, settings.nu, settings.activation, settings.loss);
    if settings.rho > threshold || settings.has_default_weights() {
        return None;
    }
    Some(format!(
        "rho = {} is not above {threshold}, the objective may rise ({})",
        settings.rho,
        theorem(settings.method)
    ))
}

/// The Lipschitz constant s of an activation.
fn lipschitz(activation: Activation) -> f64 {
    match activation {
        Activation::Relu => 1.0,
        Activation::LeakyRelu(slope) => slope.abs().max(1.0),
    }
}
