//! pdADMM against Algorithm 1 written out on whole matrices, and against what its Lemma 1 and Theorem 3 promise.

use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::theory::pdadmm_rho_threshold;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Loss, OutputSolver};

use crate::common::dense::distance;
use crate::common::pdadmm_reference::Reference;
use crate::common::pdadmm_run::{Run, rig, snapshot};
use crate::common::rig::{Order, Permuted, poison};
use crate::common::subproblems::activate;
use crate::common::teacher::{
    BACKTRACKING, Data, LEAKY, LEAST_SQUARES, LOSSES, Network, Settings, farthest, settings, small,
    variations,
};

/// A rho above Lemma 1's threshold for nu = 1.
const SAFE: f64 = 5.0;

/// Initialises the method and hands it to `body`.
fn with_method<A>(
    settings: Settings<f64>,
    partition: Partition,
    storage: DualStorage,
    problem: (&Data, &Network),
    body: impl FnOnce(&mut Run<'_>) -> A,
) -> A {
    let mut run = rig(settings, partition, storage, problem);
    run.initialize().unwrap();
    body(&mut run)
}

/// The network after so many sweeps, and what each sweep reported.
fn train(
    settings: Settings<f64>,
    partition: Partition,
    problem: (&Data, &Network),
    sweeps: usize,
) -> (Network, Vec<Sweep>) {
    let mut run = rig(settings, partition, DualStorage::Recovered, problem);
    let reports = run.sweeps(sweeps);
    (run.network(), reports)
}

fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// Follows the reference for 20 sweeps, in every variable and in the Lagrangian.
fn follow(settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    for storage in [DualStorage::Recovered, DualStorage::Stored] {
        let mut reference = Reference::new(settings, data, start);
        with_method(settings, partition, storage, (data, start), |method| {
            for sweep in 1..=20 {
                let report = method.sweep().unwrap();
                reference.sweep();
                let expected = reference.lagrangian();
                let what = format!("{settings:?}, {partition:?}, {storage:?}, sweep {sweep}");
                let error = (report.objective - expected).abs() / expected.abs().max(1.0);
                assert!(error < 1e-10, "Lagrangian {} against {expected}: {what}", report.objective);
                let network = method.network();
                assert!(farthest(&network, &reference.network) < 1e-9, "parameters: {what}");
                let found = snapshot(method);
                for l in 0..start.layers() {
                    assert!(distance(&found.z[l], &reference.z[l]) < 1e-9, "z of layer {l}: {what}");
                    if l > 0 {
                        assert!(distance(&found.p[l], &reference.p[l]) < 1e-9, "p of layer {l}: {what}");
                        assert!(distance(&found.q[l - 1], &reference.q[l - 1]) < 1e-9, "q below {l}: {what}");
                    }
                }
            }
        });
    }
}

#[test]
fn a_sweep_is_algorithm_1_with_vectors_and_scalars() {
    let (data, start) = small();
    for rule in [StepRule::Vector, StepRule::Scalar] {
        for loss in LOSSES {
            follow(Settings { loss, ..settings(1.0, SAFE, rule) }, groups(170), &data, &start);
        }
        let leaky = Settings { activation: LEAKY, ..settings(0.1, 0.3, rule) };
        follow(leaky, groups(170), &data, &start);
    }
}

#[test]
fn a_sweep_is_algorithm_1_with_least_squares() {
    let (data, start) = small();
    for regularizer in [Regularizer::None, Regularizer::L2(0.3)] {
        for loss in LOSSES {
            let settings = Settings { loss, regularizer, ..settings(1.0, SAFE, LEAST_SQUARES) };
            follow(settings, groups(170), &data, &start);
        }
    }
    let leaky = Settings { activation: LEAKY, ..settings(0.1, 0.3, LEAST_SQUARES) };
    follow(leaky, groups(170), &data, &start);
}

#[test]
fn a_sweep_is_algorithm_1_with_smooth_activations() {
    let (data, start) = small();
    for (activation, rule) in [
        (Activation::Sigmoid, LEAST_SQUARES),
        (Activation::Tanh, StepRule::Vector),
        (Activation::Softplus, LEAST_SQUARES),
    ] {
        follow(Settings { activation, ..settings(1.0, SAFE, rule) }, groups(170), &data, &start);
    }
}

#[test]
fn weights_and_inputs_may_step_differently() {
    let (data, start) = small();
    for (weight_step, input_step) in [
        (LEAST_SQUARES, StepRule::Vector),
        (StepRule::Scalar, LEAST_SQUARES),
        (StepRule::Vector, StepRule::Scalar),
    ] {
        let settings = Settings { weight_step, input_step, ..settings(1.0, SAFE, StepRule::Vector) };
        follow(settings, groups(170), &data, &start);
    }
}

#[test]
fn corner_shapes_follow_algorithm_1_too() {
    for rule in [StepRule::Vector, StepRule::Scalar, LEAST_SQUARES] {
        let settings = settings(1.0, SAFE, rule);
        // No hidden layer; one sample; fewer samples than a tile; a group for every tile, the last of one sample.
        follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 3], 4));
        follow(settings, groups(1), &Data::new(5, 3, 1, 5), &Network::new(&[5, 6, 3], 6));
        follow(settings, groups(11), &Data::new(5, 3, 11, 7), &Network::new(&[5, 6, 3], 8));
        follow(settings, Partition::new(13, 4, 4), &Data::new(5, 3, 13, 9), &Network::new(&[5, 6, 3], 10));
        follow(settings, groups(40), &Data::new(5, 3, 40, 9), &Network::new(&[5, 1, 3], 10));
    }
}

