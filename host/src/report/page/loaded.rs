//! The samples on which models are evaluated, read once for runs after each other on the same ones.

use crate::data::{self, DataOptions, DataSource, Dataset, Part, Preprocessing};
use crate::error::Result;
use crate::network::Judge;
use crate::settings::Settings;
use altmin_core::Real;

/// What was read last, in each precision.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) single: Last<f32>,
    pub(super) double: Last<f64>,
}

/// Samples, and what says that they are these.
pub(super) struct Last<T>(Option<(Key, Judge, Dataset<T>)>);

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// What the samples of a model depend on: how its own were read and, where some were held out, which.
type Key = (Preprocessing, Option<DataOptions>);

impl<T: Real> Last<T> {
    /// The samples that the data set of a run has for tests. Of a run that holds samples out it is these: whoever does so leaves the
    /// test samples alone.
    ///
    /// # Errors
    /// Those of reading the data set.
    pub(super) fn of(
        &mut self,
        trained: &Preprocessing,
        settings: &Settings,
    ) -> Result<(Judge, &Dataset<T>)> {
        let key = (trained.clone(), settings.holdout.then(|| settings.data_options()));
        // One data set at a time is enough memory.
        let kept = self.0.take().filter(|(other, _, _)| *other == key);
        let (key, judge, samples) = match kept {
            Some(kept) => kept,
            None => {
                let (judge, samples) = load(trained, settings)?;
                (key, judge, samples)
            }
        };
        let (_, judge, samples) = self.0.insert((key, judge, samples));
        Ok((*judge, samples))
    }
}

fn load<T: Real>(trained: &Preprocessing, settings: &Settings) -> Result<(Judge, Dataset<T>)> {
    if settings.holdout {
        let split = data::load_split(&settings.data, &settings.data_options())?;
        return Ok((Judge::HeldOut, split.test));
    }
    let (source, part) = match &trained.test {
        Some(path) => (DataSource::Csv(path.clone()), Part::All),
        None => (trained.data.parse()?, Part::Test),
    };
    Ok((Judge::Test, data::load_like(trained, &source, &trained.options(), part)?))
}
