//! Who multiplies matrices.

pub mod fast;

use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::view::{MatMut, MatRef};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

use crate::run::kernel::fast::Fast;
use crate::settings::Kernel;

/// One of the products that the host can use, chosen at run time.
#[derive(Debug, Clone, Copy)]
pub enum AnyGemm {
    /// The crate `gemm`, which picks the processor's widest instructions at run time.
    Fast(Fast),
    /// The core's own.
    Portable(Portable),
}

impl AnyGemm {
    /// The one that settings name.
    pub fn of(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Fast => Self::Fast(Fast),
            Kernel::Portable => Self::Portable(Portable),
        }
    }
}

impl<T: Real> Gemm<T> for AnyGemm {
    fn gemm(
        &self,
        alpha: T,
        a: MatRef<'_, T>,
        op_a: Transpose,
        b: MatRef<'_, T>,
        op_b: Transpose,
        beta: T,
        c: MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        match self {
            AnyGemm::Fast(kernel) => kernel.gemm(alpha, a, op_a, b, op_b, beta, c, stack),
            AnyGemm::Portable(kernel) => kernel.gemm(alpha, a, op_a, b, op_b, beta, c, stack),
        }
    }

    fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
        match self {
            AnyGemm::Fast(kernel) => kernel.syrk(alpha, a, beta, c, stack),
            AnyGemm::Portable(kernel) => kernel.syrk(alpha, a, beta, c, stack),
        }
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement {
        match self {
            AnyGemm::Fast(kernel) => Gemm::<T>::workspace(kernel, m, n, k),
            AnyGemm::Portable(kernel) => Gemm::<T>::workspace(kernel, m, n, k),
        }
    }
}
