//! Every update in a row, on one set of variables, so that what holds for all of them is tested for all of them.

use altmin_core::gemm::Gemm;
use altmin_core::objective::{self, Dual};
use altmin_core::update::hidden::{self, Proximal};
use altmin_core::update::input::{self, Prepared, StepKind};
use altmin_core::update::sums::{self, Parts, Sums, SumsMut};
use altmin_core::update::weights::dual::Solution;
use altmin_core::update::weights::{self, Change, Factor, Order};
use altmin_core::update::{StepRule, copy, dual, output};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Loss, OutputSolver, Real, Regularizer, Result, Target, forward};

use super::World;
use super::intervals::intervals;

/// An update: its name, its arguments as `(field, name in errors)`, the scratch it says it needs, and its call.
pub(crate) struct Update<T: Real, G> {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [(&'static str, &'static str)],
    pub(crate) workspace: fn(&World<T>, &G) -> Requirement,
    pub(crate) run: fn(&mut World<T>, &G, Stack<'_, T>) -> Result,
}

const LEAKY: f64 = 0.25;

fn leaky<T: Real>() -> Activation<T> {
    Activation::LeakyRelu { slope: T::from_f64(LEAKY) }
}

fn number<T: Real>(value: f64) -> T {
    T::from_f64(value)
}

fn step_input<T: Real, G: Gemm<T>>(
    w: &mut World<T>,
    gemm: &G,
    kind: StepKind,
    stack: Stack<'_, T>,
) -> Result {
    let World { weights, g, p, r, inverse, outer, .. } = w;
    let prepared = match kind {
        StepKind::Gradient => Prepared::Columns,
        StepKind::Exact => Prepared::Inverse(inverse.view()),
        StepKind::OuterExact => Prepared::OuterInverse(outer.view()),
    };
    let (mut g, mut p, mut r) = (g.view_mut(), p.view_mut(), r.view_mut());
    let (w, c) = (number(0.5), number(2.0));
    input::step(gemm, w, c, &weights.view(), prepared, &mut g, &mut p, &mut r, stack).map(|_| ())
}

fn reduce<T: Real, G: Gemm<T>>(
    w: &mut World<T>,
    gemm: &G,
    rule: StepRule<T>,
    omega: Regularizer<T>,
    factored: bool,
    stack: Stack<'_, T>,
) -> Result {
    let World { weights, bias, change, bias_change, cross, gram, residual, input, lower, samples, .. } = w;
    let sums = Sums {
        cross: cross.view(),
        gram: gram.view(),
        residual: residual.slice(),
        input: input.slice(),
        samples: *samples,
    };
    let factor = Factor { lower: lower.view() };
    weights::reduce(
        gemm,
        &rule,
        Order::WeightsFirst,
        number(1.5),
        omega,
        &sums,
        factored.then_some(&factor),
        &mut weights.view_mut(),
        bias.slice_mut(),
        &mut Change { weights: change.view_mut(), bias: bias_change.slice_mut() },
        stack,
    )
    .map(|_| ())
}

fn accumulate<T: Real, G: Gemm<T>>(w: &mut World<T>, gemm: &G, parts: Parts, stack: Stack<'_, T>) -> Result {
    let World { cross, gram, residual, input, r, p, .. } = w;
    let (residual, input) = (residual.slice_mut(), input.slice_mut());
    let mut sums = SumsMut { cross: cross.view_mut(), gram: gram.view_mut(), residual, input };
    sums::accumulate(gemm, &r.view(), &p.view(), parts, &mut sums, stack)
}

fn step_output<T: Real>(w: &mut World<T>, loss: Loss, solver: OutputSolver, stack: Stack<'_, T>) -> Result {
    let World { classes, z, r, .. } = w;
    let target = Target::Classes(classes);
    output::step(loss, solver, number(0.5), target, &mut z.view_mut(), &mut r.view_mut(), stack).map(|_| ())
}

fn step_hidden<T: Real>(w: &mut World<T>, activation: Activation<T>, stack: Stack<'_, T>) -> Result {
    let World { q, z, r, .. } = w;
    let (z, r) = (&mut z.view_mut(), &mut r.view_mut());
    hidden::step(Proximal::Yes, activation, &q.view(), z, r, stack).map(|_| ())
}

fn none<T: Real, G>(_: &World<T>, _: &G) -> Requirement {
    Requirement::NONE
}

fn damped<T: Real>() -> StepRule<T> {
    StepRule::LeastSquares { damping: number(0.5) }
}

const INPUT: &[(&str, &str)] = &[("weights", "weights"), ("p", "p"), ("r", "r"), ("g", "g")];
const EXACT: &[(&str, &str)] =
    &[("weights", "weights"), ("p", "p"), ("r", "r"), ("g", "g"), ("inverse", "inverse")];
const OUTER: &[(&str, &str)] =
    &[("weights", "weights"), ("p", "p"), ("r", "r"), ("g", "g"), ("outer", "inverse")];
const HIDDEN: &[(&str, &str)] = &[("q", "target"), ("z", "z"), ("r", "r")];
const REDUCE: &[(&str, &str)] = &[
    ("weights", "weights"),
    ("bias", "bias"),
    ("cross", "sums.cross"),
    ("gram", "sums.gram"),
    ("residual", "sums.residual"),
    ("input", "sums.input"),
    ("change", "change.weights"),
    ("bias_change", "change.bias"),
];
const SUMS: &[(&str, &str)] = &[
    ("r", "r"),
    ("p", "p"),
    ("cross", "sums.cross"),
    ("gram", "sums.gram"),
    ("residual", "sums.residual"),
    ("input", "sums.input"),
];

macro_rules! update {
    ($name:literal, $arguments:expr, $workspace:expr, $run:expr) => {
        Update { name: $name, arguments: $arguments, workspace: $workspace, run: $run }
    };
}
pub(super) use update;

/// All updates, and what is made of their results.
pub(crate) fn updates<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    let mut all = inputs();
    all.extend(weights_and_sums());
    all.extend(elementwise());
    all.extend(intervals());
    all.extend(objectives());
    all
}

