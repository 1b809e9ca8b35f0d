//! Objective, residuals and accuracies against sweeps, as a picture.

use crate::observe::Metrics;
use crate::score::Measure;
use plotters::prelude::*;
use std::ops::Range;

const SIZE: (u32, u32) = (900, 1080);
const PANELS: usize = 3;
const FONT: &str = "sans-serif";

/// Values from here on are left out as infinite ones are: axes must be able to reach beyond what they show.
const LARGEST: f64 = 1e300;

/// R^2 below this is left out: a first sweep may be at -1000.
const LOWEST: f64 = -1.0;

/// A line of a panel.
struct Curve {
    name: &'static str,
    color: RGBColor,
    points: Vec<(f64, f64)>,
}

/// Blue, orange and green that people who confuse red and green can tell apart (Okabe, Ito).
const COLORS: [RGBColor; 3] = [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115)];

/// The curves as the text of an SVG file.
///
/// Objective and residuals have a logarithmic axis where all their values are above 0. Values that are not finite are
/// left out. `measure` says what the accuracies are; of R^2, which has no lower bound, what is below -1 is left out.
///
/// # Errors
/// The plotter's message.
pub fn svg(title: &str, sweeps: &[Metrics], measure: Measure) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, title, sweeps, measure).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(area: &Area<'_>, title: &str, sweeps: &[Metrics], measure: Measure) -> Drawn {
    area.fill(&WHITE)?;
    let area = area.titled(title, (FONT, 22))?;
    let panels = area.split_evenly((PANELS, 1));
    let range = 0.0..sweeps.last().map_or(1.0, |last| last.sweep as f64);
    let curve = |name, color: usize, value: fn(&Metrics) -> f64| Curve {
        name,
        color: COLORS[color],
        points: sweeps
            .iter()
            .map(|m| (m.sweep as f64, value(m)))
            .filter(|point| point.1.abs() < LARGEST)
            .collect(),
    };
    panel(&panels[0], "objective", &range, vec![curve("objective", 0, |m| m.objective)])?;
    let residuals = vec![curve("primal", 0, |m| m.primal_residual), curve("dual", 1, |m| m.dual_residual)];
    panel(&panels[1], "residual", &range, residuals)?;
    let mut accuracies = [curve("training", 0, |m| m.train_accuracy), curve("test", 1, |m| m.test_accuracy)];
    for curve in &mut accuracies {
        curve.points.retain(|point| point.1 >= LOWEST);
    }
    let axis = bounds(&accuracies).start.min(0.0)..1.0;
    chart(&panels[2], measure.name(), &range, axis, &accuracies, &label)
}

/// A panel whose axis is logarithmic if it can be: the curves' logarithms on an even axis, labelled as what they are.
fn panel(area: &Area<'_>, name: &str, range: &Range<f64>, mut curves: Vec<Curve>) -> Drawn {
    if bounds(&curves).start > 0.0 {
        for point in curves.iter_mut().flat_map(|curve| &mut curve.points) {
            point.1 = point.1.log10();
        }
        return chart(area, name, range, widened(bounds(&curves)), &curves, &|power| {
            label(two_digits(10f64.powf(power)))
        });
    }
    chart(area, name, range, widened(bounds(&curves)), &curves, &label)
}

/// The smallest and the largest value; 0 to 1 where there is none.
fn bounds(curves: &[Curve]) -> Range<f64> {
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

fn chart(
    area: &Area<'_>,
    name: &str,
    range: &Range<f64>,
    axis: Range<f64>,
    curves: &[Curve],
    label: &dyn Fn(f64) -> String,
) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(90)
        .build_cartesian_2d(range.clone(), axis)?;
    chart
        .configure_mesh()
        .x_desc("sweep")
        .y_desc(name)
        .x_label_formatter(&|sweep| format!("{sweep}"))
        .y_label_formatter(&|value| label(*value))
        .label_style((FONT, 14))
        .axis_desc_style((FONT, 16))
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.15))
        .draw()?;
    for Curve { name, color, points } in curves {
        let style = color.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    if curves.len() > 1 {
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
    use super::{label, two_digits};

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
}
