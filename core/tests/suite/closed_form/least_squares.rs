//! Least-squares weights and bias against a dense solve of the joint problem, bordered with a row of ones.

use altmin_core::error::Error;
use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::sums::{Sums, SumsShape};
use altmin_core::update::weights::{self, Change, Factor, Order, dual};
use altmin_core::{Real, Regularizer};

use crate::common::{
    Layer, Plain, Scratch, Strided, assert_close, assert_near, in_both_precisions, rounding,
};

in_both_precisions!(
    the_joint_problem,
    the_dual_form,
    a_factor_made_beforehand_gives_the_same_bits,
    inputs_that_determine_no_weights,
    constant_inputs_over_many_samples,
    inputs_off_the_origin,
    l1_is_refused,
    sums_that_overflow_are_reported,
);

/// `damping` times the mean eigenvalue of the centred `p p'`.
fn proximal_weight(layer: &Layer, damping: f64) -> f64 {
    let centred = layer.p.plus_to_columns(&layer.p.row_means().map(|mean| -mean));
    damping * centred.squared() / layer.p.rows as f64
}

/// `min_{D,d} (w/2)|r + D p + d 1'|^2 + (w delta/2)|D|^2 + (lambda/2)|W + D|^2` by its normal equations in `[D d]`.
fn joint(layer: &Layer, damping: f64, w: f64, lambda: f64) -> (Plain, Plain) {
    let (n_in, m) = (layer.p.rows, layer.p.columns);
    let bordered = Plain::new(n_in + 1, m, |i, j| if i < n_in { layer.p[(i, j)] } else { 1.0 });
    let ridge = w * proximal_weight(layer, damping) + lambda;
    let mut hessian = bordered.times(&bordered.transposed()).map(|s| w * s);
    (0..n_in).for_each(|i| hessian[(i, i)] += ridge);
    let pull = |i, j| if j < n_in { lambda * layer.weights[(i, j)] } else { 0.0 };
    let gradient = layer.r.times(&bordered.transposed()).map(|sum| w * sum);
    let gradient = gradient.plus(1.0, &Plain::new(layer.r.rows, n_in + 1, pull));
    let both = hessian.solve(&gradient.transposed().map(|g| -g)).transposed();
    (both.part(0, n_in), both.column(n_in))
}

fn rule<T: Real>(damping: f64) -> StepRule<T> {
    StepRule::LeastSquares { damping: T::from_f64(damping) }
}

fn the_joint_problem<T: Real>() {
    for (seed, (n_out, n_in, m)) in
        [(4, 5, 12), (3, 7, 4), (2, 1, 6), (6, 2, 2), (2, 9, 40)].into_iter().enumerate()
    {
        let layer = Layer::random(seed as u64, n_out, n_in, m);
        for damping in [0.125, 1.0] {
            for lambda in [0.0, 0.5, 8.0] {
                let omega =
                    if lambda == 0.0 { Regularizer::None } else { Regularizer::L2(T::from_f64(lambda)) };
                let w = 1.5;
                let (change, bias) = joint(&layer, damping, w, lambda);
                let moved = change.times(&layer.p).plus_to_columns(&bias);
                let delta = proximal_weight(&layer, damping);
                let promised = 0.5 * w * moved.squared() + (w * delta + 0.5 * lambda) * change.squared();
                for order in [Order::WeightsFirst, Order::BiasFirst] {
                    let found = layer.step::<T>(rule(damping), order, w, omega).unwrap();
                    assert_close::<T>("D", &found.change, &change);
                    assert_close::<T>("d", &found.bias_change, &bias);
                    assert_close::<T>("W", &found.weights, &layer.weights.plus(1.0, &change));
                    assert_close::<T>("b", &found.bias, &layer.bias.plus(1.0, &bias));
                    assert_close::<T>("r", &found.r, &layer.r.plus(1.0, &moved));
                    assert_near::<T>("promised", found.reduced.promised, promised, promised.max(1.0));
                    let (d, b) = (found.reduced.weights_squared, found.reduced.bias_squared);
                    assert_near::<T>("|D|^2", d, change.squared(), change.squared().max(1e-2));
                    assert_near::<T>("|d|^2", b, bias.squared(), bias.squared().max(1e-2));
                    assert!(found.r.row_sums().largest() <= m as f64 * rounding::<T>());
                }
            }
        }
    }
}

