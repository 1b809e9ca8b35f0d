//! One row a sweep.

use crate::run::observe::{Metrics, Observer, Summary};
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
