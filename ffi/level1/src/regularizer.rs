//! The regulariser Omega of the weights.

use crate::boundary::{guard, require_some};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $value:ident) => {
        /// Omega(W), a layer's share of every objective.
        ///
        /// @param regularizer an altmin_regularizer
        /// @param lambda 0 or above; not looked at with ALTMIN_REGULARIZER_NONE
        /// @param weights n_out x n_in
        /// @param[out] value Omega
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $value(
            regularizer: i32,
            lambda: f64,
            n_out: usize,
            n_in: usize,
            weights: *const $T,
            ldw: usize,
            value: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out), ("n_in", n_in)])?;
                    let regularizer = codes::regularizer::<$T>(regularizer, lambda)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let value = memory.required("value", value)?;
                    *value = regularizer.value(&weights);
                    Ok(())
                })
            }
        }
    };
}

functions!(f32, altmin_regularizer_value_f32);
functions!(f64, altmin_regularizer_value_f64);
