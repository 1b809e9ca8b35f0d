//! The decrease that an update promises is reached by the objective, computed again from the samples by other code.

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::input::{self, Prepared, StepKind};
use altmin_core::update::weights::Order;
use altmin_core::{Real, Regularizer};
use proptest::prelude::*;

use crate::common::{Coupled, Layer, Plain, Random, Scratch, Strided, rounding};

/// Whether the promise is kept with nothing to spare.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Promise {
    AtLeast,
    Exactly,
}

/// `condition` is what the update's own arithmetic may multiply rounding with, 1 if nothing does.
fn check<T: Real>(what: &str, promise: Promise, condition: f64, promised: f64, before: f64, after: f64) {
    let slack = rounding::<T>() * condition * (before.abs() + promised + 1e-3);
    let decrease = before - after;
    assert!(promised >= 0.0, "{what}: promises {promised}");
    assert!(decrease >= promised - slack, "{what}: fell by {decrease}, promised {promised} (slack {slack})");
    if promise == Promise::Exactly {
        assert!(decrease <= promised + slack, "{what}: fell by {decrease}, promised only {promised}");
    }
}

fn scalar_tau<T: Real>(case: &Coupled, rule: StepRule<T>) -> T {
    let (n_out, n_in, m) = (case.weights.rows, case.weights.columns, case.p.columns);
    let weights = Strided::<T>::dense(&case.weights);
    let (mut g, r) = (Strided::<T>::dense(&case.coupling()), Strided::<T>::dense(&case.r));
    let mut scratch =
        Scratch::new(input::step_workspace::<T, _>(&Portable, StepKind::Gradient, n_out, n_in, m));
    let (w, c) = (T::from_f64(case.w), T::from_f64(case.c));
    let (g, stack) = (&mut g.view_mut(), scratch.stack());
    let probe = input::probe(&Portable, w, c, &weights.view(), g, &r.view(), stack).unwrap();
    input::scalar_tau(&rule, w, c, &weights.view(), probe).unwrap()
}

fn check_input<T: Real>(seed: u64, n_out: usize, n_in: usize, m: usize) {
    let case = Coupled::random(seed, n_out, n_in, m);
    let (inverse, outer) = (case.inverse::<T>(), case.outer_inverse::<T>());
    let start = T::from_f64(Random::new(!seed).between(0.015625, 30.0));
    let backtracking = StepRule::Backtracking { start, factor: T::from_f64(2.0) };
    let steps = [
        (Prepared::Columns, Promise::Exactly),
        (Prepared::Tau(scalar_tau(&case, StepRule::Scalar)), Promise::Exactly),
        (Prepared::Tau(scalar_tau(&case, backtracking)), Promise::AtLeast),
        (Prepared::Inverse(inverse.view()), Promise::Exactly),
        (Prepared::OuterInverse(outer.view()), Promise::Exactly),
    ];
    for (prepared, promise) in steps {
        let (p, r, _, moved) = case.step::<T>(prepared).unwrap();
        let change = p.plus(-1.0, &case.p);
        let after = case.objective(&change);
        check::<T>(&format!("{prepared:?}"), promise, 1.0, moved.promised, case.start(), after);
        // r is what W p + b - z has become: else the next step would start from another objective.
        let followed = case.r.plus(1.0, &case.weights.times(&change)).plus(-1.0, &r).largest();
        assert!(followed <= 20.0 * rounding::<T>(), "r is {followed} away");
    }
}

/// Least squares takes the means out of sums that were made with them: inputs that hardly vary keep few digits.
fn centring(layer: &Layer) -> f64 {
    let centred = layer.p.plus_to_columns(&layer.p.row_means().map(|mean| -mean)).squared();
    if centred > 0.0 { (1e-3 * layer.p.squared() / centred).max(1.0) } else { 1.0 }
}

fn check_weights<T: Real>(seed: u64, n_out: usize, n_in: usize, m: usize) {
    let layer = Layer::random(seed, n_out, n_in, m);
    let mut random = Random::new(!seed);
    let w = random.between(0.25, 3.0);
    let number = |value: f64| T::from_f64(value);
    let (start, lambda) = (number(random.between(0.015625, 30.0)), number(random.between(0.0, 6.0)));
    let damping = number(random.between(0.125, 2.0));
    let rules = [
        StepRule::Vector,
        StepRule::Scalar,
        StepRule::Backtracking { start, factor: number(2.0) },
        StepRule::LeastSquares { damping },
    ];
    for rule in rules {
        let least_squares = matches!(rule, StepRule::LeastSquares { .. });
        for omega in [Regularizer::None, Regularizer::L1(lambda), Regularizer::L2(lambda)] {
            for order in [Order::WeightsFirst, Order::BiasFirst] {
                if least_squares && matches!(omega, Regularizer::L1(_)) {
                    continue;
                }
                let line_search =
                    omega == Regularizer::None && matches!(rule, StepRule::Vector | StepRule::Scalar);
                // Inputs that determine no weights leave a regulariser's part to later sweeps.
                let promise = if least_squares || line_search { Promise::Exactly } else { Promise::AtLeast };
                let found = layer.step::<T>(rule, order, w, omega).unwrap();
                let change = found.weights.plus(-1.0, &layer.weights);
                let bias = found.bias.plus(-1.0, &layer.bias);
                let after = layer.objective(w, omega, &change, &bias);
                let what = format!("{rule:?} {order:?} {omega:?}");
                let condition = if least_squares { centring(&layer) } else { 1.0 };
                check::<T>(&what, promise, condition, found.reduced.promised, layer.start(w, omega), after);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inputs(seed in any::<u64>(), n_out in 0..20usize, n_in in 0..20usize, m in 0..20usize) {
        check_input::<f32>(seed, n_out, n_in, m);
        check_input::<f64>(seed, n_out, n_in, m);
    }

    #[test]
    fn weights(seed in any::<u64>(), n_out in 0..20usize, n_in in 0..20usize, m in 0..20usize) {
        check_weights::<f32>(seed, n_out, n_in, m);
        check_weights::<f64>(seed, n_out, n_in, m);
    }
}

/// Repeated steps on one set of samples: each keeps its promise, and least squares nearly ends at once.
#[test]
fn steps_in_a_row() {
    for rule in [StepRule::Vector, StepRule::Scalar, StepRule::LeastSquares { damping: 0.125 }] {
        for omega in [Regularizer::None, Regularizer::L2(0.5)] {
            let mut layer = Layer::random(5, 4, 6, 30);
            for sweep in 0..30 {
                let found = layer.step::<f64>(rule, Order::WeightsFirst, 1.0, omega).unwrap();
                let (before, change) = (layer.start(1.0, omega), found.weights.plus(-1.0, &layer.weights));
                let after = layer.objective(1.0, omega, &change, &found.bias.plus(-1.0, &layer.bias));
                check::<f64>(
                    &format!("{rule:?} {sweep}"),
                    Promise::AtLeast,
                    1.0,
                    found.reduced.promised,
                    before,
                    after,
                );
                layer = Layer { weights: found.weights, bias: found.bias, r: found.r, p: layer.p };
            }
            let left = Plain::zeros(4, 6).plus(1.0, &layer.r.times(&layer.p.transposed())).largest();
            let reached = if omega == Regularizer::None { left } else { 0.0 };
            assert!(reached < 0.2, "{rule:?}: gradient {reached} after 30 steps");
        }
    }
}
