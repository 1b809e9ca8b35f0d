//! DLAM against Algorithm 1 written out on whole matrices.

use altmin_core::executor::Executor;
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::{Error, OutputSolver};

use crate::common::dense::distance;
use crate::common::dlam_reference::Reference;
use crate::common::dlam_run::*;
use crate::common::rig::{Order, Permuted, poison};
use crate::common::subproblems;
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, LOSSES, Network, Settings, farthest, small};

/// Follows the reference for 20 sweeps, in every variable and in F.
fn follow(settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    follow_for(20, settings, partition, data, start);
}

fn follow_for(sweeps: usize, settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    let mut reference = Reference::new(settings, data, start);
    with_method(settings, partition, (data, start), |method| {
        for sweep in 1..=sweeps {
            let report = method.sweep().unwrap();
            reference.sweep();
            let expected = reference.objective();
            let what = format!("{settings:?}, {partition:?}, sweep {sweep}");
            let error = (report.objective - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-10, "F {} against {expected}: {what}", report.objective);
            let network = method.network();
            assert!(farthest(&network, &reference.network) < 1e-9, "parameters: {what}");
            let found = snapshot(method);
            for l in 0..start.layers() {
                assert!(distance(&found.z[l], &reference.z[l]) < 1e-9, "z of layer {l}: {what}");
            }
            for (l, a) in found.a.iter().enumerate() {
                assert!(distance(a, &reference.a[l + 1]) < 1e-9, "a of layer {l}: {what}");
            }
        }
    });
}

#[test]
fn a_sweep_is_algorithm_1() {
    let (data, start) = (Data::new(6, 4, 90, 1), Network::new(&[6, 9, 7, 4], 2));
    for weight_step in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        for input_step in INPUT_RULES {
            for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
                let (rho, epsilon) = [(1.0, 0.05), (0.01, 1.0), (10.0, 0.1), (1.0, 0.02), (0.1, 0.2)][i];
                let loss = LOSSES[i % 2];
                let settings =
                    Settings { weight_step, input_step, activation, loss, ..settings(rho, epsilon) };
                follow(settings, groups(90), &data, &start);
            }
        }
    }
}

#[test]
fn a_sweep_is_algorithm_1_with_a_ridge() {
    let (data, start) = small();
    for loss in LOSSES {
        let regularizer = Regularizer::L2(0.3);
        let settings = Settings { weight_step: LEAST_SQUARES, loss, regularizer, ..settings(1.0, 0.05) };
        follow(settings, groups(170), &data, &start);
    }
}

#[test]
fn corner_shapes_follow_algorithm_1_too() {
    for input_step in INPUT_RULES {
        for weight_step in [StepRule::Vector, LEAST_SQUARES] {
            let settings = Settings { input_step, weight_step, ..settings(1.0, 0.1) };
            // No hidden layer; one; one sample; fewer samples than a tile; a group for every tile, the last of one.
            follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 3], 4));
            follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 6, 3], 4));
            follow(settings, groups(1), &Data::new(5, 3, 1, 5), &Network::new(&[5, 6, 4, 3], 6));
            follow(settings, groups(11), &Data::new(5, 3, 11, 7), &Network::new(&[5, 6, 4, 3], 8));
            let cut = Partition::new(13, 4, 4);
            follow(settings, cut, &Data::new(5, 3, 13, 9), &Network::new(&[5, 6, 4, 3], 10));
            follow(settings, groups(40), &Data::new(5, 3, 40, 9), &Network::new(&[5, 1, 4, 3], 10));
        }
    }
}

/// Fewer sweeps than elsewhere: where a residual is nothing but rounding, which it soon is with least squares, chance
/// decides whether it rises.
#[test]
fn an_accelerated_sweep_extrapolates_where_f_does_not_rise() {
    let (data, start) = (Data::new(6, 4, 40, 1), Network::new(&[6, 9, 7, 4], 2));
    for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
        let (rho, epsilon) = [(1.0, 0.05), (0.01, 1.0), (10.0, 0.1), (1.0, 0.02), (0.1, 0.2)][i];
        for input_step in INPUT_RULES {
            let settings = Settings { input_step, activation, accelerate: true, ..settings(rho, epsilon) };
            follow_for(12, settings, groups(40), &data, &start);
        }
        let settings = Settings {
            weight_step: LEAST_SQUARES,
            activation,
            regularizer: Regularizer::L2(0.1),
            accelerate: true,
            ..settings(rho, epsilon)
        };
        follow_for(8, settings, groups(40), &data, &start);
    }
}

