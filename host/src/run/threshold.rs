//! How large rho must be for the convergence theorems.

use altmin_core::{Activation, Loss, theory};

use crate::settings::{Method, NuSchedule, RhoSchedule, Settings};

/// What a method's theorem asks of rho: it must be above this. pdADMM: Lemma 1; dlADMM: Theorem 4.2; DLAM: Lemma 1;
/// Taylor's ADMM: no paper's, but the same argument. None for a method without such a condition.
pub fn rho_threshold(method: Method, nu: f64, activation: Activation<f64>, loss: Loss) -> Option<f64> {
    match method {
        Method::Pdadmm => Some(theory::pdadmm_rho_threshold(nu, activation.lipschitz())),
        Method::Dladmm => Some(theory::dladmm_rho_threshold(loss.lipschitz())),
        Method::Taylor => Some(theory::taylor_rho_threshold(loss.lipschitz())),
        Method::Dlam => Some(0.0),
        _ => None,
    }
}

/// The theorem that [`rho_threshold`] is from.
pub fn theorem(method: Method) -> &'static str {
    match method {
        Method::Pdadmm => "pdADMM, Lemma 1: rho > max(4 nu s^2, (sqrt(17) + 1) nu / 2)",
        Method::Dladmm => "dlADMM, Theorem 4.2: rho > 2 H",
        Method::Taylor => "Taylor's ADMM, by the argument of dlADMM's theorem: rho > sqrt(2) H",
        Method::Dlam => "DLAM, Lemma 1: every rho above 0, with epsilon fixed",
        _ => "no theorem about rho",
    }
}

/// A warning if rho is not above its method's threshold; none where nu and rho are the built-in defaults. With schedules
/// it is about the first sweeps.
pub fn warning(settings: &Settings) -> Option<String> {
    let threshold = rho_threshold(settings.method, settings.nu, settings.activation, settings.loss)?;
    if settings.rho > threshold || settings.has_default_weights() {
        return None;
    }
    let constant =
        settings.nu_schedule == NuSchedule::Constant && settings.rho_schedule == RhoSchedule::Constant;
    Some(format!(
        "rho = {}{} is not above {threshold}, the objective may rise ({})",
        settings.rho,
        if constant { "" } else { " at first" },
        theorem(settings.method)
    ))
}
