//! The runs that an experiment makes.

use super::description::{Experiment, Run, Scaled, shown};
use super::results::{Place, place_text};
use crate::data::DataSource;
use crate::error::{Error, Result};
use crate::settings::by_key::{self, used_by_none, with_useful};
use crate::settings::{NuSchedule, RhoSchedule, Settings, TrainOptions};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What is asked for of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The experiment.
    pub experiment: Experiment,
    /// By what sizes are multiplied: above 0 and at most 1; none for the experiment's own.
    pub scale: Option<f64>,
    /// Seeds of every run; none for the experiment's own.
    pub seeds: Option<usize>,
    /// The folder in which data of relative paths are looked for; none for the current one.
    pub data: Option<PathBuf>,
    /// Threads of all runs that are made at a time; none for as many as there are.
    pub threads: Option<usize>,
    /// Runs that are made at a time, each on its share of the threads; at least 1.
    pub jobs: usize,
}

/// A run of an experiment: a name, the values of varied settings, a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The run's name.
    pub run: String,
    /// The varied settings that have an effect on it, and their values as the experiment has them, before they were scaled.
    pub varied: Place,
    /// All its settings.
    pub settings: Settings,
}

/// An experiment whose cells are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The experiment.
    pub experiment: Experiment,
    /// By what sizes were multiplied.
    pub scale: f64,
    /// Runs that are made at a time.
    pub jobs: usize,
    /// What is run, at least one.
    pub cells: Vec<Cell>,
}

impl Request {
    /// The experiment as it is.
    pub fn new(experiment: Experiment) -> Self {
        Self { experiment, scale: None, seeds: None, data: None, threads: None, jobs: 1 }
    }
}

impl Cell {
    /// The run and what is varied of it, in a line.
    pub fn title(&self) -> String {
        let varied =
            if self.varied.is_empty() { String::new() } else { format!(", {}", place_text(&self.varied)) };
        format!("{}{varied}, seed {}", self.run, self.settings.seed)
    }

    /// An error of this run.
    pub(super) fn error(&self, source: Error) -> Error {
        Error::Entry { label: self.run.clone(), source: Box::new(source) }
    }
}

impl Plan {
    /// The cells of an experiment.
    ///
    /// # Errors
    /// [`Error::Argument`] for a number out of range, for settings that have no effect on any run and for sizes that cannot be
    /// scaled; [`Error::Entry`] for settings of a run that are out of range or do not go together.
    pub fn new(request: &Request) -> Result<Self> {
        let Request { experiment, scale, seeds, jobs, .. } = request;
        let scale = scale.unwrap_or(experiment.scale);
        if !(scale > 0.0 && scale <= 1.0) {
            return Err(Error::argument("scale", scale, "a number above 0 and at most 1"));
        }
        if scale < 1.0 && experiment.scaled.is_empty() {
            return Err(Error::argument(
                "scale",
                scale,
                "1: the experiment says of no size that it is `scaled`",
            ));
        }
        let seeds = seeds.unwrap_or(experiment.seeds);
        if seeds == 0 {
            return Err(Error::argument("seeds", seeds, "at least 1"));
        }
        if *jobs == 0 {
            return Err(Error::argument("jobs", jobs, "at least 1"));
        }
        let mut unused = Unused::default();
        let mut cells: Vec<Cell> = Vec::new();
        for place in combinations(experiment)? {
            for run in &experiment.runs {
                let (options, varied) = unused.leave_out(experiment, run, &place)?;
                if cells.iter().any(|cell| cell.run == run.name && cell.varied == varied) {
                    continue;
                }
                let entry = |source| Error::Entry { label: run.name.clone(), source: Box::new(source) };
                let options = request.of_run(options, scale).map_err(entry)?;
                let first = options.seed.unwrap_or(0);
                for seed in first..first.saturating_add(seeds as u64) {
                    let options = TrainOptions { seed: Some(seed), ..options.clone() };
                    let settings = options.resolve().map_err(entry)?;
                    cells.push(Cell { run: run.name.clone(), varied: varied.clone(), settings });
                }
            }
        }
        unused.require_none(experiment)?;
        Ok(Self { experiment: experiment.clone(), scale, jobs: *jobs, cells })
    }

    /// Seeds of each run.
    pub fn seeds(&self) -> usize {
        let first = &self.cells[0];
        self.cells.iter().filter(|cell| cell.run == first.run && cell.varied == first.varied).count()
    }
}

/// A combination of varied values: key, value as shown, and the option.
type Combination = Vec<(String, String, TrainOptions)>;

