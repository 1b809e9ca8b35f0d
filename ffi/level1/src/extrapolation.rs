//! Nesterov's extrapolation of a block, taken only where the objective does not rise by it (DLAM, accelerated).

pub mod parameters;
pub mod variables;

use altmin_core::update::extrapolation;

use crate::boundary::{give, guard};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $momentum:ident) => {
        /// The momentum of Beck and Teboulle's FISTA, by which a block goes on as it went,
        /// y = x + beta (x - x_before): beta = (t - 1)/t_next, t_next = (1 + sqrt(1 + 4 t^2))/2.
        ///
        /// The functions of extrapolation keep a t for each part that decides for itself, a row of weights or a sample; it
        /// starts at 1, where beta is 0, and returns there wherever the objective would have risen.
        ///
        /// @param t above 0
        /// @param[out] beta the momentum
        /// @param[out] t_next the next t
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $momentum(
            t: f64,
            beta: *mut f64,
            t_next: *mut f64,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    let (momentum, next) = extrapolation::momentum(codes::positive::<$T>("t", t)?);
                    let beta = memory.result("beta", beta)?;
                    let t_next = memory.result("t_next", t_next)?;
                    give(beta, f64::from(momentum));
                    give(t_next, f64::from(next));
                    Ok(())
                })
            }
        }
    };
}

functions!(f32, altmin_extrapolation_momentum_f32);
functions!(f64, altmin_extrapolation_momentum_f64);
