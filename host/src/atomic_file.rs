//! Files that are there whole or not at all: written beside their place and renamed; and files that grow by whole pieces.

mod disk;
#[cfg(feature = "program")]
pub(crate) mod journal;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use disk::Output;
#[cfg(test)]
pub(crate) use disk::failures::for_each_failure;

/// Writes a file by `content`, in place of an older one of the same name.
///
/// The bytes go to a new file in the same folder, reach the disk, and take the name in one step: whoever reads the
/// name sees the old file or the new one. If anything fails, or `content` panics, the new file is removed and the
/// old one is as it was. A symbolic link is replaced, not followed.
///
/// # Errors
/// [`Error::Io`] with what `content` or the system said; also if `path` is there and is no file (a folder, a device).
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result {
    replace(path, content, || Ok(())).map_err(|error| Error::io("write", path, error))
}

/// The same, and the older file of this name, if there is one, takes the name `before`: under one of the two names there
/// is a whole file at any moment.
///
/// # Errors
/// As [`write()`].
pub fn write_keeping(
    path: &Path,
    before: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result {
    let keep = || match disk::rename(path, before) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    replace(path, content, keep).map_err(|error| Error::io("write", path, error))
}

/// A file to which pieces are appended that are there whole or not at all: each call of [`write`](Write::write) is one.
#[derive(Debug)]
pub struct Appended {
    file: Output,
    /// Bytes of whole pieces.
    length: u64,
}

impl Appended {
    /// Creates a file, where none is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_new(path: &Path) -> Result<Self> {
        let file = Output::create_new(path).map_err(|error| Error::io("create", path, error))?;
        Ok(Self { file, length: 0 })
    }

    /// Opens a file that is there, whose pieces are whole.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let opened = || {
            let file = Output::append(path)?;
            let length = file.length()?;
            Ok(Self { file, length })
        };
        opened().map_err(|error| Error::io("open", path, error))
    }

    /// Returns when all pieces are on the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Write for Appended {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(piece) {
            // The first error is the one to report.
            let _ = self.file.cut(self.length);
            return Err(error);
        }
        self.length += piece.len() as u64;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes what a process that was killed has left of new files for this name.
///
/// # Errors
/// [`Error::Io`].
pub fn remove_left_behind(path: &Path) -> Result {
    let (folder, Some(name)) = (folder_of(path), path.file_name()) else { return Ok(()) };
    let failed = |error| Error::io("look into", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let found = entry.map_err(failed)?;
        if is_temporary(&found.file_name(), name) {
            fs::remove_file(found.path()).map_err(|error| Error::io("remove", &found.path(), error))?;
        }
    }
    Ok(())
}

/// Whether a file's name is one that [`Temporary`] makes for another name.
fn is_temporary(found: &OsStr, of: &OsStr) -> bool {
    let (found, of) = (found.as_encoded_bytes(), of.as_encoded_bytes());
    let rest = found.strip_prefix(b".").and_then(|found| found.strip_prefix(of));
    let number = rest.and_then(|rest| rest.strip_prefix(b".")).and_then(|rest| rest.strip_suffix(b".tmp"));
    number.is_some_and(|number| number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
}

/// `ready` is called when the new file is complete, before it takes the name.
fn replace(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is there and is no regular file"));
    }
    let (temporary, file) = Temporary::create_beside(path)?;
    let mut writer = BufWriter::new(file);
    content(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync()?;
    ready()?;
    temporary.rename(path)?;
    // The file is complete under its name: a failure here is no reason to call the write failed.
    let _ = disk::sync_folder(folder_of(path));
    Ok(())
}

/// A file that is removed when it goes out of scope before it was renamed.
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn create_beside(path: &Path) -> io::Result<(Self, Output)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file name"));
        };
        loop {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{}.tmp", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let path = path.with_file_name(hidden);
            match Output::create_new(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                // Left behind by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(mut self, to: &Path) -> io::Result<()> {
        disk::rename(&self.path, to)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing is to be done if this fails, and the first error is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
