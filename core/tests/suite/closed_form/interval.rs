//! DLAM's z and a: against their subproblems' conditions, evaluated on plain matrices.

use altmin_core::gemm::Portable;
use altmin_core::update::StepRule;
use altmin_core::update::extrapolation::momentum;
use altmin_core::update::input::Prepared;
use altmin_core::update::interval::activation::{self, Interval, Moved};
use altmin_core::update::interval::{linear, search, violation, violation_workspace};
use altmin_core::{Activation, Error, Real};

use crate::common::{
    Plain, Random, Scratch, Strided, activate, assert_close, assert_near, in_both_precisions, rounding,
};

const ACTIVATIONS: [Activation<f64>; 5] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.25 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Softplus,
];

/// A hidden layer's z and feasible a, and the layer above.
#[derive(Debug, Clone)]
struct Held {
    rho: f64,
    epsilon: f64,
    activation: Activation<f64>,
    weights: Plain,
    z: Plain,
    a: Plain,
    r: Plain,
}

impl Held {
    fn random(
        seed: u64,
        activation: Activation<f64>,
        epsilon: f64,
        (n_out, n_in, m): (usize, usize, usize),
    ) -> Self {
        let mut random = Random::new(seed);
        let z = random.matrix(n_in, m).map(|z| 2.0 * z);
        // Within the interval, at either end of it or between.
        let offsets = random.matrix(n_in, m).map(|x| (1.5 * x).clamp(-1.0, 1.0));
        let a = z.map(|z| activate(activation, z)).plus(epsilon, &offsets);
        let (weights, r) = (random.matrix(n_out, n_in), random.matrix(n_out, m));
        Self { rho: random.between(0.25, 3.0), epsilon, activation, weights, z, a, r }
    }

    fn shape(&self) -> (usize, usize, usize) {
        (self.weights.rows, self.weights.columns, self.a.columns)
    }

    fn bounds(&self, i: usize, j: usize) -> (f64, f64) {
        let (h, a) = (activate(self.activation, self.z[(i, j)]), self.a[(i, j)]);
        ((h - self.epsilon).min(a), (h + self.epsilon).max(a))
    }

    fn gradient(&self) -> Plain {
        self.weights.transposed().times(&self.r).map(|g| self.rho * g)
    }

    /// The move with this tau for column `j`, by the definition of equation 6.
    fn clipped(&self, tau: f64, j: usize) -> Plain {
        let g = self.gradient();
        Plain::new(self.a.rows, 1, |i, _| {
            let (low, high) = self.bounds(i, j);
            (self.a[(i, j)] - g[(i, j)] / tau).clamp(low, high) - self.a[(i, j)]
        })
    }

    fn step<T: Real>(&self, prepared: Prepared<'_, T>) -> Result<(Plain, Plain, Moved), Error> {
        let (n_out, n_in, m) = self.shape();
        let [weights, z, mut a, mut r] =
            [&self.weights, &self.z, &self.a, &self.r].map(|x| Strided::<T>::new(x, 1));
        let held = Interval {
            rho: T::from_f64(self.rho),
            epsilon: T::from_f64(self.epsilon),
            activation: self.activation.cast(),
            weights: weights.view(),
            z: z.view(),
        };
        let mut scratch = Scratch::new(activation::step_workspace::<T, _>(&Portable, n_out, n_in, m));
        let (a_view, r_view) = (&mut a.view_mut(), &mut r.view_mut());
        let moved = activation::step(&Portable, &held, prepared, a_view, r_view, scratch.stack())?;
        assert!(a.is_intact() && r.is_intact() && scratch.is_intact());
        Ok((a.plain(), r.plain(), moved))
    }

