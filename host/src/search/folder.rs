//! The folder that a search leaves behind, and from which it goes on.

use super::{Axis, Budget, Findings, Record, Request, Search};
use crate::atomic_file::{self, Appended, journal};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::report::search::{curves, table};
use crate::run::checkpoint::fingerprint::Fingerprint;
use crate::run::folder;
use crate::settings::{Method, TrainOptions};
use altmin_core::Real;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const JOURNAL: &str = "search.jsonl";

/// The first line of `search.jsonl`: what is searched, by which version of the program, on which samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "search")]
struct Head {
    version: String,
    methods: Vec<String>,
    over: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    halving: usize,
    seeds: usize,
    options: TrainOptions,
    train: String,
    held_out: String,
}

impl Head {
    fn of<T: Real>(request: &Request, train: &Dataset<T>, held_out: &Dataset<T>) -> Self {
        let Request { methods, over, budget, halving, seeds, options } = request;
        let (budget, seconds) = match *budget {
            Budget::Sweeps => (None, None),
            Budget::Operations(budget) => (Some(budget), None),
            Budget::Seconds(seconds) => (None, Some(seconds)),
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            methods: methods.iter().map(Method::to_string).collect(),
            over: over.iter().map(Axis::to_string).collect(),
            budget,
            seconds,
            halving: *halving,
            seeds: *seeds,
            options: options.clone(),
            train: Fingerprint::of(train).to_string(),
            held_out: Fingerprint::of(held_out).to_string(),
        }
    }

    fn request(&self) -> Result<Request> {
        let method = |name: &String| name.parse().map_err(|_| Error::argument("methods", name, "a method"));
        Ok(Request {
            methods: self.methods.iter().map(method).collect::<Result<_>>()?,
            over: self.over.iter().map(|axis| axis.parse()).collect::<Result<_>>()?,
            budget: match (self.budget, self.seconds) {
                (Some(operations), _) => Budget::Operations(operations),
                (_, Some(seconds)) => Budget::Seconds(seconds),
                _ => Budget::Sweeps,
            },
            halving: self.halving,
            seeds: self.seeds,
            options: self.options.clone(),
        })
    }
}

/// What an earlier search has left in its folder.
#[derive(Debug)]
pub struct Left {
    /// What is searched.
    pub request: Request,
    /// What was found out.
    pub records: Vec<Record>,
    head: Head,
    path: PathBuf,
}

impl Left {
    /// Reads a folder's `search.jsonl`. What a search that was killed has left of a last line counts for nothing.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Format`] for another line that is none of a search.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(JOURNAL);
        let (head, records) = journal::read::<Head, Record>(&path, "search")?;
        Ok(Self { request: head.request()?, records, head, path })
    }
}

/// A folder with `search.jsonl`, a line for what is found out, written when it is found out; at the end `table.md`, `curves.svg`,
/// and for every method, under its name, `best.toml`.
#[derive(Debug)]
pub struct SearchFolder {
    path: PathBuf,
    journal: Appended,
}

impl SearchFolder {
    /// Creates the folder, with those above it where they are missing.
    ///
    /// # Errors
    /// [`Error::Exists`] if something is there, [`Error::Io`] if it cannot be written.
    pub fn create<T: Real>(
        path: &Path,
        search: &Search,
        train: &Dataset<T>,
        held_out: &Dataset<T>,
    ) -> Result<Self> {
        folder::create_new(path)?;
        Self::open(path, &Head::of(search.request(), train, held_out), &[])
    }

    /// The folder of a search that goes on.
    ///
    /// # Errors
    /// [`Error::OtherRun`] for samples other than those that it was searched on, and for another version of the program;
    /// [`Error::Io`].
    pub fn reopen<T: Real>(left: &Left, train: &Dataset<T>, held_out: &Dataset<T>) -> Result<Self> {
        let head = Head::of(&left.request, train, held_out);
        let compared = [
            ("version", &left.head.version, &head.version),
            ("training samples", &left.head.train, &head.train),
            ("held-out samples", &left.head.held_out, &head.held_out),
        ];
        if let Some((what, found, expected)) =
            compared.into_iter().find(|(_, found, expected)| found != expected)
        {
            return Err(Error::OtherRun {
                path: left.path.clone(),
                found: format!("{what} {found}"),
                expected: expected.clone(),
            });
        }
        let folder = left.path.parent().unwrap_or(Path::new("."));
        for name in [JOURNAL, "table.md", "curves.svg"] {
            atomic_file::remove_left_behind(&folder.join(name))?;
        }
        for method in &left.request.methods {
            let best = folder.join(method.to_string()).join("best.toml");
            if best.parent().is_some_and(Path::is_dir) {
                atomic_file::remove_left_behind(&best)?;
            }
        }
        Self::open(folder, &left.head, &left.records)
    }

    /// Writes the journal so far and opens it for more.
    fn open(path: &Path, head: &Head, records: &[Record]) -> Result<Self> {
        let journal = journal::begin(&path.join(JOURNAL), head, records)?;
        Ok(Self { path: path.to_owned(), journal })
    }

    /// Adds a line to `search.jsonl`; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&mut self, record: &Record) -> Result {
        journal::add(&mut self.journal, record)
            .map_err(|error| Error::io("write", &self.path.join(JOURNAL), error))
    }

    /// Writes `table.md`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_table(&self, search: &Search, all: &[Findings]) -> Result {
        self.write("table.md", &table(search, all))
    }

    /// Writes `curves.svg`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_curves(&self, search: &Search, all: &[Findings]) -> Result {
        let svg = curves(search, all)
            .map_err(|error| Error::io("draw", &self.path.join("curves.svg"), io::Error::other(error)))?;
        self.write("curves.svg", &svg)
    }

    /// Writes a method's `best.toml`, if its search is over and there is a best.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Argument`] for a number that TOML cannot hold.
    pub fn write_best(&self, search: &Search, findings: &Findings) -> Result {
        let Some(best) = search.best(findings) else { return Ok(()) };
        let (folder, text) = (self.path.join(best.method.to_string()), best.to_toml()?);
        fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
        let path = folder.join("best.toml");
        atomic_file::write(&path, |file| file.write_all(text.as_bytes()))
    }

    fn write(&self, name: &str, content: &str) -> Result {
        atomic_file::write(&self.path.join(name), |file| file.write_all(content.as_bytes()))
    }
}
