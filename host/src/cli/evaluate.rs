//! `altmin evaluate`.

use super::data_args::DataArgs;
use super::failure::Failure;
use super::output;
use crate::data::{Dataset, Outputs};
use crate::network::depths::{Depth, evaluate_depths};
use crate::network::evaluate::{Evaluation, OutputError, evaluate};
use crate::network::metrics::ClassMetrics;
use crate::network::model::Model;
use crate::network::score::{Measure, Scores};
use crate::report::table;
use crate::run::folder::model_file;
use crate::settings::Precision;
use crate::units::printable;
use altmin_core::Real;
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Evaluate a model on a data set: accuracy, loss and confusion matrix, or R^2 and errors
///
/// For classes it prints the accuracy, the share of samples whose class is among the five of the highest scores, how far probabilities are from
/// what came true (the expected calibration error over 15 intervals), and of each class precision, recall, F1 and the area under the ROC curve
/// against all others, with their means over the classes.
///
/// A network trained on numeric columns of a CSV file has no accuracy. Instead it gets the coefficient of determination,
/// R^2 = 1 - SSE/SST with SSE the sum of squared errors and SST the sum of squared deviations from the mean: 1 means no
/// error, 0 is the score of predicting the mean. Each output also gets its own R^2, root mean squared error and mean
/// absolute error, in the file's units. The first R^2 is that of all outputs together, scaled as in training; --json calls it r2.
#[derive(Debug, Args)]
#[command(after_help = "Example: altmin evaluate --model run/model.safetensors")]
pub(super) struct Evaluate {
    /// Model file written by `train --out`, or the run's folder
    #[arg(long, value_name = "FILE|RUN")]
    model: PathBuf,

    /// Read the outputs after the first L layers, the last being all of them
    ///
    /// Needs a model of --method local, whose layers have read-outs.
    #[arg(long, value_name = "L", conflicts_with = "every_depth")]
    depth: Option<usize>,

    /// Evaluate the outputs of every depth in one pass: accuracy and loss by the number of layers that are computed
    ///
    /// Multiplications are those of one sample.
    #[arg(long)]
    every_depth: bool,

    #[command(flatten)]
    data: DataArgs,

    /// Print one JSON object instead of a table
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a PathBuf,
    data: &'a str,
    samples: usize,
    accuracy: f64,
    loss: f64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    classes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    top5_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_error: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    class_metrics: &'a [ClassMetrics],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    confusion: &'a [Vec<usize>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    outputs: &'a [OutputError],
}

#[derive(Serialize)]
struct DepthsReport<'a> {
    model: &'a PathBuf,
    data: &'a str,
    samples: usize,
    depths: Vec<DepthReport>,
}

#[derive(Serialize)]
struct DepthReport {
    depth: usize,
    blocks: usize,
    multiplications: usize,
    accuracy: f64,
    loss: f64,
}

impl DepthReport {
    fn of(&Depth { depth, blocks, multiplications, score }: &Depth) -> Self {
        Self { depth, blocks, multiplications, accuracy: score.accuracy, loss: score.loss }
    }
}

