//! `altmin export`.

use super::failure::Failure;
use super::output;
use crate::atomic_file;
use crate::data::Encoding;
use crate::error::Error;
use crate::network::model::Model;
use crate::run::folder::model_file;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a model as an ONNX file, which other programs run
///
/// The file is in single precision. Its input `input` has a row for each sample, of networks that take images `channels x height x
/// width` pixels from 0 to 1; a table's columns come in the units of the table, and the file scales them itself. Its output is
/// `probabilities` of a model trained with cross-entropy, `values` of one trained on numeric columns, in their own units, else
/// `scores`. Names of columns and classes are in the file's metadata.
#[derive(Debug, Args)]
#[command(after_help = "Example: altmin export --model run --out model.onnx")]
pub(super) struct Export {
    /// Model file written by `train --out`, or the run's folder
    #[arg(long, value_name = "FILE|RUN")]
    model: PathBuf,

    /// Export the first L layers with their read-out [default: all layers]
    ///
    /// Needs a model of --method local, whose layers have read-outs.
    #[arg(long, value_name = "L")]
    depth: Option<usize>,

    /// The file; an existing one is replaced
    #[arg(long, value_name = "FILE.onnx")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        if !self.out.extension().is_some_and(|end| end.eq_ignore_ascii_case("onnx")) {
            let expected = "a file whose name ends in .onnx";
            return Err(Error::argument("out", self.out.display(), expected).into());
        }
        // The parameters' own precision decides nothing: the file has single precision.
        let model = Model::<f64>::load(&model_file(&self.model))?;
        let model = self.depth.map_or(Ok(model.clone()), |depth| model.at_depth(depth))?;
        let bytes = model.to_onnx()?;
        atomic_file::write(&self.out, |file| file.write_all(&bytes))?;
        let columns = model.preprocessing.columns.iter().flat_map(|columns| &columns.features);
        if columns.into_iter().any(|column| column.encoding != Encoding::default()) {
            output::note(
                "note",
                "categories and missing values are to be encoded before the input: `altmin info` shows each input's rule",
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
