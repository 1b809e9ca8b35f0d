//! One row a sweep, or an evaluation.

use crate::run::observe::{Evaluation, Metrics, Observer, Summary};
use std::io::{self, Write};

/// Writes a header and a row for each sweep; every row is flushed, so that a run that dies leaves its rows.
#[derive(Debug)]
pub struct CsvRows<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> CsvRows<W> {
    /// Rows go to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer: csv::Writer::from_writer(writer) }
    }

    /// Rows go to `writer`, which has the header.
    pub fn after_header(writer: W) -> Self {
        Self { writer: csv::WriterBuilder::new().has_headers(false).from_writer(writer) }
    }
}

impl<W: Write> Observer for CsvRows<W> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.writer.serialize(metrics).map_err(io::Error::from)?;
        self.writer.flush()
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes a header and a row for each evaluation within an epoch, flushed as those of [`CsvRows`].
#[derive(Debug)]
pub struct EvaluationRows<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> EvaluationRows<W> {
    /// Rows go to `writer`.
    pub fn new(writer: W) -> Self {
        Self { writer: csv::Writer::from_writer(writer) }
    }

    /// Rows go to `writer`, which has the header.
    pub fn after_header(writer: W) -> Self {
        Self { writer: csv::WriterBuilder::new().has_headers(false).from_writer(writer) }
    }
}

impl<W: Write> Observer for EvaluationRows<W> {
    fn sweep(&mut self, _: &Metrics) -> io::Result<()> {
        Ok(())
    }

    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.writer.serialize(evaluation).map_err(io::Error::from)?;
        self.writer.flush()
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.writer.flush()
    }
}
