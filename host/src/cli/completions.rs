//! `altmin completions`.

use super::failure::Failure;
use super::{command, output};
use clap::Args;
use clap_complete::Shell;
use std::process::ExitCode;

/// Print a shell completion script
#[derive(Debug, Args)]
#[command(
    after_help = "Example: altmin completions bash > ~/.local/share/bash-completion/completions/altmin"
)]
pub(super) struct Completions {
    /// Shell to print the script for
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "altmin", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}
