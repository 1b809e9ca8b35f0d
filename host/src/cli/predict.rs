//! `altmin predict`.

use super::data_args::DataArgs;
use super::failure::Failure;
use super::output;
use crate::atomic_file;
use crate::data::{Dataset, Inputs, Preprocessing, Table};
use crate::error::Error;
use crate::network::evaluate::{apply, class, in_own_units, outputs, probabilities};
use crate::network::model::Model;
use crate::run::folder::model_file;
use crate::settings::{Precision, read_columns};
use altmin_core::Real;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// Predict classes and probabilities, or values, for every sample, as CSV
///
/// Columns: sample, the row of a CSV file or the image, counted from 0; class, by name; then the probability of each class. A
/// network trained with another loss than cross-entropy gives scores near 0 and 1 instead, which need not sum to 1. A network
/// trained on numeric columns of a CSV file gives one column for each of them after sample, in the file's units; the file to
/// predict from need not contain these columns.
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

    /// Repeat columns of the CSV file after the sample: names separated by commas, `target`, or `all` [default: none]
    ///
    /// `target` is what the model has learnt to predict; of images it is their class, in the column `target class`.
    #[arg(long, value_name = "COLUMNS|target|all", help_heading = "Output")]
    keep: Option<Keep>,
}

/// What of the data is repeated beside the predictions.
#[derive(Debug, Clone)]
enum Keep {
    All,
    Target,
    Columns(Vec<String>),
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "all" => Ok(Keep::All),
            "target" => Ok(Keep::Target),
            names => read_columns("keep", "all", names).map(Keep::Columns),
        }
    }
}

/// Texts that stand beside the predictions: titles, and a row for each sample.
struct Beside {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
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
        let trained = &model.preprocessing;
        let table = self.data.table(trained)?;
        let inputs = table.as_ref().map(|table| self.data.load_inputs::<T>(trained, table)).transpose()?;
        let (outputs, beside) = match (inputs.flatten(), &table) {
            (Some(Inputs { inputs, rows, notes }), Some(table)) => {
                notes.iter().for_each(|text| output::note("note", text));
                (apply(&model, &inputs, threads)?, self.of_table(trained, table, &rows)?)
            }
            (_, table) => {
                let table = table.as_ref();
                let data = self.data.load_from::<T>(trained, table)?;
                output::notes_of(&data);
                let beside = match (table, data.rows()) {
                    (Some(table), Some(rows)) => self.of_table(trained, table, rows)?,
                    _ => self.of_images(&data)?,
                };
                (outputs(&model, &data, threads)?, beside)
            }
        };
        match &self.out {
            Some(path) => atomic_file::write(path, |file| rows(&model, &outputs, &beside, file))?,
            None => {
                let mut csv = Vec::new();
                rows(&model, &outputs, &beside, &mut csv)?;
                output::print(&String::from_utf8_lossy(&csv))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The number of each row of a table, and the columns that are kept.
    fn of_table(&self, trained: &Preprocessing, table: &Table, rows: &[usize]) -> Result<Beside, Error> {
        let targets = || {
            let columns = trained.columns.iter().flat_map(|columns| &columns.targets);
            columns.map(|column| column.name.clone()).collect()
        };
        let titles: Vec<String> = match &self.keep {
            None => Vec::new(),
            Some(Keep::All) => table.names().to_vec(),
            Some(Keep::Target) => targets(),
            Some(Keep::Columns(names)) => names.clone(),
        };
        let places = table.places("keep", &titles)?;
        // A number has stood for a name.
        let titles = places.iter().map(|&place| table.names()[place].clone()).collect();
        let row = |&row: &usize| {
            let kept = places.iter().map(|&place| table.as_written(row, place).into_owned());
            [row.to_string()].into_iter().chain(kept).collect()
        };
        Ok(Beside { rows: rows.iter().map(row).collect(), titles })
    }

    /// The number of each image, and its class if that is kept.
    fn of_images<T: Real>(&self, data: &Dataset<T>) -> Result<Beside, Error> {
        let numbers = (0..data.n_samples()).map(|sample| sample.to_string());
        match &self.keep {
            None => Ok(Beside { titles: Vec::new(), rows: numbers.map(|number| vec![number]).collect() }),
            Some(Keep::Target) => {
                let classes = data.labels().iter().map(|&label| data.classes()[label as usize].clone());
                let rows = numbers.zip(classes).map(|(number, class)| vec![number, class]).collect();
                Ok(Beside { titles: vec!["target class".to_owned()], rows })
            }
            Some(Keep::All) => Err(Error::argument("keep", "all", "target: images have no columns")),
            Some(Keep::Columns(names)) => {
                Err(Error::argument("keep", names.join(","), "target: images have no columns"))
            }
        }
    }
}

fn rows<T: Real>(model: &Model<T>, outputs: &[T], beside: &Beside, file: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    let names = model.outputs.names();
    let has_probabilities = model.loss.has_probabilities();
    let own: Vec<String> = if model.outputs.are_values() {
        names.to_vec()
    } else {
        let kind = if has_probabilities { "probability" } else { "score" };
        let titles = names.iter().map(|name| format!("{kind} {name}"));
        ["class".to_owned()].into_iter().chain(titles).collect()
    };
    // A column that is kept has its own name, and what is predicted of it another.
    let title = |name: String| if beside.titles.contains(&name) { format!("predicted {name}") } else { name };
    let titles = ["sample".to_owned()].into_iter().chain(beside.titles.iter().cloned());
    writer.write_record(titles.chain(own.into_iter().map(title)))?;
    let numbers = |numbers: Vec<f64>| numbers.into_iter().map(|number| number.to_string());
    if model.outputs.are_values() {
        let values = in_own_units(model, outputs);
        for (values, fixed) in values.chunks_exact(names.len()).zip(&beside.rows) {
            writer.write_record(fixed.iter().cloned().chain(numbers(values.to_vec())))?;
        }
        return writer.flush();
    }
    for (scores, fixed) in outputs.chunks_exact(names.len()).zip(&beside.rows) {
        let values = if has_probabilities {
            probabilities(scores)
        } else {
            scores.iter().map(|score| score.to_f64()).collect()
        };
        let class = [names[class(scores)].clone()];
        writer.write_record(fixed.iter().cloned().chain(class).chain(numbers(values)))?;
    }
    writer.flush()
}
