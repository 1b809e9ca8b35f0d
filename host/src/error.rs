//! What can go wrong outside the mathematics: files, data sets, arguments; each as one line for people.

use crate::units;
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

/// Why something was refused or failed.
///
/// The text is one line that names the file or the argument, what was found and what was expected. Advice, where
/// there is any, is kept apart in [`Error::hint`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The core refused a call or could not finish it.
    Core(altmin_core::Error),
    /// The operating system refused to read or write.
    Io {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// None of the names under which a file may be stored is there.
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
        /// Every name that was tried.
        tried: Vec<String>,
        /// The package that would put the file there, if one is known.
        package: Option<&'static str>,
    },
    /// A file is not what it should be.
    Format {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
        /// What may have happened.
        hint: Option<&'static str>,
    },
    /// A data set cannot be trained or tested on.
    Data {
        /// The data set's name.
        name: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
        /// What may help.
        hint: Option<&'static str>,
    },
    /// A model and a data set do not belong together.
    Mismatch {
        /// The quantity that differs, in the plural: `features`, `classes`.
        quantity: &'static str,
        /// The data set's.
        data: usize,
        /// The model's.
        model: usize,
    },
    /// A model's file is of another network than the one that is to take its weights.
    Network {
        /// The file.
        path: PathBuf,
        /// The file's network.
        found: String,
        /// The one that there is.
        expected: String,
    },
    /// A checkpoint is of another run than the one that is to go on from it.
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What it was written with: a version, a setting, or data.
        found: String,
        /// What the run has in its place.
        expected: String,
    },
    /// An argument is outside its range or not understood.
    Argument {
        /// The argument's name.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it should have been.
        expected: String,
    },
    /// A run takes more memory than it may.
    Memory {
        /// Bytes that it takes.
        needed: usize,
        /// Bytes that it may take.
        limit: usize,
        /// Whether the setting `max-memory` says so, and not the machine.
        is_set: bool,
        /// Changes of the settings each of which makes it fit.
        fits: Vec<String>,
    },
    /// The system has no memory for a block.
    Allocation {
        /// Its bytes.
        bytes: usize,
    },
    /// The system has no further threads.
    Threads {
        /// How many were asked for.
        count: usize,
        /// The system's reason.
        reason: String,
    },
    /// Something is there already and is not overwritten.
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// One run of a comparison was refused or failed.
    Entry {
        /// The run's label.
        label: String,
        /// Why.
        source: Box<Error>,
    },
}

/// The result of everything that can be refused.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Io`].
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// An [`Error::Format`] without advice.
    pub fn format(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), found: found.into(), expected: expected.into(), hint: None }
    }

    /// An [`Error::Data`] without advice.
    pub fn data(name: &str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Data { name: name.to_owned(), found: found.into(), expected: expected.into(), hint: None }
    }

    /// An [`Error::Argument`].
    pub fn argument(name: &'static str, found: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::Argument { name, found: found.to_string(), expected: expected.into() }
    }

    /// The same with advice, where the error has room for it: [`Error::Format`] and [`Error::Data`].
    #[must_use]
    pub fn with_hint(mut self, advice: &'static str) -> Self {
        if let Error::Format { hint, .. } | Error::Data { hint, .. } = &mut self {
            *hint = Some(advice);
        }
        self
    }

    /// Advice on what to do, where there is any.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Missing { package: Some(package), .. } => {
                Some(format!("install the data set with `sudo apt install {package}`"))
            }
            Error::Format { hint, .. } | Error::Data { hint, .. } => hint.map(str::to_owned),
            Error::Mismatch { .. } => {
                Some("use the data set, pooling and classes that the model was trained with".to_owned())
            }
            Error::Entry { source, .. } => source.hint(),
            Error::Memory { fits, .. } if fits.is_empty() => Some("take a smaller network".to_owned()),
            Error::Memory { fits, .. } => Some(format!("it would fit with {}", fits.join(", or "))),
            Error::Threads { .. } => Some("take fewer threads".to_owned()),
            Error::Exists { .. } => Some("choose another name, or move the existing one".to_owned()),
            Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space; an existing file of this name was not changed".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the call was wrong (a program's exit code 2) and not the world around it (1).
    pub fn is_usage(&self) -> bool {
        match self {
            Error::Entry { source, .. } => source.is_usage(),
            _ => matches!(
                self,
                Error::Argument { .. }
                    | Error::Memory { .. }
                    | Error::Exists { .. }
                    | Error::OtherRun { .. }
                    | Error::Core(altmin_core::Error::Setting { .. } | altmin_core::Error::Block { .. })
            ),
        }
    }
}

