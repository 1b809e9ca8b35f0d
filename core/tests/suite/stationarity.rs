//! Central differences of each subproblem's objective: zero at the result of an exact update, and the gradient that the
//! input's step hands back. The objectives are quadratic where they are differentiated, so that a central difference
//! has no error but rounding.

use altmin_core::update::StepRule;
use altmin_core::update::input::Prepared;
use altmin_core::update::weights::Order;
use altmin_core::update::{copy, hidden, output};
use altmin_core::{Activation, Loss, OutputSolver, Regularizer, Target};

use crate::common::smooth::Smooth;
use crate::common::{Coupled, Layer, Plain, Random, Scratch, Strided, activate};

const STEP: f64 = 1.0 / 256.0;
const TOLERANCE: f64 = 1e-9;

/// The derivative of `f` in every element of `at`.
fn differences(at: &Plain, f: impl Fn(&Plain) -> f64) -> Plain {
    Plain::new(at.rows, at.columns, |i, j| {
        let (mut up, mut down) = (at.clone(), at.clone());
        up[(i, j)] += STEP;
        down[(i, j)] -= STEP;
        (f(&up) - f(&down)) / (2.0 * STEP)
    })
}

#[track_caller]
fn assert_stationary(what: &str, found: &Plain) {
    assert!(found.largest() <= TOLERANCE, "{what}: derivative {}", found.largest());
}

#[test]
fn least_squares_weights_and_bias() {
    let (w, damping) = (1.5, 0.25);
    for (seed, (n_out, n_in, m)) in [(3, 4, 9), (2, 6, 3), (5, 1, 4)].into_iter().enumerate() {
        let layer = Layer::random(seed as u64, n_out, n_in, m);
        let centred = layer.p.plus_to_columns(&layer.p.row_means().map(|mean| -mean));
        let delta = damping * centred.squared() / n_in as f64;
        for omega in [Regularizer::None, Regularizer::L2(0.75)] {
            let rule = StepRule::LeastSquares { damping };
            let found = layer.step::<f64>(rule, Order::WeightsFirst, w, omega).unwrap();
            let objective = |change: &Plain, bias: &Plain| {
                layer.objective(w, omega, change, bias) + 0.5 * w * delta * change.squared()
            };
            let (change, bias) = (&found.change, &found.bias_change);
            assert_stationary("W", &differences(change, |change| objective(change, bias)));
            assert_stationary("b", &differences(bias, |bias| objective(change, bias)));
        }
    }
}

#[test]
fn bias_beside_majorised_weights() {
    for seed in 0..5 {
        let layer = Layer::random(seed, 3, 4, 9);
        let (w, none) = (1.5, Regularizer::None);
        let found = layer.step::<f64>(StepRule::Vector, Order::WeightsFirst, w, none).unwrap();
        let objective = |bias: &Plain| layer.objective(w, none, &found.change, bias);
        assert_stationary("b after W", &differences(&found.bias_change, objective));

        let found = layer.step::<f64>(StepRule::Vector, Order::BiasFirst, w, none).unwrap();
        let still = Plain::zeros(3, 4);
        let objective = |bias: &Plain| layer.objective(w, none, &still, bias);
        assert_stationary("b before W", &differences(&found.bias_change, objective));
    }
}

#[test]
fn line_search_of_inputs_and_weights() {
    // The smallest legal tau is the exact line search: the derivative along the gradient is 0 where the step ends.
    for seed in 0..5 {
        let case = Coupled::random(seed, 4, 6, 5);
        let (p, _, g, _) = case.step::<f64>(Prepared::Columns).unwrap();
        let moved = p.plus(-1.0, &case.p);
        for j in 0..5 {
            let along = |t: &Plain| {
                let shifted =
                    Plain::new(6, 5, |i, k| moved[(i, k)] + if k == j { t[(0, 0)] * g[(i, k)] } else { 0.0 });
                case.objective(&shifted)
            };
            assert_stationary("p along g", &differences(&Plain::zeros(1, 1), along));
        }

        let layer = Layer::random(seed, 3, 4, 9);
        let (w, none) = (1.5, Regularizer::None);
        let found = layer.step::<f64>(StepRule::Vector, Order::WeightsFirst, w, none).unwrap();
        let still = Plain::zeros(3, 1);
        for i in 0..3 {
            let along = |t: &Plain| {
                let stretch = |k| if k == i { 1.0 + t[(0, 0)] } else { 1.0 };
                let change = Plain::new(3, 4, |k, j| stretch(k) * found.change[(k, j)]);
                layer.objective(w, none, &change, &still)
            };
            assert_stationary("W along its gradient", &differences(&Plain::zeros(1, 1), along));
        }
    }
}

#[test]
fn exact_input() {
    for (seed, (n_out, n_in, m)) in [(4, 6, 5), (7, 3, 4), (1, 1, 2)].into_iter().enumerate() {
        let case = Coupled::random(seed as u64, n_out, n_in, m);
        let inverse = case.inverse::<f64>();
        let (p, ..) = case.step(Prepared::Inverse(inverse.view())).unwrap();
        let moved = p.plus(-1.0, &case.p);
        assert_stationary("p", &differences(&moved, |moved| case.objective(moved)));
    }
}

#[test]
fn the_gradient_that_is_handed_back() {
    for (seed, (n_out, n_in, m)) in [(4, 6, 5), (7, 3, 4), (1, 1, 2)].into_iter().enumerate() {
        let case = Coupled::random(seed as u64, n_out, n_in, m);
        let expected = differences(&Plain::zeros(n_in, m), |moved| case.objective(moved));
        let inverse = case.inverse::<f64>();
        for prepared in [Prepared::Columns, Prepared::Tau(2.0), Prepared::Inverse(inverse.view())] {
            let (_, _, g, _) = case.step(prepared).unwrap();
            assert_stationary("g beside central differences", &g.plus(-1.0, &expected));
        }
    }
}

