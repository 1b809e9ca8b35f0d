//! Settings of methods, found by successive halving on held-out training samples.
//!
//! A [`Request`] says which methods, which values of which settings, and how long a full run is; [`Search`] makes the
//! configurations of it, trains them and leaves [`Findings`]. The test set is never looked at: all runs are scored on the
//! training samples that [`DataOptions::holdout`](crate::data::DataOptions::holdout) sets aside.
//!
//! Every run of a longer rung begins anew, since a schedule falls over a run's own length.
//!
//! ```
//! use std::sync::{Arc, atomic::AtomicBool};
//!
//! use altmin::data;
//! use altmin::search::{Request, Search};
//! use altmin::settings::{Method, TrainOptions};
//!
//! # fn main() -> altmin::Result {
//! let options = TrainOptions { samples: "200".parse().ok(), sweeps: Some(9), ..TrainOptions::default() };
//! let over = vec!["learning-rate=0.001:0.1:log5".parse()?];
//! let search = Search::new(Request { over, ..Request::new(vec![Method::Adam], options) })?;
//!
//! let settings = search.common();
//! let (train, held_out) = data::load::<f32>(&settings.data, &settings.data_options())?;
//! let mut records = Vec::new();
//! let findings =
//!     search.run(&Arc::new(train), &Arc::new(held_out), &[], &mut records, &AtomicBool::new(false))?;
//! // Five runs of three sweeps, and two of nine.
//! assert_eq!(records.len(), 7);
//! let best = search.best(&findings[0]).expect("one that did not diverge");
//! assert_eq!((best.method, best.sweeps), (Method::Adam, 9));
//! # Ok(())
//! # }
//! ```

pub mod folder;
pub mod halving;
mod length;
mod record;
mod space;

pub use length::{Budget, Length};
pub use record::{Record, Run, Timing};
pub use space::{Axis, Configuration};

use crate::compare::Better;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::network::evaluate::evaluate;
use crate::run::observe::{Metrics, Observer, Outcome, Summary};
use crate::run::trainer::Trainer;
use crate::settings::by_key::{self, used_by_none, with_useful};
use crate::settings::{CheckpointEvery, Keep, Method, Patience, Settings, TrainOptions};
use altmin_core::Real;
use halving::{Place, Rung, halve};
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The factor of the halving when nobody said.
pub const HALVING: usize = 3;

/// What is to be searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The methods, each once and at least one.
    pub methods: Vec<Method>,
    /// The settings and their values. A method for which none has an effect gets what is usual: its learning rate, or nu, or
    /// rho, times 1/4 to 4 by factors of 2, and the damping times 0.3, 1 and 3.
    pub over: Vec<Axis>,
    /// How long a full run is.
    pub budget: Budget,
    /// One of so many configurations goes on to the next rung, whose runs are so many times as long; at least 2.
    pub halving: usize,
    /// Seeds over which the score of the last rung is the mean; at least 1. They count up from that of the options. The data's
    /// split stays that of the first.
    pub seeds: usize,
    /// The options of all runs; their method is ignored, and one that has no effect on a method is left out for it.
    pub options: TrainOptions,
}

impl Request {
    /// A search over what is usual, with full runs of as many sweeps as the options say.
    pub fn new(methods: Vec<Method>, options: TrainOptions) -> Self {
        Self { methods, over: Vec::new(), budget: Budget::Sweeps, halving: HALVING, seeds: 1, options }
    }
}

/// A search whose request has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    request: Request,
    contests: Vec<Contest>,
}

/// The configurations of a method, of which the best is sought.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    /// The method.
    pub method: Method,
    /// Its configurations, at least one.
    pub configurations: Vec<Configuration>,
}

/// A run that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// What is trained.
    pub configuration: &'a Configuration,
    /// The rung, counted from 1, and how many there are.
    pub rung: (usize, usize),
    /// Sweeps.
    pub sweeps: usize,
    /// The seed of initial weights and mini-batches.
    pub seed: u64,
}

