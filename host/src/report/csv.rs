//! One row a sweep, or an evaluation.

use crate::network::score::Scores;
use crate::run::observe::{Evaluation, Metrics, Observer, Summary};
use serde::Serialize;
use std::io::{self, Write};

/// The names of a record's columns.
///
/// # Errors
/// A record that is no row of named fields.
pub(crate) fn names(record: &impl Serialize, scores: Scores) -> io::Result<Vec<String>> {
    let mut text = Vec::new();
    csv::Writer::from_writer(&mut text).serialize(record)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().next().unwrap_or_default().split(',').map(|field| scores.key(field)).collect())
}

/// Rows, each of which is flushed, so that a run that dies leaves its rows.
#[derive(Debug)]
struct Rows<W: Write> {
    writer: csv::Writer<W>,
    /// Of a file that has no header yet.
    scores: Option<Scores>,
}

impl<W: Write> Rows<W> {
    fn new(writer: W, scores: Option<Scores>) -> Self {
        Self { writer: csv::WriterBuilder::new().has_headers(false).from_writer(writer), scores }
    }

    fn row(&mut self, record: &impl Serialize) -> io::Result<()> {
        if let Some(scores) = self.scores.take() {
            self.writer.write_record(names(record, scores)?).map_err(io::Error::from)?;
        }
        self.writer.serialize(record).map_err(io::Error::from)?;
        self.writer.flush()
    }
}

/// Writes a header and a row for each sweep.
#[derive(Debug)]
pub struct CsvRows<W: Write>(Rows<W>);

impl<W: Write> CsvRows<W> {
    /// Rows go to `writer`, after a header that names what `scores` says.
    pub fn new(writer: W, scores: Scores) -> Self {
        Self(Rows::new(writer, Some(scores)))
    }

    /// Rows go to `writer`, which has the header.
    pub fn after_header(writer: W) -> Self {
        Self(Rows::new(writer, None))
    }
}

impl<W: Write> Observer for CsvRows<W> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.0.row(metrics)
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.0.writer.flush()
    }
}

/// Writes a header and a row for each evaluation within an epoch.
#[derive(Debug)]
pub struct EvaluationRows<W: Write>(Rows<W>);

impl<W: Write> EvaluationRows<W> {
    /// Rows go to `writer`, after a header that names what `scores` says.
    pub fn new(writer: W, scores: Scores) -> Self {
        Self(Rows::new(writer, Some(scores)))
    }

    /// Rows go to `writer`, which has the header.
    pub fn after_header(writer: W) -> Self {
        Self(Rows::new(writer, None))
    }
}

impl<W: Write> Observer for EvaluationRows<W> {
    fn sweep(&mut self, _: &Metrics) -> io::Result<()> {
        Ok(())
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.0.row(evaluation)
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.0.writer.flush()
    }
}
