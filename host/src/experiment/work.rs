//! Making the runs of an experiment.

use super::cells::{Cell, Plan};
use super::record::{Point, Record};
use crate::bench::products::sweep_flops;
use crate::data::{self, DataOptions, DataSource, Dataset};
use crate::error::{Error, Result};
use crate::run::checkpoint::fingerprint::Fingerprint;
use crate::run::observe::{History, Outcome};
use crate::run::trainer::Trainer;
use crate::run::{memory, plan};
use crate::settings::{Precision, Settings};
use altmin_core::Real;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What an experiment will cost, and what of it cannot be run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimate {
    /// Operations of the matrix products of all sweeps of the cells that are still to be run.
    pub operations: f64,
    /// Cells that are still to be run.
    pub cells: usize,
    /// Data that are not there, each once with the reason; cells that need them are left out.
    pub left_out: Vec<LeftOut>,
}

/// Data that could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// The data.
    pub data: DataSource,
    /// Why.
    pub reason: String,
}

/// Sees what an experiment does. Where several runs are made at a time it is called by one of them at a time.
pub trait ExperimentObserver: Send {
    /// Called before a run.
    ///
    /// # Errors
    /// Ends the experiment.
    fn begin(&mut self, _cell: &Cell) -> Result {
        Ok(())
    }

    /// Called when a run is over.
    ///
    /// # Errors
    /// Ends the experiment.
    fn record(&mut self, cell: &Cell, record: &Record) -> Result;
}

impl ExperimentObserver for Vec<Record> {
    fn record(&mut self, _: &Cell, record: &Record) -> Result {
        self.push(record.clone());
        Ok(())
    }
}

/// Cells on the same samples.
struct Group<'a> {
    settings: &'a Settings,
    cells: Vec<&'a Cell>,
}

/// What tells the samples of two runs apart.
fn samples_of(settings: &Settings) -> (&DataSource, DataOptions, Precision) {
    (&settings.data, settings.data_options(), settings.precision)
}

