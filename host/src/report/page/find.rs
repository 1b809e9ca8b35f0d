//! Which runs are meant by folders.

use crate::error::{Error, Result};
use crate::run::folder::CONFIG;
use std::fs;
use std::path::{Path, PathBuf};

/// What the rows of a comparison are called.
const COMPARISON: &str = "comparison.csv";

/// A run's folder, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) label: String,
    pub(super) path: PathBuf,
}

/// The runs in these folders, each of a run or of a comparison, under labels that differ.
///
/// # Errors
/// [`Error::Argument`] for no folder, for one that is neither, and for a run that is named twice; [`Error::Io`] if it cannot
/// be looked into.
pub(super) fn runs(folders: &[PathBuf]) -> Result<Vec<Found>> {
    if folders.is_empty() {
        return Err(Error::argument("RUN", "no folder", "at least one"));
    }
    let mut all: Vec<Found> = Vec::new();
    for folder in folders {
        let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        let name = whole.file_name().map_or_else(|| folder.display().to_string(), text);
        if folder.join(CONFIG).is_file() {
            all.push(Found { label: name, path: folder.clone() });
        } else if folder.join(COMPARISON).is_file() {
            let runs = of_comparison(folder)?;
            let label = |run: &str| if folders.len() == 1 { run.to_owned() } else { format!("{name}/{run}") };
            all.extend(runs.iter().map(|run| Found { label: label(run), path: folder.join(run) }));
        } else {
            let expected = "a folder written by `altmin train --out` or `altmin compare --out`";
            return Err(Error::argument("RUN", folder.display(), expected));
        }
    }
    let mut seen = Vec::new();
    for found in &all {
        let whole = fs::canonicalize(&found.path).map_err(|error| Error::io("find", &found.path, error))?;
        if seen.contains(&whole) {
            return Err(Error::argument("RUN", found.path.display(), "each run once"));
        }
        seen.push(whole);
    }
    Ok(told_apart(all))
}

fn text(name: &std::ffi::OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// The labels of a comparison's runs: those that have rows in the order of these, then those that have none.
fn of_comparison(folder: &Path) -> Result<Vec<String>> {
    let unreadable = |error| Error::io("look into", folder, error);
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().join(CONFIG).is_file() {
            all.push(text(&entry.file_name()));
        }
    }
    if all.is_empty() {
        return Err(Error::argument(
            "RUN",
            folder.display(),
            "a comparison with the folder of at least one run",
        ));
    }
    let path = folder.join(COMPARISON);
    let rows = csv::Reader::from_path(&path).map_err(|error| Error::io("read", &path, error.into()))?;
    let mut order: Vec<String> = Vec::new();
    // A row that a process that was killed has left half-written says no more than those before it.
    for label in rows.into_records().map_while(|row| Some(row.ok()?.get(0)?.to_owned())) {
        if order.last() != Some(&label) {
            order.push(label);
        }
    }
    let rank = |label: &String| order.iter().position(|other| other == label).unwrap_or(order.len());
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    Ok(all)
}

/// Labels that are the same are the paths as they were given.
fn told_apart(all: Vec<Found>) -> Vec<Found> {
    let is_twice = |found: &Found| all.iter().filter(|other| other.label == found.label).count() > 1;
    let label =
        |found: &Found| if is_twice(found) { found.path.display().to_string() } else { found.label.clone() };
    all.iter().map(|found| Found { label: label(found), path: found.path.clone() }).collect()
}
