//! The input of a layer: p in pdADMM, a in dlADMM.

pub mod couple;
pub mod prepare;

use altmin_core::update::input::{self, Moved, Prepared};
use altmin_level1_macros::functions;

use crate::codes::altmin_prepared;
use crate::kernel::Kernel;

pub use couple::*;
pub use prepare::*;

/// What a step has done to its objective.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct altmin_moved {
    /// The decrease that is promised: sum (tau/2)|dp|^2 for a majorised step, <g, dp>/2 for an exact one.
    pub promised: f64,
    /// |p_new - p_old|^2.
    pub squared: f64,
}
from_core!(altmin_moved: Moved { promised, squared });

functions! {
    /// map: moves p and r by one step on phi(p) = (w/2)|W p + b - z|^2 + <u, p - t> + (c/2)|p - t|^2, whose first part
    /// keeps to the layer and whose rest couples p to the layer below: pdADMM's equation 1 (w = nu, c = rho, t = q),
    /// dlADMM's equations 3 and 16 (w = nu, or rho in the last layer; c = nu, t = f(z), u = 0).
    ///
    /// The step is p <- p - g/tau with the gradient g of phi. With ALTMIN_PREPARED_COLUMNS every column has the smallest
    /// legal tau, c + w|W g|^2/|g|^2; with ALTMIN_PREPARED_TAU all have the one that is given, and phi falls by at least
    /// (tau/2)|dp|^2 (pdADMM's Lemma 6) if it is legal. With the other two p goes to the exact minimiser. Columns
    /// whose gradient is 0 stay.
    fn altmin_input_step<T>(
        prepared: prepared, tau: any if prepared = Tau,
        w: positive "weight of the residual", c: positive "weight of the coupling",
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw),
        inverse: read(n_in x n_in if prepared = Inverse, n_out x n_out if prepared = OuterInverse, ldi)
            "of the same w, c and weights",
        g: update(n_in x m, ldg) "the coupling's gradient u + c(p - t) from altmin_input_couple_copy, _dual or \
            _activation; afterwards the gradient of phi at the old p",
        p: update(n_in x m, ldp), r: update(n_out x m, ldr) "W p + b - z, which is kept true",
        workspace: workspace(input::step_workspace::<T, _>(&Kernel, prepared.kind(), n_out, n_in, m)),
    ) -> moved: altmin_moved or NULL "what came of it, for these samples" {
        let prepared = match (prepared, inverse) {
            (altmin_prepared::Inverse, Some(inverse)) => Prepared::Inverse(inverse),
            (altmin_prepared::OuterInverse, Some(inverse)) => Prepared::OuterInverse(inverse),
            (altmin_prepared::Tau, _) => Prepared::Tau(tau),
            _ => Prepared::Columns,
        };
        input::step(&Kernel, w, c, &weights, prepared, &mut g, &mut p, &mut r, workspace)?
    }
}
