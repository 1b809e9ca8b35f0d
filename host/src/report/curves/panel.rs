//! A panel of curves over one axis.

use crate::run::observe::Metrics;
use plotters::element::ComposedElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

pub(super) const FONT: &str = "sans-serif";

/// Values from here on are left out as infinite ones are: axes must be able to reach beyond what they show.
pub(in crate::report) const LARGEST: f64 = 1e300;

/// An axis that ends before a nanosecond shows nothing, and its marks could not be told apart.
const SMALLEST_END: f64 = 1e-9;

/// Points of a curve at most, twice what its panel has pixels.
const MOST_POINTS: usize = 2_000;

/// Markers along a curve at most.
const MARKERS: usize = 8;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// What is taken of a sweep.
pub(super) type Value = fn(&Metrics) -> f64;

/// A line of a panel.
pub(super) struct Curve<'a> {
    name: &'a str,
    look: Look,
    points: Vec<(f64, f64)>,
}

impl<'a> Curve<'a> {
    /// One value of every sweep over `at`; without what is not finite.
    pub(super) fn new(name: &'a str, look: Look, sweeps: &[Metrics], at: Value, value: Value) -> Self {
        Self::through(name, look, sweeps.iter().map(|metrics| (at(metrics), value(metrics))))
    }

    /// A line through these points; without those that are not finite.
    pub(super) fn through(name: &'a str, look: Look, points: impl Iterator<Item = (f64, f64)>) -> Self {
        let points = points.filter(|point| point.0.abs() < LARGEST && point.1.abs() < LARGEST).collect();
        Self { name, look, points: thinned(points, |point| *point) }
    }

    /// Whether a value is below 0.
    pub(super) fn falls_below_zero(&self) -> bool {
        self.points.iter().any(|point| point.1 < 0.0)
    }

    /// Leaves out what a logarithmic axis cannot show.
    pub(super) fn leave_out_zeros(&mut self) {
        self.points.retain(|point| point.1 != 0.0);
    }
}

/// The lowest and the highest of every stretch of a long curve, so that neither peaks nor the file's size get lost; `place` says
/// where a point is.
pub(in crate::report) fn thinned<P: Copy>(points: Vec<P>, place: fn(&P) -> (f64, f64)) -> Vec<P> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let stretch = points.len().div_ceil(MOST_POINTS / 2);
    let extremes = |points: &[P]| {
        let order = |a: &&P, b: &&P| place(a).1.total_cmp(&place(b).1);
        let (low, high) = (points.iter().min_by(order), points.iter().max_by(order));
        let mut both: Vec<P> = low.into_iter().chain(high).copied().collect();
        both.sort_by(|a, b| place(a).0.total_cmp(&place(b).0));
        both
    };
    points.chunks(stretch).flat_map(extremes).collect()
}

/// Colour and marker of a curve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    color: RGBColor,
    /// Which curve of a panel it is: one of many has markers, by number.
    marker: Option<usize>,
}

/// Colours on white that people who confuse red and green can tell apart (Okabe, Ito): blue, orange, green, purple,
/// vermilion, sky blue, black. Their yellow is too pale; grey and wine make nine.
const COLORS: [RGBColor; 9] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(145, 145, 145),
    RGBColor(136, 34, 85),
];

/// Corners of the markers, in pixels: square, triangle, diamond, inverted triangle, hourglass.
const SHAPES: [&[(i32, i32)]; 5] = [
    &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
    &[(0, -5), (5, 4), (-5, 4)],
    &[(0, -6), (6, 0), (0, 6), (-6, 0)],
    &[(0, 5), (5, -4), (-5, -4)],
    &[(-4, -5), (4, -5), (-4, 5), (4, 5)],
];

impl Look {
    /// A plain line.
    pub(super) fn plain(index: usize) -> Self {
        Self { color: COLORS[index % COLORS.len()], marker: None }
    }

    /// A line with markers. 90 differ in colour, in the marker's shape or in whether it is filled; the first 9 in colour and
    /// in one of the others.
    pub(super) fn marked(index: usize) -> Self {
        Self { marker: Some(index), ..Self::plain(index) }
    }

    fn line(self) -> ShapeStyle {
        self.color.stroke_width(2)
    }

    /// The marker at a place; none for a plain line.
    fn mark<'s, C>(self, place: C) -> Option<Mark<'s, C>> {
        let index = self.marker?;
        let corners = SHAPES[index % SHAPES.len()].to_vec();
        let outline: Vec<_> = corners.iter().chain(corners.first()).copied().collect();
        let filled = (index / SHAPES.len()).is_multiple_of(2);
        let fill = if filled { self.color } else { WHITE };
        let empty = EmptyElement::at(place);
        Some(
            empty
                + Polygon::new(corners, fill.filled())
                + PathElement::new(outline, self.color.stroke_width(2)),
        )
    }

    /// A short piece of the line with its marker and the curve's name, for a legend of one's own.
    pub(super) fn explain(self, area: &Area<'_>, (x, y): (i32, i32), name: &str) -> Drawn {
        area.draw(&PathElement::new([(x, y), (x + 30, y)], self.line()))?;
        if let Some(mark) = self.mark((x + 15, y)) {
            area.draw(&mark)?;
        }
        let style = TextStyle::from((FONT, 15).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(name, (x + 38, y), style))?;
        Ok(())
    }
}

/// A filled shape with an outline around a place.
type Mark<'s, C> = ComposedElement<C, SVGBackend<'s>, Polygon<(i32, i32)>, PathElement<(i32, i32)>>;

