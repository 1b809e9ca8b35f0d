//! A product that is correct and inconsiderate.

use altmin_core::gemm::{Gemm, Transpose, product_shape};
use altmin_core::view::{MatMut, MatRef, column_mut, require_size};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// A product by three loops that wants scratch of its own odd size and scribbles over all that it is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loops;

impl Loops {
    fn scribble<T: Real>(&self, needed: Requirement, mut stack: Stack<'_, T>) -> Result {
        stack.require(needed)?;
        let all = stack.len();
        stack.vector(all)?.fill(T::from_f64(f64::NAN));
        Ok(())
    }
}

impl<T: Real> Gemm<T> for Loops {
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        mut c: MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let (m, n, k) = product_shape(&a, op_a, &b, op_b, &c)?;
        self.scribble(Gemm::<T>::workspace(self, m, n, k), stack)?;
        let entry = |matrix: &MatRef<'_, T>, op, i, j| match op {
            Transpose::No => matrix[(i, j)],
            Transpose::Yes => matrix[(j, i)],
        };
        for j in 0..n {
            for i in 0..m {
                let sum: T = (0..k).map(|l| entry(&a, op_a, i, l) * entry(&b, op_b, l, j)).sum();
                let kept = if beta == T::ZERO { T::ZERO } else { beta * c[(i, j)] };
                column_mut(&mut c, j)[i] = alpha * sum + kept;
            }
        }
        Ok(())
    }

    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, mut c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
        let (n, k) = a.shape();
        require_size("c", c.shape(), (n, n))?;
        self.scribble(Gemm::<T>::workspace(self, n, n, k), stack)?;
        for j in 0..n {
            for i in j..n {
                let sum: T = (0..k).map(|l| a[(i, l)] * a[(j, l)]).sum();
                let kept = if beta == T::ZERO { T::ZERO } else { beta * c[(i, j)] };
                column_mut(&mut c, j)[i] = alpha * sum + kept;
            }
        }
        Ok(())
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement {
        Requirement::vector(2 * m + 3 * n + k)
    }
}
