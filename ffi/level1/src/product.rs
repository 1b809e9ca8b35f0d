//! The product, and a layer's linear map.

use altmin_core::forward;
use altmin_core::gemm::Gemm;
use altmin_level1_macros::functions;

use crate::kernel::Kernel;

functions! {
    /// C <- alpha op(A) op(B) + beta C: the product of which everything else is made. The same bits on every call, in
    /// any thread.
    ///
    /// m, n and k may be 0; with k = 0 it is C <- beta C.
    fn altmin_gemm<T>(
        op_a: transpose, op_b: transpose, m: extent "rows of op(A) and C", n: extent "columns of op(B) and C",
        k: extent "columns of op(A), rows of op(B)", alpha: finite,
        a: read(m x k if op_a = No else k x m, lda), b: read(k x n if op_b = No else n x k, ldb),
        beta: finite "with 0 c may hold anything, NaN too", c: accumulate(m x n, ldc, beta),
        workspace: workspace(Gemm::<T>::workspace(&Kernel, m, n, k)),
    ) {
        Kernel.gemm(alpha, a, op_a, b, op_b, beta, c, workspace)?
    }

    /// z <- W p + b: a layer's linear map, one product.
    fn altmin_linear<T>(
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw), bias: read(n_out),
        p: read(n_in x m, ldp), z: write(n_out x m, ldz),
        workspace: workspace(forward::linear_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) {
        forward::linear(&Kernel, &weights, bias, &p, &mut z, workspace)?
    }
}
