//! Where things go.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::Outcome;

/// The folder of libraries relative to the prefix, which the way back is found from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LibraryFolder(String);

impl FromStr for LibraryFolder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
        if text.is_empty() || !Path::new(text).components().all(inside) {
            return Err("a folder inside the prefix is wanted, such as lib or lib/x86_64-linux-gnu".into());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl LibraryFolder {
    /// As it was given.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The way from it up to the prefix.
    pub(super) fn back(&self) -> String {
        vec![".."; Path::new(&self.0).components().count()].join("/")
    }
}

/// The folders to install into.
#[derive(Debug)]
pub(super) struct Place {
    prefix: PathBuf,
    libraries: PathBuf,
}

impl Place {
    /// The prefix, made absolute, below DESTDIR.
    pub(super) fn new(prefix: &Path, libdir: &LibraryFolder) -> Outcome<Self> {
        let absolute =
            std::path::absolute(prefix).map_err(|error| format!("{}: {error}", prefix.display()))?;
        let prefix = match std::env::var_os("DESTDIR") {
            Some(stage) if !stage.is_empty() => {
                let mut staged: OsString = stage;
                staged.push(absolute.as_os_str());
                PathBuf::from(staged)
            }
            _ => absolute,
        };
        let libraries = prefix.join(libdir.text());
        Ok(Self { prefix, libraries })
    }

    /// The prefix.
    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Where a header goes.
    pub(super) fn header(&self, name: &str) -> PathBuf {
        self.prefix.join("include").join(name)
    }

    /// Where a library, or a file in a folder beside them, goes.
    pub(super) fn library(&self, name: &str) -> PathBuf {
        self.libraries.join(name)
    }
}
