//! What can be wrong with a setting.

use std::fmt;

/// A setting that is outside its range, cannot be read, or does not go with another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// The setting, spelt as in a file; on the command line with two dashes before it.
    pub setting: &'static str,
    /// What was found, or what is wrong with it.
    pub found: String,
    /// What it should have been.
    pub expected: String,
}

impl SettingError {
    /// `setting` was `found`, it should have been `expected`.
    pub fn new(setting: &'static str, found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self { setting, found: found.to_string(), expected: expected.to_string() }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}, expected {}", self.setting, self.found, self.expected)
    }
}

impl std::error::Error for SettingError {}