/// What a search has found of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The method.
    pub method: Method,
    /// The rungs.
    pub rungs: Vec<Rung>,
    /// A full run of each configuration.
    pub lengths: Vec<Length>,
    /// The configurations that have run, the best first.
    pub standings: Vec<Standing>,
    /// Whether the last rung is done.
    pub complete: bool,
}

/// How a configuration stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// How far it came.
    pub place: Place,
    /// Its runs of that rung, one for each seed.
    pub runs: Vec<Run>,
}

/// Sees what a search does.
pub trait SearchObserver: Send {
    /// Called before a run.
    ///
    /// # Errors
    /// Ends the search.
    fn begin(&mut self, _trial: &Trial<'_>) -> Result {
        Ok(())
    }

    /// Called after each sweep of the run.
    ///
    /// # Errors
    /// Ends the search.
    fn sweep(&mut self, _metrics: &Metrics) -> io::Result<()> {
        Ok(())
    }

    /// Called when something is known that need not be found out again.
    ///
    /// # Errors
    /// Ends the search.
    fn record(&mut self, record: &Record) -> Result;
}

impl SearchObserver for Vec<Record> {
    fn record(&mut self, record: &Record) -> Result {
        self.push(record.clone());
        Ok(())
    }
}

impl Search {
    /// The search that a request asks for.
    ///
    /// # Errors
    /// [`Error::Argument`] for no methods or one that comes twice, for an axis that comes twice or has no effect on any of
    /// them, for a number out of range, for checkpoints; [`Error::Entry`] for settings of a configuration that are out of
    /// range or do not go together.
    pub fn new(request: Request) -> Result<Self> {
        check_request(&request)?;
        let shared = request.options.clone().without_validation("a search has its own samples held out")?;
        let shared = TrainOptions { method: None, holdout: Some(true), ..shared };
        let mut contests = Vec::new();
        for &method in &request.methods {
            let asked_for = space::configurations(method, &request.over, &shared)?;
            let differ = asked_for.iter().any(|configuration| !configuration.text.is_empty());
            let configurations = match differ {
                true => asked_for,
                false => space::configurations(method, &space::usual_axes(method, &shared)?, &shared)?,
            };
            contests.push(Contest { method, configurations });
        }
        let search = Self { request, contests };
        let tried = |axis: &Axis| {
            let mut all = search.contests.iter().flat_map(|contest| &contest.configurations);
            all.any(|configuration| configuration.values().any(|(key, _)| key == axis.key()))
        };
        if let Some(axis) = search.request.over.iter().find(|axis| !tried(axis)) {
            let expected = format!("a setting that {} uses", search.methods().join(" or "));
            return Err(Error::argument("over", axis, expected));
        }
        Ok(search)
    }

    /// Checks that each of these options, given on the command line, has an effect on one of the methods and on the search.
    ///
    /// # Errors
    /// [`Error::Argument`] names the one that has none.
    pub fn check_effect(&self, given: &TrainOptions) -> Result {
        if given.holdout == Some(false) {
            return Err(Error::argument("holdout", false, "true: a search never looks at the test set"));
        }
        let mut unused: Option<Vec<(String, Error)>> = None;
        let given = TrainOptions { method: None, ..given.clone() };
        let keys = by_key::table(&given)?;
        if let Some(axis) = self.request.over.iter().find(|axis| keys.contains_key(axis.key())) {
            return Err(Error::argument(
                "over",
                axis,
                format!("a setting that --{} does not fix", axis.key()),
            ));
        }
        for configuration in self.contests.iter().flat_map(|contest| contest.configurations.first()) {
            let (_, useless) = with_useful(&configuration.own, &given)?;
            match &mut unused {
                None => unused = Some(useless),
                Some(unused) => unused.retain(|(key, _)| useless.iter().any(|(other, _)| other == key)),
            }
        }
        let names = self.methods();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match unused.unwrap_or_default().into_iter().next() {
            Some((_, error)) => Err(used_by_none(error, &names)),
            None => Ok(()),
        }
    }

    fn methods(&self) -> Vec<String> {
        self.request.methods.iter().map(ToString::to_string).collect()
    }

    /// What was asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The configurations of each method.
    pub fn contests(&self) -> &[Contest] {
        &self.contests
    }

