//! Channels of images as a network sees them: with mean 0 and standard deviation 1 over the training samples.

use altmin_core::Real;

use super::channels::Channel;
use super::dataset::{Dataset, ImageShape};
use crate::error::{Error, Result};

/// The mean of each channel over all pixels of all samples and the standard deviation, the root of the mean squared
/// distance from it.
pub(super) fn moments<T: Real>(samples: &Dataset<T>, image: ImageShape) -> Vec<Channel> {
    let n_pixels = image.height * image.width;
    let count = (n_pixels * samples.n_samples()) as f64;
    // Image by image, so that a sum stays short enough to keep its digits.
    let mean_of = |channel: usize, term: &dyn Fn(f64) -> f64| {
        let sums = pixels(samples, channel, n_pixels)
            .map(|image| image.iter().map(|pixel| term(pixel.to_f64())).sum::<f64>());
        sums.sum::<f64>() / count
    };
    let one = |channel: usize| {
        let mean = mean_of(channel, &|x| x);
        Channel { mean, deviation: mean_of(channel, &|x| (x - mean) * (x - mean)).sqrt() }
    };
    (0..image.channels).map(one).collect()
}

/// The pixels of a channel, sample after sample.
fn pixels<T: Real>(samples: &Dataset<T>, channel: usize, n_pixels: usize) -> impl Iterator<Item = &[T]> {
    let samples = samples.features().chunks_exact(samples.n_features());
    samples.map(move |sample| &sample[channel * n_pixels..][..n_pixels])
}

/// The [`moments`] of channels that can be scaled by them.
///
/// # Errors
/// [`Error::Argument`] (`scale`) for samples that are no images, [`Error::Data`] naming the channels whose pixels are all
/// equal.
pub(super) fn measure<T: Real>(train: &Dataset<T>) -> Result<Vec<Channel>> {
    let Some(image) = train.image() else {
        return Err(Error::argument("scale", true, format!("false, as {} holds no images", train.name())));
    };
    let n_pixels = image.height * image.width;
    let constant: Vec<String> = (0..image.channels)
        .filter_map(|channel| {
            let first = train.features()[channel * n_pixels];
            let is_constant = pixels(train, channel, n_pixels).flatten().all(|&pixel| pixel == first);
            is_constant.then(|| format!("channel {channel} (always {first})"))
        })
        .collect();
    if !constant.is_empty() {
        return Err(Error::data(
            train.name(),
            format!("constant {}", constant.join(", ")),
            "channels with at least two different pixels to train on",
        )
        .with_hint("train with --scale=false"));
    }
    Ok(moments(train, image))
}

/// The samples as the network sees them.
///
/// # Errors
/// [`Error::Mismatch`] for images with another number of channels; [`Error::Data`] for numbers that the precision cannot
/// hold once scaled.
pub(super) fn apply<T: Real>(mut dataset: Dataset<T>, channels: &[Channel]) -> Result<Dataset<T>> {
    let found = dataset.image.map_or(0, |image| image.channels);
    if found != channels.len() {
        return Err(Error::Mismatch { quantity: "channels", data: found, model: channels.len() });
    }
    let n_pixels = dataset.n_features / channels.len();
    for (pixels, channel) in dataset.features.chunks_exact_mut(n_pixels).zip(channels.iter().cycle()) {
        for pixel in pixels {
            *pixel = T::from_f64((pixel.to_f64() - channel.mean) / channel.deviation);
        }
    }
    if !dataset.features.iter().all(|pixel| pixel.is_finite()) {
        let expected = "pixels that the chosen precision can hold once scaled";
        return Err(Error::data(dataset.name(), "a channel with too small a deviation", expected));
    }
    dataset.channels = Some(channels.into());
    Ok(dataset)
}
