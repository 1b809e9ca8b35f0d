//! q, the output copy of a layer in pdADMM.

use altmin_core::update::copy;
use altmin_level1_macros::functions;

functions! {
    /// Moves q to the minimiser of (nu/2)|q - f(z)|^2 + <u, p_next - q> + (rho/2)|p_next - q|^2 (pdADMM, equation 6):
    /// q = (rho p_next + u + nu f(z))/(rho + nu). Exact; the paper prints the case rho = nu.
    fn altmin_copy_step<T>(
        nu: positive, rho: positive, activation: activation, n_out: size, m: samples,
        p_next: read(n_out x m, ldp) "the input of the layer above, which has moved in this sweep",
        u: read(n_out x m, ldu) "the dual, recovered from q and z as they were before this sweep, or stored",
        z: read(n_out x m, ldz) "which has moved in this sweep",
        q: update(n_out x m, ldq),
        workspace: workspace(copy::step_workspace(n_out)),
    ) -> moved: f64 or NULL "|q_new - q_old|^2; rho times its root over all layers is the dual residual" {
        copy::step(nu, rho, activation, &p_next, &u, &z, &mut q, workspace)?
    }

    /// Moves q where nu changes between two sweeps and the dual is not stored: q = f(z) + ratio (q - f(z)). The dual
    /// that is recovered with the new nu, u = nu (q - f(z)) (pdADMM, Lemma 4), is then what it was with the old one.
    fn altmin_copy_carry<T>(
        ratio: positive "nu_old/nu_new", activation: activation, n_out: size, m: samples,
        z: read(n_out x m, ldz), q: update(n_out x m, ldq), workspace: workspace(copy::carry_workspace(n_out)),
    ) {
        copy::carry(ratio, activation, &z, &mut q, workspace)?
    }
}
