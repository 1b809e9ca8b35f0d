//! The z-subproblem of sigmoid, tanh and softplus over the whole plane of (c, t) against a dense scan: the objective, which tells
//! the global minimum from a local one, and z.

use altmin_core::Real;

use crate::common::Random;
use crate::common::smooth::{Smooth, Subproblem};

/// What the documentation of `Activation::minimise_scalar` states of the objective, in units of
/// `EPSILON (omega + |t| + 1)`; for softplus `|z|` and the objective are added to `|t|`, and
/// `(omega + 1) (EPSILON (|t| + |z|))^2` to all;
const OBJECTIVE: f64 = 8.0;

/// and of half its derivative, in units of `EPSILON (omega (|z| + |z - c|) + |t| + 1)`, again with `|z|` beside `|t|`.
const DERIVATIVE: f64 = 4.0;

#[derive(Default, Debug)]
struct Worst {
    objective: f64,
    gradient: f64,
}

impl Worst {
    /// Both precisions: their numbers are those of `problem`, which f32 must be able to hold.
    fn check<T: Real>(&mut self, problem: &Subproblem, best: f64) {
        let Subproblem { f, omega, c, t } = *problem;
        let number = T::from_f64;
        let z = f.activation::<T>().minimise_scalar(number(omega), number(c), number(t)).to_f64();
        assert!(z.is_finite(), "{problem:?}: {z}");
        let epsilon = T::EPSILON.to_f64();
        let (size, more) = if f == Smooth::Softplus {
            let size = z.abs() + t.abs();
            let objective = omega * (best - c).powi(2) + (t - f.value(best)).powi(2);
            (size, epsilon * objective + (omega + 1.0) * (epsilon * size).powi(2))
        } else {
            (t.abs(), 0.0)
        };
        let excess = problem.excess(z, best) / (epsilon * (omega + size + 1.0) + more);
        assert!(excess <= OBJECTIVE, "{problem:?}: {z} instead of {best}, {excess:e} more");
        let scale = epsilon * (omega * (z.abs() + (z - c).abs()) + size + 1.0);
        let gradient = (omega * (z - c) - (t - f.value(z)) * f.slope(z)).abs() / scale;
        assert!(gradient <= DERIVATIVE, "{problem:?}: {z}, scan {best}, derivative {gradient:e}");
        self.objective = self.objective.max(excess);
        self.gradient = self.gradient.max(gradient);
    }
}

#[derive(Default)]
struct Both {
    single: Worst,
    double: Worst,
}

impl Both {
    fn check(&mut self, f: Smooth, omega: f64, c: f64, t: f64) {
        let round = |x: f64| f64::from(x as f32);
        let problem = Subproblem { f, omega: round(omega), c: round(c), t: round(t) };
        let best = problem.scan(100);
        self.single.check::<f32>(&problem, best);
        self.double.check::<f64>(&problem, best);
    }

    /// Numbers that f32 need not hold.
    fn check_double(&mut self, problem: Subproblem) {
        self.double.check::<f64>(&problem, problem.scan(100));
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        println!("f32 {:?}, f64 {:?}", self.single, self.double);
    }
}

const OMEGAS: [f64; 6] = [1.0, 2.0, 0.25, 16.0, 1e-3, 1e3];

/// Both signs of small, usual, saturated and absurd numbers.
fn axis() -> Vec<f64> {
    let mut axis: Vec<f64> = (0..=10).map(|i| f64::from(i) * 0.57).collect();
    axis.extend([
        1e-30, 1e-7, 1e-3, 0.5, 1.0, 0.999_999, 1.000_001, 9.0, 20.0, 44.0, 90.0, 1e3, 1e6, 1e12, 1e19,
    ]);
    axis.extend([1e30, f64::from(f32::MAX)]);
    axis.iter().flat_map(|&x| [x, -x]).collect()
}

#[test]
fn over_the_whole_plane() {
    let mut worst = Both::default();
    for f in Smooth::ALL {
        for omega in OMEGAS {
            for &c in &axis() {
                for &t in &axis() {
                    worst.check(f, omega, c, t);
                }
            }
        }
    }
}

#[test]
fn at_random() {
    let (mut worst, mut random) = (Both::default(), Random::new(3));
    for f in Smooth::ALL {
        for omega in OMEGAS {
            for _ in 0..1000 {
                let magnitude = 10.0_f64.powf(6.0 * random.number().abs());
                worst.check(f, omega, 8.0 * random.number(), 5.0 * random.number());
                worst.check(f, omega, 20.0 * random.number(), magnitude * random.number());
            }
        }
    }
}

