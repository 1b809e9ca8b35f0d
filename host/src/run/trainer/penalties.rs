//! nu, rho and the learning rate from sweep to sweep.
//!
//! What comes next is decided right after a sweep, from what it reported ([`PenaltySchedule::decide`]), or said by the caller
//! ([`Trainer::set_nu`] and its like), and given to the core before the next one ([`Trainer::follow_schedules`]), so that nothing is done for a sweep that does not come. A rule for
//! another quantity has its place in the same two functions.

use super::{Trainer, finite, problem};
use crate::error::{Error, Result};
use crate::run::checkpoint::record::record;
use crate::run::observe::Change;
use crate::settings::{NuSchedule, RhoSchedule, Settings, range};
use altmin_core::Real;
use altmin_core::method::{Hyperparameters, Sweep, Use};
use std::time::Instant;

/// Rounding of an objective, in units of itself and of the scalar type's epsilon: a rise within it is none. The terms
/// are summed in double precision, but each of them is as exact as the variables.
const ROUNDING: f64 = 16.0;

/// What schedules set, as the numbers that people read; the core gets them in its own precision.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Penalties {
    nu: f64,
    rho: f64,
    epsilon: f64,
    learning_rate: f64,
}

record!(Penalties { nu: f64, rho: f64, epsilon: f64, learning_rate: f64 });

/// Where the schedules of a run stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct PenaltySchedule {
    now: Penalties,
    next: Penalties,
    /// The objective before the next sweep, under that sweep's nu and rho, if it is known.
    objective: Option<f64>,
}

record!(PenaltySchedule { now: Penalties, next: Penalties, objective: Option<f64> });

impl PenaltySchedule {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { nu, rho, epsilon, learning_rate, .. } = *settings;
        let first = Penalties { nu, rho, epsilon, learning_rate };
        Self { now: first, next: first, objective: None }
    }

    /// The hyperparameters of settings as schedules have made them.
    pub(super) fn hyperparameters<T: Real>(&self, of: Hyperparameters<T>) -> Hyperparameters<T> {
        let Penalties { nu, rho, epsilon, learning_rate } = self.now;
        let [nu, rho, epsilon, learning_rate] = [nu, rho, epsilon, learning_rate].map(T::from_f64);
        Hyperparameters { nu, rho, epsilon, learning_rate, ..of }
    }

    /// Decides with which nu and rho to go on after `sweeps` sweeps, the last of which reported `report` and was the
    /// `age`-th since a forward pass.
    ///
    /// The first of these says nothing to the rules that look at what a sweep has done: it starts from a feasible point,
    /// where pdADMM's residuals are rounding, and where no sweep before has left an objective to compare with. A value that
    /// the precision cannot hold is not taken: the old one stays.
    ///
    /// `risk` is the mean risk that the rule for epsilon looks at.
    pub(super) fn decide<T: Real>(
        &mut self,
        settings: &Settings,
        sweeps: usize,
        age: usize,
        report: &Sweep,
        risk: Option<f64>,
    ) {
        let Penalties { nu, rho, epsilon, learning_rate } = self.now;
        let next_nu = match settings.nu_schedule {
            NuSchedule::Times(times) if times.is_due(sweeps) => times.next(nu),
            _ => nu,
        };
        let next_rho = match settings.rho_schedule {
            RhoSchedule::Times(times) if times.is_due(sweeps) => times.next(rho),
            RhoSchedule::Rising(factor) if age > 1 && self.has_risen::<T>(report.objective) => rho * factor,
            RhoSchedule::Balance(rule) if age > 1 => rule.next::<T>(rho, report),
            _ => rho,
        };
        let range = range(settings.precision);
        let held = |next: f64, now: f64| if range.contains(&next) { next } else { now };
        let next_epsilon = risk.map_or(epsilon, |risk| settings.epsilon_rule().next(epsilon, risk));
        self.next = Penalties {
            nu: held(next_nu, nu),
            rho: held(next_rho, rho),
            epsilon: held(next_epsilon, epsilon),
            learning_rate,
        };
        self.objective = Some(report.objective);
    }

    fn has_risen<T: Real>(&self, objective: f64) -> bool {
        let rounding = ROUNDING * T::EPSILON.to_f64();
        self.objective.is_some_and(|before| objective - before > rounding * before.abs())
    }
}

