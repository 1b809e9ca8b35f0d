//! A panel as SVG: its frame, its marks, and the lines or points in it.

use super::axis::Axis;
use super::look::Look;
use super::markup::Markup;
use std::fmt;

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

/// A length in pixels of the panel.
#[derive(Clone, Copy)]
struct Pixels(f64);

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (10.0 * self.0).round() / 10.0)
    }
}

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

impl Chart<'_> {
    /// As a part of a page, which gives it its width and may give it other colours.
    pub(super) fn write(&self, class: &str, markup: &mut Markup) {
        let view = format!("0 0 {WIDTH} {HEIGHT}");
        let size = [("class", &class as &dyn fmt::Display), ("viewBox", &view), ("role", &"img")];
        let named = [&size[..], &[("aria-label", &self.title), ("font-size", &12)]].concat();
        markup.within("svg", &named, |svg| self.write_panel(svg));
    }

    /// As a file, with its title and a legend.
    pub(super) fn file(&self) -> String {
        let lines = match self.content {
            Content::Lines(lines) if lines.len() > 1 => lines,
            _ => &[],
        };
        let height = TITLE + HEIGHT + ENTRY * lines.len() as f64;
        let view = format!("0 0 {WIDTH} {height}");
        let mut markup = Markup::default();
        let size: [(&str, &dyn fmt::Display); 6] = [
            ("xmlns", &"http://www.w3.org/2000/svg"),
            ("width", &WIDTH),
            ("height", &height),
            ("viewBox", &view),
            ("font-family", &"sans-serif"),
            ("font-size", &12),
        ];
        markup.within("svg", &size, |svg| {
            svg.empty("rect", &[("width", &WIDTH), ("height", &height), ("fill", &"#fff")]);
            svg.element(
                "text",
                &[
                    ("x", &(WIDTH / 2.0)),
                    ("y", &22),
                    ("text-anchor", &"middle"),
                    ("font-size", &16),
                    ("fill", &INK),
                ],
                self.title,
            );
            let down = format!("translate(0 {TITLE})");
            svg.within("g", &[("transform", &down)], |svg| self.write_panel(svg));
            for (index, line) in lines.iter().enumerate() {
                let middle = TITLE + HEIGHT + ENTRY * index as f64 + 0.4 * ENTRY;
                let place = format!("translate({LEFT} {middle})");
                svg.within("g", &[("transform", &place)], |svg| {
                    stroke(line.look, svg);
                    svg.element("text", &[("x", &42), ("y", &4), ("fill", &INK)], line.name);
                });
            }
        });
        markup.into_text()
    }

    fn write_panel(&self, svg: &mut Markup) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (mark, label) in &self.up.marks {
            let Some(y) = self.y(*mark) else { continue };
            grid(svg, [LEFT, y, right, y]);
            let (x, y) = (Pixels(LEFT - 7.0), Pixels(y + 4.0));
            svg.element("text", &[("x", &x), ("y", &y), ("text-anchor", &"end"), ("fill", &INK)], label);
        }
        for (mark, label) in &self.across.marks {
            let Some(x) = self.x(*mark) else { continue };
            grid(svg, [x, TOP, x, bottom]);
            let (x, y) = (Pixels(x), Pixels(bottom + 17.0));
            svg.element("text", &[("x", &x), ("y", &y), ("text-anchor", &"middle"), ("fill", &INK)], label);
        }
        let [across, up] = self.names;
        let (x, y) = (Pixels((LEFT + right) / 2.0), Pixels(HEIGHT - 8.0));
        svg.element("text", &[("x", &x), ("y", &y), ("text-anchor", &"middle"), ("fill", &INK)], across);
        let turned = format!("translate(14 {}) rotate(-90)", Pixels((TOP + bottom) / 2.0));
        svg.element("text", &[("transform", &turned), ("text-anchor", &"middle"), ("fill", &INK)], up);
        match &self.content {
            Content::Lines(lines) => lines.iter().for_each(|line| self.write_line(line, svg)),
            Content::Points { points, right } => self.write_points(points, right, svg),
        }
    }

    fn write_line(&self, line: &Line<'_>, svg: &mut Markup) {
        let places: Vec<_> = line.points.iter().filter_map(|point| self.place(*point)).collect();
        let text = |(x, y): &(f64, f64)| format!("{},{}", Pixels(*x), Pixels(*y));
        let points = places.iter().map(text).collect::<Vec<_>>().join(" ");
        let (class, color, dashes) = (line.look.class(), line.look.color(), line.look.dashes());
        svg.within("g", &[("class", &class), ("data-entry", &line.entry)], |svg| {
            let drawn: [(&str, &dyn fmt::Display); 6] = [
                ("points", &points),
                ("fill", &"none"),
                ("stroke", &color),
                ("stroke-width", &2),
                ("stroke-linejoin", &"round"),
                ("stroke-dasharray", &dashes),
            ];
            svg.empty("polyline", &drawn);
            // A line of one point cannot be seen.
            if let [(x, y)] = places[..] {
                let (x, y) = (Pixels(x), Pixels(y));
                let spot: [(&str, &dyn fmt::Display); 5] =
                    [("class", &"spot"), ("cx", &x), ("cy", &y), ("r", &4), ("fill", &color)];
                svg.empty("circle", &spot);
            }
        });
    }

    fn write_points(&self, points: &[(f64, f64)], right: &[(f64, f64); 2], svg: &mut Markup) {
        let look = Look::of(0, 0);
        let places = points.iter().filter_map(|point| self.place(*point));
        let path: String = places.map(|(x, y)| format!("M{} {}h0", Pixels(x), Pixels(y))).collect();
        let (class, color) = (look.class(), look.color());
        svg.within("g", &[("class", &class)], |svg| {
            let drawn: [(&str, &dyn fmt::Display); 6] = [
                ("d", &path),
                ("fill", &"none"),
                ("stroke", &color),
                ("stroke-width", &5),
                ("stroke-linecap", &"round"),
                ("stroke-opacity", &0.5),
            ];
            svg.empty("path", &drawn);
        });
        if let [Some((x1, y1)), Some((x2, y2))] = right.map(|point| self.place(point)) {
            let ends = [x1, y1, x2, y2].map(Pixels);
            let drawn: [(&str, &dyn fmt::Display); 7] = [
                ("class", &"right"),
                ("x1", &ends[0]),
                ("y1", &ends[1]),
                ("x2", &ends[2]),
                ("y2", &ends[3]),
                ("stroke", &INK),
                ("stroke-dasharray", &"5 4"),
            ];
            svg.empty("line", &drawn);
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

fn grid(svg: &mut Markup, ends: [f64; 4]) {
    let ends = ends.map(Pixels);
    let drawn: [(&str, &dyn fmt::Display); 6] = [
        ("class", &"grid"),
        ("x1", &ends[0]),
        ("y1", &ends[1]),
        ("x2", &ends[2]),
        ("y2", &ends[3]),
        ("stroke", &FAINT),
    ];
    svg.empty("line", &drawn);
}

/// A short piece of a line, for a legend.
fn stroke(look: Look, svg: &mut Markup) {
    let (color, dashes) = (look.color(), look.dashes());
    let drawn: [(&str, &dyn fmt::Display); 5] = [
        ("x2", &34),
        ("stroke", &color),
        ("stroke-width", &2.5),
        ("stroke-dasharray", &dashes),
        ("class", &"stroke"),
    ];
    svg.empty("line", &drawn);
}

/// The same as a picture of its own in a text.
pub(super) fn sample(look: Look, markup: &mut Markup) {
    let class = format!("sample {}", look.class());
    let size: [(&str, &dyn fmt::Display); 5] = [
        ("class", &class),
        ("viewBox", &"0 -5 34 10"),
        ("width", &34),
        ("height", &10),
        ("aria-hidden", &"true"),
    ];
    markup.within("svg", &size, |svg| stroke(look, svg));
}
