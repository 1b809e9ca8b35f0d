//! Activations: the hidden subproblem against a dense scan, derivatives against differences.

use altmin_core::{Activation, Error, Real};

/// f written again, apart from the crate.
fn f(slope: f64, z: f64) -> f64 {
    if z >= 0.0 { z } else { slope * z }
}

fn objective(slope: f64, omega: f64, c: f64, t: f64, z: f64) -> f64 {
    omega * (z - c).powi(2) + (t - f(slope, z)).powi(2)
}

fn activation<T: Real>(slope: f64) -> Activation<T> {
    if slope == 0.0 { Activation::Relu } else { Activation::LeakyRelu { slope: T::from_f64(slope) } }
}

/// The lowest value on a fine grid, refined around its best point.
fn scan(slope: f64, omega: f64, c: f64, t: f64) -> f64 {
    let (mut centre, mut width, mut best) = (0.0, 8.0, f64::INFINITY);
    for _ in 0..5 {
        let around = centre;
        for i in -400..=400 {
            let z = around + width * f64::from(i) / 400.0;
            let value = objective(slope, omega, c, t, z);
            if value < best {
                (best, centre) = (value, z);
            }
        }
        width /= 60.0;
    }
    best
}

#[test]
fn the_hidden_subproblem_is_solved_as_a_dense_scan_solves_it() {
    let grid: Vec<f64> = (-10..=10).map(|i| f64::from(i) * 0.37).collect();
    for slope in [0.0, 0.01, 0.3, 1.0] {
        for omega in [1.0, 2.0] {
            for &c in &grid {
                for &t in &grid {
                    let least = scan(slope, omega, c, t);
                    let exact = activation::<f64>(slope).minimise_scalar(omega, c, t);
                    let value = objective(slope, omega, c, t, exact);
                    assert!(value <= least + 1e-12, "k {slope} omega {omega} c {c} t {t}: {value} > {least}");
                    let single = activation::<f32>(slope).minimise_scalar(omega as f32, c as f32, t as f32);
                    let value = objective(slope, omega, c, t, f64::from(single));
                    assert!(value <= least + 1e-5, "f32: k {slope} omega {omega} c {c} t {t}");
                }
            }
        }
    }
}

#[test]
fn the_scan_would_notice_the_other_branch() {
    // ReLU, c = -1, t = 3: 1 (z + 1)^2 + (3 - f(z))^2 is 9 at z = -1 and 8 at z = 1.
    assert_eq!(Activation::<f64>::Relu.minimise_scalar(1.0, -1.0, 3.0), 1.0);
    // c = -1.5, t = 3: 9 at z = -1.5 and 2.25^2 + 2.25^2 = 10.125 at z = 0.75.
    assert_eq!(Activation::<f64>::Relu.minimise_scalar(1.0, -1.5, 3.0), -1.5);
}

#[test]
fn ties_go_to_the_first_candidate() {
    // Right branch: z = (c + t)/2, value (t - c)^2/2; left: z = c, value t^2. With t = 0 and c = 0 both are 0 at 0.
    assert_eq!(Activation::<f64>::Relu.minimise_scalar(1.0, 0.0, 0.0), 0.0);
    // omega = 8, c = -1, t = 4: left 16 at -1; right (t - c)^2 8/9 at (8 c + t)/9 < 0, so 0: 8 + 16. Left wins.
    assert_eq!(Activation::<f64>::Relu.minimise_scalar(8.0, -1.0, 4.0), -1.0);
    // omega = 1/8, c = -9, t = 4.5: both branches reach 20.25, the left at -9 and the right at 3, all exact.
    let (c, t) = (-9.0, 4.5);
    let right = (c / 8.0 + t) / 1.125;
    assert_eq!(objective(0.0, 0.125, c, t, right), objective(0.0, 0.125, c, t, c));
    assert_eq!(Activation::<f64>::Relu.minimise_scalar(0.125, c, t), c);
    assert_eq!(Activation::<f32>::Relu.minimise_scalar(0.125, c as f32, t as f32), c as f32);
}