fn inputs<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    vec![
        update!(
            "input::copy_coupling",
            &[("p", "p"), ("q_below", "q"), ("z_below", "z"), ("g", "g")],
            none,
            |w, _, _| {
                let World { p, q_below, z_below, g, .. } = w;
                let (q, z) = (q_below.view(), z_below.view());
                input::copy_coupling(number(1.5), number(2.0), leaky(), &p.view(), &q, &z, &mut g.view_mut())
            }
        ),
        update!(
            "input::dual_coupling",
            &[("p", "p"), ("q_below", "q"), ("u_below", "u"), ("g", "g")],
            none,
            |w, _, _| {
                let World { p, q_below, u_below, g, .. } = w;
                let (q, u) = (q_below.view(), u_below.view());
                input::dual_coupling(number(2.0), &u, &p.view(), &q, &mut g.view_mut())
            }
        ),
        update!(
            "input::activation_coupling",
            &[("p", "a"), ("z_below", "z"), ("g", "g")],
            none,
            |w, _, _| {
                let World { p, z_below, g, .. } = w;
                input::activation_coupling(
                    number(1.5),
                    leaky(),
                    &p.view(),
                    &z_below.view(),
                    &mut g.view_mut(),
                )
            }
        ),
        update!(
            "input::step along the gradient",
            INPUT,
            |w, gemm| input::step_workspace(gemm, StepKind::Gradient, w.n_out, w.n_in, w.m),
            |w, gemm, stack| step_input(w, gemm, StepKind::Gradient, stack)
        ),
        update!(
            "input::step by the inverse",
            EXACT,
            |w, gemm| input::step_workspace(gemm, StepKind::Exact, w.n_out, w.n_in, w.m),
            |w, gemm, stack| step_input(w, gemm, StepKind::Exact, stack)
        ),
        update!(
            "input::step by the outer inverse",
            OUTER,
            |w, gemm| input::step_workspace(gemm, StepKind::OuterExact, w.n_out, w.n_in, w.m),
            |w, gemm, stack| step_input(w, gemm, StepKind::OuterExact, stack)
        ),
        update!(
            "input::probe",
            &[("weights", "weights"), ("r", "r"), ("g", "g")],
            |w, gemm| input::step_workspace(gemm, StepKind::Gradient, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { weights, g, r, .. } = w;
                let (one, two) = (number(1.0), number(2.0));
                let g = &mut g.view_mut();
                input::probe(gemm, one, two, &weights.view(), g, &r.view(), stack).map(|_| ())
            }
        ),
        update!(
            "input::invert_hessian",
            &[("weights", "weights"), ("inverse", "inverse")],
            |w, gemm| input::invert_hessian_workspace(gemm, w.n_out, w.n_in),
            |w, gemm, stack| {
                let World { weights, inverse, .. } = w;
                let inverse = &mut inverse.view_mut();
                input::invert_hessian(gemm, number(1.5), number(2.0), &weights.view(), inverse, stack)
            }
        ),
        update!(
            "input::invert_outer_hessian",
            &[("weights", "weights"), ("outer", "inverse")],
            |w, gemm| input::invert_outer_hessian_workspace(gemm, w.n_out, w.n_in),
            |w, gemm, stack| {
                let World { weights, outer, .. } = w;
                let outer = &mut outer.view_mut();
                input::invert_outer_hessian(gemm, number(1.5), number(2.0), &weights.view(), outer, stack)
            }
        ),
    ]
}

