//! q, the output copy of a layer in pdADMM.

use core::ffi::c_void;

use altmin_core::update::copy;

use crate::boundary::{give, guard, query, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $step:ident, $step_workspace:ident, $carry:ident, $carry_workspace:ident) => {
        /// Moves q to the minimiser of (nu/2)|q - f(z)|^2 + <u, p_next - q> + (rho/2)|p_next - q|^2 (pdADMM, equation 6):
        /// q = (rho p_next + u + nu f(z))/(rho + nu). Exact; the paper prints the case rho = nu.
        ///
        /// @param nu above 0
        /// @param rho above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param p_next n_out x m: the input of the layer above, which has moved in this sweep
        /// @param u n_out x m: the dual, recovered from q and z as they were before this sweep, or stored
        /// @param z n_out x m: which has moved in this sweep
        /// @param[in,out] q n_out x m
        /// @param[out] moved |q_new - q_old|^2; rho times its root over all layers is the dual residual
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            nu: f64,
            rho: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            p_next: *const $T,
            ldp: usize,
            u: *const $T,
            ldu: usize,
            z: *const $T,
            ldz: usize,
            q: *mut $T,
            ldq: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            moved: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let (nu, rho) = (codes::positive::<$T>("nu", nu)?, codes::positive::<$T>("rho", rho)?);
                    let activation = codes::activation(activation, slope)?;
                    let p_next = memory.matrix("p_next", p_next, n_out, m, ldp)?;
                    let u = memory.matrix("u", u, n_out, m, ldu)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let mut q = memory.matrix_mut("q", q, n_out, m, ldq)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let moved = memory.result("moved", moved)?;
                    give(moved, copy::step(nu, rho, activation, &p_next, &u, &z, &mut q, stack)?);
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the step of q needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, || copy::step_workspace(n_out), error) }
        }

        /// Moves q where nu changes between two sweeps and the dual is not stored: q = f(z) + ratio (q - f(z)). The dual
        /// that is recovered with the new nu, u = nu (q - f(z)) (pdADMM, Lemma 4), is then what it was with the old one.
        ///
        /// @param ratio nu_old/nu_new, above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param z n_out x m
        /// @param[in,out] q n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $carry(
            ratio: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            q: *mut $T,
            ldq: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let ratio = codes::positive::<$T>("ratio", ratio)?;
                    let activation = codes::activation(activation, slope)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let mut q = memory.matrix_mut("q", q, n_out, m, ldq)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    copy::carry(ratio, activation, &z, &mut q, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that carrying q over to another nu needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $carry_workspace(
            n_out: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe { query::<$T>(bytes, &[("n_out", n_out)], 0, || copy::carry_workspace(n_out), error) }
        }
    };
}

functions!(
    f32,
    altmin_copy_step_f32,
    altmin_copy_step_workspace_f32,
    altmin_copy_carry_f32,
    altmin_copy_carry_workspace_f32
);
functions!(
    f64,
    altmin_copy_step_f64,
    altmin_copy_step_workspace_f64,
    altmin_copy_carry_f64,
    altmin_copy_carry_workspace_f64
);
