//! Checks of the penalties' schedules: that the method has them, and that they stay in range.

use crate::error::{Error, Result};
use crate::settings::choice::{Method, Precision, Use};
use crate::settings::penalty_schedule::{NuSchedule, RhoSchedule, Times, range};
use crate::settings::table::Settings;
use crate::settings::table::ranges::{at_least_one, positive};
use std::fmt::Display;

/// `Ok` when the method has these schedules and they stay in range over the planned sweeps.
pub(super) fn check(settings: &Settings) -> Result {
    let Settings { method, nu_schedule, rho_schedule, .. } = *settings;
    if nu_schedule != NuSchedule::Constant && !method.card().uses(Use::NuSchedule) {
        let expected = format!("constant: the method {method} has no schedule of nu");
        return Err(Error::argument("nu-schedule", nu_schedule, expected));
    }
    if rho_schedule != RhoSchedule::Constant && !method.card().uses(Use::RhoSchedule) {
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
        RhoSchedule::Balance(_) if !method.card().uses(Use::Balancing) => {
            let balanced = Method::ALL.iter().filter(|other| other.card().uses(Use::Balancing));
            let names = balanced.map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let expected = format!("another schedule: the method {method} has no balance, only {names} has");
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
    at_least_one(name, &times.every, settings)?;
    if let Some(limit) = times.limit {
        positive(name, times, limit)?;
        let beyond = if times.factor > 1.0 { limit >= first } else { limit <= first };
        if times.factor != 1.0 && !beyond {
            let expected = format!("a limit that {quantity} = {first} approaches");
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
                "a schedule, perhaps with a limit, that keeps {quantity} in the range of {precision}: \
                 it would leave that range in sweep {sweep} of {sweeps}"
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
