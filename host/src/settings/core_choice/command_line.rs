//! How the command line reads the core's choices, and tells of them.

use crate::choice::parse;
use altmin_core::choice::{Choice, Member};
use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use std::ffi::OsStr;
use std::marker::PhantomData;

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
    ) -> std::result::Result<V, clap::Error> {
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
