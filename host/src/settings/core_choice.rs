//! The core's choices on the command line and in files, from their tables.

use super::text;
use crate::choice::parse;
use crate::error::{Error, Result};
use altmin_core::choice::{Choice, Member};
use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use serde::{Deserializer, Serializer};
use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

/// Reads a choice from the command line; tells help texts and shells its members.
pub(crate) fn parser<V: Choice + Send + Sync>() -> Parser<V> {
    Parser(PhantomData)
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Parser<V>(PhantomData<V>);

/// What shells offer: the word alone where it may stand alone.
pub(crate) fn possible_value(member: &Member) -> PossibleValue {
    match member.parameter.map(|parameter| parameter.default) {
        None => PossibleValue::new(member.name).help(member.about),
        Some(None) => PossibleValue::new(member.to_string()).help(member.about),
        Some(Some(default)) => {
            let help = format!("{} ({member}; {default} if it is left out)", member.about);
            PossibleValue::new(member.name).help(help)
        }
    }
}

impl<V: Choice + Send + Sync> TypedValueParser for Parser<V> {
    type Value = V;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<V, clap::Error> {
        let read = |text: String| parse(&text);
        if V::MEMBERS.iter().all(|member| member.parameter.is_none()) {
            let words = PossibleValuesParser::new(V::MEMBERS.iter().map(possible_value));
            words.try_map(read).parse_ref(command, argument, value)
        } else {
            StringValueParser::new().try_map(read).parse_ref(command, argument, value)
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(V::MEMBERS.iter().map(possible_value)))
    }
}

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
