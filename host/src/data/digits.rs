//! The UCI digits: 1,797 images of 8x8 pixels, part of this crate (origin and licence: `data/README.md`).

use std::io::Read;
use std::path::Path;

use altmin_core::Real;
use flate2::read::GzDecoder;

use super::split::stratified;
use super::transform::select;
use super::{Dataset, ImageShape};
use crate::error::{Error, Result};

/// The largest pixel: stored pixels are 0 to 16.
pub const DIVISOR: f64 = 16.0;
/// Samples of the test part; the other 1,437 are for training.
pub const TEST_SAMPLES: usize = 360;

const IMAGE: ImageShape = ImageShape { height: 8, width: 8, channels: 1 };
const PIXELS: usize = 64;
const CLASSES: u32 = 10;
const COMPRESSED: &[u8] = include_bytes!("../../data/optdigits-1797.csv.gz");

/// All samples in the order of the file, pixels between 0 and 1.
///
/// # Errors
/// None with the embedded file as it is; [`Error::Format`] otherwise.
pub fn all<T: Real>() -> Result<Dataset<T>> {
    let path = Path::new("optdigits-1797.csv.gz");
    let mut text = String::new();
    GzDecoder::new(COMPRESSED).read_to_string(&mut text).map_err(|e| Error::io("read", path, e))?;
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let (pixels, label) = parse(line).ok_or_else(|| {
            let expected = "64 pixels from 0 to 16 and a label from 0 to 9";
            Error::format(path, format!("`{line}` in line {}", number + 1), expected)
        })?;
        features.extend(pixels.map(|pixel| T::from_f64(f64::from(pixel) / DIVISOR)));
        labels.push(label);
    }
    let classes = (0..CLASSES).map(|class| class.to_string()).collect();
    Dataset::new("digits", features, labels, PIXELS, classes)?.with_image(IMAGE)
}

fn parse(line: &str) -> Option<([u8; PIXELS], u32)> {
    let mut fields = line.split(',');
    let mut pixels = [0; PIXELS];
    for pixel in &mut pixels {
        *pixel = fields.next()?.parse().ok().filter(|&value| f64::from(value) <= DIVISOR)?;
    }
    let label = fields.next()?.parse().ok().filter(|&label| label < CLASSES)?;
    fields.next().is_none().then_some((pixels, label))
}

/// 1,437 training and 360 test samples, both with the whole's share of each class, in an order given by `seed`.
///
/// # Errors
/// As [`all`].
pub fn load<T: Real>(seed: u64) -> Result<(Dataset<T>, Dataset<T>)> {
    let all = all()?;
    let (train, test) = stratified(all.labels(), all.n_classes(), TEST_SAMPLES, seed);
    Ok((select(&all, &train)?.named("digits (training)"), select(&all, &test)?.named("digits (test)")))
}
