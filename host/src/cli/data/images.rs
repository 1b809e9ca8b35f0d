//! The parts, classes and pixels of images.

use crate::data::{Channel, Dataset};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
pub(super) struct Description<'a> {
    data: &'a str,
    channels: usize,
    height: usize,
    width: usize,
    training_samples: usize,
    test_samples: usize,
    /// Of the pixels of the training samples, of each channel.
    pixels: Vec<Channel>,
    classes: Vec<Class>,
}

#[derive(Debug, Serialize)]
struct Class {
    name: String,
    training_samples: usize,
    test_samples: usize,
}

impl<'a> Description<'a> {
    pub(super) fn of(data: &'a str, train: &Dataset<f32>, test: &Dataset<f32>) -> Self {
        let (channels, height, width) = train
            .image()
            .map_or((1, 1, train.n_features()), |image| (image.channels, image.height, image.width));
        let (in_training, in_test) = (train.class_counts(), test.class_counts());
        let class = |(class, name): (usize, &String)| Class {
            name: name.clone(),
            training_samples: in_training[class],
            test_samples: in_test.get(class).copied().unwrap_or(0),
        };
        Self {
            data,
            channels,
            height,
            width,
            training_samples: train.n_samples(),
            test_samples: test.n_samples(),
            pixels: train.channel_moments(),
            classes: train.classes().iter().enumerate().map(class).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { data, channels, height, width, training_samples, test_samples, pixels, classes } = self;
        let kind = match channels {
            1 => "one channel".to_owned(),
            _ => format!("{channels} channels"),
        };
        let mut text = format!(
            "{data}: images of {height}x{width} pixels, {kind}, {training_samples} for training, {test_samples} for testing\n"
        );
        // Writing to a String cannot fail.
        for (channel, Channel { mean, deviation }) in pixels.iter().enumerate() {
            let _ = writeln!(
                text,
                "channel {channel}: pixels from 0 to 1, mean {mean:.4}, standard deviation {deviation:.4}"
            );
        }
        let length =
            classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max("class".len());
        let _ = writeln!(text, "\n{:length$}  training  testing", "class");
        for Class { name, training_samples, test_samples } in classes {
            let _ = writeln!(text, "{name:length$}  {training_samples:>8}  {test_samples:>7}");
        }
        text
    }
}
