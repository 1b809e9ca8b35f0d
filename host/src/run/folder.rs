//! The folder that a run leaves behind.

use crate::atomic_file::{self, Appended};
use crate::error::{Error, Result};
use crate::network::score::Scores;
use crate::report::csv::{CsvRows, EvaluationRows};
use crate::report::curves;
use crate::run::executor::timeline::Timeline;
use crate::run::observe::{Metrics, Observer as _};
use crate::settings::Settings;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The settings of a run.
pub const CONFIG: &str = "config.toml";
/// Who worked when in a sweep of a run, where that was asked for.
pub const TIMELINE: &str = "timeline.json";
/// The model of a run: of its last sweep, or of its best one.
pub const MODEL: &str = "model.safetensors";
/// The model of the best sweep, beside that of the last.
pub const BEST_MODEL: &str = "best.safetensors";

/// The model's file of this path: the path itself, or the model in it where it is a run's folder.
pub fn model_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(MODEL) } else { path.to_owned() }
}

/// A new folder with `config.toml`, `metrics.csv`, `model.safetensors` and `curves.svg`, with `best.safetensors` where the best
/// model is kept beside the last, and with `evaluations.csv` where the test set is passed within epochs.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Refuses a path where something is, also a link to nothing; creates nothing.
    ///
    /// # Errors
    /// [`Error::Exists`], or [`Error::Io`] if that cannot be found out.
    pub fn require_missing(path: &Path) -> Result {
        match fs::symlink_metadata(path) {
            Ok(_) => Err(Error::Exists { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("look at", path, error)),
        }
    }

    /// Creates the folder, with those above it where they are missing, and writes `config.toml`.
    ///
    /// # Errors
    /// [`Error::Exists`] if something is there by now, [`Error::Io`] if it cannot be written; the folder, if it was
    /// made, is then taken away again.
    pub fn create(path: &Path, settings: &Settings) -> Result<Self> {
        let config = settings.to_toml()?;
        create_new(path)?;
        let folder = Self { path: path.to_owned() };
        let written = folder.write(CONFIG, config.as_bytes());
        if written.is_err() {
            // It was made a moment ago and holds nothing.
            let _ = fs::remove_dir(path);
        }
        written.map(|()| folder)
    }

    /// The folder of a run that goes on; `config.toml` says with which settings, and what a run that was killed has left
    /// half-written is removed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn reopen(path: &Path, settings: &Settings) -> Result<Self> {
        let (folder, config) = (Self { path: path.to_owned() }, settings.to_toml()?);
        for name in [CONFIG, "metrics.csv", "evaluations.csv", MODEL, BEST_MODEL, "curves.svg"] {
            atomic_file::remove_left_behind(&folder.file(name))?;
        }
        if !fs::read(folder.file(CONFIG)).is_ok_and(|found| found == config.as_bytes()) {
            folder.write(CONFIG, config.as_bytes())?;
        }
        Ok(folder)
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

    /// Writes `timeline.json`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_timeline(&self, timeline: &Timeline) -> Result {
        atomic_file::write(&self.file(TIMELINE), |file| {
            serde_json::to_writer(&mut *file, timeline)?;
            file.write_all(b"\n")
        })
    }

    /// An observer that writes `metrics.csv` while the run goes on.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be created.
    pub fn metrics(&self, scores: Scores) -> Result<CsvRows<Appended>> {
        Appended::create_new(&self.file("metrics.csv")).map(|file| CsvRows::new(file, scores))
    }

    /// The same for a run that goes on: `metrics.csv` has the rows of `before`, and no others.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn metrics_after(&self, before: &[Metrics], scores: Scores) -> Result<CsvRows<Appended>> {
        let path = self.file("metrics.csv");
        atomic_file::write(&path, |file| {
            let mut rows = CsvRows::new(file, scores);
            before.iter().try_for_each(|metrics| rows.sweep(metrics))
        })?;
        let file = Appended::open(&path)?;
        Ok(if before.is_empty() { CsvRows::new(file, scores) } else { CsvRows::after_header(file) })
    }

    /// An observer that writes `evaluations.csv`, what is seen of the test set within epochs, while the run goes on. Of a run that
    /// goes on after sweep `done` the rows up to it stay.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read or written.
    pub fn evaluations(&self, done: usize, scores: Scores) -> Result<EvaluationRows<Appended>> {
        let path = self.file("evaluations.csv");
        let before = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        // The header has no number of a sweep.
        let is_done = |row: &&str| {
            let sweep = row.split(',').next().unwrap_or_default().parse();
            sweep.map_or(true, |sweep: usize| sweep <= done)
        };
        // What a run that was killed has left of a row is no line.
        let kept: String =
            before.split_inclusive('\n').filter(|row| row.ends_with('\n')).filter(is_done).collect();
        atomic_file::write(&path, |file| file.write_all(kept.as_bytes()))?;
        let file = Appended::open(&path)?;
        Ok(if kept.is_empty() {
            EvaluationRows::new(file, scores)
        } else {
            EvaluationRows::after_header(file)
        })
    }

    /// Writes `curves.svg`; `scores` says what the accuracies are.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn write_curves(&self, title: &str, sweeps: &[Metrics], scores: Scores) -> Result {
        let path = self.file("curves.svg");
        let svg = curves::svg(title, sweeps, scores)
            .map_err(|error| Error::io("draw", &path, io::Error::other(error)))?;
        self.write("curves.svg", svg.as_bytes())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result {
        atomic_file::write(&self.file(name), |file| file.write_all(content))
    }
}

/// Creates a new folder, with those above it where they are missing.
///
/// # Errors
/// [`Error::Exists`] if something is there, [`Error::Io`] if it cannot be created.
pub(crate) fn create_new(path: &Path) -> Result {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
    }
    fs::create_dir(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
        _ => Error::io("create", path, error),
    })
}
