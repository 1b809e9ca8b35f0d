//! What the view shows, as a picture of letters; how it comes to a terminal is [`screen`](super::screen)'s.

use super::series::Series;
use crate::network::score::{Measure, Scores};
use crate::report::curves::LOWEST;
use crate::report::progress::figures;
use crate::run::observe::Metrics;
use crate::units::printable;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::{Constraint, Layout, Rect};
use ratatui_core::style::{Color, Style};
use ratatui_core::symbols::Marker;
use ratatui_core::text::{Line, Span};
use ratatui_core::widgets::Widget;
use ratatui_widgets::block::Block;
use ratatui_widgets::chart::{Axis, Chart, Dataset, GraphType};
use std::collections::BTreeMap;
use std::time::Duration;

/// A picture has at least so many columns and lines.
pub(super) const SMALLEST: (u16, u16) = (60, 13);
/// More lines make curves no clearer.
pub(super) const TALLEST: u16 = 20;
/// From so many columns on the objective has a pane of its own.
const THREE_PANES: u16 = 120;

/// From this ratio of the largest to the smallest value on an axis is logarithmic.
const WIDE: f64 = 20.0;

const TRAINING: Color = Color::Cyan;
const JUDGED: Color = Color::Yellow;
const OBJECTIVE: Color = Color::Green;

/// What there is to show of a run.
#[derive(Debug)]
pub(super) struct Picture {
    title: String,
    scores: Scores,
    total: usize,
    last: Option<Metrics>,
    best: Option<f64>,
    /// The present values of what schedules have changed.
    changed: BTreeMap<&'static str, f64>,
    objective: Series,
    loss: Series,
    training: Series,
    judged: Series,
}

/// Times of a run, since it began or went on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) gone: Duration,
    /// None before the first sweep.
    pub(super) left: Option<Duration>,
}

impl Picture {
    /// Before the first of at most `total` sweeps.
    pub(super) fn new(title: &str, total: usize, scores: Scores) -> Self {
        Self {
            title: printable(title).into_owned(),
            scores,
            total,
            last: None,
            best: None,
            changed: BTreeMap::new(),
            objective: Series::new(),
            loss: Series::new(),
            training: Series::new(),
            judged: Series::new(),
        }
    }

    pub(super) fn sweep(&mut self, metrics: &Metrics) {
        let at = metrics.sweep as f64;
        self.objective.push(at, metrics.objective);
        self.loss.push(at, metrics.loss);
        self.training.push(at, metrics.train_accuracy);
        self.judged.push(at, metrics.test_accuracy);
        let score = metrics.test_accuracy;
        // The best sweep of values is that of the lowest loss, which is not known here.
        if self.scores.measure == Measure::Accuracy && !score.is_nan() {
            self.best = Some(self.best.map_or(score, |best| best.max(score)));
        }
        self.last = Some(*metrics);
    }

    pub(super) fn change(&mut self, setting: &'static str, to: f64) {
        self.changed.insert(setting, to);
    }

    /// Sweeps done.
    pub(super) fn done(&self) -> usize {
        self.last.map_or(0, |metrics| metrics.sweep)
    }

    /// Sweeps that are still to be done, at most.
    pub(super) fn left(&self) -> usize {
        self.total.saturating_sub(self.done())
    }

    /// Draws it; the size is at least [`SMALLEST`].
    pub(super) fn draw(&self, times: Times, area: Rect, buffer: &mut Buffer) {
        let lines = flowed(&self.items(times), area.width);
        let [panes, text] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(lines.len() as u16)]).areas(area);
        for (line, row) in lines.iter().zip(text.rows()) {
            Line::raw(line).render(row, buffer);
        }
        let [training, judged] = ["train", self.scores.judge.name()];
        let loss = Pane::wide("training loss", [("", TRAINING, &self.loss)]);
        let score = Pane::scores(
            self.scores.measure,
            [(training, TRAINING, &self.training), (judged, JUDGED, &self.judged)],
        );
        if area.width >= THREE_PANES {
            let objective = Pane::wide("objective", [("", OBJECTIVE, &self.objective)]);
            let areas: [Rect; 3] = Layout::horizontal([Constraint::Fill(1); 3]).areas(panes);
            [objective, loss, score].iter().zip(areas).for_each(|(pane, area)| pane.draw(area, buffer));
        } else {
            let areas: [Rect; 2] = Layout::horizontal([Constraint::Fill(1); 2]).areas(panes);
            [loss, score].iter().zip(areas).for_each(|(pane, area)| pane.draw(area, buffer));
        }
    }

    /// What is said in words, the most important first.
    fn items(&self, Times { gone, left }: Times) -> Vec<String> {
        let mut items = vec![self.title.clone(), format!("sweep {} of {}", self.done(), self.total)];
        items.push(format!("{} gone", shown(gone)));
        items.extend(left.map(|left| format!("{} left", shown(left))));
        if let Some(metrics) = &self.last {
            items.extend(figures(metrics, self.scores, &self.changed));
        }
        items.extend(self.best.map(|best| format!("best {}", self.scores.measure.show(best))));
        items
    }
}

/// A duration in whole seconds, minutes or hours.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Items side by side in lines of this width; one that is wider is cut off by the picture's edge.
fn flowed(items: &[String], width: u16) -> Vec<String> {
    const BETWEEN: &str = "   ";
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line)
                if Span::raw(&*line).width() + BETWEEN.len() + Span::raw(item).width() <= width.into() =>
            {
                line.push_str(BETWEEN);
                line.push_str(item);
            }
            _ => lines.push(item.clone()),
        }
    }
    lines
}

