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
    pub promises: Vec<Promise>,
    /// How it ended before its last sweep, if it did.
    pub stopped: Option<String>,
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
            promises: report.promises.clone(),
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
    pub fn count(&self, verdict: Verdict) -> usize {
        self.promises.iter().filter(|promise| promise.verdict == verdict).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use altmin_verify::Property;

    #[test]
    fn a_violation_that_is_no_number_is_still_none_when_it_is_read() {
        let promise = Promise {
            name: Property::Descent,
            verdict: Verdict::Broken,
            statement: "L falls".to_owned(),
            source: "a lemma".to_owned(),
            departure: None,
            needs: None,
            checks: 2,
            violation: f64::INFINITY,
            allowed: 1e-13,
            sweep: 3,
            layer: None,
            detail: None,
        };
        let promises = Promises {
            altmin: "0".to_owned(),
            title: "a run".to_owned(),
            settings: BTreeMap::new(),
            promises: vec![promise.clone()],
            stopped: None,
        };
        let folder = tempfile::tempdir().expect("temporary folder");
        promises.write(folder.path()).expect("a file");
        let read = Promises::read(folder.path()).expect("readable").expect("promises");
        let [found] = &read.promises[..] else { panic!("{read:?}") };
        assert!(found.violation.is_nan());
        assert_eq!(Promise { violation: f64::INFINITY, ..found.clone() }, promise);
        assert_eq!((read.count(Verdict::Broken), read.count(Verdict::Held)), (1, 0));
    }
}
