//! Losses: values against the plain formula, gradients against differences, H against the Hessian.

use altmin_core::loss::{argmax, count_correct};
use altmin_core::view::{MatRef, dense, dense_mut, view, view_mut};
use altmin_core::{Error, Loss, Real, Target};

use crate::common::congruential::Congruential;

fn one_hot(classes: &[u32], rows: usize) -> Vec<f64> {
    let mut y = vec![0.0; rows * classes.len()];
    for (column, &class) in y.chunks_mut(rows).zip(classes) {
        column[class as usize] = 1.0;
    }
    y
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let total: f64 = z.iter().map(|z| z.exp()).sum();
    z.iter().map(|z| z.exp() / total).collect()
}

/// The formulas as they stand on paper, without care for overflow.
fn plain_value(loss: Loss, z: &[f64], y: &[f64], rows: usize) -> f64 {
    let columns = z.chunks(rows).zip(y.chunks(rows));
    columns
        .map(|(z, y)| match loss {
            Loss::CrossEntropy => -softmax(z).iter().zip(y).map(|(s, y)| y * s.ln()).sum::<f64>(),
            Loss::LeastSquares => z.iter().zip(y).map(|(z, y)| (z - y).powi(2) / 2.0).sum(),
            Loss::Huber { delta } => {
                // The part inside of delta, and the way along the line beyond.
                let rho = |d: f64| d.min(delta).powi(2) / 2.0 + delta * (d - delta).max(0.0);
                z.iter().zip(y).map(|(z, y)| rho((z - y).abs())).sum()
            }
        })
        .sum()
}

fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

const LOSSES: [Loss; 4] =
    [Loss::CrossEntropy, Loss::LeastSquares, Loss::Huber { delta: 1.0 }, Loss::Huber { delta: 0.1 }];

#[test]
fn values_are_those_of_the_plain_formula() {
    let mut random = Congruential(1);
    for (rows, columns) in [(1, 1), (2, 3), (10, 7), (300, 2), (5, 0)] {
        for loss in LOSSES {
            let z = random.vector(rows * columns, 3.0);
            let classes = random.classes(columns, rows);
            let y = one_hot(&classes, rows);
            let expected = plain_value(loss, &z, &y, rows);
            let z_view = dense(&z, rows, columns);
            let by_class = loss.value(z_view, Target::Classes(&classes)).unwrap();
            let by_value = loss.value(z_view, Target::Values(dense(&y, rows, columns))).unwrap();
            let magnitude = 1.0 + expected;
            assert!((by_class - expected).abs() < 1e-13 * magnitude, "{loss:?} {rows}x{columns}");
            assert!((by_value - expected).abs() < 1e-13 * magnitude, "{loss:?} {rows}x{columns}");
            let single = narrow(&z);
            let value = loss.value(dense(&single, rows, columns), Target::Classes(&classes)).unwrap();
            assert!((value - expected).abs() < 1e-5 * magnitude, "{loss:?} {rows}x{columns} f32");
        }
    }
}

#[test]
fn a_weight_multiplies_the_risk_of_the_samples_of_its_class() {
    let mut random = Congruential(12);
    let (rows, classes, weights) = (3, [2, 0, 0, 1, 2], [0.25, 7.0, 1.5]);
    let z = random.vector(rows * classes.len(), 3.0);
    let y = one_hot(&classes, rows);
    for loss in LOSSES {
        let columns = z.chunks(rows).zip(y.chunks(rows)).zip(classes);
        let expected: f64 =
            columns.map(|((z, y), class)| weights[class as usize] * plain_value(loss, z, y, rows)).sum();
        let target = Target::WeightedClasses { classes: &classes, weights: &weights };
        let found = loss.value(dense(&z, rows, classes.len()), target).unwrap();
        assert!((found - expected).abs() < 1e-13 * (1.0 + expected), "{loss:?}: {found} {expected}");
        let single = weights.map(|weight| weight as f32);
        let target = Target::WeightedClasses { classes: &classes, weights: &single };
        let found = loss.value(dense(&narrow(&z), rows, classes.len()), target).unwrap();
        assert!((found - expected).abs() < 1e-6 * (1.0 + expected), "{loss:?}: {found} {expected}");
    }
    let largest = Target::WeightedClasses { classes: &classes, weights: &weights }.largest_weight();
    assert_eq!((largest, Target::<f64>::Classes(&classes).largest_weight()), (7.0, 1.0));
}

