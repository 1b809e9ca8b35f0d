//! Momentum, schedules, weight decay and clipping of the gradient methods, against plain formulas over whole vectors.

use std::f64::consts::PI;

use altmin_core::block::Shape;
use altmin_core::method::{AnyMethod, Hyperparameters, Name, StepSchedule, Use};
use altmin_core::optimizer::Optimizer;
use altmin_core::{Error, Result};

use crate::common::rig::{Order, Permuted, Rig, parameters as flat, poison};
use crate::common::teacher::{Data, Network};
use crate::gradient::{SAMPLES, gradient, plain, small};

pub(crate) const EPOCHS: usize = 3;
pub(crate) const BATCH: usize = 45;

pub(crate) type Trained<'d> = Rig<'d, AnyMethod<f64>>;

pub(crate) fn rig<'d>(
    name: Name,
    settings: &Hyperparameters<f64>,
    (data, start): (&'d Data, &Network),
) -> Result<Trained<'d>> {
    let blocks = plain(Optimizer::gd(1.0)).blocks(start);
    Rig::of_blocks(blocks, Vec::new(), Shape::flat(data.x.rows), &flat(start), data.problem(), |run| {
        AnyMethod::new(name, settings, run)
    })
}

/// The settings of a run, with the l2 regulariser of [`plain`].
pub(crate) fn settings(learning_rate: f64) -> Hyperparameters<f64> {
    let plain = plain(Optimizer::gd(1.0)).hyperparameters(Some(BATCH));
    Hyperparameters { learning_rate, sweeps: EPOCHS, ..plain }
}

/// Everything at once.
pub(crate) fn all(learning_rate: f64) -> Hyperparameters<f64> {
    Hyperparameters {
        step_schedule: StepSchedule::Cosine,
        warm_up: 1.5,
        weight_decay: 0.3,
        clip: Some(0.05),
        ..settings(learning_rate)
    }
}

/// Whether each parameter is a weight, and not a bias.
fn are_weights(network: &Network) -> Vec<bool> {
    let layers = network.weights.iter().zip(&network.biases);
    layers.flat_map(|(w, b)| [vec![true; w.data.len()], vec![false; b.data.len()]].concat()).collect()
}

/// A network of these shapes with other parameters.
fn with(network: &Network, parameters: &[f64]) -> Network {
    let (mut moved, mut rest) = (network.clone(), parameters);
    for (w, b) in moved.weights.iter_mut().zip(&mut moved.biases) {
        for part in [&mut w.data, &mut b.data] {
            let (own, others) = rest.split_at(part.len());
            part.copy_from_slice(own);
            rest = others;
        }
    }
    moved
}

/// The share of step k of a run.
pub(crate) fn share(settings: &Hyperparameters<f64>, k: usize) -> f64 {
    let batches = SAMPLES / BATCH;
    let done = k as f64 / (settings.sweeps * batches) as f64;
    let left = match settings.step_schedule {
        StepSchedule::Constant => 1.0,
        StepSchedule::Linear => 1.0 - done,
        StepSchedule::Cosine => (1.0 + (PI * done).cos()) / 2.0,
    };
    let growing = settings.warm_up * batches as f64;
    left * if growing > 0.0 { ((k + 1) as f64 / growing).min(1.0) } else { 1.0 }
}

/// A run by plain formulas; `step` gets `(t, rate, g, first, second, x)`, all the numbers of one parameter but t and the rate.
fn reference(
    settings: &Hyperparameters<f64>,
    (data, start): (&Data, &Network),
    step: impl Fn(i32, f64, f64, &mut f64, &mut f64, &mut f64),
) -> Vec<f64> {
    let mut x = flat(start);
    let (mut first, mut second) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let are_weights = are_weights(start);
    for k in 0..EPOCHS * SAMPLES / BATCH {
        let begin = k % (SAMPLES / BATCH) * BATCH;
        let batch: Vec<u32> = (begin..begin + BATCH).map(|j| j as u32).collect();
        let mut g = gradient(plain(Optimizer::gd(1.0)), (data, &with(start, &x)), Some(&batch));
        if let Some(clip) = settings.clip {
            let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            assert!(norm > clip, "nothing to clip: {norm}");
            g.iter_mut().for_each(|g| *g *= clip / (norm + 1e-6));
        }
        let rate = share(settings, k) * settings.learning_rate;
        for i in 0..x.len() {
            if are_weights[i] {
                x[i] -= rate * settings.weight_decay * x[i];
            }
            step(k as i32 + 1, rate, g[i], &mut first[i], &mut second[i], &mut x[i]);
        }
    }
    x
}

