//! The product, and a layer's linear map.

use core::ffi::c_void;

use altmin_core::Real;
use altmin_core::forward;
use altmin_core::gemm::{Gemm, Portable};

use crate::boundary::{give_bytes, guard, query, require_room, require_sizes};
use crate::codes;
use crate::error::{altmin_error, altmin_status};

macro_rules! functions {
    ($T:ident, $gemm:ident, $gemm_workspace:ident, $linear:ident, $linear_workspace:ident) => {
        /// C <- alpha op(A) op(B) + beta C: the product of which everything else is made. The same bits on every call, in
        /// any thread.
        ///
        /// m, n and k may be 0; with k = 0 it is C <- beta C.
        ///
        /// @param op_a an altmin_transpose
        /// @param op_b an altmin_transpose
        /// @param m rows of op(A) and C
        /// @param n columns of op(B) and C
        /// @param k columns of op(A), rows of op(B)
        /// @param alpha finite
        /// @param a m x k, or k x m where it is transposed
        /// @param b k x n, or n x k where it is transposed
        /// @param beta finite; with 0 c may hold anything, NaN too
        /// @param[in,out] c m x n
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $gemm(
            op_a: i32,
            op_b: i32,
            m: usize,
            n: usize,
            k: usize,
            alpha: f64,
            a: *const $T,
            lda: usize,
            b: *const $T,
            ldb: usize,
            beta: f64,
            c: *mut $T,
            ldc: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_room(&[("m", m), ("n", n), ("k", k)], 0)?;
                    let (op_a, op_b) = (codes::transpose("op_a", op_a)?, codes::transpose("op_b", op_b)?);
                    let alpha = codes::finite("alpha", alpha)?;
                    let beta = codes::finite("beta", beta)?;
                    let (a_shape, b_shape) = (op_a.shape((m, k)), op_b.shape((k, n)));
                    let a = memory.matrix("a", a, a_shape.0, a_shape.1, lda)?;
                    let b = memory.matrix("b", b, b_shape.0, b_shape.1, ldb)?;
                    let c = if beta == <$T>::ZERO {
                        memory.matrix_out("c", c, m, n, ldc)?
                    } else {
                        memory.matrix_mut("c", c, m, n, ldc)?
                    };
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    Portable.gemm(alpha, a, op_a, b, op_b, beta, c, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the product needs, however the factors are transposed.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $gemm_workspace(
            m: usize,
            n: usize,
            k: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    let bytes = memory.required("bytes", bytes)?;
                    require_room(&[("m", m), ("n", n), ("k", k)], 0)?;
                    give_bytes::<$T>(bytes, Gemm::<$T>::workspace(&Portable, m, n, k))
                })
            }
        }

        /// z <- W p + b: a layer's linear map, one product.
        ///
        /// @param weights n_out x n_in
        /// @param bias n_out
        /// @param p n_in x m
        /// @param[out] z n_out x m
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $linear(
            n_out: usize,
            n_in: usize,
            m: usize,
            weights: *const $T,
            ldw: usize,
            bias: *const $T,
            p: *const $T,
            ldp: usize,
            z: *mut $T,
            ldz: usize,
            workspace: *mut c_void,
            workspace_size: usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            unsafe {
                guard(error, |memory| {
                    require_sizes(&[("n_out", n_out), ("n_in", n_in)], m)?;
                    let weights = memory.matrix("weights", weights, n_out, n_in, ldw)?;
                    let bias = memory.vector("bias", bias, n_out)?;
                    let p = memory.matrix("p", p, n_in, m, ldp)?;
                    let mut z = memory.matrix_out("z", z, n_out, m, ldz)?;
                    let stack = memory.workspace::<$T>(workspace, workspace_size)?;
                    forward::linear(&Portable, &weights, bias, &p, &mut z, stack)?;
                    Ok(())
                })
            }
        }

        /// Bytes of workspace that the linear map needs.
        ///
        /// @param[out] bytes how many
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $linear_workspace(
            n_out: usize,
            n_in: usize,
            m: usize,
            bytes: *mut usize,
            error: *mut altmin_error,
        ) -> altmin_status {
            let sizes = [("n_out", n_out), ("n_in", n_in)];
            let requirement = || forward::linear_workspace::<$T, _>(&Portable, n_out, n_in, m);
            unsafe { query::<$T>(bytes, &sizes, m, requirement, error) }
        }
    };
}

functions!(f32, altmin_gemm_f32, altmin_gemm_workspace_f32, altmin_linear_f32, altmin_linear_workspace_f32);
functions!(f64, altmin_gemm_f64, altmin_gemm_workspace_f64, altmin_linear_f64, altmin_linear_workspace_f64);