/// Curves with axes and what they are called.
struct Pane<'a> {
    title: Line<'a>,
    logarithmic: bool,
    /// Lowest and highest place up, logarithms on a logarithmic axis.
    up: (f64, f64),
    label: fn(f64, f64) -> String,
    curves: Vec<(Color, Vec<(f64, f64)>)>,
}

impl<'a> Pane<'a> {
    /// Of values that may be of any size.
    fn wide<const N: usize>(title: &'a str, curves: [(&'a str, Color, &Series); N]) -> Self {
        let mut points = curves.map(|(_, color, series)| (color, series.points()));
        let values = || points.iter().flat_map(|(_, points)| points).map(|point| point.1);
        let positive = ends(values().filter(|value| *value > 0.0));
        let logarithmic =
            values().all(|value| value >= 0.0) && positive.is_some_and(|(low, high)| high >= WIDE * low);
        let up = if logarithmic {
            positive.map(|(low, high)| (low.log10(), high.log10()))
        } else {
            ends(values())
        };
        if logarithmic {
            for (_, points) in &mut points {
                points.retain(|point| point.1 > 0.0);
                points.iter_mut().for_each(|point| point.1 = point.1.log10());
            }
        }
        let title = Line::from_iter(names(title, curves.iter().map(|(name, color, _)| (*name, *color))));
        Self { title, logarithmic, up: with_room(up), label: number, curves: points.into() }
    }

    /// Of scores, which have no logarithms; an R^2 far below 0 is not shown.
    fn scores<const N: usize>(measure: Measure, curves: [(&'a str, Color, &Series); N]) -> Self {
        let mut points = curves.map(|(_, color, series)| (color, series.points()));
        points.iter_mut().for_each(|(_, points)| points.retain(|point| point.1 >= LOWEST));
        let up = ends(points.iter().flat_map(|(_, points)| points).map(|point| point.1));
        let title = names(measure.name(), curves.iter().map(|(name, color, _)| (*name, *color)));
        let label = if measure == Measure::Accuracy { percent } else { number };
        Self {
            title: Line::from_iter(title),
            logarithmic: false,
            up: with_room(up),
            label,
            curves: points.into(),
        }
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let places = self.curves.iter().flat_map(|(_, points)| points).map(|point| point.0);
        let (first, last) = ends(places).unwrap_or((1.0, 1.0));
        let across = (first, last.max(first + 1.0));
        let (low, high) = self.up;
        let labels = [low, (low + high) / 2.0, high].map(|value| {
            let back = |value: f64| if self.logarithmic { 10f64.powf(value) } else { value };
            (self.label)(back(value), if self.logarithmic { 0.0 } else { high - low })
        });
        let sweeps = [across.0, across.1].map(|sweep| format!("{sweep}"));
        let curves = self.curves.iter().enumerate().map(|(index, (color, points))| {
            // So that they are told apart without colours too.
            let marker = if index == 0 { Marker::Braille } else { Marker::Dot };
            let kind = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
            Dataset::default().marker(marker).graph_type(kind).style(Style::new().fg(*color)).data(points)
        });
        Chart::new(curves.collect())
            .block(Block::bordered().title(self.title.clone()))
            .legend_position(None)
            .x_axis(Axis::default().bounds([across.0, across.1]).labels(sweeps))
            .y_axis(Axis::default().bounds([low, high]).labels(labels))
            .render(area, buffer);
    }
}

/// A pane's title: what the curves are, and which is which.
fn names<'a>(title: &'a str, curves: impl Iterator<Item = (&'a str, Color)>) -> Vec<Span<'a>> {
    let mut spans = vec![Span::raw(" "), Span::raw(title), Span::raw(" ")];
    for (index, (name, color)) in curves.filter(|(name, _)| !name.is_empty()).enumerate() {
        // As much as a picture of the smallest width has room for.
        let sign = if index == 0 { "\u{2812}" } else { "\u{2022}" };
        spans.extend([Span::styled(sign, Style::new().fg(color)), Span::raw(name), Span::raw(" ")]);
    }
    spans
}

/// The smallest and the largest value, if there are any.
fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// Ends of an axis on which there is something between them.
fn with_room(ends: Option<(f64, f64)>) -> (f64, f64) {
    let (low, high) = ends.unwrap_or((0.0, 1.0));
    let room = (0.01 * low.abs().max(high.abs())).max(1e-9);
    if high - low < room { (low - room, high + room) } else { (low, high) }
}

/// A value with the digits that tell it from one that is a tenth of `span` away.
fn number(value: f64, span: f64) -> String {
    let size = value.abs().max(span);
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else {
        let apart = if span > 0.0 { span / 10.0 } else { value.abs() / 100.0 };
        let decimals = (-apart.log10().floor()).clamp(0.0, 4.0) as usize;
        format!("{value:.decimals$}")
    }
}

/// The same of a share in percent.
fn percent(share: f64, span: f64) -> String {
    let decimals = (-(10.0 * span).log10().floor()).clamp(0.0, 2.0) as usize;
    format!("{:.decimals$} %", 100.0 * share)
}

#[cfg(test)]
mod tests;
