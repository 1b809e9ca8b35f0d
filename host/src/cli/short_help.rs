//! What `-h` shows of commands that take every setting: a screen, and where the rest is.

use crate::settings::TrainOptions;
use clap::{Args, Command};
use std::collections::HashSet;

/// The settings that most runs are described by.
const EVERYDAY: [&str; 14] = [
    "data", "target", "exclude", "missing", "samples", "hidden", "network", "loss", "method", "batch",
    "sweeps", "seed", "threads", "resume",
];

/// The command with the other settings in its long help alone.
pub(super) fn shortened(command: Command) -> Command {
    let settings: HashSet<String> = TrainOptions::augment_args(Command::new("settings"))
        .get_arguments()
        .map(|argument| argument.get_id().to_string())
        .collect();
    let is_left_out = |id: &str| settings.contains(id) && !EVERYDAY.contains(&id);
    let options = command.get_arguments().filter(|argument| !argument.is_hide_set()).count();
    let command = command.mut_args(|argument| {
        let is_left_out = is_left_out(argument.get_id().as_str());
        argument.hide_short_help(is_left_out)
    });
    let examples = command.get_after_help().map(ToString::to_string);
    let long = command.get_after_long_help().map(ToString::to_string).or_else(|| examples.clone());
    let rest = format!("`altmin {} --help` explains all {options} options.", command.get_name());
    let short = examples.map_or_else(|| rest.clone(), |examples| format!("{examples}\n\n{rest}"));
    let command = command.after_help(short);
    // Without one the long help would end as the short one.
    command.after_long_help(long.unwrap_or_default())
}
