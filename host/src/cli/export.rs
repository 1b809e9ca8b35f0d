//! `altmin export`.

use super::failure::Failure;
use super::output;
use crate::atomic_file;
use crate::data::Encoding;
use crate::error::Error;
use crate::network::model::Model;
use crate::run::folder::model_file;
use altmin_core::Real;
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write a model as an ONNX file, which other programs run, or as arrays of NumPy
///
/// An .onnx file is in single precision. Its input `input` has a row for each sample, of networks that take images `channels x height x
/// width` pixels from 0 to 1; a table's columns come in the units of the table, and the file scales them itself. Its output is
/// `probabilities` of a model trained with cross-entropy, `values` of one trained on numeric columns, in their own units, else
/// `scores`. Names of columns and classes are in the file's metadata.
///
/// An .npz file has weights and biases alone, in the model's own precision, as arrays under their names in the model file:
/// `numpy.load("model.npz")["layers.0.weight"]` is `outputs x inputs`. What else makes the model, `altmin info` shows.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  altmin export --model run --out model.onnx\n  altmin export --model run --out model.npz"
)]
pub(super) struct Export {
    /// Model file written by `train --out`, or the run's folder
    #[arg(long, value_name = "FILE|RUN")]
    model: PathBuf,

    /// Export the first L layers with their read-out [default: all layers]
    ///
    /// Needs a model of --method local, whose layers have read-outs.
    #[arg(long, value_name = "L")]
    depth: Option<usize>,

    /// The file, whose name says what it is; an existing one is replaced
    #[arg(long, short, value_name = "FILE.onnx|FILE.npz")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let ends = |end: &str| self.out.extension().is_some_and(|found| found.eq_ignore_ascii_case(end));
        let model = model_file(&self.model);
        match (ends("onnx"), ends("npz")) {
            (true, _) => self.onnx(&model)?,
            (_, true) if Model::<f64>::is_double(&model)? => self.npz(&self.loaded::<f64>(&model)?)?,
            (_, true) => self.npz(&self.loaded::<f32>(&model)?)?,
            _ => {
                let expected = "a file whose name ends in .onnx or .npz";
                return Err(Error::argument("out", self.out.display(), expected).into());
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn loaded<T: Real>(&self, file: &Path) -> Result<Model<T>, Error> {
        let model = Model::load(file)?;
        match self.depth {
            Some(depth) => model.at_depth(depth),
            None => Ok(model),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        atomic_file::write(&self.out, |file| file.write_all(bytes))
    }

    fn npz<T: Real>(&self, model: &Model<T>) -> Result<(), Error> {
        self.write(&model.to_npz()?)
    }

    fn onnx(&self, file: &Path) -> Result<(), Error> {
        // The parameters' own precision decides nothing: the file has single precision.
        let model = self.loaded::<f64>(file)?;
        self.write(&model.to_onnx()?)?;
        let columns = model.preprocessing.columns.iter().flat_map(|columns| &columns.features);
        if columns.into_iter().any(|column| column.encoding != Encoding::default()) {
            output::note(
                "note",
                "categories and missing values are to be encoded before the input: `altmin info` shows each input's rule",
            );
        }
        Ok(())
    }
}
