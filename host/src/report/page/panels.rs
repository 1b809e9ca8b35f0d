//! The section of the curves: their legend, their panels, and what the script shows of them.

use super::chart;
use super::curves::looks;
use super::figure::{Curve, Figure, Point};
use super::look::Look;
use super::markup::{Attributes, Markup};
use super::run::Run;
use crate::report::curves::Against;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Display;

pub(super) fn write(runs: &[Run], figures: &[Figure], markup: &mut Markup) {
    if figures.is_empty() {
        markup.element("p", &[("class", &"note")], "No sweep was finished.");
        return;
    }
    switch(markup);
    if runs.len() > 1 {
        let looks = looks(runs);
        let names = runs.iter().map(|run| run.label.as_str());
        legend(names.zip(looks).enumerate(), markup);
        if runs.iter().any(|run| run.settings.method != runs[0].settings.method) {
            let note = "Objectives and residuals of different methods cannot be compared.";
            markup.element("p", &[("class", &"note")], note);
        }
    }
    markup.within("div", &[("class", &"figures")], |markup| {
        figures.iter().for_each(|figure| panel(figure, runs.len() == 1, markup));
    });
}

/// What curves stand against; they change places without the script.
fn switch(markup: &mut Markup) {
    for (id, text) in [("over-sweeps", "against sweeps"), ("over-seconds", "against seconds")] {
        let input = [("type", &"radio" as &dyn Display), ("name", &"over"), ("id", &id)];
        let checked: Attributes<'_> = if id == "over-sweeps" { &[("checked", &"checked")] } else { &[] };
        markup.empty("input", &[&input[..], checked].concat());
        markup.element("label", &[("class", &"switch"), ("for", &id)], text);
    }
}

/// `has_legend` says that the curves are those of one run; a curve with the panel's name needs none.
fn panel(figure: &Figure, has_legend: bool, markup: &mut Markup) {
    markup.within("figure", &[("id", &figure.id), ("class", &"curves")], |markup| {
        markup.element("figcaption", &[], &figure.title);
        let is_named = figure.curves.iter().any(|curve| curve.name != figure.title);
        if has_legend && is_named {
            let entry = |curve: &'_ Curve| (curve.entry, curve.look);
            let names = figure.curves.iter().map(|curve| curve.name.as_str());
            let entries = figure.curves.iter().map(entry).zip(names);
            legend(entries.map(|((entry, look), name)| (entry, (name, look))), markup);
        }
        markup.within("div", &[("class", &"plot")], |markup| {
            figure.drawn(Against::Sweeps, |chart| chart.write("chart over-sweeps", markup));
            figure.drawn(Against::Seconds, |chart| chart.write("chart over-seconds", markup));
        });
    });
}

/// Entries that show and hide curves.
fn legend<'a>(entries: impl Iterator<Item = (usize, (&'a str, Look))>, markup: &mut Markup) {
    markup.within("div", &[("class", &"legend")], |markup| {
        for (entry, (name, look)) in entries {
            markup.within("label", &[], |markup| {
                markup.empty(
                    "input",
                    &[("type", &"checkbox"), ("checked", &"checked"), ("data-entry", &entry)],
                );
                chart::sample(look, markup);
                markup.element("span", &[], name);
            });
        }
    });
}

/// What the script shows of a figure.
#[derive(Serialize)]
pub(super) struct Points<'a> {
    percent: bool,
    lines: Vec<LinePoints<'a>>,
}

#[derive(Serialize)]
struct LinePoints<'a> {
    name: &'a str,
    sweep: Vec<f64>,
    seconds: Vec<f64>,
    value: Vec<f64>,
}

pub(super) fn points(figures: &[Figure]) -> BTreeMap<&str, Points<'_>> {
    let line = |curve: &'_ Curve| {
        let each = |of: fn(&Point) -> f64| curve.points.iter().map(of).collect();
        (each(|point| point.sweep), each(|point| point.seconds), each(|point| point.value))
    };
    let lines = |figure: &'_ Figure| figure.curves.iter().map(line).collect::<Vec<_>>();
    let named = |figure| -> (&str, Points<'_>) {
        let figure: &Figure = figure;
        let names = figure.curves.iter().map(|curve| curve.name.as_str());
        let lines = names.zip(lines(figure)).map(|(name, (sweep, seconds, value))| LinePoints {
            name,
            sweep,
            seconds,
            value,
        });
        (&figure.id, Points { percent: figure.percent, lines: lines.collect() })
    };
    figures.iter().map(named).collect()
}
