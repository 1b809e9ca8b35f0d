//! Cells of a table as a network sees them: numbers with mean 0 and standard deviation 1 over the training samples, an input for
//! each category, and numbers in place of missing values.

use std::sync::Arc;

use altmin_core::Real;

use super::columns::{Column, Columns, Encoding};
use super::csv_file::UNKNOWN;
use super::dataset::{Dataset, ImageShape, Targets};
use super::missing::Missing;
use super::nearest::quoted;
use super::outputs::Outputs;
use super::schema::{Feature, Schema};
use crate::error::{Error, Result};

/// Names that one message lists at most.
const LISTED: usize = 10;

impl Column {
    /// The column with the mean of these numbers and their standard deviation, the root of the mean squared distance
    /// from it; 1 where all are equal.
    fn measured(&self, name: &str, numbers: impl Iterator<Item = f64>) -> Result<Self> {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        let (mut first, mut varies) = (None, false);
        for x in numbers {
            varies |= *first.get_or_insert(x) != x;
            // Welford's recurrence, which keeps the digits of a small spread around a large mean.
            count += 1.0;
            let distance = x - mean;
            mean += distance / count;
            squares += distance * (x - mean);
        }
        let deviation = if varies { f64::sqrt(squares / count) } else { 1.0 };
        if !(mean.is_finite() && deviation.is_normal()) {
            let found = format!("numbers too large or too close in column {}", quoted(&self.name));
            return Err(Error::data(
                name,
                found,
                "a mean and a standard deviation that double precision holds",
            ));
        }
        Ok(Self { mean, deviation, ..self.clone() })
    }
}

impl Columns {
    /// What the training samples, as [`dataset`](super::csv_file::dataset) has them, say of their columns: the numbers of
    /// missing values, the categories that are there, and, if `scale`, the scales that give every numeric feature, and every value
    /// that is a target, mean 0 and standard deviation 1. A feature that is always the same there gets mean 0 and keeps its unit; a
    /// note says so.
    ///
    /// # Errors
    /// [`Error::Data`] naming the columns of numbers too large or too close for a scale; and if there is no input.
    pub(super) fn learnt(
        schema: &Schema,
        train: &Dataset<f64>,
        scale: bool,
    ) -> Result<(Self, Option<String>)> {
        let (mut features, mut constant) = (Vec::new(), Vec::new());
        for (index, feature) in schema.features.iter().enumerate() {
            let cells = || train.features().iter().copied().skip(index).step_by(train.n_features());
            let known = || cells().filter(|cell| !cell.is_nan());
            let has_missing = cells().any(f64::is_nan);
            if !has_missing && is_constant(known()) {
                constant.push(match (&feature.categories, known().next()) {
                    (None, Some(number)) => format!("{} (always {number})", quoted(&feature.name)),
                    _ => quoted(&feature.name),
                });
            }
            match &feature.categories {
                Some(categories) => {
                    let mut is_there = vec![false; categories.as_slice().len()];
                    known().filter(|&cell| cell != UNKNOWN).for_each(|cell| is_there[cell as usize] = true);
                    let there = categories.as_slice().iter().zip(is_there).filter(|&(_, there)| there);
                    let column =
                        |name: &String| Column::new(&feature.name).encoded(Encoding::Category(name.clone()));
                    features.extend(there.map(|(name, _)| column(name)));
                }
                None => {
                    let plain = Column::new(&feature.name);
                    let fills = schema.missing.fills();
                    let measured =
                        if scale || fills { plain.measured(train.name(), known())? } else { plain.clone() };
                    let fill = fills.then_some(measured.mean);
                    let column = if scale { measured } else { plain };
                    features.push(column.encoded(Encoding::Number { fill }));
                }
            }
            if schema.missing == Missing::Indicator && has_missing {
                features.push(Column::new(&feature.name).encoded(Encoding::Missing));
            }
        }
        if features.is_empty() {
            return Err(Error::data(train.name(), "missing values in all features", "a value to learn from"));
        }
        let targets = schema.targets.iter().map(Column::new);
        let target = |(index, column): (usize, Column)| match train.outputs() {
            Outputs::Values(_) if scale => {
                let values = train.values().iter().copied().skip(index).step_by(train.n_outputs());
                column.measured(train.name(), values)
            }
            _ => Ok(column),
        };
        let note = list(&constant).map(|columns| {
            format!("feature columns constant in {}: {columns}; nothing is learnt from them", train.name())
        });
        let columns = Self {
            features,
            targets: targets.enumerate().map(target).collect::<Result<_>>()?,
            classes: schema.classes.as_ref().map_or(Vec::new(), |classes| classes.as_slice().to_vec()),
            missing: schema.missing,
            image: schema.image,
        };
        match schema.image {
            Some(image) if scale => Ok((columns.with_scales_of_channels(train, image)?, None)),
            _ => Ok((columns, note.filter(|_| scale))),
        }
    }

