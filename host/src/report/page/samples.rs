//! The section of the samples on which models are evaluated.

use super::markup::Markup;
use super::parts::{Tile, folded, section, tiles};
use super::run::Run;
use super::tested::Tested;
use super::{classes, values};
use crate::network::Measure;

/// A run by itself, or each of several under its label.
pub(super) fn write(runs: &[Run], markup: &mut Markup) {
    if let [run] = runs {
        section("samples", &title(run), markup, |markup| content(run, markup));
        return;
    }
    section("samples", "Samples", markup, |markup| {
        for run in runs {
            let text = format!("{}: {}", run.label, title(run));
            folded(&text, run.tested.is_err(), markup, |markup| content(run, markup));
        }
    });
}

fn title(run: &Run) -> String {
    match &run.tested {
        Ok(tested) => format!("{} {} samples", tested.samples, tested.judge.name()),
        Err(_) => "no samples".to_owned(),
    }
}

fn content(run: &Run, markup: &mut Markup) {
    match &run.tested {
        Ok(tested) => {
            scores(tested, markup);
            match tested.outputs.are_values() {
                true => values::write(tested, markup),
                false => classes::write(tested, markup),
            }
        }
        Err(reason) => markup.element("p", &[("class", &"note left-out")], &format!("Left out: {reason}.")),
    }
}

/// The scores of the kept model.
fn scores(tested: &Tested, markup: &mut Markup) {
    let measure = Measure::of(&tested.outputs);
    let evaluation = &tested.evaluation;
    let score = |name: &str, share: f64| Tile::new(name, measure.show(share));
    let mut all = vec![
        score(measure.name(), evaluation.accuracy),
        Tile::new("mean loss", format!("{:.6}", evaluation.loss)),
    ];
    all.extend(evaluation.top5_accuracy.map(|share| score("top-5 accuracy", share)));
    all.extend(
        evaluation.calibration_error.map(|error| Tile::new("calibration error", format!("{error:.4}"))),
    );
    let note = format!("The run's model.safetensors on {}.", tested.data);
    markup.element("p", &[("class", &"note")], &note);
    tiles(&all, markup);
}
