//! Ranges, and which settings go together.

mod schedules;

use super::Settings;
use crate::data::{DataSource, Labels};
use crate::error::{Error, Result};
use crate::network::cuts::{Cuts, MOST_SUBNETWORKS, Split};
use crate::network::init::Initializer;
use crate::network::widths::Widths;
use crate::settings::choice::{Method, Precision, StepRule, Use};
use crate::settings::core_choice;
use crate::settings::values::{Carried, EpsilonBounds, Growth, Guard, write_classes, write_target};
use altmin_core::{Activation, Choice, Regularizer};
use std::fmt::Display;

/// Most threads: each has memory of its own, and more are a typing error.
const MOST_THREADS: usize = 4096;

/// `Ok` when every setting is in its range and goes with the others.
pub(super) fn validate(settings: &Settings) -> Result {
    data(settings)?;
    network(settings)?;
    method(settings)?;
    stopping(settings)?;
    schedules::validate(settings)?;
    if !(1..=MOST_THREADS).contains(&settings.threads) {
        let expected = format!("at least 1, at most {MOST_THREADS}");
        return Err(Error::argument("threads", settings.threads, expected));
    }
    Ok(())
}

fn data(settings: &Settings) -> Result {
    positive_count("pool", settings.pool)?;
    if !settings.data.has_columns() {
        columns(settings)?;
    }
    if settings.labels != Labels::Fine && !matches!(settings.data, DataSource::Directory(_)) {
        let expected =
            format!("fine, or a folder with CIFAR-100 as data: {} has one kind of labels", settings.data);
        return Err(Error::argument("labels", settings.labels, expected));
    }
    if let Some(samples) = settings.samples {
        positive_count("samples", samples)?;
    }
    // TOML's integers end there, and the seed must come back from config.toml as it was.
    if i64::try_from(settings.seed).is_err() {
        return Err(Error::argument("seed", settings.seed, "at most 9223372036854775807"));
    }
    if settings.data == DataSource::Memory {
        memory(settings)?;
    }
    settings.classes.as_ref().map_or(Ok(()), classes)
}

/// `Ok` when nothing is to be done to samples that are taken as they are.
fn memory(settings: &Settings) -> Result {
    let as_they_are = |what: &str| format!("{what}: samples from memory are not preprocessed");
    if settings.pool != 1 {
        return Err(Error::argument("pool", settings.pool, as_they_are("1")));
    }
    if let Some(samples) = settings.samples {
        return Err(Error::argument("samples", samples, as_they_are("all")));
    }
    if let Some(classes) = &settings.classes {
        return Err(Error::argument("classes", write_classes(classes), as_they_are("all")));
    }
    let said = [("holdout", settings.holdout), ("scale", settings.scale)].into_iter().find(|&(_, said)| said);
    said.map_or(Ok(()), |(name, said)| Err(Error::argument(name, said, as_they_are("false"))))
}

/// `Ok` when nothing is asked of columns that the data set does not have.
fn columns(settings: &Settings) -> Result {
    if let Some(target) = &settings.target {
        let expected = format!("last, or a .csv file as data: {} has no columns", settings.data);
        return Err(Error::argument("target", write_target(target), expected));
    }
    Ok(())
}

fn classes(classes: &Vec<u32>) -> Result {
    let refused = |expected| Err(Error::argument("classes", write_classes(classes), expected));
    if classes.len() < 2 {
        return refused("at least two, such as 0,1");
    }
    if classes.iter().enumerate().any(|(index, class)| classes[..index].contains(class)) {
        return refused("each class once");
    }
    Ok(())
}

fn network(settings: &Settings) -> Result {
    if settings.hidden.is_empty() || settings.hidden.contains(&0) {
        let found = Widths(settings.hidden.clone());
        return Err(Error::argument("hidden", found, "widths of at least 1, such as 100,100"));
    }
    // What a program has filled in is in no other range than what is read.
    core_choice::parse::<Activation<f64>>(&settings.activation.to_string())?;
    if let Some(lambda) = settings.regularizer.parameter() {
        positive("regularizer", settings.regularizer, lambda)?;
    }
    if settings.has_blocks() && settings.regularizer != Regularizer::None {
        let expected = "none: networks of blocks have no regulariser";
        return Err(Error::argument("regularizer", settings.regularizer, expected));
    }
    if matches!(settings.regularizer, Regularizer::L1(_)) {
        if !settings.method.card().uses(Use::Steps) {
            let expected = format!("l2 or none: the method {} has no l1 form", settings.method);
            return Err(Error::argument("regularizer", settings.regularizer, expected));
        }
        if settings.step == StepRule::LeastSquares {
            let expected = "l2, or another step rule such as vector (least-squares weights have no l1 form)";
            return Err(Error::argument("regularizer", settings.regularizer, expected));
        }
    }
    match settings.init {
        Initializer::Normal(sigma) => positive("init", settings.init, sigma)?,
        Initializer::He | Initializer::Xavier | Initializer::Identity => {}
    }
    settings.grow.map_or(Ok(()), |growth| grow(settings, growth))?;
    split(settings)
}