#[test]
fn output_copy() {
    let (n, m, nu, rho) = (4, 6, 1.5, 2.75);
    let activation = Activation::LeakyRelu { slope: 0.25 };
    let mut random = Random::new(8);
    let [p, u, z, q] = [0; 4].map(|_| random.matrix(n, m));
    let [p_t, u_t, z_t, mut q_t] = [&p, &u, &z, &q].map(Strided::<f64>::dense);
    let mut scratch = Scratch::new(copy::step_workspace(n));
    let (p_view, u_view, z_view, target) = (p_t.view(), u_t.view(), z_t.view(), &mut q_t.view_mut());
    copy::step(nu, rho, activation, &p_view, &u_view, &z_view, target, scratch.stack()).unwrap();
    let objective = |q: &Plain| {
        let gap = p.plus(-1.0, q);
        let deviation = q.plus(-1.0, &z.map(|z| activate(activation, z)));
        0.5 * nu * deviation.squared() + u.inner(&gap) + 0.5 * rho * gap.squared()
    };
    assert_stationary("q", &differences(&q_t.plain(), objective));
}

#[test]
fn hidden_z_off_the_kink() {
    let (n, m) = (5, 9);
    let activation = Activation::LeakyRelu { slope: 0.25 };
    let mut checked = 0;
    for proximal in [hidden::Proximal::Yes, hidden::Proximal::No] {
        let mut random = Random::new(8);
        let [q, z, r] = [0; 3].map(|_| random.matrix(n, m));
        let linear = r.plus(1.0, &z);
        let [target, mut z_t, mut r_t] = [&q, &z, &r].map(Strided::<f64>::dense);
        let mut scratch = Scratch::new(hidden::step_workspace(n));
        let (z_view, r_view) = (&mut z_t.view_mut(), &mut r_t.view_mut());
        hidden::step(proximal, activation, &target.view(), z_view, r_view, scratch.stack()).unwrap();
        let held = if proximal == hidden::Proximal::Yes { 1.0 } else { 0.0 };
        let objective = |new: &Plain| {
            let f = new.map(|z| activate(activation, z));
            new.plus(-1.0, &linear).squared()
                + q.plus(-1.0, &f).squared()
                + held * new.plus(-1.0, &z).squared()
        };
        let new = z_t.plain();
        let slopes = differences(&new, objective);
        for (z, slope) in new.data.iter().zip(&slopes.data).filter(|(z, _)| z.abs() > 2.0 * STEP) {
            assert!(slope.abs() <= TOLERANCE, "z = {z}: derivative {slope}");
            checked += 1;
        }
    }
    assert!(checked > 50);
}

/// Sigmoid and tanh are not quadratic: differences of fourth order, whose error is that of rounding.
#[test]
fn hidden_z_of_smooth_activations() {
    let (n, m, step) = (5, 9, 1.0 / 1024.0);
    let cases = Smooth::ALL.map(|f| [(f, hidden::Proximal::Yes), (f, hidden::Proximal::No)]);
    for (f, proximal) in cases.into_iter().flatten() {
        let mut random = Random::new(8);
        let [q, z, r] = [0; 3].map(|_| random.matrix(n, m).map(|x| 3.0 * x));
        let linear = r.plus(1.0, &z);
        let [target, mut z_t, mut r_t] = [&q, &z, &r].map(Strided::<f64>::dense);
        let mut scratch = Scratch::new(hidden::step_workspace(n));
        let (z_view, r_view) = (&mut z_t.view_mut(), &mut r_t.view_mut());
        hidden::step(proximal, f.activation(), &target.view(), z_view, r_view, scratch.stack()).unwrap();
        let held = if proximal == hidden::Proximal::Yes { 1.0 } else { 0.0 };
        for (at, &new) in z_t.plain().data.iter().enumerate() {
            let objective = |new: f64| {
                (new - linear.data[at]).powi(2)
                    + (q.data[at] - f.value(new)).powi(2)
                    + held * (new - z.data[at]).powi(2)
            };
            let difference = |step: f64| (objective(new + step) - objective(new - step)) / (2.0 * step);
            let slope = (4.0 * difference(step) - difference(2.0 * step)) / 3.0;
            assert!(slope.abs() <= TOLERANCE, "{f:?} {proximal:?}: derivative {slope} at {new}");
            assert!((new - z.data[at]).abs() > 1e-9, "{f:?} {proximal:?}: nothing has moved");
        }
    }
}

#[test]
fn output_z() {
    let (n, m, mu) = (4, 6, 0.5);
    let mut random = Random::new(12);
    let [y, z, r] = [0; 3].map(|_| random.matrix(n, m));
    let c = r.plus(1.0, &z);
    let [values, mut z_t, mut r_t] = [&y, &z, &r].map(Strided::<f64>::dense);
    let (loss, solver) = (Loss::LeastSquares, OutputSolver::Newton);
    let mut scratch = Scratch::new(output::step_workspace::<f64>(loss, solver, n, m));
    let (z_view, r_view, target) = (&mut z_t.view_mut(), &mut r_t.view_mut(), Target::Values(values.view()));
    output::step(loss, solver, mu, target, z_view, r_view, scratch.stack()).unwrap();
    let objective = |z: &Plain| 0.5 * z.plus(-1.0, &y).squared() + 0.5 * mu * z.plus(-1.0, &c).squared();
    assert_stationary("z", &differences(&z_t.plain(), objective));
}
