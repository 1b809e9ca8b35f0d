//! DLAM against Algorithm 1 written out on whole matrices, and against what its Lemma 1 promises.

#[path = "common/dense.rs"]
mod dense;
#[path = "common/dlam_reference.rs"]
mod dlam_reference;
#[path = "common/dlam_state.rs"]
mod dlam_state;
#[path = "common/state.rs"]
mod state;
#[path = "common/subproblems.rs"]
mod subproblems;
#[path = "common/teacher.rs"]
mod teacher;

use altmin_core::executor::{Executor, Sequential};
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::{Dlam, Settings};
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Error, Loss, OutputSolver};
use dense::{Mat, distance};
use dlam_reference::Reference;
use dlam_state::{LmMemory, lm_scratch};
use state::{Memory, Order, Permuted, network};
use teacher::{BACKTRACKING, Data, LEAKY, LEAST_SQUARES, LOSSES, Network};

type Method<'a> = Dlam<'a, f64, Memory>;

const ACTIVATIONS: [Activation<f64>; 4] = [Activation::Relu, LEAKY, Activation::Sigmoid, Activation::Tanh];
const INPUT_RULES: [StepRule<f64>; 3] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING];

fn settings(rho: f64, epsilon: f64) -> Settings<f64> {
    Settings {
        rho,
        epsilon,
        weight_step: StepRule::Vector,
        input_step: StepRule::Vector,
        activation: Activation::Relu,
        loss: Loss::CrossEntropy,
        solver: OutputSolver::Newton,
        regularizer: Regularizer::None,
        accelerate: false,
    }
}

/// Initialises the method and hands it to `body` with an executor that has exactly the scratch asked for.
fn with_method<A>(
    settings: Settings<f64>,
    partition: Partition,
    (data, start): (&Data, &Network),
    body: impl FnOnce(&mut Method<'_>, &mut Sequential<'_, f64>) -> A,
) -> A {
    let mut memory = LmMemory::new(&settings, start, partition);
    let mut scratch = lm_scratch(&settings, start, partition);
    let mut executor = Sequential::new(&mut scratch);
    let mut method = Dlam::new(settings, partition, data.problem(), memory.state()).unwrap();
    method.initialize(&mut executor, &Portable).unwrap();
    body(&mut method, &mut executor)
}

/// The network after so many sweeps, and what each sweep reported.
fn train(
    settings: Settings<f64>,
    partition: Partition,
    problem: (&Data, &Network),
    sweeps: usize,
) -> (Network, Vec<Sweep>) {
    with_method(settings, partition, problem, |method, executor| {
        let reports = (0..sweeps).map(|_| method.sweep(executor, &Portable).unwrap()).collect();
        (network(method.layers()), reports)
    })
}

fn small() -> (Data, Network) {
    (Data::new(6, 4, 170, 1), Network::new(&[6, 9, 7, 4], 2))
}

fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

fn farthest(a: &Network, b: &Network) -> f64 {
    let pairs = a.weights.iter().zip(&b.weights).chain(a.biases.iter().zip(&b.biases));
    pairs.map(|(a, b)| distance(a, b)).fold(0.0, f64::max)
}

/// a of the hidden layers, z and r of every layer over all samples, as the state holds them.
struct Snapshot {
    a: Vec<Mat>,
    z: Vec<Mat>,
    r: Vec<Mat>,
}

fn snapshot(method: &Method<'_>) -> Snapshot {
    let state = method.state();
    let count = state.layers.len();
    let hidden = |l: usize| state.hidden.iter().skip(l).step_by((count - 1).max(1));
    let mut z: Vec<Mat> = (0..count - 1).map(|l| Mat::gather(hidden(l).map(|h| h.z()))).collect();
    z.push(Mat::gather(state.groups.iter().map(|g| g.z())));
    Snapshot {
        a: (0..count - 1).map(|l| Mat::gather(hidden(l).map(|h| h.a()))).collect(),
        z,
        r: (0..count)
            .map(|l| Mat::gather(state.residuals.iter().skip(l).step_by(count).map(|r| r.r())))
            .collect(),
    }
}

/// A reference that stands where the method stands.
fn at<'a>(data: &'a Data, method: &Method<'_>) -> Reference<'a> {
    let found = snapshot(method);
    let mut reference = Reference::new(*method.settings(), data, &network(method.layers()));
    reference.a[1..].clone_from_slice(&found.a);
    reference.z = found.z;
    reference
}

/// Follows the reference for 20 sweeps, in every variable and in F.
fn follow(settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    follow_for(20, settings, partition, data, start);
}

