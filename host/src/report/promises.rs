//! What `altmin verify` has found of a run's promises, as a file in the run's folder.

use crate::atomic_file;
use crate::error::{Error, Result};
use crate::settings::Settings;
use altmin_verify::{Promise, Report, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// The file's name in a run's folder.
pub const PROMISES: &str = "verify.json";

/// Settings that change nothing of what is promised: how long a run takes, what it keeps, and what is looked at beside its sweeps.
const BESIDE: [&str; 12] = [
    "threads",
    "kernel",
    "tolerance",
    "patience",
    "time-limit",
    "checkpoint-every",
    "keep",
    "max-memory",
    "diagnostics",
    "evaluate-every",
    "exact-metrics",
    "drop-readouts",
];

/// Promises that were checked, and on which settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promises {
    /// The version of the program that has checked them.
    pub altmin: String,
    /// The run that was followed, in a line.
    pub title: String,
    /// Its settings, by key.
    pub settings: BTreeMap<String, String>,
    /// Promise by promise.
    pub promises: Vec<Checked>,
    /// How it ended before its last sweep, if it did.
    pub stopped: Option<String>,
}

/// A promise, and the worst that was found against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name: `descent`.
    pub name: String,
    /// What came of it.
    pub verdict: Came,
    /// What it says.
    pub statement: String,
    /// Where it is from.
    pub source: String,
    /// Where the papers slip, and what is checked instead.
    pub departure: Option<String>,
    /// What the settings lack, where it is not promised.
    pub needs: Option<String>,
    /// The number of checks made.
    pub checks: usize,
    /// The largest violation, relative to the size of the numbers compared; none where it was no number.
    pub violation: Option<f64>,
    /// What rounding may explain of it.
    pub allowed: Option<f64>,
    /// The sweep of the largest violation, from 1; 0 is the start.
    pub sweep: usize,
    /// Its layer, from 0.
    pub layer: Option<usize>,
    /// What else was found.
    pub detail: Option<String>,
}

/// What came of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// Every check was within its rounding.
    Held,
    /// One was not.
    Broken,
    /// The settings are outside the theorem's condition.
    NotPromised,
}

impl Checked {
    fn of(promise: &Promise) -> Self {
        let finite = |number: f64| number.is_finite().then_some(number);
        Self {
            name: promise.name.to_string(),
            verdict: match promise.verdict {
                Verdict::Held => Came::Held,
                Verdict::Broken => Came::Broken,
                Verdict::NotPromised => Came::NotPromised,
            },
            statement: promise.statement.clone(),
            source: promise.source.clone(),
            departure: promise.departure.clone(),
            needs: promise.needs.clone(),
            checks: promise.checks,
            violation: finite(promise.violation),
            allowed: finite(promise.allowed),
            sweep: promise.sweep,
            layer: promise.layer,
            detail: promise.detail.clone(),
        }
    }
}

impl Promises {
    /// What was found on these settings; `title` says in a line which run that was.
    ///
    /// # Errors
    /// Settings that are no TOML.
    pub fn of(title: &str, settings: &Settings, report: &Report) -> Result<Self> {
        Ok(Self {
            altmin: env!("CARGO_PKG_VERSION").to_owned(),
            title: title.to_owned(),
            settings: settings.to_texts()?,
            promises: report.promises.iter().map(Checked::of).collect(),
            stopped: report.stopped.clone(),
        })
    }

    /// Keeps it in a run's folder, in the place of what was found before.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, folder: &Path) -> Result {
        atomic_file::write(&folder.join(PROMISES), |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }

    /// What a run's folder has of it, if anything.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is something else.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(PROMISES);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        let found = serde_json::from_str(&text);
        found
            .map(Some)
            .map_err(|error| Error::format(&path, error.to_string(), "what `altmin verify --run` writes"))
    }

    /// The settings that are others than those of the run: key, value in the run, value here.
    pub fn differing(&self, run: &BTreeMap<String, String>) -> Vec<(String, String, String)> {
        let keys = run.keys().chain(self.settings.keys().filter(|key| !run.contains_key(*key)));
        let value = |settings: &BTreeMap<String, String>, key: &String| {
            settings.get(key).cloned().unwrap_or_else(|| "none".to_owned())
        };
        keys.filter(|key| !BESIDE.contains(&key.as_str()))
            .map(|key| (key.clone(), value(run, key), value(&self.settings, key)))
            .filter(|(_, run, here)| run != here)
            .collect()
    }

    /// How many of the promises came to this.
    pub fn count(&self, came: Came) -> usize {
        self.promises.iter().filter(|promise| promise.verdict == came).count()
    }
}
