//! A panel: its frame, its marks, and the lines or points in it, as SVG or as pixels.

mod pixels;
mod svg;

use super::axis::Axis;
use super::look::Look;
pub(super) use svg::sample;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// Of a file with a title, and with a line for each entry of its legend.
const TITLE: f64 = 34.0;
const ENTRY: f64 = 22.0;

const INK: &str = "#1f2328";
const FAINT: &str = "#d9dde2";

/// A line of a panel.
pub(super) struct Line<'a> {
    /// The entry of the legend that shows and hides it.
    pub(super) entry: usize,
    pub(super) look: Look,
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64)>,
}

/// What a panel shows.
pub(super) enum Content<'a> {
    Lines(&'a [Line<'a>]),
    /// Points, and the line of the points that would be right, from end to end.
    Points {
        points: &'a [(f64, f64)],
        right: [(f64, f64); 2],
    },
}

/// A panel.
pub(super) struct Chart<'a> {
    /// What it is, for those who do not see it, and in files.
    pub(super) title: &'a str,
    /// What stands along its lower and its left side.
    pub(super) names: [&'a str; 2],
    pub(super) across: &'a Axis,
    pub(super) up: &'a Axis,
    pub(super) content: Content<'a>,
}

/// Where a text stands.
#[derive(Clone, Copy)]
enum Label {
    /// At the left of this place.
    Left(f64, f64),
    /// Around this place.
    Around(f64, f64),
    /// Around this place, from below.
    Turned(f64, f64),
}

/// What a panel is drawn on; places are in units of the panel.
trait Surface {
    /// A line of the grid, between two places.
    fn grid(&mut self, ends: [f64; 4]);
    fn label(&mut self, text: &str, label: Label);
    fn line(&mut self, line: &Line<'_>, places: &[(f64, f64)]);
    fn points(&mut self, look: Look, places: &[(f64, f64)]);
    /// The line of the points that would be right.
    fn right(&mut self, ends: [f64; 4]);
}

impl Chart<'_> {
    /// The lines that a legend explains.
    fn explained(&self) -> &[Line<'_>] {
        match self.content {
            Content::Lines(lines) if lines.len() > 1 => lines,
            _ => &[],
        }
    }

    fn draw(&self, surface: &mut impl Surface) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (mark, label) in &self.up.marks {
            let Some(y) = self.y(*mark) else { continue };
            surface.grid([LEFT, y, right, y]);
            surface.label(label, Label::Left(LEFT - 7.0, y + 4.0));
        }
        for (mark, label) in &self.across.marks {
            let Some(x) = self.x(*mark) else { continue };
            surface.grid([x, TOP, x, bottom]);
            surface.label(label, Label::Around(x, bottom + 17.0));
        }
        let [across, up] = self.names;
        surface.label(across, Label::Around((LEFT + right) / 2.0, HEIGHT - 8.0));
        surface.label(up, Label::Turned(14.0, (TOP + bottom) / 2.0));
        let places = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points.iter().filter_map(|point| self.place(*point)).collect()
        };
        match &self.content {
            Content::Lines(lines) => lines.iter().for_each(|line| surface.line(line, &places(&line.points))),
            Content::Points { points, right } => {
                surface.points(Look::of(0, 0), &places(points));
                if let [Some((x1, y1)), Some((x2, y2))] = right.map(|point| self.place(point)) {
                    surface.right([x1, y1, x2, y2]);
                }
            }
        }
    }

    fn place(&self, (across, up): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.x(across)?, self.y(up)?))
    }

    fn x(&self, value: f64) -> Option<f64> {
        self.across.place(value).map(|place| LEFT + place * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, value: f64) -> Option<f64> {
        self.up.place(value).map(|place| HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM))
    }
}
