//! The optimisers: PyTorch's numbers, steps worked by hand, what is refused.

use altmin_core::{Error, Optimizer, Real};

use crate::common::{Random, in_both_precisions};

/// Steps from PyTorch's optimisers, by `golden/optimizers.py`.
const GOLDEN: &str = include_str!("../golden/optimizers.txt");

/// The generator's function: `1/2 sum d_i (x_i - i)^2 + 1/40 sum (x_{i+1} - x_i^2)^2`, `d_i = 4^(i-3)`.
fn gradient<T: Real>(x: &[T]) -> Vec<T> {
    let number = T::from_f64;
    let mut g: Vec<T> =
        (0..x.len()).map(|i| number(4f64.powi(i as i32 - 3)) * (x[i] - number(i as f64))).collect();
    for i in 0..x.len() - 1 {
        let e = (x[i + 1] - x[i] * x[i]) / number(20.0);
        g[i] -= number(2.0) * x[i] * e;
        g[i + 1] += e;
    }
    g
}

/// A run and its state.
struct Run<T> {
    optimizer: Optimizer<T>,
    /// Decoupled weight decay.
    decay: T,
    t: u64,
    first: Vec<T>,
    second: Vec<T>,
    x: Vec<T>,
}

impl<T: Real> Run<T> {
    fn new(optimizer: Optimizer<T>, x: Vec<T>) -> Self {
        let state = |moment| vec![T::ZERO; if optimizer.moments() > moment { x.len() } else { 0 }];
        Self { optimizer, decay: T::ZERO, t: 0, first: state(0), second: state(1), x }
    }

    fn step(&mut self, gradient: &[T]) {
        self.t += 1;
        let Self { optimizer, decay, t, first, second, x } = self;
        optimizer.decay(*decay, x);
        optimizer.step(*t, gradient, first, second, x).unwrap();
    }
}

/// An optimiser with its weight decay.
fn named<T: Real>(kind: &str, s: &[f64]) -> (Optimizer<T>, T) {
    let s: Vec<T> = s.iter().map(|&x| T::from_f64(x)).collect();
    let optimizer = match (kind, s.as_slice()) {
        ("gd", &[rate]) => Optimizer::Gd { rate },
        ("adagrad", &[rate, epsilon]) => Optimizer::Adagrad { rate, epsilon },
        ("adadelta", &[rate, decay, epsilon]) => Optimizer::Adadelta { rate, decay, epsilon },
        ("adam", &[rate, beta1, beta2, epsilon]) => Optimizer::Adam { rate, beta1, beta2, epsilon },
        ("momentum", &[rate, momentum]) => Optimizer::Momentum { rate, momentum, nesterov: false },
        ("nesterov", &[rate, momentum]) => Optimizer::Momentum { rate, momentum, nesterov: true },
        ("adamw", &[rate, beta1, beta2, epsilon, decay]) => {
            return (Optimizer::Adam { rate, beta1, beta2, epsilon }, decay);
        }
        _ => panic!("{kind} with {} settings", s.len()),
    };
    (optimizer, T::ZERO)
}

in_both_precisions!(parameters_are_pytorchs, a_zero_gradient_moves_nothing, nan_passes_through);

fn parameters_are_pytorchs<T: Real>() {
    let precision = if T::EPSILON.to_f64() < 1e-10 { "f64" } else { "f32" };
    let start = || (0..6).map(|i| T::from_f64(0.5 - 0.25 * f64::from(i))).collect();
    let mut run: Option<Run<T>> = None;
    let (mut cases, mut compared) = (0, 0);
    for line in GOLDEN.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let Ok(t) = words[0].parse::<u64>() {
            let Some(run) = &mut run else { continue };
            while run.t < t {
                let g = gradient(&run.x);
                run.step(&g);
            }
            let scale = words[1..].iter().map(|x| x.parse::<f64>().unwrap().abs()).fold(1.0, f64::max);
            for (i, (word, x)) in words[1..].iter().zip(&run.x).enumerate() {
                let (expected, found) = (word.parse::<f64>().unwrap(), x.to_f64());
                let bound = 60.0 * T::EPSILON.to_f64() * scale;
                assert!(
                    (found - expected).abs() <= bound,
                    "{:?}, step {t}, element {i}: {found} instead of {expected}",
                    run.optimizer
                );
                compared += 1;
            }
        } else if words[1] == precision {
            let settings: Vec<f64> = words[2..].iter().map(|x| x.parse().unwrap()).collect();
            let (optimizer, decay) = named::<T>(words[0], &settings);
            assert_eq!(optimizer.validate(), Ok(()));
            run = Some(Run { decay, ..Run::new(optimizer, start()) });
            cases += 1;
        } else {
            run = None;
        }
    }
    assert_eq!((cases, compared), (18, 18 * 6 * 6));
}