impl Evaluate {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self.data.precision {
            Precision::F32 => self.run_in::<f32>(),
            Precision::F64 => self.run_in::<f64>(),
        }
    }

    fn run_in<T: Real>(self) -> Result<ExitCode, Failure> {
        let threads = self.data.threads()?;
        let model = Model::<T>::load(&model_file(&self.model))?;
        let model = self.depth.map_or(Ok(model.clone()), |depth| model.at_depth(depth))?;
        let data = self.data.load::<T>(&model.preprocessing)?;
        output::notes_of(&data);
        let scores = Scores::on_test(Measure::of(&model.outputs));
        if self.every_depth {
            let depths = evaluate_depths(&model, &data, threads)?;
            if self.json {
                let depths: Vec<_> = depths.iter().map(DepthReport::of).collect();
                let (data, samples) = (data.name(), data.n_samples());
                let report = DepthsReport { model: &self.model, data, samples, depths };
                output::print_scores("evaluation", &report, scores)?;
            } else {
                output::print(&depths_text(&data, &model.outputs, &depths))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let evaluation = evaluate(&model, &data, threads)?;
        if self.json {
            let report = Report {
                model: &self.model,
                data: data.name(),
                samples: data.n_samples(),
                accuracy: evaluation.accuracy,
                loss: evaluation.loss,
                classes: model.outputs.classes(),
                top5_accuracy: evaluation.top5_accuracy,
                calibration_error: evaluation.calibration_error,
                class_metrics: &evaluation.classes,
                confusion: &evaluation.confusion,
                outputs: &evaluation.errors,
            };
            output::print_scores("evaluation", &report, scores)?;
        } else {
            output::print(&text(&data, &model.outputs, &evaluation))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The evaluation for people.
fn text<T: Real>(data: &Dataset<T>, outputs: &Outputs, evaluation: &Evaluation) -> String {
    let measure = Measure::of(outputs);
    let all = [
        ("data", data.name().to_owned()),
        ("samples", data.n_samples().to_string()),
        (measure.name(), measure.show(evaluation.accuracy)),
        ("mean loss", format!("{:.6}", evaluation.loss)),
    ];
    let top = evaluation.top5_accuracy.map(|share| ("top-5 accuracy", measure.show(share)));
    let calibration = evaluation.calibration_error.map(|error| ("calibration error", format!("{error:.4}")));
    let mut text = table::rows(&all.into_iter().chain(top).chain(calibration).collect::<Vec<_>>());
    text.push_str(&match outputs {
        Outputs::Classes(names) => class_metrics(&evaluation.classes) + &confusion(names, evaluation),
        Outputs::Values(_) => errors(evaluation),
    });
    text
}

/// What the outputs of every depth are worth.
fn depths_text<T: Real>(data: &Dataset<T>, outputs: &Outputs, depths: &[Depth]) -> String {
    let measure = Measure::of(outputs);
    let mut text =
        table::rows(&[("data", data.name().to_owned()), ("samples", data.n_samples().to_string())]);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\n{:>5} {:>7} {:>16} {:>9} {:>10}",
        "depth",
        "blocks",
        "multiplications",
        measure.name(),
        "mean loss"
    );
    for Depth { depth, blocks, multiplications, score } in depths {
        let _ = writeln!(
            text,
            "{depth:>5} {blocks:>7} {multiplications:>16} {:>9} {:>10.6}",
            measure.show(score.accuracy),
            score.loss
        );
    }
    text
}

/// The errors of each output.
fn errors(evaluation: &Evaluation) -> String {
    let mut text = String::from("\noutputs: errors in the units of the data\n");
    let error = |error: &OutputError| {
        let OutputError { r_squared, rmse, mae, .. } = error;
        format!("R^2 {r_squared:.4}, root mean squared error {rmse}, mean absolute error {mae}")
    };
    let rows: Vec<_> = evaluation.errors.iter().map(|each| (each.name.as_str(), error(each))).collect();
    text.push_str(&table::rows(&rows));
    text
}

/// A row for each class, and the means over the classes.
fn class_metrics(classes: &[ClassMetrics]) -> String {
    let names: Vec<_> = classes.iter().map(|class| printable(&class.name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("mean".len());
    // Writing to a String cannot fail.
    let mut text = format!(
        "\n{:width$} {:>8} {:>9} {:>7} {:>7} {:>7}\n",
        "class", "samples", "precision", "recall", "F1", "AUROC"
    );
    let mut row = |name: &str, samples: usize, numbers: [f64; 4]| {
        let _ = write!(text, "{name:width$} {samples:>8} ");
        for (number, width) in numbers.into_iter().zip([9, 7, 7, 7]) {
            let shown = if number.is_nan() { "-".to_owned() } else { format!("{number:.4}") };
            let _ = write!(text, "{shown:>width$} ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    let numbers = |class: &ClassMetrics| [class.precision, class.recall, class.f1, class.auroc];
    for (name, class) in names.iter().zip(classes) {
        row(name, class.samples, numbers(class));
    }
    let mean = std::array::from_fn(|at| {
        classes.iter().map(|class| numbers(class)[at]).sum::<f64>() / classes.len() as f64
    });
    row("mean", classes.iter().map(|class| class.samples).sum(), mean);
    text
}

/// How many samples of each class were taken for which.
fn confusion(classes: &[String], evaluation: &Evaluation) -> String {
    let mut text = String::from("\nconfusion matrix: rows are labels, columns are predictions\n");
    let classes: Vec<_> = classes.iter().map(|name| printable(name)).collect();
    let counts = evaluation.confusion.iter().flatten().map(|count| count.to_string().len());
    let width = classes.iter().map(|name| name.chars().count()).chain(counts).max().unwrap_or(1);
    // Writing to a String cannot fail.
    let _ = write!(text, "{:width$}", "");
    for name in &classes {
        let _ = write!(text, " {name:>width$}");
    }
    text.push('\n');
    for (name, row) in classes.iter().zip(&evaluation.confusion) {
        let _ = write!(text, "{name:>width$}");
        for count in row {
            let _ = write!(text, " {count:>width$}");
        }
        text.push('\n');
    }
    text
}
