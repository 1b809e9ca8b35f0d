//! Making one data set of another: chosen samples, chosen classes, smaller images.

use altmin_core::Real;

use super::dataset::{Dataset, ImageShape, Targets};
use super::outputs::Outputs;
use crate::error::{Error, Result};

/// The samples of these indices, in this order.
///
/// # Errors
/// [`Error::Data`] for no samples.
///
/// # Panics
/// If there is no such sample.
pub fn select<T: Real>(dataset: &Dataset<T>, indices: &[usize]) -> Result<Dataset<T>> {
    let targets = dataset.targets.select(indices, dataset.n_outputs());
    chosen(dataset, indices, targets, dataset.outputs.clone())
}

/// The samples of these indices with other targets.
fn chosen<T: Real>(
    from: &Dataset<T>,
    indices: &[usize],
    targets: Targets<T>,
    outputs: Outputs,
) -> Result<Dataset<T>> {
    if indices.is_empty() {
        return Err(Error::data(&from.name, "no samples", "at least one"));
    }
    let mut features = Vec::with_capacity(indices.len() * from.n_features);
    for &index in indices {
        features.extend_from_slice(from.sample(index));
    }
    let rows = from.rows.as_ref().map(|rows| indices.iter().map(|&index| rows[index]).collect());
    Ok(Dataset { features, targets, outputs, rows, ..from.emptied() })
}

/// The first `count` samples.
///
/// # Errors
/// [`Error::Argument`] (`samples`) for 0 or more than there are.
pub fn first<T: Real>(mut dataset: Dataset<T>, count: usize) -> Result<Dataset<T>> {
    let available = dataset.n_samples();
    if count == 0 || count > available {
        let expected = format!("1 to {available}, the number of samples in {}", dataset.name);
        return Err(Error::argument("samples", count, expected));
    }
    let n_outputs = dataset.n_outputs();
    match &mut dataset.targets {
        Targets::Labels(labels) => labels.truncate(count),
        Targets::Values(values) => values.truncate(count * n_outputs),
    }
    dataset.features.truncate(count * dataset.n_features);
    if let Some(rows) = &mut dataset.rows {
        rows.truncate(count);
    }
    Ok(dataset)
}

/// Takes all but the first `count` samples away and returns them; those that stay are not copied.
///
/// # Panics
/// If there are fewer.
pub(super) fn split_off<T: Real>(dataset: &mut Dataset<T>, count: usize) -> Dataset<T> {
    let n_outputs = dataset.n_outputs();
    let targets = match &mut dataset.targets {
        Targets::Labels(labels) => Targets::Labels(labels.split_off(count)),
        Targets::Values(values) => Targets::Values(values.split_off(count * n_outputs)),
    };
    Dataset {
        features: dataset.features.split_off(count * dataset.n_features),
        targets,
        rows: dataset.rows.as_mut().map(|rows| rows.split_off(count)),
        ..dataset.emptied()
    }
}

/// The samples of these classes, relabelled 0, 1, ... in this order.
///
/// # Errors
/// [`Error::Argument`] (`classes`) for fewer than two, one that does not exist, one named twice, and for a data set that
/// has values instead; [`Error::Data`] if no sample is left.
pub fn choose_classes<T: Real>(dataset: Dataset<T>, classes: &[u32]) -> Result<Dataset<T>> {
    if dataset.outputs.are_values() {
        let expected = format!("all, as {} has values and no classes", dataset.name);
        return Err(Error::argument("classes", list(classes), expected));
    }
    let mut new_label = vec![None; dataset.n_classes()];
    for (new, &class) in classes.iter().enumerate() {
        match new_label.get_mut(class as usize) {
            None => {
                let expected = format!("classes from 0 to {}", dataset.n_classes() - 1);
                return Err(Error::argument("classes", class, expected));
            }
            Some(Some(_)) => return Err(Error::argument("classes", list(classes), format!("{class} once"))),
            Some(label) => *label = Some(new as u32),
        }
    }
    if classes.len() < 2 {
        return Err(Error::argument("classes", list(classes), "at least two"));
    }
    let old = dataset.labels().iter().enumerate();
    let (kept, labels): (Vec<usize>, Vec<u32>) =
        old.filter_map(|(index, &label)| Some((index, new_label[label as usize]?))).unzip();
    let names = classes.iter().map(|&class| dataset.classes()[class as usize].clone()).collect();
    chosen(&dataset, &kept, Targets::Labels(labels), Outputs::Classes(names))
}

/// `Ok` when each of the classes that were chosen has a sample in the result.
pub(super) fn require_present<T: Real>(chosen: &Dataset<T>, classes: &[u32]) -> Result {
    match chosen.class_counts().iter().position(|&count| count == 0) {
        None => Ok(()),
        Some(absent) => {
            let expected = format!("classes that {} holds", chosen.name);
            Err(Error::argument("classes", classes[absent], expected))
        }
    }
}

fn list(classes: &[u32]) -> String {
    classes.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// Average pooling: each square of `factor x factor` pixels of a channel becomes its mean.
///
/// # Errors
/// [`Error::Argument`] (`pool`) for 0, a factor that does not divide both sides, or samples that are no images.
pub fn pool<T: Real>(dataset: &Dataset<T>, factor: usize) -> Result<Dataset<T>> {
    let Some(image) = dataset.image else {
        return Err(Error::argument("pool", factor, format!("1, as {} holds no images", dataset.name)));
    };
    let ImageShape { height, width, channels } = image;
    if factor == 0 || !height.is_multiple_of(factor) || !width.is_multiple_of(factor) {
        let expected = format!("a divisor of both sides of {height}x{width} images");
        return Err(Error::argument("pool", factor, expected));
    }
    let pooled = ImageShape { height: height / factor, width: width / factor, channels };
    let n_features = pooled.height * pooled.width * channels;
    let mut features = Vec::with_capacity(n_features * dataset.n_samples());
    for sample in dataset.features.chunks_exact(dataset.n_features) {
        for channel in sample.chunks_exact(height * width) {
            for rows in channel.chunks_exact(factor * width) {
                features.extend((0..pooled.width).map(|column| mean(rows, width, column * factor, factor)));
            }
        }
    }
    let targets = dataset.targets.clone();
    Ok(Dataset { features, n_features, targets, image: Some(pooled), ..dataset.emptied() })
}

/// The mean of the `factor` pixels from `start` of each row in `rows`.
fn mean<T: Real>(rows: &[T], width: usize, start: usize, factor: usize) -> T {
    let squares = rows.chunks_exact(width).flat_map(|row| &row[start..start + factor]);
    let sum: f64 = squares.map(|pixel| pixel.to_f64()).sum();
    T::from_f64(sum / (factor * factor) as f64)
}