    /// The same where all pixels of a channel have one scale, as images' have: the mean of the columns' means, and the spread of the
    /// pixels around it.
    fn with_scales_of_channels(mut self, train: &Dataset<f64>, image: ImageShape) -> Result<Self> {
        let n_pixels = image.height * image.width;
        for (channel, columns) in self.features.chunks_exact_mut(n_pixels).enumerate() {
            let samples = train.features().chunks_exact(train.n_features());
            let pixels = samples.flat_map(|sample| &sample[channel * n_pixels..][..n_pixels]);
            let known = pixels.copied().filter(|pixel| !pixel.is_nan());
            let all = Column::new(format!("{} to {}", columns[0].name, columns[n_pixels - 1].name));
            let Column { mean, deviation, .. } = all.measured(train.name(), known)?;
            columns.iter_mut().for_each(|column| (column.mean, column.deviation) = (mean, deviation));
        }
        Ok(self)
    }

    /// Samples as [`dataset`](super::csv_file::dataset) reads them, as the network sees them.
    ///
    /// # Errors
    /// [`Error::Data`] naming the column of a number that `T` cannot hold.
    pub(super) fn apply<T: Real>(
        self: &Arc<Self>,
        schema: &Schema,
        samples: Dataset<f64>,
    ) -> Result<Dataset<T>> {
        let (name, n_features) = (samples.name.clone(), self.features.len());
        let features = self.inputs(schema, &name, &samples.features)?;
        let encoded = match (samples.targets, samples.outputs) {
            (Targets::Values(values), outputs) => {
                let cells = values.iter().zip(self.targets.iter().cycle());
                let values = cells.map(|(&x, column)| scaled(&name, column, x)).collect::<Result<_>>()?;
                Dataset::with_values(name, features, values, n_features, outputs.into_names())
            }
            (Targets::Labels(labels), outputs) => {
                Dataset::new(name, features, labels, n_features, outputs.into_names())
            }
        };
        let encoded = encoded?.with_columns(Arc::clone(self)).with_notes(samples.notes);
        Dataset { rows: samples.rows, ..encoded }.with_image_if(self.image)
    }

    /// The inputs of the network for the features of samples as [`features`](super::csv_file::features) reads them.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub(super) fn inputs<T: Real>(&self, schema: &Schema, name: &str, cells: &[f64]) -> Result<Vec<T>> {
        let inputs: Vec<Input> =
            self.features.iter().filter_map(|column| Input::of(column, schema)).collect();
        let mut numbers = Vec::with_capacity(cells.len() / schema.features.len().max(1) * inputs.len());
        for sample in cells.chunks_exact(schema.features.len().max(1)) {
            for input in &inputs {
                numbers.push(scaled(name, input.column, input.number(sample))?);
            }
        }
        Ok(numbers)
    }
}

