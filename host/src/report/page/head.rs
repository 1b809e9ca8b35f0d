//! What was trained on what, and what came of it.

use super::markup::Markup;
use super::parts::{Tile, shown, tiles};
use super::run::Run;
use crate::network::Judge;
use crate::report::comparison::seconds;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

/// Methods and data sets in the title at most.
const LISTED: usize = 4;

/// The title of the page.
pub(super) fn title(runs: &[Run]) -> String {
    let listed = |of: fn(&Run) -> String| {
        let all: BTreeSet<String> = runs.iter().map(of).collect();
        let rest = all.len().saturating_sub(LISTED);
        let names = all.into_iter().take(LISTED).collect::<Vec<_>>().join(", ");
        if rest == 0 { names } else { format!("{names} and {rest} more") }
    };
    let (methods, data) = (listed(|run| run.settings.method.to_string()), listed(data_name));
    match runs.len() {
        1 => format!("{methods} on {data}"),
        count => format!("{count} runs on {data}: {methods}"),
    }
}

/// A data set without the folders above it; the settings have its whole path.
fn data_name(run: &Run) -> String {
    let whole = run.settings.data.to_string();
    Path::new(&whole).file_name().map_or_else(|| whole.clone(), |name| name.to_string_lossy().into_owned())
}

/// The first lines of the page.
pub(super) fn write(runs: &[Run], markup: &mut Markup) {
    markup.within("header", &[], |markup| {
        markup.element("h1", &[], &title(runs));
        if let [run] = runs {
            let value = |key: &str| run.values.get(key).map_or("", String::as_str);
            let network = match run.settings.network {
                Some(_) => format!("network {}", value("network")),
                None => format!("hidden layers {}, {}", value("hidden"), value("activation")),
            };
            markup.element(
                "p",
                &[("class", &"about")],
                &format!("{} \u{b7} {network} \u{b7} {}", run.label, run.settings.loss),
            );
        }
        let written: Vec<_> = runs.iter().filter_map(|run| run.written).collect();
        if let (Some(first), Some(last)) = (written.iter().min(), written.iter().max()) {
            let (first, last) = (time(*first), time(*last));
            let text =
                if first == last { format!("ended {last}") } else { format!("ended {first} to {last}") };
            markup.element("p", &[("class", &"about")], &text);
        }
    });
}

/// To the minute; a file may say that it is from a time that no calendar has.
fn time(time: SystemTime) -> String {
    let known = Timestamp::try_from(time).map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string());
    known.unwrap_or_else(|_| "at an unknown time".to_owned())
}

/// Scores, time and size of a single run.
pub(super) fn scores(run: &Run, markup: &mut Markup) {
    let scores = run.scores();
    let (measure, judge) = (scores.measure, scores.judge.name());
    let name = measure.name();
    let show = |share: f64| measure.show(share);
    let last = run.sweeps.last();
    let best = match run.best() {
        Some(best) => (show(best.test_accuracy), format!("after sweep {}", best.sweep)),
        None => ("-".to_owned(), String::new()),
    };
    let mut all = vec![
        Tile::new(format!("final {judge} {name}"), shown(last.map(|last| last.test_accuracy), show)),
        Tile::new(format!("best {judge} {name}"), best.0).with_note(best.1),
    ];
    // What sweeps are not scored on is scored once, with the model that was kept.
    if let (Ok(tested), Judge::Validation) = (&run.tested, scores.judge) {
        let title = format!("{} {name}", tested.judge.name());
        all.push(Tile::new(title, show(tested.evaluation.accuracy)).with_note("of the model that was kept"));
    }
    all.extend([
        Tile::new(format!("training {name}"), shown(last.map(|last| last.train_accuracy), show)),
        Tile::new("seconds", shown(last.map(|last| last.seconds), seconds)),
        Tile::new("sweeps", run.swept()),
        Tile::new("parameters", run.parameters.map_or_else(|| "-".to_owned(), |count| count.to_string())),
    ]);
    tiles(&all, markup);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_to_the_minute_and_may_be_beyond_any_calendar() {
        let after = |seconds| time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(after(1_790_000_000), "2026-09-21 14:13 UTC");
        assert_eq!(after(10_000_000_000_000), "at an unknown time");
    }
}
