//! Ranges: functions of a setting's key, its value and all settings, that refuse values by themselves. What several settings
//! must agree on is in [`together`](super::together).

use super::Settings;
use crate::choice::parse;
use crate::data::{ClassWeights, Validation};
use crate::error::{Error, Result};
use crate::network::cuts::{Cuts, MOST_SUBNETWORKS};
use crate::network::init::Initializer;
use crate::network::widths::Widths;
use crate::settings::choice::Precision;
use crate::settings::penalty_schedule::range;
use crate::settings::values::{Carried, EpsilonBounds, Every, ImageMoves, write_classes};
use altmin_core::method::proxprop::Carry;
use altmin_core::{Activation, Choice, Regularizer};
use std::fmt::Display;
use std::time::Duration;

/// Most threads: each has memory of its own, and more are a typing error.
const MOST_THREADS: usize = 4096;

/// The range of a value that there may be.
pub(super) fn if_any<T>(
    range: impl Fn(&'static str, &T, &Settings) -> Result,
) -> impl Fn(&'static str, &Option<T>, &Settings) -> Result {
    move |key, value, settings| value.as_ref().map_or(Ok(()), |value| range(key, value, settings))
}

pub(super) fn at_least_one(key: &'static str, &count: &usize, _: &Settings) -> Result {
    if count > 0 { Ok(()) } else { Err(Error::argument(key, 0, "at least 1")) }
}

pub(super) fn above_zero(key: &'static str, &value: &f64, _: &Settings) -> Result {
    positive(key, value, value)
}

pub(super) fn not_negative(expected: &'static str) -> impl Fn(&'static str, &f64, &Settings) -> Result {
    move |key, &value, _| {
        if value.is_finite() && value >= 0.0 { Ok(()) } else { Err(Error::argument(key, value, expected)) }
    }
}

pub(super) fn share(key: &'static str, &value: &f64, _: &Settings) -> Result {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(Error::argument(key, value, "0 or above and below 1"))
    }
}

pub(super) fn set_aside(key: &'static str, samples: &Validation, _: &Settings) -> Result {
    match *samples {
        Validation::Share(share) if !(share > 0.0 && share < 1.0) => {
            Err(Error::argument(key, share, "above 0 and below 1, or none"))
        }
        _ => Ok(()),
    }
}

pub(super) fn carry(key: &'static str, carry: &Carry, _: &Settings) -> Result {
    let expected = "BETA from 0 and below 1, and EVERY 1 or above";
    carry.validate().map_err(|_| Error::argument(key, Carried(Some(*carry)), expected))
}

pub(super) fn some_move(key: &'static str, moves: &ImageMoves, _: &Settings) -> Result {
    if *moves == ImageMoves::default() {
        return Err(Error::argument(key, moves, "a shift of at least 1 pixel, flip, or none"));
    }
    Ok(())
}

/// Above 0, also as the computation sees it: not below the smallest number of its precision, nor above the largest.
pub(super) fn positive_number(key: &'static str, &value: &f64, settings: &Settings) -> Result {
    positive(key, value, value)?;
    if settings.precision == Precision::F32 && !range(Precision::F32).contains(&value) {
        let expected = "a number within the range of single precision, or precision f64";
        return Err(Error::argument(key, value, expected));
    }
    Ok(())
}

pub(super) fn ascending(key: &'static str, &bounds: &(f64, f64), settings: &Settings) -> Result {
    let (low, high) = bounds;
    positive_number(key, &low, settings)?;
    positive_number(key, &high, settings)?;
    if low > high {
        return Err(Error::argument(key, EpsilonBounds(bounds), "the lower bound first"));
    }
    Ok(())
}

/// TOML's integers end there, and a seed must come back from config.toml as it was.
pub(super) fn toml_integer(key: &'static str, &value: &u64, _: &Settings) -> Result {
    match i64::try_from(value) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::argument(key, value, "at most 9223372036854775807")),
    }
}

pub(super) fn different_classes(key: &'static str, classes: &Option<Vec<u32>>, _: &Settings) -> Result {
    let Some(classes) = classes else { return Ok(()) };
    let refused = |expected| Err(Error::argument(key, write_classes(classes), expected));
    if classes.len() < 2 {
        return refused("at least two, such as 0,1");
    }
    if classes.iter().enumerate().any(|(index, class)| classes[..index].contains(class)) {
        return refused("each class once");
    }
    Ok(())
}

pub(super) fn positive_weights(_: &'static str, weights: &Option<ClassWeights>, _: &Settings) -> Result {
    weights.as_ref().map_or(Ok(()), ClassWeights::check)
}

pub(super) fn widths(key: &'static str, widths: &[usize], _: &Settings) -> Result {
    if widths.is_empty() || widths.contains(&0) {
        let expected = "widths of at least 1, such as 100,100";
        return Err(Error::argument(key, Widths(widths.to_vec()), expected));
    }
    Ok(())
}

/// What a program has filled in is in no other range than what is read.
pub(super) fn as_read(_: &'static str, activation: &Activation<f64>, _: &Settings) -> Result {
    parse::<Activation<f64>>(&activation.to_string()).map(|_| ())
}

pub(super) fn positive_lambda(key: &'static str, regularizer: &Regularizer<f64>, _: &Settings) -> Result {
    regularizer.parameter().map_or(Ok(()), |lambda| positive(key, regularizer, lambda))
}

pub(super) fn positive_sigma(key: &'static str, &init: &Initializer, _: &Settings) -> Result {
    match init {
        Initializer::Normal(sigma) => positive(key, init, sigma),
        Initializer::He | Initializer::Xavier | Initializer::Identity => Ok(()),
    }
}

pub(super) fn subnetworks(key: &'static str, count: &usize, _: &Settings) -> Result {
    if (1..=MOST_SUBNETWORKS).contains(count) {
        return Ok(());
    }
    Err(Error::argument(key, count, format!("1 to {MOST_SUBNETWORKS}")))
}

pub(super) fn ascending_cuts(key: &'static str, cuts: &Cuts, _: &Settings) -> Result {
    let Cuts(after) = cuts;
    if after.len() >= MOST_SUBNETWORKS {
        return Err(Error::argument(key, cuts, format!("cuts into at most {MOST_SUBNETWORKS} subnetworks")));
    }
    if after.contains(&0) || !after.is_sorted_by(|a, b| a < b) {
        return Err(Error::argument(key, cuts, "numbers from 1, ascending, such as 5,9"));
    }
    Ok(())
}

pub(super) fn some_time(key: &'static str, time: &Duration, _: &Settings) -> Result {
    if time.is_zero() { Err(Error::argument(key, "0", "a time above 0, or none")) } else { Ok(()) }
}

pub(super) fn some_distance(key: &'static str, every: &Every, _: &Settings) -> Result {
    if matches!(every, Every::Sweeps(0) | Every::Time(Duration::ZERO)) {
        return Err(Error::argument(key, "0", "at least 1 sweep, a time above 0, or none"));
    }
    Ok(())
}

pub(super) fn threads(key: &'static str, count: &usize, _: &Settings) -> Result {
    if (1..=MOST_THREADS).contains(count) {
        return Ok(());
    }
    Err(Error::argument(key, count, format!("at least 1, at most {MOST_THREADS}")))
}

/// Checks that the number in a setting that reads `found` is finite and above 0.
pub(super) fn positive(key: &'static str, found: impl Display, value: f64) -> Result {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::argument(key, found, "a finite number above 0"))
}
