//! The folder that a comparison leaves behind.

use crate::atomic_file::{self, Appended};
use crate::compare::{Entry, Series};
use crate::error::{Error, Result};
use crate::network::score::Scores;
use crate::report::csv::names;
use crate::report::curves::{self, Against};
use crate::run::folder::{self, RunFolder};
use crate::run::observe::Metrics;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A new folder with `comparison.csv`, `curves-sweeps.svg`, `curves-seconds.svg` and `table.txt`, and for every run,
/// under its label, the folder that `train` leaves.
#[derive(Debug)]
pub struct ComparisonFolder {
    path: PathBuf,
}

impl ComparisonFolder {
    /// Creates the folder, with those above it where they are missing.
    ///
    /// # Errors
    /// [`Error::Exists`] if something is there, [`Error::Io`] if it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        folder::create_new(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// A folder that is there, as it is.
    #[cfg(test)]
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where a file of this name goes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Creates the folder of a run, with its `config.toml`.
    ///
    /// # Errors
    /// As [`RunFolder::create`].
    pub fn run(&self, entry: &Entry) -> Result<RunFolder> {
        RunFolder::create(&self.file(&entry.label), &entry.settings)
    }

    /// `comparison.csv`, to be written while the runs go on.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be created.
    pub fn rows(&self) -> Result<ComparisonRows<Appended>> {
        Appended::create_new(&self.file("comparison.csv")).map(ComparisonRows::new)
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, name: &str, content: &str) -> Result {
        atomic_file::write(&self.file(name), |file| file.write_all(content.as_bytes()))
    }

    /// Writes the curves against sweeps or against seconds.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn write_curves(&self, title: &str, all: &[Series], against: Against, scores: Scores) -> Result {
        let name = match against {
            Against::Sweeps => "curves-sweeps.svg",
            Against::Seconds => "curves-seconds.svg",
        };
        let lines: Vec<_> = all.iter().map(Series::line).collect();
        let svg = curves::comparison(title, &lines, against, scores)
            .map_err(|error| Error::io("draw", &self.file(name), io::Error::other(error)))?;
        self.write(name, &svg)
    }
}

/// One row for each sweep of each run: label, method, and the metrics under the names that they have in `metrics.csv`.
#[derive(Debug)]
pub struct ComparisonRows<W: Write> {
    writer: csv::Writer<W>,
    begun: bool,
}

impl<W: Write> ComparisonRows<W> {
    /// Rows go to `writer`.
    pub fn new(writer: W) -> Self {
        let writer = csv::WriterBuilder::new().has_headers(false).from_writer(writer);
        Self { writer, begun: false }
    }

    /// Writes a row, after the header if it is the first, and flushes it, so that a process that dies leaves its rows.
    ///
    /// # Errors
    /// What `writer` returns.
    pub fn row(&mut self, entry: &Entry, metrics: &Metrics) -> io::Result<()> {
        if !self.begun {
            let metrics = names(metrics, entry.settings.scores())?;
            self.writer.write_record(
                ["label", "method"].iter().copied().chain(metrics.iter().map(String::as_str)),
            )?;
            self.begun = true;
        }
        self.writer.serialize((&entry.label, entry.settings.method.to_string(), metrics))?;
        self.writer.flush()
    }
}
