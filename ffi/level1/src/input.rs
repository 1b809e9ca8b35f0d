//! The input of a layer: p in pdADMM, a in dlADMM.

mod couple;
mod prepare;

use core::ffi::c_void;

use altmin_core::Real;
use altmin_core::gemm::Portable;
use altmin_core::update::input::{self, Moved, Prepared};

use crate::boundary::{give, give_bytes, guard, require_sizes};
use crate::codes::{self, altmin_prepared};
use crate::error::{altmin_error, altmin_status};

pub use couple::*;
pub use prepare::*;

/// What a step has done to its objective.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct altmin_moved {
    /// The decrease that is promised: sum (tau/2)|dp|^2 for a majorised step, <g, dp>/2 for an exact one.
    pub promised: f64,
    /// |p_new - p_old|^2.
    pub squared: f64,
}

impl From<Moved> for altmin_moved {
    fn from(Moved { promised, squared }: Moved) -> Self {
        Self { promised, squared }
    }
}

macro_rules! functions {
    ($T:ident, $step:ident, $workspace:ident) => {
        /// map: moves p and r by one step on phi(p) = (w/2)|W p + b - z|^2 + <u, p - t> + (c/2)|p - t|^2, whose first part
        /// keeps to the layer and whose rest couples p to the layer below: pdADMM's equation 1 (w = nu, c = rho, t = q),
        /// dlADMM's equations 3 and 16 (w = nu, or rho in the last layer; c = nu, t = f(z), u = 0).
        ///
        /// The step is p <- p - g/tau with the gradient g of phi. With ALTMIN_PREPARED_COLUMNS every column has the smallest
        /// legal tau, c + w|W g|^2/|g|^2; with ALTMIN_PREPARED_TAU all have the one that is given, and phi falls by at least
        /// (tau/2)|dp|^2 (pdADMM's Lemma 6) if it is legal. With the other two p goes to the exact minimiser. Columns
        /// whose gradient is 0 stay.
        ///
        /// @param prepared an altmin_prepared
        /// @param tau ALTMIN_PREPARED_TAU: above 0; else not looked at
        /// @param w above 0: weight of the residual
        /// @param c above 0: weight of the coupling
        /// @param weights n_out x n_in
        /// @param inverse ALTMIN_PREPARED_INVERSE: n_in x n_in, ALTMIN_PREPARED_OUTER_INVERSE: n_out x n_out, of the same w,
        ///     c and weights; else not looked at, nor ldi
        /// @param[in,out] g n_in x m: the coupling's gradient u + c(p - t) from altmin_input_couple_copy, _dual or
        ///     _activation; afterwards the gradient of phi at the old p
        /// @param[in,out] p n_in x m
        /// @param[in,out] r n_out x m: W p + b - z, which is kept true
        /// @param[out] moved what came of it, for these samples
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $step(
            prepared: i32,
            tau: f64,
            w: f64,
            c: f64,
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            inverse: *const $T,
            ldi: usize,
            g: *mut $T,
            ldg: usize,
            p: *mut $T,
            ldp: usize,
            r: *mut $T,
            ldr: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            moved: *mut altmin_moved,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let prepared = codes::prepared(prepared)?;
                    let (w, c) = (codes::positive("w", w)?, codes::positive("c", c)?);
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let prepared = match prepared {
                        altmin_prepared::Columns => Prepared::Columns,
                        altmin_prepared::Tau => Prepared::Tau(<$T>::from_f64(tau)),
                        altmin_prepared::Inverse => {
                            Prepared::Inverse(memory.matrix("inverse", inverse, n_in, n_in, ldi)?)
                        }
                        altmin_prepared::OuterInverse => {
                            Prepared::OuterInverse(memory.matrix("inverse", inverse, n_out, n_out, ldi)?)
                        }
                    };
                    let mut g = memory.matrix_mut("g", g, n_in, m, ldg)?;
                    let mut p = memory.matrix_mut("p", p, n_in, m, ldp)?;
                    let mut r = memory.matrix_mut("r", r, n_out, m, ldr)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    let moved = memory.result("moved", moved)?;
                    let step =
                        input::step(&Portable, w, c, &weights, prepared, &mut g, &mut p, &mut r, stack)?;
                    give(moved, step.into());
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the step of an input needs.
        ///
        /// @param prepared an altmin_prepared
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $workspace(
            prepared: i32,
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    let bytes = memory.required("bytes", bytes)?;
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let kind = codes::prepared(prepared)?.kind();
                    give_bytes::<$T>(bytes, input::step_workspace::<$T, _>(&Portable, kind, n_out, n_in, m))
                })
            }
        }
    };
}

functions!(f32, altmin_input_step_f32, altmin_input_step_workspace_f32);
functions!(f64, altmin_input_step_f64, altmin_input_step_workspace_f64);
