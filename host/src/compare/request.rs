//! What is asked for: labels, methods, settings for one of them or for all.

use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use crate::settings::by_key::{keys, parse, table, used_by_none, with_useful};
use crate::settings::{CheckpointEvery, Keep, Method, Settings, TrainOptions};

/// Letters of a label at most: it heads a column and names a folder.
const LONGEST: usize = 24;

/// One run of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name: the method's own, or another one where a method runs more than once.
    pub label: String,
    /// All its settings.
    pub settings: Settings,
}

/// A method that is asked for, with settings of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    label: String,
    method: Method,
    options: TrainOptions,
    /// What [`Request::set`] was given, for its message when a key comes twice.
    keys: Vec<String>,
}

impl Request {
    /// The method under a label: 1 to 24 letters, digits, `-` or `_`, and no other method's name.
    pub fn new(label: impl Into<String>, method: Method) -> Self {
        Self { label: label.into(), method, options: TrainOptions::default(), keys: Vec::new() }
    }

    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Gives this method alone a setting: `key` and `value` are a flag of `altmin train`, without the dashes, and its
    /// value.
    ///
    /// # Errors
    /// [`Error::Argument`] for an unknown key (with the nearest known ones), a key that all methods share
    /// ([`is_common`]), a key that was set before, a value that the flag would refuse.
    pub fn set(&mut self, key: &str, value: &str) -> Result {
        let refused = |expected: String| {
            Err(Error::argument("setting", format!("{}.{key}={value}", self.label), expected))
        };
        let known: Vec<String> = keys().into_iter().map(|(key, _)| key).collect();
        if key == "method" {
            return refused(format!("the method in the list of methods, as {}=METHOD", self.label));
        }
        if !known.iter().any(|name| name == key) {
            let own = known.iter().map(String::as_str).filter(|key| *key != "method" && !is_common(key));
            return refused(format!("a setting of `train`{}", did_you_mean(key, own)));
        }
        if is_common(key) {
            return refused(format!("--{key}: `{key}` is the same for all methods"));
        }
        if self.keys.iter().any(|name| name == key) {
            return refused(format!("`{key}` once"));
        }
        match parse(key, value) {
            Ok(options) => self.options = options.over(std::mem::take(&mut self.options)),
            Err(reason) => return refused(format!("a value of `{key}` ({reason})")),
        }
        self.keys.push(key.to_owned());
        Ok(())
    }
}

/// Whether all runs of a comparison must agree on a setting, by its key: those of data, network and machine. The
/// regulariser and growth belong to the network but may differ; a method's objective and its start with fewer layers are
/// its own affair.
pub fn is_common(key: &str) -> bool {
    let heading = keys().into_iter().find(|(name, _)| name == key).map(|(_, heading)| heading);
    let common = heading.is_some_and(|heading| ["Data", "Network", "Machine"].contains(&heading.as_str()));
    common && !["regularizer", "grow"].contains(&key)
}

/// The settings of every run.
pub(super) fn resolve(requests: &[Request], shared: &TrainOptions) -> Result<Vec<Entry>> {
    let labels: Vec<&str> = requests.iter().map(|request| request.label.as_str()).collect();
    // What the first method has no use for and no other one has taken yet.
    let mut unused: Vec<(String, Error)> = Vec::new();
    let mut entries = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let own = TrainOptions { method: Some(request.method), ..request.options.clone() };
        let entry_error = |error| Error::Entry { label: request.label.clone(), source: Box::new(error) };
        let (options, useless) = with_useful(&own, shared)?;
        match index {
            0 => unused = useless,
            _ => unused.retain(|(key, _)| useless.iter().any(|(other, _)| other == key)),
        }
        let settings = options.resolve().map_err(entry_error)?;
        own.check_effect(&settings).map_err(entry_error)?;
        entries.push(Entry { label: request.label.clone(), settings });
    }
    match unused.into_iter().next() {
        Some((_, error)) => Err(used_by_none(error, &labels)),
        None => Ok(entries),
    }
}

/// `Ok` when the runs may be compared.
pub(super) fn check(entries: &[Entry]) -> Result {
    let Some((first, others)) = entries.split_first() else {
        return Err(Error::argument("methods", "", "at least one"));
    };
    for (index, entry) in entries.iter().enumerate() {
        check_label(&entry.label, entry.settings.method)?;
        // Where folders do not tell capital letters from small ones, neither may labels.
        if entries[..index].iter().any(|other| other.label.eq_ignore_ascii_case(&entry.label)) {
            let expected =
                format!("each label once: {0}-2={1} runs {1} again", entry.label, entry.settings.method);
            return Err(Error::argument("methods", &entry.label, expected));
        }
        entry.settings.validate().map_err(|error| entry.error(error))?;
        if entry.settings.checkpoint_every.is_some() {
            let every = CheckpointEvery(entry.settings.checkpoint_every);
            let expected = "none: a comparison writes no checkpoints";
            return Err(entry.error(Error::argument("checkpoint-every", every, expected)));
        }
        if let Some(sweeps) = entry.settings.patience {
            let expected = "none: a comparison trains every method for all sweeps";
            return Err(entry.error(Error::argument("patience", sweeps, expected)));
        }
        if entry.settings.keep != Keep::Last {
            let expected = "last: a comparison writes the last models";
            return Err(entry.error(Error::argument("keep", entry.settings.keep, expected)));
        }
    }
    let common = table(&first.settings.clone().into())?;
    for entry in others {
        for (key, value) in table(&entry.settings.clone().into())? {
            if is_common(&key) && common.get(&key) != Some(&value) {
                let expected = format!("the same `{key}` as {}", first.label);
                return Err(entry.error(Error::argument("settings", format!("{key} = {value}"), expected)));
            }
        }
    }
    Ok(())
}

fn check_label(label: &str, method: Method) -> Result {
    let refused = |expected: String| Err(Error::argument("methods", label, expected));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if label.is_empty() || label.len() > LONGEST || label.starts_with('-') || !label.chars().all(plain) {
        return refused(format!("a label of 1 to {LONGEST} letters, digits, - or _"));
    }
    match label.to_ascii_lowercase().parse::<Method>() {
        Ok(other) if other != method => refused("a label other than the name of another method".to_owned()),
        _ => Ok(()),
    }
}
