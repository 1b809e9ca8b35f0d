//! DLAM's hidden layers: z and a held within intervals of each other.

pub mod activation;
pub mod linear;
pub mod search;

use core::ffi::c_void;

use altmin_core::update::interval;

use crate::boundary::{guard, query, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $violation:ident, $workspace:ident) => {
        /// The largest |f(z) - a| - epsilon of a hidden layer, 0 where the intervals of DLAM's Problem 2 are met; its updates
        /// meet them up to rounding.
        ///
        /// @param epsilon half the intervals' width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param z n_out x m
        /// @param a n_out x m
        /// @param[out] violation the largest
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $violation(
            epsilon: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            a: *const $T,
            lda: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            violation: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let epsilon = codes::positive::<$T>("epsilon", epsilon)?;
                    let activation = codes::activation(activation, slope)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let a = memory.matrix("a", a, n_out, m, lda)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let violation = memory.required("violation", violation)?;
                    *violation = interval::violation(epsilon, activation, &z, &a, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the violation of a layer's intervals needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let needed = || interval::violation_workspace(n_out);
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, needed, error) }
        }
    };
}

functions!(f32, altmin_interval_violation_f32, altmin_interval_violation_workspace_f32);
functions!(f64, altmin_interval_violation_f64, altmin_interval_violation_workspace_f64);
