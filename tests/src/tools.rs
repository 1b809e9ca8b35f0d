//! Programs of the machine that tests run.

use std::io::Write as _;
use std::process::{Command, Output};

/// Whether a program is there; if not, says that `test` is skipped, past the harness that keeps what tests print.
pub fn there(program: &str, test: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok() {
        return true;
    }
    // Nothing is left to be done if even this cannot be said.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {test}: {program} is not there");
    false
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a command that succeeds, or tells what it said; returns its standard output.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = output(command);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.success() {
        true => Ok(out.into_owned()),
        false => Err(format!("{command:?}: {}\n{out}{err}", output.status)),
    }
}

/// [`run`] for what must succeed for the test to go on.
pub fn done(command: &mut Command) -> String {
    run(command).unwrap_or_else(|failure| panic!("{failure}"))
}

/// The lines of a page's fenced blocks of this language.
pub fn fenced<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    let blocks = page.split(opening.as_str()).skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()).collect()
}
