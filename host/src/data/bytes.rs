//! Files and folders of data sets: whether they are there, and their bytes, plain or gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::OnceLock;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// What a data source may be, for messages.
pub(super) const SOURCES: &str = "digits, fashion-mnist, a folder of IDX files or of CIFAR's binary files, or a .csv, .tsv, .npy or .npz file";

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// `Ok` if there is a folder.
///
/// # Errors
/// [`Error::Argument`] (`data`).
pub(super) fn require_folder(folder: &Path) -> Result {
    if folder.is_dir() { Ok(()) } else { Err(Error::argument("data", folder.display(), SOURCES)) }
}

/// Opens a file, through a decoder if it is gzip by content, whatever its name.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    decoded(BufReader::new(File::open(path)?))
}

fn decoded(mut file: impl BufRead + 'static) -> io::Result<Box<dyn Read>> {
    if file.fill_buf()?.starts_with(&GZIP) {
        Ok(Box::new(MultiGzDecoder::new(file)))
    } else {
        Ok(Box::new(file))
    }
}

/// At most `length` bytes; memory grows with what is there, not with what a header claims.
pub(super) fn read_up_to(path: &Path, reader: &mut dyn Read, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes).map_err(|error| read_failed(path, error))?;
    Ok(bytes)
}

/// What the decoder says of damaged gzip data is about the file's content, the rest is the system's.
pub(super) fn read_failed(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::Format {
                path: path.to_owned(),
                found: format!("damaged gzip data ({error})"),
                expected: "a whole gzip file".to_owned(),
                hint: Some("the file is truncated or damaged: download it again"),
            }
        }
        _ => Error::io("read", path, error),
    }
}

/// All bytes of a file.
pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>> {
    open(path).and_then(read_to_end).map_err(|error| read_failed(path, error))
}

/// All bytes of standard input, which can be read once, and is kept for whoever asks again; `path` is its name in messages.
pub(super) fn standard_input(path: &Path) -> Result<&'static [u8]> {
    static READ: OnceLock<Vec<u8>> = OnceLock::new();
    // Who else asks waits here until all is read.
    let input = io::stdin().lock();
    if let Some(bytes) = READ.get() {
        return Ok(bytes);
    }
    let bytes = decoded(input).and_then(read_to_end).map_err(|error| read_failed(path, error))?;
    Ok(READ.get_or_init(|| bytes))
}

fn read_to_end(mut reader: Box<dyn Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}