/// Where the basin changes the two minima are equal: c is found by halving, and looked at from both sides.
#[test]
fn close_to_the_change_of_basins() {
    let (mut worst, mut changes) = (Both::default(), 0);
    for f in Smooth::BOUNDED {
        let unit = if f == Smooth::Tanh { 1.0 } else { 16.0 };
        for omega in [1.0, 2.0, 1e-2] {
            for scale in [1.1, 1.5, 3.0, 10.0, 1e3] {
                let t = scale * (1.0 + unit * omega);
                let z = |c: f64| f.activation::<f64>().minimise_scalar(omega, c, t);
                let (mut low, mut high) = (-100.0 - 4.0 * (t / omega).sqrt(), 0.0);
                for _ in 0..100 {
                    let middle = 0.5 * (low + high);
                    if z(middle) < -0.66 / (4.0 / unit).sqrt() { low = middle } else { high = middle }
                }
                changes += usize::from(z(high) - z(low) > 0.1);
                for shift in [0.0, 1e-12, 1e-7, 1e-6, 1e-4, 1e-2] {
                    for c in [low - shift, high + shift] {
                        worst.check(f, omega, c, t);
                        worst.check(f, omega, -c, if f == Smooth::Tanh { -t } else { 1.0 - t });
                    }
                }
            }
        }
    }
    assert!(changes >= 20, "{changes}");
}

/// Where both minima and the maximum between them meet, the worst place for any iteration: with s = tanh z at the
/// separator of t, omega is the largest slope of `(t - s)(1 - s^2)` and c puts the line through it there.
#[test]
fn where_both_minima_meet() {
    let (mut worst, mut random) = (Both::default(), Random::new(5));
    for t in [-0.9, -0.3, 0.0, 0.3, 0.9, 1.0, 1.03, 2.0, 10.0, 1e3, 1e6] {
        let cubic = |s: f64| 6.0 * s.powi(3) - 3.0 * t * s * s - 4.0 * s + t;
        let (mut low, mut high) = (-1.0, -0.5);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if cubic(middle) < 0.0 { low = middle } else { high = middle }
        }
        let s: f64 = low;
        let omega = (1.0 - s * s) * (3.0 * s * s - 2.0 * t * s - 1.0);
        let c = s.atanh() - (t - s) * (1.0 - s * s) / omega;
        for exponent in 0..16 {
            let distance = 10.0_f64.powi(-exponent) * random.number();
            let (c, t) = (c + distance * random.number(), t + distance * random.number());
            worst.check_double(Subproblem { f: Smooth::Tanh, omega, c, t });
            worst.check(Smooth::Tanh, omega, c, t);
            worst.check(Smooth::Tanh, omega, -c, -t);
            worst.check(Smooth::Sigmoid, omega / 16.0, 2.0 * c, 0.5 + 0.5 * t);
            worst.check(Smooth::Sigmoid, omega / 16.0, -2.0 * c, 0.5 - 0.5 * t);
        }
    }
    // Here p is 1e-16 over a stretch of 1e-4 around the minimum.
    let (c, t) = (1.762953715754255, -1.055970960265565);
    worst.check_double(Subproblem { f: Smooth::Tanh, omega: 1.0, c, t });
}

/// The same of softplus: left of its separator, where `(t - f)(1 - 2 s) = 3 s`, h is convex, and right of it concave.
#[test]
fn softplus_where_minima_are_equal_or_meet() {
    let (f, mut worst, mut changes) = (Smooth::Softplus, Both::default(), 0);
    for t in [0.01, 0.3, 1.0, 2.0, 3.0, 10.0, 100.0, 1e3, 1e6] {
        let (mut low, mut high) = (-60.0, 0.0);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            let s = f.slope(middle);
            if (t - f.value(middle)) * (1.0 - 2.0 * s) > 3.0 * s { low = middle } else { high = middle }
        }
        let (separator, s) = (low, f.slope(low));
        let steepest = s * s * (2.0 - s) / (1.0 - 2.0 * s);
        let meeting = |omega: f64| separator - (t - f.value(separator)) * s / omega;
        for exponent in 0..16 {
            for shift in [-1.0, 0.3, 1.0].map(|shift| shift * 10.0_f64.powi(-exponent)) {
                let c = meeting(steepest) + shift;
                worst.check_double(Subproblem { f, omega: steepest, c, t });
                worst.check(f, steepest, c, t);
            }
        }
        for share in [0.9, 0.5, 0.1, 1e-2] {
            let omega = share * steepest;
            let z = |c: f64| f.activation::<f64>().minimise_scalar(omega, c, t);
            let (mut low, mut high) = (-10.0 - 3.0 * t * (1.0 + 1.0 / omega.sqrt()), separator);
            for _ in 0..100 {
                let middle = 0.5 * (low + high);
                if z(middle) < separator { low = middle } else { high = middle }
            }
            changes += usize::from(z(high) - z(low) > 0.1);
            for shift in [0.0, 1e-12, 1e-7, 1e-6, 1e-4, 1e-2] {
                worst.check(f, omega, low - shift, t);
                worst.check(f, omega, high + shift, t);
            }
        }
    }
    assert!(changes >= 30, "{changes}");
}

