//! `altmin evaluate`.

use super::data_args::DataArgs;
use super::failure::Failure;
use super::output;
use crate::config::Precision;
use crate::data::Dataset;
use crate::evaluate::{Evaluation, evaluate};
use crate::model::Model;
use crate::report::table;
use altmin_core::Real;
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Accuracy, loss and confusion of a model on a data set
#[derive(Debug, Args)]
#[command(after_help = "Example: altmin evaluate --model run/model.safetensors")]
pub(super) struct Evaluate {
    /// Model file that `train --out` has written
    #[arg(long, value_name = "FILE")]
    model: PathBuf,

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
    classes: &'a [String],
    confusion: &'a [Vec<usize>],
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
        let model = Model::<T>::load(&self.model)?;
        let data = self.data.load::<T>(&model.preprocessing)?;
        let evaluation = evaluate(&model, &data, threads)?;
        if self.json {
            let report = Report {
                model: &self.model,
                data: data.name(),
                samples: data.n_samples(),
                accuracy: evaluation.accuracy,
                loss: evaluation.loss,
                classes: &model.classes,
                confusion: &evaluation.confusion,
            };
            output::print_json("evaluation", &report)?;
        } else {
            output::print(&text(&data, &model.classes, &evaluation))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The evaluation for people.
fn text<T: Real>(data: &Dataset<T>, classes: &[String], evaluation: &Evaluation) -> String {
    let mut text = table::rows(&[
        ("data", data.name().to_owned()),
        ("samples", data.n_samples().to_string()),
        ("accuracy", table::percent(evaluation.accuracy)),
        ("mean loss", format!("{:.6}", evaluation.loss)),
    ]);
    text.push_str("\nclasses: rows as labelled, columns as predicted\n");
    let counts = evaluation.confusion.iter().flatten().map(|count| count.to_string().len());
    let width = classes.iter().map(|name| name.chars().count()).chain(counts).max().unwrap_or(1);
    // Writing to a String cannot fail.
    let _ = write!(text, "{:width$}", "");
    for name in classes {
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
