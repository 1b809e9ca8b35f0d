//! A model on a data set: outputs, accuracy, loss, confusion.

use altmin_core::forward;
use altmin_core::gemm::Gemm;
use altmin_core::loss::{Target, argmax};
use altmin_core::view::{dense, dense_mut};
use altmin_core::workspace::Stack;
use altmin_core::{Loss, Real};
use rayon::prelude::*;

use crate::convert;
use crate::data::Dataset;
use crate::engine::TILE;
use crate::error::{Error, Result};
use crate::gemm_fast::Fast;
use crate::model::Model;

/// How a model does on a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Mean risk.
    pub loss: f64,
    /// Share of samples classified rightly, 0 to 1.
    pub accuracy: f64,
    /// `confusion[actual][predicted]` samples.
    pub confusion: Vec<Vec<usize>>,
}

/// Accuracy, mean loss and confusion of `model` on `data`.
///
/// # Errors
/// [`Error::Mismatch`] if the model was made for other features or classes.
pub fn evaluate<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Evaluation> {
    let outputs = outputs(model, data, threads)?;
    let (n_classes, samples) = (model.classes.len(), data.n_samples());
    let mut confusion = vec![vec![0; n_classes]; n_classes];
    for (scores, &label) in outputs.chunks_exact(n_classes).zip(data.labels()) {
        confusion[label as usize][class(scores)] += 1;
    }
    let loss: Loss = convert::loss(model.loss);
    let risk = loss.value(dense(&outputs, n_classes, samples), Target::Classes(data.labels()))?;
    let right: usize = (0..n_classes).map(|class| confusion[class][class]).sum();
    Ok(Evaluation { loss: risk / samples as f64, accuracy: right as f64 / samples as f64, confusion })
}

/// The last layer's z for every sample: `n_classes` numbers a sample, sample after sample.
///
/// The bits do not depend on the number of threads.
///
/// # Errors
/// As [`evaluate`].
pub fn outputs<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Vec<T>> {
    model.require_data(data.n_features(), data.n_classes())?;
    let (n_in, n_out) = (data.n_features(), model.classes.len());
    let mut outputs = vec![T::ZERO; n_out * data.n_samples()];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::argument("threads", threads, error.to_string()))?;
    let shapes = || model.layers.iter().map(|layer| (layer.n_out, layer.n_in));
    let widest = shapes().map(|(n_out, _)| n_out).max().unwrap_or(0);
    let scratch = forward::network_workspace::<T, _>(&Fast, shapes(), widest, TILE).elements();
    pool.install(|| {
        let inputs = data.features().par_chunks(TILE * n_in);
        inputs.zip(outputs.par_chunks_mut(TILE * n_out)).try_for_each_init(
            || vec![T::ZERO; scratch],
            |scratch, (x, z)| tile(&Fast, model, widest, x, z, Stack::new(scratch)),
        )
    })?;
    Ok(outputs)
}

fn tile<T: Real, G: Gemm<T>>(
    gemm: &G,
    model: &Model<T>,
    widest: usize,
    x: &[T],
    z: &mut [T],
    stack: Stack<'_, T>,
) -> altmin_core::Result {
    let (n_in, n_out) = (model.n_features(), model.classes.len());
    let x = dense(x, n_in, x.len() / n_in);
    let mut z = dense_mut(z, n_out, x.ncols());
    let layers =
        model.layers.iter().map(|layer| (dense(&layer.weight, layer.n_out, layer.n_in), &layer.bias[..]));
    forward::network(gemm, convert::activation(model.activation), layers, &x, &mut z, widest, stack)
}

/// The class of the largest score, the first of several.
pub fn class<T: Real>(scores: &[T]) -> usize {
    argmax(scores)
}

/// Softmax of the scores: what a network trained with cross-entropy says about each class.
pub fn probabilities<T: Real>(scores: &[T]) -> Vec<f64> {
    let largest = scores[class(scores)].to_f64();
    let weights: Vec<f64> = scores.iter().map(|score| (score.to_f64() - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}