/// What is the same for a panel's curves.
pub(super) struct Panel<'a> {
    /// What its axis shows.
    pub(super) name: &'a str,
    /// What the curves run over.
    pub(super) over: &'a str,
    /// The highest value of that.
    pub(super) end: f64,
    /// Whether the curves are explained inside the panel.
    pub(super) legend: bool,
}

/// R^2 below this is left out: a first sweep may be at -1000.
pub(in crate::report) const LOWEST: f64 = -1.0;

impl Panel<'_> {
    /// Draws with a logarithmic axis if there can be one: the curves' logarithms on an even axis, labelled as what they
    /// are.
    pub(super) fn draw_wide(&self, area: &Area<'_>, mut curves: Vec<Curve<'_>>) -> Drawn {
        if bounds(&curves).start > 0.0 {
            for point in curves.iter_mut().flat_map(|curve| &mut curve.points) {
                point.1 = point.1.log10();
            }
            let power = |power: f64| label(two_digits(10f64.powf(power)));
            return self.draw(area, widened(bounds(&curves)), &curves, &power);
        }
        self.draw(area, widened(bounds(&curves)), &curves, &label)
    }

    /// Draws accuracies, from 0 to 1, or R^2, whose axis goes down to -1 where there are such values.
    pub(super) fn draw_shares(&self, area: &Area<'_>, mut curves: Vec<Curve<'_>>) -> Drawn {
        for curve in &mut curves {
            curve.points.retain(|point| point.1 >= LOWEST);
        }
        let low = bounds(&curves).start.min(0.0);
        self.draw(area, low..1.0, &curves, &label)
    }

    fn draw(
        &self,
        area: &Area<'_>,
        axis: Range<f64>,
        curves: &[Curve<'_>],
        label_value: &dyn Fn(f64) -> String,
    ) -> Drawn {
        let end = if (SMALLEST_END..LARGEST).contains(&self.end) { self.end } else { 1.0 };
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(90)
            .build_cartesian_2d(0.0..end, axis)?;
        chart
            .configure_mesh()
            .x_desc(self.over)
            .y_desc(self.name)
            .x_label_formatter(&|place| if self.over == "sweep" { format!("{place}") } else { label(*place) })
            .y_label_formatter(&|value| label_value(*value))
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 16))
            .light_line_style(WHITE)
            .bold_line_style(BLACK.mix(0.15))
            .draw()?;
        for Curve { name, look, points } in curves {
            let style = look.line();
            chart
                .draw_series(LineSeries::new(points.iter().copied(), style))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
            chart.draw_series(spots(points, *look).filter_map(|place| look.mark(place)))?;
        }
        if self.legend && curves.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::MiddleRight)
                .background_style(WHITE.mix(0.85))
                .border_style(BLACK.mix(0.3))
                .label_font((FONT, 14))
                .draw()?;
        }
        Ok(())
    }
}

/// Where a curve has its markers: spread over it, at other places than its neighbours', and at its last point.
fn spots(points: &[(f64, f64)], look: Look) -> impl Iterator<Item = (f64, f64)> + '_ {
    let apart = points.len().div_ceil(MARKERS).max(1);
    let first = look.marker.map_or(0, |index| index * apart / MARKERS % apart);
    let last = points.len().saturating_sub(1);
    points.iter().enumerate().filter(move |(i, _)| i % apart == first || *i == last).map(|(_, point)| *point)
}

/// The smallest and the largest value; 0 to 1 where there is none.
fn bounds(curves: &[Curve<'_>]) -> Range<f64> {
    let values = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low > high { 0.0..1.0 } else { low..high }
}

/// A range with room at both ends, wide enough that its marks differ in the numbers' last digits.
fn widened(range: Range<f64>) -> Range<f64> {
    let size = range.start.abs().max(range.end.abs());
    let margin = (0.05 * (range.end - range.start)).max(0.01 * size).max(1e-12);
    range.start - margin..range.end + margin
}

/// A number at an axis: plain between a hundredth and ten thousand, else with an exponent.
fn label(value: f64) -> String {
    if value == 0.0 || (0.01..1e4).contains(&value.abs()) {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}")
    }
}

/// The nearest number with two digits that count: marks at even logarithms are no round numbers.
fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithmic_marks_have_two_digits() {
        assert_eq!(
            [1258.925, 0.063_096, 10.0].map(|value| label(two_digits(value))),
            ["1300", "0.063", "10"]
        );
    }

    #[test]
    fn labels_are_short() {
        let labels = [0.0, 0.25, 100.0, 12345.0, 0.001, -2.5].map(label);
        assert_eq!(labels, ["0", "0.25", "100", "1.2e4", "1.0e-3", "-2.5"]);
    }

    #[test]
    fn a_thinned_curve_keeps_its_extremes_and_its_order() {
        let mut points: Vec<_> = (0..1_000_000).map(|i| (f64::from(i), 0.5)).collect();
        (points[123_456].1, points[654_321].1) = (9.0, -9.0);
        let thin = thinned(points, |point| *point);
        assert!(thin.len() <= MOST_POINTS && thin.len() > MOST_POINTS / 4);
        assert!(thin.contains(&(123_456.0, 9.0)) && thin.contains(&(654_321.0, -9.0)));
        assert!(thin.is_sorted_by_key(|point| point.0));
    }

    #[test]
    fn nine_looks_differ_in_colour_and_in_marker() {
        for i in 0..9 {
            for j in 0..i {
                assert_ne!(Look::marked(i).color, Look::marked(j).color, "{i} {j}");
                let marker = |i: usize| (SHAPES[i % SHAPES.len()], i / SHAPES.len() % 2);
                assert_ne!(marker(i), marker(j), "{i} {j}");
            }
        }
    }
}