fn trained(name: Name, settings: &Hyperparameters<f64>, (data, start): (&Data, &Network)) -> Vec<f64> {
    let mut rig = rig(name, settings, (data, start)).unwrap();
    rig.sweeps(EPOCHS);
    flat(&rig.network())
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], what: &str) {
    let off = |(found, expected): (&f64, &f64)| (found - expected).abs();
    let worst = found.iter().zip(expected).map(off).fold(0.0, f64::max);
    assert!(worst < 1e-9, "{what}: {worst}");
}

#[test]
fn momentum_is_that_of_plain_formulas() {
    let (data, start) = small();
    for momentum in [0.5, 0.9] {
        for base in [settings(0.1), all(0.1)] {
            let heavy = Hyperparameters { momentum, ..base };
            let expected = reference(&heavy, (&data, &start), |_, rate, g, b, _, x| {
                *b = momentum * *b + g;
                *x -= rate * *b;
            });
            assert_near(&trained(Name::Gd, &heavy, (&data, &start)), &expected, "momentum");
            let ahead = Hyperparameters { nesterov: true, ..heavy };
            let expected = reference(&ahead, (&data, &start), |_, rate, g, b, _, x| {
                *b = momentum * *b + g;
                *x -= rate * (g + momentum * *b);
            });
            assert_near(&trained(Name::Gd, &ahead, (&data, &start)), &expected, "Nesterov");
        }
    }
}

#[test]
fn every_schedule_is_that_of_plain_formulas() {
    let (data, start) = small();
    for step_schedule in [StepSchedule::Constant, StepSchedule::Linear, StepSchedule::Cosine] {
        for warm_up in [0.0, 0.75, 2.0] {
            let settings = Hyperparameters { step_schedule, warm_up, ..settings(0.2) };
            let expected = reference(&settings, (&data, &start), |_, rate, g, _, _, x| *x -= rate * g);
            let what = format!("{step_schedule:?}, {warm_up}");
            assert_near(&trained(Name::Gd, &settings, (&data, &start)), &expected, &what);
        }
    }
}

#[test]
fn decay_clipping_and_schedule_serve_every_optimizer() {
    let (data, start) = small();
    let base = settings(0.01);
    for settings in [
        Hyperparameters { weight_decay: 0.3, ..base },
        Hyperparameters { clip: Some(0.05), ..base },
        all(0.01),
    ] {
        let check = |name, expected: &[f64]| {
            assert_near(
                &trained(name, &settings, (&data, &start)),
                expected,
                &format!("{name} {settings:?}"),
            );
        };
        check(Name::Gd, &reference(&settings, (&data, &start), |_, rate, g, _, _, x| *x -= rate * g));
        let adagrad = reference(&settings, (&data, &start), |_, rate, g, s, _, x| {
            *s += g * g;
            *x -= rate * g / (s.sqrt() + 1e-10);
        });
        check(Name::Adagrad, &adagrad);
        let adadelta = reference(&settings, (&data, &start), |_, rate, g, e, s, x| {
            *e = 0.95 * *e + 0.05 * g * g;
            let d = g * ((*s + 1e-6) / (*e + 1e-6)).sqrt();
            *s = 0.95 * *s + 0.05 * d * d;
            *x -= rate * d;
        });
        check(Name::Adadelta, &adadelta);
        let adam = reference(&settings, (&data, &start), |t, rate, g, m, v, x| {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            let (m, v) = (*m / (1.0 - 0.9_f64.powi(t)), *v / (1.0 - 0.999_f64.powi(t)));
            *x -= rate * m / (v.sqrt() + 1e-8);
        });
        check(Name::Adam, &adam);
        check(Name::Adamw, &adam);
    }
}

