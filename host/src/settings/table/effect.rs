//! Whether options have an effect on the settings that they were resolved to.

use super::Settings;
use crate::error::{Error, Result};
use crate::settings::choice::{StepRule, Use};
use std::fmt::Display;

impl Settings {
    /// Whether a setting has an effect: as [`Card::uses`](altmin_core::method::Card::uses), and between cuts as the inner rule
    /// needs it.
    pub fn uses(&self, setting: Use) -> bool {
        let card = self.method.card();
        if self.batch.is_none() && card.in_minibatches.contains(&setting) {
            return false;
        }
        if !card.uses(Use::Inner) {
            return card.uses(setting);
        }
        let proximal = self.inner == super::Inner::Proxprop;
        // Between subnetworks gradient steps have a length of their own, and guarded ones a nu that is adapted.
        let has_no_schedule = card.uses(Use::Subnetworks) && (!proximal || self.guard.is_some());
        match setting {
            Use::Nu | Use::Damping => proximal,
            Use::LearningRate => !proximal,
            Use::Momentum | Use::StepSchedule if has_no_schedule => false,
            Use::Form => proximal && !has_no_schedule && card.uses(setting),
            Use::Momentum => self.inner != super::Inner::Adam && card.uses(setting),
            _ => card.uses(setting),
        }
    }
}

/// `Ok` without a value, and where the settings have a use for it.
pub(super) fn check(
    key: &'static str,
    given: Option<&impl Display>,
    setting: Use,
    settings: &Settings,
) -> Result {
    let Some(value) = given.filter(|_| !settings.uses(setting)) else { return Ok(()) };
    let method = settings.method;
    let inner = match method.card().uses(Use::Inner) {
        true => format!(" with inner {}", settings.inner),
        false => String::new(),
    };
    let in_batches = Settings { batch: Some(1), ..settings.clone() };
    if settings.batch.is_none() && in_batches.uses(setting) {
        let expected = format!("no value: the method {method} uses it in mini-batches alone, by --batch N");
        return Err(Error::argument(key, value, expected));
    }
    Err(Error::argument(key, value, format!("no value: the method {method}{inner} does not use it")))
}

/// Among the step rules of the weights, only least squares has a damping.
pub(super) fn check_damping(given: Option<f64>, settings: &Settings) -> Result {
    match given {
        Some(damping)
            if settings.method.card().uses(Use::Steps) && settings.step != StepRule::LeastSquares =>
        {
            let expected = format!("no value: the step rule {} has no damping", settings.step);
            Err(Error::argument("damping", damping, expected))
        }
        _ => Ok(()),
    }
}
