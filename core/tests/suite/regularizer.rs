//! Regularisers: proximal steps against a dense scan, values against plain sums.

use altmin_core::view::view;
use altmin_core::{Error, Real, Regularizer};

fn omega(regularizer: Regularizer<f64>, w: f64) -> f64 {
    match regularizer {
        Regularizer::None => 0.0,
        Regularizer::L1(lambda) => lambda * w.abs(),
        Regularizer::L2(lambda) => lambda * w * w / 2.0,
    }
}

/// The lowest value of `g d + (theta/2) d^2 + Omega(w + d)` on a grid that is refined around its best point.
fn scan(regularizer: Regularizer<f64>, g: f64, w: f64, theta: f64) -> f64 {
    let (mut centre, mut width, mut best) = (0.0, 20.0, f64::INFINITY);
    for _ in 0..8 {
        let around = centre;
        for i in -200..=200 {
            let d = around + width * f64::from(i) / 200.0;
            let value = g * d + theta / 2.0 * d * d + omega(regularizer, w + d);
            if value < best {
                (best, centre) = (value, d);
            }
        }
        width /= 40.0;
    }
    best
}

fn narrow(regularizer: Regularizer<f64>) -> Regularizer<f32> {
    match regularizer {
        Regularizer::None => Regularizer::None,
        Regularizer::L1(lambda) => Regularizer::L1(lambda as f32),
        Regularizer::L2(lambda) => Regularizer::L2(lambda as f32),
    }
}

fn step<T: Real>(regularizer: Regularizer<T>, g: f64, w: f64, theta: f64) -> f64 {
    let (g, w, theta) = (T::from_f64(g), T::from_f64(w), T::from_f64(theta));
    let (mut one, mut other) = ([T::ZERO], [T::ZERO]);
    regularizer.proximal_step(&[g], &[w], &[theta], &mut one).unwrap();
    regularizer.proximal_step_scalar(&[g], &[w], theta, &mut other).unwrap();
    assert_eq!(one, other);
    one[0].to_f64()
}

#[test]
fn proximal_steps_are_those_of_a_dense_scan() {
    let grid = [-3.0, -1.1, -0.4, 0.0, 0.2, 0.9, 2.5];
    let kinds = [
        Regularizer::None,
        Regularizer::L1(0.0),
        Regularizer::L1(0.3),
        Regularizer::L1(2.0),
        Regularizer::L2(0.0),
        Regularizer::L2(0.7),
    ];
    for regularizer in kinds {
        for g in grid {
            for w in grid {
                for theta in [0.5, 1.0, 3.0] {
                    let least = scan(regularizer, g, w, theta);
                    let value = |d: f64| g * d + theta / 2.0 * d * d + omega(regularizer, w + d);
                    let d = step(regularizer, g, w, theta);
                    assert!(value(d) <= least + 1e-12, "{regularizer:?} g {g} w {w} theta {theta}");
                    let d = step(narrow(regularizer), g, w, theta);
                    assert!(value(d) <= least + 1e-5, "f32: {regularizer:?} g {g} w {w} theta {theta}");
                }
            }
        }
    }
}

#[test]
fn l1_makes_exact_zeros_and_keeps_the_digits_of_small_steps() {
    let w = 0.1f32;
    let mut d = [f32::NAN];
    Regularizer::L1(1.0).proximal_step_scalar(&[0.05], &[w], 1.0, &mut d).unwrap();
    assert_eq!(w + d[0], 0.0);
    // w is 1e4 and d is 1e-6: soft(w - g/theta) - w would be 0 or 1e-3.
    Regularizer::L1(1e-6f32).proximal_step_scalar(&[0.0], &[1e4], 1.0, &mut d).unwrap();
    assert_eq!(d[0], -1e-6);
}

#[test]
fn without_curvature_nothing_moves_and_nan_is_seen() {
    for regularizer in [Regularizer::None, Regularizer::L1(0.5), Regularizer::L2(0.5)] {
        let mut d = [f64::NAN; 3];
        regularizer.proximal_step(&[0.0, 1.0, f64::NAN], &[1.0; 3], &[0.0, 1.0, 1.0], &mut d).unwrap();
        assert_eq!(d[0], 0.0);
        assert!(d[1] < 0.0 && d[2].is_nan(), "{regularizer:?} {d:?}");
    }
}

#[test]
fn values_are_plain_sums_and_skip_what_lies_between_columns() {
    let (rows, columns, ld) = (3, 4, 5);
    let mut data = vec![f64::NAN; ld * columns];
    let (mut absolute, mut squares) = (0.0, 0.0);
    for j in 0..columns {
        for i in 0..rows {
            let w = (i as f64 - 1.2) * (j as f64 + 0.7);
            data[j * ld + i] = w;
            absolute += w.abs();
            squares += w * w;
        }
    }
    let weights = view("weights", &data, rows, columns, ld).unwrap();
    assert_eq!(Regularizer::<f64>::None.value(&weights), 0.0);
    assert!((Regularizer::L1(0.3).value(&weights) - 0.3 * absolute).abs() < 1e-13);
    assert!((Regularizer::L2(0.3).value(&weights) - 0.15 * squares).abs() < 1e-13);
    let empty = view("weights", &data, 3, 0, 3).unwrap();
    assert_eq!(Regularizer::L2(0.3).value(&empty), 0.0);
}

#[test]
fn settings_and_lengths_are_checked() {
    for lambda in [0.0, 1e-4, 1e3] {
        assert_eq!(Regularizer::L1(lambda).validate(), Ok(()));
        assert_eq!(Regularizer::L2(lambda).validate(), Ok(()));
    }
    assert_eq!(Regularizer::<f32>::None.validate(), Ok(()));
    for lambda in [-1.0, f64::NAN, f64::INFINITY] {
        for regularizer in [Regularizer::L1(lambda), Regularizer::L2(lambda)] {
            assert!(matches!(regularizer.validate(), Err(Error::Setting { name: "lambda", .. })));
        }
    }
    let named = |result: altmin_core::Result, argument: &str| {
        assert!(matches!(result, Err(Error::Shape { argument: found, .. }) if found == argument));
    };
    let none = Regularizer::<f64>::None;
    let (x, y) = ([1.0; 3], [1.0; 4]);
    let (mut d, mut e) = ([0.0; 3], [0.0; 4]);
    assert!(none.proximal_step(&x, &x, &x, &mut d).is_ok());
    named(none.proximal_step(&x, &y, &x, &mut d), "weights");
    named(none.proximal_step(&x, &x, &y, &mut d), "theta");
    named(none.proximal_step(&x, &x, &x, &mut e), "step");
    named(none.proximal_step_scalar(&x, &y, 1.0, &mut d), "weights");
    named(none.proximal_step_scalar(&x, &x, 1.0, &mut e), "step");
}
