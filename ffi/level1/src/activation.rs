//! The activation f and its derivative.

use crate::boundary::{guard, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

use altmin_core::view::{column, column_mut};

macro_rules! functions {
    ($T:ident, $apply:ident, $derivative:ident, $backward:ident) => {
        /// a = f(z), entry by entry. Sigmoid and tanh are within 3 units in the last place everywhere.
        ///
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param z n_out x m
        /// @param[out] a n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $apply(
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            a: *mut $T,
            lda: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let activation = codes::activation::<$T>(activation, slope)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let mut a = memory.matrix_out("a", a, n_out, m, lda)?;
                    for j in 0..m {
                        activation.apply(column(&z, j), column_mut(&mut a, j))?;
                    }
                    Ok(())
                })
            }
        }

        /// d = f'(z), entry by entry; at the kink of ReLU and leaky ReLU, 0, the derivative from the left. Sigmoid and tanh
        /// are within 4 units in the last place, also where they are saturated.
        ///
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param z n_out x m
        /// @param[out] d n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $derivative(
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            d: *mut $T,
            ldd: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let activation = codes::activation::<$T>(activation, slope)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let mut d = memory.matrix_out("d", d, n_out, m, ldd)?;
                    for j in 0..m {
                        activation.derivative(column(&z, j), column_mut(&mut d, j))?;
                    }
                    Ok(())
                })
            }
        }

        /// e becomes f'(z) e, entry by entry, from the values a = f(z): the chain rule for whoever has not kept z. The
        /// derivative is a (1 - a) for the sigmoid and 1 - a^2 for tanh.
        ///
        /// @param activation an altmin_activation
        /// @param slope of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at
        /// @param a n_out x m: f(z)
        /// @param[in,out] e n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $backward(
            activation: i32,
            slope: f64,
            n_out: usize,
            m: usize,
            a: *const $T,
            lda: usize,
            e: *mut $T,
            lde: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let activation = codes::activation::<$T>(activation, slope)?;
                    let a = memory.matrix("a", a, n_out, m, lda)?;
                    let mut e = memory.matrix_mut("e", e, n_out, m, lde)?;
                    for j in 0..m {
                        activation.backward(column(&a, j), column_mut(&mut e, j))?;
                    }
                    Ok(())
                })
            }
        }
    };
}

functions!(
    f32,
    altmin_activation_apply_f32,
    altmin_activation_derivative_f32,
    altmin_activation_backward_f32
);
functions!(
    f64,
    altmin_activation_apply_f64,
    altmin_activation_derivative_f64,
    altmin_activation_backward_f64
);
