//! Weights and bias of a layer, from the sums over samples.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::sums::SumsShape;
use altmin_core::update::weights::{self, Change, Factor, Reduced};
use altmin_core::view::column_mut;

use crate::boundary::{give, give_bytes, guard, query, require_sizes, require_some};
use crate::codes::{self, altmin_step_rule};
use crate::error::{altmin_error, altmin_status};

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

impl From<Reduced> for altmin_reduced {
    fn from(Reduced { promised, weights_squared, bias_squared }: Reduced) -> Self {
        Self { promised, weights_squared, bias_squared }
    }
}

macro_rules! functions {
    (
        $T:ident,
        $factor:ident,
        $factor_workspace:ident,
        $reduce:ident,
        $reduce_workspace:ident,
        $apply:ident,
        $apply_workspace:ident,
        $apply_bias:ident
    ) => {
        /// The Cholesky factor of S_c + (delta + lambda/w) I, with the centred sum S_c of p p' and
        /// delta = damping trace(S_c)/n_in: where p does not change from sweep to sweep (the data of the first layer) it saves
        /// altmin_weights_reduce with ALTMIN_STEP_LEAST_SQUARES most of its work.
        ///
        /// ALTMIN_STATUS_SINGULAR if the damping is lost in rounding, ALTMIN_STATUS_NON_FINITE if the sums have
        /// overflowed; the factor is then of no use.
        ///
        /// @param damping above 0: as in the step rule
        /// @param w above 0: weight of the residual
        /// @param regularizer an altmin_regularizer, not ALTMIN_REGULARIZER_L1
        /// @param lambda of a regulariser, 0 or above; else not looked at
        /// @param samples how many are in the sums
        /// @param sums altmin_sums_elements of them, finished
        /// @param[out] factor n_in x n_in: lower triangle, and zeros above it
        /// @param[out] exists 1, or 0 if there is no factor, since there are no samples or the inputs are constant over them;
        ///     the factor is then untouched, and weights are reduced without. May not be NULL
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $factor(
            damping: f64,
            w: f64,
            regularizer: i32,
            lambda: f64,
            n_out: usize,
            n_in: usize,
            samples: usize,
            sums: *const $T,
            factor: *mut $T,
            ldf: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            exists: *mut i32,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let (damping, w) = (codes::positive("damping", damping)?, codes::positive("w", w)?);
                    let regularizer = codes::regularizer::<$T>(regularizer, lambda)?;
                    codes::require_closed_form(regularizer)?;
                    let shape = SumsShape { n_out, n_in };
                    let sums = shape.read(memory.vector("sums", sums, shape.elements())?, samples)?;
                    let mut lower = memory.matrix_out("factor", factor, n_in, n_in, ldf)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let exists = memory.required("exists", exists)?;
                    let found =
                        weights::factor(&Portable, damping, w, regularizer, &sums, &mut lower, stack)?;
                    if found {
                        (1..n_in).for_each(|j| column_mut(&mut lower, j)[..j].fill(0.0));
                    }
                    *exists = i32::from(found);
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that a factor needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $factor_workspace(
            n_in: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let requirement = || weights::factor_workspace::<$T, _>(&Portable, n_in);
            unsafe { query::<$T>(bytes, &[("n_in", n_in)], 0, requirement, error) }
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
        ///
        /// @param rule the step rule
        /// @param order an altmin_order
        /// @param w above 0: weight of the residual
        /// @param regularizer an altmin_regularizer
        /// @param lambda of a regulariser, 0 or above; else not looked at
        /// @param samples how many are in the sums
        /// @param sums altmin_sums_elements of them, finished
        /// @param factor n_in x n_in from altmin_weights_factor with the same damping, w, regulariser and inputs, for
        ///     ALTMIN_STEP_LEAST_SQUARES; or NULL, and then ldf is not looked at
        /// @param[in,out] weights W, n_out x n_in
        /// @param[in,out] bias b, n_out
        /// @param[out] change D, n_out x n_in
        /// @param[out] bias_change d, n_out
        /// @param[out] reduced what came of it
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $reduce(
            rule: *const altmin_step_rule,
            order: i32,
            w: f64,
            regularizer: i32,
            lambda: f64,
            n_out: usize,
            n_in: usize,
            samples: usize,
            sums: *const $T,
            factor: *const $T,
            ldf: usize,
            weights: *mut $T,
            ldw: usize,
            bias: *mut $T,
            change: *mut $T,
            ldc: usize,
            bias_change: *mut $T,
            workspace: *mut c_void,
            workspace_size: usize,
            reduced: *mut altmin_reduced,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let (order, w) = (codes::order(order)?, codes::positive("w", w)?);
                    let regularizer = codes::regularizer::<$T>(regularizer, lambda)?;
                    let shape = SumsShape { n_out, n_in };
                    let rule = memory.structure("rule", rule)?;
                    let sums = shape.read(memory.vector("sums", sums, shape.elements())?, samples)?;
                    let factor = if factor.is_null() {
                        None
                    } else {
                        Some(Factor { lower: memory.matrix("factor", factor, n_in, n_in, ldf)? })
                    };
                    let mut weights = memory.matrix_mut("weights", weights, n_out, n_in, ldw)?;
                    let bias = memory.vector_mut("bias", bias, n_out)?;
                    let mut change = Change {
                        weights: memory.matrix_out("change", change, n_out, n_in, ldc)?,
                        bias: memory.vector_out("bias_change", bias_change, n_out)?,
                    };
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let reduced = memory.result("reduced", reduced)?;
                    let rule = codes::step_rule(rule)?;
                    if matches!(rule, StepRule::LeastSquares { .. }) {
                        codes::require_closed_form(regularizer)?;
                    }
                    let step = weights::reduce(
                        &Portable,
                        &rule,
                        order,
                        w,
                        regularizer,
                        &sums,
                        factor.as_ref(),
                        &mut weights,
                        bias,
                        &mut change,
                        stack,
                    )?;
                    give(reduced, step.into());
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that a step of weights and bias needs.
        ///
        /// @param rule the step rule
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $reduce_workspace(
            rule: *const altmin_step_rule,
            n_out: usize,
            n_in: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    let rule = memory.structure("rule", rule)?;
                    let bytes = memory.required("bytes", bytes)?;
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let rule = codes::step_rule::<$T>(rule)?;
                    give_bytes::<$T>(bytes, weights::reduce_workspace(&Portable, &rule, n_out, n_in))
                })
            }
        }

        /// apply: the residual of a tile follows a step of weights and bias, r <- r + D p + d 1'. One product.
        ///
        /// @param change D, n_out x n_in
        /// @param bias_change d, n_out
        /// @param p n_in x m
        /// @param[in,out] r n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $apply(
            n_out: usize,
            n_in: usize,
            m: usize,
            change: *const $T,
            ldc: usize,
            bias_change: *const $T,
            p: *const $T,
            ldp: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let change = memory.matrix("change", change, n_out, n_in, ldc)?;
                    let bias_change = memory.vector("bias_change", bias_change, n_out)?;
                    let p = memory.matrix("p", p, n_in, m, ldp)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    weights::apply(&Portable, &change, bias_change, &p, &mut r, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that following a step needs for m samples.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $apply_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let requirement = || weights::apply_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, requirement, error) }
        }

        /// apply, where only the bias has moved: r <- r + d 1'.
        ///
        /// @param bias_change d, n_out
        /// @param[in,out] r n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $apply_bias(
            n_out: usize,
            m: usize,
            bias_change: *const $T,
            r: *mut $T,
            ldr: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let bias_change = memory.vector("bias_change", bias_change, n_out)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    weights::apply_bias::<$T>(bias_change, &mut r)?;
                    Ok(())
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_weights_factor_f32,
    altmin_weights_factor_workspace_f32,
    altmin_weights_reduce_f32,
    altmin_weights_reduce_workspace_f32,
    altmin_weights_apply_f32,
    altmin_weights_apply_workspace_f32,
    altmin_weights_apply_bias_f32
);
functions!(
    f64,
    altmin_weights_factor_f64,
    altmin_weights_factor_workspace_f64,
    altmin_weights_reduce_f64,
    altmin_weights_reduce_workspace_f64,
    altmin_weights_apply_f64,
    altmin_weights_apply_workspace_f64,
    altmin_weights_apply_bias_f64
);