    /// Settings to read what is the same for all runs from; their data options hold samples out.
    pub fn common(&self) -> &Settings {
        &self.contests[0].configurations[0].settings
    }

    /// Which score is the better one: the higher accuracy of classes, the lower loss of values.
    pub fn better(&self) -> Better {
        if self.common().is_regression() { Better::Low } else { Better::High }
    }

    /// The settings of the best configuration of a method, as a full run has them, but for the samples that are held out: they
    /// are as the options say. None before the last rung is done, or where all of it diverged.
    pub fn best(&self, findings: &Findings) -> Option<Settings> {
        let contest = self.contests.iter().find(|contest| contest.method == findings.method)?;
        let best =
            findings.standings.first().filter(|best| findings.complete && best.place.score.is_some())?;
        let configuration = best.place.configuration;
        Some(Settings {
            sweeps: findings.lengths[configuration].sweeps,
            holdout: self.request.options.holdout.unwrap_or(false),
            ..contest.configurations[configuration].settings.clone()
        })
    }

    /// Trains and scores, method after method and run after run, and says of each method what was found. What is among `known`
    /// is not found out again.
    ///
    /// A run that diverges has the worst score. `stop` ends the run at work after its sweep, which then counts for nothing,
    /// and no other one begins. `held_out` are the samples to score on.
    ///
    /// # Errors
    /// [`Error::Entry`] with what a trainer refuses, before any run begins where it can be known by then;
    /// what `observer` returns.
    pub fn run<T: Real>(
        &self,
        train: &Arc<Dataset<T>>,
        held_out: &Arc<Dataset<T>>,
        known: &[Record],
        observer: &mut dyn SearchObserver,
        stop: &AtomicBool,
    ) -> Result<Vec<Findings>> {
        self.check(train, held_out)?;
        let mut work = Work { search: self, train, held_out, known, observer, stop };
        let mut all = Vec::new();
        for contest in &self.contests {
            let Some(lengths) = work.lengths(contest)? else { break };
            let findings = work.contest(contest, lengths)?;
            let complete = findings.complete;
            all.push(findings);
            if !complete {
                break;
            }
        }
        Ok(all)
    }

    /// The settings of a trial.
    fn settings(&self, trial: &Trial<'_>) -> Settings {
        Settings { sweeps: trial.sweeps, seed: trial.seed, ..trial.configuration.settings.clone() }
    }

    /// The seeds of a rung.
    fn seeds(&self, is_last: bool) -> impl Iterator<Item = u64> + use<> {
        let first = self.common().seed;
        first..first.saturating_add(if is_last { self.request.seeds as u64 } else { 1 })
    }
}

/// `Ok` for numbers in range, and methods and axes that come once.
fn check_request(request: &Request) -> Result {
    let Request { methods, over, budget, halving, seeds, options } = request;
    if methods.is_empty() {
        return Err(Error::argument("methods", "", "at least one"));
    }
    if let Some((_, again)) = methods.iter().enumerate().find(|&(at, method)| methods[..at].contains(method))
    {
        return Err(Error::argument("methods", again, "each method once"));
    }
    if let Some((_, again)) =
        over.iter().enumerate().find(|&(at, axis)| over[..at].iter().any(|other| other.key() == axis.key()))
    {
        return Err(Error::argument("over", again, format!("all values of `{}` in one list", again.key())));
    }
    budget.check()?;
    if *halving < 2 {
        return Err(Error::argument("halving", halving, "at least 2"));
    }
    if *seeds == 0 {
        return Err(Error::argument("seeds", seeds, "at least 1"));
    }
    if let Some(every @ CheckpointEvery(Some(_))) = &options.checkpoint_every {
        return Err(Error::argument(
            "checkpoint-every",
            every,
            "none: a search keeps the runs that are done",
        ));
    }
    if let Some(patience @ Patience(Some(_))) = &options.patience {
        return Err(Error::argument("patience", patience, "none: a search says how long each run is"));
    }
    if let Some(keep @ (Keep::Best | Keep::Both)) = options.keep {
        return Err(Error::argument("keep", keep, "last: a search keeps no models"));
    }
    Ok(())
}

