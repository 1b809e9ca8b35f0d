//! Several methods on the same network, the same data and the same start, one after the other.
//!
//! [`Request`]s say which methods and with which settings; [`Comparison`] checks that they share what they must and runs
//! them; each leaves a [`Series`], whose [`Standing`] says how far it came and how fast.
//!
//! ```
//! use std::sync::{Arc, atomic::AtomicBool};
//!
//! use altmin::compare::{Comparison, Request};
//! use altmin::settings::{Method, TrainOptions};
//! use altmin::data;
//!
//! # fn main() -> altmin::Result {
//! // For all of them; what is not said has the command line's defaults.
//! let shared = TrainOptions { samples: "300".parse().ok(), sweeps: Some(5), ..TrainOptions::default() };
//! let mut tight = Request::new("tight", Method::Pdadmm);
//! tight.set("rho", "8.2")?;
//! tight.set("nu", "2")?;
//! let comparison = Comparison::of(&[Request::new("dladmm", Method::Dladmm), tight], &shared)?;
//!
//! let settings = comparison.common();
//! let (train, test) = data::load::<f32>(&settings.data, &settings.data_options())?;
//! let mut all = Vec::new();
//! comparison.run(&Arc::new(train), &Arc::new(test), &mut all, &AtomicBool::new(false))?;
//! for series in &all {
//!     let standing = series.standing(&[0.7]);
//!     println!("{}: {:?} sweeps to 0.7", standing.label, standing.reached[0].sweeps);
//! }
//! assert_eq!(all.len(), 2);
//! # Ok(())
//! # }
//! ```

pub mod folder;
mod request;
mod series;

pub use request::{Entry, Request, is_common};
pub use series::{Better, Reached, Series, Standing, best, best_test};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::model::Model;
use crate::run::observe::{Metrics, Observer, Outcome, Summary};
use crate::run::plan;
use crate::run::trainer::Trainer;
use crate::settings::{Settings, TrainOptions};
use altmin_core::Real;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs that may be compared: the same data, network, start, threads and scalar type, and a label for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    entries: Vec<Entry>,
}

impl Comparison {
    /// The comparison of what `requests` ask for; `shared` are options for all.
    ///
    /// An option of `shared` goes to the methods that have a use for it; one of a request must have an effect on its
    /// method, and wins over `shared`.
    ///
    /// # Errors
    /// As [`Comparison::new`]; [`Error::Argument`] for an option of `shared` that none of the methods has a use for;
    /// [`Error::Entry`] for settings of a single method that are out of range, do not go together or have no effect.
    pub fn of(requests: &[Request], shared: &TrainOptions) -> Result<Self> {
        let shared = shared.clone().without_validation("every sweep is scored on the test samples")?;
        Self::new(request::resolve(requests, &shared)?)
    }

    /// The comparison of these runs.
    ///
    /// # Errors
    /// [`Error::Argument`] for no runs, for a label that is given twice, that is another method's name or that could not
    /// name a folder, and for settings that are not the same for all ([`is_common`]); [`Error::Entry`] for settings out
    /// of range.
    pub fn new(entries: Vec<Entry>) -> Result<Self> {
        request::check(&entries)?;
        Ok(Self { entries })
    }

    /// The runs in order; at least one.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Settings to read what is the same for all from: those of the first run.
    pub fn common(&self) -> &Settings {
        &self.entries[0].settings
    }

    /// Runs them, one after the other, each from the same initial weights, and tells `observer`; a `Vec<Series>` collects.
    ///
    /// A run that diverges is a result like others and the next one follows. `stop` ends the run at work after its sweep,
    /// and no other one begins. Of the runs only one at a time holds memory.
    ///
    /// # Errors
    /// [`Error::Entry`] with what the trainer refuses, before any run begins where it can be known by then; what `observer`
    /// returns.
    pub fn run<T: Real>(
        &self,
        train: &Arc<Dataset<T>>,
        test: &Arc<Dataset<T>>,
        observer: &mut dyn ComparisonObserver<T>,
        stop: &AtomicBool,
    ) -> Result {
        for entry in &self.entries {
            plan::check(&entry.settings, train).map_err(|error| entry.error(error))?;
        }
        for entry in &self.entries {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let mut trainer = Trainer::new(&entry.settings, Arc::clone(train), Arc::clone(test))
                .map_err(|error| entry.error(error))?;
            observer.begin(entry)?;
            let mut recorder = Recorder { entry, observer, sweeps: Vec::new() };
            let summary = trainer.run(&mut recorder, stop).map_err(|error| entry.error(error))?;
            let stopped = summary.outcome == Outcome::Stopped;
            let sweeps = recorder.sweeps;
            observer.end(Series { label: entry.label.clone(), sweeps, summary }, entry, &trainer.model())?;
            if stopped {
                break;
            }
        }
        Ok(())
    }
}

/// Sees the runs of a comparison.
pub trait ComparisonObserver<T>: Send {
    /// Called before the first sweep of a run.
    ///
    /// # Errors
    /// Ends the comparison.
    fn begin(&mut self, _entry: &Entry) -> Result {
        Ok(())
    }

    /// Called after each sweep.
    ///
    /// # Errors
    /// Ends the comparison.
    fn sweep(&mut self, _entry: &Entry, _metrics: &Metrics) -> io::Result<()> {
        Ok(())
    }

    /// Called when a run is over, with the model of its last good sweep.
    ///
    /// # Errors
    /// Ends the comparison.
    fn end(&mut self, series: Series, entry: &Entry, model: &Model<T>) -> Result;
}

impl<T> ComparisonObserver<T> for Vec<Series> {
    fn end(&mut self, series: Series, _: &Entry, _: &Model<T>) -> Result {
        self.push(series);
        Ok(())
    }
}

/// Keeps every sweep of a run and passes it on.
struct Recorder<'a, T> {
    entry: &'a Entry,
    observer: &'a mut dyn ComparisonObserver<T>,
    sweeps: Vec<Metrics>,
}

impl<T> Observer for Recorder<'_, T> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.sweeps.push(*metrics);
        self.observer.sweep(self.entry, metrics)
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

impl Entry {
    /// An error of this run.
    fn error(&self, source: Error) -> Error {
        Error::Entry { label: self.label.clone(), source: Box::new(source) }
    }
}
