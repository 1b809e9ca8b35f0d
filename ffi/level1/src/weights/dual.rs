//! The least-squares step of a mini-batch in its dual form.

use altmin_core::update::weights::dual;
use altmin_level1_macros::functions;

use crate::kernel::Kernel;

functions! {
    /// Solves for the step D, d of weights and bias that a mini-batch asks for, the minimiser of
    /// (w/2)|r + D p + d 1'|^2 + (w delta/2)|D|^2 + (lambda/2)|W + D|^2 with delta = damping trace(S_c)/n_in and the centred
    /// sum S_c of p p', by a matrix of samples x samples: K = p_c' p_c. That is cheaper than altmin_weights_reduce where
    /// m < n_in, and needs no sums. In proximal back-propagation r is f'(z) times the signal that comes back, divided by nu
    /// and multiplied by the step's length.
    ///
    /// p becomes p_c, which has row means of 0, and r becomes r~ = (r_c - s W p_c)(K + (delta + lambda/w) I)^-1;
    /// D = -r~ p_c' - s W is then made by altmin_weights_dual_step. Without samples, and for inputs that are constant over
    /// them, r~ is 0.
    ///
    /// ALTMIN_STATUS_NON_FINITE if the step overflows, ALTMIN_STATUS_SINGULAR if the damping is lost in rounding: p, r and
    /// bias_change are then of no use.
    fn altmin_weights_dual_solve<T>(
        damping: positive "in units of the mean eigenvalue of the inputs' covariance", w: positive "weight of the residual",
        regularizer: closed_form(lambda) "not ALTMIN_REGULARIZER_L1", n_out: size, n_in: size, m: samples,
        weights: read(n_out x n_in, ldw) "W", p: update(n_in x m, ldp) "the map's input", r: update(n_out x m, ldr),
        bias_change: write(n_out) "d",
        workspace: workspace(dual::solve_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) -> shrinkage: f64 or NULL "s = lambda/(w delta + lambda), the share of W that an l2 regulariser takes" {
        dual::solve(&Kernel, damping, w, regularizer, &weights, &mut p, &mut r, bias_change, workspace)?
            .shrinkage
            .to_f64()
    }

    /// The velocity with the step that altmin_weights_dual_solve has found: V becomes momentum V + D with
    /// D = -r~ p_c' - s W. One product, which is what a gradient takes; W and b are then moved by V and by the bias's own
    /// velocity, momentum v + d.
    fn altmin_weights_dual_step<T>(
        momentum: any "0 or above", shrinkage: finite "from altmin_weights_dual_solve", n_out: size, n_in: size, m: samples,
        weights: read(n_out x n_in, ldw) "W before the step", r: read(n_out x m, ldr) "r~", p: read(n_in x m, ldp) "p_c",
        velocity: update(n_out x n_in, ldv) "V, at first 0",
        workspace: workspace(dual::add_step_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) {
        dual::add_step(
            &Kernel, dual::Solution { shrinkage }, momentum, &weights, &r, &p, &mut velocity, workspace,
        )?
    }
}
