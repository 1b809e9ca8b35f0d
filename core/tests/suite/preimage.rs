//! The preimage of DLAM's intervals against dense scans, and its accuracy where logarithms cancel.

use altmin_core::{Activation, Error, Real};

use crate::common::activate;

const EPSILONS: [f64; 4] = [1e-3, 0.1, 1.0, 100.0];

fn activations<T: Real>() -> [Activation<T>; 7] {
    let leaky = |slope: f64| Activation::LeakyRelu { slope: T::from_f64(slope) };
    [
        Activation::Relu,
        leaky(0.0),
        leaky(0.2),
        leaky(3.0),
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softplus,
    ]
}

fn scan<T: Real>(tolerance: f64) {
    let mut seen = [0; 2];
    for activation in activations::<T>() {
        for epsilon in EPSILONS {
            for step in -20..=20 {
                // A feasible a, anywhere in the interval of some z.
                let (near, offset) = (f64::from(step) * 0.3, f64::from(step % 5) / 5.0);
                let a = activate(activation, near) + offset * epsilon;
                let (low, high) = activation.preimage(T::from_f64(a), T::from_f64(epsilon));
                assert!(low <= high);
                for i in -600..=600 {
                    let z = f64::from(i) * 0.02;
                    let excess = (activate(activation, z) - T::from_f64(a).to_f64()).abs() - epsilon;
                    let inside = T::from_f64(z) >= low && T::from_f64(z) <= high;
                    if excess.abs() > tolerance * (1.0 + a.abs() + epsilon) {
                        assert_eq!(inside, excess < 0.0, "{activation:?} a {a} epsilon {epsilon} z {z}");
                        seen[usize::from(inside)] += 1;
                    }
                }
            }
        }
    }
    assert!(seen[0] > 10_000 && seen[1] > 10_000);
}

#[test]
fn a_dense_scan_finds_the_same_interval() {
    scan::<f32>(1e-5);
    scan::<f64>(1e-13);
}

#[test]
fn closed_forms() {
    let relu = Activation::<f64>::Relu;
    assert_eq!(relu.preimage(3.0, 1.0), (2.0, 4.0));
    assert_eq!(relu.preimage(0.5, 1.0), (f64::NEG_INFINITY, 1.5));
    // On the edge, and beyond it by rounding.
    assert_eq!(relu.preimage(1.0, 1.0), (f64::NEG_INFINITY, 2.0));
    assert_eq!(relu.preimage(0.1 + 0.2, 0.3), (f64::NEG_INFINITY, 0.1 + 0.2 + 0.3));
    // Nothing is as low: the nearest.
    assert_eq!(relu.preimage(-3.0, 1.0), (f64::NEG_INFINITY, 0.0));
    let leaky = Activation::LeakyRelu { slope: 0.25 };
    assert_eq!(leaky.preimage(0.5, 1.0), (-2.0, 1.5));
    assert_eq!(leaky.preimage(-2.0, 1.0), (-12.0, -4.0));
    assert_eq!(Activation::LeakyRelu { slope: 0.0 }.preimage(0.5, 1.0), relu.preimage(0.5, 1.0));
    // A slope so small that the quotient overflows.
    assert_eq!(Activation::LeakyRelu { slope: 1e-310 }.preimage(0.0, 1.0), (f64::NEG_INFINITY, 1.0));
}

#[test]
fn bounds_outside_of_the_range_are_infinite() {
    let infinity = f64::INFINITY;
    for (activation, middle, half) in [(Activation::Sigmoid, 0.5, 0.5), (Activation::Tanh, 0.0, 1.0)] {
        assert_eq!(activation.preimage(middle, half), (-infinity, infinity), "on the edges");
        assert_eq!(activation.preimage(middle, 100.0), (-infinity, infinity));
        assert_eq!(activation.preimage(middle + half + 2.0, 1.0), (infinity, infinity));
        assert_eq!(activation.preimage(middle - half - 2.0, 1.0), (-infinity, -infinity));
        let (low, high) = activation.preimage(middle + half, 0.25 * half);
        assert!(low.is_finite() && high == infinity);
        let (low, high) = activation.preimage(middle - half, 0.25 * half);
        assert!(low == -infinity && high.is_finite());
        // Rounding has put 1 - 1e-17 and the like on the edge.
        assert_eq!(activation.preimage(middle + half, 1e-17).1, infinity);
    }
    let softplus = Activation::Softplus;
    assert_eq!(softplus.preimage(1.0, 1.0).0, -infinity, "on the edge");
    assert_eq!(softplus.preimage(-3.0, 1.0), (-infinity, -infinity));
    assert_eq!(softplus.preimage(f64::MAX, 1.0), (f64::MAX, f64::MAX));
}

