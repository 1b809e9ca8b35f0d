//! The input's steps: tau from its definition, the papers' test at tau and below it, p and r after the step.

use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Prepared, Probe, StepKind};
use altmin_core::view::columns;
use altmin_core::{Activation, Real};

use crate::common::{
    Coupled, Plain, Random, Scratch, Strided, activate, assert_close, assert_near, in_both_precisions,
    rounding,
};

in_both_precisions!(
    a_tau_for_each_column,
    the_smallest_legal_tau,
    one_tau_for_the_layer,
    backtracking_stops_at_the_first_legal_tau,
    exact_step,
    columns_without_gradient_stay,
    couplings,
);

fn cases() -> impl Iterator<Item = Coupled> {
    let shapes = [(4, 6, 5), (7, 3, 9), (1, 1, 1), (5, 8, 1), (1, 6, 4), (6, 1, 4)];
    (0..30).map(move |seed| {
        let (n_out, n_in, m) = shapes[seed as usize % shapes.len()];
        Coupled::random(seed, n_out, n_in, m)
    })
}

/// `c + w |W g|^2/|g|^2` for some columns together.
fn smallest(case: &Coupled, g: &Plain) -> f64 {
    case.c + case.w * case.weights.times(g).squared() / g.squared()
}

/// p and r after a step with the tau of each column.
fn stepped(case: &Coupled, tau: impl Fn(usize) -> f64) -> (Plain, Plain, f64, f64) {
    let g = case.gradient();
    let moved = Plain::new(g.rows, g.columns, |i, j| -g[(i, j)] / tau(j));
    let promised = (0..g.columns).map(|j| 0.5 * tau(j) * moved.column(j).squared()).sum();
    let r = case.r.plus(1.0, &case.weights.times(&moved));
    (case.p.plus(1.0, &moved), r, promised, moved.squared())
}

fn check_step<T: Real>(case: &Coupled, prepared: Prepared<'_, T>, tau: impl Fn(usize) -> f64) {
    let (p, r, g, moved) = case.step::<T>(prepared).unwrap();
    let (expected_p, expected_r, promised, squared) = stepped(case, tau);
    assert_close::<T>("g", &g, &case.gradient());
    assert_close::<T>("p", &p, &expected_p);
    assert_close::<T>("r", &r, &expected_r);
    assert_near::<T>("promised", moved.promised, promised, promised);
    assert_near::<T>("squared", moved.squared, squared, squared);
}

fn a_tau_for_each_column<T: Real>() {
    for case in cases() {
        let g = case.gradient();
        check_step::<T>(&case, Prepared::Columns, |j| smallest(&case, &g.column(j)));
    }
}

/// `phi(p - g/tau) - U(p - g/tau; tau)` of each column: not positive where tau is legal.
fn excess(case: &Coupled, g: &Plain, tau: &[f64]) -> Vec<f64> {
    let moved = Plain::new(g.rows, g.columns, |i, j| -g[(i, j)] / tau[j]);
    let start = case.columns(&Plain::zeros(g.rows, g.columns));
    let after = case.columns(&moved);
    (0..g.columns)
        .map(|j| {
            let step = moved.column(j);
            let model = start[j] + g.column(j).inner(&step) + 0.5 * tau[j] * step.squared();
            after[j] - model
        })
        .collect()
}

/// The tau that a step used, from how far it went.
fn used_tau(g: &Plain, old: &Plain, new: &Plain) -> Vec<f64> {
    let moved = old.plus(-1.0, new);
    (0..g.columns).map(|j| (g.column(j).squared() / moved.column(j).squared()).sqrt()).collect()
}

fn the_smallest_legal_tau<T: Real>() {
    for case in cases() {
        let (p, ..) = case.step::<T>(Prepared::Columns).unwrap();
        let g = case.gradient();
        let tau = used_tau(&g, &case.p, &p);
        let below: Vec<f64> = tau.iter().map(|tau| 0.99 * tau).collect();
        let (at, below) = (excess(&case, &g, &tau), excess(&case, &g, &below));
        for j in 0..g.columns {
            let scale = g.column(j).squared() / tau[j];
            assert!(at[j] <= 1e-2 * rounding::<T>().sqrt() * scale, "column {j}: {} at tau", at[j]);
            // By the definition of U the excess at 0.99 tau is (0.01 tau/2)|p - p_old|^2.
            assert!(below[j] >= 4e-3 * scale, "column {j}: {} at 0.99 tau", below[j]);
        }
    }
}

