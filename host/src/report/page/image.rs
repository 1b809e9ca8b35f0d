//! Samples as pictures.

use crate::data::{Channel, ImageShape};
use altmin_core::Real;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Encoder, EncodingError};

/// Whether images of this shape are grey or have three colours.
pub(super) fn can_be_shown(shape: ImageShape) -> bool {
    color(shape).is_some()
}

fn color(shape: ImageShape) -> Option<ColorType> {
    match shape.channels {
        1 => Some(ColorType::Grayscale),
        3 => Some(ColorType::Rgb),
        _ => None,
    }
}

/// A sample as a PNG file; `channels` are the scales that its pixels, from 0 to 1, were given, if they were.
///
/// # Errors
/// A shape without a width or a height.
pub(super) fn png<T: Real>(
    sample: &[T],
    shape: ImageShape,
    channels: &[Channel],
) -> Result<Vec<u8>, EncodingError> {
    let area = shape.height * shape.width;
    let byte = |pixel: usize, channel: usize| {
        let scaled = sample[channel * area + pixel].to_f64();
        let value = channels.get(channel).map_or(scaled, |known| scaled * known.deviation + known.mean);
        // The cast ends at 0 and 255.
        (255.0 * value).round() as u8
    };
    let pixels = (0..area).flat_map(|pixel| (0..shape.channels).map(move |channel| (pixel, channel)));
    let bytes: Vec<u8> = pixels.map(|(pixel, channel)| byte(pixel, channel)).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, shape.width as u32, shape.height as u32);
    encoder.set_color(color(shape).unwrap_or(ColorType::Grayscale));
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(file)
}

/// A PNG file as the address of a picture that is in the page itself.
pub(super) fn address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG file");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut bytes).expect("an image");
        bytes.truncate(info.buffer_size());
        (info.width, info.height, bytes)
    }

    #[test]
    fn grey_pixels_come_back() {
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let file = png(&[0.0, 0.5, 1.0, 2.0, -1.0, 0.2f32], shape, &[]).expect("an image");
        assert_eq!(decoded(&file), (3, 2, vec![0, 128, 255, 255, 0, 51]));
    }

    #[test]
    fn channels_lie_side_by_side_and_are_unscaled() {
        let shape = ImageShape { height: 1, width: 2, channels: 3 };
        let scale = Channel { mean: 0.5, deviation: 0.25 };
        let sample = [-2.0, 2.0, 0.0, 0.0, 2.0, -2.0f64];
        let file = png(&sample, shape, &[scale; 3]).expect("an image");
        assert_eq!(decoded(&file), (2, 1, vec![0, 128, 255, 255, 128, 0]));
    }
}
