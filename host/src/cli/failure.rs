//! How a command ends when it does not end well.

use super::output;
use crate::error::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use std::io;
use std::process::ExitCode;

/// The world around the program failed it.
pub(super) const FAILED: u8 = 1;
const WRONG_USE: u8 = 2;

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something to say, and the exit code.
    Message { text: String, hint: Option<String>, code: u8 },
    /// Whoever reads stdout has had enough: nothing to say, and no failure of ours.
    ReaderGone,
    /// Help or the version, which clap hands over as errors.
    Text(clap::Error),
}

impl Failure {
    /// A failure of the world around the program.
    pub(super) fn new(text: impl Into<String>, hint: Option<&str>) -> Self {
        Self::Message { text: text.into(), hint: hint.map(str::to_owned), code: FAILED }
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Failure::Message { code, .. } => *code,
            Failure::ReaderGone => 0,
            Failure::Text(text) => {
                if text.use_stderr() {
                    WRONG_USE
                } else {
                    0
                }
            }
        }
    }

    /// Says what is to be said and returns the exit code.
    pub(super) fn report(self) -> ExitCode {
        let code = self.code();
        match self {
            Failure::Message { text, hint, .. } => {
                output::error("error", &text);
                if let Some(hint) = hint {
                    output::error("hint", &hint);
                }
            }
            Failure::ReaderGone => {}
            // Nobody is there to be told that nobody is there.
            Failure::Text(text) => drop(text.print()),
        }
        code.into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = if error.is_usage() { WRONG_USE } else { FAILED };
        Self::Message { text: error.to_string(), hint: error.hint(), code }
    }
}

/// Errors of writing to stdout; files have [`Error::Io`], which names them.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if output::has_no_reader(&error) {
            return Self::ReaderGone;
        }
        Self::new(format!("cannot write the output: {error}"), None)
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Self::Text(error),
            _ => Self::Message { text: usage_text(&error), hint: Some(usage_hint(&error)), code: WRONG_USE },
        }
    }
}

/// clap's own words on one line; for a value that was refused, the words of the type that refused it.
fn usage_text(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::ValueValidation
        && let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
        && let Some(source) = error.source()
    {
        let flag = argument.split([' ', '=', '[']).next().unwrap_or(argument);
        return format!("{flag}: {source}");
    }
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or(&text);
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// clap's tip if it has one, else where the help is.
fn usage_hint(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    tip.map_or_else(|| "`altmin help COMMAND` explains every option".to_owned(), str::to_owned)
}
