//! One tau for the activations of a whole layer.

use altmin_core::update::interval::activation::{Interval, step_workspace};
use altmin_core::update::interval::search::{self, Lengths};
use altmin_level1_macros::functions;

use crate::boundary::Result;
use crate::error::CallError;
use crate::kernel::Kernel;

/// What one tau for a layer's activations is judged by. Tiles and groups of samples add up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_lengths {
    /// |g|^2 of the gradients, or |D|^2 of the moves
    pub squared: f64,
    /// |W g|^2, or |W D|^2
    pub product_squared: f64,
}
from_core!(altmin_lengths: Lengths { squared, product_squared });

impl altmin_lengths {
    /// For the core, if both are finite.
    fn checked(self, argument: &'static str) -> Result<Lengths> {
        let Self { squared, product_squared } = self;
        if squared.is_finite() && product_squared.is_finite() {
            Ok(Lengths { squared, product_squared })
        } else {
            Err(CallError::NonFinite { argument })
        }
    }
}

functions! {
    /// map: |g|^2 and |W g|^2 of the gradients of altmin_interval_activation_step, without the entries that are pushed
    /// out of their interval, for altmin_interval_first_tau. Two products of n_out x n_in x m.
    fn altmin_interval_probe<T>(
        rho: positive, epsilon: positive "half the interval's width", activation: activation,
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw) "of the layer above",
        z: read(n_in x m, ldz) "of the layer whose output a is", a: read(n_in x m, lda),
        r: read(n_out x m, ldr) "W a + b - z of the layer above",
        workspace: workspace(step_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) -> lengths: altmin_lengths "the sums" {
        let interval = Interval { rho, epsilon, activation, weights, z };
        search::probe(&Kernel, &interval, &a, &r, workspace)?
    }

    /// map: |D|^2 and |W D|^2 of the moves that altmin_interval_activation_step would make with this tau, for
    /// altmin_interval_next_tau. Two products of n_out x n_in x m.
    fn altmin_interval_trial<T>(
        rho: positive, epsilon: positive "half the interval's width", activation: activation, tau: positive,
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw) "of the layer above",
        z: read(n_in x m, ldz) "of the layer whose output a is", a: read(n_in x m, lda),
        r: read(n_out x m, ldr) "W a + b - z of the layer above",
        workspace: workspace(step_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) -> lengths: altmin_lengths "the sums" {
        let interval = Interval { rho, epsilon, activation, weights, z };
        search::trial(&Kernel, &interval, tau, &a, &r, workspace)?
    }

    /// reduce: the tau for a layer's activations that is tried first. ALTMIN_STEP_SCALAR: rho |W g|^2/|g|^2, legal where
    /// nothing is clipped; ALTMIN_STEP_BACKTRACKING (DLAM, Algorithm 3): its start. Never above rho |W|^2 (Frobenius),
    /// which is always legal, and which the rules without a scalar get.
    fn altmin_interval_first_tau<T>(
        rule: step_rule, rho: positive, n_out: size, n_in: size,
        weights: read(n_out x n_in, ldw) "of the layer above",
        probed: structure(altmin_lengths) if rule = Scalar "altmin_interval_probe of all samples, added up",
    ) -> tau: f64 "the tau" {
        search::first_tau(&rule, rho, &weights, probed.unwrap_or_default())?.to_f64()
    }

    /// reduce: whether a tau is legal for the moves that were tried with it, and the one to try next if not:
    /// ALTMIN_STEP_BACKTRACKING multiplies it by its factor, other rules take max(2 tau, rho |W D|^2/|D|^2); never above
    /// rho |W|^2 (Frobenius), so that the search ends.
    fn altmin_interval_next_tau<T>(
        rule: step_rule, rho: positive, n_out: size, n_in: size,
        weights: read(n_out x n_in, ldw) "of the layer above", tau: positive "the tau that was tried",
        tried: structure(altmin_lengths) "altmin_interval_trial of all samples, added up",
    ) -> next: f64 "0 if tau is legal, else the tau to try next" {
        search::next_tau(&rule, rho, &weights, tau, tried).map_or(0.0, |next| next.to_f64())
    }
}
