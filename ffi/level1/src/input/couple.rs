//! The gradient of what ties an input to the layer below, u + c(p - t): where an input's step begins.

use altmin_core::update::input;

use crate::boundary::{guard, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $copy:ident, $dual:ident, $activation:ident) => {
        /// g <- nu (q - f(z)) + rho (p - q): pdADMM's coupling (equation 1), with its dual u = nu (q - f(z)) from Lemma 4,
        /// so that u need not be stored. Lemma 4 holds after every update of q and u with the same nu.
        ///
        /// @param activation an altmin_activation: that of the layer below
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param nu above 0
        /// @param rho above 0
        /// @param p n_in x m
        /// @param q n_in x m: of the layer below
        /// @param z n_in x m: of the layer below
        /// @param[out] g n_in x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $copy(
            activation: i32,
            slope: f64,
            nu: f64,
            rho: f64,
            n_in: usize,
            m: usize,
            p: *const $T,
            ldp: usize,
            q: *const $T,
            ldq: usize,
            z: *const $T,
            ldz: usize,
            g: *mut $T,
            ldg: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_in", n_in)])?;
                    let activation = codes::activation::<$T>(activation, slope)?;
                    let (nu, rho) = (codes::positive("nu", nu)?, codes::positive("rho", rho)?);
                    let p = memory.matrix("p", p, n_in, m, ldp)?;
                    let q = memory.matrix("q", q, n_in, m, ldq)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let mut g = memory.matrix_out("g", g, n_in, m, ldg)?;
                    input::copy_coupling(nu, rho, activation, &p, &q, &z, &mut g)?;
                    Ok(())
                })
            }
        }

        /// g <- u + rho (p - q): pdADMM's coupling (equation 1) with a dual that is stored (equation 7).
        ///
        /// @param rho above 0
        /// @param u n_in x m: the dual between the layer below and this one
        /// @param p n_in x m
        /// @param q n_in x m: of the layer below
        /// @param[out] g n_in x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $dual(
            rho: f64,
            n_in: usize,
            m: usize,
            u: *const $T,
            ldu: usize,
            p: *const $T,
            ldp: usize,
            q: *const $T,
            ldq: usize,
            g: *mut $T,
            ldg: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_in", n_in)])?;
                    let rho = codes::positive("rho", rho)?;
                    let u = memory.matrix("u", u, n_in, m, ldu)?;
                    let p = memory.matrix("p", p, n_in, m, ldp)?;
                    let q = memory.matrix("q", q, n_in, m, ldq)?;
                    let mut g = memory.matrix_out("g", g, n_in, m, ldg)?;
                    input::dual_coupling::<$T>(rho, &u, &p, &q, &mut g)?;
                    Ok(())
                })
            }
        }

        /// g <- nu (a - f(z)): dlADMM's coupling (equations 3 and 16).
        ///
        /// @param activation an altmin_activation: that of the layer below
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param nu above 0
        /// @param a n_in x m: the layer's input, where altmin_input_step has p
        /// @param z n_in x m: of the layer below
        /// @param[out] g n_in x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $activation(
            activation: i32,
            slope: f64,
            nu: f64,
            n_in: usize,
            m: usize,
            a: *const $T,
            lda: usize,
            z: *const $T,
            ldz: usize,
            g: *mut $T,
            ldg: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_in", n_in)])?;
                    let activation = codes::activation::<$T>(activation, slope)?;
                    let nu = codes::positive("nu", nu)?;
                    let a = memory.matrix("a", a, n_in, m, lda)?;
                    let z = memory.matrix("z", z, n_in, m, ldz)?;
                    let mut g = memory.matrix_out("g", g, n_in, m, ldg)?;
                    input::activation_coupling(nu, activation, &a, &z, &mut g)?;
                    Ok(())
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_input_couple_copy_f32,
    altmin_input_couple_dual_f32,
    altmin_input_couple_activation_f32
);
functions!(
    f64,
    altmin_input_couple_copy_f64,
    altmin_input_couple_dual_f64,
    altmin_input_couple_activation_f64
);
