//! Files of lines in JSON to which something is added each time that it is known: a first line that says what it is all about, and
//! records.

use super::{Appended, write};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// The first line and the records of a file. What a process that was killed has left of a last line counts for nothing; `command` is
/// what writes such files, for messages.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`] for another line that is none of these.
pub(crate) fn read<H, R>(path: &Path, command: &str) -> Result<(H, Vec<R>)>
where
    H: for<'de> Deserialize<'de>,
    R: for<'de> Deserialize<'de>,
{
    let text = fs::read(path).map_err(|error| Error::io("read", path, error))?;
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let mut lines = text[..whole].split_inclusive(|&byte| byte == b'\n').enumerate();
    let Some((number, line)) = lines.next() else {
        let expected = format!("a first line as `altmin {command}` writes it");
        return Err(Error::format(path, "no whole line", expected));
    };
    let head = read_line(path, command, number, line)?;
    let records =
        lines.map(|(number, line)| read_line(path, command, number, line)).collect::<Result<_>>()?;
    Ok((head, records))
}

fn read_line<L: for<'de> Deserialize<'de>>(
    path: &Path,
    command: &str,
    number: usize,
    line: &[u8],
) -> Result<L> {
    serde_json::from_slice(line).map_err(|error| {
        let expected = format!("a line as `altmin {command}` writes them");
        Error::format(path, format!("line {}: {error}", number + 1), expected)
    })
}

/// Writes a file with what is known so far, and opens it for more.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn begin<R: Serialize>(path: &Path, head: &impl Serialize, records: &[R]) -> Result<Appended> {
    write(path, |file| {
        write_line(file, head)?;
        records.iter().try_for_each(|record| write_line(file, record))
    })?;
    Appended::open(path)
}

/// Adds a record; it is on the disk when this returns.
///
/// # Errors
/// What the file does not take.
pub(crate) fn add(journal: &mut Appended, record: &impl Serialize) -> io::Result<()> {
    write_line(journal, record).and_then(|()| journal.sync())
}

/// One line in one write.
fn write_line(to: &mut dyn Write, content: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(content)? + "\n";
    to.write_all(line.as_bytes())
}
