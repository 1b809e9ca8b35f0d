//! How nu and rho go on from sweep to sweep.

use super::choice::{Method, Precision, Use};
use super::resolved::Settings;
use super::text::serde_as_text;
use super::validate::{positive, positive_count};
use crate::error::{Error, Result};
use altmin_core::method::balancing::ResidualBalancing;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A value that is multiplied every so many sweeps: sweeps 1 to K work with the first value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// What it is multiplied with, above 0; 1 leaves it.
    pub factor: f64,
    /// K, the number of sweeps between two changes, at least 1.
    pub every: usize,
    /// The value at which it ends: at least the first one with a factor above 1, at most that with one below.
    pub limit: Option<f64>,
}

impl Times {
    /// The value after a change.
    pub fn next(&self, value: f64) -> f64 {
        let next = value * self.factor;
        match self.limit {
            Some(limit) if self.factor > 1.0 => next.min(limit),
            Some(limit) => next.max(limit),
            None => next,
        }
    }

    /// Whether it changes after so many sweeps.
    pub fn is_due(&self, sweeps: usize) -> bool {
        sweeps.is_multiple_of(self.every)
    }
}

impl Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "times:{}:{}", self.factor, self.every)?;
        self.limit.map_or(Ok(()), |limit| write!(f, ":{limit}"))
    }
}

/// How nu goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum NuSchedule {
    /// It stays.
    #[default]
    Constant,
    /// Continuation.
    Times(Times),
}

impl FromStr for NuSchedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::argument("nu-schedule", text, "constant or times:F:K[:LIMIT]");
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            ["constant"] => Ok(Self::Constant),
            ["times", ref rest @ ..] => times(rest).map(Self::Times).ok_or_else(refused),
            _ => Err(refused()),
        }
    }
}

impl Display for NuSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Times(times) => times.fmt(f),
        }
    }
}

/// How rho goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum RhoSchedule {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied every so many sweeps.
    Times(Times),
    /// It is multiplied by this factor, above 0, after a sweep in which the objective has risen.
    Rising(f64),
    /// It follows the residuals (pdADMM).
    Balance(ResidualBalancing),
}

impl FromStr for RhoSchedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = "constant, times:F:K[:LIMIT], rising:F or balance[:MU:TAU]";
        let refused = || Error::argument("rho-schedule", text, expected);
        let number = |part: &str| part.parse().map_err(|_| refused());
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            ["constant"] => Ok(Self::Constant),
            ["times", ref rest @ ..] => times(rest).map(Self::Times).ok_or_else(refused),
            ["rising", factor] => Ok(Self::Rising(number(factor)?)),
            ["balance"] => Ok(Self::Balance(ResidualBalancing::default())),
            ["balance", mu, tau] => {
                Ok(Self::Balance(ResidualBalancing { ratio: number(mu)?, factor: number(tau)? }))
            }
            _ => Err(refused()),
        }
    }
}

impl Display for RhoSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Times(times) => times.fmt(f),
            Self::Rising(factor) => write!(f, "rising:{factor}"),
            Self::Balance(ResidualBalancing { ratio, factor }) => write!(f, "balance:{ratio}:{factor}"),
        }
    }
}

serde_as_text!(NuSchedule, RhoSchedule);

/// `F:K` or `F:K:LIMIT`.
fn times(parts: &[&str]) -> Option<Times> {
    let (factor, every, limit) = match *parts {
        [factor, every] => (factor, every, None),
        [factor, every, limit] => (factor, every, Some(limit)),
        _ => return None,
    };
    let limit = limit.map(str::parse).transpose().ok()?;
    Some(Times { factor: factor.parse().ok()?, every: every.parse().ok()?, limit })
}

/// The numbers that a precision holds in full, to whose ends a schedule may not go.
pub(crate) fn range(precision: Precision) -> RangeInclusive<f64> {
    match precision {
        Precision::F32 => f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX),
        Precision::F64 => f64::MIN_POSITIVE..=f64::MAX,
    }
}

