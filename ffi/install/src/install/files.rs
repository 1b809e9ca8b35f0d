//! Files that are there whole or not at all: written beside and renamed, so that programs that run keep the old ones.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::Outcome;

/// What a file is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// To be read
    Text,
    /// To be loaded and run
    Program,
}

impl Kind {
    fn permissions(self) -> Permissions {
        Permissions::from_mode(match self {
            Kind::Text => 0o644,
            Kind::Program => 0o755,
        })
    }
}

/// Copies a file.
pub(super) fn copy(from: &Path, to: &Path, kind: Kind) -> Outcome {
    let bytes = fs::read(from).map_err(|error| named(from, &error))?;
    put(to, |beside| create(beside, &bytes, kind))
}

/// Writes a text.
pub(super) fn write(to: &Path, text: &[u8]) -> Outcome {
    put(to, |beside| create(beside, text, Kind::Text))
}

/// Makes a symbolic link to a file of the same folder.
pub(super) fn link(target: &str, to: &Path) -> Outcome {
    put(to, |beside| symlink(target, beside))
}

fn create(path: &Path, bytes: &[u8], kind: Kind) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::set_permissions(path, kind.permissions())
}

/// Lets `make` write beside `to`, and renames.
fn put(to: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Outcome {
    let beside = beside(to);
    let folder = to.parent().unwrap_or(Path::new("."));
    let made = fs::create_dir_all(folder).and_then(|()| make(&beside)).and_then(|()| fs::rename(&beside, to));
    made.map_err(|error| {
        // What was begun is of no use; that it may not even be there is no news.
        let _ = fs::remove_file(&beside);
        named(to, &error)
    })
}

fn beside(to: &Path) -> PathBuf {
    let mut path = to.as_os_str().to_owned();
    path.push(format!(".{}.part", std::process::id()));
    PathBuf::from(path)
}

fn named(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
