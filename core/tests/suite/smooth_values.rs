//! Sigmoid, tanh and softplus and their derivatives: against 25 digits of another program, and over all of f32 against f64.

use altmin_core::{Activation, Real};

use crate::common::smooth::Smooth;

const GOLDEN: &str = include_str!("../golden/smooth.csv");

/// Worst errors, in units in the last place; the documentation of `Activation` states them.
const VALUE_ULP: f64 = 3.0;
const DERIVATIVE_ULP: f64 = 4.0;

fn apply<T: Real>(f: Activation<T>, z: T) -> T {
    let mut out = [T::ZERO];
    f.apply(&[z], &mut out).unwrap();
    out[0]
}

fn derivative<T: Real>(f: Activation<T>, z: T) -> T {
    let mut out = [T::ZERO];
    f.derivative(&[z], &mut out).unwrap();
    out[0]
}

/// The distance from `exact` to the next number, of those with `digits` bits and no exponent below `lowest`.
fn ulp(exact: f64, digits: i32, lowest: i32) -> f64 {
    let exponent = if exact == 0.0 { lowest } else { exact.abs().log2().floor() as i32 };
    2.0_f64.powi(exponent.max(lowest) - digits + 1)
}

#[test]
fn in_f64_as_computed_with_more_digits() {
    let (mut value_error, mut derivative_error) = (0.0_f64, 0.0_f64);
    for line in GOLDEN.lines() {
        let row: Vec<f64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let exact = [
            (Activation::Sigmoid, row[1], row[3]),
            (Activation::Tanh, row[2], row[4]),
            (Activation::Softplus, row[5], row[1]),
        ];
        for (f, value, slope) in exact {
            let error = |found: f64, exact: f64| (found - exact).abs() / ulp(exact, 53, -1022);
            value_error = value_error.max(error(apply(f, row[0]), value));
            derivative_error = derivative_error.max(error(derivative(f, row[0]), slope));
        }
    }
    println!("f64: {value_error} and {derivative_error} units in the last place");
    assert!(value_error <= VALUE_ULP && derivative_error <= DERIVATIVE_ULP);
}

#[test]
fn in_f32_as_in_f64() {
    // Every 3001st number there is, the largest and the smallest included.
    let all =
        (0..=f32::INFINITY.to_bits()).step_by(3001).chain([f32::MAX.to_bits(), f32::INFINITY.to_bits()]);
    let (mut value_error, mut derivative_error) = (0.0_f64, 0.0_f64);
    for magnitude in all.map(f32::from_bits) {
        for z in [magnitude, -magnitude] {
            for f in Smooth::ALL {
                let exact = f.value(f64::from(z));
                let found = f64::from(apply(f.activation::<f32>(), z));
                value_error = value_error.max((found - exact).abs() / ulp(exact, 24, -126));
                let exact = f.slope(f64::from(z));
                let found = f64::from(derivative(f.activation::<f32>(), z));
                derivative_error = derivative_error.max((found - exact).abs() / ulp(exact, 24, -126));
            }
        }
    }
    println!("f32: {value_error} and {derivative_error} units in the last place");
    assert!(value_error <= VALUE_ULP && derivative_error <= DERIVATIVE_ULP);
}

#[test]
fn ends_and_what_is_not_a_number() {
    fn check<T: Real>() {
        let number = T::from_f64;
        let infinity = -T::NEG_INFINITY;
        let f = Activation::<T>::Sigmoid;
        assert_eq!((apply(f, infinity), apply(f, -infinity)), (T::ONE, T::ZERO));
        assert_eq!((apply(f, T::ZERO), derivative(f, T::ZERO)), (number(0.5), number(0.25)));
        let f = Activation::<T>::Tanh;
        assert_eq!((apply(f, infinity), apply(f, -infinity)), (T::ONE, -T::ONE));
        assert_eq!((apply(f, T::ZERO), derivative(f, T::ZERO)), (T::ZERO, T::ONE));
        let f = Activation::<T>::Softplus;
        assert_eq!((apply(f, infinity), apply(f, -infinity)), (infinity, T::ZERO));
        assert_eq!((apply(f, T::ZERO), derivative(f, T::ZERO)), (number(2.0_f64.ln()), number(0.5)));
        assert_eq!((derivative(f, infinity), derivative(f, -infinity)), (T::ONE, T::ZERO));
        for z in [T::MAX, -T::MAX] {
            assert_eq!(apply(f, z), T::ZERO.max(z));
        }
        for f in Smooth::ALL.map(Smooth::activation::<T>) {
            for found in [apply(f, number(f64::NAN)), derivative(f, number(f64::NAN))] {
                assert!(found.to_f64().is_nan());
            }
        }
        for f in [Activation::<T>::Sigmoid, Activation::Tanh] {
            assert_eq!((derivative(f, infinity), derivative(f, -infinity)), (T::ZERO, T::ZERO));
        }
        assert_eq!(Activation::<T>::Sigmoid.lipschitz(), number(0.25));
        assert_eq!(Activation::<T>::Tanh.lipschitz(), T::ONE);
        assert_eq!(Activation::<T>::Softplus.lipschitz(), T::ONE);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn good_for_central_differences() {
    let step = 1e-6;
    for f in Smooth::ALL.map(Smooth::activation::<f64>) {
        let steepest = (-3000..=3000).map(|i| f64::from(i) * 0.0123).fold(0.0_f64, |steepest, z| {
            let difference = (apply(f, z + step) - apply(f, z - step)) / (2.0 * step);
            let rounding = 1e-9 * apply(f, z).abs().max(1.0);
            assert!((difference - derivative(f, z)).abs() < rounding, "{f:?} {z}");
            steepest.max(difference)
        });
        assert!((steepest - f.lipschitz()).abs() < 1e-8);
    }
}

#[test]
fn slices_in_place_and_single_numbers_agree_to_the_bit() {
    for f in Smooth::ALL.map(Smooth::activation::<f32>) {
        for n in [0, 1, 3, 17, 500] {
            let z: Vec<f32> = (0..n).map(|i| (i as f32 * 1.7).sin() * 20.0).collect();
            let (mut out, mut in_place, mut slopes) = (vec![f32::NAN; n], z.clone(), vec![f32::NAN; n]);
            f.apply(&z, &mut out).unwrap();
            f.apply_in_place(&mut in_place);
            f.derivative(&z, &mut slopes).unwrap();
            for i in 0..n {
                assert_eq!(out[i].to_bits(), apply(f, z[i]).to_bits());
                assert_eq!(in_place[i].to_bits(), out[i].to_bits());
                assert_eq!(slopes[i].to_bits(), derivative(f, z[i]).to_bits());
            }
        }
    }
}
