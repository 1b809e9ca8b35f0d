//! Who worked when in a sweep, taken down on request.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pieces of work that are taken down at most: those of a sweep in small mini-batches are more than anybody looks at.
const MOST: usize = 20_000;

/// What a worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A stage of a pipeline, such as a layer, took an item, such as a mini-batch.
    Stage {
        /// The stage, from 0.
        stage: usize,
        /// The item, from 0.
        item: usize,
    },
    /// A unit of a phase, after which all workers wait for each other.
    Unit {
        /// The phase, counted from the beginning of the sweep.
        phase: usize,
        /// The unit, from 0.
        unit: usize,
    },
}

/// A piece of work, in seconds from the beginning of the sweep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Interval {
    /// Who did it, from 0.
    pub worker: usize,
    /// What it was.
    pub work: Work,
    /// When it began.
    pub start: f64,
    /// When it ended.
    pub end: f64,
}

/// An interval as files have it: worker, `stage` or `unit` with two numbers, begin and end.
type Row = (usize, Kind, usize, usize, f64, f64);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Stage,
    Unit,
}

impl From<Row> for Interval {
    fn from((worker, kind, one, other, start, end): Row) -> Self {
        let work = match kind {
            Kind::Stage => Work::Stage { stage: one, item: other },
            Kind::Unit => Work::Unit { phase: one, unit: other },
        };
        Self { worker, work, start, end }
    }
}

impl From<Interval> for Row {
    fn from(Interval { worker, work, start, end }: Interval) -> Self {
        match work {
            Work::Stage { stage, item } => (worker, Kind::Stage, stage, item, start, end),
            Work::Unit { phase, unit } => (worker, Kind::Unit, phase, unit, start, end),
        }
    }
}

/// Who worked when in a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The sweep, counted from 1.
    pub sweep: usize,
    /// Threads that there were for it.
    pub workers: usize,
    /// How long it took.
    pub seconds: f64,
    /// Whether all of it was taken down, and not only its beginning.
    pub whole: bool,
    /// Pieces of work as they began.
    pub intervals: Vec<Interval>,
}

/// Takes down what workers do.
#[derive(Debug)]
pub(super) struct Clock {
    begin: Instant,
    phases: AtomicUsize,
    intervals: Mutex<Vec<Interval>>,
}

impl Clock {
    pub(super) fn new() -> Self {
        let (phases, intervals) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        Self { begin: Instant::now(), phases, intervals }
    }

    /// The number of a phase that begins.
    pub(super) fn phase(&self) -> usize {
        self.phases.fetch_add(1, Ordering::Relaxed)
    }

    /// Does a piece of work.
    pub(super) fn timed<R>(&self, worker: usize, work: Work, piece: impl FnOnce() -> R) -> R {
        let start = self.begin.elapsed();
        let result = piece();
        let [start, end] = [start, self.begin.elapsed()].map(|time| Duration::as_secs_f64(&time));
        let mut intervals = self.intervals.lock().unwrap_or_else(PoisonError::into_inner);
        if intervals.len() < MOST {
            intervals.push(Interval { worker, work, start, end });
        }
        result
    }

    /// What was taken down of this sweep, which is over.
    pub(super) fn into_timeline(self, sweep: usize, workers: usize) -> Timeline {
        let seconds = self.begin.elapsed().as_secs_f64();
        let mut intervals = self.intervals.into_inner().unwrap_or_else(PoisonError::into_inner);
        intervals.sort_by(|one, other| one.start.total_cmp(&other.start));
        Timeline { sweep, workers, seconds, whole: intervals.len() < MOST, intervals }
    }
}
