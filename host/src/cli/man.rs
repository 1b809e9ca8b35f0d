//! `altmin man`.

use super::command;
use super::failure::Failure;
use crate::atomic_file;
use crate::error::Error;
use clap::Args;
use clap_mangen::Man as Page;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write manual pages: altmin.1 and one for each command, altmin-train.1 and so on
#[derive(Debug, Args)]
#[command(after_help = "Example: altmin man --out ~/.local/share/man/man1")]
pub(super) struct Man {
    /// Folder to write them to; it is made if it is missing, and pages of these names in it are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        fs::create_dir_all(&self.out).map_err(|error| Error::io("create", &self.out, error))?;
        let mut command = command().disable_help_subcommand(true);
        // So that every command has the name that it is called by.
        command.build();
        self.write(&command)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The page of a command, and those of the commands in it.
    fn write(&self, command: &clap::Command) -> Result<(), Failure> {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let source = concat!("altmin ", env!("CARGO_PKG_VERSION"));
        let page = Page::new(command.clone()).title(name.to_uppercase()).source(source).manual("altmin");
        let mut text = Vec::new();
        page.render(&mut text)?;
        atomic_file::write(&self.out.join(format!("{name}.1")), |file| file.write_all(&text))?;
        command.get_subcommands().try_for_each(|inner| self.write(inner))
    }
}
