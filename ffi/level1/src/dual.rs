//! The dual variables.

use altmin_core::update::dual;

use crate::boundary::{give, guard, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $step:ident, $recover:ident, $step_shifted:ident) => {
        /// Moves the dual of a hidden layer, u = u + rho (p_next - q) (pdADMM, equation 7).
        ///
        /// Afterwards u = nu (q - f(z)) (Lemma 4), so that it need not be stored.
        ///
        /// @param rho above 0
        /// @param p_next n_out x m: the input of the layer above, which has moved in this sweep
        /// @param q n_out x m: which has moved in this sweep
        /// @param[in,out] u n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            rho: f64,
            n_out: usize,
            m: usize,
            p_next: *const $T,
            ldp: usize,
            q: *const $T,
            ldq: usize,
            u: *mut $T,
            ldu: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let rho = codes::positive::<$T>("rho", rho)?;
                    let p_next = memory.matrix("p_next", p_next, n_out, m, ldp)?;
                    let q = memory.matrix("q", q, n_out, m, ldq)?;
                    let mut u = memory.matrix_mut("u", u, n_out, m, ldu)?;
                    dual::step(rho, &p_next, &q, &mut u)?;
                    Ok(())
                })
            }
        }

        /// The dual of a hidden layer where it is not stored, u = nu (q - f(z)) (pdADMM, Lemma 4), which holds after every
        /// sweep.
        ///
        /// @param nu above 0
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param q n_out x m
        /// @param z n_out x m
        /// @param[out] u n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $recover(
            nu: f64,
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            q: *const $T,
            ldq: usize,
            z: *const $T,
            ldz: usize,
            u: *mut $T,
            ldu: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let nu = codes::positive::<$T>("nu", nu)?;
                    let activation = codes::activation(activation, slope)?;
                    let q = memory.matrix("q", q, n_out, m, ldq)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let mut u = memory.matrix_out("u", u, n_out, m, ldu)?;
                    dual::recover(nu, activation, &q, &z, &mut u)?;
                    Ok(())
                })
            }
        }

        /// Moves the dual of the last layer, u = u + rho (z - W a - b) (dlADMM, Algorithm 1, lines 23 and 24), in terms of
        /// the shifted residual r = W a + b - z - u/rho: u becomes -rho r, and r becomes 2 r + u_old/rho.
        ///
        /// @param rho above 0
        /// @param[in,out] r n_out x m: the shifted residual, which is kept true
        /// @param[in,out] u n_out x m
        /// @param[out] primal |z - W a - b|^2; its root is the primal residual
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step_shifted(
            rho: f64,
            n_out: usize,
            m: usize,
            r: *mut $T,
            ldr: usize,
            u: *mut $T,
            ldu: usize,
            primal: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let rho = codes::positive::<$T>("rho", rho)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let mut u = memory.matrix_mut("u", u, n_out, m, ldu)?;
                    let primal = memory.result("primal", primal)?;
                    give(primal, dual::step_shifted(rho, &mut r, &mut u)?);
                    Ok(())
                })
            }
        }
    };
}

functions!(f32, altmin_dual_step_f32, altmin_dual_recover_f32, altmin_dual_step_shifted_f32);
functions!(f64, altmin_dual_step_f64, altmin_dual_recover_f64, altmin_dual_step_shifted_f64);
