//! Cross-validation: a run for each part of the samples, which it is tested on.

use super::runner::{self, Tested};
use crate::cli::failure::Failure;
use crate::cli::interrupt::Interrupt;
use crate::cli::output;
use crate::data::split::Fold;
use crate::error::Error;
use crate::network::score::{Judge, Measure, Scores};
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
struct Spread {
    mean: OnTest,
    deviation: OnTest,
}

#[derive(Debug, Serialize)]
struct Overall {
    folds: usize,
    #[serde(flatten)]
    network: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    linear: Option<Spread>,
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
        let part = part(index, &summary, &tested, settings);
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

fn part(index: usize, summary: &Summary, tested: &Tested, settings: &Settings) -> Part {
    // Without samples to tell by, every sweep is scored on the part itself, and the last one counts.
    let own = match settings.judge() {
        Judge::Test => None,
        _ => tested.network,
    };
    let on_test = |test_accuracy| OnTest { test_accuracy };
    Part {
        fold: index + 1,
        sweeps: summary.sweeps,
        seconds: summary.seconds,
        network: on_test(own.map_or(summary.test_accuracy, |score| score.accuracy)),
        linear: tested.linear.map(|score| on_test(score.accuracy)),
    }
}

fn overall(parts: &[Part]) -> Overall {
    let linear: Option<Vec<OnTest>> = parts.iter().map(|part| part.linear).collect();
    Overall {
        folds: parts.len(),
        network: spread(&parts.iter().map(|part| part.network).collect::<Vec<_>>()),
        linear: linear.map(|linear| spread(&linear)),
    }
}

/// Mean, and the root of the sum of squared distances from it over one less than there are scores.
fn spread(scores: &[OnTest]) -> Spread {
    let (count, all) = (scores.len() as f64, || scores.iter().map(|score| score.test_accuracy));
    let mean = all().sum::<f64>() / count;
    let squares: f64 = all().map(|score| (score - mean) * (score - mean)).sum();
    let deviation = f64::sqrt(squares / (count - 1.0).max(1.0));
    Spread { mean: OnTest { test_accuracy: mean }, deviation: OnTest { test_accuracy: deviation } }
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
    let deviation = shown(network.deviation, linear.map(|linear| linear.deviation));
    let _ = writeln!(text, "{:<26}{mean}\n{:<26}{deviation}", "mean", "deviation");
    text
}