#[test]
fn both_output_solvers_take_the_same_sweeps() {
    let (data, start) = small();
    let settings = settings(1.0, SAFE, StepRule::Vector);
    let fista = Settings { solver: OutputSolver::Fista, ..settings };
    let newton = train(settings, groups(170), (&data, &start), 20).0;
    assert!(farthest(&train(fista, groups(170), (&data, &start), 20).0, &newton) < 1e-9);
}

/// Over 200 sweeps, and over 60 where weights step row by row: from about sweep 80 on, a row's exact line search makes
/// more of a last bit from sweep to sweep (a start that differs in one ends as far off), so that no two ways to
/// compute the same sweeps stay together.
#[test]
fn the_recovered_dual_is_the_stored_one() {
    let (data, start) = small();
    let partition = groups(170);
    let mixed = Settings { input_step: StepRule::Vector, ..settings(1.0, SAFE, LEAST_SQUARES) };
    let same = |rule| settings(1.0, SAFE, rule);
    for (settings, sweeps) in [
        (same(StepRule::Vector), 60),
        (same(StepRule::Scalar), 200),
        (same(LEAST_SQUARES), 200),
        (mixed, 200),
    ] {
        let run = |storage| {
            with_method(settings, partition, storage, (&data, &start), |method| {
                let reports: Vec<Sweep> = (0..sweeps).map(|_| method.sweep().unwrap()).collect();
                (method.network(), reports, snapshot(method))
            })
        };
        let (recovered, reports, state) = run(DualStorage::Recovered);
        let (stored, expected, stored_state) = run(DualStorage::Stored);
        assert!(farthest(&recovered, &stored) < 1e-11, "{settings:?}: {}", farthest(&recovered, &stored));
        for (found, expected) in reports.iter().zip(&expected) {
            assert!((found.objective - expected.objective).abs() < 1e-11 * expected.objective);
            assert!((found.promised - expected.promised).abs() < 1e-9 * expected.promised);
        }
        for l in 0..2 {
            assert!(distance(&state.z[l], &stored_state.z[l]) < 1e-11);
            assert!(distance(&state.q[l], &stored_state.q[l]) < 1e-11);
            assert!(distance(&state.p[l + 1], &stored_state.p[l + 1]) < 1e-11);
        }
    }
}

