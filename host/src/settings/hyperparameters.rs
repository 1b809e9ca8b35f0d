//! What the core is told of settings.

use altmin_core::Real;
use altmin_core::loss::OutputSolver;
use altmin_core::method::Hyperparameters;
use altmin_core::method::dlam::EpsilonRule;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::update::{BACKTRACKING, StepRule};

use super::{Settings, Use};
use crate::data::ClassWeights;

impl Settings {
    /// The settings of all methods, in the precision of a computation. How images are changed, which depends on their size, is left
    /// out: [`plan::hyperparameters`](crate::run::plan::hyperparameters) adds it.
    pub fn hyperparameters<T: Real>(&self) -> Hyperparameters<T> {
        let number = T::from_f64;
        let splits = self.method.card().uses(Use::Subnetworks);
        Hyperparameters {
            loss: self.loss,
            solver: OutputSolver::Newton,
            regularizer: self.regularizer.cast(),
            nu: number(self.nu),
            rho: number(self.rho),
            weight_step: self.step.rule(BACKTRACKING, self.damping),
            input_step: self.input_step.rule(BACKTRACKING, self.damping),
            damping: number(self.damping),
            dual: DualStorage::Recovered,
            epsilon: number(self.epsilon),
            repair: self.epsilon_repair,
            accelerate: self.accelerate,
            learning_rate: number(self.learning_rate),
            batch: self.batch,
            augmentation: None,
            seed: self.seed,
            momentum: number(self.momentum),
            nesterov: self.nesterov,
            weight_decay: number(self.weight_decay),
            clip: self.clip.map(number),
            step_schedule: self.step_schedule,
            warm_up: self.warm_up,
            sweeps: self.sweeps,
            form: self.form,
            carry: self.carry,
            alpha: number(self.alpha),
            tau: number(self.tau2),
            convention: self.convention,
            inner: self.inner,
            guard: self.guard.filter(|_| splits).map(number),
            frozen: if splits { self.freeze } else { 0 },
            readout_grid: self.readout_grid,
        }
    }

    /// The step rule of the inputs.
    pub fn input_rule(&self) -> StepRule<f64> {
        self.input_step.rule(BACKTRACKING, self.damping)
    }

    /// The rule by which DLAM's epsilon goes on.
    pub fn epsilon_rule(&self) -> EpsilonRule {
        self.epsilon_rule.rule(self.epsilon_bounds)
    }

    /// What the method's theorem asks of rho: it must be above this. None for a method without such a condition. Balanced
    /// weights of classes, which depend on the data, are not looked at: the largest of them multiplies the loss's part.
    pub fn rho_threshold(&self) -> Option<f64> {
        let threshold = self.method.card().rho_threshold?;
        let largest_weight = match &self.class_weights {
            Some(ClassWeights::Given(weights)) => weights.iter().copied().fold(0.0, f64::max),
            Some(ClassWeights::Balanced) | None => 1.0,
        };
        Some(threshold(self.nu, self.activation.lipschitz(), largest_weight * self.loss.lipschitz::<f64>()))
    }

    /// A warning if rho is not above its method's threshold; none where nu and rho are the built-in defaults. With schedules
    /// it is about the first sweeps.
    pub fn rho_warning(&self) -> Option<String> {
        let threshold = self.rho_threshold()?;
        if self.rho > threshold || self.has_default_weights() {
            return None;
        }
        let constant = self.nu_schedule == Default::default() && self.rho_schedule == Default::default();
        Some(format!(
            "rho = {}{} is not above {threshold}, the objective may rise ({})",
            self.rho,
            if constant { "" } else { " at first" },
            self.method.card().theorem
        ))
    }
}