/// A search at work.
struct Work<'a, T> {
    search: &'a Search,
    train: &'a Arc<Dataset<T>>,
    held_out: &'a Arc<Dataset<T>>,
    known: &'a [Record],
    observer: &'a mut dyn SearchObserver,
    stop: &'a AtomicBool,
}

impl<T: Real> Work<'_, T> {
    /// Whether nothing is to be begun any more.
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn trainer(&self, trial: &Trial<'_>) -> Result<Trainer<T>> {
        let settings = self.search.settings(trial);
        Trainer::new(&settings, Arc::clone(self.train), Arc::clone(self.held_out))
            .map_err(|error| trial.configuration.error(error))
    }

    /// The halving of a method.
    fn contest(&mut self, contest: &Contest, lengths: Vec<Length>) -> Result<Findings> {
        let Contest { method, configurations } = contest;
        let rungs = self.search.rungs(contest, &lengths)?;
        let mut runs: HashMap<usize, Vec<Run>> = HashMap::new();
        let mut complete = true;
        let places = halve(&rungs, self.search.better(), |rung, number| {
            let (configuration, length) = (&configurations[number], lengths[number]);
            let is_last = rung + 1 == rungs.len();
            let mut done = Vec::new();
            for seed in self.search.seeds(is_last) {
                let sweeps = rungs[rung].sweeps(length.sweeps);
                let trial = Trial { configuration, rung: (rung + 1, rungs.len()), sweeps, seed };
                let Some(run) = self.known_or_made(&trial, length)? else {
                    complete = false;
                    return Ok(ControlFlow::Break(()));
                };
                done.push(run);
            }
            let score = mean(&done);
            runs.insert(number, done);
            Ok(ControlFlow::Continue(score))
        })?;
        let standing =
            |place: Place| Standing { runs: runs.remove(&place.configuration).unwrap_or_default(), place };
        let standings = places.into_iter().map(standing).collect();
        Ok(Findings { method: *method, rungs, lengths, standings, complete })
    }

    /// The run of a trial; none if it was stopped.
    fn known_or_made(&mut self, trial: &Trial<'_>, length: Length) -> Result<Option<Run>> {
        let known = self.known.iter().find_map(|record| match record {
            Record::Run(run) if run.is_of(trial) => Some(run.clone()),
            _ => None,
        });
        if known.is_some() {
            return Ok(known);
        }
        if self.stopped() {
            return Ok(None);
        }
        let mut trainer = self.trainer(trial)?;
        self.observer.begin(trial)?;
        let mut course = Course { observer: &mut *self.observer, scores: Vec::new() };
        let summary =
            trainer.run(&mut course, self.stop).map_err(|error| trial.configuration.error(error))?;
        let course = course.scores;
        let score = match summary.outcome {
            Outcome::Stopped => return Ok(None),
            Outcome::Diverged => None,
            _ if self.search.better() == Better::Low => {
                Some(evaluate(&trainer.model(), self.held_out, summary.threads)?.loss)
            }
            _ => Some(summary.test_accuracy),
        };
        let run = Run {
            settings: trial.configuration.own.clone(),
            rung: trial.rung.0,
            sweeps: trial.sweeps,
            seed: trial.seed,
            operations: length.operations * summary.sweeps as f64,
            seconds: summary.seconds,
            outcome: summary.outcome,
            score: score.filter(|score| score.is_finite()),
            course,
        };
        self.observer.record(&Record::Run(run.clone()))?;
        Ok(Some(run))
    }
}

/// The mean score; none where a run has none.
fn mean(runs: &[Run]) -> Option<f64> {
    let sum: Option<f64> = runs.iter().map(|run| run.score).sum();
    sum.map(|sum| sum / runs.len() as f64)
}

/// Keeps what the held-out samples say after each sweep.
struct Course<'a> {
    observer: &'a mut dyn SearchObserver,
    scores: Vec<Option<f64>>,
}

impl Observer for Course<'_> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.scores.push(Some(metrics.test_accuracy).filter(|score| score.is_finite()));
        self.observer.sweep(metrics)
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}
