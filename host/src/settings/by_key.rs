//! Options by key and text, as on the command line: for runs that differ in single settings.

use super::table::{Settings, TrainOptions};
use crate::error::{Error, Result};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, FromArgMatches};
use std::error::Error as _;

/// The flags of `train` as they stand in a command.
fn command() -> clap::Command {
    TrainOptions::augment_args(clap::Command::new("train").no_binary_name(true).disable_help_flag(true))
}

/// Every key of [`TrainOptions`] with the heading under which help shows it.
pub(crate) fn keys() -> Vec<(String, String)> {
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    command()
        .get_arguments()
        .map(|argument| (text(argument.get_long()), text(argument.get_help_heading())))
        .collect()
}

/// One option with the value of this text, or why it is refused.
pub(crate) fn parse(key: &str, value: &str) -> std::result::Result<TrainOptions, String> {
    command()
        .try_get_matches_from([format!("--{key}={value}")])
        .and_then(|matches| TrainOptions::from_arg_matches(&matches))
        .map_err(|error| reason(&error))
}

/// Why clap refused a value, on one line.
fn reason(error: &clap::Error) -> String {
    match (error.kind(), error.source(), error.get(ContextKind::ValidValue)) {
        (ErrorKind::ValueValidation, Some(source), _) => source.to_string(),
        (_, _, Some(ContextValue::Strings(values))) if !values.is_empty() => {
            format!("one of {}", values.join(", "))
        }
        _ => "there is none".to_owned(),
    }
}

/// The options that were given, by key.
pub(crate) fn table(options: &TrainOptions) -> Result<toml::Table> {
    toml::Table::try_from(options)
        .map_err(|error| Error::argument("settings", error, "numbers that fit into a TOML file"))
}

fn options(table: toml::Table) -> Result<TrainOptions> {
    let text = table.to_string();
    table.try_into().map_err(|error: toml::de::Error| Error::argument("settings", text, error.to_string()))
}

/// The settings of these options, defaults filled in and nothing checked: to ask what has an effect beside them.
pub(crate) fn unchecked(options: &TrainOptions) -> Settings {
    options.filled()
}

/// The options of a run that has `own` to itself: these, and of `shared` what has an effect beside them. Also the errors of
/// what has none, by key.
pub(crate) fn with_useful(
    own: &TrainOptions,
    shared: &TrainOptions,
) -> Result<(TrainOptions, Vec<(String, Error)>)> {
    let settings = unchecked(&own.clone().over(shared.clone()));
    let (mut useful, mut unused) = (toml::Table::new(), Vec::new());
    for (key, value) in table(shared)? {
        let one = toml::Table::from_iter([(key.clone(), value.clone())]);
        match options(one)?.check_effect(&settings) {
            Ok(()) => {
                useful.insert(key, value);
            }
            Err(error) => unused.push((key, error)),
        }
    }
    Ok((own.clone().over(options(useful)?), unused))
}

/// The error of a setting that none of several runs has a use for, from that of one of them.
pub(crate) fn used_by_none(error: Error, runs: &[&str]) -> Error {
    match error {
        Error::Argument { name, found, .. } if runs.len() > 1 => {
            let expected = format!("no value: none of {} uses it", runs.join(", "));
            Error::Argument { name, found, expected }
        }
        error => error,
    }
}