/// Lemma 4 in runs that move u by equation 7 and never use it: rounding does not add up over 200 sweeps.
#[test]
fn the_stored_dual_keeps_lemma_4() {
    let (data, start) = small();
    let partition = groups(170);
    for rule in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        let settings = settings(1.0, SAFE, rule);
        with_method(settings, partition, DualStorage::Stored, (&data, &start), |method| {
            for _ in 0..200 {
                method.sweep().unwrap();
                let found = snapshot(method);
                for l in 0..2 {
                    let f = found.z[l].map(|z| activate(settings.activation, z));
                    let u = found.q[l].plus(-1.0, &f).map(|gap| settings.nu * gap);
                    assert!(distance(&u, &found.u[l]) < 1e-12, "{rule:?}: {}", distance(&u, &found.u[l]));
                }
            }
            let moved = snapshot(method).u;
            assert!((0..2).all(|l| moved[l].largest() > 1e-2), "{rule:?}: the dual has moved");
        });
    }
}

/// Lemma 1 for every regulariser, activation and loss: 80 sweeps, just above the threshold and well above.
fn descends(rule: StepRule<f64>) {
    let (data, start) = small();
    for settings in variations(1.0, 1.0, rule) {
        let threshold = pdadmm_rho_threshold(settings.nu, settings.activation.lipschitz());
        let rho = if settings.loss == Loss::CrossEntropy { 1.001 * threshold } else { 2.0 * threshold };
        let settings = Settings { rho, ..settings };
        with_method(settings, groups(170), DualStorage::Recovered, (&data, &start), |method| {
            let mut before = method.objective().unwrap();
            let rounding = 1e-12 * before;
            for sweep in 1..=80 {
                let report = method.sweep().unwrap();
                let fall = before - report.objective;
                assert!(fall >= -rounding, "{settings:?}, sweep {sweep} rises by {}", -fall);
                assert!(report.promised >= 0.0);
                assert!(
                    fall >= report.promised - rounding,
                    "{settings:?}, sweep {sweep} falls by {fall}, promised {}",
                    report.promised
                );
                before = report.objective;
            }
        });
    }
}

#[test]
fn every_sweep_keeps_lemma_1_with_vectors() {
    descends(StepRule::Vector);
}

#[test]
fn every_sweep_keeps_lemma_1_with_scalars() {
    descends(StepRule::Scalar);
}

#[test]
fn every_sweep_keeps_lemma_1_with_backtracking() {
    descends(BACKTRACKING);
}

#[test]
fn every_sweep_keeps_lemma_1_with_least_squares() {
    descends(LEAST_SQUARES);
}

/// Theorem 3: c_k, the smallest promise so far, is o(1/k).
#[test]
fn the_smallest_promise_falls_faster_than_one_over_k() {
    let (data, start) = small();
    for rule in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        let (_, reports) = train(settings(1.0, SAFE, rule), groups(170), (&data, &start), 200);
        let rate = |k: usize| {
            let smallest = reports[..k].iter().map(|r| r.promised).fold(f64::INFINITY, f64::min);
            k as f64 * smallest
        };
        assert!(
            rate(200) < 0.5 * rate(50),
            "{rule:?}: {} after 200 sweeps, {} after 50",
            rate(200),
            rate(50)
        );
    }
}

#[test]
fn the_accounts_are_those_of_the_state() {
    let (data, start) = small();
    let partition = groups(170);
    for storage in [DualStorage::Recovered, DualStorage::Stored] {
        for settings in variations(0.7, 1.9, StepRule::Vector) {
            with_method(settings, partition, storage, (&data, &start), |method| {
                let mut q = snapshot(method).q;
                for _ in 0..5 {
                    let report = method.sweep().unwrap();
                    let again = method.objective().unwrap();
                    assert_eq!(report.objective.to_bits(), again.to_bits());
                    let found = snapshot(method);
                    let mut reference = Reference::new(settings, &data, &method.network());
                    reference.p[1..].clone_from_slice(&found.p[1..]);
                    reference.z.clone_from(&found.z);
                    for l in 0..2 {
                        reference.q[l] = found.q[l].clone();
                        let f = found.z[l].map(|z| activate(settings.activation, z));
                        reference.u[l] = found.q[l].plus(-1.0, &f).map(|gap| settings.nu * gap);
                    }
                    let expected = reference.lagrangian();
                    assert!((report.objective - expected).abs() < 1e-11 * expected.abs());

                    let gap = |l: usize| found.p[l + 1].plus(-1.0, &found.q[l]).squared();
                    let moved = |l: usize| found.q[l].plus(-1.0, &q[l]).squared();
                    let primal = (gap(0) + gap(1)).sqrt();
                    let dual = settings.rho * (moved(0) + moved(1)).sqrt();
                    assert!((report.primal_residual - primal).abs() < 1e-12 * primal.max(1.0));
                    assert!((report.dual_residual - dual).abs() < 1e-12 * dual.max(1.0));
                    q = found.q;
                }
            });
        }
    }
}

