//! Weights and bias of a layer, from the sums over samples.

pub mod dual;

use altmin_core::update::StepRule;
use altmin_core::update::sums::SumsShape;
use altmin_core::update::weights::{self, Change, Factor, Reduced};
use altmin_core::view::column_mut;
use altmin_level1_macros::functions;

use crate::codes;
use crate::kernel::Kernel;

/// What a step of weights and bias has done to its objective.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct altmin_reduced {
    /// The decrease that is promised: sum (theta_i/2)|D_i|^2 + (w/2) samples |d|^2 for a majorised step,
    /// (w/2)|change of r|^2 + w delta |D|^2 [+ (lambda/2)|D|^2] for least squares.
    pub promised: f64,
    /// |D|^2.
    pub weights_squared: f64,
    /// |d|^2.
    pub bias_squared: f64,
}
from_core!(altmin_reduced: Reduced { promised, weights_squared, bias_squared });

functions! {
    /// The Cholesky factor of S_c + (delta + lambda/w) I, with the centred sum S_c of p p' and
    /// delta = damping trace(S_c)/n_in: where p does not change from sweep to sweep (the data of the first layer) it saves
    /// altmin_weights_reduce with ALTMIN_STEP_LEAST_SQUARES most of its work.
    ///
    /// ALTMIN_STATUS_SINGULAR if the damping is lost in rounding, ALTMIN_STATUS_NON_FINITE if the sums have
    /// overflowed; the factor is then of no use.
    fn altmin_weights_factor<T>(
        damping: positive "as in the step rule", w: positive "weight of the residual",
        regularizer: closed_form(lambda) "not ALTMIN_REGULARIZER_L1", n_out: size, n_in: size,
        samples: count "how many are in the sums", sums: read(sums) "after altmin_sums_finish",
        factor: write(n_in x n_in, ldf) "lower triangle, and zeros above it",
        workspace: workspace(weights::factor_workspace::<T, _>(&Kernel, n_in)),
    ) -> exists: i32 "1, or 0 if there is no factor, since there are no samples or the inputs are constant over them; \
        the factor is then untouched, and weights are reduced without. Must not be NULL" {
        let sums = SumsShape { n_out, n_in }.read(sums, samples)?;
        let exists = weights::factor(&Kernel, damping, w, regularizer, &sums, &mut factor, workspace)?;
        if exists {
            (1..n_in).for_each(|j| column_mut(&mut factor, j)[..j].fill(T::ZERO));
        }
        exists
    }

    /// reduce: one step W <- W + D, b <- b + d on (w/2)|W p + b - z|^2 + Omega(W), from the sums of all samples alone:
    /// pdADMM's equations 2 and 3; dlADMM's 6, 7, 9, 11, 12 and 13.
    ///
    /// ALTMIN_STEP_VECTOR, _SCALAR and _BACKTRACKING: majorised, D = -G/theta with the gradient G = w r p', or Omega's
    /// proximal step; the smallest legal theta of row i is w (G_i p p' G_i')/|G_i|^2, and b goes to its exact minimiser.
    /// The objective falls by at least sum (theta_i/2)|D_i|^2 + (w/2) samples |d|^2.
    ///
    /// ALTMIN_STEP_LEAST_SQUARES: the exact joint minimiser with (w delta/2)|D|^2 added,
    /// delta = damping trace(S_c)/n_in with the centred sum S_c of p p'; not with ALTMIN_REGULARIZER_L1.
    ///
    /// With no samples nothing moves. Afterwards every tile's r follows by altmin_weights_apply, or all sums by
    /// altmin_sums_follow.
    ///
    /// ALTMIN_STATUS_NON_FINITE if the step overflows, ALTMIN_STATUS_SINGULAR if the damping is lost in rounding:
    /// weights and bias are then untouched, change and bias_change of no use.
    fn altmin_weights_reduce<T>(
        rule: step_rule, order: order, w: positive "weight of the residual", regularizer: regularizer(lambda),
        n_out: size, n_in: size, samples: count "how many are in the sums",
        sums: read(sums) "after altmin_sums_finish",
        factor: read(n_in x n_in, ldf) or NULL "from altmin_weights_factor with the same damping, w, regulariser and \
            inputs, for ALTMIN_STEP_LEAST_SQUARES",
        weights: update(n_out x n_in, ldw) "W", bias: update(n_out) "b",
        change: write(n_out x n_in, ldc) "D", bias_change: write(n_out) "d",
        workspace: workspace(weights::reduce_workspace(&Kernel, &rule, n_out, n_in)),
    ) -> reduced: altmin_reduced or NULL "what came of it" {
        if matches!(rule, StepRule::LeastSquares { .. }) {
            codes::require_closed_form(regularizer)?;
        }
        let sums = SumsShape { n_out, n_in }.read(sums, samples)?;
        let factor = factor.map(|lower| Factor { lower });
        let mut change = Change { weights: change, bias: bias_change };
        weights::reduce(
            &Kernel, &rule, order, w, regularizer, &sums, factor.as_ref(), &mut weights, bias, &mut change, workspace,
        )?
    }

    /// apply: the residual of a tile follows a step of weights and bias, r <- r + D p + d 1'. One product.
    fn altmin_weights_apply<T>(
        n_out: size, n_in: size, m: samples, change: read(n_out x n_in, ldc) "D", bias_change: read(n_out) "d",
        p: read(n_in x m, ldp), r: update(n_out x m, ldr),
        workspace: workspace(weights::apply_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) {
        weights::apply(&Kernel, &change, bias_change, &p, &mut r, workspace)?
    }

    /// apply, where only the bias has moved: r <- r + d 1'.
    fn altmin_weights_apply_bias<T>(
        n_out: size, m: samples, bias_change: read(n_out) "d", r: update(n_out x m, ldr),
    ) {
        weights::apply_bias(bias_change, &mut r)?
    }
}
