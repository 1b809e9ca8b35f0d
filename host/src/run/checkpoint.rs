//! Checkpoints: the whole state of a run in a file, from which it goes on to the same bits as without a break.
//!
//! A [`Snapshot`] is what writes it, a [`Trainer`]; [`Checkpoints`] is the observer that lets it do so from time to time,
//! and [`resume`] goes back to the last one. `docs/checkpoint.md` describes the file.
//!
//! ```
//! use std::sync::{Arc, atomic::AtomicBool};
//!
//! use altmin::run::checkpoint::{Checkpoints, resume};
//! use altmin::settings::Every;
//! use altmin::{TrainOptions, Trainer, data};
//!
//! # fn main() -> altmin::Result {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let folder = folder.path();
//! let settings = TrainOptions { sweeps: Some(3), ..TrainOptions::default() }.resolve()?;
//! let (train, test) = data::load::<f32>(&settings.data, &settings.data_options())?;
//! let (train, test) = (Arc::new(train), Arc::new(test));
//!
//! let mut trainer = Trainer::new(&settings, train.clone(), test.clone())?;
//! let mut checkpoints = Checkpoints::new(folder, Every::Sweeps(1), None);
//! trainer.step(2, &mut checkpoints, &AtomicBool::new(false))?;
//!
//! // In another process.
//! let mut resumed = Trainer::new(&settings, train, test)?;
//! let from = resume(folder, &mut resumed)?.expect("a checkpoint");
//! assert_eq!((from.history.sweeps.len(), resumed.parameters()), (2, trainer.parameters()));
//! # Ok(())
//! # }
//! ```

pub(super) mod file;
pub(crate) mod fingerprint;
pub(super) mod record;

pub use super::observe::Snapshot;
use super::observe::{Change, History, Metrics, Observer, Summary};
use super::trainer::Trainer;
use crate::atomic_file;
use crate::error::{Error, Result};
use crate::settings::Every;
use altmin_core::Real;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The newest checkpoint of a folder, and the one before it.
const NAMES: [&str; 2] = ["checkpoint.altmin", "checkpoint-before.altmin"];

/// Removes what a run that was killed has left of half-written checkpoints.
///
/// # Errors
/// [`Error::Io`].
pub fn remove_left_behind(folder: &Path) -> Result {
    atomic_file::remove_left_behind(&folder.join(NAMES[0]))
}

/// Writes checkpoints into a run's folder while the run goes on; the last two are kept.
///
/// One that cannot be written does not end the run: the next is tried, and [`Checkpoints::finish`] says what became of the
/// last.
#[derive(Debug)]
pub struct Checkpoints {
    newest: PathBuf,
    before: PathBuf,
    every: Every,
    history: History,
    /// The sweep of the newest checkpoint, and when it was written.
    saved: usize,
    since: Instant,
    /// Whether the file that is there is worth keeping.
    sound: bool,
}

impl Checkpoints {
    /// Checkpoints in `folder`, which is there, of a run that begins or was resumed.
    pub fn new(folder: &Path, every: Every, resumed: Option<&Resumed>) -> Self {
        let [newest, before] = NAMES.map(|name| folder.join(name));
        let history = resumed.map_or_else(History::default, |resumed| resumed.history.clone());
        Self {
            newest,
            before,
            every,
            saved: last_sweep(&history),
            history,
            since: Instant::now(),
            sound: resumed.is_none_or(|resumed| resumed.damaged.is_none()),
        }
    }

    /// Writes a checkpoint of the last sweep, if there is none yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(&mut self, run: &dyn Snapshot) -> Result {
        if last_sweep(&self.history) == self.saved { Ok(()) } else { self.write(run) }
    }

    fn is_due(&self) -> bool {
        match self.every {
            Every::Sweeps(count) => last_sweep(&self.history).is_multiple_of(count),
            Every::Time(time) => self.since.elapsed() >= time,
        }
    }

    fn write(&mut self, run: &dyn Snapshot) -> Result {
        let content = |to: &mut dyn Write| run.write(&self.history, to);
        match self.sound {
            true => atomic_file::write_keeping(&self.newest, &self.before, content)?,
            false => atomic_file::write(&self.newest, content)?,
        }
        (self.saved, self.since, self.sound) = (last_sweep(&self.history), Instant::now(), true);
        Ok(())
    }
}

fn last_sweep(history: &History) -> usize {
    history.sweeps.last().map_or(0, |metrics| metrics.sweep)
}

impl Observer for Checkpoints {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.history.sweep(metrics)
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        self.history.change(change)
    }

    fn snapshot(&mut self, run: &dyn Snapshot) -> io::Result<()> {
        if self.is_due() {
            // The next one may find room; `finish` reports.
            let _ = self.write(run);
        }
        Ok(())
    }

    fn wants_snapshot(&self) -> bool {
        self.is_due()
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

/// A run that went on from a checkpoint.
#[derive(Debug)]
pub struct Resumed {
    /// What observers saw before.
    pub history: History,
    /// Why the newest checkpoint was not taken, if it was the one before it.
    pub damaged: Option<Error>,
}

/// Sets a trainer to the newest checkpoint in a folder, or to the one before it if the newest is damaged; none if there is
/// none.
///
/// # Errors
/// As [`Trainer::resume`], of the newest one if both are damaged; the trainer is as it was.
pub fn resume<T: Real>(folder: &Path, trainer: &mut Trainer<T>) -> Result<Option<Resumed>> {
    let mut damaged = None;
    for path in NAMES.map(|name| folder.join(name)) {
        let found = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(Error::io("read", &path, error)),
            Ok(mut file) => trainer.resume(&mut file, &path),
        };
        match found {
            Ok(history) => return Ok(Some(Resumed { history, damaged })),
            // Another file of the same run would be refused as well.
            Err(error @ (Error::OtherRun { .. } | Error::Memory { .. })) => return Err(error),
            Err(error) => damaged = damaged.or(Some(error)),
        }
    }
    damaged.map_or(Ok(None), Err)
}