#[test]
fn the_accounts_are_those_of_the_state() {
    let (data, start) = small();
    for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
        for accelerate in [false, true] {
            let loss = LOSSES[i % 2];
            let settings = Settings { activation, loss, accelerate, ..settings(0.7, 0.3) };
            with_method(settings, groups(170), (&data, &start), |method| {
                let first = method.objective().unwrap();
                let expected = Reference::new(settings, &data, &start).objective();
                assert!((first - expected).abs() < 1e-11 * expected.abs());
                let mut z = snapshot(method).z;
                for _ in 0..5 {
                    let report = method.sweep().unwrap();
                    let again = method.objective().unwrap();
                    // A sweep adds layer by layer, the pass of its own tile by tile.
                    assert!((report.objective - again).abs() <= 1e-13 * again.abs());
                    let reference = at(settings, &data, method);
                    let expected = reference.objective();
                    assert!((report.objective - expected).abs() < 1e-11 * expected.abs());
                    let squares = |of: &dyn Fn(usize) -> f64| (0..3).map(of).sum::<f64>().sqrt();
                    let primal = squares(&|l| reference.residual(l).squared());
                    let dual = settings.rho * squares(&|l| reference.z[l].plus(-1.0, &z[l]).squared());
                    assert!((report.primal_residual - primal).abs() < 1e-12 * primal.max(1.0));
                    assert!((report.dual_residual - dual).abs() < 1e-12 * dual.max(1.0));
                    let risk = subproblems::risk(loss, &reference.z[2], &data.y) / 170.0;
                    assert!((method.risk() - risk).abs() < 1e-12 * risk);
                    let outside = (reference.widest() - settings.epsilon).max(0.0);
                    assert!((method.violation().unwrap() - outside).abs() < 1e-15);
                    z = reference.z;
                }
            });
        }
    }
}

#[test]
fn the_carried_residual_does_not_drift() {
    let (data, start) = small();
    for (weight_step, accelerate) in
        [(StepRule::Vector, false), (LEAST_SQUARES, false), (StepRule::Vector, true)]
    {
        let settings = Settings { weight_step, accelerate, ..settings(1.0, 0.1) };
        with_method(settings, groups(170), (&data, &start), |method| {
            for _ in 0..200 {
                method.sweep().unwrap();
            }
            let (found, reference) = (snapshot(method), at(settings, &data, method));
            for l in 0..start.layers() {
                let error = distance(&found.r[l], &reference.residual(l));
                assert!(error < 1e-12, "{weight_step:?}, layer {l}: {error}");
            }
        });
    }
}

#[test]
fn tiles_and_groups_change_nothing_but_rounding() {
    let (data, start) = small();
    for input_step in INPUT_RULES {
        let settings = Settings { input_step, ..settings(1.0, 0.1) };
        let run = |partition| train(settings, partition, (&data, &start), 20);
        let (whole, reports) = run(Partition::new(170, 170, 1));
        for (tile, groups) in [(1, 7), (7, 1), (7, 4), (32, 3), (64, 100), (1000, 5)] {
            let (cut, others) = run(Partition::new(170, tile, groups));
            assert!(farthest(&cut, &whole) < 1e-9, "{input_step:?}, tiles of {tile} in {groups} groups");
            for (a, b) in reports.iter().zip(&others) {
                assert!((a.objective - b.objective).abs() < 1e-10 * a.objective.abs());
                assert!((a.promised - b.promised).abs() < 1e-8 * a.promised.abs());
            }
        }
    }
}

#[test]
fn the_order_of_the_units_changes_no_bit() {
    let (data, start) = small();
    let partition = groups(170);
    for input_step in INPUT_RULES {
        for accelerate in [false, true] {
            let settings = Settings { input_step, accelerate, ..settings(1.0, 0.1) };
            let (expected, reports) = train(settings, partition, (&data, &start), 10);
            for order in [Order::Backward, Order::Shuffled] {
                let mut method = rig(settings, partition, data.problem(), &start).unwrap();
                let mut executor = Permuted::new(order, poison(method.scratch()));
                let found = sweeps(&mut method, &mut executor, 10);
                assert_eq!(found, reports, "{input_step:?}, {order:?}");
                assert_eq!(method.network(), expected, "{input_step:?}, {order:?}");
            }
        }
    }
}

fn sweeps<E: Executor<f64>>(method: &mut Run<'_>, executor: &mut E, count: usize) -> Vec<Sweep> {
    method.initialize_on(executor).unwrap();
    (0..count).map(|_| method.sweep_on(executor).unwrap()).collect()
}

#[test]
fn both_output_solvers_take_the_same_sweeps() {
    let (data, start) = small();
    let fista = Settings { solver: OutputSolver::Fista, ..settings(1.0, 0.1) };
    let newton = train(settings(1.0, 0.1), groups(170), (&data, &start), 20).0;
    assert!(farthest(&train(fista, groups(170), (&data, &start), 20).0, &newton) < 1e-9);
}

/// The extra trials are columns: none where the intervals are too wide to clip anything.
#[test]
fn trials_are_counted() {
    let (data, start) = small();
    with_method(settings(1.0, 1e6), groups(170), (&data, &start), |method| {
        method.sweep().unwrap();
        assert_eq!(method.trials(), 0);
    });
    with_method(settings(1.0, 1e-3), groups(170), (&data, &start), |method| {
        for _ in 0..3 {
            method.sweep().unwrap();
        }
        assert!(method.trials() > 0 && method.trials() < 20 * 2 * 170, "{}", method.trials());
    });
}

#[test]
fn activations_have_no_least_squares_step() {
    let wrong = Settings { input_step: LEAST_SQUARES, ..settings(1.0, 1.0) };
    let (data, start) = small();
    let refused = rig(wrong, groups(170), data.problem(), &start).map(|_| ());
    assert!(matches!(refused, Err(Error::Setting { name: "input step", .. })), "{refused:?}");
}
