//! dlADMM against Algorithm 1 written out on whole matrices, and against what its Property 2 promises.

use altmin_core::executor::Executor;
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::theory::dladmm_rho_threshold;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Loss, OutputSolver, Result};

use crate::common::dense::distance;
use crate::common::dladmm_reference::Reference;
use crate::common::rig::{Order, Permuted, Rig, poison};
use crate::common::snapshot::snapshot;
use crate::common::subproblems::risk_gradient;
use crate::common::teacher::{
    BACKTRACKING, Data, LEAKY, LEAST_SQUARES, LOSSES, Network, Settings, farthest, settings, small,
    variations,
};

type Run<'d> = Rig<'d, DlAdmm<f64>>;

/// A rho above Property 2's threshold for both losses.
const SAFE: f64 = 2.5;

fn rig<'d>(
    settings: Settings<f64>,
    partition: Partition,
    (data, start): (&'d Data, &Network),
) -> Result<Run<'d>> {
    Rig::new(settings, data.problem(), start, |settings, run| {
        DlAdmm::with_partition(settings, partition, run)
    })
}

/// Initialises the method and hands it to `body`.
fn with_method<A>(
    settings: Settings<f64>,
    partition: Partition,
    problem: (&Data, &Network),
    body: impl FnOnce(&mut Run<'_>) -> A,
) -> A {
    let mut run = rig(settings, partition, problem).unwrap();
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
    let mut run = rig(settings, partition, problem).unwrap();
    let reports = run.sweeps(sweeps);
    (run.network(), reports)
}

fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// A reference that stands where the method stands.
fn at<'a>(settings: Settings<f64>, data: &'a Data, method: &mut Run<'_>) -> Reference<'a> {
    let found = snapshot(method);
    let mut reference = Reference::new(settings, data, &method.network());
    reference.a[1..].clone_from_slice(&found.a);
    reference.z = found.z;
    reference.u = found.u;
    reference
}

/// Follows the reference for 20 sweeps, in every variable and in the Lagrangian.
fn follow(settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    let mut reference = Reference::new(settings, data, start);
    with_method(settings, partition, (data, start), |method| {
        for sweep in 1..=20 {
            let report = method.sweep().unwrap();
            reference.sweep();
            let expected = reference.lagrangian();
            let what = format!("{settings:?}, {partition:?}, sweep {sweep}");
            let error = (report.objective - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-10, "Lagrangian {} against {expected}: {what}", report.objective);
            let network = method.network();
            assert!(farthest(&network, &reference.network) < 1e-9, "parameters: {what}");
            let found = snapshot(method);
            assert!(distance(&found.u, &reference.u) < 1e-9, "u: {what}");
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
fn a_sweep_is_algorithm_1_with_vectors_and_scalars() {
    let (data, start) = small();
    for rule in [StepRule::Vector, StepRule::Scalar] {
        for loss in LOSSES {
            follow(Settings { loss, ..settings(1.0, SAFE, rule) }, groups(170), &data, &start);
        }
        follow(Settings { activation: LEAKY, ..settings(0.1, 0.3, rule) }, groups(170), &data, &start);
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
        // No hidden layer; one; one sample; fewer samples than a tile; a group for every tile, the last of one sample.
        follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 3], 4));
        follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 6, 3], 4));
        follow(settings, groups(1), &Data::new(5, 3, 1, 5), &Network::new(&[5, 6, 4, 3], 6));
        follow(settings, groups(11), &Data::new(5, 3, 11, 7), &Network::new(&[5, 6, 4, 3], 8));
        follow(settings, Partition::new(13, 4, 4), &Data::new(5, 3, 13, 9), &Network::new(&[5, 6, 4, 3], 10));
        follow(settings, groups(40), &Data::new(5, 3, 40, 9), &Network::new(&[5, 1, 4, 3], 10));
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

/// Property 2 for every regulariser, activation and loss: 80 sweeps, just above the threshold and well above.
fn descends(rule: StepRule<f64>) {
    let (data, start) = small();
    for (i, settings) in variations(1.0, 1.0, rule).into_iter().enumerate() {
        let threshold = dladmm_rho_threshold(settings.loss.lipschitz());
        let rho = if i % 4 < 2 { 1.001 * threshold } else { 3.0 * threshold };
        let settings = Settings { rho, ..settings };
        with_method(settings, groups(170), (&data, &start), |method| {
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
fn every_sweep_keeps_property_2_with_vectors() {
    descends(StepRule::Vector);
}

#[test]
fn every_sweep_keeps_property_2_with_scalars() {
    descends(StepRule::Scalar);
}

#[test]
fn every_sweep_keeps_property_2_with_backtracking() {
    descends(BACKTRACKING);
}

#[test]
fn every_sweep_keeps_property_2_with_least_squares() {
    descends(LEAST_SQUARES);
}

/// The paper's figure 3: with rho = 1e-6, far below the threshold, L_rho fluctuates. The squared risk shows it.
/// Cross-entropy rises a million times over in the first sweep, which throws z_L to where it is flat, and then falls.
#[test]
fn the_lagrangian_fluctuates_when_rho_is_tiny() {
    let (data, start) = small();
    for rule in [StepRule::Vector, StepRule::Scalar, BACKTRACKING] {
        let settings = Settings { loss: Loss::LeastSquares, ..settings(1.0, 1e-6, rule) };
        with_method(settings, groups(170), (&data, &start), |method| {
            let mut before = method.objective().unwrap();
            let mut rises = 0;
            for _ in 0..40 {
                let report = method.sweep().unwrap();
                rises += usize::from(report.objective > before);
                // Below the threshold the inequality holds as well, with a negative constant.
                let rounding = 1e-9 * before.abs().max(report.objective.abs()).max(report.promised.abs());
                assert!(before - report.objective >= report.promised - rounding);
                before = report.objective;
            }
            assert!(rises >= 10, "{rule:?}: {rises} of 40 sweeps rise");
        });
    }
}

/// What Property 2's proof builds on: `u = -grad R(z_L)` at the start and after every sweep.
#[test]
fn the_dual_is_the_negative_gradient_of_the_risk() {
    let (data, start) = small();
    for loss in LOSSES {
        let settings = Settings { loss, ..settings(1.0, SAFE, StepRule::Vector) };
        with_method(settings, groups(170), (&data, &start), |method| {
            for sweep in 0..=50 {
                let found = snapshot(method);
                let gradient = risk_gradient(loss, &found.z[2], &data.y);
                assert!(found.u.plus(1.0, &gradient).largest() < 1e-13, "{loss:?}, sweep {sweep}");
                method.sweep().unwrap();
            }
        });
    }
}

#[test]
fn the_accounts_are_those_of_the_state() {
    let (data, start) = small();
    for settings in variations(0.7, 1.9, StepRule::Vector) {
        with_method(settings, groups(170), (&data, &start), |method| {
            let first = method.objective().unwrap();
            let expected = Reference::new(settings, &data, &start).lagrangian();
            assert!((first - expected).abs() < 1e-11 * expected.abs());
            let mut z = snapshot(method).z;
            for _ in 0..5 {
                let report = method.sweep().unwrap();
                let again = method.objective().unwrap();
                // A sweep adds layer by layer, the pass of its own tile by tile.
                assert!((report.objective - again).abs() <= 1e-13 * again.abs());
                let reference = at(settings, &data, method);
                let expected = reference.lagrangian();
                assert!((report.objective - expected).abs() < 1e-11 * expected.abs());
                let primal = reference.residual(2).squared().sqrt();
                let dual = settings.rho * reference.z[2].plus(-1.0, &z[2]).squared().sqrt();
                assert!((report.primal_residual - primal).abs() < 1e-12 * primal.max(1.0));
                assert!((report.dual_residual - dual).abs() < 1e-12 * dual.max(1.0));
                z = reference.z;
            }
        });
    }
}

#[test]
fn the_carried_residual_does_not_drift() {
    let (data, start) = small();
    for rule in [StepRule::Vector, LEAST_SQUARES] {
        let settings = settings(1.0, SAFE, rule);
        with_method(settings, groups(170), (&data, &start), |method| {
            for _ in 0..200 {
                method.sweep().unwrap();
            }
            let (found, reference) = (snapshot(method), at(settings, &data, method));
            for l in 0..start.layers() {
                let mut expected = reference.residual(l);
                if l + 1 == start.layers() {
                    expected = expected.plus(-1.0 / settings.rho, &reference.u);
                }
                let error = distance(&found.r[l], &expected);
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
            let mut method = rig(settings, partition, (&data, &start)).unwrap();
            let mut executor = Permuted::new(order, poison(method.scratch()));
            let found = sweeps(&mut method, &mut executor, 10);
            assert_eq!(found, reports, "{rule:?}, {order:?}");
            assert_eq!(method.network(), expected, "{rule:?}, {order:?}");
        }
    }
}

fn sweeps<E: Executor<f64>>(method: &mut Run<'_>, executor: &mut E, count: usize) -> Vec<Sweep> {
    method.initialize_on(executor).unwrap();
    (0..count).map(|_| method.sweep_on(executor).unwrap()).collect()
}
