//! `--methods`: names of methods, or labels with methods.

use crate::error::Error;
use crate::nearest::did_you_mean;
use crate::settings::Method;
use crate::settings::core_choice::possible_value;
use altmin_core::Choice;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsStr;

/// A method and the name under which it runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) label: String,
    pub(super) method: Method,
}

fn read(text: &str) -> Result<Named, Error> {
    let (label, name) = text.split_once('=').unwrap_or((text, text));
    let names: Vec<String> = Method::ALL.iter().map(ToString::to_string).collect();
    match name.parse() {
        Ok(method) => Ok(Named { label: label.to_owned(), method }),
        Err(_) => {
            let near = did_you_mean(name, names.iter().map(String::as_str));
            Err(Error::argument(
                "methods",
                text,
                format!("METHOD or LABEL=METHOD of {}{near}", names.join(", ")),
            ))
        }
    }
}

/// Reads [`Named`]; tells shells the methods' names, so that they can complete them.
#[derive(Debug, Clone)]
pub(super) struct NamedParser;

impl TypedValueParser for NamedParser {
    type Value = Named;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Named, clap::Error> {
        read(&value.to_string_lossy()).map_err(|error| {
            let mut refused = clap::Error::raw(ErrorKind::InvalidValue, error).with_cmd(command);
            refused.insert(ContextKind::InvalidArg, ContextValue::String("--methods".to_owned()));
            refused
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Method::MEMBERS.iter().map(possible_value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_stands_for_itself_or_under_a_label() {
        let adam = |label: &str| Named { label: label.to_owned(), method: Method::Adam };
        assert_eq!(read("adam").expect("a method"), adam("adam"));
        assert_eq!(read("fast=adam").expect("a label"), adam("fast"));
        for (text, near) in
            [("adma", "mean adam or adamw?"), ("fast=pdamm", "mean pdadmm"), ("", "gd, adagrad")]
        {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(near), "{error}");
        }
    }
}
