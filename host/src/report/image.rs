//! Samples as pictures.

use crate::data::{Channel, Dataset, ImageShape};
use altmin_core::Real;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use png::{BitDepth, ColorType, Encoder, EncodingError};

/// Whether images of this shape are grey or have three colours.
pub(crate) fn can_be_shown(shape: ImageShape) -> bool {
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
pub(crate) fn png<T: Real>(
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

/// Pixels between two images of a sheet.
const GAP: usize = 2;

/// Images that are smaller than this are shown larger.
const SIDE: usize = 32;

/// A row of the first so many samples of each class, in the order of the classes, as one white image; and its shape. Samples are
/// not scaled.
pub(crate) fn sheet<T: Real>(data: &Dataset<T>, shape: ImageShape, per_class: usize) -> (Vec<T>, ImageShape) {
    let ImageShape { height, width, channels } = shape;
    let factor = (SIDE / height.max(width).max(1)).max(1);
    let (tile_height, tile_width) = (factor * height + GAP, factor * width + GAP);
    let sheet = ImageShape {
        height: data.n_classes() * tile_height + GAP,
        width: per_class * tile_width + GAP,
        channels,
    };
    let mut pixels = vec![T::ONE; sheet.height * sheet.width * channels];
    let mut shown = vec![0; data.n_classes()];
    for (sample, &class) in data.labels().iter().enumerate() {
        let place = &mut shown[class as usize];
        if *place == per_class {
            continue;
        }
        let (top, left) = (class as usize * tile_height + GAP, *place * tile_width + GAP);
        *place += 1;
        for channel in 0..channels {
            for row in 0..factor * height {
                let from = &data.sample(sample)[(channel * height + row / factor) * width..][..width];
                let to = (channel * sheet.height + top + row) * sheet.width + left;
                for (column, pixel) in pixels[to..to + factor * width].iter_mut().enumerate() {
                    *pixel = from[column / factor];
                }
            }
        }
    }
    (pixels, sheet)
}

/// A PNG file as the address of a picture that is in the page itself.
pub(crate) fn address(png: &[u8]) -> String {
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

    #[test]
    fn a_sheet_has_a_row_of_each_class() {
        let features = vec![0.0, 0.25, 0.5, 0.75, 0.0f32];
        let classes = ["a", "b"].map(str::to_owned).to_vec();
        let data = Dataset::new("some", features, vec![1, 0, 1, 1, 0], 1, classes).expect("a data set");
        let shape = ImageShape { height: 1, width: 1, channels: 1 };
        let (pixels, sheet) = sheet(&data, shape, 2);
        let side = SIDE + GAP;
        assert_eq!((sheet.height, sheet.width), (2 * side + GAP, 2 * side + GAP));
        let at = |row: usize, column: usize| pixels[row * sheet.width + column];
        // The first two samples of class a are 0.25 and 0, those of b 0 and 0.5; between them all is white.
        let corner = |place: usize| place * side + GAP;
        let tiles = [[0.25, 0.0], [0.0, 0.5]];
        for (class, tiles) in tiles.iter().enumerate() {
            for (place, &tile) in tiles.iter().enumerate() {
                let (top, left) = (corner(class), corner(place));
                assert_eq!([at(top, left), at(top + SIDE - 1, left + SIDE - 1)], [tile; 2]);
                assert_eq!([at(top - 1, left), at(top, left - 1), at(top + SIDE, left + SIDE)], [1.0; 3]);
            }
        }
    }
}
