//! The variables with a column for each sample, extrapolated before they step.

use altmin_core::update::extrapolation;
use altmin_core::update::interval::activation::Interval;
use altmin_level1_macros::functions;

use crate::kernel::Kernel;

functions! {
    /// map: extrapolates z of a hidden layer, clipped to its interval (widened to contain z), in the samples where |r|^2
    /// does not rise.
    fn altmin_extrapolation_linear<T>(
        epsilon: positive "half the interval's width", activation: activation, n_out: size, m: samples,
        a: read(n_out x m, lda) "the layer's output",
        before: update(n_out x m, ldb) "at first z; becomes what z was",
        t: update(m) "the momentum of each sample, at first 1", z: update(n_out x m, ldz),
        r: update(n_out x m, ldr) "W a_below + b - z, which is kept true",
        workspace: workspace(extrapolation::linear_workspace(n_out)),
    ) {
        extrapolation::linear(epsilon, activation, &a, &mut before, t, &mut z, &mut r, workspace)?
    }

    /// map: extrapolates z of the last layer in the samples where R(z; y) + (rho/2)|r|^2 does not rise.
    fn altmin_extrapolation_output<T>(
        loss: loss, rho: positive, n_out: size, m: samples, target: target(classes, values, ldv),
        before: update(n_out x m, ldb) "at first z; becomes what z was",
        t: update(m) "the momentum of each sample, at first 1", z: update(n_out x m, ldz),
        r: update(n_out x m, ldr) "W a_below + b - z, which is kept true",
        workspace: workspace(extrapolation::output_workspace(n_out)),
    ) {
        extrapolation::output(loss, rho, target, &mut before, t, &mut z, &mut r, workspace)?
    }

    /// map: extrapolates a, the output of a hidden layer, clipped to its interval (widened to contain a), in the samples
    /// where |r|^2 of the layer above does not rise. One product of n_out x n_in x m.
    fn altmin_extrapolation_activation<T>(
        epsilon: positive "half the interval's width", activation: activation,
        n_out: size, n_in: size, m: samples, weights: read(n_out x n_in, ldw) "of the layer above",
        z: read(n_in x m, ldz) "of the layer whose output a is",
        before: update(n_in x m, ldb) "at first a; becomes what a was",
        t: update(m) "the momentum of each sample, at first 1", a: update(n_in x m, lda),
        r: update(n_out x m, ldr) "W a + b - z of the layer above, which is kept true",
        workspace: workspace(extrapolation::activation_workspace::<T, _>(&Kernel, n_out, n_in, m)),
    ) {
        // Where |r|^2 does not rise, it does not for any rho.
        let interval = Interval { rho: T::ONE, epsilon, activation, weights, z };
        extrapolation::activation(&Kernel, &interval, &mut before, t, &mut a, &mut r, workspace)?
    }
}