impl<T: Real> Trainer<T> {
    /// Another nu from the next sweep on; the duals are carried over, and a schedule goes on from it. A checkpoint has it.
    ///
    /// # Errors
    /// [`Error::Argument`] (`nu`) for a number that is not above 0 in the run's precision, nor above a weight decay that is measured in
    /// it, and where the method has no nu; it stays as it was.
    pub fn set_nu(&mut self, nu: f64) -> Result {
        self.require_changeable("nu", nu, Use::Nu)?;
        let decay = self.settings.weight_decay;
        if self.settings.uses(Use::WeightDecay) && !self.settings.uses(Use::LearningRate) && nu <= decay {
            return Err(Error::argument("nu", nu, format!("above {decay}, the weight decay")));
        }
        self.schedule.next.nu = nu;
        Ok(())
    }

    /// Another rho from the next sweep on; as [`Trainer::set_nu`].
    ///
    /// # Errors
    /// As [`Trainer::set_nu`], for `rho`.
    pub fn set_rho(&mut self, rho: f64) -> Result {
        self.require_changeable("rho", rho, Use::Rho)?;
        self.schedule.next.rho = rho;
        Ok(())
    }

    /// Another learning rate from the next sweep on, which a step schedule shortens as it would the old one; moments and momentum are
    /// carried over. A checkpoint has it.
    ///
    /// # Errors
    /// As [`Trainer::set_nu`], for `learning-rate`; also where it is not below one over the weight decay.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result {
        self.require_changeable("learning-rate", learning_rate, Use::LearningRate)?;
        let decay = self.settings.weight_decay;
        if self.settings.uses(Use::WeightDecay) && learning_rate * decay >= 1.0 {
            let expected = format!("below {}, one over the weight decay", 1.0 / decay);
            return Err(Error::argument("learning-rate", learning_rate, expected));
        }
        self.schedule.next.learning_rate = learning_rate;
        Ok(())
    }

    fn require_changeable(&self, key: &'static str, value: f64, of: Use) -> Result {
        if !self.settings.uses(of) {
            let method = self.settings.method;
            let expected = format!("no other value: the method {method} has none");
            return Err(Error::argument(key, value, expected));
        }
        if range(self.settings.precision).contains(&value) {
            return Ok(());
        }
        Err(Error::argument(key, value, "a finite number above 0, also in the run's precision"))
    }

    /// Gives the core the numbers that were decided on; returns what has changed. Its time is the sweeps'.
    pub(super) fn follow_schedules(&mut self) -> Result<[Option<Change>; 4]> {
        let PenaltySchedule { now, next, .. } = self.schedule;
        if now == next {
            return Ok([None; 4]);
        }
        let start = Instant::now();
        let problem = problem(&self.train);
        let [nu, rho, epsilon, learning_rate] =
            [next.nu, next.rho, next.epsilon, next.learning_rate].map(T::from_f64);
        let Self { engine, executor, gemm, .. } = self;
        if learning_rate != self.hyperparameters.learning_rate {
            engine.set_learning_rate(learning_rate)?;
        }
        let penalties = altmin_core::method::Penalties { nu, rho, epsilon };
        let rise = finite(engine.set_penalties(problem, penalties, executor, gemm))?;
        let own = &mut self.hyperparameters;
        (own.nu, own.rho, own.epsilon, own.learning_rate) = (nu, rho, epsilon, learning_rate);
        self.schedule.now = next;
        // Another rho gives the same state another objective, which is no rise of the sweep to come.
        if matches!(self.settings.rho_schedule, RhoSchedule::Rising(_)) {
            self.schedule.objective = finite(self.engine.objective(problem, &mut self.executor, &self.gemm))?;
        }
        self.state.elapsed += start.elapsed();
        let sweep = self.state.sweeps + 1;
        let change =
            |setting, from, to, rise| (from != to).then_some(Change { sweep, setting, from, to, rise });
        let [nu, rho, epsilon, learning_rate] = Change::SETTINGS;
        Ok([
            change(nu, now.nu, next.nu, None),
            change(rho, now.rho, next.rho, None),
            change(epsilon, now.epsilon, next.epsilon, rise),
            change(learning_rate, now.learning_rate, next.learning_rate, None),
        ])
    }
}