/// `2 artanh(2 p - 1)` around 1/2, where `2 p - 1` is exact, and logarithms of small numbers towards the ends.
#[test]
fn inverses_keep_their_digits() {
    let upper = |activation: Activation<f64>, value: f64| activation.preimage(value - 0.25, 0.25).1;
    let near = |found: f64, expected: f64| (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs();
    for k in 2..50 {
        let step = 0.5f64.powi(k);
        for p in [0.5 + step, 0.5 - step] {
            // p - 0.25 and back are exact.
            let expected = 2.0 * (2.0 * p - 1.0f64).atanh();
            assert!(near(upper(Activation::Sigmoid, p), expected), "logit of {p}");
        }
        for p in [step, 1.0 - step] {
            if k > 45 {
                continue;
            }
            let expected = if p < 0.5 { step.ln() - (-step).ln_1p() } else { (-step).ln_1p() - step.ln() };
            let found = upper(Activation::Sigmoid, p);
            assert!(near(found, expected), "logit of {p}: {found} {expected}");
        }
    }
    // Single precision against double.
    for i in 1..2000 {
        let p = i as f32 / 2000.0;
        let (low, high) = Activation::Sigmoid.preimage(p, 0.0078125f32);
        for (bound, value) in [(low, p - 0.0078125), (high, p + 0.0078125)] {
            let value = f64::from(value);
            if value > 0.0 && value < 1.0 {
                let expected = value.ln() - (-value).ln_1p();
                assert!((f64::from(bound) - expected).abs() <= 3e-7 * expected.abs().max(1e-3), "{value}");
            }
        }
    }
    for i in -999..999 {
        let y = (f64::from(i) + 0.5) / 1000.0;
        // The standard library's loses digits below 0.
        let expected = y.abs().atanh().copysign(y);
        assert!(near(Activation::Tanh.preimage(y, f64::MIN_POSITIVE).1, expected), "{y}");
    }
    // From numbers of which nothing but the logarithm is left to those that are left as they are.
    for i in -280..280 {
        let y = 1.07f64.powi(i);
        let expected = if y < 1.0 { y.exp_m1().ln() } else { y + (-(-y).exp()).ln_1p() };
        let found = Activation::Softplus.preimage(y, f64::MIN_POSITIVE).1;
        // The value's own rounding moves z by `y EPSILON/f'(z)`.
        let rounding = 2.0 * f64::EPSILON * (expected.abs() + y / -(-y).exp_m1());
        assert!((found - expected).abs() <= rounding, "{y}: {found} {expected}");
    }
}

/// The point that is nearest to c, found by a scan, and never farther from it than z was.
#[test]
fn clipping_finds_the_nearest_point() {
    for activation in activations::<f64>() {
        for epsilon in EPSILONS {
            for i in -12..=12 {
                let z = f64::from(i) * 0.4;
                let a = activate(activation, z) + f64::from(i % 4) / 4.0 * epsilon;
                for j in -30..=30 {
                    let c = f64::from(j) * 0.35;
                    let (mut found, mut scratch) = ([z], [f64::NAN]);
                    activation.clip_to_preimage(epsilon, &[a], &[c], &mut found, &mut scratch).unwrap();
                    assert!((found[0] - c).abs() <= (z - c).abs());
                    let gap = (activate(activation, found[0]) - a).abs();
                    assert!(gap <= epsilon + 1e-14 * (1.0 + epsilon), "{activation:?} {gap} {epsilon}");
                    // Any point nearer to c is outside.
                    for k in 1..50 {
                        let other = found[0] + (c - found[0]) * f64::from(k) / 50.0;
                        if (other - found[0]).abs() > 1e-9 {
                            let gap = (activate(activation, other) - a).abs();
                            assert!(
                                gap > epsilon - 1e-14 * (1.0 + epsilon),
                                "{activation:?} z {z} c {c}: {other}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// A z that rounding has put outside stays where it is, or moves towards c, but is not thrown back.
#[test]
fn the_interval_contains_the_present_z() {
    for activation in activations::<f64>() {
        let (low, high) = activation.preimage(0.5, 0.125);
        let clip = |c: f64, z: f64| {
            let mut found = [z];
            activation.clip_to_preimage(0.125, &[0.5], &[c], &mut found, &mut [0.0]).unwrap();
            found[0]
        };
        let (below, above) = (low - 1e-10, high + 1e-10);
        assert_eq!((clip(below - 1.0, below), clip(above + 1.0, above)), (below, above));
        assert!(clip(low + 1e-12, below) == low + 1e-12 && clip(high - 1e-12, above) == high - 1e-12);
        assert!(clip(f64::NAN, 0.5).is_nan(), "{activation:?}");
    }
}

#[test]
fn slices_of_another_length_are_refused() {
    let activation = Activation::<f64>::Tanh;
    let (three, two) = ([0.5; 3], [0.5; 2]);
    let cases: [(&[f64], &[f64], usize, &str); 3] =
        [(&two, &three, 3, "a"), (&three, &two, 3, "c"), (&three, &three, 2, "scratch")];
    for (a, c, scratch, name) in cases {
        let refused = activation.clip_to_preimage(1.0, a, c, &mut [0.0; 3], &mut vec![0.0; scratch]);
        assert!(matches!(refused, Err(Error::Shape { argument, .. }) if argument == name));
    }
}
