//! The folder that an experiment leaves behind, and from which it goes on.

use super::cells::Request;
use super::record::Record;
use crate::atomic_file::{self, Appended, journal};
use crate::error::{Error, Result};
use crate::run::folder;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const JOURNAL: &str = "experiment.jsonl";
/// The table, the claims and the figures.
pub const PAGE: &str = "page.md";

/// The first line of `experiment.jsonl`: what is run, by which version of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "experiment")]
struct Head {
    version: String,
    request: Request,
}

/// What an experiment has left in its folder.
#[derive(Debug)]
pub struct Left {
    /// What is run.
    pub request: Request,
    /// The runs that are over.
    pub records: Vec<Record>,
    path: PathBuf,
}

impl Left {
    /// Reads a folder's `experiment.jsonl`. What one that was killed has left of a last line counts for nothing.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for another line that is none of an experiment; [`Error::OtherRun`] for another version
    /// of the program.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(JOURNAL);
        let (head, records) = journal::read::<Head, Record>(&path, "experiment")?;
        if head.version != env!("CARGO_PKG_VERSION") {
            return Err(Error::OtherRun {
                path,
                found: format!("version {}", head.version),
                expected: env!("CARGO_PKG_VERSION").to_owned(),
            });
        }
        Ok(Self { request: head.request, records, path: folder.to_owned() })
    }
}

/// A folder with `experiment.jsonl`, to which a line is added for every run when it is over; at the end `page.md` and its figures.
#[derive(Debug)]
pub struct ExperimentFolder {
    path: PathBuf,
    journal: Appended,
}

impl ExperimentFolder {
    /// Creates the folder, with those above it where they are missing.
    ///
    /// # Errors
    /// [`Error::Exists`] if something is there, [`Error::Io`] if it cannot be written.
    pub fn create(path: &Path, request: &Request) -> Result<Self> {
        folder::create_new(path)?;
        Self::open(path, request, &[])
    }

    /// The folder of an experiment that goes on.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn reopen(left: &Left) -> Result<Self> {
        for name in [JOURNAL, PAGE] {
            atomic_file::remove_left_behind(&left.path.join(name))?;
        }
        Self::open(&left.path, &left.request, &left.records)
    }

    fn open(path: &Path, request: &Request, records: &[Record]) -> Result<Self> {
        let head = Head { version: env!("CARGO_PKG_VERSION").to_owned(), request: request.clone() };
        let journal = journal::begin(&path.join(JOURNAL), &head, records)?;
        Ok(Self { path: path.to_owned(), journal })
    }

    /// Adds a run; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&mut self, record: &Record) -> Result {
        journal::add(&mut self.journal, record)
            .map_err(|error| Error::io("write", &self.path.join(JOURNAL), error))
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, name: &str, content: &str) -> Result {
        atomic_file::write(&self.path.join(name), |file| file.write_all(content.as_bytes()))
    }

    /// Writes a figure of the page.
    ///
    /// # Errors
    /// [`Error::Io`], also for what could not be drawn.
    pub fn write_figure(&self, name: &str, drawn: std::result::Result<String, String>) -> Result {
        let svg = drawn.map_err(|error| Error::io("draw", &self.path.join(name), io::Error::other(error)))?;
        self.write(name, &svg)
    }

    /// Takes away what an earlier page of the same folder has left: figures that are not among these.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_figures(&self, names: &[String]) -> Result {
        let failed = |error| Error::io("read", &self.path, error);
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with("curves") && name.ends_with(".svg") && names.iter().all(|one| one != name) {
                let path = self.path.join(name);
                fs::remove_file(&path).map_err(|error| Error::io("remove", &path, error))?;
            }
        }
        Ok(())
    }
}
