//! From settings as people write them to those of the core.

use altmin_core::loss::OutputSolver;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{Settings as CoreSettings, backprop, dlam, proxprop};
use altmin_core::optimizer::Optimizer;
use altmin_core::{Real, update};

use crate::config::{EpsilonRepair, EpsilonRule, Method, Regularizer, Settings, StepRule};
use crate::engine::{Batches, Plan};
use crate::network::{Activation, Loss};

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

/// The method with the core's settings for it; `core` are those of methods with step rules.
pub fn plan<T: Real>(settings: &Settings, core: CoreSettings<T>) -> Plan<T> {
    let rate = T::from_f64(settings.learning_rate);
    let optimizer = match settings.method {
        Method::Pdadmm => return Plan::Pdadmm { settings: core, storage: DualStorage::Recovered },
        Method::Dladmm => return Plan::Dladmm(core),
        Method::Dlam => return Plan::Dlam(dlam(settings, core)),
        Method::Taylor => {
            let exact = step_rule(StepRule::LeastSquares, settings.damping);
            return Plan::Taylor(CoreSettings { weight_step: exact, input_step: exact, ..core });
        }
        Method::Proxprop => return Plan::Proxprop(proxprop(settings, core), batches(settings)),
        Method::Gd => Optimizer::gd(rate),
        Method::Adagrad => Optimizer::adagrad(rate),
        Method::Adadelta => Optimizer::adadelta(rate),
        Method::Adam => Optimizer::adam(rate),
    };
    let CoreSettings { activation, loss, regularizer, .. } = core;
    Plan::Backprop(backprop::Settings { optimizer, activation, loss, regularizer }, batches(settings))
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
pub fn repair(repair: EpsilonRepair) -> dlam::Repair {
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

fn batches(settings: &Settings) -> Option<Batches> {
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
