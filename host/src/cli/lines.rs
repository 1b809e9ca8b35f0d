//! Lines of JSON on stdout while a command works on, which may have lost its reader.

use super::failure::Failure;
use super::output;
use crate::error::{Error, Result};
use serde::Serialize;
use std::io;
use std::path::Path;

/// Lines for programs, or nothing where nobody asked for them.
pub(super) struct Lines {
    wanted: bool,
    /// Why stdout takes no more.
    closed: Option<Failure>,
}

impl Lines {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, closed: None }
    }

    /// Prints a line. One that cannot be printed ends the work, unless what it finds `is_kept` elsewhere.
    pub(super) fn print(&mut self, kind: &str, content: &impl Serialize, is_kept: bool) -> Result {
        if !self.wanted || self.closed.is_some() {
            return Ok(());
        }
        let Err(error) = output::print_json(kind, content) else { return Ok(()) };
        self.closed = Some(error.into());
        match is_kept {
            true => Ok(()),
            false => Err(Error::io("write", Path::new("the output"), io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Why stdout took no more lines, if it did not.
    pub(super) fn into_failure(self) -> Option<Failure> {
        self.closed
    }
}