/// The step of weights and bias in the dual form, its columns in two blocks, on top of a velocity.
fn dual_step<T: Real>(layer: &Layer, damping: f64, w: f64, omega: Regularizer<T>) -> (Plain, Plain) {
    let (n_out, n_in, m) = (layer.r.rows, layer.p.rows, layer.p.columns);
    let number = T::from_f64;
    let weights = Strided::<T>::dense(&layer.weights);
    let (mut p, mut r) = (Strided::<T>::new(&layer.p, 2), Strided::<T>::new(&layer.r, 1));
    let mut bias = Strided::<T>::dense(&layer.bias);
    let mut scratch = Scratch::new(dual::solve_workspace::<T, _>(&Portable, n_out, n_in, m));
    let (damping, w, view) = (number(damping), number(w), &weights.view());
    let (pm, rm, d) = (&mut p.view_mut(), &mut r.view_mut(), bias.slice_mut());
    let solution = dual::solve(&Portable, damping, w, omega, view, pm, rm, d, scratch.stack()).unwrap();
    let mut velocity = Strided::<T>::new(&layer.weights, 3);
    for (first, count) in [(0, n_in / 2), (n_in / 2, n_in - n_in / 2)] {
        let mut scratch = Scratch::new(dual::add_step_workspace::<T, _>(&Portable, n_out, count, m));
        let columns = weights.view();
        let columns = columns.columns(first, count);
        let (rows, solved) = (p.view(), r.view());
        let rows = rows.rows(first, count);
        let mut velocity = velocity.view_mut();
        let v = &mut velocity.columns_mut(first, count);
        let momentum = number(0.5);
        dual::add_step(&Portable, solution, momentum, &columns, &solved, &rows, v, scratch.stack()).unwrap();
    }
    (velocity.plain().plus(-0.5, &layer.weights), bias.plain())
}

fn the_dual_form<T: Real>() {
    for (seed, (n_out, n_in, m)) in
        [(4, 5, 12), (3, 7, 4), (2, 1, 6), (6, 2, 2), (2, 9, 40), (5, 90, 70)].into_iter().enumerate()
    {
        let layer = Layer::random(seed as u64, n_out, n_in, m);
        for damping in [0.125, 1.0] {
            for lambda in [0.0, 0.5, 8.0] {
                let omega =
                    if lambda == 0.0 { Regularizer::None } else { Regularizer::L2(T::from_f64(lambda)) };
                let (change, bias) = joint(&layer, damping, 1.5, lambda);
                let found = dual_step::<T>(&layer, damping, 1.5, omega);
                assert_close::<T>("D", &found.0, &change);
                assert_close::<T>("d", &found.1, &bias);
            }
        }
    }
    // Inputs that are constant over the samples determine no weights, however large they are.
    let mut layer = Layer::random(1, 3, 4, 100);
    layer.p = Plain::new(4, 100, |i, _| [0.1, 1e4, -3.3, 0.0][i]);
    let (change, bias) = dual_step::<T>(&layer, 0.125, 1.5, Regularizer::None);
    assert!(change.largest() == 0.0);
    assert_close::<T>("d", &bias, &layer.r.row_means().map(|mean| -mean));
    // Nor does a single sample, or none.
    for m in [0, 1] {
        let (change, _) = dual_step::<T>(&Layer::random(2, 3, 4, m), 1.0, 1.0, Regularizer::None);
        assert!(change.largest() == 0.0);
    }
}

fn a_factor_made_beforehand_gives_the_same_bits<T: Real>() {
    let layer = Layer::random(3, 4, 6, 15);
    let (shape, omega, w, damping) =
        (SumsShape { n_out: 4, n_in: 6 }, Regularizer::L2(T::ONE), T::ONE, T::from_f64(0.25));
    let memory = layer.sums::<T>(5);
    let sums = shape.read(&memory, 15).unwrap();
    let mut lower = Strided::<T>::dense(&Plain::zeros(6, 6));
    let mut scratch = Scratch::new(weights::factor_workspace::<T, _>(&Portable, 6));
    let target = &mut lower.view_mut();
    assert_eq!(weights::factor(&Portable, damping, w, omega, &sums, target, scratch.stack()), Ok(true));
    let run = |factor: Option<&Factor<'_, T>>| {
        let mut weights = Strided::<T>::dense(&layer.weights);
        let (mut bias, mut change) = (Strided::<T>::dense(&layer.bias), weights.clone());
        let mut bias_change = bias.clone();
        let rule = StepRule::LeastSquares { damping };
        let mut scratch = Scratch::new(weights::reduce_workspace::<T, _>(&Portable, &rule, 4, 6));
        let target = &mut Change { weights: change.view_mut(), bias: bias_change.slice_mut() };
        let (w_view, b, stack) = (&mut weights.view_mut(), bias.slice_mut(), scratch.stack());
        let order = Order::WeightsFirst;
        let reduced =
            weights::reduce(&Portable, &rule, order, w, omega, &sums, factor, w_view, b, target, stack)
                .unwrap();
        (weights.plain(), bias.plain(), reduced)
    };
    assert_eq!(run(None), run(Some(&Factor { lower: lower.view() })));
}