/// What was found, no longer than lets people read on to what was expected: a number that would be a row of zeros has an
/// exponent, and of a long text the middle is left out.
struct Found<'a>(&'a str);

impl Found<'_> {
    /// Characters that are shown of the beginning and of the end of a text that is longer than both.
    const BEGINNING: usize = 80;
    const END: usize = 20;
    /// The longest number in full.
    const DIGITS: usize = 24;
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = *self;
        if let (Self::DIGITS.., Ok(number)) = (text.len(), text.parse::<f64>()) {
            return write!(f, "{number:e}");
        }
        let beginning = text.char_indices().nth(Self::BEGINNING);
        let end = text.char_indices().nth_back(Self::END - 1);
        match (beginning, end) {
            (Some((from, _)), Some((to, _))) if from < to => write!(f, "{}...{}", &text[..from], &text[to..]),
            _ => f.write_str(text),
        }
    }
}

/// Writes what it is given in one line: what files and arguments hold may have line ends and sequences for terminals in it.
struct OneLine<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(char::is_control) {
            match part.chars().next_back().filter(|last| last.is_control()) {
                Some(last) => {
                    self.0.write_str(&part[..part.len() - last.len_utf8()])?;
                    write!(self.0, "{}", last.escape_default())?;
                }
                None => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&mut OneLine(f))
    }
}

impl Error {
    fn write(&self, f: &mut OneLine<'_, '_>) -> fmt::Result {
        match self {
            Error::Core(error) => write!(f, "{error}"),
            Error::Io { action, path, source } => write!(f, "cannot {action} `{}`: {source}", path.display()),
            Error::Missing { folder, tried, .. } => {
                write!(f, "`{}` holds none of {}", folder.display(), tried.join(", "))
            }
            Error::Format { path, found, expected, .. } => {
                write!(f, "`{}`: found {}, expected {expected}", path.display(), Found(found))
            }
            Error::Network { path, found, expected } | Error::OtherRun { path, found, expected } => {
                write!(f, "`{}`: found {}, expected {expected}", path.display(), Found(found))
            }
            Error::Data { name, found, expected, .. } => {
                write!(f, "data set {name}: found {}, expected {expected}", Found(found))
            }
            Error::Mismatch { quantity, data, model } => {
                write!(f, "the data set has {data} {quantity}, the model expects {model}")
            }
            Error::Argument { name, found, expected } => {
                write!(f, "`{name}` is `{}`, expected {expected}", Found(found))
            }
            Error::Memory { needed, limit, is_set, .. } => {
                let (needed, limit) = (units::bytes(*needed), units::bytes(*limit));
                let whose = if *is_set { "that --max-memory allows" } else { "that are available" };
                write!(f, "the run takes {needed} of memory, more than the {limit} {whose}")
            }
            Error::Allocation { bytes } => {
                write!(f, "out of memory: the system has none for {} more", units::bytes(*bytes))
            }
            Error::Threads { count, reason } => write!(f, "the system has no {count} threads: {reason}"),
            Error::Entry { label, source } => write!(f, "{label}: {source}"),
            Error::Exists { path } => write!(f, "`{}` already exists and is not overwritten", path.display()),
        }
    }
}

#[cfg(feature = "program")]
impl From<altmin_verify::Error> for Error {
    fn from(error: altmin_verify::Error) -> Self {
        match error {
            altmin_verify::Error::Core(error) => Self::Core(error),
            altmin_verify::Error::Argument { name, found, expected } => Self::argument(name, found, expected),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Core(error) => Some(error),
            Error::Io { source, .. } => Some(source),
            Error::Entry { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<altmin_core::Error> for Error {
    fn from(error: altmin_core::Error) -> Self {
        Error::Core(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_leaves_room_for_what_was_expected() {
        let said = |found: String| Error::argument("nu", found, "a number").to_string();
        assert_eq!(said(1e-300.to_string()), "`nu` is `1e-300`, expected a number");
        assert_eq!(said(f64::MAX.to_string()), "`nu` is `1.7976931348623157e308`, expected a number");
        assert_eq!(said(0.0001.to_string()), "`nu` is `0.0001`, expected a number");
        assert_eq!(
            said("\u{e9}".repeat(100)),
            format!("`nu` is `{}`, expected a number", "\u{e9}".repeat(100))
        );
        let (beginning, end) = ("\u{e9}".repeat(80), "\u{e9}".repeat(20));
        assert_eq!(said("\u{e9}".repeat(101)), format!("`nu` is `{beginning}...{end}`, expected a number"));
        assert_eq!(
            altmin_core::error::require_decay("nu", -1e-300).unwrap_err().to_string(),
            "`nu` is -1e-300, expected 0 or above and below 1"
        );
    }
}
