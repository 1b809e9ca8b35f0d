//! The core's choices from texts.

use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use altmin_core::choice::{Choice, Expected, ParseError};

/// The value of a text.
///
/// # Errors
/// [`Error::Argument`] with the setting's name for a text that is none, or whose number is out of range.
pub fn parse<V: Choice>(text: &str) -> Result<V> {
    V::from_text(text).map_err(|ParseError { setting, expected }| {
        let word = text.split(':').next().unwrap_or(text);
        let near = match expected {
            Expected::Member(members) if members.iter().all(|member| member.name != word) => {
                did_you_mean(word, members.iter().map(|member| member.name))
            }
            _ => String::new(),
        };
        Error::argument(setting, text, format!("{expected}{near}"))
    })
}