/// The probe of a case, taken in two tiles.
fn probe<T: Real>(case: &Coupled) -> Probe {
    let (n_out, n_in, m) = (case.weights.rows, case.weights.columns, case.p.columns);
    let weights = Strided::<T>::dense(&case.weights);
    let r = Strided::<T>::dense(&case.r);
    let mut total = Probe::default();
    let cut = m / 2;
    for (start, count) in [(0, cut), (cut, m - cut)] {
        let mut g = Strided::<T>::dense(&case.coupling().part(start, count));
        let needed = input::step_workspace::<T, _>(&Portable, StepKind::Gradient, n_out, n_in, count);
        let mut scratch = Scratch::new(needed);
        let (w, c) = (T::from_f64(case.w), T::from_f64(case.c));
        let (r, g, stack) = (columns(&r.view(), start, count), &mut g.view_mut(), scratch.stack());
        total.add(input::probe(&Portable, w, c, &weights.view(), g, &r, stack).unwrap());
    }
    total
}

fn scalar_tau<T: Real>(case: &Coupled, rule: StepRule<T>) -> T {
    let weights = Strided::<T>::dense(&case.weights);
    let (w, c) = (T::from_f64(case.w), T::from_f64(case.c));
    input::scalar_tau(&rule, w, c, &weights.view(), probe::<T>(case)).unwrap()
}

fn one_tau_for_the_layer<T: Real>() {
    for case in cases() {
        let expected = smallest(&case, &case.gradient());
        let tau = scalar_tau::<T>(&case, StepRule::Scalar);
        assert_near::<T>("tau", tau.to_f64(), expected, expected);
        check_step::<T>(&case, Prepared::Tau(tau), |_| expected);
    }
}

fn backtracking_stops_at_the_first_legal_tau<T: Real>() {
    for (at, case) in cases().enumerate() {
        let factor = [2.0, 10.0, 1e7][at % 3];
        let start = [0.015625, 1.0, 64.0][at / 3 % 3];
        let g = case.gradient();
        let cap = case.c + case.w * case.weights.squared();
        let mut expected = start;
        // The papers' loop: the test itself, not what is known about it.
        while excess(&case, &g, &vec![expected; g.columns]).iter().sum::<f64>() > 1e-13 * g.squared() {
            expected *= factor;
        }
        let expected = if start < cap { expected.min(cap) } else { smallest(&case, &g).max(cap) };
        let rule = StepRule::Backtracking { start: T::from_f64(start), factor: T::from_f64(factor) };
        let tau = scalar_tau::<T>(&case, rule);
        assert_near::<T>("tau", tau.to_f64(), expected, expected);
        check_step::<T>(&case, Prepared::Tau(tau), |_| expected);
    }
}

fn exact_step<T: Real>() {
    for case in cases() {
        let n = case.weights.columns;
        let gram = case.weights.transposed().times(&case.weights);
        let hessian = Plain::new(n, n, |i, j| case.w * gram[(i, j)]).plus(case.c, &Plain::identity(n));
        let inverse = case.inverse::<T>();
        assert_close::<T>("inverse", &inverse.plain(), &hessian.solve(&Plain::identity(n)));
        let g = case.gradient();
        let moved = hessian.solve(&g.map(|g| -g));
        let outer = case.outer_inverse::<T>();
        for prepared in [Prepared::Inverse(inverse.view()), Prepared::OuterInverse(outer.view())] {
            let (p, r, found_g, report) = case.step::<T>(prepared).unwrap();
            assert_close::<T>("g", &found_g, &g);
            assert_close::<T>("p", &p, &case.p.plus(1.0, &moved));
            assert_close::<T>("r", &r, &case.r.plus(1.0, &case.weights.times(&moved)));
            let promised = 0.5 * moved.inner(&hessian.times(&moved));
            assert_near::<T>("promised", report.promised, promised, promised);
            assert_near::<T>("squared", report.squared, moved.squared(), moved.squared());
        }
    }
}

