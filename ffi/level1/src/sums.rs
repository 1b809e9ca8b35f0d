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
    (
        $T:ident,
        $clear:ident,
        $accumulate:ident,
        $accumulate_workspace:ident,
        $add:ident,
        $finish:ident,
        $follow:ident,
        $follow_workspace:ident
    ) => {
        /// Sets a layer's sums, or those of r alone, to zero.
        ///
        /// @param parts an altmin_parts
        /// @param[out] sums altmin_sums_elements of them; with ALTMIN_PARTS_RESIDUAL those of p stay
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $clear(
            parts: i32,
            n_out: usize,
            n_in: usize,
            sums: *mut $T,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let (parts, shape) = (codes::parts(parts)?, SumsShape { n_out, n_in });
                    let sums = memory.vector_out("sums", sums, shape.elements())?;
                    shape.carve(sums)?.clear(parts);
                    Ok(())
                })
            }
        }

        /// map: adds a tile of samples to a layer's sums. Of p p' only the lower triangle counts until altmin_sums_finish.
        /// The bits depend on how the samples are cut into tiles, and on nothing else.
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
        pub unsafe extern "C" fn $accumulate_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let requirement = || sums::accumulate_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, requirement, error) }
        }

        /// total <- total + part: joins the sums of two parts of the samples, of several threads or machines. Only added in
        /// the same order do they give the same bits.
        ///
        /// @param parts an altmin_parts; with ALTMIN_PARTS_RESIDUAL the sums of p in total stay
        /// @param part altmin_sums_elements of them
        /// @param[in,out] total altmin_sums_elements of them
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $add(
            parts: i32,
            n_out: usize,
            n_in: usize,
            part: *const $T,
            total: *mut $T,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let (parts, shape) = (codes::parts(parts)?, SumsShape { n_out, n_in });
                    let part = memory.vector("part", part, shape.elements())?;
                    let total = memory.vector_mut("total", total, shape.elements())?;
                    sums::add(shape, parts, part, total)?;
                    Ok(())
                })
            }
        }

        /// Mirrors the lower triangle of p p', after the last samples were added: before the sums are used.
        ///
        /// @param[in,out] sums altmin_sums_elements of them
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $finish(
            n_out: usize,
            n_in: usize,
            sums: *mut $T,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let shape = SumsShape { n_out, n_in };
                    let sums = memory.vector_mut("sums", sums, shape.elements())?;
                    shape.carve(sums)?.finish();
                    Ok(())
                })
            }
        }

        /// The sums after r <- r + D p + d 1' (a step of weights and bias), without a pass over the samples:
        /// r p' <- r p' + D p p' + d (p 1)' and r 1 <- r 1 + D p 1 + samples d. One product.
        ///
        /// @param samples how many are in the sums
        /// @param change D, n_out x n_in
        /// @param bias_change d, n_out
        /// @param[in,out] sums altmin_sums_elements of them, finished
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $follow(
            n_out: usize,
            n_in: usize,
            samples: usize,
            change: *const $T,
            ldc: usize,
            bias_change: *const $T,
            sums: *mut $T,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], 0)?;
                    let shape = SumsShape { n_out, n_in };
                    let change = memory.matrix("change", change, n_out, n_in, ldc)?;
                    let bias_change = memory.vector("bias_change", bias_change, n_out)?;
                    let sums = memory.vector_mut("sums", sums, shape.elements())?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    shape.carve(sums)?.follow(&Portable, &change, bias_change, samples, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that following a step needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $follow_workspace(
            n_out: usize,
            n_in: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let requirement = || sums::follow_workspace::<$T, _>(&Portable, n_out, n_in);
            unsafe { query::<$T>(bytes, &sizes, 0, requirement, error) }
        }
    };
}

functions!(
    f32,
    altmin_sums_clear_f32,
    altmin_sums_accumulate_f32,
    altmin_sums_accumulate_workspace_f32,
    altmin_sums_add_f32,
    altmin_sums_finish_f32,
    altmin_sums_follow_f32,
    altmin_sums_follow_workspace_f32
);
functions!(
    f64,
    altmin_sums_clear_f64,
    altmin_sums_accumulate_f64,
    altmin_sums_accumulate_workspace_f64,
    altmin_sums_add_f64,
    altmin_sums_finish_f64,
    altmin_sums_follow_f64,
    altmin_sums_follow_workspace_f64
);
