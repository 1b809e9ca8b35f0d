//! DLAM on small problems, and what its state holds.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::{Dlam, Projection};
use altmin_core::method::{Method, Partition, Problem, Sweep};
use altmin_core::update::StepRule;
use altmin_core::{Activation, Result};

use super::dlam_reference::Reference;
use super::rig::Rig;
pub(crate) use super::snapshot::snapshot;
use super::teacher::{self, BACKTRACKING, Data, LEAKY, Network, Settings};

pub(crate) type Run<'d> = Rig<'d, Dlam<f64>>;

pub(crate) const ACTIVATIONS: [Activation<f64>; 5] =
    [Activation::Relu, LEAKY, Activation::Sigmoid, Activation::Tanh, Activation::Softplus];
pub(crate) const INPUT_RULES: [StepRule<f64>; 3] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING];

pub(crate) fn settings(rho: f64, epsilon: f64) -> Settings<f64> {
    // DLAM has no nu: whoever looks at it is found out.
    Settings { epsilon, ..teacher::settings(f64::NAN, rho, StepRule::Vector) }
}

pub(crate) fn rig<'d>(
    settings: Settings<f64>,
    partition: Partition,
    problem: Problem<'d, f64>,
    start: &Network,
) -> Result<Run<'d>> {
    Rig::new(settings, problem, start, |settings, run| Dlam::with_partition(settings, partition, run))
}

impl Run<'_> {
    pub(crate) fn set_rho(&mut self, rho: f64) -> Result {
        self.with(|method, run, state, _| method.set_rho(run, state, rho))
    }

    pub(crate) fn set_epsilon(&mut self, epsilon: f64) -> Result<Projection> {
        self.with(|method, run, state, scratch| {
            method.set_epsilon(run, state, epsilon, &mut Sequential::new(scratch), &Portable)
        })
    }

    pub(crate) fn violation(&mut self) -> Result<f64> {
        self.with(|method, run, state, scratch| method.violation(run, state, &mut Sequential::new(scratch)))
    }

    pub(crate) fn trials(&mut self) -> usize {
        self.with(|method, run, state, _| method.trials(run, state).unwrap())
    }

    pub(crate) fn risk(&mut self) -> f64 {
        self.with(|method, run, state, _| method.mean_risk(run, state).unwrap())
    }
}

/// Initialises the method and hands it to `body`.
pub(crate) fn with_method<A>(
    settings: Settings<f64>,
    partition: Partition,
    (data, start): (&Data, &Network),
    body: impl FnOnce(&mut Run<'_>) -> A,
) -> A {
    let mut run = rig(settings, partition, data.problem(), start).unwrap();
    run.initialize().unwrap();
    body(&mut run)
}

/// The network after so many sweeps, and what each sweep reported.
pub(crate) fn train(
    settings: Settings<f64>,
    partition: Partition,
    (data, start): (&Data, &Network),
    sweeps: usize,
) -> (Network, Vec<Sweep>) {
    let mut run = rig(settings, partition, data.problem(), start).unwrap();
    let reports = run.sweeps(sweeps);
    (run.network(), reports)
}

pub(crate) fn groups(samples: usize) -> Partition {
    Partition::new(samples, 16, 3)
}

/// A reference that stands where the method stands; of `settings` rho and epsilon may have changed since.
pub(crate) fn at<'a>(settings: Settings<f64>, data: &'a Data, method: &mut Run<'_>) -> Reference<'a> {
    let found = snapshot(method);
    let now = method.method.settings();
    let settings = Settings { rho: now.rho, epsilon: now.epsilon, ..settings };
    let mut reference = Reference::new(settings, data, &method.network());
    reference.a[1..].clone_from_slice(&found.a);
    reference.z = found.z;
    reference
}
