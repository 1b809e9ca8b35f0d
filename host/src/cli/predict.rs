//! `altmin predict`.

use super::data_args::DataArgs;
use super::failure::Failure;
use super::output;
use crate::atomic_file;
use crate::network::evaluate::{apply, class, in_own_units, outputs, probabilities};
use crate::network::model::Model;
use crate::run::folder::model_file;
use crate::settings::Precision;
use altmin_core::Real;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Predict classes and probabilities, or values, for every sample, as CSV
///
/// Columns: sample, counted from 0; class, by name; then the probability of each class. A network trained with another
/// loss than cross-entropy gives scores near 0 and 1 instead, which need not sum to 1. A network trained on numeric columns of
/// a CSV file gives one column for each of them after sample, in the file's units; the file to predict from need not
/// contain these columns.
#[derive(Debug, Args)]
#[command(after_help = "Example: altmin predict --model run/model.safetensors --out predictions.csv")]
pub(super) struct Predict {
    /// Model file written by `train --out`, or the run's folder
    #[arg(long, value_name = "FILE|RUN")]
    model: PathBuf,

    /// Read the outputs after the first L layers: the layers above are not computed [default: all layers]
    ///
    /// Needs a model of --method local, whose layers have read-outs; `evaluate --every-depth` shows how good they are.
    #[arg(long, value_name = "L")]
    depth: Option<usize>,

    #[command(flatten)]
    data: DataArgs,

    /// Write to this file instead of stdout; an existing file is replaced
    #[arg(long, value_name = "FILE.csv", help_heading = "Output")]
    out: Option<PathBuf>,
}

impl Predict {
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
        let outputs = match self.data.load_features::<T>(&model.preprocessing)? {
            Some(features) => apply(&model, &features, threads)?,
            None => outputs(&model, &self.data.load::<T>(&model.preprocessing)?, threads)?,
        };
        match &self.out {
            Some(path) => atomic_file::write(path, |file| rows(&model, &outputs, file))?,
            None => {
                let mut csv = Vec::new();
                rows(&model, &outputs, &mut csv)?;
                output::print(&String::from_utf8_lossy(&csv))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rows<T: Real>(model: &Model<T>, outputs: &[T], file: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    let names = model.outputs.names();
    if model.outputs.are_values() {
        writer.write_record(["sample"].into_iter().chain(names.iter().map(String::as_str)))?;
        for (sample, values) in in_own_units(model, outputs).chunks_exact(names.len()).enumerate() {
            writer.write_record([sample.to_string()].into_iter().chain(values.iter().map(f64::to_string)))?;
        }
        return writer.flush();
    }
    let has_probabilities = model.loss.has_probabilities();
    let kind = if has_probabilities { "probability" } else { "score" };
    let titles = names.iter().map(|name| format!("{kind} {name}"));
    writer.write_record(["sample".to_owned(), "class".to_owned()].into_iter().chain(titles))?;
    for (sample, scores) in outputs.chunks_exact(names.len()).enumerate() {
        let values = if has_probabilities {
            probabilities(scores)
        } else {
            scores.iter().map(|score| score.to_f64()).collect()
        };
        let fixed = [sample.to_string(), names[class(scores)].clone()];
        writer.write_record(fixed.into_iter().chain(values.iter().map(f64::to_string)))?;
    }
    writer.flush()
}
