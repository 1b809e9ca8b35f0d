//! From settings as people write them to those of the core.

use altmin_core::Real;
use altmin_core::loss::OutputSolver;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{Settings as CoreSettings, backprop, dlam, proxprop, tssm};
use altmin_core::optimizer::Optimizer;
use altmin_core::update::{BACKTRACKING, StepRule};

use crate::run::engine::{Batches, Plan};
use crate::settings::{Inner, Method, Settings, Use};

/// The core's settings.
pub fn settings<T: Real>(settings: &Settings) -> CoreSettings<T> {
    CoreSettings {
        nu: T::from_f64(settings.nu),
        rho: T::from_f64(settings.rho),
        weight_step: settings.step.rule(BACKTRACKING, settings.damping),
        input_step: settings.input_step.rule(BACKTRACKING, settings.damping),
        activation: settings.activation.cast(),
        loss: settings.loss,
        solver: OutputSolver::Newton,
        regularizer: settings.regularizer.cast(),
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
            let exact = StepRule::LeastSquares { damping: T::from_f64(settings.damping) };
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
        convention: settings.convention,
        inner: match settings.inner {
            Inner::Proxprop if splits => {
                tssm::Inner::Proximal { nu: T::from_f64(settings.nu), damping: T::from_f64(settings.damping) }
            }
            _ => tssm::Inner::Optimizer(optimizer(settings)),
        },
        loss: settings.loss,
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
        repair: settings.epsilon_repair,
        accelerate,
    }
}

/// The rule by which DLAM's epsilon goes on.
pub fn epsilon_rule(settings: &Settings) -> dlam::EpsilonRule {
    settings.epsilon_rule.rule(settings.epsilon_bounds)
}

/// The mini-batches.
pub fn batches(settings: &Settings) -> Option<Batches> {
    settings.batch.map(|size| Batches { size, seed: settings.seed })
}
