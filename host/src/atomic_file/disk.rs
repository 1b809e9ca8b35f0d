//! The calls of the system by which files are written. In unit tests each of them may be made to fail.

#[cfg(test)]
pub(super) mod failures;

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

#[cfg(test)]
use failures::before;
#[cfg(not(test))]
use pass as before;

/// A call that changes what a disk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Open,
    Write,
    Flush,
    Sync,
    Rename,
    SyncFolder,
}

/// What becomes of a call: it is made, with so many bytes at most.
#[cfg(not(test))]
fn pass(_: Call) -> io::Result<usize> {
    Ok(usize::MAX)
}

/// A file that is written to.
#[derive(Debug)]
pub(super) struct Output(File);

impl Output {
    pub(super) fn create_new(path: &Path) -> io::Result<Self> {
        before(Call::Create)?;
        File::create_new(path).map(Self)
    }

    /// A file that is there, from its end on.
    pub(super) fn append(path: &Path) -> io::Result<Self> {
        before(Call::Open)?;
        let mut file = File::options().write(true).open(path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self(file))
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        self.0.metadata().map(|found| found.len())
    }

    /// Takes away what is behind `length`, and goes on there.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)?;
        self.0.seek(SeekFrom::Start(length)).map(|_| ())
    }

    /// Returns when everything is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        before(Call::Sync)?;
        self.0.sync_all()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = before(Call::Write)?;
        self.0.write(&bytes[..most.min(bytes.len())])
    }

    fn flush(&mut self) -> io::Result<()> {
        before(Call::Flush)?;
        self.0.flush()
    }
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    before(Call::Rename)?;
    fs::rename(from, to)
}

/// Makes new names themselves outlast a power failure, where folders can be synced.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    before(Call::SyncFolder)?;
    File::open(folder)?.sync_all()
}