fn weights_and_sums<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    vec![
        update!(
            "sums::accumulate",
            SUMS,
            |w, gemm| sums::accumulate_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| accumulate(w, gemm, Parts::All, stack)
        ),
        update!(
            "sums::accumulate for r alone",
            SUMS,
            |w, gemm| sums::accumulate_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| accumulate(w, gemm, Parts::Residual, stack)
        ),
        update!(
            "sums::follow",
            &[
                ("change", "change"),
                ("bias_change", "bias_change"),
                ("cross", "sums.cross"),
                ("gram", "sums.gram"),
                ("residual", "sums.residual"),
                ("input", "sums.input"),
            ],
            |w, gemm| sums::follow_workspace(gemm, w.n_out, w.n_in),
            |w, gemm, stack| {
                let World { cross, gram, residual, input, change, bias_change, samples, .. } = w;
                let (residual, input) = (residual.slice_mut(), input.slice_mut());
                let mut sums = SumsMut { cross: cross.view_mut(), gram: gram.view_mut(), residual, input };
                sums.follow(gemm, &change.view(), bias_change.slice(), *samples, stack)
            }
        ),
        update!(
            "weights::reduce, vector",
            REDUCE,
            |w, gemm| weights::reduce_workspace(gemm, &StepRule::Vector, w.n_out, w.n_in),
            |w, gemm, stack| reduce(w, gemm, StepRule::Vector, Regularizer::L1(number(0.5)), false, stack)
        ),
        update!(
            "weights::reduce, scalar",
            REDUCE,
            |w, gemm| weights::reduce_workspace(gemm, &StepRule::Scalar, w.n_out, w.n_in),
            |w, gemm, stack| reduce(w, gemm, StepRule::Scalar, Regularizer::L2(number(0.5)), false, stack)
        ),
        update!(
            "weights::reduce, least squares",
            REDUCE,
            |w, gemm| weights::reduce_workspace(gemm, &damped(), w.n_out, w.n_in),
            |w, gemm, stack| reduce(w, gemm, damped(), Regularizer::None, false, stack)
        ),
        update!(
            "weights::reduce, least squares from a factor",
            &[("lower", "factored")],
            |w, gemm| weights::reduce_workspace(gemm, &damped(), w.n_out, w.n_in),
            |w, gemm, stack| reduce(w, gemm, damped(), Regularizer::None, true, stack)
        ),
        update!(
            "weights::factor",
            &[("gram", "sums.gram"), ("lower", "lower")],
            |w, gemm| weights::factor_workspace(gemm, w.n_in),
            |w, gemm, stack| {
                let World { cross, gram, residual, input, lower, samples, .. } = w;
                let (residual, input) = (residual.slice(), input.slice());
                let sums =
                    Sums { cross: cross.view(), gram: gram.view(), residual, input, samples: *samples };
                let lower = &mut lower.view_mut();
                let (damping, one) = (number(0.5), number(1.0));
                weights::factor(gemm, damping, one, Regularizer::None, &sums, lower, stack).map(|_| ())
            }
        ),
        update!(
            "weights::dual::solve",
            &[("weights", "weights"), ("p", "p"), ("r", "r"), ("bias_change", "bias_change")],
            |w, gemm| weights::dual::solve_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { weights, p, r, bias_change, .. } = w;
                let (p, r, bias) = (&mut p.view_mut(), &mut r.view_mut(), bias_change.slice_mut());
                let (damping, w, omega) = (number(0.5), number(1.5), Regularizer::L2(number(0.25)));
                let weights = &weights.view();
                weights::dual::solve(gemm, damping, w, omega, weights, p, r, bias, stack).map(|_| ())
            }
        ),
        update!(
            "weights::dual::add_step",
            &[("weights", "weights"), ("p", "p"), ("r", "solved"), ("change", "velocity")],
            |w, gemm| weights::dual::add_step_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { weights, p, r, change, .. } = w;
                let solution = Solution { shrinkage: number(0.25) };
                let (weights, r, p, v) = (&weights.view(), &r.view(), &p.view(), &mut change.view_mut());
                weights::dual::add_step(gemm, solution, number(0.5), weights, r, p, v, stack)
            }
        ),
        update!(
            "weights::apply",
            &[("change", "change"), ("bias_change", "bias_change"), ("p", "p"), ("r", "r")],
            |w, gemm| weights::apply_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { change, bias_change, p, r, .. } = w;
                let r = &mut r.view_mut();
                weights::apply(gemm, &change.view(), bias_change.slice(), &p.view(), r, stack)
            }
        ),
    ]
}

