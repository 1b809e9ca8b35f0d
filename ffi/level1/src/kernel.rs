//! Who multiplies matrices: the core's product, unless a library that has another one puts that in its place.

#[cfg(not(feature = "std"))]
pub use altmin_core::gemm::Portable as Kernel;
#[cfg(feature = "std")]
pub use chosen::{Kernel, Products, choose};

/// The choice, which is the process's.
#[cfg(feature = "std")]
mod chosen {
    use core::any::Any;
    use core::sync::atomic::{AtomicBool, Ordering};
    use std::sync::OnceLock;

    use altmin_core::gemm::{Gemm, Portable, Transpose};
    use altmin_core::view::{MatMut, MatRef};
    use altmin_core::workspace::{Requirement, Stack};
    use altmin_core::{Real, Result};

    /// Products of both precisions.
    #[derive(Clone, Copy)]
    pub struct Products {
        /// Of float.
        pub f32: &'static dyn Gemm<f32>,
        /// Of double.
        pub f64: &'static dyn Gemm<f64>,
    }

    static OTHER: OnceLock<Products> = OnceLock::new();
    static IS_OTHER: AtomicBool = AtomicBool::new(false);

    /// Other products from now on, the first that were ever given; or the core's again. They need no more scratch than the core's.
    pub fn choose(products: Option<Products>) {
        IS_OTHER.store(false, Ordering::Release);
        if let Some(products) = products {
            let _first = OTHER.get_or_init(|| products);
            IS_OTHER.store(true, Ordering::Release);
        }
    }

    /// The product that has been chosen. Its scratch is the core's: what a caller has asked for stays enough.
    #[derive(Debug, Clone, Copy)]
    pub struct Kernel;

    /// The other product of this precision, if it has been chosen.
    fn other<T: Real>() -> Option<&'static dyn Gemm<T>> {
        let products = OTHER.get().filter(|_| IS_OTHER.load(Ordering::Acquire))?;
        let of_f32 = (&products.f32 as &dyn Any).downcast_ref();
        of_f32.or_else(|| (&products.f64 as &dyn Any).downcast_ref()).copied()
    }

    impl<T: Real> Gemm<T> for Kernel {
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
            match other() {
                Some(other) => other.gemm(alpha, a, op_a, b, op_b, beta, c, stack),
                None => Portable.gemm(alpha, a, op_a, b, op_b, beta, c, stack),
            }
        }

        fn syrk(&self, alpha: T, a: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, stack: Stack<'_, T>) -> Result {
            match other() {
                Some(other) => other.syrk(alpha, a, beta, c, stack),
                None => Portable.syrk(alpha, a, beta, c, stack),
            }
        }

        fn workspace(&self, m: usize, n: usize, k: usize) -> Requirement {
            Gemm::<T>::workspace(&Portable, m, n, k)
        }
    }
}