/// Closed forms by other means: z is chosen, and c follows from the derivative.
#[test]
fn the_minimiser_that_was_put_there() {
    for f in Smooth::ALL {
        for omega in [1.0, 2.0] {
            for i in -40..=40 {
                let z = f64::from(i) * 0.2;
                // With t in the range of f the problem is convex for these omega.
                for t in [0.0, 0.3, 0.99, 1.0] {
                    let c = z - (t - f.value(z)) * f.slope(z) / omega;
                    let found = f.activation::<f64>().minimise_scalar(omega, c, t);
                    assert!(
                        (found - z).abs() <= 1e-12 * (1.0 + z.abs()),
                        "{f:?} {omega} {t}: {found} for {z}"
                    );
                    let found = f.activation::<f32>().minimise_scalar(omega as f32, c as f32, t as f32);
                    assert!((f64::from(found) - z).abs() <= 1e-5 * (1.0 + z.abs()), "{f:?}: {found} for {z}");
                }
            }
        }
    }
}

#[test]
fn extreme_weights() {
    for f in Smooth::ALL.map(Smooth::activation::<f32>) {
        // Nothing but the linear term, and next to nothing of it: f(z) = t.
        assert_eq!(f.minimise_scalar(f32::MAX, 0.7, 0.1), 0.7);
        let mut value = [0.0];
        f.apply(&[f.minimise_scalar(1e-30, -7.0, 0.6)], &mut value).unwrap();
        assert!((value[0] - 0.6).abs() < 1e-6, "{value:?}");
        for omega in [f32::MIN_POSITIVE, 1e-30, 1e-10, 1e10, 1e30, f32::MAX] {
            for &c in &axis() {
                for &t in &axis() {
                    let z = f.minimise_scalar(omega, c as f32, t as f32);
                    assert!(z.is_finite(), "{f:?} {omega} {c} {t}: {z}");
                }
            }
        }
    }
}

#[test]
fn infinities_and_what_is_not_a_number() {
    fn check<T: Real>() {
        let (infinity, nan) = (-T::NEG_INFINITY, T::from_f64(f64::NAN));
        for f in Smooth::ALL.map(Smooth::activation::<T>) {
            for omega in [T::ONE, T::from_f64(2.0), T::from_f64(1e-3)] {
                for x in axis().into_iter().map(T::from_f64) {
                    for end in [infinity, -infinity] {
                        assert_eq!(f.minimise_scalar(omega, end, x), end);
                        assert_eq!(f.minimise_scalar(omega, x, end), end);
                        assert_eq!(f.minimise_scalar(omega, end, infinity), end);
                    }
                    for z in [f.minimise_scalar(omega, nan, x), f.minimise_scalar(omega, x, nan)] {
                        assert!(z.to_f64().is_nan());
                    }
                }
                assert!(f.minimise_scalar(omega, nan, infinity).to_f64().is_nan());
                assert!(f.minimise_scalar(omega, infinity, nan).to_f64().is_nan());
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn slices_and_scalars_agree_to_the_bit() {
    for f in Smooth::ALL.map(Smooth::activation::<f32>) {
        for n in [0, 1, 3, 15, 16, 17, 500] {
            let c: Vec<f32> = (0..n).map(|i| (i as f32 * 1.7).sin() * 6.0).collect();
            let mut t: Vec<f32> = (0..n).map(|i| (i as f32 * 0.9).cos() * 9.0).collect();
            if n > 20 {
                t[7] = f32::NAN;
                t[19] = f32::INFINITY;
            }
            let mut z = vec![f32::NAN; n];
            f.minimise(2.0, &c, &t, &mut z).unwrap();
            for i in 0..n {
                assert_eq!(z[i].to_bits(), f.minimise_scalar(2.0, c[i], t[i]).to_bits(), "{i} of {n}");
            }
        }
    }
}
