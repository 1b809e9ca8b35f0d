//! The dual variables.

use altmin_core::update::dual;
use altmin_level1_macros::functions;

functions! {
    /// Moves the dual of a hidden layer, u = u + rho (p_next - q) (pdADMM, equation 7).
    ///
    /// Afterwards u = nu (q - f(z)) (Lemma 4), so that it need not be stored.
    fn altmin_dual_step<T>(
        rho: positive, n_out: size, m: samples,
        p_next: read(n_out x m, ldp) "the input of the layer above, which has moved in this sweep",
        q: read(n_out x m, ldq) "which has moved in this sweep", u: update(n_out x m, ldu),
    ) {
        dual::step(rho, &p_next, &q, &mut u)?
    }

    /// The dual of a hidden layer where it is not stored, u = nu (q - f(z)) (pdADMM, Lemma 4), which holds after every
    /// sweep.
    fn altmin_dual_recover<T>(
        nu: positive, activation: activation, n_out: size, m: samples,
        q: read(n_out x m, ldq), z: read(n_out x m, ldz), u: write(n_out x m, ldu),
    ) {
        dual::recover(nu, activation, &q, &z, &mut u)?
    }

    /// Moves the dual of the last layer, u = u + rho (z - W a - b) (dlADMM, Algorithm 1, lines 23 and 24), in terms of
    /// the shifted residual r = W a + b - z - u/rho: u becomes -rho r, and r becomes 2 r + u_old/rho.
    fn altmin_dual_step_shifted<T>(
        rho: positive, n_out: size, m: samples,
        r: update(n_out x m, ldr) "the shifted residual, which is kept true", u: update(n_out x m, ldu),
    ) -> primal: f64 or NULL "|z - W a - b|^2; its root is the primal residual" {
        dual::step_shifted(rho, &mut r, &mut u)?
    }
}
