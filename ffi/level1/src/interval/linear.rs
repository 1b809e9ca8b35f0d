//! z of a hidden layer, held in its interval.

use altmin_core::update::interval::activation::Projected;
use altmin_core::update::interval::linear::{self, Repaired};
use altmin_level1_macros::functions;

/// What was moved back into its interval.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_projected {
    /// Entries that were outside
    pub entries: usize,
    /// The square of the distance that they moved
    pub squared: f64,
}
from_core!(altmin_projected: Repaired { entries, squared });
from_core!(altmin_projected: Projected { entries, squared });

functions! {
    /// Moves z of a hidden layer to the minimiser of (rho/2)|W a_below + b - z|^2 over |f(z) - a| <= epsilon, whatever
    /// rho: W a_below + b, clipped to the interval of z (DLAM, equation 4). Exact: the objective falls by at least
    /// (rho/2)|z_new - z_old|^2 (Lemma 6). Every interval is widened to contain the present z.
    fn altmin_interval_linear_step<T>(
        epsilon: positive "half the interval's width", activation: activation, n_out: size, m: samples,
        a: read(n_out x m, lda) "the layer's output", z: update(n_out x m, ldz),
        r: update(n_out x m, ldr) "W a_below + b - z, which is kept true",
        workspace: workspace(linear::step_workspace(n_out)),
    ) -> moved: f64 or NULL "|z_new - z_old|^2" {
        linear::step(epsilon, activation, &a, &mut z, &mut r, workspace)?
    }

    /// Moves z of a hidden layer into its interval, |f(z) - a| <= epsilon, after epsilon has shrunk; |r| may rise by it.
    /// An entry for which no finite z serves, because a is further than epsilon from the range of a smooth f,
    /// stays; of a ReLU it moves to 0 at most, and a is still outside.
    fn altmin_interval_linear_repair<T>(
        epsilon: positive "half the interval's width", activation: activation, n_out: size, m: samples,
        a: read(n_out x m, lda) "the layer's output", z: update(n_out x m, ldz),
        r: update(n_out x m, ldr) "W a_below + b - z, which is kept true",
    ) -> repaired: altmin_projected or NULL "what was moved" {
        linear::repair(epsilon, activation, &a, &mut z, &mut r)?
    }
}
