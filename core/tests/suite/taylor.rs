//! Taylor's ADMM against its Algorithm 1 written out on whole matrices, block by block against its subproblems, and against
//! what it promises.

use altmin_core::executor::Executor;
use altmin_core::method::taylor::Taylor;
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::theory::taylor_rho_threshold;
use altmin_core::update::StepRule;
use altmin_core::{Error, Loss, OutputSolver, Result};

use crate::common::dense::{Mat, distance};
use crate::common::rig::{Order, Permuted, Rig, poison};
use crate::common::snapshot::{Snapshot, snapshot};
use crate::common::subproblems::{activate, risk_gradient};
use crate::common::taylor_reference::{Reference, linear, spread};
use crate::common::teacher::{
    BACKTRACKING, Data, LEAKY, LEAST_SQUARES, LOSSES, Network, Settings, farthest, settings, small,
    variations,
};

type Run<'d> = Rig<'d, Taylor<f64>>;

/// A rho above the threshold for both losses.
const SAFE: f64 = 2.5;

fn rig<'d>(
    settings: Settings<f64>,
    partition: Partition,
    (data, start): (&'d Data, &Network),
) -> Result<Run<'d>> {
    Rig::new(settings, data.problem(), start, |settings, run| {
        Taylor::with_partition(settings, partition, run)
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

/// Follows the reference for 20 sweeps, in every variable and in the Lagrangian.
fn follow(settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    let mut reference = Reference::new(settings, data, start);
    with_method(settings, partition, (data, start), |method| {
        for sweep in 1..=20 {
            let z_before = reference.z.last().unwrap().clone();
            let report = method.sweep().unwrap();
            reference.sweep();
            let what = format!("{settings:?}, {partition:?}, sweep {sweep}");
            let moved = reference.z.last().unwrap().plus(-1.0, &z_before).squared().sqrt();
            for (name, found, expected) in [
                ("Lagrangian", report.objective, reference.lagrangian()),
                ("primal residual", report.primal_residual, reference.gap().squared().sqrt()),
                ("dual residual", report.dual_residual, settings.rho * moved),
            ] {
                let error = (found - expected).abs() / expected.abs().max(1.0);
                assert!(error < 1e-9, "{name} {found} against {expected}: {what}");
            }
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
fn a_sweep_is_algorithm_1() {
    let (data, start) = small();
    for settings in variations(1.0, SAFE, LEAST_SQUARES) {
        follow(settings, groups(170), &data, &start);
        let rule = StepRule::LeastSquares { damping: 0.01 };
        let other = Settings { nu: 0.1, rho: 0.3, weight_step: rule, ..settings };
        follow(other, groups(170), &data, &start);
    }
}

#[test]
fn corner_shapes_follow_algorithm_1_too() {
    let settings = settings(1.0, SAFE, LEAST_SQUARES);
    // No hidden layer; one; one sample; fewer samples than a tile; a group for every tile, the last of one sample.
    follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 3], 4));
    follow(settings, groups(60), &Data::new(5, 3, 60, 3), &Network::new(&[5, 6, 3], 4));
    follow(settings, groups(1), &Data::new(5, 3, 1, 5), &Network::new(&[5, 6, 4, 3], 6));
    follow(settings, groups(11), &Data::new(5, 3, 11, 7), &Network::new(&[5, 6, 4, 3], 8));
    follow(settings, Partition::new(13, 4, 4), &Data::new(5, 3, 13, 9), &Network::new(&[5, 6, 4, 3], 10));
    follow(settings, groups(40), &Data::new(5, 3, 40, 9), &Network::new(&[5, 1, 4, 3], 10));
    // So much narrower that the input's exact step goes through the outputs.
    follow(settings, groups(60), &Data::new(5, 2, 60, 3), &Network::new(&[5, 12, 3, 2], 4));
}

#[test]
fn both_output_solvers_take_the_same_sweeps() {
    let (data, start) = small();
    let settings = settings(1.0, SAFE, LEAST_SQUARES);
    let fista = Settings { solver: OutputSolver::Fista, ..settings };
    let newton = train(settings, groups(170), (&data, &start), 20).0;
    assert!(farthest(&train(fista, groups(170), (&data, &start), 20).0, &newton) < 1e-9);
}

/// The state and the parameters at one moment.
fn present(method: &mut Run<'_>) -> (Network, Snapshot) {
    (method.network(), snapshot(method))
}

/// Every block's subproblem, with the others as the order of the sweep left them: no gradient where it is smooth, and no better
/// point on a dense grid where it is not convex.
#[test]
fn every_block_is_minimised() {
    let (data, start) = small();
    let last = start.layers() - 1;
    for settings in variations(0.7, 1.9, LEAST_SQUARES) {
        with_method(settings, groups(170), (&data, &start), |method| {
            for _ in 0..4 {
                let (weights_before, before) = present(method);
                method.sweep().unwrap();
                let (weights, after) = present(method);
                for l in 0..=last {
                    let input = if l == 0 { &data.x } else { &after.a[l - 1] };
                    fitted_weights(&settings, l, &weights_before, &weights, input, &before);
                    if l < last {
                        fitted_activation(&settings, l, &weights_before, &before, &after);
                        fitted_linear(&settings, &linear(&weights, l, input), &after.a[l], &after.z[l]);
                    }
                }
                // z_L: the gradient of R + <u, z> + (rho/2)|z - W a - b|^2.
                let gap = after.z[last].plus(-1.0, &linear(&weights, last, &after.a[last - 1]));
                let gradient = risk_gradient(settings.loss, &after.z[last], &data.y)
                    .plus(1.0, &before.u)
                    .plus(settings.rho, &gap);
                assert!(gradient.largest() < 1e-12, "z of the last layer: {}", gradient.largest());
                // u: by its own step.
                let error = distance(&after.u, &before.u.plus(settings.rho, &gap));
                assert!(error < 1e-12, "u: {error}");
            }
        });
    }
}

/// What the layer should say, and its weight w.
fn wanted(settings: &Settings<f64>, l: usize, state: &Snapshot) -> (Mat, f64) {
    if l + 1 == state.z.len() {
        (state.z[l].plus(1.0 / settings.rho, &state.u), settings.rho)
    } else {
        (state.z[l].clone(), settings.nu)
    }
}

/// (W, b): `w r a' + lambda W + w delta (W - W_old) = 0`, and the residual's rows sum to 0.
fn fitted_weights(
    settings: &Settings<f64>,
    l: usize,
    before: &Network,
    after: &Network,
    input: &Mat,
    state: &Snapshot,
) {
    let StepRule::LeastSquares { damping } = settings.weight_step else { unreachable!() };
    let (target, w) = wanted(settings, l, state);
    let r = linear(after, l, input).plus(-1.0, &target);
    let lambda = if let Regularizer::L2(lambda) = settings.regularizer { lambda } else { 0.0 };
    let delta = damping * spread(input) / input.rows as f64;
    let gradient = r
        .times(&input.transposed())
        .plus(lambda / w, &after.weights[l])
        .plus(delta, &after.weights[l].plus(-1.0, &before.weights[l]));
    let scale = r.squared().sqrt() * input.squared().sqrt();
    assert!(gradient.largest() < 1e-12 * (1.0 + scale), "W of layer {l}: {}", gradient.largest());
    let ones = Mat::from_fn(r.columns, 1, |_, _| 1.0);
    assert!(r.times(&ones).largest() < 1e-11, "b of layer {l}");
}

/// a: `w W'(W a + b - t) + nu (a - f(z)) = 0` with the layer above and z of before the sweep.
fn fitted_activation(
    settings: &Settings<f64>,
    l: usize,
    network: &Network,
    before: &Snapshot,
    after: &Snapshot,
) {
    let (target, w) = wanted(settings, l + 1, before);
    let r = linear(network, l + 1, &after.a[l]).plus(-1.0, &target);
    let f = before.z[l].map(|z| activate(settings.activation, z));
    let gradient = network.weights[l + 1]
        .transposed()
        .times(&r)
        .map(|g| w * g)
        .plus(settings.nu, &after.a[l].plus(-1.0, &f));
    assert!(gradient.largest() < 1e-11, "a of layer {l}: {}", gradient.largest());
}

/// z: no point of a grid has a lower `(z - c)^2 + (a - f(z))^2`.
fn fitted_linear(settings: &Settings<f64>, c: &Mat, a: &Mat, z: &Mat) {
    for j in (0..c.columns).step_by(7) {
        for i in 0..c.rows {
            let value = |z: f64| {
                let gap = a.at(i, j) - activate(settings.activation, z);
                (z - c.at(i, j)) * (z - c.at(i, j)) + gap * gap
            };
            let reach = c.at(i, j).abs() + a.at(i, j).abs() + 1.0;
            let least =
                (-500..=500).map(|k| value(reach * f64::from(k) / 500.0)).fold(f64::INFINITY, f64::min);
            assert!(value(z.at(i, j)) <= least + 1e-12, "c {}, a {}", c.at(i, j), a.at(i, j));
        }
    }
}

#[test]
fn every_sweep_keeps_its_promise() {
    let (data, start) = small();
    for (i, settings) in variations(1.0, 1.0, LEAST_SQUARES).into_iter().enumerate() {
        let threshold = taylor_rho_threshold(settings.loss.lipschitz());
        for rho in [1.001 * threshold, 5.0 * threshold] {
            let nu = [0.1, 1.0, 10.0][i % 3];
            let settings = Settings { nu, rho, ..settings };
            with_method(settings, groups(170), (&data, &start), |method| {
                let mut before = method.objective().unwrap();
                let rounding = 1e-12 * before;
                for sweep in 1..=80 {
                    let report = method.sweep().unwrap();
                    let fall = before - report.objective;
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
}

/// Without hidden layers and with the squared risk, whose Hessian is H everywhere, every share is known exactly: what happens
/// is what is promised, and what convexity alone does not know of R.
#[test]
fn the_promise_is_sharp_where_the_risk_is_quadratic() {
    let data = Data::new(5, 3, 60, 3);
    let settings = Settings { loss: Loss::LeastSquares, ..settings(1.0, 0.5, LEAST_SQUARES) };
    with_method(settings, groups(60), (&data, &Network::new(&[5, 3], 4)), |method| {
        let mut before = method.objective().unwrap();
        for _ in 0..10 {
            let z = snapshot(method).z[0].clone();
            let report = method.sweep().unwrap();
            let moved = snapshot(method).z[0].plus(-1.0, &z).squared();
            // R adds (H/2)|dz|^2, H = 1.
            let fall = before - report.objective;
            assert!((fall - report.promised - 0.5 * moved).abs() < 1e-10 * before.abs().max(1.0));
            before = report.objective;
        }
    });
}

/// A sixth of the threshold and stiff penalties.
#[test]
fn the_lagrangian_rises_where_nothing_is_promised() {
    let (data, start) = small();
    let settings = Settings { loss: Loss::LeastSquares, ..settings(100.0, 0.1, LEAST_SQUARES) };
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
        assert!(rises >= 5, "{rises} of 40 sweeps rise");
    });
}

#[test]
fn the_dual_is_the_negative_gradient_of_the_risk() {
    let (data, start) = small();
    for loss in LOSSES {
        let settings = Settings { loss, ..settings(1.0, SAFE, LEAST_SQUARES) };
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
fn the_reported_objective_is_that_of_the_state() {
    let (data, start) = small();
    for settings in variations(0.7, 1.9, LEAST_SQUARES) {
        with_method(settings, groups(170), (&data, &start), |method| {
            let first = method.objective().unwrap();
            let expected = Reference::new(settings, &data, &start).lagrangian();
            assert!((first - expected).abs() < 1e-11 * expected.abs());
            for _ in 0..5 {
                let report = method.sweep().unwrap();
                let again = method.objective().unwrap();
                // A sweep adds layer by layer, the pass of its own tile by tile.
                assert!((report.objective - again).abs() <= 1e-13 * again.abs());
            }
        });
    }
}

#[test]
fn the_carried_residual_does_not_drift() {
    let (data, start) = small();
    let settings = Settings { activation: LEAKY, ..settings(1.0, SAFE, LEAST_SQUARES) };
    with_method(settings, groups(170), (&data, &start), |method| {
        for _ in 0..200 {
            method.sweep().unwrap();
        }
        let (network, found) = present(method);
        for l in 0..start.layers() {
            let input = if l == 0 { &data.x } else { &found.a[l - 1] };
            let (target, _) = wanted(&settings, l, &found);
            let error = distance(&found.r[l], &linear(&network, l, input).plus(-1.0, &target));
            assert!(error < 1e-12, "layer {l}: {error}");
        }
    });
}

#[test]
fn tiles_and_groups_change_nothing_but_rounding() {
    let (data, start) = small();
    let run = |partition| train(settings(1.0, SAFE, LEAST_SQUARES), partition, (&data, &start), 20);
    let (whole, reports) = run(Partition::new(170, 170, 1));
    for (tile, groups) in [(1, 7), (7, 1), (7, 4), (32, 3), (64, 100), (1000, 5)] {
        let (cut, others) = run(Partition::new(170, tile, groups));
        assert!(farthest(&cut, &whole) < 1e-9, "tiles of {tile} in {groups} groups");
        for (a, b) in reports.iter().zip(&others) {
            assert!((a.objective - b.objective).abs() < 1e-10 * a.objective.abs());
            assert!((a.promised - b.promised).abs() < 1e-8 * a.promised.abs());
        }
    }
}

#[test]
fn the_order_of_the_units_changes_no_bit() {
    let (data, start) = small();
    let (partition, settings) = (groups(170), settings(1.0, SAFE, LEAST_SQUARES));
    let (expected, reports) = train(settings, partition, (&data, &start), 10);
    for order in [Order::Backward, Order::Shuffled] {
        let mut method = rig(settings, partition, (&data, &start)).unwrap();
        let mut executor = Permuted::new(order, poison(method.scratch()));
        let found = sweeps(&mut method, &mut executor, 10);
        assert_eq!(found, reports, "{order:?}");
        assert_eq!(method.network(), expected, "{order:?}");
    }
}

fn sweeps<E: Executor<f64>>(method: &mut Run<'_>, executor: &mut E, count: usize) -> Vec<Sweep> {
    method.initialize_on(executor).unwrap();
    (0..count).map(|_| method.sweep_on(executor).unwrap()).collect()
}

/// The share of samples that the network puts into their class.
fn accuracy(network: &Network, data: &Data) -> f64 {
    let mut signal = data.x.clone();
    for l in 0..network.layers() {
        let z = linear(network, l, &signal);
        signal = if l + 1 < network.layers() { z.map(|z| z.max(0.0)) } else { z };
    }
    let right = |j: usize| {
        let column = signal.column(j);
        (0..column.len()).max_by(|&a, &b| column[a].total_cmp(&column[b])) == Some(data.classes[j] as usize)
    };
    (0..data.classes.len()).filter(|&j| right(j)).count() as f64 / data.classes.len() as f64
}

#[test]
fn it_learns_from_a_teacher() {
    let (data, start) = (Data::new(6, 4, 400, 1), Network::new(&[6, 16, 12, 4], 2));
    let settings = settings(10.0, 1.0, LEAST_SQUARES);
    let (learned, _) = train(settings, groups(400), (&data, &start), 100);
    let before = accuracy(&start, &data);
    let after = accuracy(&learned, &data);
    assert!(before < 0.6 && after > 0.85, "{before} before, {after} after");
}

#[test]
fn other_step_rules_are_refused() {
    let (data, start) = small();
    let partition = groups(170);
    let good = settings(1.0, SAFE, LEAST_SQUARES);
    let refusal =
        |settings: Settings<f64>| rig(settings, partition, (&data, &start)).map(|_| ()).unwrap_err();
    for rule in [StepRule::Vector, StepRule::Scalar, BACKTRACKING] {
        let weights = refusal(Settings { weight_step: rule, ..good });
        assert!(matches!(weights, Error::Setting { name: "damping of the weights", .. }), "{weights}");
        let inputs = refusal(Settings { input_step: rule, ..good });
        assert!(matches!(inputs, Error::Setting { name: "damping of the inputs", .. }), "{inputs}");
    }
    for (settings, expected) in [
        (Settings { nu: 0.0, ..good }, "nu"),
        (Settings { rho: f64::NAN, ..good }, "rho"),
        (Settings { regularizer: Regularizer::L1(0.1), ..good }, "l1 regulariser"),
    ] {
        let found = refusal(settings);
        assert!(matches!(found, Error::Setting { name, .. } if name == expected), "{found}");
    }
}
