//! The risk R of the last layer.

use altmin_core::loss;
use altmin_level1_macros::functions;

functions! {
    /// R(z; y), summed over the samples from the first to the last.
    fn altmin_loss_value<T>(
        loss: loss, n_out: size, m: samples, z: read(n_out x m, ldz), target: target(classes, values, ldv),
    ) -> value: f64 "R" {
        loss.value(z, target)?
    }

    /// The gradient of R with respect to z.
    fn altmin_loss_gradient<T>(
        loss: loss, n_out: size, m: samples, z: read(n_out x m, ldz), target: target(classes, values, ldv),
        gradient: write(n_out x m, ldg),
    ) {
        loss.gradient(z, target, gradient)?
    }

    /// How many samples have their largest output at their class; of several largest the first counts.
    fn altmin_loss_count_correct<T>(
        n_out: size, m: samples, z: read(n_out x m, ldz), classes: classes,
    ) -> correct: usize "how many" {
        loss::count_correct(z, classes)?
    }
}
