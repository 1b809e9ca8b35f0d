//! The settings of runs, those that differ first.

use super::markup::Markup;
use super::parts::{Cell, Row, folded, table};
use super::run::Run;
use std::collections::BTreeSet;

pub(super) fn write(runs: &[Run], markup: &mut Markup) {
    let keys: BTreeSet<&str> = runs.iter().flat_map(|run| run.values.keys()).map(String::as_str).collect();
    let is_shared = |key: &&str| runs.iter().all(|run| run.values.get(*key) == runs[0].values.get(*key));
    let (shared, own): (Vec<&str>, Vec<&str>) = keys.into_iter().partition(is_shared);
    if !own.is_empty() {
        let titles: Vec<&str> =
            std::iter::once("setting").chain(runs.iter().map(|run| run.label.as_str())).collect();
        folded(&format!("Those that differ ({})", own.len()), true, markup, |markup| {
            table("settings that differ", "settings", &titles, &rows(&own, runs), markup);
        });
    }
    let title = if runs.len() == 1 { "All" } else { "Those that are the same" };
    folded(&format!("{title} ({})", shared.len()), false, markup, |markup| {
        let first = &runs[..1];
        table("settings", "settings", &["setting", "value"], &rows(&shared, first), markup);
    });
}

fn rows(keys: &[&str], runs: &[Run]) -> Vec<Row> {
    let cells = |key: &str| {
        let value = |run: &Run| Cell::plain(run.values.get(key).map_or("", String::as_str));
        runs.iter().map(value).collect()
    };
    keys.iter().map(|key| Row { class: "", name: (*key).to_owned(), cells: cells(key) }).collect()
}
