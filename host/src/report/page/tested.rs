//! A run's model on samples that it was not trained on.

use super::loaded::Last;
use crate::data::{Channel, Dataset, Outputs};
use crate::error::{Error, Result};
use crate::network::evaluate::{class, evaluate_outputs, in_own_units, outputs, probabilities};
use crate::network::{Evaluation, Judge, Model};
use crate::report::image;
use crate::settings::Settings;
use altmin_core::Real;

/// Images that are shown of those that are classified wrongly, at most.
const MISTAKES: usize = 40;

/// Points of a plot at most.
const POINTS: usize = 2_000;

/// How a model does.
#[derive(Debug, Clone)]
pub(super) struct Tested {
    /// Which samples these are.
    pub(super) judge: Judge,
    pub(super) data: String,
    pub(super) samples: usize,
    pub(super) outputs: Outputs,
    pub(super) evaluation: Evaluation,
    /// The surest mistakes, if samples are images that can be shown.
    pub(super) mistakes: Vec<Mistake>,
    /// Whether what is said of a mistake's class is a probability.
    pub(super) has_probabilities: bool,
    /// True and predicted values of every output, in the data's own units.
    pub(super) values: Vec<Vec<(f64, f64)>>,
}

/// An image that is classified wrongly.
#[derive(Debug, Clone)]
pub(super) struct Mistake {
    /// Its place among the samples, counted from 0.
    pub(super) sample: usize,
    pub(super) label: usize,
    pub(super) predicted: usize,
    /// The probability, or else the score, of the class that it was taken for.
    pub(super) certainty: f64,
    /// A PNG file.
    pub(super) image: Vec<u8>,
}

impl Tested {
    /// How the model does on the samples that its data set has for tests, or on those that were held out in their place.
    ///
    /// # Errors
    /// Those of reading the data set, and of a data set that is no longer the model's.
    pub(super) fn of<T: Real>(
        model: &Model<T>,
        settings: &Settings,
        samples: &mut Last<T>,
        threads: usize,
    ) -> Result<Self> {
        let (judge, data) = samples.of(&model.preprocessing, settings)?;
        let outputs = outputs(model, data, threads)?;
        let evaluation = evaluate_outputs(model, data, &outputs)?;
        let values = if model.outputs.are_values() { pairs(model, data, &outputs) } else { Vec::new() };
        Ok(Self {
            judge,
            data: data.name().to_owned(),
            samples: data.n_samples(),
            outputs: model.outputs.clone(),
            evaluation,
            mistakes: mistakes(model, data, &outputs)?,
            has_probabilities: model.loss.has_probabilities(),
            values,
        })
    }
}

/// What pixels of a table are at most, unless all are between 0 and 1.
const BYTE: f64 = 255.0;

/// The wrongly classified images of which the model is surest.
fn mistakes<T: Real>(model: &Model<T>, data: &Dataset<T>, outputs: &[T]) -> Result<Vec<Mistake>> {
    let Some(shape) = data.image().filter(|&shape| image::can_be_shown(shape)) else { return Ok(Vec::new()) };
    let scores_of = |sample: usize| &outputs[sample * data.n_outputs()..][..data.n_outputs()];
    let certainty = |sample: usize| {
        let (scores, predicted) = (scores_of(sample), class(scores_of(sample)));
        if model.loss.has_probabilities() {
            probabilities(scores)[predicted]
        } else {
            scores[predicted].to_f64()
        }
    };
    let labels = data.labels().iter().map(|&label| label as usize).enumerate();
    let wrong = labels.filter(|&(sample, label)| class(scores_of(sample)) != label);
    let mut all: Vec<_> = wrong.map(|(sample, label)| (certainty(sample), sample, label)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let scales = scales(model, data);
    let shown = all.into_iter().take(MISTAKES).map(|(certainty, sample, label)| {
        let image = image::png(data.sample(sample), shape, &scales)
            .map_err(|error| Error::data(data.name(), error.to_string(), "images that can be shown"))?;
        Ok(Mistake { sample, label, predicted: class(scores_of(sample)), certainty, image })
    });
    shown.collect()
}

/// The scales with which pixels as a network sees them lie between 0 and 1.
fn scales<T: Real>(model: &Model<T>, data: &Dataset<T>) -> Vec<Channel> {
    let Some((columns, image)) = data.columns().and_then(|columns| Some((columns, columns.image?))) else {
        return model.preprocessing.channels.clone().unwrap_or_default();
    };
    let inputs = data.features().iter().zip(columns.features.iter().cycle());
    let largest = inputs.map(|(x, column)| column.unscaled(x.to_f64())).fold(0.0, f64::max);
    let unit = if largest > 1.0 { BYTE } else { 1.0 };
    let of_channel = columns.features.iter().step_by(image.height * image.width);
    of_channel
        .map(|column| Channel { mean: column.mean / unit, deviation: column.deviation / unit })
        .collect()
}

/// Every output's true and predicted values of samples at even distances.
fn pairs<T: Real>(model: &Model<T>, data: &Dataset<T>, outputs: &[T]) -> Vec<Vec<(f64, f64)>> {
    let (truth, predicted) = (in_own_units(model, data.values()), in_own_units(model, outputs));
    let (count, samples) = (data.n_outputs(), data.n_samples());
    let shown = samples.min(POINTS);
    let pair = |output: usize, index: usize| {
        let place = index * samples / shown * count + output;
        (truth[place], predicted[place])
    };
    (0..count).map(|output| (0..shown).map(|index| pair(output, index)).collect()).collect()
}
