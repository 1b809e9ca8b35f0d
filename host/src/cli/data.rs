//! `altmin data`.

mod images;
mod table;

use super::failure::Failure;
use super::output;
use crate::atomic_file;
use crate::data::{self, DataOptions, DataSource, Dataset, Header, Table};
use crate::error::Error;
use crate::report::image;
use crate::settings::Delimiter;
use clap::{Args, Subcommand};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What can be done with data sets.
#[derive(Debug, Subcommand)]
pub(super) enum Data {
    /// Show what a data set holds: columns and missing values of a table, or classes and pixels of images
    Show(Show),
}

/// Show what a data set holds: columns and missing values of a table, or classes and pixels of images
///
/// Of each column: numbers with their range, categories with their rows, or text that is neither. The last line is a command that
/// trains on the table.
#[derive(Debug, Args)]
#[command(after_help = "Example: altmin data show houses.csv")]
pub(super) struct Show {
    /// Data set: `digits`, `fashion-mnist`, a folder with IDX or CIFAR files, a .csv, .tsv, .npy or .npz file, or `-`
    #[arg(value_name = "DATA")]
    data: DataSource,

    /// Whether the first row of a CSV file names the columns
    #[arg(long, value_name = "WHEN", default_value_t = Header::Auto)]
    header: Header,

    /// What separates the cells of a CSV file: a character, `tab`, `space`, or `auto`
    #[arg(long, value_name = "CHAR|auto", default_value = "auto")]
    delimiter: Delimiter,

    /// Write a picture of ten training images of each class to this file: a row for each class, in the order of the list
    #[arg(long, value_name = "FILE.png")]
    sheet: Option<PathBuf>,

    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Data {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Data::Show(show) => show.run(),
        }
    }
}

impl Show {
    fn run(self) -> Result<ExitCode, Failure> {
        let Delimiter(delimiter) = self.delimiter;
        let name = self.data.to_string();
        if let Some(path) = &self.sheet {
            require_picture(path, &self.data)?;
        }
        if let DataSource::Csv(path) = &self.data {
            let table = Table::read(path, self.header, delimiter)?;
            let description = table::Description::of(&table, &name);
            table.notes().iter().for_each(|text| output::note("note", text));
            match self.json {
                true => output::print_json("table", &description)?,
                false => output::print(&description.text())?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        let options = DataOptions { header: self.header, delimiter, ..DataOptions::default() };
        let (train, test) = data::load::<f32>(&self.data, &options)?;
        if let Some(path) = &self.sheet {
            write_sheet(path, &train)?;
        }
        let description = images::Description::of(&name, &train, &test);
        match self.json {
            true => output::print_json("images", &description)?,
            false => output::print(&description.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Images of each class on a sheet.
const PER_CLASS: usize = 10;

fn require_picture(path: &Path, data: &DataSource) -> Result<(), Error> {
    if !path.extension().is_some_and(|end| end.eq_ignore_ascii_case("png")) {
        return Err(Error::argument("sheet", path.display(), "a file whose name ends in .png"));
    }
    match data.has_columns() {
        true => Err(Error::argument("sheet", path.display(), format!("images: {data} has columns"))),
        false => Ok(()),
    }
}

fn write_sheet(path: &Path, train: &Dataset<f32>) -> Result<(), Failure> {
    let Some(shape) = train.image().filter(|&shape| image::can_be_shown(shape)) else {
        let found = "images with neither one nor three channels";
        return Err(Error::data(train.name(), found, "grey or coloured images for --sheet").into());
    };
    let (pixels, shape) = image::sheet(train, shape, PER_CLASS);
    let png = image::png(&pixels, shape, &[]).map_err(io::Error::other)?;
    atomic_file::write(path, |file| file.write_all(&png))?;
    Ok(())
}
