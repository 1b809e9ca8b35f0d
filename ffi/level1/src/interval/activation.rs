//! a of a hidden layer, held in its interval.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::interval::activation::{self, Interval, Moved};

use super::linear::altmin_projected;
use crate::boundary::{give, guard, query, require_sizes};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

/// What a clipped step of a did.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct altmin_interval_moved {
    /// The decrease of the objective that is promised, the sum of (tau/2)|a_new - a_old|^2 over the samples
    pub promised: f64,
    /// |a_new - a_old|^2
    pub squared: f64,
    /// Samples whose move, after clipping, took a product of its own, counted each time that it was tried
    pub trials: usize,
}

impl From<Moved> for altmin_interval_moved {
    fn from(moved: Moved) -> Self {
        let Moved { promised, squared, trials } = moved;
        Self { promised, squared, trials }
    }
}

macro_rules! functions {
    ($T:ident, $step:ident, $step_workspace:ident, $project:ident, $project_workspace:ident) => {
        /// map: moves a, the output of a hidden layer, by one step of DLAM's equation 6 (Algorithm 3):
        /// a = clip(a - g/tau, f(z) - epsilon, f(z) + epsilon), g = rho W' r. The objective, (rho/2)|r|^2, falls by at least
        /// (tau/2)|a_new - a_old|^2 in each sample for which tau is legal: rho |W D|^2 <= tau |D|^2 for its move D.
        ///
        /// - ALTMIN_PREPARED_COLUMNS: every sample finds a legal tau of its own.
        /// - ALTMIN_PREPARED_TAU: one tau for all, from altmin_interval_first_tau and altmin_interval_next_tau.
        ///
        /// Samples whose gradient is 0 stay. Intervals are widened to contain the present a. Two products of
        /// n_out x n_in x m, and with ALTMIN_PREPARED_COLUMNS as many columns of a further one as there are trials.
        ///
        /// @param rho above 0
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param prepared an altmin_prepared; the two exact steps are refused with ALTMIN_STATUS_SETTING
        /// @param tau of ALTMIN_PREPARED_TAU, above 0; else not looked at
        /// @param weights n_out x n_in: of the layer above
        /// @param z n_in x m: of the layer whose output a is
        /// @param[in,out] a n_in x m
        /// @param[in,out] r n_out x m: W a + b - z of the layer above, which is kept true
        /// @param[out] moved what was done
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            rho: f64,
            epsilon: f64,
            activation: i32,
            slope: f64,
            prepared: i32,
            tau: f64,
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            z: *const $T,
            ldz: usize,
            a: *mut $T,
            lda: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            moved: *mut altmin_interval_moved,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let (rho, epsilon) = (codes::positive("rho", rho)?, codes::positive("epsilon", epsilon)?);
                    let activation = codes::activation(activation, slope)?;
                    let prepared = codes::gradient_step(prepared, tau)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let mut a = memory.matrix_mut("a", a, n_in, m, lda)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let moved = memory.result("moved", moved)?;
                    let interval = Interval { rho, epsilon, activation, weights, z };
                    let done = activation::step(&Portable, &interval, prepared, &mut a, &mut r, stack)?;
                    give(moved, done.into());
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the clipped step of a needs for m samples.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let needed = || activation::step_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, needed, error) }
        }

        /// map: moves a back into f(z) - epsilon <= a <= f(z) + epsilon after epsilon has shrunk; |r| may rise by it. One
        /// product of n_out x n_in x m, if anything was outside.
        ///
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param weights n_out x n_in: of the layer above
        /// @param z n_in x m: of the layer whose output a is
        /// @param[in,out] a n_in x m
        /// @param[in,out] r n_out x m: W a + b - z of the layer above, which is kept true
        /// @param[out] projected what was moved
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $project(
            epsilon: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            z: *const $T,
            ldz: usize,
            a: *mut $T,
            lda: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            projected: *mut altmin_projected,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let epsilon = codes::positive("epsilon", epsilon)?;
                    let activation = codes::activation(activation, slope)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let mut a = memory.matrix_mut("a", a, n_in, m, lda)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let projected = memory.result("projected", projected)?;
                    // No projection looks at rho.
                    let interval = Interval { rho: 1.0, epsilon, activation, weights, z };
                    give(projected, activation::project(&Portable, &interval, &mut a, &mut r, stack)?.into());
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that moving a back into its interval needs for m samples.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $project_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let needed = || activation::project_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, needed, error) }
        }
    };
}

functions!(
    f32,
    altmin_interval_activation_step_f32,
    altmin_interval_activation_step_workspace_f32,
    altmin_interval_activation_project_f32,
    altmin_interval_activation_project_workspace_f32
);
functions!(
    f64,
    altmin_interval_activation_step_f64,
    altmin_interval_activation_step_workspace_f64,
    altmin_interval_activation_project_f64,
    altmin_interval_activation_project_workspace_f64
);
