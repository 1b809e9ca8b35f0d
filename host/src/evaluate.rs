//! A model on a data set: outputs, accuracy, loss, confusion.

use crate::data::Dataset;
use crate::error::Result;
use crate::model::Model;
use crate::network::{Activation, Loss};
use altmin_core::Real;
use altmin_core::gemm::{Gemm, Portable, Transpose};
use altmin_core::view::{column_mut, dense, dense_mut};
use altmin_core::workspace::Stack;
use std::thread;

/// Samples that pass through the network together. Fixed, so that the result has the same bits for every number of
/// threads.
const TILE: usize = 256;

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
/// [`Error::Mismatch`](crate::Error::Mismatch) if the model was made for other features or classes.
pub fn evaluate<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Evaluation> {
    let outputs = outputs(model, data, threads)?;
    let n_classes = model.classes.len();
    let mut confusion = vec![vec![0; n_classes]; n_classes];
    let (mut loss, mut right) = (0.0, 0);
    for (scores, &label) in outputs.chunks_exact(n_classes).zip(data.labels()) {
        let (label, class) = (label as usize, class(scores));
        loss += risk(model.loss, scores, label);
        right += usize::from(class == label);
        confusion[label][class] += 1;
    }
    let samples = data.n_samples() as f64;
    Ok(Evaluation { loss: loss / samples, accuracy: right as f64 / samples, confusion })
}

/// The last layer's z for every sample: `n_classes` numbers a sample, sample after sample.
///
/// # Errors
/// As [`evaluate`].
pub fn outputs<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Vec<T>> {
    model.require_data(data.n_features(), data.n_classes())?;
    let n_out = model.classes.len();
    let mut outputs = vec![T::ZERO; n_out * data.n_samples()];
    let tiles = data.n_samples().div_ceil(TILE);
    let share = tiles.div_ceil(threads.max(1)).max(1) * TILE;
    thread::scope(|scope| {
        let work = data.features().chunks(share * data.n_features()).zip(outputs.chunks_mut(share * n_out));
        let workers: Vec<_> = work.map(|(x, z)| scope.spawn(move || forward(model, x, z))).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(outputs)
}

/// Passes samples through the network, tile by tile.
fn forward<T: Real>(model: &Model<T>, features: &[T], outputs: &mut [T]) -> Result {
    let widest = model.layers.iter().map(|layer| layer.n_out.max(layer.n_in)).max().unwrap_or(0);
    let scratch = Gemm::<T>::workspace(&Portable, widest, TILE, widest).elements();
    let (mut input, mut output) = (vec![T::ZERO; widest * TILE], vec![T::ZERO; widest * TILE]);
    let mut scratch = vec![T::ZERO; scratch];
    let (n_in, n_out) = (model.n_features(), model.classes.len());
    for (x, z) in features.chunks(TILE * n_in).zip(outputs.chunks_mut(TILE * n_out)) {
        let samples = x.len() / n_in;
        input[..x.len()].copy_from_slice(x);
        for (index, layer) in model.layers.iter().enumerate() {
            if index > 0 {
                activate(model.activation, &mut input[..layer.n_in * samples]);
            }
            let mut product = dense_mut(&mut output[..layer.n_out * samples], layer.n_out, samples);
            for sample in 0..samples {
                column_mut(&mut product, sample).copy_from_slice(&layer.bias);
            }
            Portable.gemm(
                T::ONE,
                dense(&layer.weight, layer.n_out, layer.n_in),
                Transpose::No,
                dense(&input[..layer.n_in * samples], layer.n_in, samples),
                Transpose::No,
                T::ONE,
                product,
                Stack::new(&mut scratch),
            )?;
            std::mem::swap(&mut input, &mut output);
        }
        z.copy_from_slice(&input[..z.len()]);
    }
    Ok(())
}

fn activate<T: Real>(activation: Activation, values: &mut [T]) {
    let slope = match activation {
        Activation::Relu => T::ZERO,
        Activation::LeakyRelu(slope) => T::from_f64(slope),
    };
    for value in values {
        if *value < T::ZERO {
            *value = slope * *value;
        }
    }
}

/// The class of the largest score, the first of several.
pub fn class<T: Real>(scores: &[T]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}

/// Softmax of the scores: what a network trained with cross-entropy says about each class.
pub fn probabilities<T: Real>(scores: &[T]) -> Vec<f64> {
    let largest = scores[class(scores)].to_f64();
    let weights: Vec<f64> = scores.iter().map(|score| (score.to_f64() - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// R of one sample.
fn risk<T: Real>(loss: Loss, scores: &[T], label: usize) -> f64 {
    match loss {
        Loss::CrossEntropy => {
            let largest = scores[class(scores)].to_f64();
            let sum: f64 = scores.iter().map(|score| (score.to_f64() - largest).exp()).sum();
            largest + sum.ln() - scores[label].to_f64()
        }
        Loss::LeastSquares => {
            let target = |class| if class == label { 1.0 } else { 0.0 };
            let squares = scores.iter().enumerate().map(|(c, score)| (score.to_f64() - target(c)).powi(2));
            squares.sum::<f64>() / 2.0
        }
    }
}