#[test]
fn first_steps_worked_by_hand() {
    let near = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-14, "{found} instead of {expected}");
    };
    let after = |optimizer, g: f64| {
        let mut run = Run::new(optimizer, vec![1.0]);
        run.step(&[g]);
        (run.x[0], run.first, run.second)
    };
    assert_eq!(after(Optimizer::gd(0.25), 2.0), (0.5, vec![], vec![]));
    // b = 2 and 1/2 of 2 + 4; Nesterov's steps are 2 + 1/2 of 2 and 4 + 1/2 of 5.
    for (nesterov, expected) in [(false, 1.0 - 0.25 * (2.0 + 5.0)), (true, 1.0 - 0.25 * (3.0 + 6.5))] {
        let mut run = Run::new(Optimizer::momentum(0.25, 0.5, nesterov), vec![1.0]);
        run.step(&[2.0]);
        run.step(&[4.0]);
        assert_eq!((run.x[0], run.first[0]), (expected, 5.0));
    }
    // s = 4, its root 2, the step 1/2 of 2/(2 + 2).
    assert_eq!(after(Optimizer::Adagrad { rate: 0.5, epsilon: 2.0 }, 2.0), (0.75, vec![4.0], vec![]));
    // e = 1/4 of 4 = 1; d = -2 sqrt(3/(1 + 3)) = -sqrt 3; s = 1/4 of 3.
    let (x, e, s) = after(Optimizer::Adadelta { rate: 0.5, decay: 0.75, epsilon: 3.0 }, 2.0);
    near(x, 1.0 - 3f64.sqrt() / 2.0);
    near(s[0], 0.75);
    assert_eq!(e, [1.0]);
    // Both corrections undo the decays: 1/2 of 2/(2 + 2).
    let (x, m, v) = after(Optimizer::Adam { rate: 0.5, beta1: 0.5, beta2: 0.75, epsilon: 2.0 }, 2.0);
    near(x, 0.75);
    assert_eq!((m, v), (vec![1.0], vec![1.0]));
    // A second gradient of 0: m = 1/2 over 3/4, v = 3/4 over 7/16.
    let mut run = Run::new(Optimizer::Adam { rate: 0.5, beta1: 0.5, beta2: 0.75, epsilon: 2.0 }, vec![1.0]);
    run.step(&[2.0]);
    run.step(&[0.0]);
    near(run.x[0], 0.75 - 0.5 * (2.0 / 3.0) / ((12f64 / 7.0).sqrt() + 2.0));
}