#[test]
fn slices_and_scalars_agree_to_the_bit() {
    for slope in [0.0, 0.01, 0.3, 1.0, 2.5] {
        let f = activation::<f32>(slope);
        for n in [0, 1, 3, 4, 17, 500] {
            let c: Vec<f32> = (0..n).map(|i| (i as f32 * 1.7).sin() * 3.0).collect();
            let t: Vec<f32> = (0..n).map(|i| (i as f32 * 0.9).cos() * 3.0).collect();
            let mut z = vec![f32::NAN; n];
            f.minimise(2.0, &c, &t, &mut z).unwrap();
            for i in 0..n {
                assert_eq!(z[i].to_bits(), f.minimise_scalar(2.0, c[i], t[i]).to_bits());
            }
        }
    }
}

#[test]
fn values_and_derivatives() {
    let z: Vec<f64> = (-30..=30).map(|i| f64::from(i) * 0.11).collect();
    let h = 1e-6;
    for slope in [0.0, 0.01, 0.3, 1.0, 2.5] {
        let activation = activation::<f64>(slope);
        let value = |shift: f64| {
            let z: Vec<f64> = z.iter().map(|z| z + shift).collect();
            let mut out = vec![f64::NAN; z.len()];
            activation.apply(&z, &mut out).unwrap();
            out
        };
        let (below, at, above) = (value(-h), value(0.0), value(h));
        let mut derivative = vec![f64::NAN; z.len()];
        activation.derivative(&z, &mut derivative).unwrap();
        let mut steepest: f64 = 0.0;
        for (i, &z) in z.iter().enumerate() {
            assert_eq!(at[i], f(slope, z));
            if z == 0.0 {
                assert_eq!(derivative[i], slope);
            } else {
                let difference = (above[i] - below[i]) / (2.0 * h);
                assert!((difference - derivative[i]).abs() < 1e-8);
                steepest = steepest.max(difference.abs());
            }
        }
        assert!((activation.lipschitz() - steepest).abs() < 1e-8);
        let mut in_place = z.clone();
        activation.apply_in_place(&mut in_place);
        assert_eq!(in_place, at);
    }
}

#[test]
fn what_is_not_a_number_stays_visible() {
    for f in [Activation::<f32>::Relu, Activation::LeakyRelu { slope: 0.1 }] {
        let mut z = [f32::NAN; 5];
        f.apply_in_place(&mut z);
        assert!(z.iter().all(|z| z.is_nan()));
        assert!(f.minimise_scalar(1.0, f32::NAN, 1.0).is_nan());
        assert!(f.minimise_scalar(1.0, 1.0, f32::NAN).is_nan());
    }
}

#[test]
fn settings_and_lengths_are_checked() {
    for slope in [0.0, 0.01, 1.0, 7.0] {
        assert_eq!(Activation::LeakyRelu { slope }.validate(), Ok(()));
    }
    assert_eq!(Activation::<f32>::Relu.validate(), Ok(()));
    for slope in [-0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let refused = Activation::LeakyRelu { slope }.validate();
        assert!(matches!(refused, Err(Error::Setting { name: "slope", .. })), "{slope}");
    }

    let f = Activation::<f64>::Relu;
    let (mut three, mut four) = ([0.0; 3], [0.0; 4]);
    let named = |result: altmin_core::Result, argument: &str| {
        assert!(matches!(result, Err(Error::Shape { argument: found, .. }) if found == argument));
    };
    assert!(f.minimise(1.0, &[1.0; 3], &[1.0; 3], &mut three).is_ok());
    named(f.minimise(1.0, &[1.0; 3], &[1.0; 4], &mut three), "t");
    named(f.minimise(1.0, &[1.0; 3], &[1.0; 3], &mut four), "z");
    named(f.apply(&[1.0; 3], &mut four), "out");
    named(f.derivative(&[1.0; 3], &mut four), "out");
    assert_eq!(four, [0.0; 4]);
}
