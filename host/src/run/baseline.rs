//! The linear model that a network on a table is held against.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin_core::Real;
use altmin_core::block::Block;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::blocks::Architecture;
use crate::network::init::Initializer;
use crate::network::model::Model;
use crate::network::score::Judge;
use crate::run::observe::History;
use crate::run::trainer::Trainer;
use crate::settings::{Batch, Keep, MaxMemory, Method, Patience, Settings, TrainOptions, Validation};

/// Weights that begin at this size are 0 but for rounding.
const START: f64 = 1e-9;

/// Proximal steps of one layer: the output's is its proximal map, the weights' is least squares in closed form. Of squared errors the first
/// step comes within a half of ridge regression with this damping, and further ones halve what is left.
const NU: f64 = 1.0;
const DAMPING: f64 = 0.01;

/// Of a convex problem more sweeps than this change little.
const SWEEPS: usize = 200;
const PATIENCE: usize = 20;

/// A table with more products of inputs than this would keep people waiting: some seconds.
const MOST_PRODUCTS: f64 = 1e11;

/// The linear model of the same loss that does best on `judge`, trained without a hidden layer on the samples of a run with these
/// settings; `None` for samples that are no rows of a table, or are too many for one.
///
/// It is proximal back-propagation of a single layer, which solves the convex problem: ridge or least-squares regression for values,
/// logistic regression for classes.
///
/// # Errors
/// As [`Trainer::new`] and [`Trainer::run`], but for want of memory, of which there is no baseline.
pub fn linear<T: Real>(
    settings: &Settings,
    train: &Arc<Dataset<T>>,
    judge: &Arc<Dataset<T>>,
    stop: &AtomicBool,
) -> Result<Option<Model<T>>> {
    let products = (train.n_features() as f64).powi(2) * train.n_samples() as f64;
    if !settings.data.has_columns() || products > MOST_PRODUCTS {
        return Ok(None);
    }
    // The test samples must not say which sweep is best.
    let is_judged = settings.judge() != Judge::Test;
    let options = TrainOptions {
        method: Some(Method::Proxprop),
        network: Some(Architecture::Blocks(vec![Block::Dense { outputs: train.n_outputs() }])),
        loss: Some(settings.loss),
        init: Some(Initializer::Normal(START)),
        batch: Some(Batch(None)),
        nu: Some(NU),
        damping: Some(DAMPING),
        sweeps: Some(SWEEPS),
        validation: Some(Validation(settings.validation)),
        patience: Some(Patience(is_judged.then_some(PATIENCE))),
        keep: Some(if is_judged { Keep::Best } else { Keep::Last }),
        // Where samples are from, and what the machine gives.
        data: Some(settings.data.clone()),
        holdout: Some(settings.holdout),
        threads: Some(settings.threads),
        kernel: Some(settings.kernel),
        precision: Some(settings.precision),
        max_memory: settings.max_memory.map(|bytes| MaxMemory(Some(bytes))),
        ..TrainOptions::default()
    };
    let trainer = options.resolve().and_then(|own| Trainer::new(&own, Arc::clone(train), Arc::clone(judge)));
    let mut trainer = match trainer {
        Err(Error::Memory { .. } | Error::Allocation { .. }) => return Ok(None),
        trainer => trainer?,
    };
    trainer.run(&mut History::default(), stop)?;
    trainer.model_to_save().map(Some)
}