fn columns_without_gradient_stay<T: Real>() {
    let mut case = Coupled::random(3, 4, 5, 3);
    for (matrix, rows) in [(&mut case.r, 4), (&mut case.u, 5)] {
        (0..rows).for_each(|i| matrix[(i, 1)] = 0.0);
    }
    (0..5).for_each(|i| case.t[(i, 1)] = case.p[(i, 1)]);
    let inverse = case.inverse::<T>();
    let tau = T::from_f64(2.0);
    for prepared in [Prepared::Columns, Prepared::Tau(tau), Prepared::Inverse(inverse.view())] {
        let (p, r, ..) = case.step::<T>(prepared).unwrap();
        assert_eq!(p.column(1), case.p.column(1));
        assert_eq!(r.column(1), case.r.column(1));
        assert!(p.column(0) != case.p.column(0) && p.column(2) != case.p.column(2));
    }
}

fn couplings<T: Real>() {
    let mut random = Random::new(9);
    let (n, m) = (5, 7);
    let [p, q, z, u] = [0; 4].map(|_| random.matrix(n, m));
    let (nu, rho) = (1.5, 2.75);
    let leaky = Activation::LeakyRelu { slope: T::from_f64(0.25) };
    for activation in [Activation::Relu, leaky, Activation::Sigmoid, Activation::Tanh, Activation::Softplus] {
        let f = z.map(|z| activate(activation, z));
        let gap = p.plus(-1.0, &q);
        let [p, q, z, u] = [&p, &q, &z, &u].map(Strided::<T>::dense);
        let (p, q, z, u) = (p.view(), q.view(), z.view(), u.view());
        let (nu_t, rho_t) = (T::from_f64(nu), T::from_f64(rho));
        let mut g = Strided::<T>::dense(&Plain::zeros(n, m));

        input::copy_coupling(nu_t, rho_t, activation, &p, &q, &z, &mut g.view_mut()).unwrap();
        let recovered = Plain::of(&q).plus(-1.0, &f).map(|deviation| nu * deviation);
        assert_close::<T>("copy coupling", &g.plain(), &recovered.plus(rho, &gap));

        input::dual_coupling(rho_t, &u, &p, &q, &mut g.view_mut()).unwrap();
        assert_close::<T>("dual coupling", &g.plain(), &Plain::of(&u).plus(rho, &gap));

        input::activation_coupling(nu_t, activation, &p, &z, &mut g.view_mut()).unwrap();
        let expected = Plain::of(&p).plus(-1.0, &f).map(|deviation| nu * deviation);
        assert_close::<T>("activation coupling", &g.plain(), &expected);
    }
}

#[test]
fn a_tau_that_is_no_step_parameter_is_refused() {
    let case = Coupled::random(1, 3, 4, 2);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(case.step::<f64>(Prepared::Tau(bad)).is_err(), "{bad}");
    }
}

#[test]
fn weights_of_the_objective_out_of_range_are_refused() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for name in ["w", "c"] {
            let mut case = Coupled::random(1, 3, 4, 2);
            *(if name == "w" { &mut case.w } else { &mut case.c }) = bad;
            let refused = case.step::<f64>(Prepared::Columns);
            assert!(
                matches!(refused, Err(Error::Setting { name: found, .. }) if found == name),
                "{name} = {bad}"
            );
        }
    }
}

#[test]
fn backtracking_ends_for_every_start_and_factor() {
    let case = Coupled::random(1, 3, 4, 2);
    let cap = (case.c + case.w * case.weights.squared()) as f32;
    // The smallest number of all, which rounds to itself when multiplied by 1.3.
    let stuck = StepRule::Backtracking { start: f32::from_bits(1), factor: 1.3 };
    assert_near::<f32>("cap", f64::from(scalar_tau(&case, stuck)), f64::from(cap), f64::from(cap));
    let slow = StepRule::Backtracking { start: f64::MIN_POSITIVE, factor: 1.001 };
    let (found, smallest) = (scalar_tau(&case, slow), smallest(&case, &case.gradient()));
    assert!(found >= smallest * (1.0 - 1e-12) && found <= 1.001 * smallest, "{found} for {smallest}");
    for (start, factor) in
        [(0.0, 2.0), (-1.0, 2.0), (1.0, 1.0), (1.0, 1.0005), (1.0, f64::NAN), (f64::INFINITY, 2.0)]
    {
        assert!(StepRule::Backtracking { start, factor }.validate().is_err(), "{start}, {factor}");
    }
}