/// `Ok` when the method has these schedules and they stay in range over the planned sweeps.
pub(super) fn validate(settings: &Settings) -> Result {
    let Settings { method, nu_schedule, rho_schedule, .. } = *settings;
    if nu_schedule != NuSchedule::Constant && !method.uses(Use::NuSchedule) {
        let expected = format!("constant: the method {method} has no schedule of nu");
        return Err(Error::argument("nu-schedule", nu_schedule, expected));
    }
    if rho_schedule != RhoSchedule::Constant && !method.uses(Use::RhoSchedule) {
        let expected = format!("constant: the method {method} has no schedule of rho");
        return Err(Error::argument("rho-schedule", rho_schedule, expected));
    }
    if let NuSchedule::Times(times) = nu_schedule {
        stays_in_range("nu-schedule", "nu", times, settings.nu, settings)?;
    }
    match rho_schedule {
        RhoSchedule::Constant => Ok(()),
        RhoSchedule::Times(times) => stays_in_range("rho-schedule", "rho", times, settings.rho, settings),
        RhoSchedule::Rising(value) => factor("rho-schedule", rho_schedule, value, settings.precision),
        RhoSchedule::Balance(_) if method != Method::Pdadmm => {
            let expected = format!("another schedule: balance is pdadmm's, not for the method {method}");
            Err(Error::argument("rho-schedule", rho_schedule, expected))
        }
        RhoSchedule::Balance(rule) => match rule.validate() {
            Err(altmin_core::Error::Setting { name, expected, .. }) => {
                Err(Error::argument("rho-schedule", rho_schedule, format!("as {name} {expected}")))
            }
            result => Ok(result?),
        },
    }
}

/// Checks that a factor and its inverse are positive numbers of the computation.
fn factor(name: &'static str, schedule: impl Display, factor: f64, precision: Precision) -> Result {
    positive(name, &schedule, factor)?;
    let range = range(precision);
    if range.contains(&factor) && range.contains(&factor.recip()) {
        return Ok(());
    }
    Err(Error::argument(name, schedule, format!("a factor that {precision} can hold, and its inverse")))
}

/// Checks `times`, which begins at `first`, over the planned sweeps.
fn stays_in_range(
    name: &'static str,
    quantity: &str,
    times: Times,
    first: f64,
    settings: &Settings,
) -> Result {
    let Settings { precision, sweeps, .. } = *settings;
    factor(name, times, times.factor, precision)?;
    positive_count(name, times.every)?;
    if let Some(limit) = times.limit {
        positive(name, times, limit)?;
        let beyond = if times.factor > 1.0 { limit >= first } else { limit <= first };
        if times.factor != 1.0 && !beyond {
            let expected = format!("a limit that {quantity} = {first} goes towards");
            return Err(Error::argument(name, times, expected));
        }
        if !range(precision).contains(&limit) {
            return Err(Error::argument(name, times, format!("a limit that {precision} can hold")));
        }
        return Ok(());
    }
    // The first change is made after sweep K, and none after the last sweep.
    let planned = (sweeps - 1) / times.every;
    match first_change_out_of_range(times.factor, first, precision) {
        Some(change) if change <= planned as f64 => {
            let sweep = change * times.every as f64 + 1.0;
            let expected = format!(
                "a schedule, perhaps with a limit, under which {quantity} stays in the range of {precision}: \
                 it would leave it in sweep {sweep} of {sweeps}"
            );
            Err(Error::argument(name, times, expected))
        }
        _ => Ok(()),
    }
}

/// The number of the change by which `first` times powers of `factor` leaves the range; none if it never does.
///
/// By logarithms, since there may be as many changes as sweeps. Numbers within a billionth of the range's ends count as
/// outside, beside which the rounding of the logarithms and of the run's own products is nothing.
fn first_change_out_of_range(factor: f64, first: f64, precision: Precision) -> Option<f64> {
    let range = range(precision);
    let end = match factor {
        factor if factor > 1.0 => range.end() * (1.0 - 1e-9),
        factor if factor < 1.0 => range.start() * (1.0 + 1e-9),
        _ => return None,
    };
    let changes = (end.log2() - first.log2()) / factor.log2();
    Some(changes.max(0.0).floor() + 1.0)
}
