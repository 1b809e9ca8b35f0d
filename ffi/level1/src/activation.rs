//! The activation f and its derivative.

use altmin_core::view::{column, column_mut};
use altmin_level1_macros::functions;

functions! {
    /// a = f(z), entry by entry. Smooth activations are within 3 units in the last place everywhere.
    fn altmin_activation_apply<T>(
        activation: activation, n_out: size, m: samples, z: read(n_out x m, ldz), a: write(n_out x m, lda),
    ) {
        (0..m).try_for_each(|j| activation.apply(column(&z, j), column_mut(&mut a, j)))?
    }

    /// d = f'(z), entry by entry; at the kink of ReLU and leaky ReLU, 0, the derivative from the left. Smooth
    /// activations are within 4 units in the last place, also where they are saturated.
    fn altmin_activation_derivative<T>(
        activation: activation, n_out: size, m: samples, z: read(n_out x m, ldz), d: write(n_out x m, ldd),
    ) {
        (0..m).try_for_each(|j| activation.derivative(column(&z, j), column_mut(&mut d, j)))?
    }

    /// e becomes f'(z) e, entry by entry, from the values a = f(z): the chain rule for whoever has not kept z.
    fn altmin_activation_backward<T>(
        activation: activation, n_out: size, m: samples, a: read(n_out x m, lda) "f(z)",
        e: update(n_out x m, lde),
    ) {
        (0..m).try_for_each(|j| activation.backward(column(&a, j), column_mut(&mut e, j)))?
    }
}