#[test]
fn weights_are_one_a_class_finite_and_above_0() {
    let z = [0.0; 6];
    let mut g = [7.0; 6];
    let wrong: [&[f64]; 5] =
        [&[1.0, 1.0], &[1.0; 4], &[1.0, 0.0, 1.0], &[1.0, -1.0, 1.0], &[1.0, f64::NAN, 1.0]];
    for weights in wrong {
        let target = Target::WeightedClasses { classes: &[0, 2], weights };
        let error =
            Loss::CrossEntropy.gradient(dense(&z, 3, 2), target, dense_mut(&mut g, 3, 2)).unwrap_err();
        assert!(error.to_string().contains("weights"), "{error}");
        assert_eq!(g, [7.0; 6]);
    }
}

#[test]
fn large_outputs_neither_overflow_nor_lose_the_value() {
    fn check<T: Real>() {
        let z: Vec<T> = [1e4, -1e4, 3.0, -1e4, 1e4, 1e4].map(T::from_f64).to_vec();
        let value =
            |classes: &[u32]| Loss::CrossEntropy.value(dense(&z, 3, 2), Target::Classes(classes)).unwrap();
        let two = 2f64.ln();
        assert!((value(&[0, 1]) - two).abs() < 1e-6);
        assert!((value(&[1, 0]) - 4e4 - two).abs() < 1e-2);
        let mut g = vec![T::ZERO; 6];
        let target = Target::Classes(&[0, 1]);
        Loss::CrossEntropy.gradient(dense(&z, 3, 2), target, dense_mut(&mut g, 3, 2)).unwrap();
        let expected = [0.0, 0.0, 0.0, 0.0, -0.5, 0.5].map(T::from_f64);
        assert_eq!(g, expected);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_confident_column_keeps_its_small_loss_and_gradient_in_f32() {
    // 1 - s = e^-20 / (1 + e^-20), far below the 6e-8 that f32 resolves beside 1.
    let z = [20.0f32, 0.0];
    let rest = (-20f64).exp() / (1.0 + (-20f64).exp());
    let target = Target::Classes(&[0]);
    let value = Loss::CrossEntropy.value(dense(&z, 2, 1), target).unwrap();
    let mut g = [0.0f32; 2];
    Loss::CrossEntropy.gradient(dense(&z, 2, 1), target, dense_mut(&mut g, 2, 1)).unwrap();
    assert!((value - (-20f64).exp().ln_1p()).abs() < 1e-6 * rest);
    assert!((f64::from(g[0]) + rest).abs() < 1e-6 * rest && (f64::from(g[1]) - rest).abs() < 1e-6 * rest);
}

#[test]
fn gradients_are_those_of_central_differences() {
    let mut random = Congruential(2);
    let h = 1e-5;
    for (rows, columns) in [(1, 2), (2, 3), (10, 4)] {
        for loss in LOSSES {
            let z = random.vector(rows * columns, 4.0);
            let classes = random.classes(columns, rows);
            let mut y = random.vector(rows * columns, 1.0);
            if loss == Loss::CrossEntropy {
                y = y.chunks(rows).flat_map(softmax).collect();
            }
            let weights: Vec<f64> =
                random.vector(rows, 2.0).iter().map(|weight: &f64| weight.exp()).collect();
            let weighted = Target::WeightedClasses { classes: &classes, weights: &weights };
            for target in [Target::Classes(&classes), weighted, Target::Values(dense(&y, rows, columns))] {
                let mut g = vec![f64::NAN; z.len()];
                loss.gradient(dense(&z, rows, columns), target, dense_mut(&mut g, rows, columns)).unwrap();
                for i in 0..z.len() {
                    let shifted = |by: f64| {
                        let mut z = z.clone();
                        z[i] += by;
                        loss.value(dense(&z, rows, columns), target).unwrap()
                    };
                    let difference = (shifted(h) - shifted(-h)) / (2.0 * h);
                    assert!((difference - g[i]).abs() < 1e-8, "{loss:?} {rows}x{columns} {i}");
                }
            }
        }
    }
}

/// The largest eigenvalue of `diag(s) - s s'` by the power method.
fn hessian_norm(z: &[f64], random: &mut Congruential) -> f64 {
    let s = softmax(z);
    let mut v: Vec<f64> = random.vector(z.len(), 1.0);
    let mut norm = 0.0;
    for _ in 0..2000 {
        let inner: f64 = s.iter().zip(&v).map(|(s, v)| s * v).sum();
        v = s.iter().zip(&v).map(|(s, v)| s * (v - inner)).collect();
        norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
    }
    norm
}

#[test]
fn h_bounds_the_hessian_and_is_reached() {
    let mut random = Congruential(3);
    let h = Loss::CrossEntropy.lipschitz::<f64>();
    for rows in [2, 3, 10] {
        for scale in [0.1, 1.0, 5.0] {
            for _ in 0..20 {
                let z = random.vector(rows, scale);
                assert!(hessian_norm(&z, &mut random) <= h + 1e-12);
            }
        }
    }
    // Two classes share everything: the eigenvalue is 1/2.
    assert!(hessian_norm(&[3.0, 3.0, -40.0], &mut random) > h - 1e-9);

    // Least squares: the gradient moves exactly as z does.
    let target = Target::Classes(&[1]);
    let (mut g, mut shifted) = ([0.0; 3], [0.0; 3]);
    Loss::LeastSquares.gradient(dense(&[1.0, 2.0, 3.0], 3, 1), target, dense_mut(&mut g, 3, 1)).unwrap();
    Loss::LeastSquares
        .gradient(dense(&[1.5, 2.0, 3.0], 3, 1), target, dense_mut(&mut shifted, 3, 1))
        .unwrap();
    assert_eq!(shifted[0] - g[0], 0.5 * Loss::LeastSquares.lipschitz::<f64>());
}

/// Huber's gradient is nowhere longer than said, and is as long far from the target; near it, it moves exactly as z does.
#[test]
fn the_largest_gradient_and_h_of_huber_are_reached() {
    for delta in [0.25, 1.0, 3.0] {
        let loss = Loss::Huber { delta };
        let gradient = |z: &[f64; 4]| {
            let mut g = [f64::NAN; 4];
            let target = Target::Values(dense(&[0.0; 4], 4, 1));
            loss.gradient(dense(z, 4, 1), target, dense_mut(&mut g, 4, 1)).unwrap();
            g
        };
        let squared = |g: [f64; 4]| g.iter().map(|g| g * g).sum::<f64>();
        let bound = loss.largest_gradient_squared(4).unwrap();
        assert_eq!(squared(gradient(&[9.0, -9.0, 1e300, -4.0])), bound);
        assert!(squared(gradient(&[0.5 * delta, -9.0, 4.0, -4.0])) < bound);
        assert_eq!(gradient(&[0.125, -0.125, 0.0, 1e9]), [0.125, -0.125, 0.0, delta]);
        assert_eq!(loss.lipschitz::<f64>(), 1.0);
    }
}

#[test]
fn a_delta_out_of_its_range_is_refused_before_anything_is_written() {
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let (loss, target) = (Loss::Huber { delta }, Target::Classes(&[1]));
        let mut g = [7.0; 2];
        let refusals = [
            loss.value(dense(&[1.0, 2.0], 2, 1), target).map(|_| ()),
            loss.gradient(dense(&[1.0, 2.0], 2, 1), target, dense_mut(&mut g, 2, 1)),
        ];
        for refused in refusals {
            assert!(matches!(refused, Err(Error::Setting { name: "delta", .. })), "{refused:?}");
        }
        assert_eq!(g, [7.0; 2]);
    }
}

#[test]
fn correct_predictions_are_counted_with_ties_to_the_lowest_index() {
    let nan = f64::NAN;
    #[rustfmt::skip]
    let z = [
        1.0, 2.0, 0.0,
        5.0, 5.0, 1.0,
        5.0, 5.0, 1.0,
        nan, nan, nan,
        nan, 1.0, 0.0,
        -3.0, -2.0, -1.0,
    ];
    let z = dense(&z, 3, 6);
    let count = |classes: [u32; 6]| count_correct(z, &classes).unwrap();
    assert_eq!(count([1, 0, 1, 0, 1, 2]), 4);
    assert_eq!(count([0, 1, 1, 0, 0, 0]), 0);
    assert_eq!(argmax::<f32>(&[f32::NEG_INFINITY, 0.0, 0.0]), 1);
    assert!(matches!(count_correct(z, &[0; 5]), Err(Error::Shape { argument: "classes", .. })));
    assert!(matches!(count_correct(z, &[3; 6]), Err(Error::Setting { name: "classes", .. })));
}

#[test]
fn targets_are_cut_by_columns() {
    let mut random = Congruential(4);
    let (rows, columns) = (4, 9);
    let z = random.vector(rows * columns, 2.0);
    let classes = random.classes(columns, rows);
    let y = one_hot(&classes, rows);
    for loss in LOSSES {
        let weighted = Target::WeightedClasses { classes: &classes, weights: &[0.5, 4.0, 1.0, 0.25] };
        for target in [Target::Classes(&classes), weighted, Target::Values(dense(&y, rows, columns))] {
            assert_eq!(target.samples(), columns);
            let z = dense(&z, rows, columns);
            let whole = loss.value(z, target).unwrap();
            let part = |start, count| {
                let target = target.columns(start, count);
                assert_eq!(target.samples(), count);
                loss.value(altmin_core::view::columns(&z, start, count), target).unwrap()
            };
            assert!((whole - part(0, 4) - part(4, 0) - part(4, 5)).abs() < 1e-13);
        }
    }
}

#[test]
fn what_lies_between_columns_is_not_touched() {
    let (rows, columns, ld) = (3, 4, 5);
    let mut random = Congruential(5);
    let z = random.vector(rows * columns, 2.0);
    let classes = random.classes(columns, rows);
    let target = Target::Classes(&classes);
    let mut spread = vec![f64::NAN; ld * columns];
    for j in 0..columns {
        spread[j * ld..][..rows].copy_from_slice(&z[j * rows..][..rows]);
    }
    for loss in LOSSES {
        let strided: MatRef<'_, f64> = view("z", &spread, rows, columns, ld).unwrap();
        let tight = dense(&z, rows, columns);
        assert_eq!(loss.value(strided, target), loss.value(tight, target));
        let (mut g, mut out) = (vec![0.0; rows * columns], vec![7.0; ld * columns]);
        loss.gradient(tight, target, dense_mut(&mut g, rows, columns)).unwrap();
        loss.gradient(strided, target, view_mut("g", &mut out, rows, columns, ld).unwrap()).unwrap();
        for (j, column) in out.chunks(ld).enumerate() {
            assert_eq!(column[..rows], g[j * rows..][..rows]);
            assert_eq!(column[rows..], [7.0; 2]);
        }
    }
}

#[test]
fn arguments_are_checked_before_anything_is_written() {
    let z = [0.5; 12];
    let z = dense(&z, 3, 4);
    let good = [1.0 / 3.0; 16];
    let values = |rows, columns| Target::Values(dense(&good[..rows * columns], rows, columns));
    for loss in LOSSES {
        let refused = |target: Target<'_, f64>| {
            let mut g = [9.0; 12];
            let error = loss.gradient(z, target, dense_mut(&mut g, 3, 4)).unwrap_err();
            assert_eq!(g, [9.0; 12]);
            assert_eq!(loss.value(z, target), Err(error));
            error
        };
        assert!(loss.value(z, Target::Classes(&[0, 1, 2, 0])).is_ok());
        assert!(loss.value(z, values(3, 4)).is_ok());
        assert!(matches!(refused(Target::Classes(&[0; 3])), Error::Shape { argument: "target", .. }));
        assert!(matches!(refused(values(4, 4)), Error::Shape { argument: "target", .. }));
        assert!(matches!(refused(values(3, 5)), Error::Shape { argument: "target", .. }));
        let error = refused(Target::Classes(&[0, 1, 3, 0]));
        assert!(matches!(error, Error::Setting { name: "target", found: 3.0, .. }));
        let mut g = [9.0; 12];
        for shape in [(2, 4), (3, 3)] {
            let wrong = dense_mut(&mut g[..shape.0 * shape.1], shape.0, shape.1);
            let error = loss.gradient(z, values(3, 4), wrong).unwrap_err();
            assert!(matches!(error, Error::Shape { argument: "gradient", .. }));
        }
    }
    for bad in [[0.5, 0.6, 0.0], [1.5, -0.5, 0.0], [f64::NAN, 0.5, 0.5]] {
        let z = dense(&[0.0; 3], 3, 1);
        let target = Target::Values(dense(&bad, 3, 1));
        let error = Loss::CrossEntropy.value(z, target).unwrap_err();
        assert!(matches!(error, Error::Setting { name: "target", .. }));
    }
}

