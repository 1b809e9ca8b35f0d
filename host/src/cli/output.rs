//! What goes to stdout and stderr, without a panic when nobody reads it.

use serde::Serialize;
use std::io::{self, Write};

/// Writes `kind: text` to stderr.
pub(super) fn note(kind: &str, text: &str) {
    // If stderr is closed there is no place left to say so.
    let _ = writeln!(io::stderr().lock(), "{kind}: {text}");
}

/// Writes text to stdout.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes `{"kind":KIND,...}` and the end of the line to stdout.
pub(super) fn print_json(kind: &str, content: &impl Serialize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a, C> {
        kind: &'a str,
        #[serde(flatten)]
        content: &'a C,
    }
    print(&(serde_json::to_string(&Line { kind, content })? + "\n"))
}
