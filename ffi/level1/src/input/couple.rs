//! The gradient of what ties an input to the layer below, u + c(p - t): where an input's step begins.

use altmin_core::update::input;
use altmin_level1_macros::functions;

functions! {
    /// g <- nu (q - f(z)) + rho (p - q): pdADMM's coupling (equation 1), with its dual u = nu (q - f(z)) from Lemma 4,
    /// so that u need not be stored. Lemma 4 holds after every update of q and u with the same nu.
    fn altmin_input_couple_copy<T>(
        nu: positive, rho: positive, activation: activation "that of the layer below", n_in: size, m: samples,
        p: read(n_in x m, ldp), q: read(n_in x m, ldq) "of the layer below",
        z: read(n_in x m, ldz) "of the layer below", g: write(n_in x m, ldg),
    ) {
        input::copy_coupling(nu, rho, activation, &p, &q, &z, &mut g)?
    }

    /// g <- u + rho (p - q): pdADMM's coupling (equation 1) with a dual that is stored (equation 7).
    fn altmin_input_couple_dual<T>(
        rho: positive, n_in: size, m: samples,
        u: read(n_in x m, ldu) "the dual between the layer below and this one", p: read(n_in x m, ldp),
        q: read(n_in x m, ldq) "of the layer below", g: write(n_in x m, ldg),
    ) {
        input::dual_coupling(rho, &u, &p, &q, &mut g)?
    }

    /// g <- nu (a - f(z)): dlADMM's coupling (equations 3 and 16).
    fn altmin_input_couple_activation<T>(
        nu: positive, activation: activation "that of the layer below", n_in: size, m: samples,
        a: read(n_in x m, lda) "the layer's input, where altmin_input_step has p",
        z: read(n_in x m, ldz) "of the layer below", g: write(n_in x m, ldg),
    ) {
        input::activation_coupling(nu, activation, &a, &z, &mut g)?
    }
}