impl Plan {
    /// The cells that are not among `known`, those on the same samples together.
    fn groups(&self, known: &[Record]) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for cell in self.cells.iter().filter(|cell| known.iter().all(|record| !record.is_of(cell))) {
            let of = |group: &&mut Group<'_>| samples_of(group.settings) == samples_of(&cell.settings);
            match groups.iter_mut().find(of) {
                Some(group) => group.cells.push(cell),
                None => groups.push(Group { settings: &cell.settings, cells: vec![cell] }),
            }
        }
        groups
    }

    /// What is still to be done where `known` is done; reads the data and checks every run.
    ///
    /// # Errors
    /// [`Error::Entry`] with what a trainer would refuse; [`Error::OtherRun`] for samples other than those of `known`;
    /// what reading data returns, but for files that are not there.
    pub fn estimate(&self, known: &[Record]) -> Result<Estimate> {
        let mut estimate = Estimate::default();
        for group in self.groups(known) {
            let found = match group.settings.precision {
                Precision::F32 => self.cost::<f32>(&group, known),
                Precision::F64 => self.cost::<f64>(&group, known),
            };
            match found {
                Ok(operations) => {
                    estimate.operations += operations;
                    estimate.cells += group.cells.len();
                }
                Err(error) if is_missing(&error) => {
                    let data = group.settings.data.clone();
                    if estimate.left_out.iter().all(|other| other.data != data) {
                        estimate.left_out.push(LeftOut { data, reason: error.to_string() });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(estimate)
    }

    fn cost<T: Real>(&self, group: &Group<'_>, known: &[Record]) -> Result<f64> {
        let (train, test) = load::<T>(group.settings)?;
        self.require_same(group, known, &Samples::of(&train, &test))?;
        let cost = |cell: &&Cell| {
            let settings = &cell.settings;
            plan::require_loss(settings, &train)
                .and_then(|()| plan::check(settings, &train))
                .and_then(|()| memory::require(settings, &train, Some(&test), |_| 0))
                .and_then(|()| sweep_flops(settings, &train))
                .map(|operations| operations * settings.sweeps as f64)
                .map_err(|error| cell.error(error))
        };
        group.cells.iter().map(cost).sum()
    }

    /// `Ok` where runs that are known were made on the same samples.
    fn require_same(&self, group: &Group<'_>, known: &[Record], samples: &Samples) -> Result {
        let same = |cell: &&Cell| samples_of(&cell.settings) == samples_of(group.settings);
        let known =
            self.cells.iter().filter(same).filter_map(|cell| known.iter().find(|record| record.is_of(cell)));
        for record in known {
            if (&record.train, &record.test) != (&samples.train, &samples.test) {
                return Err(Error::OtherRun {
                    path: group.settings.data.to_string().into(),
                    found: format!("training samples {}, test samples {}", samples.train, samples.test),
                    expected: format!("{} and {}, as for {}", record.train, record.test, record.run),
                });
            }
        }
        Ok(())
    }

    /// Makes the runs that are not among `known` and whose data are there, and tells `observer` of each when it is over.
    ///
    /// A run that diverges is a result like others. `stop` ends the runs at work after their sweep, which then count for nothing,
    /// and no other one begins.
    ///
    /// # Errors
    /// As [`Plan::estimate`]; what `observer` returns.
    pub fn run(&self, known: &[Record], observer: &mut dyn ExperimentObserver, stop: &AtomicBool) -> Result {
        for group in self.groups(known) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let done = match group.settings.precision {
                Precision::F32 => self.run_group::<f32>(&group, known, observer, stop),
                Precision::F64 => self.run_group::<f64>(&group, known, observer, stop),
            };
            done?;
        }
        Ok(())
    }

    fn run_group<T: Real>(
        &self,
        group: &Group<'_>,
        known: &[Record],
        observer: &mut dyn ExperimentObserver,
        stop: &AtomicBool,
    ) -> Result {
        let (train, test) = match load::<T>(group.settings) {
            Ok((train, test)) => (Arc::new(train), Arc::new(test)),
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let samples = Samples::of(&*train, &*test);
        self.require_same(group, known, &samples)?;
        let next = AtomicUsize::new(0);
        let observer = Mutex::new(observer);
        let failed = Mutex::new(None);
        let work = || {
            while let Some(cell) = group.cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                let has_failed = failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
                if has_failed || stop.load(Ordering::Relaxed) {
                    break;
                }
                if let Err(error) = run_cell(cell, &train, &test, &samples, &observer, stop) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        };
        thread::scope(|scope| {
            (1..self.jobs.min(group.cells.len())).for_each(|_| {
                scope.spawn(work);
            });
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// Whether it is that data are not where they are looked for.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Missing { .. } | Error::Io { .. } | Error::Argument { name: "data", .. })
}

/// What tells samples from others.
struct Samples {
    train: String,
    test: String,
}

impl Samples {
    fn of<T: Real>(train: &Dataset<T>, test: &Dataset<T>) -> Self {
        Self { train: Fingerprint::of(train).to_string(), test: Fingerprint::of(test).to_string() }
    }
}

fn load<T: Real>(settings: &Settings) -> Result<(Dataset<T>, Dataset<T>)> {
    data::load(&settings.data, &settings.data_options())
}

fn run_cell<T: Real>(
    cell: &Cell,
    train: &Arc<Dataset<T>>,
    test: &Arc<Dataset<T>>,
    samples: &Samples,
    observer: &Mutex<&mut dyn ExperimentObserver>,
    stop: &AtomicBool,
) -> Result {
    let observer = || observer.lock().unwrap_or_else(PoisonError::into_inner);
    observer().begin(cell)?;
    let mut trainer = Trainer::new(&cell.settings, Arc::clone(train), Arc::clone(test))
        .map_err(|error| cell.error(error))?;
    let mut history = History::default();
    let summary = trainer.run(&mut history, stop).map_err(|error| cell.error(error))?;
    if summary.outcome == Outcome::Stopped {
        return Ok(());
    }
    let record = Record {
        run: cell.run.clone(),
        varied: cell.varied.clone(),
        seed: cell.settings.seed,
        train: samples.train.clone(),
        test: samples.test.clone(),
        operations: sweep_flops(&cell.settings, train)?,
        outcome: summary.outcome,
        course: history.sweeps.iter().map(Point::from).collect(),
    };
    observer().record(cell, &record)
}
