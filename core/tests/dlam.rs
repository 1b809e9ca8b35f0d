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
    let mut reference = Reference::new(settings, data, start);
    with_method(settings, partition, (data, start), |method, executor| {
        for sweep in 1..=20 {
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

#[test]
fn an_accelerated_sweep_extrapolates_where_f_does_not_rise() {
    let (data, start) = (Data::new(6, 4, 40, 1), Network::new(&[6, 9, 7, 4], 2));
    for (i, activation) in ACTIVATIONS.into_iter().enumerate() {
        let (rho, epsilon) = [(1.0, 0.05), (0.01, 1.0), (10.0, 0.1), (1.0, 0.02)][i];
        for input_step in INPUT_RULES {
            let settings = Settings { input_step, activation, accelerate: true, ..settings(rho, epsilon) };
            follow(settings, groups(40), &data, &start);
        }
        let settings = Settings {
            weight_step: LEAST_SQUARES,
            activation,
            regularizer: Regularizer::L2(0.1),
            accelerate: true,
            ..settings(rho, epsilon)
        };
        follow(settings, groups(40), &data, &start);
    }
}
