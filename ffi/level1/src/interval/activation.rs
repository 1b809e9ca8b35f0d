//! a of a hidden layer, held in its interval.

use altmin_core::update::interval::activation::{self, Interval, Moved};
use altmin_level1_macros::functions;

use crate::kernel::Kernel;

use super::linear::altmin_projected;

/// What a clipped step of a did.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_interval_moved {
    /// The decrease of the objective that is promised, the sum of (tau/2)|a_new - a_old|^2 over the samples
    pub promised: f64,
    /// |a_new - a_old|^2
    pub squared: f64,
    /// Samples whose move, after clipping, took a product of its own, counted each time that it was tried
    pub trials: usize,
}
from_core!(altmin_interval_moved: Moved { promised, squared, trials });

functions! {
    /// map: moves a, the output of a hidden layer, by one step of DLAM's equation 6 (Algorithm 3):
    /// a = clip(a - g/tau, f(z) - epsilon, f(z) + epsilon), g = rho W' r. The objective, (rho/2)|r|^2, falls by at least
    /// (tau/2)|a_new - a_old|^2 in each sample for which tau is legal: rho |W D|^2 <= tau |D|^2 for its move D.
    ///
    /// - ALTMIN_PREPARED_COLUMNS: every sample finds a legal tau of its own.
    /// - ALTMIN_PREPARED_TAU: one tau for all, from altmin_interval_first_tau and altmin_interval_next_tau.
    ///
    /// Samples whose gradient is 0 stay. Intervals are widened to contain the present a. Two products of
    /// n_out x n_in x m, and with ALTMIN_PREPARED_COLUMNS as many columns of a further one as there are trials.
    fn altmin_interval_activation_step<T>(
        rho: positive, epsilon: positive "half the interval's width", activation: activation,
        prepared: gradient_step(tau) "the two exact steps are refused with ALTMIN_STATUS_SETTING",
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw) "of the layer above",
        z: read(n_in x m, ldz) "of the layer whose output a is", a: update(n_in x m, lda),
        r: update(n_out x m, ldr) "W a + b - z of the layer above, which is kept true",
        workspace: workspace(activation::step_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) -> moved: altmin_interval_moved or NULL "what was done" {
        let interval = Interval { rho, epsilon, activation, weights, z };
        activation::step(&Kernel, &interval, prepared, &mut a, &mut r, workspace)?
    }

    /// map: moves a back into f(z) - epsilon <= a <= f(z) + epsilon after epsilon has shrunk; |r| may rise by it. One
    /// product of n_out x n_in x m, if anything was outside.
    fn altmin_interval_activation_project<T>(
        epsilon: positive "half the interval's width", activation: activation,
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw) "of the layer above",
        z: read(n_in x m, ldz) "of the layer whose output a is", a: update(n_in x m, lda),
        r: update(n_out x m, ldr) "W a + b - z of the layer above, which is kept true",
        workspace: workspace(activation::project_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) -> projected: altmin_projected or NULL "what was moved" {
        // No projection looks at rho.
        let interval = Interval { rho: T::ONE, epsilon, activation, weights, z };
        activation::project(&Kernel, &interval, &mut a, &mut r, workspace)?
    }
}
