//! Cross-validation: a run for each part of the samples, which it is tested on.

use super::runner::{self, Tested};
use crate::cli::failure::Failure;
use crate::cli::interrupt::Interrupt;
use crate::cli::output;
use crate::data::split::Fold;
use crate::error::Error;
use crate::network::score::{Measure, Scores};
use crate::report::spread::Spread;
use crate::run::observe::{Observers, Outcome, Summary};
use crate::settings::Settings;
use serde::Serialize;
use std::fmt::Write as _;

/// The score of a model on a part of the samples, or what comes of several.
#[derive(Debug, Clone, Copy, Serialize)]
struct OnTest {
    test_accuracy: f64,
}

/// A part of the samples and how a network that was trained on the others does on it.
#[derive(Debug, Serialize)]
struct Part {
    fold: usize,
    sweeps: usize,
    seconds: f64,
    #[serde(flatten)]
    network: OnTest,
    #[serde(skip_serializing_if = "Option::is_none")]
    linear: Option<OnTest>,
}

/// Mean and standard deviation over the parts.
#[derive(Debug, Clone, Copy, Serialize)]
struct OverParts {
    mean: OnTest,
    /// Of two parts and more, which there are.
    deviation: Option<OnTest>,
}

#[derive(Debug, Serialize)]
struct Overall {
    folds: usize,
    #[serde(flatten)]
    network: OverParts,
    #[serde(skip_serializing_if = "Option::is_none")]
    linear: Option<OverParts>,
}

/// Runs with each of `count` parts left out in turn and returns the exit code.
///
/// # Errors
/// As a single run; [`Error::Argument`] (`cross-validate`) for a number of parts that the samples do
/// not have.
pub(super) fn run(
    settings: &Settings,
    count: usize,
    json: bool,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<u8, Failure> {
    if settings.holdout {
        let expected = "false: with --cross-validate every sample is tested on in its turn";
        return Err(Error::argument("holdout", true, expected).into());
    }
    if let Some(test) = &settings.test {
        let expected = "none: with --cross-validate every sample is tested on in its turn";
        return Err(Error::argument("test", test.display(), expected).into());
    }
    let scores = Scores::on_test(settings.measure());
    let mut parts = Vec::new();
    for index in 0..count.max(1) {
        let mut trainer = runner::load(settings, Some(Fold { index, count }))?;
        let summary = trainer.run(&mut Observers::new(), interrupt.stop())?;
        if matches!(summary.outcome, Outcome::Stopped | Outcome::Diverged) {
            return Ok(runner::exit_code(&summary, settings, Vec::new(), interrupt));
        }
        let tested = trainer.test(interrupt.stop())?;
        let part = part(index, &summary, &tested);
        if json {
            output::print_scores("fold", &part, scores)?;
        }
        parts.push(part);
    }
    let overall = overall(&parts);
    if json {
        output::print_scores("cross-validation", &overall, scores)?;
    } else if !quiet {
        output::print(&text(&parts, &overall, scores.measure))?;
    }
    Ok(0)
}

fn part(index: usize, summary: &Summary, tested: &Tested) -> Part {
    let on_test = |test_accuracy| OnTest { test_accuracy };
    // Without samples to tell by, every sweep is scored on the part itself, and the last one counts.
    let network = tested.network.map_or(summary.test_accuracy, |score| score.accuracy);
    Part {
        fold: index + 1,
        sweeps: summary.sweeps,
        seconds: summary.seconds,
        network: on_test(network),
        linear: tested.linear.map(|score| on_test(score.accuracy)),
    }
}

fn overall(parts: &[Part]) -> Overall {
    let linear: Option<Vec<OnTest>> = parts.iter().map(|part| part.linear).collect();
    Overall {
        folds: parts.len(),
        network: over_parts(&parts.iter().map(|part| part.network).collect::<Vec<_>>()),
        linear: linear.map(|linear| over_parts(&linear)),
    }
}

fn over_parts(scores: &[OnTest]) -> OverParts {
    let on_test = |test_accuracy| OnTest { test_accuracy };
    let Spread { mean, deviation } =
        Spread::of(&scores.iter().map(|score| score.test_accuracy).collect::<Vec<_>>());
    OverParts { mean: on_test(mean), deviation: deviation.map(on_test) }
}

/// A row for each part, and one for all.
fn text(parts: &[Part], overall: &Overall, measure: Measure) -> String {
    const WIDTH: usize = 13;
    let show = |score: OnTest| format!("  {:>WIDTH$}", measure.show(score.test_accuracy));
    let shown = |network: OnTest, linear: Option<OnTest>| show(network) + &linear.map_or(String::new(), show);
    let name = format!("test {}", measure.name());
    let mut text = format!("{:<9}  sweeps  seconds  {name:>WIDTH$}", "fold");
    text.push_str(if overall.linear.is_some() { "   linear model\n" } else { "\n" });
    for Part { fold, sweeps, seconds, network, linear } in parts {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{fold:<9}  {sweeps:>6}  {seconds:>7.3}{}", shown(*network, *linear));
    }
    let Overall { network, linear, .. } = overall;
    let mean = shown(network.mean, linear.map(|linear| linear.mean));
    let _ = writeln!(text, "{:<26}{mean}", "mean");
    if let Some(deviation) = network.deviation {
        let deviation = shown(deviation, linear.and_then(|linear| linear.deviation));
        let _ = writeln!(text, "{:<26}{deviation}", "deviation");
    }
    text
}
