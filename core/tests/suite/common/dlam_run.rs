//! DLAM on small problems, and what its state holds.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::{Dlam, Repair, Settings};
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Loss, OutputSolver};

use super::dense::Mat;
use super::dlam_reference::Reference;
use super::dlam_state::{LmMemory, lm_scratch};
use super::state::{Memory, network};
use super::teacher::{BACKTRACKING, Data, LEAKY, Network};

pub(crate) type Method<'a> = Dlam<'a, f64, Memory>;

pub(crate) const ACTIVATIONS: [Activation<f64>; 4] =
    [Activation::Relu, LEAKY, Activation::Sigmoid, Activation::Tanh];
pub(crate) const INPUT_RULES: [StepRule<f64>; 3] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING];

pub(crate) fn settings(rho: f64, epsilon: f64) -> Settings<f64> {
    Settings {
        rho,
        epsilon,
        weight_step: StepRule::Vector,
        input_step: StepRule::Vector,
        activation: Activation::Relu,
        loss: Loss::CrossEntropy,
        solver: OutputSolver::Newton,
        regularizer: Regularizer::None,
        repair: Repair::Activations,
        accelerate: false,
    }
}

/// Initialises the method and hands it to `body` with an executor that has exactly the scratch asked for.
pub(crate) fn with_method<A>(
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
pub(crate) fn train(
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

pub(crate) fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// a of the hidden layers, z and r of every layer over all samples, as the state holds them.
pub(crate) struct Snapshot {
    pub(crate) a: Vec<Mat>,
    pub(crate) z: Vec<Mat>,
    pub(crate) r: Vec<Mat>,
}

pub(crate) fn snapshot(method: &Method<'_>) -> Snapshot {
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
pub(crate) fn at<'a>(data: &'a Data, method: &Method<'_>) -> Reference<'a> {
    let found = snapshot(method);
    let mut reference = Reference::new(*method.settings(), data, &network(method.layers()));
    reference.a[1..].clone_from_slice(&found.a);
    reference.z = found.z;
    reference
}
