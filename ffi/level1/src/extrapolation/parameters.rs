//! Weights and bias that are extrapolated before they step.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::extrapolation::{self, Before};
use altmin_core::update::sums::SumsShape;
use altmin_core::update::weights::Change;

use crate::boundary::{guard, query, require_sizes};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $parameters:ident, $workspace:ident) => {
        /// reduce: extrapolates weights and bias, a row of both at once, where (w/2)|W p + b - z|^2 + Omega(W) does not rise.
        /// The sums tell the objective's change and follow, so that there is no pass over the samples. One product of
        /// n_out x n_in x n_in.
        ///
        /// @param w the weight of |r|^2/2, above 0: rho in DLAM
        /// @param regularizer an altmin_regularizer
        /// @param lambda 0 or above; not looked at with ALTMIN_REGULARIZER_NONE
        /// @param samples how many are in the sums
        /// @param[in,out] sums altmin_sums_elements of them, finished
        /// @param[in,out] weights_before n_out x n_in: at first the weights; becomes what they were
        /// @param[in,out] bias_before n_out: the same of the bias
        /// @param[in,out] t n_out: the momentum of each row, at first 1
        /// @param[in,out] weights n_out x n_in
        /// @param[in,out] bias n_out
        /// @param[out] change n_out x n_in: what the weights moved by
        /// @param[out] bias_change n_out: what the bias moved by
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $parameters(
            w: f64,
            regularizer: i32,
            lambda: f64,
            n_out: usize,
            n_in: usize,
            samples: usize,
            sums: *mut $T,
            weights_before: *mut $T,
            ldb: usize,
            bias_before: *mut $T,
            t: *mut $T,
            weights: *mut $T,
            ldw: usize,
            bias: *mut $T,
            change: *mut $T,
            ldc: usize,
            bias_change: *mut $T,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let (w, regularizer) =
                        (codes::positive("w", w)?, codes::regularizer(regularizer, lambda)?);
                    let shape = SumsShape { n_out, n_in };
                    let sums = memory.vector_mut("sums", sums, shape.elements())?;
                    let before = memory.matrix_mut("weights_before", weights_before, n_out, n_in, ldb)?;
                    let bias_before = memory.vector_mut("bias_before", bias_before, n_out)?;
                    let t = memory.vector_mut("t", t, n_out)?;
                    let mut weights = memory.matrix_mut("weights", weights, n_out, n_in, ldw)?;
                    let bias = memory.vector_mut("bias", bias, n_out)?;
                    let change = memory.matrix_out("change", change, n_out, n_in, ldc)?;
                    let bias_change = memory.vector_out("bias_change", bias_change, n_out)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    extrapolation::parameters(
                        &Portable,
                        w,
                        regularizer,
                        samples,
                        &mut shape.carve(sums)?,
                        &mut Before { weights: before, bias: bias_before, t },
                        &mut weights,
                        bias,
                        &mut Change { weights: change, bias: bias_change },
                        stack,
                    )?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the extrapolation of weights and bias needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $workspace(
            n_out: usize,
            n_in: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let needed = || extrapolation::parameters_workspace::<$T, _>(&Portable, n_out, n_in);
            unsafe { query::<$T>(bytes, &sizes, 0, needed, error) }
        }
    };
}

functions!(f32, altmin_extrapolation_parameters_f32, altmin_extrapolation_parameters_workspace_f32);
functions!(f64, altmin_extrapolation_parameters_f64, altmin_extrapolation_parameters_workspace_f64);
