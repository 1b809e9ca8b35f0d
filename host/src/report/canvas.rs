//! Figures as pixels: strokes with smooth edges, discs, and letters of a font that is part of the program.
//!
//! A system need not have any font, and pictures are the same everywhere. Letters that the font lacks are boxes.

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _, point};
use png::{BitDepth, ColorType, Encoder, EncodingError};

/// DejaVu Sans with the letters of Latin 1 and Greek.
const FONT: &[u8] = include_bytes!("canvas/DejaVuSans.ttf");

/// Red, green and blue.
pub(super) type Color = [u8; 3];

/// A place, in units that become [`SCALE`] pixels.
pub(super) type Place = (f64, f64);

/// Pixels of a unit: as many as screens have that show small letters clearly.
const SCALE: f64 = 2.0;

/// Where a text stands from its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Right of it.
    Start,
    /// On both sides.
    Middle,
    /// Left of it.
    End,
}

/// A white picture that is drawn on.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Color>,
    font: FontRef<'static>,
}

/// How much of each pixel is covered, 0 to 1. What overlaps covers once.
struct Mask {
    width: usize,
    height: usize,
    shares: Vec<f32>,
}

impl Canvas {
    /// So many units wide and high; none if the font of the program is none, which a test rules out.
    pub(super) fn new(width: f64, height: f64) -> Option<Self> {
        let [width, height] = [width, height].map(|side| (SCALE * side).ceil() as usize);
        let font = FontRef::try_from_slice(FONT).ok()?;
        Some(Self { width, height, pixels: vec![[255; 3]; width * height], font })
    }

    /// A line through places; `dashes` are lengths of dashes and gaps in turn, none of a whole line.
    pub(super) fn line(&mut self, places: &[Place], width: f64, dashes: &[f64], color: Color) {
        let mut mask = self.mask();
        for piece in dashed(places, dashes) {
            let ends = piece.len().saturating_sub(2);
            for (index, pair) in piece.windows(2).enumerate() {
                mask.stroke([pair[0], pair[1]], 0.5 * width, [index == 0, index == ends]);
            }
        }
        self.paint(&mask, color, 1.0);
    }

    /// Discs around places, which shine through where `opacity` is below 1, but not through each other.
    pub(super) fn discs(&mut self, places: &[Place], radius: f64, color: Color, opacity: f64) {
        let mut mask = self.mask();
        places.iter().for_each(|&place| mask.stroke([place, place], radius, [false, false]));
        self.paint(&mask, color, opacity);
    }

    /// A text of this size on a line through its place; `turned` reads from below.
    pub(super) fn text(
        &mut self,
        text: &str,
        place: Place,
        size: f64,
        anchor: Anchor,
        turned: bool,
        color: Color,
    ) {
        let mut mask = self.mask();
        // The size of letters is that of a square around them, not of all that the font has room for.
        let scale = SCALE * size * f64::from(self.font.height_unscaled())
            / f64::from(self.font.units_per_em().unwrap_or(1_000.0));
        let font = self.font.as_scaled(PxScale::from(scale as f32));
        let length: f32 = text.chars().map(|letter| font.h_advance(font.glyph_id(letter))).sum();
        let mut along = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -0.5 * length,
            Anchor::End => -length,
        };
        let (x, y) = ((SCALE * place.0) as f32, (SCALE * place.1) as f32);
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            // Whole pixels before the letter is drawn, so that turned ones are the same.
            let glyph = id.with_scale_and_position(font.scale(), point(along.round(), 0.0));
            if let Some(outline) = self.font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                outline.draw(|right, down, share| {
                    let (right, down) = (corner.x + right as f32, corner.y + down as f32);
                    let (right, down) = if turned { (down, -right - 1.0) } else { (right, down) };
                    mask.cover(f64::from(x.round() + right), f64::from(y.round() + down), share);
                });
            }
            along += font.h_advance(id);
        }
        self.paint(&mask, color, 1.0);
    }

    fn mask(&self) -> Mask {
        Mask { width: self.width, height: self.height, shares: vec![0.0; self.width * self.height] }
    }

    fn paint(&mut self, mask: &Mask, color: Color, opacity: f64) {
        for (pixel, &share) in self.pixels.iter_mut().zip(&mask.shares).filter(|(_, share)| **share > 0.0) {
            let share = f64::from(share) * opacity;
            for (below, above) in pixel.iter_mut().zip(color) {
                *below = (f64::from(*below) * (1.0 - share) + f64::from(above) * share).round() as u8;
            }
        }
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// A picture without a width or a height.
    pub(super) fn png(&self) -> Result<Vec<u8>, EncodingError> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(file)
    }
}

impl Mask {
    /// A piece of a line, between units: round at its ends, or cut off there.
    fn stroke(&mut self, ends: [Place; 2], radius: f64, cut: [bool; 2]) {
        let [(x1, y1), (x2, y2)] = ends.map(|(x, y)| (SCALE * x, SCALE * y));
        let radius = SCALE * radius;
        let length = (x2 - x1).hypot(y2 - y1);
        let (along_x, along_y) =
            if length > 0.0 { ((x2 - x1) / length, (y2 - y1) / length) } else { (0.0, 0.0) };
        let range = |one: f64, other: f64, end: usize| {
            let low = (one.min(other) - radius - 1.0).floor().clamp(0.0, end as f64);
            let high = (one.max(other) + radius + 1.0).ceil().clamp(0.0, end as f64);
            low as usize..high as usize
        };
        for row in range(y1, y2, self.height) {
            for column in range(x1, x2, self.width) {
                let (x, y) = (column as f64 + 0.5 - x1, row as f64 + 0.5 - y1);
                let along = x * along_x + y * along_y;
                let beside = (x * along_y - y * along_x).abs();
                let share = if length == 0.0 {
                    radius + 0.5 - x.hypot(y)
                } else {
                    let beyond = (-along).max(along - length).max(0.0);
                    let within = [(cut[0], along), (cut[1], length - along)];
                    let within = within.iter().filter(|(is_cut, _)| *is_cut).map(|(_, within)| *within);
                    (radius + 0.5 - beside.hypot(beyond)).min(0.5 + within.fold(f64::INFINITY, f64::min))
                };
                self.cover(column as f64, row as f64, share as f32);
            }
        }
    }

