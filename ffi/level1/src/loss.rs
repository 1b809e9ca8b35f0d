//! The risk R of the last layer.

use altmin_core::loss;

use crate::boundary::{guard, require_some, target};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $value:ident, $gradient:ident, $count_correct:ident) => {
        /// R(z; y), summed over the samples from the first to the last.
        ///
        /// @param loss an altmin_loss
        /// @param z n_out x m
        /// @param classes m, each from 0 to n_out - 1; or NULL
        /// @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is
        /// 0 or above and adds up to 1 within 0.001.
        /// @param[out] value R
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $value(
            loss: i32,
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            classes: *const i32,
            values: *const $T,
            ldv: usize,
            value: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let loss = codes::loss(loss)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let value = memory.required("value", value)?;
                    // Last: what lies over a result need not be classes.
                    let target = target(memory, loss, n_out, m, classes, values, ldv)?;
                    *value = loss.value(z, target)?;
                    Ok(())
                })
            }
        }

        /// The gradient of R with respect to z: softmax(z) - y for cross-entropy, z - y for least squares.
        ///
        /// @param loss an altmin_loss
        /// @param z n_out x m
        /// @param classes m, each from 0 to n_out - 1; or NULL
        /// @param values n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is
        /// 0 or above and adds up to 1 within 0.001.
        /// @param[out] gradient n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $gradient(
            loss: i32,
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            classes: *const i32,
            values: *const $T,
            ldv: usize,
            gradient: *mut $T,
            ldg: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let loss = codes::loss(loss)?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let gradient = memory.matrix_out("gradient", gradient, n_out, m, ldg)?;
                    // Last: what lies over a result need not be classes.
                    let target = target(memory, loss, n_out, m, classes, values, ldv)?;
                    loss.gradient(z, target, gradient)?;
                    Ok(())
                })
            }
        }

        /// How many samples have their largest output at their class; of several largest the first counts.
        ///
        /// @param z n_out x m
        /// @param classes m, each from 0 to n_out - 1
        /// @param[out] correct how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $count_correct(
            n_out: usize,
            m: usize,
            z: *const $T,
            ldz: usize,
            classes: *const i32,
            correct: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_some(&[("n_out", n_out)])?;
                    let z = memory.matrix("z", z, n_out, m, ldz)?;
                    let correct = memory.required("correct", correct)?;
                    // Last: what lies over a result need not be classes.
                    let classes = memory.classes("classes", classes, m)?;
                    *correct = loss::count_correct(z, classes)?;
                    Ok(())
                })
            }
        }
    };
}

functions!(f32, altmin_loss_value_f32, altmin_loss_gradient_f32, altmin_loss_count_correct_f32);
functions!(f64, altmin_loss_value_f64, altmin_loss_gradient_f64, altmin_loss_count_correct_f64);