    /// The tau that a rule finds for the layer, and how often it was raised.
    fn search(&self, rule: StepRule<f64>) -> (f64, usize) {
        let (n_out, n_in, m) = self.shape();
        let [weights, z, a, r] = [&self.weights, &self.z, &self.a, &self.r].map(Strided::<f64>::dense);
        let Self { rho, epsilon, activation, .. } = *self;
        let held = Interval { rho, epsilon, activation, weights: weights.view(), z: z.view() };
        let (a, r) = (a.view(), r.view());
        let mut scratch = Scratch::new(activation::step_workspace::<f64, _>(&Portable, n_out, n_in, m));
        let probed = search::probe(&Portable, &held, &a, &r, scratch.stack()).unwrap();
        let mut tau = search::first_tau(&rule, rho, &weights.view(), probed).unwrap();
        let mut raised = 0;
        loop {
            let tried = search::trial(&Portable, &held, tau, &a, &r, scratch.stack()).unwrap();
            match search::next_tau(&rule, rho, &weights.view(), tau, tried) {
                None => return (tau, raised),
                Some(next) => {
                    assert!(next > tau);
                    (tau, raised) = (next, raised + 1);
                }
            }
        }
    }
}

fn cases() -> Vec<Held> {
    let mut all = Vec::new();
    for (k, activation) in ACTIVATIONS.into_iter().enumerate() {
        for (l, epsilon) in [0.0625, 0.5, 4.0, 1000.0].into_iter().enumerate() {
            for (n, shape) in [(4, 6, 5), (7, 3, 8), (1, 1, 3), (3, 9, 1)].into_iter().enumerate() {
                all.push(Held::random((100 * k + 10 * l + n) as u64, activation, epsilon, shape));
            }
        }
    }
    all
}

in_both_precisions!(one_tau);

/// With one tau that is given: the definition, entry by entry.
fn one_tau<T: Real>() {
    for case in cases() {
        let (_, n_in, m) = case.shape();
        for tau in [0.125, 2.0, 64.0] {
            let columns: Vec<Plain> = (0..m).map(|j| case.clipped(tau, j)).collect();
            let expected = Plain::new(n_in, m, |i, j| columns[j][(i, 0)]);
            let (a, r, moved) = case.step::<T>(Prepared::Tau(T::from_f64(tau))).unwrap();
            assert_close::<T>("a", &a, &case.a.plus(1.0, &expected));
            // r follows the a that was rounded.
            let error = case.r.plus(1.0, &case.weights.times(&expected)).plus(-1.0, &r).largest();
            assert!(error <= rounding::<T>() * case.a.largest().max(1.0), "r is {error} away");
            let squared = expected.squared();
            let scale = squared.max(case.epsilon.min(1.0) * expected.largest()).max(1e-3);
            let scale = scale * case.a.largest().max(1.0);
            assert_near::<T>("squared", moved.squared, squared, scale);
            assert_near::<T>("promised", moved.promised, 0.5 * tau * squared, tau * scale);
        }
    }
}

/// With a tau a column: each column alone is the clipped step of some legal tau, which its promise tells; where nothing is
/// clipped it is the exact line search; phi falls by at least the promise.
#[test]
fn a_tau_for_each_column() {
    let (mut free, mut raised) = (0, 0);
    for case in cases() {
        let (a, r, all) = case.step::<f64>(Prepared::Columns).unwrap();
        let (mut promised, mut squared, mut trials) = (0.0, 0.0, 0);
        for j in 0..case.a.columns {
            let alone = Held {
                z: case.z.column(j),
                a: case.a.column(j),
                r: case.r.column(j),
                weights: case.weights.clone(),
                ..case
            };
            let (a_alone, r_alone, moved) = alone.step::<f64>(Prepared::Columns).unwrap();
            assert_close::<f64>("a column alone", &a.column(j), &a_alone);
            assert_close::<f64>("a column alone", &r.column(j), &r_alone);
            promised += moved.promised;
            squared += moved.squared;
            trials += moved.trials;
            let change = a_alone.plus(-1.0, &alone.a);
            if moved.squared < 1e-20 {
                continue;
            }
            let tau = 2.0 * moved.promised / moved.squared;
            assert_close::<f64>("the move of its tau", &change, &alone.clipped(tau, 0));
            let image = case.weights.times(&change);
            assert!(case.rho * image.squared() <= tau * change.squared() * (1.0 + 1e-9), "not legal");
            assert!(tau <= case.rho * case.weights.squared() * (1.0 + 1e-12), "above the cap");
            let fall = 0.5 * case.rho * (alone.r.squared() - r_alone.squared());
            assert!(fall >= moved.promised * (1.0 - 1e-9) - 1e-13, "{fall} {}", moved.promised);
            if moved.trials == 0 {
                // The gradient of what is free, and the exact minimum along it.
                let g = change.map(|d| -tau * d);
                let smallest = case.rho * case.weights.times(&g).squared() / g.squared();
                assert!((tau - smallest).abs() <= 1e-9 * tau);
                assert!((fall - moved.promised).abs() <= 1e-9 * fall + 1e-13, "an exact line search");
                free += 1;
            }
            raised += usize::from(moved.trials > 1);
        }
        assert!((all.promised - promised).abs() <= 1e-12 * promised.max(1e-3));
        assert!((all.squared - squared).abs() <= 1e-12 * squared.max(1e-3));
        assert_eq!(all.trials, trials);
    }
    assert!(free > 50 && raised > 5, "{free} {raised}");
}

