//! Files that are there whole or not at all: written beside their place and renamed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes a file by `content`, in place of an older one of the same name.
///
/// The bytes go to a new file in the same folder, reach the disk, and take the name in one step: whoever reads the
/// name sees the old file or the new one. If anything fails, or `content` panics, the new file is removed and the
/// old one is as it was. A symbolic link is replaced, not followed.
///
/// # Errors
/// [`Error::Io`] with what `content` or the system said; also if `path` is there and is no file (a folder, a device).
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result {
    replace(path, content).map_err(|error| Error::io("write", path, error))
}

fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is there and is no regular file"));
    }
    let (temporary, file) = Temporary::create_beside(path)?;
    let mut writer = BufWriter::new(file);
    content(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    temporary.rename(path)?;
    sync_folder(path);
    Ok(())
}

/// A file that is removed when it goes out of scope before it was renamed.
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn create_beside(path: &Path) -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file name"));
        };
        loop {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{}.tmp", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let path = path.with_file_name(hidden);
            match File::create_new(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                // Left behind by a process of the same number that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
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

/// Makes the new name itself outlast a power failure, where folders can be synced.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        // The file is complete under its name: a failure here is no reason to call the write failed.
        let _ = folder.sync_all();
    }
}
