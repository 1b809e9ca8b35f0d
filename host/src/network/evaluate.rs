//! A model on a data set: outputs, loss, accuracy and confusion with the metrics of each class, or R^2 and errors.

use altmin_core::Real;
use altmin_core::executor::{Executor, Runs};
use altmin_core::loss::argmax;
use altmin_core::view::{MatRef, column, columns, dense, span, view_mut};
use serde::Serialize;

use crate::allocate;
use crate::data::{Column, Dataset};
use crate::error::{Error, Result};
use crate::network::metrics::{self, ClassMetrics};
use crate::network::model::Model;
use crate::network::score::r_squared;
use crate::run::executor::{Parallel, Threads};
use crate::run::kernel::fast::Fast;

/// How a model does on a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Mean risk, of scaled values where a table's columns are scaled.
    pub loss: f64,
    /// Share of samples classified rightly, 0 to 1; for values R^2, as [`Score::accuracy`](crate::network::score::Score::accuracy).
    pub accuracy: f64,
    /// `confusion[actual][predicted]` samples; empty for values.
    pub confusion: Vec<Vec<usize>>,
    /// One for each class; empty for values.
    pub classes: Vec<ClassMetrics>,
    /// The share of samples whose class is among the five of the largest scores; none for values, and for no more classes.
    pub top5_accuracy: Option<f64>,
    /// The expected calibration error of the probabilities; none where outputs are none.
    pub calibration_error: Option<f64>,
    /// One for each output that is a value; empty for classes.
    pub errors: Vec<OutputError>,
}

/// How far a model's values are from those of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputError {
    /// The output's name.
    pub name: String,
    /// The coefficient of determination 1 - SSE/SST of this output; NaN if its values do not vary.
    pub r_squared: f64,
    /// The root of the mean squared error, in the data's own unit.
    pub rmse: f64,
    /// The mean absolute error, in the data's own unit.
    pub mae: f64,
}

/// Mean loss of `model` on `data`, with accuracy and confusion for classes, with R^2 and root mean squared errors for
/// values.
///
/// # Errors
/// [`Error::Mismatch`] if the model was made for another number of features, classes or values, [`Error::Data`] if it was
/// made for classes and the data set has values, or the other way round.
pub fn evaluate<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Evaluation> {
    require_alike(model, data)?;
    evaluate_outputs(model, data, &outputs(model, data, threads)?)
}

/// The same from what [`outputs`] says of the data set.
///
/// # Errors
/// As [`evaluate`]; [`Error::Argument`] (`outputs`) for another number of outputs.
pub fn evaluate_outputs<T: Real>(model: &Model<T>, data: &Dataset<T>, outputs: &[T]) -> Result<Evaluation> {
    require_alike(model, data)?;
    let expected = data.n_outputs() * data.n_samples();
    if outputs.len() != expected {
        return Err(Error::argument("outputs", outputs.len(), format!("{expected}, those of every sample")));
    }
    let risk = model.loss.value(dense(outputs, data.n_outputs(), data.n_samples()), data.target())?;
    let loss = risk / data.n_samples() as f64;
    if model.outputs.are_values() {
        let (accuracy, errors) = errors(model, data, outputs);
        return Ok(Evaluation {
            loss,
            accuracy,
            confusion: Vec::new(),
            classes: Vec::new(),
            top5_accuracy: None,
            calibration_error: None,
            errors,
        });
    }
    let n_classes = data.n_classes();
    let mut confusion = vec![vec![0; n_classes]; n_classes];
    for (scores, &label) in outputs.chunks_exact(n_classes).zip(data.labels()) {
        confusion[label as usize][class(scores)] += 1;
    }
    let right: usize = (0..n_classes).map(|class| confusion[class][class]).sum();
    let samples = || outputs.chunks_exact(n_classes).zip(data.labels());
    let certain = model.loss.has_probabilities();
    let scores: Vec<f64> = match certain {
        true => samples().flat_map(|(scores, _)| probabilities(scores)).collect(),
        false => outputs.iter().map(|score| score.to_f64()).collect(),
    };
    let confident = scores.chunks_exact(n_classes).zip(samples()).map(|(probabilities, (scores, &label))| {
        let class = class(scores);
        (probabilities[class], class == label as usize)
    });
    Ok(Evaluation {
        loss,
        accuracy: right as f64 / data.n_samples() as f64,
        calibration_error: certain.then(|| metrics::calibration_error(confident)),
        top5_accuracy: metrics::top(n_classes, outputs, data.labels()),
        classes: metrics::of_classes(model.outputs.names(), &confusion, &scores, data.labels()),
        confusion,
        errors: Vec::new(),
    })
}

/// `Ok` for a data set that the model can be held against.
pub(super) fn require_alike<T: Real>(model: &Model<T>, data: &Dataset<T>) -> Result {
    let kind = model.outputs.kind();
    if data.outputs().kind() != kind {
        return Err(Error::data(data.name(), data.outputs().kind(), format!("{kind}, as in training")));
    }
    model.require_data(data.n_features(), data.n_outputs())
}

