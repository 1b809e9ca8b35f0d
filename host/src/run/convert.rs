//! From settings as people write them to those of the core.

use altmin_core::loss::OutputSolver;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{Settings as CoreSettings, backprop, dlam, proxprop, tssm};
use altmin_core::optimizer::Optimizer;
use altmin_core::{Real, update};

use crate::network::names::{Activation, Loss};
use crate::run::engine::{Batches, Plan};
use crate::settings::{
    Convention, EpsilonRepair, EpsilonRule, Inner, Method, Regularizer, Settings, StepRule, Use,
};

/// The first step parameter that backtracking tries and the factor it grows by: the papers leave both open; a start
/// below every legal parameter seen makes the search find the first power above the smallest legal one.
const BACKTRACKING: (f64, f64) = (1e-6, 2.0);

/// The core's settings.
pub fn settings<T: Real>(settings: &Settings) -> CoreSettings<T> {
    CoreSettings {
        nu: T::from_f64(settings.nu),
        rho: T::from_f64(settings.rho),
        weight_step: step_rule(settings.step, settings.damping),
        input_step: step_rule(settings.input_step, settings.damping),
        activation: activation(settings.activation),
        loss: loss(settings.loss),
        solver: OutputSolver::Newton,
        regularizer: regularizer(settings.regularizer),
    }
}

/// The method over layers with the core's settings for it; `core` are those of methods with step rules. A method over
/// subnetworks has [`subnetworks`]: of layers it would be its optimiser's back-propagation.
pub fn plan<T: Real>(settings: &Settings, core: CoreSettings<T>) -> Plan<T> {
    match settings.method {
        Method::Pdadmm => Plan::Pdadmm { settings: core, storage: DualStorage::Recovered },
        Method::Dladmm => Plan::Dladmm(core),
        Method::Dlam => Plan::Dlam(dlam(settings, core)),
        Method::Taylor => {
            let exact = step_rule(StepRule::LeastSquares, settings.damping);
            Plan::Taylor(CoreSettings { weight_step: exact, input_step: exact, ..core })
        }
        Method::Proxprop => Plan::Proxprop(proxprop(settings, core), batches(settings)),
        _ => {
            let CoreSettings { activation, loss, regularizer, .. } = core;
            let optimizer = optimizer(settings);
            Plan::Backprop(backprop::Settings { optimizer, activation, loss, regularizer }, batches(settings))
        }
    }
}

/// How weights follow their gradient: a baseline's rule, or the one inside subnetworks.
pub(crate) fn optimizer<T: Real>(settings: &Settings) -> Optimizer<T> {
    let rate = T::from_f64(settings.learning_rate);
    match (settings.method, settings.inner) {
        (Method::Adagrad, _) => Optimizer::adagrad(rate),
        (Method::Adadelta, _) => Optimizer::adadelta(rate),
        (Method::Adam, _) | (Method::Gsadmm | Method::Gsam, Inner::Adam) => Optimizer::adam(rate),
        _ => Optimizer::gd(rate),
    }
}

/// The core's settings for subnetworks; a baseline trains a single one, to which what lies between them does not matter.
pub fn subnetworks<T: Real>(settings: &Settings) -> tssm::Settings<T> {
    let splits = settings.method.uses(Use::Subnetworks);
    tssm::Settings {
        splitting: if settings.method == Method::Gsam {
            tssm::Splitting::Gsam
        } else {
            tssm::Splitting::Gsadmm
        },
        alpha: T::from_f64(settings.alpha),
        rho: T::from_f64(settings.rho),
        tau: T::from_f64(settings.tau2),
        convention: match settings.convention {
            Convention::Mean => tssm::Convention::Mean,
            Convention::Sum => tssm::Convention::Sum,
        },
        inner: match settings.inner {
            Inner::Proxprop if splits => {
                tssm::Inner::Proximal { nu: T::from_f64(settings.nu), damping: T::from_f64(settings.damping) }
            }
            _ => tssm::Inner::Optimizer(optimizer(settings)),
        },
        loss: loss(settings.loss),
        guard: settings.guard.filter(|_| splits).map(T::from_f64),
        frozen: if splits { settings.freeze } else { 0 },
    }
}

