//! What goes to stdout and stderr, without a panic when nobody reads it.

use crate::data::Dataset;
use crate::network::score::Scores;
use crate::report::json::named;
use crate::report::view;
use altmin_core::Real;
use serde::Serialize;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::{fd::AsFd, unix::fs::FileTypeExt};
use std::sync::atomic::{AtomicBool, Ordering};

/// Another process of the run says what is to be said.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// Writes no more notes: another process does.
pub(super) fn be_silent() {
    IS_SILENT.store(true, Ordering::Relaxed);
}

/// Writes `kind: text` to stderr, above the curves of a run that goes on.
pub(super) fn note(kind: &str, text: &str) {
    if !IS_SILENT.load(Ordering::Relaxed) {
        error(kind, text);
    }
}

/// The same for what every process must say itself.
pub(super) fn error(kind: &str, text: &str) {
    // If stderr is closed there is no place left to say so.
    let _ = view::write_above(&format!("{kind}: {text}\n"));
}

/// Says what somebody who trains on this data set should know of it.
pub(super) fn notes_of<T: Real>(train: &Dataset<T>) {
    train.notes().iter().for_each(|text| note("note", text));
}

/// Whether nobody reads what could not be written to stdout: a pipe's reader has gone, or a terminal has hung up.
pub(super) fn has_no_reader(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe || is_of_closed_terminal(error)
}

/// Another device or a disk that fails has the same error; a terminal that has hung up no longer says that it is one.
#[cfg(unix)]
fn is_of_closed_terminal(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    let stdout = || io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let is_device = || stdout()?.metadata().map(|found| found.file_type().is_char_device());
    error.raw_os_error() == Some(EIO) && is_device().unwrap_or(false)
}

#[cfg(not(unix))]
fn is_of_closed_terminal(_: &io::Error) -> bool {
    false
}

/// Writes text to stdout.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes `{"kind":KIND,...}` and the end of the line to stdout.
pub(super) fn print_json(kind: &str, content: &impl Serialize) -> io::Result<()> {
    print(&(line(kind, content)? + "\n"))
}

/// The same with what it says of scores under their names.
pub(super) fn print_scores(kind: &str, content: &impl Serialize, scores: Scores) -> io::Result<()> {
    print(&(named(line(kind, content)?, scores) + "\n"))
}

fn line(kind: &str, content: &impl Serialize) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Line<'a, C> {
        kind: &'a str,
        #[serde(flatten)]
        content: &'a C,
    }
    serde_json::to_string(&Line { kind, content })
}
