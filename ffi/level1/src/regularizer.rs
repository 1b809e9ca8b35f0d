//! The regulariser Omega of the weights.

use altmin_level1_macros::functions;

functions! {
    /// Omega(W), a layer's share of every objective.
    fn altmin_regularizer_value<T>(
        regularizer: regularizer(lambda), n_out: size, n_in: size, weights: read(n_out x n_in, ldw),
    ) -> value: f64 "Omega" {
        regularizer.value(&weights)
    }
}