fn inputs_that_determine_no_weights<T: Real>() {
    let mut dead = Layer::random(1, 3, 4, 8);
    dead.p = Plain::zeros(4, 8);
    let mut constant = Layer::random(2, 3, 4, 9);
    constant.p = Plain::new(4, 9, |i, _| 0.3 + i as f64);
    let single = Layer::random(3, 3, 4, 1);
    let narrow = Layer::random(4, 3, 0, 5);
    for layer in [dead, constant, single, narrow] {
        for omega in [Regularizer::None, Regularizer::L2(T::ONE)] {
            let found = layer.step::<T>(rule(0.5), Order::WeightsFirst, 2.0, omega).unwrap();
            assert_eq!(found.change.largest(), 0.0);
            assert_eq!(found.weights, layer.weights);
            assert_close::<T>("d", &found.bias_change, &layer.r.row_means().map(|mean| -mean));
            let promised = layer.p.columns as f64 * layer.r.row_means().squared();
            assert_near::<T>("promised", found.reduced.promised, promised, promised);
        }
    }
}

/// Rounding of long sums is not spread of the inputs, however the samples are cut.
fn constant_inputs_over_many_samples<T: Real>() {
    let shape = SumsShape { n_out: 1, n_in: 1 };
    for (m, tile) in [(1000, 100), (1000, 1000), (30_000, 256), (30_000, 30_000)] {
        for at in 0..20 {
            let mut layer = Layer::random(1, 1, 1, m);
            layer.p = Plain::new(1, m, |_, _| 0.013 + 0.1731 * f64::from(at));
            let memory = layer.sums::<T>(tile);
            let sums = shape.read(&memory, m).unwrap();
            let mut lower = Strided::<T>::dense(&Plain::zeros(1, 1));
            let mut scratch = Scratch::new(weights::factor_workspace::<T, _>(&Portable, 1));
            let (half, none) = (T::from_f64(0.5), Regularizer::None);
            let target = &mut lower.view_mut();
            let found = weights::factor(&Portable, half, T::ONE, none, &sums, target, scratch.stack());
            assert_eq!(found, Ok(false), "{} in {m} samples, tiles of {tile}", layer.p.data[0]);
        }
    }
}

/// Inputs far from the origin that do vary are not taken for constant.
fn inputs_off_the_origin<T: Real>() {
    let mut layer = Layer::random(1, 2, 3, 1000);
    layer.p = layer.p.map(|p| p + 8.0);
    let memory = layer.sums::<T>(256);
    let sums = SumsShape { n_out: 2, n_in: 3 }.read(&memory, 1000).unwrap();
    let mut lower = Strided::<T>::dense(&Plain::zeros(3, 3));
    let mut scratch = Scratch::new(weights::factor_workspace::<T, _>(&Portable, 3));
    let (half, none) = (T::from_f64(0.5), Regularizer::None);
    let target = &mut lower.view_mut();
    let found = weights::factor(&Portable, half, T::ONE, none, &sums, target, scratch.stack());
    assert_eq!(found, Ok(true));
    // L L' is the centred `p p'` plus delta.
    let lower = lower.plain();
    let lower = Plain::new(3, 3, |i, j| if i >= j { lower[(i, j)] } else { 0.0 });
    let centred = layer.p.plus_to_columns(&layer.p.row_means().map(|mean| -mean));
    let delta = Plain::identity(3).map(|x| x * proximal_weight(&layer, 0.5));
    let expected = centred.times(&centred.transposed()).plus(1.0, &delta);
    let error = lower.times(&lower.transposed()).plus(-1.0, &expected).largest();
    let raw = layer.p.squared();
    assert!(error <= rounding::<T>() * raw, "{error} beside {raw}");
}

fn l1_is_refused<T: Real>() {
    let layer = Layer::random(1, 3, 4, 8);
    let refused = layer.step::<T>(rule(0.5), Order::WeightsFirst, 2.0, Regularizer::L1(T::ONE));
    assert!(matches!(refused, Err(Error::Setting { name: "l1 regulariser", .. })));
}

fn sums_that_overflow_are_reported<T: Real>() {
    for bad in [f64::NAN, f64::INFINITY] {
        let (cross, mut gram) = (vec![T::ONE; 6], vec![T::ONE; 9]);
        gram[4] = T::from_f64(bad);
        let (residual, input) = ([T::ONE; 2], [T::ONE; 3]);
        let sums = Sums {
            cross: altmin_core::view::dense(&cross, 2, 3),
            gram: altmin_core::view::dense(&gram, 3, 3),
            residual: &residual,
            input: &input,
            samples: 4,
        };
        let mut lower = Strided::<T>::dense(&Plain::zeros(3, 3));
        let mut scratch = Scratch::new(weights::factor_workspace::<T, _>(&Portable, 3));
        let (half, none) = (T::from_f64(0.5), Regularizer::None);
        let target = &mut lower.view_mut();
        let found = weights::factor(&Portable, half, T::ONE, none, &sums, target, scratch.stack());
        assert!(matches!(found, Err(Error::NonFinite { .. })), "{bad}: {found:?}");
    }
}
