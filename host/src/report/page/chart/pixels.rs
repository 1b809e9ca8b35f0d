//! A panel as a PNG file.

use super::{Chart, ENTRY, FAINT, HEIGHT, INK, LEFT, Label, Line, Surface, TITLE, WIDTH};
use crate::report::canvas::{Anchor, Canvas, Color};
use crate::report::page::look::Look;
use std::io;

/// The size of letters, as the SVG's.
const LETTERS: f64 = 12.0;
const TITLE_LETTERS: f64 = 16.0;

/// What `#rrggbb` says.
fn color(text: &str) -> Color {
    let value = u32::from_str_radix(text.trim_start_matches('#'), 16).unwrap_or(0);
    let [_, red, green, blue] = value.to_be_bytes();
    [red, green, blue]
}

fn dashes(text: &str) -> Vec<f64> {
    text.split(' ').filter_map(|length| length.parse().ok()).collect()
}

/// A canvas on which the panel begins so far down.
struct Shifted<'a> {
    canvas: &'a mut Canvas,
    down: f64,
}

impl Chart<'_> {
    /// As a file, with its title and a legend, as [`Chart::file`] has them.
    ///
    /// # Errors
    /// What an encoder refuses.
    pub(in crate::report::page) fn png(&self) -> io::Result<Vec<u8>> {
        let lines = self.explained();
        let canvas = Canvas::new(WIDTH, TITLE + HEIGHT + ENTRY * lines.len() as f64);
        let mut canvas = canvas.ok_or_else(|| io::Error::other("the font of the program cannot be read"))?;
        canvas.text(self.title, (WIDTH / 2.0, 22.0), TITLE_LETTERS, Anchor::Middle, false, color(INK));
        self.draw(&mut Shifted { canvas: &mut canvas, down: TITLE });
        for (index, line) in lines.iter().enumerate() {
            let middle = TITLE + HEIGHT + ENTRY * index as f64 + 0.4 * ENTRY;
            let sample = [(LEFT, middle), (LEFT + 34.0, middle)];
            canvas.line(&sample, 2.5, &dashes(line.look.dashes()), color(line.look.color()));
            let place = (LEFT + 42.0, middle + 4.0);
            canvas.text(line.name, place, LETTERS, Anchor::Start, false, color(INK));
        }
        canvas.png().map_err(io::Error::other)
    }
}

impl Shifted<'_> {
    fn shifted(&self, places: &[(f64, f64)]) -> Vec<(f64, f64)> {
        places.iter().map(|(x, y)| (*x, y + self.down)).collect()
    }

    fn between(&self, [x1, y1, x2, y2]: [f64; 4]) -> Vec<(f64, f64)> {
        self.shifted(&[(x1, y1), (x2, y2)])
    }
}

impl Surface for Shifted<'_> {
    fn grid(&mut self, ends: [f64; 4]) {
        self.canvas.line(&self.between(ends), 1.0, &[], color(FAINT));
    }

    fn label(&mut self, text: &str, label: Label) {
        let ((x, y), anchor, turned) = match label {
            Label::Left(x, y) => ((x, y), Anchor::End, false),
            Label::Around(x, y) => ((x, y), Anchor::Middle, false),
            Label::Turned(x, y) => ((x, y), Anchor::Middle, true),
        };
        self.canvas.text(text, (x, y + self.down), LETTERS, anchor, turned, color(INK));
    }

    fn line(&mut self, line: &Line<'_>, places: &[(f64, f64)]) {
        let (places, color) = (self.shifted(places), color(line.look.color()));
        self.canvas.line(&places, 2.0, &dashes(line.look.dashes()), color);
        // A line of one point cannot be seen.
        if places.len() == 1 {
            self.canvas.discs(&places, 4.0, color, 1.0);
        }
    }

    fn points(&mut self, look: Look, places: &[(f64, f64)]) {
        self.canvas.discs(&self.shifted(places), 2.5, color(look.color()), 0.5);
    }

    fn right(&mut self, ends: [f64; 4]) {
        self.canvas.line(&self.between(ends), 1.0, &[5.0, 4.0], color(INK));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_dashes_are_those_of_the_svg() {
        assert_eq!((color("#0072b2"), color(INK)), ([0, 0x72, 0xb2], [0x1f, 0x23, 0x28]));
        assert_eq!((dashes("none"), dashes("8 4")), (vec![], vec![8.0, 4.0]));
    }
}
