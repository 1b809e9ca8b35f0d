//! Schedules of the penalties nu and rho.

use super::choice::Precision;
use super::text::serde_as_text;
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

/// Schedule of nu.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum NuSchedule {
    /// The initial value throughout.
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

/// Schedule of rho.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum RhoSchedule {
    /// The initial value throughout.
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