/// One activation alone: a scan over its interval finds nothing lower.
#[test]
fn one_entry_goes_where_a_scan_finds_the_minimum() {
    for seed in 0..40 {
        let epsilon = [0.0625, 0.5, 4.0][seed as usize % 3];
        let case = Held::random(seed, ACTIVATIONS[seed as usize % ACTIVATIONS.len()], epsilon, (3, 1, 1));
        let (a, r, _) = case.step::<f64>(Prepared::Columns).unwrap();
        let (low, high) = case.bounds(0, 0);
        assert!(a[(0, 0)] >= low - 1e-15 && a[(0, 0)] <= high + 1e-15);
        for k in 0..=1000 {
            let other = low + (high - low) * f64::from(k) / 1000.0;
            let moved = Plain::vector(vec![other - case.a[(0, 0)]]);
            let value = case.r.plus(1.0, &case.weights.times(&moved)).squared();
            assert!(r.squared() <= value + 1e-12, "seed {seed}: {other} instead of {}", a[(0, 0)]);
        }
    }
}

/// Step after step ends where the gradient is 0, or an end of the interval holds the entry.
#[test]
fn steps_in_a_row_end_at_a_stationary_point() {
    for (seed, activation) in ACTIVATIONS.into_iter().enumerate() {
        for epsilon in [0.0625, 0.5] {
            let mut case = Held::random(seed as u64, activation, epsilon, (8, 4, 6));
            for _ in 0..3000 {
                (case.a, case.r, _) = case.step::<f64>(Prepared::Columns).unwrap();
            }
            let g = case.gradient();
            for j in 0..6 {
                for i in 0..4 {
                    let gap = case.a[(i, j)] - activate(activation, case.z[(i, j)]);
                    let (g, end) = (g[(i, j)], epsilon - gap.abs() < 1e-12);
                    let held = end && (g > 0.0) == (gap < 0.0);
                    assert!(held || g.abs() < 1e-7, "gradient {g} at {gap} of {epsilon}");
                }
            }
        }
    }
}

#[test]
fn one_tau_for_a_layer_is_legal() {
    let mut raised_at_all = 0;
    for case in cases() {
        let (_, n_in, m) = case.shape();
        let cap = case.rho * case.weights.squared();
        let legal = |tau: f64| {
            let columns: Vec<Plain> = (0..m).map(|j| case.clipped(tau, j)).collect();
            let moved = Plain::new(n_in, m, |i, j| columns[j][(i, 0)]);
            case.rho * case.weights.times(&moved).squared() <= tau * moved.squared() * (1.0 + 1e-9)
        };
        let (tau, raised) = case.search(StepRule::Scalar);
        assert!(legal(tau) && tau <= cap * (1.0 + 1e-12));
        raised_at_all += raised;
        let (start, factor) = (0.03, 1.5);
        let (tau, raised) = case.search(StepRule::Backtracking { start, factor });
        assert!(legal(tau) && tau <= cap * (1.0 + 1e-12));
        if tau < cap * (1.0 - 1e-12) {
            assert!((tau - start * factor.powi(raised as i32)).abs() < 1e-12 * tau);
            assert!(raised == 0 || !legal(tau / factor), "one factor less was legal too");
        }
    }
    assert!(raised_at_all > 0);
}

