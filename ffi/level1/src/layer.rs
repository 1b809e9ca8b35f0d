//! What a whole layer needs.

use altmin_core::objective;
use altmin_core::update::extrapolation;
use altmin_core::update::input::{self, StepKind};
use altmin_core::update::interval;
use altmin_core::update::weights::{self, dual};
use altmin_core::update::{StepRule, copy, hidden, output, sums};
use altmin_core::workspace::Requirement;
use altmin_core::{Choice, Loss, OutputSolver, Real, forward};
use altmin_level1_macros::functions;

use crate::boundary;
use crate::kernel::Kernel;

functions! {
    /// Bytes of workspace with which every function on a layer of these sizes can be called, with any rule, loss and solver: one block,
    /// as large as this says for the largest layer, serves a whole training. m is the most samples that a
    /// call has. Only altmin_gemm has sizes of its own.
    fn altmin_layer_workspace<T>(n_out: size, n_in: size, m: samples) -> bytes: usize "how many" {
        boundary::bytes::<T>(of_layer::<T>(n_out, n_in, m))?
    }
}

fn of_layer<T: Real>(n_out: usize, n_in: usize, m: usize) -> Requirement {
    let kernel = &Kernel;
    let kinds = [StepKind::Gradient, StepKind::Exact, StepKind::OuterExact];
    let rules = [
        StepRule::Vector,
        StepRule::Scalar,
        StepRule::Backtracking { start: T::ONE, factor: T::from_f64(2.0) },
        StepRule::LeastSquares { damping: T::ONE },
    ];
    [
        forward::linear_workspace::<T, _>(kernel, n_out, n_in, m),
        sums::accumulate_workspace::<T, _>(kernel, n_out, n_in, m),
        sums::follow_workspace::<T, _>(kernel, n_out, n_in),
        weights::factor_workspace::<T, _>(kernel, n_in),
        weights::apply_workspace::<T, _>(kernel, n_out, n_in, m),
        dual::solve_workspace::<T, _>(kernel, n_out, n_in, m),
        dual::add_step_workspace::<T, _>(kernel, n_out, n_in, m),
        input::invert_outer_hessian_workspace::<T, _>(kernel, n_out, n_in),
        input::invert_hessian_workspace::<T, _>(kernel, n_out, n_in),
        copy::step_workspace(n_out),
        copy::carry_workspace(n_out),
        hidden::step_workspace(n_out),
        objective::copy_terms_workspace(n_out),
        objective::activation_gap_workspace(n_out),
        interval::violation_workspace(n_out),
        interval::linear::step_workspace(n_out),
        interval::activation::step_workspace::<T, _>(kernel, n_out, n_in, m),
        interval::activation::project_workspace::<T, _>(kernel, n_out, n_in, m),
        extrapolation::parameters_workspace::<T, _>(kernel, n_out, n_in),
        extrapolation::linear_workspace(n_out),
        extrapolation::output_workspace(n_out),
        extrapolation::activation_workspace::<T, _>(kernel, n_out, n_in, m),
    ]
    .into_iter()
    .chain(kinds.map(|kind| input::step_workspace::<T, _>(kernel, kind, n_out, n_in, m)))
    .chain(rules.iter().map(|rule| weights::reduce_workspace(kernel, rule, n_out, n_in)))
    .chain(Loss::values().flat_map(|loss| {
        OutputSolver::values().map(move |solver| output::step_workspace::<T>(loss, solver, n_out, m))
    }))
    .fold(Requirement::NONE, Requirement::or)
}
