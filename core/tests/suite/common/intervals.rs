//! DLAM's updates and the extrapolations, for the list of all updates.

use altmin_core::gemm::Gemm;
use altmin_core::update::extrapolation::{self, Before};
use altmin_core::update::input::Prepared;
use altmin_core::update::interval::activation::{self, Interval};
use altmin_core::update::interval::{self, linear, search};
use altmin_core::update::sums::SumsMut;
use altmin_core::update::weights::Change;
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Loss, Real, Regularizer, Result, Target};

use super::updates::update;
use super::{Strided, Update, World};

fn number<T: Real>(value: f64) -> T {
    T::from_f64(value)
}

/// What holds `p`, the activations below, near to h(`z_below`).
fn held<'a, T: Real>(weights: &'a Strided<T>, z_below: &'a Strided<T>) -> Interval<'a, T> {
    let (weights, z) = (weights.view(), z_below.view());
    Interval { rho: number(0.5), epsilon: number(0.25), activation: Activation::Tanh, weights, z }
}

fn gradient_step<T: Real, G: Gemm<T>>(w: &World<T>, gemm: &G) -> Requirement {
    activation::step_workspace(gemm, w.n_out, w.n_in, w.m)
}

fn step<T: Real, G: Gemm<T>>(
    w: &mut World<T>,
    gemm: &G,
    prepared: Prepared<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let World { weights, z_below, p, r, .. } = w;
    let held = held(weights, z_below);
    activation::step(gemm, &held, prepared, &mut p.view_mut(), &mut r.view_mut(), stack).map(|_| ())
}

const STEP: &[(&str, &str)] = &[("weights", "weights"), ("z_below", "z"), ("p", "a"), ("r", "r")];

pub(crate) fn intervals<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    let mut all = steps();
    all.extend(extrapolations());
    all
}

fn steps<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    vec![
        update!(
            "interval::linear::step",
            &[("q", "a"), ("z", "z"), ("r", "r")],
            |w, _| linear::step_workspace(w.n_out),
            |w, _, stack| {
                let World { q, z, r, .. } = w;
                let (z, r) = (&mut z.view_mut(), &mut r.view_mut());
                linear::step(number(0.25), Activation::Sigmoid, &q.view(), z, r, stack).map(|_| ())
            }
        ),
        update!("interval::activation::step", STEP, gradient_step, |w, gemm, stack| {
            step(w, gemm, Prepared::Columns, stack)
        }),
        update!("interval::activation::step with one tau", STEP, gradient_step, |w, gemm, stack| {
            step(w, gemm, Prepared::Tau(number(2.0)), stack)
        }),
        update!("interval::search::probe", STEP, gradient_step, |w, gemm, stack| {
            search::probe(gemm, &held(&w.weights, &w.z_below), &w.p.view(), &w.r.view(), stack).map(|_| ())
        }),
        update!("interval::search::trial", STEP, gradient_step, |w, gemm, stack| {
            search::trial(gemm, &held(&w.weights, &w.z_below), number(2.0), &w.p.view(), &w.r.view(), stack)
                .map(|_| ())
        }),
        update!(
            "interval::activation::project",
            STEP,
            |w, gemm| activation::project_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { weights, z_below, p, r, .. } = w;
                let held = held(weights, z_below);
                activation::project(gemm, &held, &mut p.view_mut(), &mut r.view_mut(), stack).map(|_| ())
            }
        ),
        update!(
            "interval::violation",
            &[("q", "a"), ("z", "z")],
            |w, _| interval::violation_workspace(w.n_out),
            |w, _, stack| {
                interval::violation(number(0.25), Activation::Tanh, &w.z.view(), &w.q.view(), stack)
                    .map(|_| ())
            }
        ),
    ]
}

fn extrapolations<T: Real, G: Gemm<T>>() -> Vec<Update<T, G>> {
    vec![
        update!(
            "extrapolation::parameters",
            &[
                ("weights", "weights"),
                ("bias", "bias"),
                ("weights_before", "before.weights"),
                ("bias_before", "before.bias"),
                ("t_rows", "before.t"),
                ("cross", "sums.cross"),
                ("gram", "sums.gram"),
                ("residual", "sums.residual"),
                ("input", "sums.input"),
                ("change", "change.weights"),
                ("bias_change", "change.bias"),
            ],
            |w, gemm| extrapolation::parameters_workspace(gemm, w.n_out, w.n_in),
            |w, gemm, stack| {
                let World {
                    cross, gram, residual, input, weights, bias, change, bias_change, samples, ..
                } = w;
                let (weights_before, bias_before, t_rows) =
                    (&mut w.weights_before, &mut w.bias_before, &mut w.t_rows);
                let (residual, input) = (residual.slice_mut(), input.slice_mut());
                let mut sums = SumsMut { cross: cross.view_mut(), gram: gram.view_mut(), residual, input };
                let mut before = Before {
                    weights: weights_before.view_mut(),
                    bias: bias_before.slice_mut(),
                    t: t_rows.slice_mut(),
                };
                let change = &mut Change { weights: change.view_mut(), bias: bias_change.slice_mut() };
                let (weights, bias) = (&mut weights.view_mut(), bias.slice_mut());
                let (rho, ridge, samples) = (number(0.5), Regularizer::L2(number(0.25)), *samples);
                extrapolation::parameters(
                    gemm,
                    rho,
                    ridge,
                    samples,
                    &mut sums,
                    &mut before,
                    weights,
                    bias,
                    change,
                    stack,
                )
            }
        ),
        update!(
            "extrapolation::linear",
            &[("q", "a"), ("u", "before"), ("t_samples", "t"), ("z", "z"), ("r", "r")],
            |w, _| extrapolation::linear_workspace(w.n_out),
            |w, _, stack| {
                let World { q, u, t_samples, z, r, .. } = w;
                let (before, t) = (&mut u.view_mut(), t_samples.slice_mut());
                let (epsilon, z, r) = (number(0.25), &mut z.view_mut(), &mut r.view_mut());
                extrapolation::linear(epsilon, Activation::Relu, &q.view(), before, t, z, r, stack)
            }
        ),
        update!(
            "output, extrapolated",
            &[("u", "before"), ("t_samples", "t"), ("z", "z"), ("r", "r")],
            |w, _| extrapolation::output_workspace(w.n_out),
            |w, _, stack| {
                let World { classes, u, t_samples, z, r, .. } = w;
                let (before, t, target) =
                    (&mut u.view_mut(), t_samples.slice_mut(), Target::Classes(classes));
                let (rho, z, r) = (number(0.5), &mut z.view_mut(), &mut r.view_mut());
                extrapolation::output(Loss::CrossEntropy, rho, target, before, t, z, r, stack)
            }
        ),
        update!(
            "extrapolation::activation",
            &[
                ("weights", "weights"),
                ("z_below", "z"),
                ("q_below", "before"),
                ("t_samples", "t"),
                ("p", "a"),
                ("r", "r"),
            ],
            |w, gemm| extrapolation::activation_workspace(gemm, w.n_out, w.n_in, w.m),
            |w, gemm, stack| {
                let World { weights, z_below, q_below, t_samples, p, r, .. } = w;
                let held = held(weights, z_below);
                let (before, t) = (&mut q_below.view_mut(), t_samples.slice_mut());
                let (p, r) = (&mut p.view_mut(), &mut r.view_mut());
                extrapolation::activation(gemm, &held, before, t, p, r, stack)
            }
        ),
    ]
}