/// A note for each column of which some of these samples, as [`features`](super::csv_file::features) reads them, have a category
/// that is none of a model's.
pub(super) fn unknown_categories(
    columns: &Columns,
    schema: &Schema,
    name: &str,
    cells: &[f64],
) -> Vec<String> {
    let note = |(place, feature): (usize, &Feature)| {
        let is_input = |category: &String| {
            let of =
                |column: &Column| matches!(&column.encoding, Encoding::Category(name) if name == category);
            columns.features.iter().any(|column| column.name == feature.name && of(column))
        };
        let known: Vec<bool> = feature.categories.as_ref()?.as_slice().iter().map(is_input).collect();
        let is_unknown =
            |&cell: &f64| !cell.is_nan() && (cell == UNKNOWN || known.get(cell as usize) == Some(&false));
        let count =
            cells.iter().copied().skip(place).step_by(schema.features.len()).filter(is_unknown).count();
        let column = quoted(&feature.name);
        let samples = if count == 1 { "1 sample has" } else { &format!("{count} samples have") };
        (count > 0).then(|| format!("{samples} a category in column {column} of {name} that is none of the training samples'; its inputs are 0"))
    };
    schema.features.iter().enumerate().filter_map(note).collect()
}

/// `Ok` when every value to be learnt differs between two samples.
///
/// # Errors
/// [`Error::Data`] naming the columns of which that is not so.
pub(super) fn require_varying_targets(train: &Dataset<f64>) -> Result {
    let Outputs::Values(names) = train.outputs() else { return Ok(()) };
    let of = |index: usize| train.values().iter().copied().skip(index).step_by(names.len());
    let constant = |(index, name): (usize, &String)| {
        let first = of(index).next().filter(|_| is_constant(of(index)))?;
        Some(format!("{} (always {first})", quoted(name)))
    };
    let constant: Vec<String> = names.iter().enumerate().filter_map(constant).collect();
    list(&constant).map_or(Ok(()), |columns| {
        Err(Error::data(
            train.name(),
            format!("constant target columns: {columns}"),
            "columns with at least two different numbers to train on",
        ))
    })
}

/// An input of the network and the cell that it is made of.
struct Input<'a> {
    column: &'a Column,
    /// Which of a sample's cells.
    place: usize,
    /// The number that stands for the category of this input.
    category: f64,
}

impl<'a> Input<'a> {
    fn of(column: &'a Column, schema: &Schema) -> Option<Self> {
        let place = schema.features.iter().position(|feature| feature.name == column.name)?;
        let category = match (&column.encoding, &schema.features[place].categories) {
            (Encoding::Category(name), Some(categories)) => categories.place(name)? as f64,
            _ => UNKNOWN,
        };
        Some(Self { column, place, category })
    }

    fn number(&self, sample: &[f64]) -> f64 {
        let cell = sample[self.place];
        match self.column.encoding {
            Encoding::Number { fill: Some(fill) } if cell.is_nan() => fill,
            Encoding::Number { .. } => cell,
            Encoding::Category(_) => f64::from(u8::from(cell == self.category)),
            Encoding::Missing => f64::from(u8::from(cell.is_nan())),
        }
    }
}

/// A number of a column as the network sees it.
fn scaled<T: Real>(name: &str, column: &Column, x: f64) -> Result<T> {
    let scaled = T::from_f64(column.scaled(x));
    if scaled.is_finite() {
        return Ok(scaled);
    }
    let found = format!("{x} in column {}", quoted(&column.name));
    Err(Error::data(name, found, "numbers that the chosen precision can hold once scaled"))
}

fn is_constant(mut numbers: impl Iterator<Item = f64>) -> bool {
    let first = numbers.next();
    numbers.all(|number| Some(number) == first)
}

/// Some of these texts, for a message; `None` where there are none.
fn list(texts: &[String]) -> Option<String> {
    let mut text = texts.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if texts.len() > LISTED {
        text += &format!(" and {} more", texts.len() - LISTED);
    }
    (!texts.is_empty()).then_some(text)
}