fn proxprop<T: Real>(settings: &Settings, core: CoreSettings<T>) -> proxprop::Settings<T> {
    let CoreSettings { nu, activation, loss, solver, regularizer, .. } = core;
    let damping = T::from_f64(settings.damping);
    proxprop::Settings { nu, damping, activation, loss, solver, regularizer }
}

fn dlam<T: Real>(settings: &Settings, core: CoreSettings<T>) -> dlam::Settings<T> {
    let CoreSettings { rho, weight_step, input_step, activation, loss, solver, regularizer, .. } = core;
    let (epsilon, accelerate) = (T::from_f64(settings.epsilon), settings.accelerate);
    dlam::Settings {
        rho,
        epsilon,
        weight_step,
        input_step,
        activation,
        loss,
        solver,
        regularizer,
        repair: repair(settings.epsilon_repair),
        accelerate,
    }
}

/// What moves when DLAM's epsilon shrinks.
fn repair(repair: EpsilonRepair) -> dlam::Repair {
    match repair {
        EpsilonRepair::A => dlam::Repair::Activations,
        EpsilonRepair::Z => dlam::Repair::Linear,
    }
}

/// The rule by which DLAM's epsilon goes on.
pub fn epsilon_rule(settings: &Settings) -> dlam::EpsilonRule {
    let (low, high) = settings.epsilon_bounds;
    match settings.epsilon_rule {
        EpsilonRule::Fixed => dlam::EpsilonRule::Fixed,
        EpsilonRule::Adaptive => dlam::EpsilonRule::Adaptive { low, high },
        EpsilonRule::Printed => dlam::EpsilonRule::Printed { low, high },
    }
}

/// The mini-batches.
pub fn batches(settings: &Settings) -> Option<Batches> {
    settings.batch.map(|size| Batches { size, seed: settings.seed })
}

/// The core's step rule.
pub fn step_rule<T: Real>(rule: StepRule, damping: f64) -> update::StepRule<T> {
    let (start, factor) = BACKTRACKING;
    match rule {
        StepRule::Vector => update::StepRule::Vector,
        StepRule::Scalar => update::StepRule::Scalar,
        StepRule::Backtracking => {
            update::StepRule::Backtracking { start: T::from_f64(start), factor: T::from_f64(factor) }
        }
        StepRule::LeastSquares => update::StepRule::LeastSquares { damping: T::from_f64(damping) },
    }
}

/// The core's activation.
pub fn activation<T: Real>(activation: Activation) -> altmin_core::Activation<T> {
    match activation {
        Activation::Relu => altmin_core::Activation::Relu,
        Activation::LeakyRelu(slope) => altmin_core::Activation::LeakyRelu { slope: T::from_f64(slope) },
        Activation::Sigmoid => altmin_core::Activation::Sigmoid,
        Activation::Tanh => altmin_core::Activation::Tanh,
    }
}

/// The core's risk.
pub fn loss(loss: Loss) -> altmin_core::loss::Loss {
    match loss {
        Loss::CrossEntropy => altmin_core::loss::Loss::CrossEntropy,
        Loss::LeastSquares => altmin_core::loss::Loss::LeastSquares,
    }
}

fn regularizer<T: Real>(regularizer: Regularizer) -> altmin_core::Regularizer<T> {
    match regularizer {
        Regularizer::None => altmin_core::Regularizer::None,
        Regularizer::L1(lambda) => altmin_core::Regularizer::L1(T::from_f64(lambda)),
        Regularizer::L2(lambda) => altmin_core::Regularizer::L2(T::from_f64(lambda)),
    }
}