/// `Ok` when cuts and frozen subnetworks can be of some network.
fn split(settings: &Settings) -> Result {
    let count = match &settings.split {
        Split::Subnetworks(count) => {
            if !(1..=MOST_SUBNETWORKS).contains(count) {
                return Err(Error::argument("subnetworks", count, format!("1 to {MOST_SUBNETWORKS}")));
            }
            *count
        }
        Split::After(after) => {
            let found = || Cuts(after.clone());
            if after.len() >= MOST_SUBNETWORKS {
                let expected = format!("cuts into at most {MOST_SUBNETWORKS} subnetworks");
                return Err(Error::argument("cut", found(), expected));
            }
            if after.contains(&0) || !after.is_sorted_by(|a, b| a < b) {
                return Err(Error::argument("cut", found(), "numbers from 1, ascending, such as 5,9"));
            }
            after.len() + 1
        }
    };
    if settings.method.card().uses(Use::Subnetworks) && settings.freeze >= count {
        let expected = format!("fewer than the {count} subnetworks");
        return Err(Error::argument("freeze", settings.freeze, expected));
    }
    match settings.guard {
        Some(guard) if !(guard.is_finite() && guard >= 0.0) => {
            Err(Error::argument("guard", Guard(settings.guard), "a finite number, 0 or above, or none"))
        }
        _ => Ok(()),
    }
}

fn grow(settings: &Settings, growth: Growth) -> Result {
    let hidden = &settings.hidden;
    if settings.has_blocks() {
        let expected = format!("none: the method {} has no growth", settings.method);
        return Err(Error::argument("grow", growth, expected));
    }
    if growth.layers == 0 || growth.layers >= hidden.len() {
        let expected =
            format!("K from 1 to {}, fewer than the {} hidden layers", hidden.len() - 1, hidden.len());
        let expected =
            if hidden.len() == 1 { "none: there is only one hidden layer".into() } else { expected };
        return Err(Error::argument("grow", growth, expected));
    }
    if growth.sweeps == 0 || growth.sweeps >= settings.sweeps {
        let expected = format!("sweeps from 1, fewer than the {} sweeps of the run", settings.sweeps);
        return Err(Error::argument("grow", growth, expected));
    }
    if settings.activation != Activation::Relu {
        let expected = "none, or the activation relu, whose outputs an identity layer leaves unchanged";
        return Err(Error::argument("grow", growth, expected));
    }
    let first = hidden[growth.layers - 1];
    if hidden[growth.layers..].iter().any(|&width| width != first) {
        let expected = format!("none, or equal widths from hidden layer {} on", growth.layers);
        return Err(Error::argument("grow", growth, expected));
    }
    Ok(())
}

fn method(settings: &Settings) -> Result {
    let (low, high) = settings.epsilon_bounds;
    let weights = [
        ("nu", settings.nu),
        ("rho", settings.rho),
        ("damping", settings.damping),
        ("epsilon", settings.epsilon),
        ("epsilon-bounds", low),
        ("epsilon-bounds", high),
        ("learning-rate", settings.learning_rate),
        ("alpha", settings.alpha),
        ("tau2", settings.tau2),
    ];
    for (name, value) in weights {
        positive(name, value, value)?;
        // Below the smallest single, or above the largest, the computation would see 0 or infinity.
        if settings.precision == Precision::F32
            && !(f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&value)
        {
            return Err(Error::argument(
                name,
                value,
                "a number within the range of single precision, or precision f64",
            ));
        }
    }
    if low > high {
        let expected = "the lower bound first";
        return Err(Error::argument("epsilon-bounds", EpsilonBounds(settings.epsilon_bounds), expected));
    }
    if settings.method == Method::Dlam && settings.input_step == StepRule::LeastSquares {
        let expected = "vector, scalar or backtracking: DLAM constrains its inputs to intervals";
        return Err(Error::argument("input-step", settings.input_step, expected));
    }
    if !(0.0..1.0).contains(&settings.momentum) {
        return Err(Error::argument("momentum", settings.momentum, "0 or above and below 1"));
    }
    if !(settings.warm_up.is_finite() && settings.warm_up >= 0.0) {
        return Err(Error::argument("warm-up", settings.warm_up, "a finite number of sweeps, 0 or above"));
    }
    if let Some(carry) = settings.carry.filter(|carry| carry.validate().is_err()) {
        let expected = "BETA from 0 and below 1, and EVERY 1 or above";
        return Err(Error::argument("carry", Carried(Some(carry)), expected));
    }
    settings.batch.map_or(Ok(()), |batch| positive_count("batch", batch))
}

fn stopping(settings: &Settings) -> Result {
    positive_count("sweeps", settings.sweeps)?;
    if let Some(tolerance) = settings.tolerance {
        positive("tolerance", tolerance, tolerance)?;
    }
    if settings.time_limit.is_some_and(|limit| limit.is_zero()) {
        return Err(Error::argument("time-limit", "0", "a time above 0, or none"));
    }
    Ok(())
}

/// Checks that the number in a setting that reads `found` is finite and above 0.
fn positive(setting: &'static str, found: impl Display, value: f64) -> Result {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::argument(setting, found, "a finite number above 0"))
}

/// Checks that there is at least one.
fn positive_count(setting: &'static str, count: usize) -> Result {
    if count > 0 { Ok(()) } else { Err(Error::argument(setting, 0, "at least 1")) }
}