#[test]
fn the_carried_residual_does_not_drift() {
    let (data, start) = small();
    let partition = groups(170);
    for rule in [StepRule::Vector, LEAST_SQUARES] {
        let settings = settings(1.0, SAFE, rule);
        with_method(settings, partition, DualStorage::Recovered, (&data, &start), |method| {
            for _ in 0..200 {
                method.sweep().unwrap();
            }
            let found = snapshot(method);
            let mut reference = Reference::new(settings, &data, &method.network());
            reference.p[1..].clone_from_slice(&found.p[1..]);
            reference.z.clone_from(&found.z);
            for l in 0..start.layers() {
                let error = distance(&found.r[l], &reference.residual(l));
                assert!(error < 1e-12, "{rule:?}, layer {l}: {error}");
            }
        });
    }
}

#[test]
fn tiles_and_groups_change_nothing_but_rounding() {
    let (data, start) = small();
    for rule in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        let run = |partition| train(settings(1.0, SAFE, rule), partition, (&data, &start), 20);
        let (whole, reports) = run(Partition::new(170, 170, 1));
        for (tile, groups) in [(1, 7), (7, 1), (7, 4), (32, 3), (64, 100), (1000, 5)] {
            let (cut, others) = run(Partition::new(170, tile, groups));
            assert!(farthest(&cut, &whole) < 1e-9, "{rule:?}, tiles of {tile} in {groups} groups");
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
    for rule in [StepRule::Vector, StepRule::Scalar, LEAST_SQUARES] {
        let settings = settings(1.0, SAFE, rule);
        let (expected, reports) = train(settings, partition, (&data, &start), 10);
        for order in [Order::Backward, Order::Shuffled] {
            let mut run = rig(settings, partition, DualStorage::Recovered, (&data, &start));
            let mut executor = Permuted::new(order, poison(run.scratch()));
            run.initialize_on(&mut executor).unwrap();
            let found: Vec<Sweep> = (0..10).map(|_| run.sweep_on(&mut executor).unwrap()).collect();
            assert_eq!(found, reports, "{rule:?}, {order:?}");
            assert_eq!(run.network(), expected, "{rule:?}, {order:?}");
        }
    }
}

/// A second run in the same state is the first again: nothing of it is left after `initialize`.
#[test]
fn a_run_leaves_nothing_behind() {
    let (data, start) = small();
    let (partition, settings) = (groups(170), settings(1.0, SAFE, LEAST_SQUARES));
    let other = Data::new(6, 4, 170, 99);
    let (expected, _) = train(settings, partition, (&data, &start), 5);
    let mut first = rig(settings, partition, DualStorage::Recovered, (&other, &start));
    first.sweeps(5);
    let mut second = rig(settings, partition, DualStorage::Recovered, (&data, &start));
    (second.scalars, second.numbers) = (first.scalars, first.numbers);
    second.restart(&start);
    second.sweeps(5);
    assert_eq!(second.network(), expected);
}

/// What a sweep leaves in the state is all that the next one needs: another method object goes on from a copy of it.
#[test]
fn the_state_is_all_that_a_run_is() {
    let (data, start) = small();
    let partition = groups(170);
    for rule in [StepRule::Vector, StepRule::Scalar, LEAST_SQUARES] {
        let settings = settings(1.0, SAFE, rule);
        let mut run = rig(settings, partition, DualStorage::Recovered, (&data, &start));
        run.sweeps(5);
        let mut resumed = rig(settings, partition, DualStorage::Recovered, (&data, &start));
        (resumed.scalars, resumed.numbers) = (run.scalars.clone(), run.numbers.clone());
        for _ in 0..5 {
            assert_eq!(resumed.sweep().unwrap(), run.sweep().unwrap());
        }
        assert_eq!(resumed.network(), run.network());
    }
}
