//! How a model predicts values: its errors, and predictions and residuals of every output.

use super::axis::{Axis, Unit, ends};
use super::chart::{Chart, Content};
use super::markup::Markup;
use super::parts::{Cell, Row, shown, table};
use super::tested::Tested;
use crate::network::evaluate::OutputError;
use crate::units::rounded;

/// Outputs at most of which there are plots.
const PLOTTED: usize = 12;

/// A plot's name as a file, its title, what stands along its sides, and its points.
pub(super) struct Plot {
    pub(super) id: String,
    title: String,
    names: [&'static str; 2],
    points: Vec<(f64, f64)>,
    axes: [Axis; 2],
    right: [(f64, f64); 2],
}

impl Plot {
    /// Calls `draw` with the plot.
    pub(super) fn drawn<R>(&self, draw: impl FnOnce(&Chart<'_>) -> R) -> R {
        let [across, up] = &self.axes;
        let content = Content::Points { points: &self.points, right: self.right };
        draw(&Chart { title: &self.title, names: self.names, across, up, content })
    }
}

/// Two plots for each of the first outputs.
pub(super) fn plots(tested: &Tested) -> Vec<Plot> {
    let names = tested.outputs.names().iter().zip(&tested.values).take(PLOTTED).enumerate();
    names.flat_map(|(output, (name, pairs))| of_output(output, name, pairs)).collect()
}

fn of_output(output: usize, name: &str, pairs: &[(f64, f64)]) -> [Plot; 2] {
    let (low, high) = ends(pairs.iter().flat_map(|&(truth, predicted)| [truth, predicted]));
    let same = Axis::even(low, high, Unit::Number);
    let residuals: Vec<_> = pairs.iter().map(|&(truth, predicted)| (predicted, truth - predicted)).collect();
    let (left, right) = ends(residuals.iter().map(|point| point.0));
    let (below, above) = ends(residuals.iter().map(|point| point.1).chain([0.0]));
    [
        Plot {
            id: format!("predictions-{output}"),
            title: format!("{name}: predicted against true"),
            names: ["true", "predicted"],
            points: pairs.to_vec(),
            axes: [same.clone(), same],
            right: [(low, low), (high, high)],
        },
        Plot {
            id: format!("residuals-{output}"),
            title: format!("{name}: residuals"),
            names: ["predicted", "true - predicted"],
            points: residuals,
            axes: [Axis::even(left, right, Unit::Number), Axis::even(below, above, Unit::Number)],
            right: [(left, 0.0), (right, 0.0)],
        },
    ]
}

pub(super) fn write(tested: &Tested, markup: &mut Markup) {
    markup.element("h3", &[], "Errors in the units of the data");
    let row = |OutputError { name, r_squared, rmse, mae }: &OutputError| {
        let numbers = [shown(Some(*r_squared), |number| format!("{number:.4}")), digits(*rmse), digits(*mae)];
        Row { class: "", name: name.clone(), cells: numbers.into_iter().map(Cell::plain).collect() }
    };
    let rows: Vec<Row> = tested.evaluation.errors.iter().map(row).collect();
    let titles = ["output", "R^2", "root mean squared error", "mean absolute error"];
    table("errors", "numbers", &titles, &rows, markup);
    markup.element("h3", &[], "Predictions and residuals");
    if let Some(points) = tested.values.first().map(Vec::len).filter(|&points| points < tested.samples) {
        let text = format!("{points} of {} samples, at even distances.", tested.samples);
        markup.element("p", &[("class", &"note")], &text);
    }
    if tested.values.len() > PLOTTED {
        let text = format!("The first {PLOTTED} of {} outputs.", tested.values.len());
        markup.element("p", &[("class", &"note")], &text);
    }
    markup.within("div", &[("class", &"figures")], |markup| {
        for plot in plots(tested) {
            markup.within("figure", &[], |markup| {
                markup.element("figcaption", &[], &plot.title);
                plot.drawn(|chart| chart.write("chart", markup));
            });
        }
    });
}

/// With six digits that count.
fn digits(value: f64) -> String {
    rounded(value, 6).to_string()
}
