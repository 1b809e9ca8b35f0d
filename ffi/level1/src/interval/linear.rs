//! z of a hidden layer, held in its interval.

use core::ffi::c_void;

use altmin_core::update::interval::activation::Projected;
use altmin_core::update::interval::linear::{self, Repaired};

use crate::boundary::{give, guard, query, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

/// What was moved back into its interval.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_projected {
    /// Entries that were outside
    pub entries: usize,
    /// The square of the distance that they moved
    pub squared: f64,
}

impl From<Repaired> for altmin_projected {
    fn from(repaired: Repaired) -> Self {
        let Repaired { entries, squared } = repaired;
        Self { entries, squared }
    }
}

impl From<Projected> for altmin_projected {
    fn from(projected: Projected) -> Self {
        let Projected { entries, squared } = projected;
        Self { entries, squared }
    }
}

macro_rules! functions {
    ($T:ident, $step:ident, $step_workspace:ident, $repair:ident) => {
        /// Moves z of a hidden layer to the minimiser of (rho/2)|W a_below + b - z|^2 over |f(z) - a| <= epsilon, whatever
        /// rho: W a_below + b, clipped to the interval of z (DLAM, equation 4). Exact: the objective falls by at least
        /// (rho/2)|z_new - z_old|^2 (Lemma 6). Every interval is widened to contain the present z.
        ///
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param a n_out x m: the layer's output
        /// @param[in,out] z n_out x m
        /// @param[in,out] r n_out x m: W a_below + b - z, which is kept true
        /// @param[out] moved |z_new - z_old|^2
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            epsilon: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            a: *const $T,
            lda: usize,
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
                    let epsilon = codes::positive::<$T>("epsilon", epsilon)?;
                    let activation = codes::activation(activation, slope)?;
                    let a = memory.matrix("a", a, n_out, m, lda)?;
                    let mut z = memory.matrix_mut("z", z, n_out, m, ldz)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let moved = memory.result("moved", moved)?;
                    give(moved, linear::step(epsilon, activation, &a, &mut z, &mut r, stack)?);
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the clipped step of z needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, || linear::step_workspace(n_out), error) }
        }

        /// Moves z of a hidden layer into its interval, |f(z) - a| <= epsilon, after epsilon has shrunk; |r| may rise by it.
        /// An entry for which no finite z serves, because a is further than epsilon from the range of a sigmoid or tanh,
        /// stays; of a ReLU it moves to 0 at most, and a is still outside.
        ///
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param a n_out x m: the layer's output
        /// @param[in,out] z n_out x m
        /// @param[in,out] r n_out x m: W a_below + b - z, which is kept true
        /// @param[out] repaired what was moved
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $repair(
            epsilon: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            a: *const $T,
            lda: usize,
            z: *mut $T,
            ldz: usize,
            r: *mut $T,
            ldr: usize,
            repaired: *mut altmin_projected,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let epsilon = codes::positive::<$T>("epsilon", epsilon)?;
                    let activation = codes::activation(activation, slope)?;
                    let a = memory.matrix("a", a, n_out, m, lda)?;
                    let mut z = memory.matrix_mut("z", z, n_out, m, ldz)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let repaired = memory.result("repaired", repaired)?;
                    give(repaired, linear::repair(epsilon, activation, &a, &mut z, &mut r)?.into());
                    Ok(())
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_interval_linear_step_f32,
    altmin_interval_linear_step_workspace_f32,
    altmin_interval_linear_repair_f32
);
functions!(
    f64,
    altmin_interval_linear_step_f64,
    altmin_interval_linear_step_workspace_f64,
    altmin_interval_linear_repair_f64
);
