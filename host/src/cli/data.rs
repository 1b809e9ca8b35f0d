//! `altmin data`.

mod images;
mod table;

use super::failure::Failure;
use super::output;
use crate::data::{self, DataOptions, DataSource, Header, Table};
use crate::settings::Delimiter;
use clap::{Args, Subcommand};
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
    /// Data set: `digits`, `fashion-mnist`, a folder with IDX or CIFAR files, a .csv or .tsv file, or `-`
    #[arg(value_name = "DATA")]
    data: DataSource,

    /// Whether the first row of a CSV file names the columns
    #[arg(long, value_name = "WHEN", default_value_t = Header::Auto)]
    header: Header,

    /// What separates the cells of a CSV file: a character, `tab`, `space`, or `auto`
    #[arg(long, value_name = "CHAR|auto", default_value = "auto")]
    delimiter: Delimiter,

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
        let description = images::Description::of(&name, &train, &test);
        match self.json {
            true => output::print_json("images", &description)?,
            false => output::print(&description.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
