//! DLAM's hidden layers: z and a held within intervals of each other.

pub mod activation;
pub mod linear;
pub mod search;

use altmin_core::update::interval;
use altmin_level1_macros::functions;

functions! {
    /// The largest |f(z) - a| - epsilon of a hidden layer, 0 where the intervals of DLAM's Problem 2 are met; its updates
    /// meet them up to rounding.
    fn altmin_interval_violation<T>(
        epsilon: positive "half the intervals' width", activation: activation, n_out: size, m: samples,
        z: read(n_out x m, ldz), a: read(n_out x m, lda),
        workspace: workspace(interval::violation_workspace(n_out)),
    ) -> violation: f64 "the largest" {
        interval::violation(epsilon, activation, &z, &a, workspace)?
    }
}
