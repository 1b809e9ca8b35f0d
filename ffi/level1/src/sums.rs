//! The sums over samples from which weights and bias are found.

use core::ffi::c_void;

use altmin_core::gemm::Portable;
use altmin_core::update::sums::{self, SumsShape};

use crate::boundary::{guard, query, require_sizes};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

/// Elements of a layer's sums: n_out n_in + n_out + n_in n_in + n_in.
///
/// In memory they are, without gaps: r p' (n_out x n_in), r 1 (n_out), p p' (n_in x n_in), p 1 (n_in).
///
/// @param[out] elements how many
#[unsafe(no_mangle)]
pub unsafe extern "C" fn altmin_sums_elements(
    n_out: usize,
    n_in: usize,
    elements: *mut usize,
    error: *mut altmin_error,
) -> altmin_status {
    unsafe {
        guard(error, |memory| {
            let elements = memory.required("elements", elements)?;
            require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
            *elements = SumsShape { n_out, n_in }.elements();
            Ok(())
        })
    }
}

macro_rules! functions {
    ($T:ident, $accumulate:ident, $workspace:ident) => {
        /// map: adds a tile of samples to a layer's sums.
        ///
        /// @param parts an altmin_parts
        /// @param r n_out x m
        /// @param p n_in x m
        /// @param[in,out] sums altmin_sums_elements of them
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $accumulate(
            parts: i32,
            n_out: usize,
            n_in: usize,
            m: usize,
            r: *const $T,
            ldr: usize,
            p: *const $T,
            ldp: usize,
            sums: *mut $T,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let (parts, shape) = (codes::parts(parts)?, SumsShape { n_out, n_in });
                    let r = memory.matrix("r", r, n_out, m, ldr)?;
                    let p = memory.matrix("p", p, n_in, m, ldp)?;
                    let sums = memory.vector_mut("sums", sums, shape.elements())?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    sums::accumulate(&Portable, &r, &p, parts, &mut shape.carve(sums)?, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that adding a tile of m samples needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            unsafe {
                query::<$T>(
                    bytes,
                    &sizes,
                    m,
                    || sums::accumulate_workspace::<$T, _>(&Portable, n_out, n_in, m),
                    error,
                )
            }
        }
    };
}

functions!(f32, altmin_sums_accumulate_f32, altmin_sums_accumulate_workspace_f32);
functions!(f64, altmin_sums_accumulate_f64, altmin_sums_accumulate_workspace_f64);
