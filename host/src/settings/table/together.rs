//! What several settings must agree on.

mod schedules;

use super::Settings;
use crate::data::{DataSource, Labels};
use crate::error::{Error, Result};
use crate::network::score::Judge;
use crate::settings::choice::{StepRule, Use};
use crate::settings::values::{Growth, write_classes};
use altmin_core::{Activation, Regularizer};

/// `Ok` when every setting goes with the others; each is in its range.
pub(super) fn check(settings: &Settings) -> Result {
    data(settings)?;
    patience(settings)?;
    regularizer(settings)?;
    settings.grow.map_or(Ok(()), |growth| grow(settings, growth))?;
    freeze(settings)?;
    input_step(settings)?;
    schedules::check(settings)
}

fn data(settings: &Settings) -> Result {
    if let Some((name, value, default)) =
        settings.data_options().of_tables().filter(|_| !settings.data.has_columns())
    {
        let expected = format!("{default}, or a .csv file as data: {} has no columns", settings.data);
        return Err(Error::argument(name, value, expected));
    }
    if settings.labels != Labels::Fine && !matches!(settings.data, DataSource::Directory(_)) {
        let expected =
            format!("fine, or a folder with CIFAR-100 as data: {} has one kind of labels", settings.data);
        return Err(Error::argument("labels", settings.labels, expected));
    }
    if let Some(seed) = settings.split_seed.filter(|_| !settings.data.is_split()) {
        let expected =
            format!("seed, or digits or a .csv file as data: {} is not split at random", settings.data);
        return Err(Error::argument("split-seed", seed, expected));
    }
    if settings.data == DataSource::Memory { memory(settings) } else { Ok(()) }
}

/// `Ok` when samples that are neither trained on nor tested on say when to stop.
fn patience(settings: &Settings) -> Result {
    match settings.patience {
        // What samples from memory are scored on is the caller's choice.
        Some(sweeps) if settings.judge() == Judge::Test && settings.data != DataSource::Memory => {
            let expected = "none, or training samples to tell by: --validation 0.2, or --holdout";
            Err(Error::argument("patience", sweeps, expected))
        }
        _ => Ok(()),
    }
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
    if let Some(samples) = &settings.validation {
        return Err(Error::argument("validation", samples, as_they_are("none")));
    }
    let said = [("holdout", settings.holdout), ("scale", settings.scale)].into_iter().find(|&(_, said)| said);
    said.map_or(Ok(()), |(name, said)| Err(Error::argument(name, said, as_they_are("false"))))
}

fn regularizer(settings: &Settings) -> Result {
    if settings.method.card().uses(Use::Subnetworks) && settings.regularizer != Regularizer::None {
        let expected = "none: subnetworks have no regulariser";
        return Err(Error::argument("regularizer", settings.regularizer, expected));
    }
    if matches!(settings.regularizer, Regularizer::L1(_)) {
        if !settings.method.card().uses(Use::L1) {
            let expected = format!("l2 or none: the method {} has no l1 form", settings.method);
            return Err(Error::argument("regularizer", settings.regularizer, expected));
        }
        if settings.step == StepRule::LeastSquares {
            let expected = "l2, or another step rule such as vector (least-squares weights have no l1 form)";
            return Err(Error::argument("regularizer", settings.regularizer, expected));
        }
    }
    Ok(())
}

fn grow(settings: &Settings, growth: Growth) -> Result {
    let hidden = &settings.hidden;
    if let Some(path) = &settings.weights {
        let expected = "none with --grow, whose layers begin as identity";
        return Err(Error::argument("weights", path.display(), expected));
    }
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

/// `Ok` when a subnetwork is left that is not frozen.
fn freeze(settings: &Settings) -> Result {
    let count = settings.cut.as_ref().map_or(settings.subnetworks, |cuts| cuts.0.len() + 1);
    if settings.method.card().uses(Use::Subnetworks) && settings.freeze >= count {
        let expected = format!("fewer than the {count} subnetworks");
        return Err(Error::argument("freeze", settings.freeze, expected));
    }
    Ok(())
}

/// `Ok` but for least squares of inputs that are held in intervals of epsilon.
fn input_step(settings: &Settings) -> Result {
    let card = settings.method.card();
    if card.uses(Use::Epsilon) && settings.input_step == StepRule::LeastSquares {
        let expected =
            format!("vector, scalar or backtracking: {} constrains its inputs to intervals", card.title);
        return Err(Error::argument("input-step", settings.input_step, expected));
    }
    Ok(())
}