/// R^2 of all outputs together and the errors of each.
fn errors<T: Real>(model: &Model<T>, data: &Dataset<T>, outputs: &[T]) -> (f64, Vec<OutputError>) {
    let count = data.n_outputs();
    let (mut squared, mut absolute) = (vec![0.0; count], vec![0.0; count]);
    for (place, (output, value)) in outputs.iter().zip(data.values()).enumerate() {
        let error = output.to_f64() - value.to_f64();
        squared[place % count] += error.powi(2);
        absolute[place % count] += error.abs();
    }
    let unit = |output: usize| target(model, output).map_or(1.0, |column| column.deviation);
    let samples = data.n_samples() as f64;
    let deviations: Vec<f64> = (0..count).map(|output| data.squared_deviation(output)).collect();
    let error = |output: usize| OutputError {
        name: model.outputs.names()[output].clone(),
        r_squared: r_squared(squared[output], deviations[output]),
        rmse: (squared[output] / samples).sqrt() * unit(output),
        mae: absolute[output] / samples * unit(output),
    };
    (r_squared(squared.iter().sum(), deviations.iter().sum()), (0..count).map(error).collect())
}

/// The table's column that an output stands for.
fn target<T: Real>(model: &Model<T>, output: usize) -> Option<&Column> {
    model.preprocessing.columns.as_ref()?.targets.get(output)
}

/// What [`outputs`] or [`apply`] say of a model for values, in the data's own units.
pub fn in_own_units<T: Real>(model: &Model<T>, outputs: &[T]) -> Vec<f64> {
    let count = model.outputs.names().len();
    let own = |(place, output): (usize, &T)| match target(model, place % count) {
        Some(column) => column.unscaled(output.to_f64()),
        None => output.to_f64(),
    };
    outputs.iter().enumerate().map(own).collect()
}

/// The last layer's z for every sample: a number of each output a sample, sample after sample.
///
/// The bits do not depend on the number of threads.
///
/// # Errors
/// [`Error::Mismatch`] as [`evaluate`].
pub fn outputs<T: Real>(model: &Model<T>, data: &Dataset<T>, threads: usize) -> Result<Vec<T>> {
    model.require_data(data.n_features(), data.n_outputs())?;
    apply(model, data.features(), threads)
}

/// The same for samples of which nothing is known but their features, sample after sample.
///
/// # Errors
/// [`Error::Argument`] (`features`) if a sample is not whole or a number not finite, [`Error::Threads`], [`Error::Allocation`].
pub fn apply<T: Real>(model: &Model<T>, features: &[T], threads: usize) -> Result<Vec<T>> {
    let (n_in, n_out) = (model.n_features(), model.outputs.names().len());
    if n_in == 0 || !features.len().is_multiple_of(n_in) {
        return Err(Error::argument("features", features.len(), format!("whole samples of {n_in}")));
    }
    let samples = features.len() / n_in;
    let mut outputs = allocate::zeros(n_out * samples)?;
    predict(model, &dense(features, n_in, samples), &mut outputs, n_out, threads)?;
    Ok(outputs)
}

/// The same for samples in the columns of `features` (features x samples), into the caller's memory: outputs x samples
/// into `outputs`, column-major, `leading_dimension` elements from one column to the next. Gaps between columns stay as they
/// are.
///
/// Features are taken as the network takes them: what [`Model::preprocessing`] says has been done to them.
///
/// # Errors
/// [`Error::Mismatch`] for another number of features, [`Error::Argument`] (`features`) for a number that is NaN or
/// infinite, [`Error::Threads`], [`Error::Allocation`], [`Error::Core`] naming `outputs` if it is too short or the leading dimension
/// too small. Nothing is written then.
pub fn predict<T: Real>(
    model: &Model<T>,
    features: &MatRef<'_, T>,
    outputs: &mut [T],
    leading_dimension: usize,
    threads: usize,
) -> Result {
    let (n_out, samples) = (model.outputs.names().len(), features.ncols());
    if features.nrows() != model.n_features() {
        return Err(Error::Mismatch {
            quantity: "features",
            data: features.nrows(),
            model: model.n_features(),
        });
    }
    require_finite("features", features)?;
    view_mut("outputs", outputs, n_out, samples, leading_dimension)?;
    if samples == 0 {
        return Ok(());
    }
    let spanned = span(n_out, samples, leading_dimension).unwrap_or(outputs.len());
    let blocks = model.blocks();
    let predictor = model.predictor(&blocks)?;
    let tile = predictor.tile();
    let (team, mut executor) =
        (Threads::new(threads)?, Parallel::new(threads, predictor.scratch(&Fast, tile))?);
    let runs = Runs::new(&mut outputs[..spanned], leading_dimension.saturating_mul(tile));
    team.enter(|| {
        executor.run(runs, |t, run, stack| {
            let start = t * tile;
            let x = columns(features, start, tile.min(samples - start));
            let mut z = view_mut("outputs", run, n_out, x.ncols(), leading_dimension)?;
            predictor.predict(&Fast, &x, &mut z, stack)
        })
    })?;
    Ok(())
}

/// `Ok` when no number is NaN or infinite.
pub(crate) fn require_finite<T: Real>(argument: &'static str, matrix: &MatRef<'_, T>) -> Result {
    for j in 0..matrix.ncols() {
        if let Some(i) = column(matrix, j).iter().position(|number| !number.is_finite()) {
            let found = format!("{} in row {i} of column {j}", column(matrix, j)[i]);
            return Err(Error::argument(argument, found, "finite numbers"));
        }
    }
    Ok(())
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