#[test]
fn defaults_are_the_papers() {
    assert_eq!(Optimizer::gd(0.3), Optimizer::Gd { rate: 0.3 });
    assert_eq!(Optimizer::momentum(0.3, 0.0, false), Optimizer::gd(0.3));
    let momentum = Optimizer::Momentum { rate: 0.3, momentum: 0.9, nesterov: true };
    assert_eq!(Optimizer::momentum(0.3, 0.9, true), momentum);
    assert_eq!(Optimizer::adagrad(0.3), Optimizer::Adagrad { rate: 0.3, epsilon: 1e-10 });
    assert_eq!(Optimizer::adadelta(1.0), Optimizer::Adadelta { rate: 1.0, decay: 0.95, epsilon: 1e-6 });
    let adam = Optimizer::Adam { rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    assert_eq!(Optimizer::adam(0.001), adam);
}

fn all<T: Real>() -> [Optimizer<T>; 6] {
    let (rate, momentum) = (T::from_f64(0.5), T::from_f64(0.75));
    [
        Optimizer::gd(rate),
        Optimizer::adagrad(rate),
        Optimizer::adadelta(rate),
        Optimizer::adam(rate),
        Optimizer::momentum(rate, momentum, false),
        Optimizer::momentum(rate, momentum, true),
    ]
}

#[test]
fn shorter_steps_are_those_of_a_smaller_rate_and_decay_is_a_share_by_rate() {
    for optimizer in all::<f64>() {
        let shortened = optimizer.shortened(0.25);
        assert_eq!((optimizer.rate(), shortened.rate()), (0.5, 0.125));
        let [mut long, mut short] =
            [optimizer, shortened].map(|optimizer| Run::new(optimizer, vec![0.0, 0.0]));
        for run in [&mut long, &mut short] {
            run.step(&[0.5, -3.0]);
        }
        // Nothing but the parameters depends on the rate.
        assert_eq!((&long.first, &long.second), (&short.first, &short.second), "{optimizer:?}");
        for (long, short) in long.x.iter().zip(&short.x) {
            assert!(*long != 0.0 && (short - 0.25 * long).abs() < 1e-15, "{optimizer:?}: {short}, {long}");
        }
        let mut x = [4.0, -2.0];
        shortened.decay(0.5, &mut x);
        assert_eq!(x, [4.0 * 0.9375, -2.0 * 0.9375]);
        let mut nan = [f64::NAN, -0.0];
        shortened.decay(0.0, &mut nan);
        assert!(nan[0].is_nan() && nan[1].is_sign_negative());
    }
}

fn a_zero_gradient_moves_nothing<T: Real>() {
    for optimizer in all::<T>() {
        let start: Vec<T> = Random::new(5).matrix(7, 1).data.iter().map(|&x| T::from_f64(x)).collect();
        let mut run = Run::new(optimizer, start.clone());
        for _ in 0..3 {
            run.step(&[T::ZERO; 7]);
        }
        assert_eq!(run.x, start, "{optimizer:?}");
        // Nothing to step is no error either.
        Run::new(optimizer, vec![]).step(&[]);
    }
}

fn nan_passes_through<T: Real>() {
    for optimizer in all::<T>() {
        let mut run = Run::new(optimizer, vec![T::ONE; 3]);
        run.step(&[T::ONE, T::from_f64(f64::NAN), T::ONE]);
        let nan: Vec<bool> = run.x.iter().map(|x| x.to_f64().is_nan()).collect();
        assert_eq!(nan, [false, true, false], "{optimizer:?}");
    }
}

#[test]
fn pieces_give_the_bits_of_the_whole() {
    let mut random = Random::new(7);
    // Longer than a block, and not a multiple of one.
    let (n, cut) = (203, 77);
    let mut vector = || random.matrix(n, 1).data;
    let (x, gradients) = (vector(), [vector(), vector(), vector()]);
    for optimizer in all::<f64>() {
        let mut whole = Run::new(optimizer, x.clone());
        let (mut front, mut back) =
            (Run::new(optimizer, x[..cut].to_vec()), Run::new(optimizer, x[cut..].to_vec()));
        for g in &gradients {
            whole.step(g);
            front.step(&g[..cut]);
            back.step(&g[cut..]);
        }
        assert_eq!(whole.x, [front.x, back.x].concat(), "{optimizer:?}");
        assert_ne!(whole.x, x);
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let named = |optimizer: Optimizer<f64>, expected: &str| {
        let found = optimizer.validate();
        assert!(
            matches!(found, Err(Error::Setting { name, .. }) if name == expected),
            "{optimizer:?}: {found:?}"
        );
    };
    let (rate, epsilon, decay, beta1, beta2) = (1.0, 1e-8, 0.9, 0.9, 0.999);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        named(Optimizer::Gd { rate: bad }, "rate");
        named(Optimizer::Momentum { rate: bad, momentum: 0.5, nesterov: true }, "rate");
        named(Optimizer::Adagrad { rate: bad, epsilon }, "rate");
        named(Optimizer::Adagrad { rate, epsilon: bad }, "epsilon");
        named(Optimizer::Adadelta { rate: bad, decay, epsilon }, "rate");
        named(Optimizer::Adadelta { rate, decay, epsilon: bad }, "epsilon");
        named(Optimizer::Adam { rate: bad, beta1, beta2, epsilon }, "rate");
        named(Optimizer::Adam { rate, beta1, beta2, epsilon: bad }, "epsilon");
    }
    for bad in [1.0, -0.1, 2.0, f64::NAN, f64::INFINITY] {
        named(Optimizer::Momentum { rate, momentum: bad, nesterov: false }, "momentum");
        named(Optimizer::Adadelta { rate, decay: bad, epsilon }, "decay");
        named(Optimizer::Adam { rate, beta1: bad, beta2, epsilon }, "beta1");
        named(Optimizer::Adam { rate, beta1, beta2: bad, epsilon }, "beta2");
    }
    assert_eq!(Optimizer::Adam { rate, beta1: 0.0, beta2: 0.0, epsilon }.validate(), Ok(()));
    assert_eq!(Optimizer::Adadelta { rate, decay: 0.0, epsilon }.validate(), Ok(()));
    // 1 - 1e-9 is 1 in single precision.
    let adam = Optimizer::Adam { rate: 1f32, beta1: 0.9, beta2: (1.0 - 1e-9) as f32, epsilon: 1e-8 };
    assert!(matches!(adam.validate(), Err(Error::Setting { name: "beta2", .. })));
}

#[test]
fn lengths_and_steps_are_checked_before_anything_is_written() {
    for (optimizer, moments) in all::<f64>().into_iter().zip([0, 1, 2, 2, 1, 1]) {
        assert_eq!(optimizer.moments(), moments);
        let try_with = |t, lengths: [usize; 3]| {
            let [mut first, mut second, mut x] = lengths.map(|n| vec![0.25; n]);
            let result = optimizer.step(t, &[1.0; 4], &mut first, &mut second, &mut x);
            let untouched = [&first, &second, &x].iter().all(|v| v.iter().all(|&x| x == 0.25));
            assert_eq!(result.is_err(), untouched, "{optimizer:?} {lengths:?}");
            result
        };
        let used = |moment| if moments > moment { 4 } else { 0 };
        let right = [used(0), used(1), 4];
        assert_eq!(try_with(1, right), Ok(()));
        assert!(matches!(try_with(0, right), Err(Error::Setting { name: "t", .. })));
        for (at, argument) in ["first", "second", "parameters"].into_iter().enumerate() {
            for wrong in [3, 5] {
                if at < 2 && moments <= at {
                    continue;
                }
                let mut lengths = right;
                lengths[at] = wrong;
                let found = try_with(1, lengths);
                assert!(matches!(found, Err(Error::Shape { argument: a, .. }) if a == argument), "{found:?}");
            }
        }
    }
}
