//! What a search has found, for people: a table in Markdown, and the curves of the last runs.

use super::curves;
use super::markdown::markdown;
use crate::network::score::Measure;
use crate::search::{Configuration, Contest, Findings, Search, Standing};
use std::fmt::Write as _;

/// The rungs of each method in a line, and a table of all configurations that ran, the best of each method first: their
/// settings, the last rung in which they ran, and what they did there. Below it, where a best setting is at the edge of what was
/// tried.
pub fn table(search: &Search, all: &[Findings]) -> String {
    let measure = search.common().measure();
    let mut text = String::new();
    for findings in all {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", rungs(findings));
    }
    let score = match measure {
        Measure::Accuracy => "held-out accuracy",
        Measure::RSquared => "held-out loss",
    };
    let mut rows = vec![
        ["method", "settings", "rung", "sweeps", "operations", "seconds", score].map(str::to_owned).to_vec(),
    ];
    for (findings, contest) in all.iter().zip(search.contests()) {
        rows.extend(findings.standings.iter().map(|standing| row(standing, findings, contest, measure)));
    }
    text.push('\n');
    text.push_str(&markdown(&rows, 2));
    let edges: Vec<_> =
        all.iter().zip(search.contests()).flat_map(|(one, contest)| edges(one, contest)).collect();
    if !edges.is_empty() {
        let _ = writeln!(text, "\n{}", edges.join("\n"));
    }
    text
}

/// `- adam: 5 configurations for 3 sweeps, 2 for 9`, and where it was stopped.
fn rungs(findings: &Findings) -> String {
    let sweeps = || findings.lengths.iter().map(|length| length.sweeps);
    let (shortest, longest) = (sweeps().min().unwrap_or(0), sweeps().max().unwrap_or(0));
    let count = |number: usize, name: &str| {
        if number == 1 { format!("1 {name}") } else { format!("{number} {name}s") }
    };
    let mut text = format!("- {}: ", findings.method);
    for (index, rung) in findings.rungs.iter().enumerate() {
        let (few, many) = (rung.sweeps(shortest), rung.sweeps(longest));
        let range = if few == many { String::new() } else { format!("{few} to ") };
        let _ = match index {
            0 => write!(
                text,
                "{} for {range}{}",
                count(rung.configurations, "configuration"),
                count(many, "sweep")
            ),
            _ => write!(text, ", {} for {range}{many}", rung.configurations),
        };
    }
    if !findings.complete {
        text.push_str("; stopped before the end");
    }
    text
}

/// Where the best of a method is at the edge of three numbers or more that were tried of a setting, and may lie beyond.
fn edges(findings: &Findings, contest: &Contest) -> Vec<String> {
    let numbers = |configuration: &Configuration| -> Vec<(String, f64)> {
        let number = |(key, value): (&str, &str)| Some((key.to_owned(), value.parse().ok()?));
        configuration.values().filter_map(number).collect()
    };
    let tried: Vec<(String, f64)> = contest.configurations.iter().flat_map(numbers).collect();
    let best = findings.standings.first().filter(|best| findings.complete && best.place.score.is_some());
    let best = best.map(|best| numbers(&contest.configurations[best.place.configuration]));
    let edge = |(key, value): (String, f64)| {
        let mut values: Vec<f64> =
            tried.iter().filter(|(other, _)| *other == key).map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        // Each of two is at an edge.
        let which = match values[..] {
            [lowest, _, .., _] if value == lowest => "lowest",
            [_, _, .., highest] if value == highest => "highest",
            _ => return None,
        };
        Some(format!("- {}: the best {key} is the {which} that was tried", findings.method))
    };
    best.into_iter().flatten().filter_map(edge).collect()
}

fn row(standing: &Standing, findings: &Findings, contest: &Contest, measure: Measure) -> Vec<String> {
    let Standing { place, runs } = standing;
    let configuration = &contest.configurations[place.configuration];
    let settings = if configuration.text.is_empty() { "-" } else { &configuration.text };
    let score = match (place.score, measure) {
        (None, _) => "diverged".to_owned(),
        (Some(score), Measure::Accuracy) => measure.show(score),
        (Some(score), Measure::RSquared) => format!("{score:.6}"),
    };
    vec![
        findings.method.to_string(),
        settings.to_owned(),
        format!("{} of {}", place.rung + 1, findings.rungs.len()),
        runs.first().map_or(0, |run| run.sweeps).to_string(),
        format!("{:.3e}", runs.iter().map(|run| run.operations).sum::<f64>()),
        format!("{:.3}", runs.iter().map(|run| run.seconds).sum::<f64>()),
        score,
    ]
}

/// The configurations of the last rungs over the operations that they took, with the first seed: the accuracy or R^2 on the
/// held-out samples, as the text of an SVG file.
///
/// # Errors
/// The plotter's message.
pub fn curves(search: &Search, all: &[Findings]) -> Result<String, String> {
    let mut lines = Vec::new();
    for (findings, contest) in all.iter().zip(search.contests()) {
        let last =
            findings.standings.iter().filter(|standing| standing.place.rung + 1 == findings.rungs.len());
        for Standing { place, runs } in last {
            let operations = findings.lengths[place.configuration].operations;
            let course = runs.first().map_or(&[][..], |run| &run.course);
            let points = course
                .iter()
                .enumerate()
                .map(|(sweep, score)| ((sweep + 1) as f64 * operations, score.unwrap_or(f64::NAN)));
            lines.push((contest.configurations[place.configuration].label(), points.collect()));
        }
    }
    let settings = search.common();
    let measure = settings.measure();
    curves::shares(
        &format!("search on {}", settings.data),
        &format!("held-out {}", measure.name()),
        "operations",
        &lines,
    )
}
