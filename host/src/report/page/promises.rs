//! The section of what is promised of runs, as `altmin verify --run` has found it.

use super::markup::Markup;
use super::parts::{Cell, Row, folded, table};
use super::run::Run;
use crate::report::promises::Promises;
use altmin_verify::{METHODS, Promise, Verdict};
use std::collections::BTreeMap;

/// A run by itself, or each of several under its label.
pub(super) fn write(runs: &[Run], markup: &mut Markup) {
    if let [run] = runs {
        content(run, markup);
    } else if runs.iter().all(|run| matches!(run.promises, Ok(None))) {
        note(NONE_CHECKED, markup);
    } else {
        for run in runs {
            folded(&format!("{}: {}", run.label, summary(run)), is_broken(run), markup, |markup| {
                content(run, markup)
            });
        }
    }
}

const NONE_CHECKED: &str = "None were checked. `altmin verify --run RUN` checks those of a run and keeps what it finds in the run's folder.";

fn note(text: &str, markup: &mut Markup) {
    markup.element("p", &[("class", &"note")], text);
}

fn is_broken(run: &Run) -> bool {
    matches!(&run.promises, Ok(Some(promises)) if promises.count(Verdict::Broken) > 0)
}

fn summary(run: &Run) -> String {
    match &run.promises {
        Ok(None) => "not checked".to_owned(),
        Ok(Some(promises)) => counts(promises),
        Err(_) => "not readable".to_owned(),
    }
}

fn counts(promises: &Promises) -> String {
    let [held, broken, without] =
        [Verdict::Held, Verdict::Broken, Verdict::NotPromised].map(|verdict| promises.count(verdict));
    format!("{held} held, {broken} broken, {without} not promised")
}

fn content(run: &Run, markup: &mut Markup) {
    match &run.promises {
        Ok(Some(promises)) => found(promises, &run.values, markup),
        Ok(None) if !METHODS.contains(&run.settings.method) => {
            let names = METHODS.map(|method| method.to_string()).join(", ");
            note(&format!("No theorem is checked of {}, but of {names}.", run.settings.method), markup);
        }
        Ok(None) => note(NONE_CHECKED, markup),
        Err(reason) => markup.element("p", &[("class", &"note left-out")], &format!("Left out: {reason}.")),
    }
}

fn found(promises: &Promises, run: &BTreeMap<String, String>, markup: &mut Markup) {
    note(&format!("{} in {}.", counts(promises), promises.title), markup);
    let differing = promises.differing(run);
    let text = match differing.is_empty() {
        true => "The settings are those of the run.".to_owned(),
        false => {
            let each = differing.iter().map(|(key, run, here)| format!("{key} {here} instead of {run}"));
            format!("Where the settings are not those of the run: {}.", each.collect::<Vec<_>>().join("; "))
        }
    };
    note(&text, markup);
    if let Some(stopped) = &promises.stopped {
        note(&format!("The run that was followed ended early, at {stopped}."), markup);
    }
    let titles =
        ["promise", "verdict", "largest violation", "allowed for rounding", "at", "checks", "from", "more"];
    let rows: Vec<Row> = promises.promises.iter().map(row).collect();
    table("promises", "settings", &titles, &rows, markup);
}

fn row(promise: &Promise) -> Row {
    let verdict = match promise.verdict {
        Verdict::Held => "held",
        Verdict::Broken => "BROKEN",
        Verdict::NotPromised => "not promised",
    };
    let is_checked = promise.checks > 0;
    let number = |value: f64| match value {
        _ if !is_checked => "-".to_owned(),
        0.0 => "0".to_owned(),
        value if value.is_finite() => format!("{value:.1e}"),
        _ => "no number".to_owned(),
    };
    let is_violated = is_checked && promise.violation != 0.0;
    let place = match promise.layer {
        _ if !is_violated => "-".to_owned(),
        None => format!("sweep {}", promise.sweep),
        Some(layer) => format!("sweep {}, layer {layer}", promise.sweep),
    };
    let needs = promise.needs.as_ref().map(|needs| format!("needs {needs}"));
    let departure = promise.departure.as_ref().map(|how| format!("departs from the paper: {how}"));
    let more: Vec<String> = needs.into_iter().chain(promise.detail.clone()).chain(departure).collect();
    let cells = [
        verdict.to_owned(),
        number(promise.violation),
        number(if is_violated { promise.allowed } else { 0.0 }),
        place,
        promise.checks.to_string(),
        promise.source.clone(),
        more.join("; "),
    ];
    Row {
        class: if promise.verdict == Verdict::Broken { "miss-row" } else { "" },
        name: promise.statement.clone(),
        cells: cells.into_iter().map(Cell::plain).collect(),
    }
}