fn elementwise<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    vec![
        update!("hidden::step", HIDDEN, |w, _| hidden::step_workspace(w.n_out), |w, _, stack| step_hidden(
            w,
            leaky(),
            stack
        )),
        update!("hidden::step, sigmoid", HIDDEN, |w, _| hidden::step_workspace(w.n_out), |w, _, stack| {
            step_hidden(w, Activation::Sigmoid, stack)
        }),
        update!("hidden::step, tanh", HIDDEN, |w, _| hidden::step_workspace(w.n_out), |w, _, stack| {
            step_hidden(w, Activation::Tanh, stack)
        }),
        update!("hidden::step, softplus", HIDDEN, |w, _| hidden::step_workspace(w.n_out), |w, _, stack| {
            step_hidden(w, Activation::Softplus, stack)
        }),
        update!(
            "output::step, Newton",
            &[("z", "z"), ("r", "r")],
            |w, _| output::step_workspace::<T>(Loss::CrossEntropy, OutputSolver::Newton, w.n_out, w.m),
            |w, _, stack| step_output(w, Loss::CrossEntropy, OutputSolver::Newton, stack)
        ),
        update!(
            "output::step, FISTA",
            &[("z", "z"), ("r", "r")],
            |w, _| output::step_workspace::<T>(Loss::CrossEntropy, OutputSolver::Fista, w.n_out, w.m),
            |w, _, stack| step_output(w, Loss::CrossEntropy, OutputSolver::Fista, stack)
        ),
        update!(
            "output::step, least squares",
            &[("z", "z"), ("r", "r")],
            |w, _| output::step_workspace::<T>(Loss::LeastSquares, OutputSolver::Newton, w.n_out, w.m),
            |w, _, stack| step_output(w, Loss::LeastSquares, OutputSolver::Newton, stack)
        ),
        update!(
            "copy::step",
            &[("p_next", "p_next"), ("u", "u"), ("z", "z"), ("q", "q")],
            |w, _| copy::step_workspace(w.n_out),
            |w, _, stack| {
                let World { p_next, u, z, q, .. } = w;
                let (p, u, z, q) = (&p_next.view(), &u.view(), &z.view(), &mut q.view_mut());
                copy::step(number(1.5), number(2.0), leaky(), p, u, z, q, stack).map(|_| ())
            }
        ),
        update!(
            "copy::carry",
            &[("z", "z"), ("q", "q")],
            |w, _| copy::carry_workspace(w.n_out),
            |w, _, stack| copy::carry(number(0.75), leaky(), &w.z.view(), &mut w.q.view_mut(), stack)
        ),
        update!("dual::step", &[("p_next", "p_next"), ("q", "q"), ("u", "u")], none, |w, _, _| {
            let World { p_next, q, u, .. } = w;
            dual::step(number(2.0), &p_next.view(), &q.view(), &mut u.view_mut())
        }),
        update!("dual::recover", &[("q", "q"), ("z", "z"), ("u", "u")], none, |w, _, _| {
            let World { q, z, u, .. } = w;
            dual::recover(number(1.5), leaky(), &q.view(), &z.view(), &mut u.view_mut())
        }),
        update!("dual::step_shifted", &[("r", "r"), ("u", "u")], none, |w, _, _| {
            let World { r, u, .. } = w;
            dual::step_shifted(number(2.0), &mut r.view_mut(), &mut u.view_mut()).map(|_| ())
        }),
    ]
}

fn objectives<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    vec![
        update!(
            "objective::copy_terms",
            &[("u", "u"), ("q", "q"), ("z", "z"), ("p_next", "p_next")],
            |w, _| objective::copy_terms_workspace(w.n_out),
            |w, _, stack| {
                let (dual, q, z, p) = (Dual::Stored(w.u.view()), w.q.view(), w.z.view(), w.p_next.view());
                objective::copy_terms(leaky(), dual, &q, &z, &p, stack).map(|_| ())
            }
        ),
        update!(
            "objective::activation_gap",
            &[("q", "a"), ("z", "z")],
            |w, _| objective::activation_gap_workspace(w.n_out),
            |w, _, stack| objective::activation_gap(leaky(), &w.q.view(), &w.z.view(), stack).map(|_| ())
        ),
        update!("objective::constraint_terms", &[("r", "r"), ("u", "u")], none, |w, _, _| {
            objective::constraint_terms(number(2.0), &w.r.view(), &w.u.view()).map(|_| ())
        }),
        update!(
            "forward::linear",
            &[("weights", "weights"), ("bias", "bias"), ("p", "p"), ("z", "z")],
            |w, gemm| forward::linear_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { weights, bias, p, z, .. } = w;
                let z = &mut z.view_mut();
                forward::linear(gemm, &weights.view(), bias.slice(), &p.view(), z, stack)
            }
        ),
    ]
}