    fn cover(&mut self, column: f64, row: f64, share: f32) {
        if (0.0..self.width as f64).contains(&column) && (0.0..self.height as f64).contains(&row) {
            let pixel = &mut self.shares[row as usize * self.width + column as usize];
            *pixel = pixel.max(share.clamp(0.0, 1.0));
        }
    }
}

/// The dashes of a line.
fn dashed(places: &[Place], dashes: &[f64]) -> Vec<Vec<Place>> {
    if !dashes.iter().any(|&length| length > 0.0) {
        return vec![places.to_vec()];
    }
    let (mut pieces, mut index, mut left) = (Vec::new(), 0, dashes[0]);
    let mut piece: Vec<Place> = places.first().copied().into_iter().collect();
    for pair in places.windows(2) {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        let length = (x2 - x1).hypot(y2 - y1);
        let mut done = 0.0;
        while length - done >= left {
            done += left;
            let share = done / length;
            let place = (x1 + share * (x2 - x1), y1 + share * (y2 - y1));
            if index % 2 == 0 {
                piece.push(place);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![place];
            }
            index += 1;
            left = dashes[index % dashes.len()];
        }
        left -= length - done;
        if index % 2 == 0 {
            piece.push(pair[1]);
        }
    }
    if index % 2 == 0 {
        pieces.push(piece);
    }
    // One that begins where the line ends.
    pieces.retain(|piece| piece.iter().any(|place| *place != piece[0]));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Color = [0; 3];

    fn canvas() -> Canvas {
        Canvas::new(40.0, 20.0).expect("the font is one")
    }

    /// How much of the picture is black, in units of area.
    fn ink(canvas: &Canvas) -> f64 {
        canvas.pixels.iter().map(|pixel| 1.0 - f64::from(pixel[0]) / 255.0).sum::<f64>() / (SCALE * SCALE)
    }

    #[test]
    fn lines_and_discs_cover_their_area() {
        let mut slanted = canvas();
        slanted.line(&[(5.0, 5.0), (20.0, 9.0), (35.0, 15.0)], 2.0, &[], BLACK);
        let length = 15f64.hypot(4.0) + 15f64.hypot(6.0);
        assert!((ink(&slanted) - 2.0 * length).abs() < 0.5, "{}", ink(&slanted));
        let mut dashed = canvas();
        dashed.line(&[(5.0, 10.0), (17.0, 10.0), (35.0, 10.0)], 2.0, &[2.0, 3.0], BLACK);
        assert!((ink(&dashed) - 2.0 * 6.0 * 2.0).abs() < 0.2, "{}", ink(&dashed));
        let mut disc = canvas();
        disc.discs(&[(10.0, 10.0), (10.0, 10.0)], 4.0, BLACK, 0.5);
        assert!((ink(&disc) - 0.5 * std::f64::consts::PI * 16.0).abs() < 0.3, "{}", ink(&disc));
    }

    #[test]
    fn every_letter_is_drawn_and_those_that_are_unknown_are_boxes() {
        let drawn = |text: &str, anchor, turned| {
            let mut canvas = canvas();
            canvas.text(text, (20.0, 10.0), 10.0, anchor, turned, BLACK);
            canvas
        };
        let letters = (' '..='~').chain('\u{a1}'..='\u{ff}').chain("\u{3b1}\u{2212}\u{2013}".chars());
        let unknown = drawn("\u{4e2d}", Anchor::Middle, false);
        assert!(ink(&unknown) > 1.0);
        for letter in letters.filter(|letter| !letter.is_whitespace() && *letter != '\u{ad}') {
            let canvas = drawn(&letter.to_string(), Anchor::Middle, false);
            assert!(ink(&canvas) > 0.2 && canvas.pixels != unknown.pixels, "{letter:?}");
        }
        // As much from either side, and on its side.
        let all =
            [(Anchor::Start, false), (Anchor::End, false), (Anchor::Middle, false), (Anchor::Middle, true)];
        let inks = all.map(|(anchor, turned)| ink(&drawn("abc", anchor, turned)));
        assert!(inks.iter().all(|ink| (ink - inks[0]).abs() < 0.05), "{inks:?}");
        let right = |canvas: &Canvas| {
            let columns = canvas.pixels.iter().enumerate().filter(|(_, pixel)| pixel[0] < 128);
            columns.map(|(index, _)| index % canvas.width).max()
        };
        assert!(right(&drawn("abc", Anchor::End, false)) < Some(41));
        assert!(right(&drawn("abc", Anchor::Start, false)) > Some(60));
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let mut canvas = canvas();
        canvas.line(&[(-100.0, 10.0), (500.0, 10.0)], 1.0, &[], BLACK);
        canvas.text("outside", (39.0, 2.0), 30.0, Anchor::Start, false, BLACK);
        canvas.text("outside", (2.0, -5.0), 30.0, Anchor::Middle, true, BLACK);
        let file = canvas.png().expect("a picture");
        let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG file");
        assert_eq!((reader.info().width, reader.info().height), (80, 40));
    }
}
