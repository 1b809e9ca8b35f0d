//! How long a full run of a configuration is.

use super::halving::{Rung, rungs};
use super::record::{Record, Timing};
use super::{Contest, Search, Trial, Work};
use crate::bench::products::sweep_flops;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::run::observe::{History, Outcome};
use crate::run::{memory, plan};
use crate::settings::Settings;
use altmin_core::Real;

/// Sweeps that are timed at least, and the share of a full run's seconds that they take: the first finds memory and caches cold,
/// and of the others the shortest counts.
const LEAST_TIMED: usize = 3;
const SHARE_TIMED: f64 = 0.03;

/// How long a full run is, the same for all methods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// The sweeps of the options.
    Sweeps,
    /// As many sweeps as these operations allow: those of the matrix products, as `altmin info` counts them.
    Operations(f64),
    /// As many sweeps as these seconds allow, measured on a few sweeps of each configuration.
    Seconds(f64),
}

impl Budget {
    pub(super) fn check(self) -> Result {
        let (name, amount) = match self {
            Budget::Sweeps => return Ok(()),
            Budget::Operations(operations) => ("budget", operations),
            Budget::Seconds(seconds) => ("seconds", seconds),
        };
        if amount.is_finite() && amount > 0.0 {
            return Ok(());
        }
        Err(Error::argument(name, amount, "a finite number above 0"))
    }
}

/// A full run of a configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// Its sweeps.
    pub sweeps: usize,
    /// Operations of the matrix products of a sweep.
    pub operations: f64,
}

impl Search {
    /// `Ok` when every configuration can be trained on these samples, within the budget and on every rung.
    ///
    /// # Errors
    /// [`Error::Entry`] with what a trainer would refuse, or a budget below one sweep.
    pub fn check<T: Real>(&self, train: &Dataset<T>, held_out: &Dataset<T>) -> Result {
        for contest in &self.contests {
            let mut lengths = Vec::new();
            for configuration in &contest.configurations {
                let settings = &configuration.settings;
                let length = plan::require_loss(settings, train)
                    .and_then(|()| plan::check(settings, train))
                    .and_then(|()| memory::require(settings, train, Some(held_out), |_| 0))
                    .and_then(|()| sweep_flops(settings, train))
                    .and_then(|operations| Ok((self.sweeps(settings, operations)?, operations)))
                    .map_err(|error| configuration.error(error))?;
                if let (Some(sweeps), operations) = length {
                    lengths.push(Length { sweeps, operations });
                }
            }
            // With a budget of seconds nothing is known before a clock has run.
            if !lengths.is_empty() {
                self.rungs(contest, &lengths)?;
            }
        }
        Ok(())
    }

    /// Sweeps of a full run, where they can be known without a clock.
    fn sweeps(&self, settings: &Settings, operations: f64) -> Result<Option<usize>> {
        match self.request.budget {
            Budget::Sweeps => Ok(Some(settings.sweeps)),
            Budget::Operations(budget) if budget < operations => {
                let expected = format!("at least {operations:.4e}, the operations of one sweep");
                Err(Error::argument("budget", format!("{budget:e}"), expected))
            }
            Budget::Operations(budget) => Ok(Some((budget / operations) as usize)),
            Budget::Seconds(_) => Ok(None),
        }
    }

    /// The rungs of a method, on which the settings of all runs are in range: what fits a full run may not fit a short one.
    pub(super) fn rungs(&self, contest: &Contest, lengths: &[Length]) -> Result<Vec<Rung>> {
        let longest = lengths.iter().map(|length| length.sweeps).max().unwrap_or(1);
        let rungs = rungs(contest.configurations.len(), self.request.halving, longest);
        for (configuration, length) in contest.configurations.iter().zip(lengths) {
            for (number, rung) in rungs.iter().enumerate() {
                let sweeps = rung.sweeps(length.sweeps);
                for seed in self.seeds(number + 1 == rungs.len()) {
                    let trial = Trial { configuration, rung: (number + 1, rungs.len()), sweeps, seed };
                    self.settings(&trial).validate().map_err(|error| configuration.error(error))?;
                }
            }
        }
        Ok(rungs)
    }
}

impl<T: Real> Work<'_, T> {
    /// The full runs of a method's configurations; none if it was stopped.
    pub(super) fn lengths(&mut self, contest: &Contest) -> Result<Option<Vec<Length>>> {
        let mut lengths = Vec::new();
        for configuration in &contest.configurations {
            let operations = sweep_flops(&configuration.settings, self.train)?;
            let sweeps = match self.search.sweeps(&configuration.settings, operations)? {
                Some(sweeps) => sweeps,
                None => {
                    let (seed, sweeps) = (self.search.common().seed, configuration.settings.sweeps);
                    let trial = Trial { configuration, rung: (0, 0), sweeps, seed };
                    let Some(sweeps) = self.known_or_timed(&trial)? else { return Ok(None) };
                    sweeps
                }
            };
            lengths.push(Length { sweeps, operations });
        }
        Ok(Some(lengths))
    }

    /// The sweeps that the seconds of a full run allow; none if it was stopped.
    fn known_or_timed(&mut self, trial: &Trial<'_>) -> Result<Option<usize>> {
        let own = &trial.configuration.own;
        let known = self.known.iter().find_map(|record| match record {
            Record::Timing(timing) if timing.settings == *own => Some(timing.sweeps),
            _ => None,
        });
        let Budget::Seconds(budget) = self.search.request.budget else { return Ok(known) };
        if known.is_some() {
            return Ok(known);
        }
        if self.stopped() {
            return Ok(None);
        }
        let mut trainer = self.trainer(trial)?;
        let mut history = History::default();
        let enough = |history: &History| {
            let seconds = history.sweeps.last().map_or(0.0, |metrics| metrics.seconds);
            history.sweeps.len() >= LEAST_TIMED && seconds >= budget * SHARE_TIMED
        };
        while !enough(&history) {
            let outcome = trainer.step(1, &mut history, self.stop);
            match outcome.map_err(|error| trial.configuration.error(error))? {
                Outcome::Stopped => return Ok(None),
                Outcome::SweepLimit => {}
                _ => break,
            }
        }
        let times = history.sweeps.windows(2).map(|pair| pair[1].seconds - pair[0].seconds);
        let sweeps = match times.reduce(f64::min) {
            Some(shortest) => (budget / shortest) as usize,
            // It diverges, or is over, whatever its length.
            None => 1,
        };
        let timing = Timing { settings: own.clone(), sweeps: sweeps.max(1) };
        self.observer.record(&Record::Timing(timing.clone()))?;
        Ok(Some(timing.sweeps))
    }
}
