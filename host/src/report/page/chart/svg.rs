//! A panel as SVG.

use super::{Chart, ENTRY, FAINT, HEIGHT, INK, LEFT, Label, Line, Surface, TITLE, WIDTH};
use crate::report::page::look::Look;
use crate::report::page::markup::Markup;
use std::fmt;

/// A length in pixels of the panel.
#[derive(Clone, Copy)]
struct Pixels(f64);

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (10.0 * self.0).round() / 10.0)
    }
}

impl Chart<'_> {
    /// As a part of a page, which gives it its width and may give it other colours.
    pub(in crate::report::page) fn write(&self, class: &str, markup: &mut Markup) {
        let view = format!("0 0 {WIDTH} {HEIGHT}");
        let size = [("class", &class as &dyn fmt::Display), ("viewBox", &view), ("role", &"img")];
        let named = [&size[..], &[("aria-label", &self.title), ("font-size", &12)]].concat();
        markup.within("svg", &named, |svg| self.draw(svg));
    }

    /// As a file, with its title and a legend.
    pub(in crate::report::page) fn file(&self) -> String {
        let lines = self.explained();
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
            svg.within("g", &[("transform", &down)], |svg| self.draw(svg));
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
}

impl Surface for Markup {
    fn grid(&mut self, ends: [f64; 4]) {
        let ends = ends.map(Pixels);
        let drawn: [(&str, &dyn fmt::Display); 6] = [
            ("class", &"grid"),
            ("x1", &ends[0]),
            ("y1", &ends[1]),
            ("x2", &ends[2]),
            ("y2", &ends[3]),
            ("stroke", &FAINT),
        ];
        self.empty("line", &drawn);
    }

    fn label(&mut self, text: &str, label: Label) {
        let (x, y, anchor) = match label {
            Label::Left(x, y) => (Pixels(x), Pixels(y), "end"),
            Label::Around(x, y) => (Pixels(x), Pixels(y), "middle"),
            Label::Turned(x, y) => {
                let turned = format!("translate({} {}) rotate(-90)", Pixels(x), Pixels(y));
                let drawn: [(&str, &dyn fmt::Display); 3] =
                    [("transform", &turned), ("text-anchor", &"middle"), ("fill", &INK)];
                return self.element("text", &drawn, text);
            }
        };
        self.element("text", &[("x", &x), ("y", &y), ("text-anchor", &anchor), ("fill", &INK)], text);
    }

    fn line(&mut self, line: &Line<'_>, places: &[(f64, f64)]) {
        let text = |(x, y): &(f64, f64)| format!("{},{}", Pixels(*x), Pixels(*y));
        let points = places.iter().map(text).collect::<Vec<_>>().join(" ");
        let (class, color, dashes) = (line.look.class(), line.look.color(), line.look.dashes());
        self.within("g", &[("class", &class), ("data-entry", &line.entry)], |svg| {
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
            if let &[(x, y)] = places {
                let (x, y) = (Pixels(x), Pixels(y));
                let spot: [(&str, &dyn fmt::Display); 5] =
                    [("class", &"spot"), ("cx", &x), ("cy", &y), ("r", &4), ("fill", &color)];
                svg.empty("circle", &spot);
            }
        });
    }

    fn points(&mut self, look: Look, places: &[(f64, f64)]) {
        let path: String = places.iter().map(|(x, y)| format!("M{} {}h0", Pixels(*x), Pixels(*y))).collect();
        let (class, color) = (look.class(), look.color());
        self.within("g", &[("class", &class)], |svg| {
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
    }

    fn right(&mut self, ends: [f64; 4]) {
        let ends = ends.map(Pixels);
        let drawn: [(&str, &dyn fmt::Display); 7] = [
            ("class", &"right"),
            ("x1", &ends[0]),
            ("y1", &ends[1]),
            ("x2", &ends[2]),
            ("y2", &ends[3]),
            ("stroke", &INK),
            ("stroke-dasharray", &"5 4"),
        ];
        self.empty("line", &drawn);
    }
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
pub(in crate::report::page) fn sample(look: Look, markup: &mut Markup) {
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
