//! The options of a run as given on the command line or in a file, and what becomes of them.

use super::table::{Settings, TrainOptions};
#[cfg(feature = "program")]
use super::values::SetAside;
use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use std::path::Path;

/// The message about an unknown key with the names that are near it, where it lists every one that there is.
fn without_all_names(message: String) -> String {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    match message.split_once(", expected one of ") {
        Some((unknown, names)) if unknown.starts_with("unknown field `") => {
            let names = quoted(names);
            let near = did_you_mean(&quoted(unknown).concat(), names.iter().map(String::as_str));
            format!("{unknown}{near}")
        }
        _ => message,
    }
}

/// The error of a setting that is a file: where its text is not what is expected, and why.
pub(crate) fn toml_error(
    name: &'static str,
    expected: &str,
    text: &str,
    path: &Path,
    error: &toml::de::Error,
) -> Error {
    let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
    let content = text.lines().nth(line - 1).unwrap_or_default().trim();
    let message = without_all_names(error.message().lines().collect::<Vec<_>>().join(" "));
    let found = format!("{}, line {line}: {content}", path.display());
    Error::argument(name, found, format!("{expected} ({message})"))
}

impl TrainOptions {
    /// The options of a file's text; `path` is for the message.
    ///
    /// # Errors
    /// [`Error::Argument`] with the line for a text that is no TOML, for an unknown key, and for a value that has
    /// another form.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text)
            .map_err(|error| toml_error("config", "settings as written by `train`", text, path, &error))
    }

    /// These options, and those of `file` where these are missing. A network replaces the file's layers and layers its
    /// network, and one way to split the network replaces the other.
    #[must_use]
    pub fn over(self, mut file: Self) -> Self {
        if self.network.is_some() {
            (file.hidden, file.activation, file.grow) = (None, None, None);
        }
        if self.hidden.is_some() {
            file.network = None;
        }
        if self.cut.is_some() {
            file.subnetworks = None;
        }
        if self.subnetworks.is_some() {
            file.cut = None;
        }
        self.or(file)
    }

    /// The same without samples set aside, for what scores every sweep on the same samples; `instead` says on which.
    ///
    /// # Errors
    /// [`Error::Argument`] for options that set some aside.
    #[cfg(feature = "program")]
    pub(crate) fn without_validation(mut self, instead: &str) -> Result<Self> {
        match self.validation.replace(SetAside(None)) {
            Some(SetAside(Some(samples))) => {
                Err(Error::argument("validation", samples, format!("none: {instead}")))
            }
            _ => Ok(self),
        }
    }

    /// `Ok` without an option of what a run leaves or may take, for commands that make no such run.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first.
    #[cfg(feature = "program")]
    pub(crate) fn require_no_run(&self) -> Result {
        let nothing = "no value: nothing is written";
        let given = [
            ("checkpoint-every", self.checkpoint_every.as_ref().map(ToString::to_string), nothing),
            (
                "patience",
                self.patience.as_ref().map(ToString::to_string),
                "no value: only runs of train stop early",
            ),
            ("keep", self.keep.map(|keep| keep.to_string()), nothing),
            (
                "max-memory",
                self.max_memory.as_ref().map(ToString::to_string),
                "no value: only runs of train and compare have a limit",
            ),
        ];
        match given.into_iter().find_map(|(name, value, expected)| Some((name, value?, expected))) {
            Some((name, value, expected)) => Err(Error::argument(name, value, expected)),
            None => Ok(()),
        }
    }

    /// Fills in defaults and checks everything.
    ///
    /// # Errors
    /// [`Error::Argument`] names the first setting that is out of range or does not go with another one.
    pub fn resolve(self) -> Result<Settings> {
        self.require_one_network()?;
        if let (Some(_), Some(cuts)) = (self.subnetworks, &self.cut) {
            return Err(Error::argument("cut", cuts, "no value together with --subnetworks"));
        }
        let settings = self.filled();
        settings.validate()?;
        Ok(settings)
    }

    /// `Ok` when the network is described in one way.
    fn require_one_network(&self) -> Result {
        if self.network.is_none() {
            return Ok(());
        }
        let given = |name, value: Option<String>| match value {
            None => Ok(()),
            Some(value) => {
                Err(Error::argument(name, value, "no value together with --network, which lists all blocks"))
            }
        };
        given("hidden", self.hidden.as_ref().map(ToString::to_string))?;
        given("activation", self.activation.as_ref().map(ToString::to_string))?;
        given("grow", self.grow.as_ref().map(ToString::to_string))
    }
}
