//! Why a setup cannot be verified.

use std::fmt;

/// Why a setup cannot be verified.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// The core refused the setup, or could not finish a computation.
    Core(altmin_core::Error),
    /// An argument that the core accepts and that no theorem is about.
    Argument {
        /// The argument's name.
        name: &'static str,
        /// Its value.
        found: &'static str,
        /// What it should have been.
        expected: String,
    },
}

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(error) => error.fmt(f),
            Self::Argument { name, found, expected } => write!(f, "`{name}` is {found}, expected {expected}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Core(error) => Some(error),
            Self::Argument { .. } => None,
        }
    }
}

impl From<altmin_core::Error> for Error {
    fn from(error: altmin_core::Error) -> Self {
        Self::Core(error)
    }
}