/// Every combination of the varied values.
fn combinations(experiment: &Experiment) -> Result<Vec<Combination>> {
    let mut all: Vec<Combination> = vec![Vec::new()];
    for axis in &experiment.vary {
        let mut longer = Vec::new();
        for combination in &all {
            for value in &axis.values {
                let one = toml::Table::from_iter([(axis.setting.clone(), value.clone())]);
                let option: TrainOptions = one.try_into().map_err(|error: toml::de::Error| {
                    let found = format!("{} = {value}", axis.setting);
                    Error::argument("vary", found, format!("a setting of `train` ({})", error.message()))
                })?;
                let mut with = combination.clone();
                with.push((axis.setting.clone(), shown(value), option));
                longer.push(with);
            }
        }
        all = longer;
    }
    Ok(all)
}

/// Settings for all runs that none has had a use for so far.
#[derive(Default)]
struct Unused {
    shared: Option<Vec<(String, Error)>>,
    varied: Option<Vec<(String, Error)>>,
}

impl Unused {
    /// The options of a run at a combination, without those that have no effect on it, and the varied ones that have.
    fn leave_out(
        &mut self,
        experiment: &Experiment,
        run: &Run,
        combination: &Combination,
    ) -> Result<(TrainOptions, Place)> {
        let own_keys = by_key::table(&run.settings)?;
        let mut varied_options = TrainOptions::default();
        let mut asked: Place = Vec::new();
        for (key, value, option) in combination.iter().filter(|(key, ..)| !own_keys.contains_key(key)) {
            varied_options = option.clone().over(varied_options);
            asked.push((key.clone(), value.clone()));
        }
        // What is shared decides what has an effect, such as a network.
        let (beside, unused) = with_useful(&run.settings, &experiment.settings)?;
        retain(&mut self.shared, unused);
        let (_, unused) = with_useful(&beside, &varied_options)?;
        asked.retain(|(key, _)| unused.iter().all(|(other, _)| other != key));
        retain(&mut self.varied, unused);
        let (options, _) = with_useful(&run.settings, &varied_options)?;
        let (options, _) = with_useful(&options, &experiment.settings)?;
        Ok((options, asked))
    }

    fn require_none(self, experiment: &Experiment) -> Result {
        let names: Vec<&str> = experiment.runs.iter().map(|run| run.name.as_str()).collect();
        match self.shared.into_iter().chain(self.varied).flatten().next() {
            Some((_, error)) => Err(used_by_none(error, &names)),
            None => Ok(()),
        }
    }
}

/// Leaves what is unused here too.
fn retain(all: &mut Option<Vec<(String, Error)>>, unused: Vec<(String, Error)>) {
    match all {
        None => *all = Some(unused),
        Some(all) => all.retain(|(key, _)| unused.iter().any(|(other, _)| other == key)),
    }
}

impl Request {
    /// The options of a run with sizes scaled, with the threads and the data that were asked for.
    fn of_run(&self, options: TrainOptions, scale: f64) -> Result<TrainOptions> {
        options.require_no_run()?;
        let mut options = options.without_validation("every sweep is scored on the test samples")?;
        if scale < 1.0 {
            for scaled in &self.experiment.scaled {
                scaled.apply(&mut options, scale)?;
            }
        }
        let all = match self.threads {
            Some(threads) => threads,
            None => TrainOptions::default().resolve()?.threads,
        };
        options.threads = Some((all / self.jobs).max(1));
        if let (Some(folder), Some(data)) = (&self.data, &mut options.data) {
            let place = |path: &Path| if path.is_absolute() { path.to_owned() } else { folder.join(path) };
            match data {
                DataSource::Directory(path) | DataSource::Csv(path) => *path = place(path),
                DataSource::Digits | DataSource::FashionMnist | DataSource::Memory => {}
            }
        }
        Ok(options)
    }
}

impl Scaled {
    /// Multiplies the size in these options.
    fn apply(self, options: &mut TrainOptions, scale: f64) -> Result {
        let times = |size: usize| ((size as f64 * scale).round() as usize).max(1);
        let missing = |name: &'static str| {
            Error::argument(name, "none", "a number among the settings, which the scale multiplies")
        };
        match self {
            Self::Samples => {
                let samples = options.samples.as_mut().and_then(|samples| samples.0.as_mut());
                let samples = samples.ok_or_else(|| missing("samples"))?;
                *samples = times(*samples);
            }
            Self::Hidden => {
                let widths = options.hidden.as_mut().ok_or_else(|| missing("hidden"))?;
                widths.0.iter_mut().for_each(|width| *width = times(*width));
            }
            Self::Sweeps => {
                let sweeps = options.sweeps.as_mut().ok_or_else(|| missing("sweeps"))?;
                *sweeps = times(*sweeps);
                if let Some(growth) = options.grow.as_mut().and_then(|grow| grow.0.as_mut()) {
                    growth.sweeps = times(growth.sweeps);
                }
                if let Some(NuSchedule::Times(schedule)) = &mut options.nu_schedule {
                    schedule.every = times(schedule.every);
                }
                if let Some(RhoSchedule::Times(schedule)) = &mut options.rho_schedule {
                    schedule.every = times(schedule.every);
                }
            }
        }
        Ok(())
    }
}
