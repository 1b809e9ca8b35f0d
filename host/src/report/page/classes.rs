//! How a model tells classes apart: each class, confusion, and images that it takes for another.

use super::markup::Markup;
use super::parts::{Cell, Row, scrolled, shown, table};
use super::tested::{Mistake, Tested};
use crate::network::metrics::ClassMetrics;
use crate::report::image;

/// Classes at most of which a matrix is shown.
const CLASSES: usize = 100;

pub(super) fn write(tested: &Tested, markup: &mut Markup) {
    let names = tested.outputs.names();
    markup.element("h3", &[], "Confusion matrix");
    if names.len() <= CLASSES {
        confusion(names, &tested.evaluation.confusion, markup);
    } else {
        let text = format!("left out: {} classes, of at most {CLASSES} that are shown", names.len());
        markup.element("p", &[("class", &"note")], &text);
    }
    markup.element("h3", &[], "Classes");
    classes(&tested.evaluation.classes, markup);
    if !tested.mistakes.is_empty() {
        mistakes(tested, markup);
    }
}

/// Rows are labels; what is right is shaded by its share of the row, what is wrong by its share of the largest error.
fn confusion(names: &[String], counts: &[Vec<usize>], markup: &mut Markup) {
    let wrong = counts.iter().enumerate().flat_map(|(label, row)| {
        row.iter().enumerate().filter(move |(predicted, _)| *predicted != label).map(|(_, count)| *count)
    });
    let largest = wrong.max().unwrap_or(0).max(1) as f64;
    let note = "Rows are labels, columns are predictions. Right ones are shaded by their share of the row, wrong ones by their \
                share of the largest number of errors.";
    markup.element("p", &[("class", &"note")], note);
    scrolled("confusion matrix", markup, |markup| {
        markup.within("table", &[("class", &"numbers confusion")], |markup| {
            markup.within("thead", &[], |markup| {
                markup.within("tr", &[], |markup| {
                    markup.element("td", &[], "");
                    names.iter().for_each(|name| {
                        markup.element("th", &[("scope", &"col"), ("title", name)], name);
                    });
                });
            });
            markup.within("tbody", &[], |markup| {
                for (label, (name, row)) in names.iter().zip(counts).enumerate() {
                    let samples = row.iter().sum::<usize>().max(1) as f64;
                    markup.within("tr", &[], |markup| {
                        markup.element("th", &[("scope", &"row"), ("title", name)], name);
                        for (predicted, &count) in row.iter().enumerate() {
                            let is_right = label == predicted;
                            let share = count as f64 / if is_right { samples } else { largest };
                            let style = format!("--share:{:.0}%", 100.0 * share);
                            let class = match (is_right, count) {
                                (true, _) => "hit",
                                (false, 0) => "none",
                                (false, _) => "miss",
                            };
                            let text = count.to_string();
                            markup.element("td", &[("class", &class), ("style", &style)], &text);
                        }
                    });
                }
            });
        });
    });
}

/// A row for each class, and the means over the classes.
fn classes(all: &[ClassMetrics], markup: &mut Markup) {
    let numbers = |class: &ClassMetrics| [class.precision, class.recall, class.f1, class.auroc];
    let cells = |samples: usize, numbers: [f64; 4]| {
        let shown = numbers.into_iter().map(|number| shown(Some(number), |number| format!("{number:.4}")));
        std::iter::once(samples.to_string()).chain(shown).map(Cell::plain).collect()
    };
    let row = |class: &ClassMetrics| Row {
        class: "",
        name: class.name.clone(),
        cells: cells(class.samples, numbers(class)),
    };
    let mut rows: Vec<Row> = all.iter().map(row).collect();
    let mean = |at: usize| all.iter().map(|class| numbers(class)[at]).sum::<f64>() / all.len() as f64;
    let samples = all.iter().map(|class| class.samples).sum();
    rows.push(Row {
        class: "group",
        name: "mean".to_owned(),
        cells: cells(samples, std::array::from_fn(mean)),
    });
    table("classes", "numbers", &["class", "samples", "precision", "recall", "F1", "AUROC"], &rows, markup);
}

fn mistakes(tested: &Tested, markup: &mut Markup) {
    let wrong = tested.samples
        - (0..tested.outputs.names().len())
            .map(|class| tested.evaluation.confusion[class][class])
            .sum::<usize>();
    markup.element("h3", &[], "Images taken for another class");
    let count = tested.mistakes.len();
    let all = if count == wrong { format!("All {wrong}") } else { format!("{count} of {wrong}") };
    let kind = if tested.has_probabilities { "probability" } else { "score" };
    let note = format!(
        "{all}, those first of which the network is surest: label, prediction and its {kind}, number of the sample."
    );
    markup.element("p", &[("class", &"note")], &note);
    markup.within("ul", &[("class", &"images")], |markup| {
        tested.mistakes.iter().for_each(|mistake| figure(mistake, tested, markup));
    });
}

fn figure(mistake: &Mistake, tested: &Tested, markup: &mut Markup) {
    let name = |class: usize| tested.outputs.names()[class].as_str();
    let (label, predicted) = (name(mistake.label), name(mistake.predicted));
    let certainty = match tested.has_probabilities {
        true => format!("{:.1} %", 100.0 * mistake.certainty),
        false => format!("{:.3}", mistake.certainty),
    };
    let address = image::address(&mistake.image);
    let described = format!("{label}, taken for {predicted}");
    markup.within("li", &[], |markup| {
        markup.empty("img", &[("src", &address), ("alt", &described)]);
        markup.element("span", &[("class", &"pair")], &format!("{label} \u{2192} {predicted}"));
        markup.element("span", &[], &certainty);
        markup.element("span", &[("class", &"number")], &format!("#{}", mistake.sample));
    });
}
