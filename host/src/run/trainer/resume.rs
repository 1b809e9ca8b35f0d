//! The whole state of a run, written to a checkpoint and read from one.

use super::best::KeptRecord;
use super::penalties::PenaltySchedule;
use super::{State, Trainer, growth, problem, readouts_room, scratch};
use crate::allocate;
use crate::error::{Error, Result};
use crate::run::checkpoint::file::{Reader, Writer};
use crate::run::checkpoint::fingerprint::Fingerprint;
use crate::run::checkpoint::record::{Record, Source, read_scalars, record, write_scalars};
use crate::run::observe::{Best, History, Metrics, Snapshot};
use crate::run::{memory, plan};
use crate::settings::TrainOptions;
use altmin_core::Real;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

record!(State {
    sweeps: usize,
    elapsed: Duration,
    initialized: bool,
    age: usize,
    diverged: bool,
    last: Option<Metrics>,
    best: Option<Best>
});

/// What of a checkpoint has a size that is known before.
struct Head {
    settings: String,
    train: Fingerprint,
    test: Option<Fingerprint>,
    state: State,
    grown: bool,
    schedule: PenaltySchedule,
    history: History,
    epoch: u32,
}

record!(Head {
    settings: String,
    train: Fingerprint,
    test: Option<Fingerprint>,
    state: State,
    grown: bool,
    schedule: PenaltySchedule,
    history: History,
    epoch: u32
});

/// Fingerprints of a trainer's data, taken when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    pub(super) train: OnceLock<Fingerprint>,
    pub(super) test: OnceLock<Option<Fingerprint>>,
}

impl<T: Real> Snapshot for Trainer<T> {
    fn write(&self, history: &History, to: &mut dyn Write) -> io::Result<()> {
        let head = Head {
            settings: self.settings.to_toml().map_err(io::Error::other)?,
            train: self.train_fingerprint(),
            test: self.test_fingerprint(),
            state: self.state,
            grown: self.is_grown(&self.network),
            schedule: self.schedule,
            history: history.clone(),
            epoch: self.engine.epoch(),
        };
        let mut to = Writer::begin(to)?;
        head.write(&mut to)?;
        let (scalars, numbers) = self.engine.state();
        write_scalars(scalars, &mut to)?;
        write_scalars(numbers, &mut to)?;
        self.kept_record().write(&mut to)?;
        to.end()
    }
}

impl<T: Real> Trainer<T> {
    /// Goes on where a checkpoint was written, `path` for messages: the sweeps to come have the bits of a run without a break.
    /// Returns what observers saw before.
    ///
    /// Settings and data are those of the run that wrote it; only threads, what ends a run and what it leaves may be others,
    /// and the number of sweeps where no schedule depends on it.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is damaged or no checkpoint, [`Error::OtherRun`] for one of another version, of other
    /// settings or of other data, naming what differs, [`Error::Memory`] and [`Error::Allocation`] where there is none for a second state,
    /// [`Error::Io`]. The trainer is then as it was.
    pub fn resume(&mut self, from: &mut (impl Read + Seek), path: &Path) -> Result<History> {
        let mut reader = Reader::open(from, path)?;
        let head = reader.source(Head::read, path)?;
        self.require_same_run(&head, path)?;
        // What is read stands beside what there is until all of it is there.
        memory::require(&self.settings, &self.train, self.test.as_deref(), |memory| {
            memory.state + memory.copies
        })?;
        let network = self.network_of(head.grown)?;
        let of_settings = plan::hyperparameters(&self.settings, &self.train)?;
        let hyperparameters = head.schedule.hyperparameters(of_settings);
        let of_stage = match self.settings.grow.filter(|_| head.grown) {
            Some(growth) => growth::hyperparameters(hyperparameters, growth.sweeps),
            None => hyperparameters,
        };
        let problem = problem(&self.train);
        let mut engine = plan::engine(&self.settings, &of_stage, &network, problem, &self.gemm)?;
        let (scalars, numbers) = engine.state_mut();
        let read = |from: &mut Source<'_>| {
            read_scalars(scalars, from)?;
            read_scalars(numbers, from)?;
            let kept = Option::<KeptRecord<'_, T>>::read(from)?;
            from.end().map(|()| kept)
        };
        let kept = reader.source(read, path)?;
        let kept = self.kept_of(kept, head.state.best, path)?;
        engine.set_epoch(head.epoch);
        self.executor.reserve(scratch(&engine, &self.settings, &self.gemm))?;
        self.share_network(&network)?;
        let (good, room) = (allocate::copied(engine.parameters())?, readouts_room(&self.settings, &network)?);
        (self.engine, self.network, self.hyperparameters) = (engine, network, hyperparameters);
        (self.good, self.readouts_room) = (good, room);
        (self.schedule, self.state, self.resumed) = (head.schedule, head.state, true);
        self.kept = kept;
        self.good_readouts.clear();
        self.keep_good()?;
        Ok(head.history)
    }

    fn require_same_run(&self, head: &Head, path: &Path) -> Result {
        let other =
            |found: String, expected: String| Err(Error::OtherRun { path: path.to_owned(), found, expected });
        let stored = TrainOptions::from_toml(&head.settings, path).and_then(TrainOptions::resolve);
        let stored = stored.map_err(|error| Error::format(path, error.to_string(), "settings of a run"))?;
        if let Some((key, found, expected)) = stored.first_difference(&self.settings)? {
            return other(format!("{key} = {found}"), format!("{key} = {expected}"));
        }
        let train = self.train_fingerprint();
        if head.train != train {
            return other(format!("training data of {}", head.train), train.to_string());
        }
        let test = self.test_fingerprint();
        if head.test != test {
            let text = |test: Option<Fingerprint>| test.map_or("none".to_owned(), |test| test.to_string());
            return other(format!("test data of {}", text(head.test)), text(test));
        }
        Ok(())
    }

    pub(super) fn train_fingerprint(&self) -> Fingerprint {
        *self.fingerprints.train.get_or_init(|| Fingerprint::of(&self.train))
    }

    pub(super) fn test_fingerprint(&self) -> Option<Fingerprint> {
        let of = || self.test.as_ref().map(|test| Fingerprint::of(test));
        *self.fingerprints.test.get_or_init(of)
    }
}
