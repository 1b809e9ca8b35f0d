//! Whether options have an effect on the settings that they were resolved to.

use super::choice::{StepRule, Use};
use super::options::TrainOptions;
use super::resolved::Settings;
use crate::error::{Error, Result};
use std::fmt;

impl TrainOptions {
    /// Checks that each of these options, given on the command line, has an effect on `settings`.
    ///
    /// # Errors
    /// [`Error::Argument`] names the one that has none.
    pub fn check_effect(&self, settings: &Settings) -> Result {
        let method = settings.method;
        let text = |value: Option<&dyn fmt::Display>| value.map(ToString::to_string);
        macro_rules! given {
            ($field:ident) => {
                text(self.$field.as_ref().map(|value| value as &dyn fmt::Display))
            };
        }
        let given = [
            ("nu", given!(nu), Use::Nu),
            ("rho", given!(rho), Use::Rho),
            ("nu-schedule", given!(nu_schedule), Use::NuSchedule),
            ("rho-schedule", given!(rho_schedule), Use::RhoSchedule),
            ("step", given!(step), Use::Steps),
            ("input-step", given!(input_step), Use::Steps),
            ("damping", given!(damping), Use::Damping),
            ("epsilon", given!(epsilon), Use::Epsilon),
            ("epsilon-rule", given!(epsilon_rule), Use::Epsilon),
            ("epsilon-repair", given!(epsilon_repair), Use::Epsilon),
            ("epsilon-bounds", given!(epsilon_bounds), Use::Epsilon),
            ("accelerate", given!(accelerate), Use::Epsilon),
            ("learning-rate", given!(learning_rate), Use::LearningRate),
            ("batch", given!(batch), Use::Batch),
            ("momentum", given!(momentum), Use::Momentum),
            ("step-schedule", given!(step_schedule), Use::StepSchedule),
            ("warm-up", given!(warm_up), Use::StepSchedule),
            ("form", given!(form), Use::Form),
            ("carry", given!(carry), Use::Form),
            ("subnetworks", given!(subnetworks), Use::Subnetworks),
            ("cut", given!(cut), Use::Subnetworks),
            ("inner", given!(inner), Use::Subnetworks),
            ("convention", given!(convention), Use::Subnetworks),
            ("alpha", given!(alpha), Use::Subnetworks),
            ("tau2", given!(tau2), Use::Subnetworks),
            ("guard", given!(guard), Use::Subnetworks),
            ("freeze", given!(freeze), Use::Subnetworks),
            ("diagnostics", given!(diagnostics), Use::Subnetworks),
        ];
        for (name, value, setting) in given {
            if let Some(value) = value.filter(|_| !settings.uses(setting)) {
                let inner = match method.card().uses(Use::Subnetworks) {
                    true => format!(" with inner {}", settings.inner),
                    false => String::new(),
                };
                let expected = format!("no value: the method {method}{inner} does not use it");
                return Err(Error::argument(name, value, expected));
            }
        }
        match self.damping {
            Some(damping) if method.card().uses(Use::Steps) && settings.step != StepRule::LeastSquares => {
                let expected = format!("no value: the step rule {} has no damping", settings.step);
                Err(Error::argument("damping", damping, expected))
            }
            _ => Ok(()),
        }
    }
}
