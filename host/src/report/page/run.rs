//! A run as its folder has it.

use super::find::Found;
use super::loaded::{Last, Loaded};
use super::rows;
use super::tested::Tested;
use super::timeline;
use crate::compare::best_test;
use crate::error::{Error, Result};
use crate::network::{Model, Scores};
use crate::report::promises::Promises;
use crate::run::executor::timeline::Timeline;
use crate::run::folder::{CONFIG, MODEL};
use crate::run::observe::Metrics;
use crate::settings::{Precision, Settings, TrainOptions};
use altmin_core::Real;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Where the sweeps of a run are.
const METRICS: &str = "metrics.csv";

/// The key that may differ within a group of runs.
const SEED: &str = "seed";

/// Whether data sets are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// Models are evaluated on so many threads, at least one.
    Evaluated(usize),
    /// The page says nothing that needs them.
    LeftOut,
}

/// A run that is over, or that was stopped by whatever.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) label: String,
    pub(super) settings: Settings,
    /// Every setting as its file has it, by key.
    pub(super) values: BTreeMap<String, String>,
    pub(super) sweeps: Vec<Metrics>,
    /// When its metrics were written last.
    pub(super) written: Option<SystemTime>,
    /// Weights and biases, if there is a model.
    pub(super) parameters: Option<usize>,
    /// How the model does, or why nothing is said of that.
    pub(super) tested: Result<Tested, String>,
    /// Who worked when in a sweep, if that was taken down, or why it cannot be read.
    pub(super) timeline: Result<Option<Timeline>, String>,
    /// What was found of what is promised of it, if that was checked, or why it cannot be read.
    pub(super) promises: Result<Option<Promises>, String>,
}

impl Run {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Argument`] for settings and [`Error::Format`] for metrics that are none. A model or a data set
    /// that cannot be read is no error.
    pub(super) fn read(found: &Found, samples: Samples, loaded: &mut Loaded) -> Result<Self> {
        let path = found.path.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
        let settings = TrainOptions::from_toml(&text, &path)?.resolve()?;
        let metrics = found.path.join(METRICS);
        let sweeps = rows::read(&metrics, settings.scores())?;
        let model = found.path.join(MODEL);
        let (parameters, tested) = match settings.precision {
            Precision::F32 => tested(&model, &settings, samples, &mut loaded.single),
            Precision::F64 => tested(&model, &settings, samples, &mut loaded.double),
        };
        Ok(Self {
            label: found.label.clone(),
            values: settings.to_texts()?,
            settings,
            sweeps,
            written: fs::metadata(&metrics).and_then(|found| found.modified()).ok(),
            parameters,
            tested,
            timeline: timeline::read(&found.path).map_err(|error| error.to_string()),
            promises: Promises::read(&found.path).map_err(|error| error.to_string()),
        })
    }

    /// What its scores are.
    pub(super) fn scores(&self) -> Scores {
        self.settings.scores()
    }

    /// The first sweep with the highest score on the samples by which sweeps are scored.
    pub(super) fn best(&self) -> Option<&Metrics> {
        best_test(&self.sweeps)
    }

    /// How many of its sweeps were done.
    pub(super) fn swept(&self) -> String {
        let (done, all) = (self.sweeps.last().map_or(0, |last| last.sweep), self.settings.sweeps);
        if done == all { done.to_string() } else { format!("{done} of {all}") }
    }

    /// Whether another run differs in nothing but the seed.
    pub(super) fn is_repeated_by(&self, other: &Self) -> bool {
        let without_seed = |run: &Self| {
            let mut values = run.values.clone();
            values.remove(SEED);
            values
        };
        self.seed() != other.seed() && without_seed(self) == without_seed(other)
    }

    /// Where it begins.
    pub(super) fn seed(&self) -> u64 {
        self.settings.seed
    }
}

/// The number of parameters of a model, and how it does.
fn tested<T: Real>(
    path: &Path,
    settings: &Settings,
    samples: Samples,
    loaded: &mut Last<T>,
) -> (Option<usize>, Result<Tested, String>) {
    let model = match Model::<T>::load(path) {
        Ok(model) => model,
        Err(error) => return (None, Err(error.to_string())),
    };
    let tested = match samples {
        Samples::LeftOut => Err("the data were not to be read".to_owned()),
        Samples::Evaluated(threads) => {
            Tested::of(&model, settings, loaded, threads).map_err(|error| error.to_string())
        }
    };
    (Some(model.n_parameters()), tested)
}