fn follow_for(sweeps: usize, settings: Settings<f64>, partition: Partition, data: &Data, start: &Network) {
    let mut reference = Reference::new(settings, data, start);
    with_method(settings, partition, (data, start), |method, executor| {
        for sweep in 1..=sweeps {
            let report = method.sweep(executor, &Portable).unwrap();
            reference.sweep();
            let expected = reference.objective();
            let what = format!("{settings:?}, {partition:?}, sweep {sweep}");
            let error = (report.objective - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-10, "F {} against {expected}: {what}", report.objective);
            let network = network(method.layers());
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
    let (data, start) = small();
    for weight_step in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        for input_step in INPUT_RULES {
            for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
                let (rho, epsilon) = [(1.0, 0.05), (0.01, 1.0), (10.0, 0.1), (1.0, 0.02)][i];
                let loss = LOSSES[i % 2];
                let settings =
                    Settings { weight_step, input_step, activation, loss, ..settings(rho, epsilon) };
                follow(settings, groups(170), &data, &start);
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
        let (rho, epsilon) = [(1.0, 0.05), (0.01, 1.0), (10.0, 0.1), (1.0, 0.02)][i];
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

/// What rounding may leave of the intervals beside numbers of size 1.
const FEASIBLE: f64 = 1e-14;

/// Lemma 1 for so many sweeps, feasibility after each of them, and Theorem 2: `c_k`, the least of what was promised so
/// far, is at most `F_0/k`.
fn descends(settings: Settings<f64>, sweeps: usize, partition: Partition, problem: (&Data, &Network)) {
    with_method(settings, partition, problem, |method, executor| {
        let start = method.objective(executor).unwrap();
        let (mut before, mut least, mut rounding) = (start, f64::INFINITY, 1e-12 * start);
        for sweep in 1..=sweeps {
            let report = method.sweep(executor, &Portable).unwrap();
            let what = format!("{settings:?}, sweep {sweep}");
            let fall = before - report.objective;
            assert!(fall >= -rounding, "rises by {}: {what}", -fall);
            assert!(report.promised >= 0.0 && report.primal_residual >= 0.0 && report.dual_residual >= 0.0);
            assert!(
                fall >= report.promised - rounding,
                "falls by {fall}, promised {}: {what}",
                report.promised
            );
            let violation = method.violation(executor).unwrap();
            assert!(violation <= FEASIBLE * (1.0 + settings.epsilon), "outside by {violation}: {what}");
            least = least.min(report.promised);
            assert!(
                sweep as f64 * least <= start - report.objective + sweep as f64 * rounding,
                "c_k: {what}"
            );
            before = report.objective;
            // A sweep's own rounding is that of the numbers it works on.
            rounding = rounding.max(1e-12 * report.objective);
        }
    });
}

fn every_rho_and_epsilon(accelerate: bool) {
    let (data, start) = (Data::new(5, 3, 30, 1), Network::new(&[5, 6, 5, 3], 2));
    for activation in ACTIVATIONS {
        for rho in [1e-6, 1e-3, 1.0, 1e3] {
            for epsilon in [1e-3, 1.0, 100.0] {
                let settings = Settings { activation, accelerate, ..settings(rho, epsilon) };
                descends(settings, 500, groups(30), (&data, &start));
            }
        }
    }
}

#[test]
fn f_never_rises_for_any_rho_and_epsilon() {
    every_rho_and_epsilon(false);
}

#[test]
fn f_never_rises_for_any_rho_and_epsilon_with_extrapolation() {
    every_rho_and_epsilon(true);
}

/// Every step rule, regulariser, activation and loss, with and without extrapolation.
#[test]
fn f_never_rises_for_any_rule() {
    let (data, start) = (Data::new(5, 3, 30, 1), Network::new(&[5, 6, 5, 3], 2));
    for weight_step in [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES] {
        for regularizer in [Regularizer::None, Regularizer::L1(0.05), Regularizer::L2(0.05)] {
            if matches!((weight_step, regularizer), (StepRule::LeastSquares { .. }, Regularizer::L1(_))) {
                continue;
            }
            for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
                let (rho, epsilon) = [(1e-3, 1.0), (1.0, 0.1), (1e3, 0.01), (1.0, 10.0)][i];
                for (j, input_step) in INPUT_RULES.into_iter().enumerate() {
                    let (loss, accelerate) = (LOSSES[(i + j) % 2], j % 2 == 1);
                    let settings = Settings {
                        weight_step,
                        input_step,
                        activation,
                        loss,
                        regularizer,
                        accelerate,
                        ..settings(rho, epsilon)
                    };
                    descends(settings, 60, groups(30), (&data, &start));
                    descends(
                        Settings { accelerate: !accelerate, ..settings },
                        60,
                        groups(30),
                        (&data, &start),
                    );
                }
            }
        }
    }
}

/// A promise of one hundredth more than what a vector step falls by would be broken: it is met with nothing to spare
/// where nothing is clipped.
#[test]
fn lemma_1_has_nothing_to_spare_where_nothing_is_clipped() {
    let (data, start) = small();
    // One layer, least squares: W and b by exact line searches, z_L exact.
    let start = Network { weights: start.weights[..1].to_vec(), biases: start.biases[..1].to_vec() };
    let data = Data { y: Mat::from_fn(9, 170, |i, j| data.y.at(i % 4, j)), ..data };
    let x = altmin_core::view::dense(&data.x.data, 6, 170);
    let y = altmin_core::Target::Values(altmin_core::view::dense(&data.y.data, 9, 170));
    let settings = Settings { loss: Loss::LeastSquares, ..settings(1e-3, 1.0) };
    let partition = groups(170);
    let mut memory = LmMemory::new(&settings, &start, partition);
    let mut scratch = lm_scratch(&settings, &start, partition);
    let mut executor = Sequential::new(&mut scratch);
    let problem = altmin_core::method::Problem { x, target: y };
    let mut method = Dlam::new(settings, partition, problem, memory.state()).unwrap();
    method.initialize(&mut executor, &Portable).unwrap();
    let mut before = method.objective(&mut executor).unwrap();
    method.sweep(&mut executor, &Portable).map(|report| before = report.objective).unwrap();
    let report = method.sweep(&mut executor, &Portable).unwrap();
    let fall = before - report.objective;
    assert!(report.promised <= fall && 1.01 * report.promised > fall, "{fall} {}", report.promised);
}

#[test]
fn the_accounts_are_those_of_the_state() {
    let (data, start) = small();
    for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
        for accelerate in [false, true] {
            let loss = LOSSES[i % 2];
            let settings = Settings { activation, loss, accelerate, ..settings(0.7, 0.3) };
            with_method(settings, groups(170), (&data, &start), |method, executor| {
                let first = method.objective(executor).unwrap();
                let expected = Reference::new(settings, &data, &start).objective();
                assert!((first - expected).abs() < 1e-11 * expected.abs());
                let mut z = snapshot(method).z;
                for _ in 0..5 {
                    let report = method.sweep(executor, &Portable).unwrap();
                    let again = method.objective(executor).unwrap();
                    // A sweep adds layer by layer, the pass of its own tile by tile.
                    assert!((report.objective - again).abs() <= 1e-13 * again.abs());
                    let reference = at(&data, method);
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
                    assert!((method.violation(executor).unwrap() - outside).abs() < 1e-15);
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
        with_method(settings, groups(170), (&data, &start), |method, executor| {
            for _ in 0..200 {
                method.sweep(executor, &Portable).unwrap();
            }
            let (found, reference) = (snapshot(method), at(&data, method));
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
                let mut memory = LmMemory::new(&settings, &start, partition);
                let mut executor = Permuted::new(order, lm_scratch(&settings, &start, partition));
                let mut method = Dlam::new(settings, partition, data.problem(), memory.state()).unwrap();
                let found = sweeps(&mut method, &mut executor, 10);
                assert_eq!(found, reports, "{input_step:?}, {order:?}");
                assert_eq!(network(method.layers()), expected, "{input_step:?}, {order:?}");
            }
        }
    }
}

fn sweeps<E: Executor<f64>>(method: &mut Method<'_>, executor: &mut E, count: usize) -> Vec<Sweep> {
    method.initialize(executor, &Portable).unwrap();
    (0..count).map(|_| method.sweep(executor, &Portable).unwrap()).collect()
}

#[test]
fn both_output_solvers_take_the_same_sweeps() {
    let (data, start) = small();
    let fista = Settings { solver: OutputSolver::Fista, ..settings(1.0, 0.1) };
    let newton = train(settings(1.0, 0.1), groups(170), (&data, &start), 20).0;
    assert!(farthest(&train(fista, groups(170), (&data, &start), 20).0, &newton) < 1e-9);
}

/// A larger epsilon moves nothing; a smaller one puts a back, and the residuals above follow.
#[test]
fn a_smaller_epsilon_projects_first() {
    let (data, start) = small();
    for activation in ACTIVATIONS {
        let settings = Settings { activation, ..settings(1.0, 1.0) };
        with_method(settings, groups(170), (&data, &start), |method, executor| {
            for _ in 0..10 {
                method.sweep(executor, &Portable).unwrap();
            }
            let expected = at(&data, method);
            let wider = method.set_epsilon(executor, &Portable, 2.0).unwrap();
            assert!(wider.entries == 0 && wider.squared == 0.0 && wider.before == wider.after);
            assert_eq!(snapshot(method).a, expected.a[1..]);

            let projection = method.set_epsilon(executor, &Portable, 0.01).unwrap();
            let found = at(&data, method);
            let (mut entries, mut squared) = (0, 0.0);
            for l in 0..2 {
                let h = expected.z[l].map(|z| subproblems::activate(activation, z));
                let old = &expected.a[l + 1];
                let clipped = Mat::from_fn(h.rows, h.columns, |i, j| {
                    old.at(i, j).clamp(h.at(i, j) - 0.01, h.at(i, j) + 0.01)
                });
                assert!(distance(&found.a[l + 1], &clipped) < 1e-15);
                entries += clipped.data.iter().zip(&old.data).filter(|(a, b)| a != b).count();
                squared += clipped.plus(-1.0, old).squared();
                assert!(distance(&snapshot(method).r[l + 1], &found.residual(l + 1)) < 1e-13);
            }
            assert!(projection.entries == entries && entries > 0);
            assert!((projection.squared - squared).abs() < 1e-12 * squared);
            assert!((projection.before - expected.objective()).abs() < 1e-11 * projection.before);
            assert!((projection.after - found.objective()).abs() < 1e-11 * projection.after);
            // Chosen so that F does rise by it here: that is what the report is for.
            assert!(projection.after > projection.before);
            assert!(method.violation(executor).unwrap() < FEASIBLE);

            let mut before = projection.after;
            for _ in 0..20 {
                let report = method.sweep(executor, &Portable).unwrap();
                assert!(report.objective <= before - report.promised + 1e-12 * before);
                before = report.objective;
            }
            for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let refused = method.set_epsilon(executor, &Portable, bad);
                assert!(matches!(refused, Err(Error::Setting { name: "epsilon", .. })));
            }
            assert_eq!(method.settings().epsilon, 0.01);
        });
    }
}

/// After a change of rho the sweeps are those of the new rho, the first layer's factor with a ridge included.
#[test]
fn another_rho_takes_effect_at_once() {
    let (data, start) = small();
    for (weight_step, regularizer) in
        [(StepRule::Vector, Regularizer::None), (LEAST_SQUARES, Regularizer::L2(3.0))]
    {
        let settings = Settings { weight_step, regularizer, ..settings(0.1, 0.1) };
        with_method(settings, groups(170), (&data, &start), |method, executor| {
            for _ in 0..3 {
                method.sweep(executor, &Portable).unwrap();
            }
            let mut reference = at(&data, method);
            assert!(method.set_rho(f64::NAN).is_err() && method.set_rho(0.0).is_err());
            method.set_rho(2.0).unwrap();
            reference.settings.rho = 2.0;
            for sweep in 0..5 {
                let report = method.sweep(executor, &Portable).unwrap();
                reference.sweep();
                let error = (report.objective - reference.objective()).abs();
                assert!(error < 1e-10 * report.objective, "sweep {sweep}: {error}");
                assert!(farthest(&network(method.layers()), &reference.network) < 1e-9, "sweep {sweep}");
            }
        });
    }
}

/// The extra trials are columns: none where the intervals are too wide to clip anything.
#[test]
fn trials_are_counted() {
    let (data, start) = small();
    with_method(settings(1.0, 1e6), groups(170), (&data, &start), |method, executor| {
        method.sweep(executor, &Portable).unwrap();
        assert_eq!(method.trials(), 0);
    });
    with_method(settings(1.0, 1e-3), groups(170), (&data, &start), |method, executor| {
        for _ in 0..3 {
            method.sweep(executor, &Portable).unwrap();
        }
        assert!(method.trials() > 0 && method.trials() < 20 * 2 * 170, "{}", method.trials());
    });
}

/// Extrapolation is worth having: F after as many sweeps is lower.
#[test]
fn extrapolation_gets_further() {
    let (data, start) = small();
    for (activation, epsilon) in [(Activation::Relu, 0.5), (Activation::Tanh, 0.5), (LEAKY, 0.1)] {
        let plain = Settings { activation, ..settings(0.1, epsilon) };
        let last = |settings| train(settings, groups(170), (&data, &start), 60).1[59].objective;
        let (without, with) = (last(plain), last(Settings { accelerate: true, ..plain }));
        assert!(with < without, "{activation:?}: {with} against {without}");
    }
}

#[test]
fn activations_have_no_least_squares_step() {
    let wrong = Settings { input_step: LEAST_SQUARES, ..settings(1.0, 1.0) };
    assert!(matches!(wrong.validate(), Err(Error::Setting { name: "input step", .. })));
}
