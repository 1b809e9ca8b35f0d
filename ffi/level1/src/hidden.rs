//! z of a hidden layer.

use altmin_core::update::hidden;
use altmin_level1_macros::functions;

functions! {
    /// Moves z of a hidden layer to the global minimiser, entry by entry, of
    /// (nu/2)|z - (W p + b)|^2 + (nu/2)|target - f(z)|^2 [+ (nu/2)|z - z_old|^2], whatever nu: pdADMM's equation 4 with
    /// the bracket, dlADMM's equations 4 and 14 without. Exact, though the problem is not convex.
    fn altmin_hidden_step<T>(
        proximal: proximal, activation: activation, n_out: size, m: samples,
        target: read(n_out x m, ldt) "q in pdADMM, a in dlADMM", z: update(n_out x m, ldz),
        r: update(n_out x m, ldr) "W p + b - z, which is kept true",
        workspace: workspace(hidden::step_workspace(n_out)),
    ) -> moved: f64 or NULL "|z_new - z_old|^2" {
        hidden::step(proximal, activation, &target, &mut z, &mut r, workspace)?
    }
}
