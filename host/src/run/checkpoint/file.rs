//! The frame of a checkpoint's file: what it is, its version, and a checksum over everything.

use super::record::{Record, Source};
use crate::error::{Error, Result};
use crc32fast::Hasher;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

const MAGIC: [u8; 8] = *b"ALTMINCP";
/// Changes with the layout of the file, and with that of any method's state.
const VERSION: u32 = 3;
/// The checksum's bytes, the last ones of the file in every version.
const CHECKSUM: u64 = 4;

/// Counts what it passes on towards the checksum.
pub(in crate::run) struct Writer<'a> {
    to: &'a mut dyn Write,
    hasher: Hasher,
}

impl<'a> Writer<'a> {
    /// Begins a file.
    pub(in crate::run) fn begin(to: &'a mut dyn Write) -> io::Result<Self> {
        let mut writer = Self { to, hasher: Hasher::new() };
        writer.write_all(&MAGIC)?;
        VERSION.write(&mut writer)?;
        Ok(writer)
    }

    /// Ends it.
    pub(in crate::run) fn end(self) -> io::Result<()> {
        self.hasher.finalize().write(self.to)
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A whole file of this version, after its frame has been checked.
pub(in crate::run) struct Reader<R> {
    bytes: BufReader<R>,
    left: u64,
}

impl<R: Read + Seek> Reader<R> {
    /// Checks that the file is whole and of this version; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is damaged or something else, [`Error::OtherRun`] for another version, [`Error::Io`].
    pub(in crate::run) fn open(mut bytes: R, path: &Path) -> Result<Self> {
        let length = Self::check(&mut bytes).map_err(|error| unreadable(error, path))?;
        let Some(length) = length else {
            let error =
                Error::format(path, "a damaged file: its checksum does not fit", "a whole checkpoint");
            return Err(error.with_hint("it was cut short or changed after it had been written"));
        };
        let mut reader = Self { bytes: BufReader::new(bytes), left: length };
        let (magic, version) =
            reader.source(|from| Ok((u64::read(from)?.to_le_bytes(), u32::read(from)?)), path)?;
        if magic != MAGIC {
            return Err(Error::format(path, "something else", "a checkpoint"));
        }
        if version != VERSION {
            let found = match version > VERSION {
                true => format!("version {version}, of a later program"),
                false => format!("version {version}"),
            };
            return Err(Error::OtherRun {
                path: path.to_owned(),
                found,
                expected: format!("version {VERSION}"),
            });
        }
        Ok(reader)
    }

    /// The bytes before the checksum, if it fits.
    fn check(bytes: &mut R) -> io::Result<Option<u64>> {
        let Some(length) = bytes.seek(SeekFrom::End(0))?.checked_sub(CHECKSUM) else { return Ok(None) };
        bytes.rewind()?;
        let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 1 << 16]);
        let mut covered = bytes.take(length);
        loop {
            match covered.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut checksum = [0; CHECKSUM as usize];
        bytes.read_exact(&mut checksum)?;
        bytes.rewind()?;
        Ok((hasher.finalize() == u32::from_le_bytes(checksum)).then_some(length))
    }

    /// Reads on.
    ///
    /// # Errors
    /// [`Error::Format`] for what is not what it should be, [`Error::Io`].
    pub(in crate::run) fn source<A>(
        &mut self,
        read: impl FnOnce(&mut Source<'_>) -> io::Result<A>,
        path: &Path,
    ) -> Result<A> {
        let mut source = Source::new(&mut self.bytes, self.left);
        let found = read(&mut source).map_err(|error| unreadable(error, path))?;
        self.left = source.left();
        Ok(found)
    }
}

fn unreadable(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::format(path, error.to_string(), "a checkpoint")
        }
        _ => Error::io("read", path, error),
    }
}
