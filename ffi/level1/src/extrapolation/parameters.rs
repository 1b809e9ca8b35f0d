//! Weights and bias that are extrapolated before they step.

use altmin_core::update::extrapolation::{self, Before};
use altmin_core::update::sums::SumsShape;
use altmin_core::update::weights::Change;
use altmin_level1_macros::functions;

use crate::kernel::Kernel;

functions! {
    /// reduce: extrapolates weights and bias, a row of both at once, where (w/2)|W p + b - z|^2 + Omega(W) does not rise.
    /// The sums tell the objective's change and follow, so that there is no pass over the samples. One product of
    /// n_out x n_in x n_in.
    fn altmin_extrapolation_parameters<T>(
        w: positive "the weight of |r|^2/2: rho in DLAM", regularizer: regularizer(lambda),
        n_out: size, n_in: size, samples: count "how many are in the sums",
        sums: update(sums) "after altmin_sums_finish",
        weights_before: update(n_out x n_in, ldb) "at first the weights; becomes what they were",
        bias_before: update(n_out) "the same of the bias",
        t: update(n_out) "the momentum of each row, at first 1",
        weights: update(n_out x n_in, ldw), bias: update(n_out),
        change: write(n_out x n_in, ldc) "what the weights moved by",
        bias_change: write(n_out) "what the bias moved by",
        workspace: workspace(extrapolation::parameters_workspace::<T, _>(&Kernel, n_out, n_in)),
    ) {
        let mut sums = SumsShape { n_out, n_in }.carve(sums)?;
        let mut before = Before { weights: weights_before, bias: bias_before, t };
        let mut change = Change { weights: change, bias: bias_change };
        extrapolation::parameters(
            &Kernel, w, regularizer, samples, &mut sums, &mut before, &mut weights, bias, &mut change, workspace,
        )?
    }
}
