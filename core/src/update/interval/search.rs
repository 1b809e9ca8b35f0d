//! One tau for a whole layer's activations: the rules `scalar` and `backtracking` of DLAM's Algorithm 3.
//!
//! 1. [`probe`] adds up `|g|^2` and `|W g|^2` over the samples, and [`first_tau`] begins with what is legal where nothing
//!    is clipped;
//! 2. [`trial`] adds up `|D|^2` and `|W D|^2` of the clipped moves, and [`next_tau`] raises tau until they pass.
//!
//! Each is a pass over the samples: these rules are for repeating published runs.

pub use super::activation::Lengths;
use super::activation::{Interval, Work, require_tau};
use crate::error::{Result, require_positive};
use crate::gemm::Gemm;
use crate::objective::squared;
use crate::real::Real;
use crate::update::{StepRule, rounding_slack};
use crate::view::MatRef;
use crate::workspace::Stack;

/// **map**: `|g|^2` and `|W g|^2` of a tile, without the entries that are pushed out of their interval; arguments and
/// errors as [`step`](super::activation::step), whose scratch it needs. Two products.
///
/// # Errors
/// As [`step`](super::activation::step).
pub fn probe<T: Real, G: Gemm<T>>(
    gemm: &G,
    interval: &Interval<'_, T>,
    a: &MatRef<'_, T>,
    r: &MatRef<'_, T>,
    stack: Stack<'_, T>,
) -> Result<Lengths> {
    let mut work = Work::new(gemm, interval, a, r, stack)?;
    work.multiply_gradient()?;
    Ok(work.gradient_lengths())
}

/// **map**: `|D|^2` and `|W D|^2` of a tile's clipped moves with this tau. Two products.
///
/// # Errors
/// As [`step`](super::activation::step).
pub fn trial<T: Real, G: Gemm<T>>(
    gemm: &G,
    interval: &Interval<'_, T>,
    tau: T,
    a: &MatRef<'_, T>,
    r: &MatRef<'_, T>,
    stack: Stack<'_, T>,
) -> Result<Lengths> {
    require_tau(tau)?;
    let mut work = Work::new(gemm, interval, a, r, stack)?;
    work.clip_all(tau, a);
    work.multiply_moves(a.ncols())?;
    Ok(work.move_lengths())
}

/// `rho |W|^2` (Frobenius), legal for every move; rho if W is 0, when nothing moves.
fn cap<T: Real>(rho: T, weights: &MatRef<'_, T>) -> f64 {
    let norm = squared(weights);
    rho.to_f64() * if norm == 0.0 { 1.0 } else { norm }
}

/// **reduce**: the tau to try first. [`StepRule::Scalar`]: `rho |W g|^2/|g|^2` from the samples' [`probe`];
/// [`StepRule::Backtracking`]: its start, for which no probe is needed. Never above the cap `rho |W|^2` (Frobenius), which
/// other rules get, having no scalar.
///
/// # Errors
/// [`Setting`](crate::error::Error::Setting).
pub fn first_tau<T: Real>(rule: &StepRule<T>, rho: T, weights: &MatRef<'_, T>, probed: Lengths) -> Result<T> {
    rule.validate()?;
    require_positive("rho", rho.to_f64())?;
    let cap = cap(rho, weights);
    let smallest = rho.to_f64() * probed.product_squared / probed.squared;
    Ok(match *rule {
        StepRule::Scalar if probed.squared != 0.0 => T::from_f64(smallest.max(cap * T::EPSILON.to_f64())),
        StepRule::Backtracking { start, .. } => start.min(T::from_f64(cap)),
        _ => T::from_f64(cap),
    })
}

/// **reduce**: `None` if `tau` is legal for the moves that were tried, else the one to try next:
/// `max(2 tau, rho |W D|^2/|D|^2)` for [`StepRule::Scalar`], `factor tau` for [`StepRule::Backtracking`], and no more
/// than the cap.
pub fn next_tau<T: Real>(
    rule: &StepRule<T>,
    rho: T,
    weights: &MatRef<'_, T>,
    tau: T,
    tried: Lengths,
) -> Option<T> {
    let cap = T::from_f64(cap(rho, weights));
    let curvature = T::from_f64(rho.to_f64() * tried.product_squared / tried.squared);
    // NaN, from samples that have diverged, is not above anything: the search ends, and the objective tells.
    let is_illegal = tried.squared > 0.0 && tau < cap && curvature > tau * rounding_slack();
    if !is_illegal {
        return None;
    }
    let raised = match *rule {
        StepRule::Backtracking { factor, .. } => tau * factor,
        _ => (T::from_f64(2.0) * tau).max(curvature),
    };
    // A subnormal tau times a small factor may round to itself, and would forever.
    Some(if raised > tau { raised.min(cap) } else { cap })
}
