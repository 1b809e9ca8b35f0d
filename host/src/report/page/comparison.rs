//! Several runs side by side: those that differ only in their seed with mean and spread.

use super::groups::{Group, groups};
use super::markup::Markup;
use super::parts::{Cell, Row, shown, table};
use super::run::Run;
use crate::compare::{Better, best};
use crate::network::{Judge, Scores};
use crate::report::comparison::seconds;
use crate::report::spread::Spread;

/// A column: its title and what stands in it for a group or a run.
struct Column {
    title: String,
    of: fn(&Run) -> Option<f64>,
    show: fn(Scores, f64) -> String,
    /// The better end, of columns that can be compared.
    better: Option<Better>,
}

/// The table of all groups and of the runs in them.
pub(super) fn write(runs: &[Run], markup: &mut Markup) {
    let groups = groups(runs);
    let columns = columns(runs);
    let titles: Vec<&str> = ["run", "method"]
        .into_iter()
        .chain(columns.iter().map(|column| column.title.as_str()))
        .chain(["sweeps", "parameters"])
        .collect();
    let spreads: Vec<Vec<Option<Spread>>> =
        columns.iter().map(|column| groups.iter().map(|group| group.spread(column.of)).collect()).collect();
    let marked: Vec<Vec<bool>> =
        columns.iter().zip(&spreads).map(|(column, all)| marked(column, all)).collect();
    let mut rows = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let scores = group.runs[0].scores();
        let cells = columns.iter().enumerate().map(|(at, column)| Cell {
            text: spreads[at][index]
                .map_or_else(|| "-".to_owned(), |spread| spread.show(|value| (column.show)(scores, value))),
            is_best: marked[at][index],
        });
        rows.push(row(group, cells.collect()));
        if group.runs.len() > 1 {
            rows.extend(group.runs.iter().map(|run| member(run, &columns)));
        }
    }
    table("comparison", "numbers", &titles, &rows, markup);
    if groups.iter().any(|group| group.runs.len() > 1) {
        markup.element(
            "p",
            &[("class", &"note")],
            "Runs that differ only in their seed stand together: mean \u{b1} standard deviation over n runs, with n - 1 in \
             the denominator.",
        );
    }
}

fn columns(runs: &[Run]) -> Vec<Column> {
    let first = runs.first().map(Run::scores);
    let alike = runs.iter().all(|run| Some(run.scores()) == first);
    let name = match first {
        Some(scores) if alike => format!("{} {}", scores.judge.name(), scores.measure.name()),
        _ => "score".to_owned(),
    };
    let better = |better| alike.then_some(better);
    let share: fn(Scores, f64) -> String = |scores, value| scores.measure.show(value);
    let mut columns = vec![
        Column {
            title: format!("final {name}"),
            of: |run| run.sweeps.last().map(|last| last.test_accuracy),
            show: share,
            better: better(Better::High),
        },
        Column {
            title: format!("best {name}"),
            of: |run| run.best().map(|best| best.test_accuracy),
            show: share,
            better: better(Better::High),
        },
        Column {
            title: "at sweep".to_owned(),
            of: |run| run.best().map(|best| best.sweep as f64),
            show: |_, value| decimals(value, 1),
            better: None,
        },
        Column {
            title: "seconds".to_owned(),
            of: |run| run.sweeps.last().map(|last| last.seconds),
            show: |_, value| seconds(value),
            better: None,
        },
    ];
    let has_own_test = |run: &Run| run.scores().judge == Judge::Validation;
    if runs.iter().any(has_own_test) {
        let of = |run: &Run| run.tested.as_ref().ok().map(|tested| tested.evaluation.accuracy);
        let measure = first.filter(|_| alike).map_or("score", |scores| scores.measure.name());
        let title = format!("test {measure} of the model");
        columns.insert(2, Column { title, of, show: share, better: better(Better::High) });
    }
    columns
}

/// A number without decimals that say nothing.
fn decimals(value: f64, count: usize) -> String {
    if value.fract() == 0.0 { value.to_string() } else { format!("{value:.count$}") }
}

/// Which groups are the best of a column; all are where there is one.
fn marked(column: &Column, spreads: &[Option<Spread>]) -> Vec<bool> {
    let means: Vec<_> = spreads.iter().map(|spread| spread.map(|spread| spread.mean)).collect();
    match column.better {
        Some(better) if spreads.len() > 1 => best(&means, better),
        _ => vec![false; spreads.len()],
    }
}

fn row(group: &Group<'_>, mut cells: Vec<Cell>) -> Row {
    let run = group.runs[0];
    let name = match group.runs.len() {
        1 => run.label.clone(),
        count => format!("{} (n = {count})", group.name()),
    };
    cells.insert(0, Cell::plain(run.settings.method.to_string()));
    cells.push(Cell::plain(if group.runs.len() == 1 { run.swept() } else { String::new() }));
    cells.push(Cell::plain(parameters(run)));
    Row { class: if group.runs.len() == 1 { "" } else { "group" }, name, cells }
}

/// A run of a group.
fn member(run: &Run, columns: &[Column]) -> Row {
    let cell = |column: &Column| shown((column.of)(run), |value| (column.show)(run.scores(), value));
    let mut cells = vec![Cell::plain(format!("seed {}", run.seed()))];
    cells.extend(columns.iter().map(|column| Cell::plain(cell(column))));
    cells.push(Cell::plain(run.swept()));
    cells.push(Cell::plain(""));
    Row { class: "member", name: run.label.clone(), cells }
}

fn parameters(run: &Run) -> String {
    run.parameters.map_or_else(|| "-".to_owned(), |count| count.to_string())
}
