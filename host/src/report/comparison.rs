//! The runs of a comparison side by side.

use crate::compare::{Better, Standing, best};
use crate::network::score::Scores;
use crate::units::bytes;
use std::fmt::Write as _;

/// Stands behind the best of a column.
const BEST: char = '*';

/// A column of numbers: for each run what is shown, and whether it is the best.
struct Column {
    title: String,
    cells: Vec<String>,
    best: Vec<bool>,
}

impl Column {
    fn plain(title: &str, cells: impl IntoIterator<Item = String>) -> Self {
        let cells: Vec<_> = cells.into_iter().collect();
        Self { title: title.to_owned(), best: vec![false; cells.len()], cells }
    }

    /// A column in which one number is better than another.
    fn ranked(
        title: &str,
        all: &[Standing],
        better: Better,
        value: impl Fn(&Standing) -> Option<f64>,
        show: impl Fn(f64) -> String,
    ) -> Self {
        let values: Vec<_> = all.iter().map(value).collect();
        let cells = values.iter().map(|value| cell(*value, &show)).collect();
        // Of one run nothing is the best.
        let best = if all.len() > 1 { best(&values, better) } else { vec![false; all.len()] };
        Self { title: title.to_owned(), cells, best }
    }
}

/// A number as text, or a dash where there is none.
fn cell(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.filter(|value| !value.is_nan()).map_or_else(|| "-".to_owned(), show)
}

/// Two tables for people: how far each run came and at which cost; its objective and residuals, and after how many sweeps
/// and seconds it first reached each of the test accuracies.
///
/// A star marks the best of each column in which numbers of different methods can be compared: an objective and its
/// residuals are each method's own. `scores` says what the accuracies are.
pub fn table(all: &[Standing], scores: Scores) -> String {
    let mut text = grid(&results(all, scores), all);
    text.push('\n');
    text.push_str(&grid(&progress(all), all));
    if all.len() > 1 {
        let _ = writeln!(
            text,
            "\n{BEST} best in its column; objectives and residuals of different methods cannot be compared"
        );
    }
    text
}

fn results(all: &[Standing], Scores { measure, judge }: Scores) -> Vec<Column> {
    let judge = judge.name();
    use Better::{High, Low};
    let share = |share: f64| measure.show(share);
    let ended = all.iter().map(|one| one.summary.outcome.to_string());
    let swept = |one: &Standing, value: f64| (one.summary.sweeps > 0).then_some(value);
    vec![
        Column::plain("ended", ended),
        Column::plain("sweeps", all.iter().map(|one| one.summary.sweeps.to_string())),
        Column::plain("seconds", all.iter().map(|one| seconds(one.summary.seconds))),
        Column::ranked("s/sweep", all, Low, Standing::seconds_per_sweep, seconds),
        Column::ranked("loss", all, Low, |one| one.loss, |loss| format!("{loss:.4}")),
        Column::ranked("training", all, High, |one| swept(one, one.summary.train_accuracy), share),
        Column::ranked(judge, all, High, |one| swept(one, one.summary.test_accuracy), share),
        Column::ranked(&format!("best {judge}"), all, High, |one| one.best_test_accuracy, share),
        Column::plain("at sweep", all.iter().map(|one| cell(one.best_test_sweep.map(|n| n as f64), count))),
        Column::ranked("state", all, Low, |one| Some(one.summary.state_bytes as f64), |n| bytes(n as usize)),
    ]
}

fn progress(all: &[Standing]) -> Vec<Column> {
    let own = |title, value: fn(&Standing) -> Option<f64>| {
        Column::plain(title, all.iter().map(|one| cell(value(one), |value| format!("{value:.3e}"))))
    };
    let mut columns = vec![
        own("objective", |one| one.loss.map(|_| one.summary.objective)),
        own("primal", |one| one.primal_residual),
        own("dual", |one| one.dual_residual),
    ];
    let accuracies = all.first().map_or(0, |one| one.reached.len());
    for index in 0..accuracies {
        let accuracy = all[0].reached[index].accuracy;
        let sweeps = |one: &Standing| one.reached[index].sweeps.map(|sweeps| sweeps as f64);
        columns.push(Column::ranked(&format!("to {accuracy}"), all, Better::Low, sweeps, count));
        let time = |one: &Standing| one.reached[index].seconds;
        columns.push(Column::ranked("seconds", all, Better::Low, time, seconds));
    }
    columns
}

fn count(number: f64) -> String {
    format!("{number:.0}")
}

/// Seconds with four digits that count, down to a tenth of a millisecond.
pub(super) fn seconds(seconds: f64) -> String {
    let decimals = if seconds < 10.0 { 4 } else { usize::from(seconds < 1000.0) * 2 };
    format!("{seconds:.decimals$}")
}

/// Columns under their titles, aligned at their right; the labels at the left.
fn grid(columns: &[Column], all: &[Standing]) -> String {
    let length = |text: &str| text.chars().count();
    let label = all.iter().map(|one| length(&one.label)).max().unwrap_or(0).max("method".len());
    let width = |column: &Column| {
        column.cells.iter().map(|cell| length(cell)).max().unwrap_or(0).max(length(&column.title))
    };
    let mut text = String::new();
    // Writing to a String cannot fail. A column is as wide as its content, two spaces before and a place for the star.
    let _ = write!(text, "{:label$}", "method");
    for column in columns {
        let _ = write!(text, "  {:>width$} ", column.title, width = width(column));
    }
    trim_end(&mut text);
    for (row, one) in all.iter().enumerate() {
        let _ = write!(text, "{:label$}", one.label);
        for column in columns {
            let star = if column.best[row] { BEST } else { ' ' };
            let _ = write!(text, "  {:>width$}{star}", column.cells[row], width = width(column));
        }
        trim_end(&mut text);
    }
    text
}

/// Ends a line without spaces at its end.
fn trim_end(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}
