//! The papers' experiments, which are part of the program.

use super::description::Experiment;
use crate::error::{Error, Result};
use crate::nearest::did_you_mean;
use std::path::Path;

/// An experiment of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal)*) => {
        &[$(Preset { name: $name, text: include_str!(concat!("presets/", $name, ".toml")) }),*]
    };
}

/// All of them.
pub const PRESETS: &[Preset] = presets!(
    "dladmm-figure-2"
    "dladmm-figure-3"
    "dladmm-figure-4"
    "dladmm-table-2"
    "dladmm-table-3"
    "dlam-figure-1"
    "dlam-figure-2"
    "dlam-table-2"
    "pdadmm-figure-4"
    "pdadmm-figure-5"
    "pdadmm-figure-5-cifar10"
    "pdadmm-figure-5-cifar100"
    "pdadmm-figure-5-svhn"
    "tssm-figure-1"
);

impl Preset {
    /// The preset of a name.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name that is none.
    pub fn named(name: &str) -> Result<Self> {
        let names = || PRESETS.iter().map(|preset| preset.name);
        let found = PRESETS.iter().find(|preset| preset.name == name).copied();
        found.ok_or_else(|| {
            let near = did_you_mean(name, names());
            Error::argument("preset", name, format!("one that `altmin experiment list` names{near}"))
        })
    }

    /// The experiment.
    ///
    /// # Errors
    /// As [`Experiment::from_toml`].
    pub fn experiment(&self) -> Result<Experiment> {
        Experiment::from_toml(self.text, Path::new(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Plan, Request};
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn every_file_is_a_preset_and_can_be_planned_in_full_and_scaled() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/experiment/presets");
        let files = fs::read_dir(folder).expect("the folder of presets");
        let files: BTreeSet<String> =
            files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect();
        let names: BTreeSet<String> = PRESETS.iter().map(|preset| format!("{}.toml", preset.name)).collect();
        assert_eq!(files, names);
        for preset in PRESETS {
            let experiment = preset.experiment().unwrap_or_else(|error| panic!("{}: {error}", preset.name));
            assert!(!experiment.source.is_empty() && !experiment.claims.is_empty(), "{}", preset.name);
            for scale in [None, Some(1.0)] {
                let request = Request { scale, ..Request::new(experiment.clone()) };
                let plan = Plan::new(&request).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
                assert!(plan.cells.len() >= experiment.runs.len(), "{}", preset.name);
            }
        }
    }

    #[test]
    fn another_name_is_refused_with_the_nearest() {
        let error = Preset::named("pdadmm-figure-55").expect_err("no such preset").to_string();
        assert!(error.contains("pdadmm-figure-5"), "{error}");
    }
}