/// Every exponential that a column can ask for, from 1 down to the smallest numbers and below, for every remainder of
/// the number of classes.
fn shares_are_precise<T: Real>(lowest: f64) {
    for rows in 1..40 {
        let z: Vec<T> = (0..rows).map(|i| T::from_f64(-lowest * i as f64 / 36.7)).collect();
        let wide: Vec<f64> = z.iter().map(|z| z.to_f64()).collect();
        let (expected, mut g) = (softmax(&wide), vec![T::ONE; rows]);
        let mut y = vec![T::ZERO; rows];
        y[0] = T::ONE;
        let target = Target::Values(dense(&y, rows, 1));
        Loss::CrossEntropy.gradient(dense(&z, rows, 1), target, dense_mut(&mut g, rows, 1)).unwrap();
        for i in 1..rows {
            let error = (g[i].to_f64() - expected[i]).abs();
            let smallest =
                if T::EPSILON.to_f64() > 1e-10 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
            let bound = 3.0 * T::EPSILON.to_f64() * expected[i].max(smallest);
            assert!(error <= bound, "{rows} rows: {} for {}", g[i], expected[i]);
        }
        let found = Loss::CrossEntropy.value(dense(&z, rows, 1), target).unwrap();
        let expected = wide.iter().map(|z| z.exp()).sum::<f64>().ln();
        assert!(
            (found - expected).abs() <= 2.0 * T::EPSILON.to_f64() * expected,
            "{rows}: {found} {expected}"
        );
    }
}

#[test]
fn shares_keep_their_digits_down_to_the_smallest() {
    shares_are_precise::<f32>(110.0);
    shares_are_precise::<f64>(760.0);
}
