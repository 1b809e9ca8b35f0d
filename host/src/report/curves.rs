//! Objective, residuals and accuracies as pictures: of one run against sweeps, of several against sweeps or seconds.

mod panel;

use crate::network::score::Scores;
use crate::run::observe::Metrics;
use panel::{Area, Curve, Drawn, FONT, Look, Panel, Value};
pub(super) use panel::{LARGEST, LOWEST, thinned};
use plotters::prelude::*;

const SIZE: (u32, u32) = (900, 1080);

/// Height of a panel of several runs, of a line of their legend and of their title; and columns of the legend.
const PANEL_HEIGHT: u32 = 300;
const LEGEND_HEIGHT: u32 = 24;
const TITLE_HEIGHT: u32 = 40;
const LEGEND_COLUMNS: usize = 3;

/// What the curves of several runs stand over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The number of the sweep.
    Sweeps,
    /// Seconds that sweeps have taken, without the metrics.
    Seconds,
}

impl Against {
    pub(super) fn name(self) -> &'static str {
        match self {
            Against::Sweeps => "sweep",
            Against::Seconds => "seconds",
        }
    }

    fn place(self) -> Value {
        match self {
            Against::Sweeps => |metrics| metrics.sweep as f64,
            Against::Seconds => |metrics| metrics.seconds,
        }
    }
}

/// The sweeps of a run under a name.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its name in the legend.
    pub label: &'a str,
    /// Every sweep.
    pub sweeps: &'a [Metrics],
}

/// The curves of a run as the text of an SVG file.
///
/// Objective and residuals have a logarithmic axis where all their values are above 0. Values that are not finite are
/// left out. `scores` says what the accuracies are; of R^2, which has no lower bound, what is below -1 is left out.
///
/// # Errors
/// The plotter's message.
pub fn svg(title: &str, sweeps: &[Metrics], scores: Scores) -> Result<String, String> {
    drawn(SIZE, |area| one(area, title, sweeps, scores))
}

/// The curves of several runs, by label, in five panels: objective, primal and dual residual, training and test accuracy,
/// or what `scores` has in their place.
///
/// The first three have a logarithmic axis where no value is below 0, without those that are 0. Values that are not
/// finite are left out.
///
/// # Errors
/// The plotter's message.
pub fn comparison(title: &str, all: &[Line<'_>], against: Against, scores: Scores) -> Result<String, String> {
    let legend = LEGEND_HEIGHT * all.len().div_ceil(LEGEND_COLUMNS) as u32;
    let size = (SIZE.0, TITLE_HEIGHT + legend + 5 * PANEL_HEIGHT);
    drawn(size, |area| several(area, title, all, against, scores))
}

/// Lines of accuracies or R^2 under the title, each with its name, in one panel: `share` is what they are, `over` what they
/// stand over. Values that are not finite are left out, and what is below -1.
///
/// # Errors
/// The plotter's message.
pub fn shares(
    title: &str,
    share: &str,
    over: &str,
    lines: &[(String, Vec<(f64, f64)>)],
) -> Result<String, String> {
    let legend = LEGEND_HEIGHT * lines.len() as u32;
    drawn((SIZE.0, TITLE_HEIGHT + legend + PANEL_HEIGHT), |area| {
        let area = area.titled(title, (FONT, 22))?;
        let (names, area) = area.split_vertically(legend);
        for (index, (name, _)) in lines.iter().enumerate() {
            let place = (20, LEGEND_HEIGHT as i32 * index as i32 + LEGEND_HEIGHT as i32 / 2);
            Look::marked(index).explain(&names, place, name)?;
        }
        let end = lines.iter().flat_map(|(_, points)| points.last()).map(|point| point.0).fold(0.0, f64::max);
        let curves = lines
            .iter()
            .enumerate()
            .map(|(index, (name, points))| Curve::through(name, Look::marked(index), points.iter().copied()));
        Panel { name: share, over, end, legend: false }.draw_shares(&area, curves.collect())
    })
}

fn drawn(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        draw(&area).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(text)
}

fn one(area: &Area<'_>, title: &str, sweeps: &[Metrics], Scores { measure, judge }: Scores) -> Drawn {
    let area = area.titled(title, (FONT, 22))?;
    let panels = area.split_evenly((3, 1));
    let end = sweeps.last().map_or(1.0, |last| last.sweep as f64);
    let panel = |name| Panel { name, over: Against::Sweeps.name(), end, legend: true };
    let curve =
        |name, look, value| Curve::new(name, Look::plain(look), sweeps, Against::Sweeps.place(), value);
    panel("objective").draw_wide(&panels[0], vec![curve("objective", 0, |m| m.objective)])?;
    let residuals = vec![curve("primal", 0, |m| m.primal_residual), curve("dual", 1, |m| m.dual_residual)];
    panel("residual").draw_wide(&panels[1], residuals)?;
    let accuracies =
        vec![curve("training", 0, |m| m.train_accuracy), curve(judge.name(), 1, |m| m.test_accuracy)];
    panel(measure.name()).draw_shares(&panels[2], accuracies)
}

fn several(
    area: &Area<'_>,
    title: &str,
    all: &[Line<'_>],
    against: Against,
    Scores { measure, judge }: Scores,
) -> Drawn {
    let area = area.titled(title, (FONT, 22))?;
    let (legend, area) = area.split_vertically(LEGEND_HEIGHT * all.len().div_ceil(LEGEND_COLUMNS) as u32);
    let width = SIZE.0 as i32 / LEGEND_COLUMNS as i32;
    for (index, series) in all.iter().enumerate() {
        let (row, column) = ((index / LEGEND_COLUMNS) as i32, (index % LEGEND_COLUMNS) as i32);
        let place = (20 + column * width, LEGEND_HEIGHT as i32 * row + LEGEND_HEIGHT as i32 / 2);
        Look::marked(index).explain(&legend, place, series.label)?;
    }
    let panels = area.split_evenly((5, 1));
    let ends = all.iter().filter_map(|series| series.sweeps.last()).map(against.place());
    let end = ends.fold(0.0, f64::max);
    let curves = |value: Value| -> Vec<Curve<'_>> {
        let each = all.iter().enumerate();
        each.map(|(index, series)| {
            Curve::new(series.label, Look::marked(index), series.sweeps, against.place(), value)
        })
        .collect()
    };
    let panel = |name| Panel { name, over: against.name(), end, legend: false };
    let wide: [(&str, Value); 3] = [
        ("objective", |m| m.objective),
        ("primal residual", |m| m.primal_residual),
        ("dual residual", |m| m.dual_residual),
    ];
    for (area, (name, value)) in panels.iter().zip(wide) {
        panel(name).draw_wide(area, without_zeros(curves(value)))?;
    }
    let [training, test] = ["training", judge.name()].map(|part| format!("{part} {}", measure.name()));
    panel(&training).draw_shares(&panels[3], curves(|m| m.train_accuracy))?;
    panel(&test).draw_shares(&panels[4], curves(|m| m.test_accuracy))
}

/// The curves without what stands in the way of a logarithmic axis, if that is zeros alone: a method without a residual
/// has one of 0, and the others are still to be seen.
fn without_zeros(mut curves: Vec<Curve<'_>>) -> Vec<Curve<'_>> {
    if !curves.iter().any(Curve::falls_below_zero) {
        curves.iter_mut().for_each(Curve::leave_out_zeros);
    }
    curves
}
