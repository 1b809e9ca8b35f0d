//! z of the last layer.

use altmin_core::update::output;
use altmin_level1_macros::functions;

/// What the step of the last layer's z did.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_solved {
    /// |z_new - z_old|^2
    pub squared: f64,
    /// The largest |grad R(z) + mu (z - c)| over all entries
    pub residual: f64,
    /// The most iterations that a sample took
    pub iterations: usize,
    /// Samples that stopped at 5000 iterations, above their bound: their objective is not above that of the start
    pub capped: usize,
}

impl From<output::Solved> for altmin_solved {
    fn from(output::Solved { squared, report }: output::Solved) -> Self {
        Self { squared, residual: report.residual, iterations: report.iterations, capped: report.capped }
    }
}

functions! {
    /// Moves z of the last layer to the minimiser of R(z; y) + (mu/2)|z - c|^2, separable over samples, where
    /// c = r + z: pdADMM's equation 5 with mu = nu and c = W p + b, dlADMM's equations 5 and 15 with mu = rho and
    /// c = W a + b - u/rho, DLAM's equation 5 with mu = rho and c = W a + b.
    ///
    /// Cross-entropy is iterated from the z that is given until every entry of the gradient of
    /// a sample is at most 4 EPSILON (max(1, |y|) + (1/2 + mu)|z| + mu |c|), the norms being largest absolute values and
    /// EPSILON 1.2e-7 in float, 2.2e-16 in double. What becomes of a sample does not depend on the others. Other
    /// losses have closed forms.
    ///
    /// ALTMIN_STATUS_NON_FINITE also if a computation overflows.
    fn altmin_output_step<T>(
        loss: loss, solver: solver, mu: positive "tried from 1e-6 to 1e4", n_out: size, m: samples,
        target: target(classes, values, ldv), z: update(n_out x m, ldz),
        r: update(n_out x m, ldr) "c - z, which is kept true",
        workspace: workspace(output::step_workspace::<T>(loss, solver, n_out, m)),
    ) -> solved: altmin_solved or NULL "what was done" {
        output::step(loss, solver, mu, target, &mut z, &mut r, workspace)?
    }
}
