//! A panel of curves against sweeps or against seconds.

use super::axis::{Axis, Unit, ends};
use super::chart::{Chart, Content, Line};
use super::look::Look;
use crate::network::Measure;
use crate::report::curves::{Against, LOWEST};

/// A point of a curve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) sweep: f64,
    pub(super) seconds: f64,
    pub(super) value: f64,
}

/// A curve of a panel.
pub(super) struct Curve {
    /// The entry of the legend that shows and hides it.
    pub(super) entry: usize,
    pub(super) look: Look,
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// A panel over sweeps or over seconds.
pub(super) struct Figure {
    /// Its name in the page and as a file.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) percent: bool,
    up: Axis,
    pub(super) curves: Vec<Curve>,
}

impl Figure {
    /// Without what has no place on its axis, and without curves that are 0 throughout, as residuals of methods without any are;
    /// none if that is everything. `measure` is what values are that are scores.
    pub(super) fn new(
        id: String,
        title: String,
        measure: Option<Measure>,
        mut curves: Vec<Curve>,
    ) -> Option<Self> {
        if measure.is_none() {
            curves.retain(|curve| curve.points.iter().any(|point| point.value != 0.0));
        }
        let values = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.value);
        let up = match measure {
            None => Axis::wide(values()),
            Some(measure) => {
                let unit = if measure == Measure::Accuracy { Unit::Percent } else { Unit::Number };
                let (low, high) = ends(values().filter(|value| *value >= LOWEST));
                Axis::score(low, high, unit)
            }
        };
        curves.iter_mut().for_each(|curve| curve.points.retain(|point| up.place(point.value).is_some()));
        curves.retain(|curve| !curve.points.is_empty());
        let percent = measure == Some(Measure::Accuracy);
        (!curves.is_empty()).then_some(Self { id, title, percent, up, curves })
    }

    /// Calls `draw` with the panel.
    pub(super) fn drawn<R>(&self, against: Against, draw: impl FnOnce(&Chart<'_>) -> R) -> R {
        let at = |point: &Point| match against {
            Against::Sweeps => point.sweep,
            Against::Seconds => point.seconds,
        };
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        let across = Axis::over(ends(points.map(at)).1, against == Against::Sweeps);
        let line = |curve: &'_ Curve| curve.points.iter().map(|point| (at(point), point.value)).collect();
        let lines: Vec<Line<'_>> = self
            .curves
            .iter()
            .map(|curve| {
                let Curve { entry, look, ref name, .. } = *curve;
                Line { entry, look, name, points: line(curve) }
            })
            .collect();
        draw(&Chart {
            title: &self.title,
            names: [against.name(), if self.percent { "" } else { &self.title }],
            across: &across,
            up: &self.up,
            content: Content::Lines(&lines),
        })
    }
}