#[test]
fn a_gradient_within_its_bound_is_not_clipped_and_the_report_tells_of_the_whole_one() {
    let (data, start) = small();
    for batch in [None, Some(BATCH)] {
        let run = |clip| {
            let settings = Hyperparameters { clip, batch, ..settings(0.01) };
            let mut rig = rig(Name::Adam, &settings, (&data, &start)).unwrap();
            (rig.sweeps(1), rig.network())
        };
        let (free, loose, tight) = (run(None), run(Some(1e6)), run(Some(1e-3)));
        assert!(free.1 == loose.1 && free.0 == loose.0);
        if batch.is_none() {
            assert_eq!(free.0[0].dual_residual, tight.0[0].dual_residual);
        }
        let shorter = flat(&tight.1).iter().zip(flat(&free.1)).all(|(tight, free)| *tight == free);
        assert!(!shorter, "clipping changed nothing");
    }
}

/// Every method that the settings here serve.
fn names() -> impl Iterator<Item = Name> {
    Name::ALL.iter().copied().filter(|name| name.card().uses(Use::Clip))
}

#[test]
fn a_state_that_is_read_back_goes_on_with_the_same_bits() {
    let (data, start) = small();
    for name in names() {
        for clip in [None, Some(0.05)] {
            let momentum = if name.card().uses(Use::Momentum) { 0.9 } else { 0.0 };
            let settings = Hyperparameters { clip, momentum, ..all(0.01) };
            let mut straight = rig(name, &settings, (&data, &start)).unwrap();
            straight.sweeps(1);
            let (scalars, numbers) = (straight.scalars.clone(), straight.numbers.clone());
            let expected = [straight.sweep().unwrap(), straight.sweep().unwrap()];
            let mut resumed = rig(name, &settings, (&data, &start)).unwrap();
            (resumed.scalars, resumed.numbers) = (scalars, numbers);
            let found = [resumed.sweep().unwrap(), resumed.sweep().unwrap()];
            assert!(found == expected && resumed.scalars == straight.scalars, "{name}");
            assert_eq!(resumed.numbers, straight.numbers);
        }
    }
}

#[test]
fn the_order_of_units_changes_no_bit() {
    // Several blocks of weights.
    let data = Data::new(500, 3, SAMPLES, 1);
    let start = Network::new(&[500, 300, 20, 3], 2);
    for name in names() {
        for clip in [None, Some(0.05)] {
            let settings = Hyperparameters { clip, ..all(0.01) };
            let mut straight = rig(name, &settings, (&data, &start)).unwrap();
            let expected = straight.sweeps(2);
            for order in [Order::Backward, Order::Shuffled] {
                let mut other = rig(name, &settings, (&data, &start)).unwrap();
                let mut executor = Permuted::new(order, poison(other.scratch()));
                other.initialize_on(&mut executor).unwrap();
                let found = [0; 2].map(|_| other.sweep_on(&mut executor).unwrap());
                assert!(found[..] == expected && other.network() == straight.network(), "{name} {order:?}");
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let (data, start) = small();
    let refused = |name, settings: &Hyperparameters<f64>| match rig(name, settings, (&data, &start)) {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{:?}", other.map(|_| ())),
    };
    let base = settings(0.1);
    for name in names() {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let with = [
                ("weight-decay", Hyperparameters { weight_decay: bad, ..base }),
                ("clip", Hyperparameters { clip: Some(bad), ..base }),
                ("warm-up", Hyperparameters { warm_up: bad, ..base }),
            ];
            for (expected, settings) in with {
                assert_eq!(refused(name, &settings), expected, "{name}, {bad}");
            }
        }
        assert_eq!(refused(name, &Hyperparameters { clip: Some(0.0), ..base }), "clip");
        // 0.1 times 10: nothing of the weights would be left.
        assert_eq!(refused(name, &Hyperparameters { weight_decay: 10.0, ..base }), "weight-decay");
    }
    for momentum in [-0.5, 1.0, f64::NAN] {
        assert_eq!(refused(Name::Gd, &Hyperparameters { momentum, ..base }), "momentum");
    }
    assert_eq!(refused(Name::Gd, &Hyperparameters { nesterov: true, ..base }), "momentum");
}
