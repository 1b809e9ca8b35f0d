//! The core's choices on the command line and in files, from their tables.

#[cfg(feature = "program")]
mod command_line;

use super::text;
use crate::choice::parse;
use crate::error::{Error, Result};
use altmin_core::choice::Choice;
use serde::{Deserializer, Serializer};
use std::fmt::Display;
use std::str::FromStr;

#[cfg(feature = "program")]
pub(crate) use command_line::{parser, possible_value};

/// The form of an optional choice in files: that of the command line.
pub(super) fn serialize<V: Display, S: Serializer>(
    value: &Option<V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// Reads what [`serialize`] writes.
pub(super) fn deserialize<'de, V: Choice, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<V>, D::Error> {
    struct Read<V>(V);

    impl<V: Choice> FromStr for Read<V> {
        type Err = Error;

        fn from_str(text: &str) -> Result<Self> {
            parse(text).map(Self)
        }
    }

    text::deserialize(deserializer).map(|Read(value)| Some(value))
}

/// The text of a value, in the lines that programs read.
pub(crate) fn as_text<V: Display, S: Serializer>(value: &V, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
