//! The variables with a column for each sample, extrapolated before they step.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::extrapolation;
use altmin_core::update::interval::activation::Interval;

use crate::boundary::{guard, query, require_sizes, require_some, target};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    (
        $T:ident,
        $linear:ident,
        $linear_workspace:ident,
        $output:ident,
        $output_workspace:ident,
        $activation:ident,
        $activation_workspace:ident
    ) => {
        /// map: extrapolates z of a hidden layer, clipped to its interval (widened to contain z), in the samples where |r|^2
        /// does not rise.
        ///
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param a n_out x m: the layer's output
        /// @param[in,out] before n_out x m: at first z; becomes what z was
        /// @param[in,out] t m: the momentum of each sample, at first 1
        /// @param[in,out] z n_out x m
        /// @param[in,out] r n_out x m: W a_below + b - z, which is kept true
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $linear(
            epsilon: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            a: *const $T,
            lda: usize,
            before: *mut $T,
            ldb: usize,
            t: *mut $T,
            z: *mut $T,
            ldz: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let epsilon = codes::positive("epsilon", epsilon)?;
                    let activation = codes::activation(activation, slope)?;
                    let a = memory.matrix("a", a, n_out, m, lda)?;
                    let mut before = memory.matrix_mut("before", before, n_out, m, ldb)?;
                    let t = memory.vector_mut("t", t, m)?;
                    let mut z = memory.matrix_mut("z", z, n_out, m, ldz)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    extrapolation::linear(epsilon, activation, &a, &mut before, t, &mut z, &mut r, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the extrapolation of a hidden layer's z needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $linear_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let needed = || extrapolation::linear_workspace(n_out);
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, needed, error) }
        }

        /// map: extrapolates z of the last layer in the samples where R(z; y) + (rho/2)|r|^2 does not rise.
        ///
        /// @param loss an altmin_loss
        /// @param rho above 0
        /// @param classes m, each from 0 to n_out - 1; or NULL
        /// @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is
        /// 0 or above and adds up to 1 within 0.001.
        /// @param[in,out] before n_out x m: at first z; becomes what z was
        /// @param[in,out] t m: the momentum of each sample, at first 1
        /// @param[in,out] z n_out x m
        /// @param[in,out] r n_out x m: W a_below + b - z, which is kept true
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $output(
            loss: i32,
            rho: f64,
            n_out: usize,
            m: usize,
            classes: *const i32,
            values: *const $T,
            ldv: usize,
            before: *mut $T,
            ldb: usize,
            t: *mut $T,
            z: *mut $T,
            ldz: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let (loss, rho) = (codes::loss(loss)?, codes::positive("rho", rho)?);
                    let mut before = memory.matrix_mut("before", before, n_out, m, ldb)?;
                    let t = memory.vector_mut("t", t, m)?;
                    let mut z = memory.matrix_mut("z", z, n_out, m, ldz)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    // Last: what lies over a result need not be classes.
                    let target = target(memory, loss, n_out, m, classes, values, ldv)?;
                    extrapolation::output(loss, rho, target, &mut before, t, &mut z, &mut r, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the extrapolation of the last layer's z needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $output_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let needed = || extrapolation::output_workspace(n_out);
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, needed, error) }
        }

        /// map: extrapolates a, the output of a hidden layer, clipped to its interval (widened to contain a), in the samples
        /// where |r|^2 of the layer above does not rise. One product of n_out x n_in x m.
        ///
        /// @param epsilon half the interval's width, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param weights n_out x n_in: of the layer above
        /// @param z n_in x m: of the layer whose output a is
        /// @param[in,out] before n_in x m: at first a; becomes what a was
        /// @param[in,out] t m: the momentum of each sample, at first 1
        /// @param[in,out] a n_in x m
        /// @param[in,out] r n_out x m: W a + b - z of the layer above, which is kept true
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $activation(
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
            before: *mut $T,
            ldb: usize,
            t: *mut $T,
            a: *mut $T,
            lda: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let epsilon = codes::positive("epsilon", epsilon)?;
                    let activation = codes::activation(activation, slope)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let mut before = memory.matrix_mut("before", before, n_in, m, ldb)?;
                    let t = memory.vector_mut("t", t, m)?;
                    let mut a = memory.matrix_mut("a", a, n_in, m, lda)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    // Where |r|^2 does not rise, it does not for any rho.
                    let interval = Interval { rho: 1.0, epsilon, activation, weights, z };
                    extrapolation::activation(&Portable, &interval, &mut before, t, &mut a, &mut r, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the extrapolation of a needs for m samples.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $activation_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let needed = || extrapolation::activation_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, needed, error) }
        }
    };
}

functions!(
    f32,
    altmin_extrapolation_linear_f32,
    altmin_extrapolation_linear_workspace_f32,
    altmin_extrapolation_output_f32,
    altmin_extrapolation_output_workspace_f32,
    altmin_extrapolation_activation_f32,
    altmin_extrapolation_activation_workspace_f32
);
functions!(
    f64,
    altmin_extrapolation_linear_f64,
    altmin_extrapolation_linear_workspace_f64,
    altmin_extrapolation_output_f64,
    altmin_extrapolation_output_workspace_f64,
    altmin_extrapolation_activation_f64,
    altmin_extrapolation_activation_workspace_f64
);
