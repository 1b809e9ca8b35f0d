//! The linear model that a network on a table is held against.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin_core::block::Block;
use altmin_core::{Real, Regularizer};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::blocks::Architecture;
use crate::network::init::Initializer;
use crate::network::model::Model;
use crate::run::observe::History;
use crate::run::trainer::Trainer;
use crate::settings::{Keep, MaxMemory, Method, Patience, SetAside, Settings, StepRule, TrainOptions};

/// Weights that begin at this size are 0 but for rounding.
const START: f64 = 1e-9;

/// Of squared weights, beside a loss that is summed over the samples: what scikit-learn's logistic regression has by default. Without
/// it weights grow without end where classes can be parted.
const LAMBDA: f64 = 1.0;

/// Chosen among 1, 0.1 and 0.03: accuracies on six small tables are final after 300 sweeps.
const RHO: f64 = 0.1;

/// Sweeps, fewer of a large table.
const SWEEPS: std::ops::RangeInclusive<usize> = 100..=500;

/// A table with more multiplications in all sweeps would keep people waiting: some seconds.
const MOST_MULTIPLICATIONS: f64 = 1e11;

/// The linear model of the same loss, trained without a hidden layer on the samples of a run with these settings; `None` for samples
/// that are no rows of a table, or are too many for one.
///
/// It is dlADMM of a single layer with the regulariser `1/2 sum W_ij^2`: the alternating direction method for a convex problem in two blocks,
/// which converges for every rho. Values get ridge regression, classes logistic regression.
///
/// # Errors
/// As [`Trainer::new`] and [`Trainer::run`], but for want of memory, of which there is no baseline.
pub fn linear<T: Real>(
    settings: &Settings,
    train: &Arc<Dataset<T>>,
    judge: &Arc<Dataset<T>>,
    stop: &AtomicBool,
) -> Result<Option<Model<T>>> {
    let (n, samples) = (train.n_features() as f64, train.n_samples() as f64);
    let sweep = 2.0 * n * train.n_outputs() as f64 * samples;
    let sweeps = ((MOST_MULTIPLICATIONS - n.powi(2) * samples) / sweep) as usize;
    if !settings.data.has_columns() || sweeps < *SWEEPS.start() {
        return Ok(None);
    }
    let options = TrainOptions {
        method: Some(Method::Dladmm),
        network: Some(Architecture::Blocks(vec![Block::Dense { outputs: train.n_outputs() }])),
        loss: Some(settings.loss),
        regularizer: Some(Regularizer::L2(LAMBDA)),
        init: Some(Initializer::Normal(START)),
        step: Some(StepRule::LeastSquares),
        rho: Some(RHO),
        sweeps: Some(sweeps.min(*SWEEPS.end())),
        validation: Some(SetAside(settings.validation.clone())),
        patience: Some(Patience(None)),
        keep: Some(Keep::Last),
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
