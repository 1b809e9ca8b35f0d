//! `altmin report`.

use super::failure::Failure;
use super::output;
use crate::atomic_file;
use crate::error::Error;
use crate::report::page::{Form, Page, Samples};
use crate::run::folder::{RunFolder, create_new};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page, with everything in it
    Html,
    /// A new folder with the figures as SVG files
    Svg,
    /// A new folder with the figures as PNG files
    Png,
}

/// Write a page about runs: scores, curves, settings, confusion matrix or errors
///
/// The page is one HTML file with its pictures, styles and script, and asks nothing of a network. Curves stand against sweeps or
/// seconds; the pointer or the arrow keys show their values, and their names switch them on and off. Several runs are
/// compared in a table, with mean and standard deviation of those that differ only in --seed.
///
/// The model of each run is evaluated on the test samples as `evaluate` does, or on the samples that --holdout set aside: each
/// class, confusion matrix and the images of which wrong predictions are surest, or errors, predictions and residuals of each
/// value. Where the data are not found the page says so.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  altmin report run -o page.html\n  altmin report seed-0 seed-1 seed-2 -o seeds.html\n  \
                  altmin report comparison --no-data -o page.html\n  altmin report run --format svg -o figures\n  altmin report run --format png -o pictures"
)]
pub(super) struct Report {
    /// Folders written by `train --out` or `compare --out`
    #[arg(value_name = "RUN", required = true)]
    run: Vec<PathBuf>,

    /// Write to this file, which ends in .html, and replace an existing one; or to this new folder (--format svg or png)
    #[arg(long, short, value_name = "FILE.html|DIR")]
    out: PathBuf,

    /// What to write
    ///
    /// SVG and PNG files have the curves and, of values, the plots of predictions and residuals. PNG files are 1120 pixels wide; letters
    /// beyond Latin and Greek are boxes in them.
    #[arg(long, value_name = "FORMAT", default_value = "html")]
    format: Format,

    /// Leave out what needs the data sets: they are not read
    #[arg(long)]
    no_data: bool,
}

impl Report {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        match self.format {
            Format::Html => require_page(&self.out)?,
            Format::Svg | Format::Png => RunFolder::require_missing(&self.out)?,
        }
        let samples = match self.no_data {
            true => Samples::LeftOut,
            false => Samples::Evaluated(available_parallelism().map_or(1, usize::from)),
        };
        let page = Page::read(&self.run, samples)?;
        if !self.no_data {
            page.left_out().for_each(|reason| output::note("note", &format!("left out: {reason}")));
        }
        match self.format {
            Format::Html => {
                atomic_file::write(&self.out, |file| file.write_all(page.html()?.as_bytes()))?;
            }
            Format::Svg => write_figures(&page, Form::Svg, &self.out)?,
            Format::Png => write_figures(&page, Form::Png, &self.out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write_figures(page: &Page, form: Form, folder: &Path) -> Result<(), Failure> {
    let figures = page.figures(form)?;
    create_new(folder)?;
    for figure in figures {
        atomic_file::write(&folder.join(&figure.name), |file| file.write_all(&figure.bytes))?;
    }
    Ok(())
}

/// A page never takes the place of a run's metrics or model.
fn require_page(path: &Path) -> Result<(), Error> {
    let end = path.extension();
    match end.is_some_and(|end| ["html", "htm"].iter().any(|page| end.eq_ignore_ascii_case(page))) {
        true => Ok(()),
        false => {
            Err(Error::argument("out", path.display(), "a name that ends in .html, or --format svg or png"))
        }
    }
}
