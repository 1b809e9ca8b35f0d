//! z of a hidden layer.

use core::ffi::c_void;

use altmin_core::update::hidden;

use crate::boundary::{give, guard, query, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $step:ident, $workspace:ident) => {
        /// Moves z of a hidden layer to the global minimiser, entry by entry, of
        /// (nu/2)|z - (W p + b)|^2 + (nu/2)|target - f(z)|^2 [+ (nu/2)|z - z_old|^2], whatever nu: pdADMM's equation 4 with
        /// the bracket, dlADMM's equations 4 and 14 without. Exact, though the problem is not convex.
        ///
        /// @param proximal an altmin_proximal
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param target n_out x m: q in pdADMM, a in dlADMM
        /// @param[in,out] z n_out x m
        /// @param[in,out] r n_out x m: W p + b - z, which is kept true
        /// @param[out] moved |z_new - z_old|^2
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            proximal: i32,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            target: *const $T,
            ldt: usize,
            z: *mut $T,
            ldz: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            moved: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let proximal = codes::proximal(proximal)?;
                    let activation = codes::activation::<$T>(activation, slope)?;
                    let target = memory.matrix("target", target, n_out, m, ldt)?;
                    let mut z = memory.matrix_mut("z", z, n_out, m, ldz)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let moved = memory.result("moved", moved)?;
                    give(moved, hidden::step(proximal, activation, &target, &mut z, &mut r, stack)?);
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the step of a hidden z needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, || hidden::step_workspace(n_out), error) }
        }
    };
}

functions!(f32, altmin_hidden_step_f32, altmin_hidden_step_workspace_f32);
functions!(f64, altmin_hidden_step_f64, altmin_hidden_step_workspace_f64);