#[test]
fn a_tau_or_a_step_that_is_none_is_refused() {
    let case = Held::random(1, Activation::Tanh, 0.5, (3, 4, 2));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(case.step::<f64>(Prepared::Tau(bad)).is_err(), "{bad}");
        for (name, case) in
            [("rho", Held { rho: bad, ..case.clone() }), ("epsilon", Held { epsilon: bad, ..case.clone() })]
        {
            let refused = case.step::<f64>(Prepared::Columns).unwrap_err();
            assert!(matches!(refused, Error::Setting { name: found, .. } if found == name), "{refused}");
        }
    }
    let square = Strided::<f64>::dense(&Plain::identity(4));
    let refused = case.step(Prepared::Inverse(square.view())).unwrap_err();
    assert!(matches!(refused, Error::Setting { name: "input step", .. }));
}

/// Equation 4: no point of the interval is nearer to `W a + b`, r follows, and the fall is at least what is promised.
#[test]
fn z_is_the_nearest_point() {
    for case in cases() {
        let (n, m) = (case.z.rows, case.z.columns);
        let linear = case.z.plus(1.0, &Random::new(5).matrix(n, m).map(|x| 3.0 * x));
        let r = linear.plus(-1.0, &case.z);
        let [a, mut z_t, mut r_t] = [&case.a, &case.z, &r].map(Strided::<f64>::dense);
        let mut scratch = Scratch::new(linear::step_workspace(n));
        let (z_view, r_view) = (&mut z_t.view_mut(), &mut r_t.view_mut());
        let moved =
            linear::step(case.epsilon, case.activation, &a.view(), z_view, r_view, scratch.stack()).unwrap();
        let (z, r_new) = (z_t.plain(), r_t.plain());
        assert_close::<f64>("r", &r_new, &linear.plus(-1.0, &z));
        assert_near::<f64>("|dz|^2", moved, z.plus(-1.0, &case.z).squared(), moved.max(1.0));
        assert!(r.squared() - r_new.squared() >= moved - rounding::<f64>());
        for j in 0..m {
            for i in 0..n {
                let (a, z, c) = (case.a[(i, j)], z[(i, j)], linear[(i, j)]);
                let gap = |z: f64| (activate(case.activation, z) - a).abs() - case.epsilon;
                assert!(gap(z) <= 1e-14 * (1.0 + case.epsilon), "outside");
                let nearer = z + 1e-6 * (c - z).signum();
                assert!((c - z).abs() < 1e-6 || gap(nearer) > 0.0, "{z} stops short of {c}");
            }
        }
        let mut scratch = Scratch::new(violation_workspace(n));
        let found =
            violation(case.epsilon, case.activation, &z_t.view(), &a.view(), scratch.stack()).unwrap();
        assert!(found <= 1e-14 * (1.0 + case.epsilon));
    }
}

#[test]
fn violation_is_the_worst_of_all() {
    let z = Strided::<f64>::dense(&Plain::vector(vec![1.0, -2.0, 0.5]));
    let of = |a: Vec<f64>| {
        let a = Strided::dense(&Plain::vector(a));
        let mut scratch = Scratch::new(violation_workspace(3));
        violation(0.25, Activation::Relu, &z.view(), &a.view(), scratch.stack()).unwrap()
    };
    assert_eq!(of(vec![1.25, -0.25, 0.5]), 0.0);
    assert_eq!(of(vec![1.5, -1.0, 0.5]), 0.75);
    assert_eq!(of(vec![f64::NAN, 0.0, 0.5]), f64::INFINITY);
    assert_eq!(of(vec![1.0, 0.0, f64::NAN]), f64::INFINITY);
}

#[test]
fn momentum_is_that_of_fista() {
    // t_1 = 1, t_2 = (1 + sqrt 5)/2, t_3 = (1 + sqrt(7 + 2 sqrt 5))/2.
    let golden = (1.0 + 5.0f64.sqrt()) / 2.0;
    assert_eq!(momentum(1.0), (0.0, golden));
    let (beta, next) = momentum(golden);
    let expected = (1.0 + (7.0 + 2.0 * 5.0f64.sqrt()).sqrt()) / 2.0;
    assert!((next - expected).abs() < 1e-15 && (beta - (golden - 1.0) / expected).abs() < 1e-15);
}
