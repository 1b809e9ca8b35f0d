//! The executor over rayon: units are dealt out to the pool's workers, each with scratch of its own.
//!
//! What a unit computes does not depend on the worker that computes it, and
//! sums over units are made by the method in their order, so results are the same bits for any number of threads.

mod erased;
mod halves;
mod line;
mod scratch;
pub mod timeline;
pub(crate) mod turns;

/// What a thread of a pool does.
pub use rayon::ThreadBuilder as Worker;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use altmin_core::executor::{Executor, Owners, Pieces, Pipeline, PipelineMemory, Readers, Units, one_by_one};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

use crate::run::ranks::Ranks;
use crate::{allocate, error};
use halves::halves;
use scratch::Scratch;
use timeline::{Clock, Timeline, Work};

/// What [`halves`](mod@halves), [`line`](mod@line) and [`scratch`] are written over.
mod sync {
    pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

    pub(super) use super::erased::join;
    pub(super) use altmin_core::executor::Units;
}

/// The threads of a run: workers of their own or, if one is enough, the thread that calls. They have ended when the last clone
/// is dropped.
#[derive(Debug, Clone)]
pub struct Threads {
    workers: Option<Arc<Workers>>,
    /// Of threads that several runs share, whose work is at hand: tasks that wait for each other would not end beside those of
    /// another run.
    turn: Option<Arc<Mutex<()>>>,
}

/// Waits for the end of a thread.
pub type Wait = Box<dyn FnOnce() + Send + Sync>;

/// A pool and its threads, which end when it is dropped and are then waited for.
#[derive(Debug)]
struct Workers {
    pool: rayon::ThreadPool,
    ends: Ends,
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A thread cannot wait for itself.
        if self.pool.current_thread_index().is_some() {
            self.ends.0.clear();
        }
    }
}

/// The threads of a pool, which are waited for when this is dropped.
struct Ends(Vec<Wait>);

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ends").field(&self.0.len()).finish()
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|wait| wait());
    }
}

impl Threads {
    /// So many threads, at least 1.
    ///
    /// # Errors
    /// [`Error::Threads`](error::Error::Threads) if they cannot be had.
    pub fn new(threads: usize) -> error::Result<Self> {
        Self::spawned_by(threads, |worker| {
            let name = format!("altmin-{}", worker.index());
            let thread = thread::Builder::new().name(name).spawn(|| worker.run())?;
            // A worker that panics ends the process.
            Ok(Box::new(|| drop(thread.join())))
        })
    }

    /// The same with threads of the caller's making: `spawn` makes one that calls [`Worker::run`], and says how its end is waited
    /// for.
    ///
    /// # Errors
    /// [`Error::Threads`](error::Error::Threads) with what `spawn` says.
    pub fn spawned_by(
        threads: usize,
        mut spawn: impl FnMut(Worker) -> io::Result<Wait>,
    ) -> error::Result<Self> {
        if threads <= 1 {
            return Ok(Self { workers: None, turn: None });
        }
        // Those that were made are waited for too where another one is refused.
        let mut ends = Ends(Vec::with_capacity(threads));
        let spawn = |worker| spawn(worker).map(|wait| ends.0.push(wait));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).spawn_handler(spawn).build();
        let refused = |error: rayon::ThreadPoolBuildError| error::Error::Threads {
            count: threads,
            reason: error.to_string(),
        };
        let pool = pool.map_err(refused)?;
        Ok(Self { workers: Some(Arc::new(Workers { pool, ends })), turn: None })
    }

    /// The same threads for several runs, each of which takes a clone: they work for one run at a time, and the others wait.
    pub fn shared(self) -> Self {
        Self { turn: Some(Arc::default()), ..self }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.workers.as_ref().map_or(1, |workers| workers.pool.current_num_threads())
    }

    /// Calls `work` on one of the workers, which can deal out units to the others, and waits for it; on the calling thread
    /// if there are none, or if it is one of them.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.workers {
            // Who is one of the workers has the turn already.
            Some(workers) if workers.pool.current_thread_index().is_some() => work(),
            Some(workers) => {
                // What a panic of another run has left is its own.
                let turn = self.turn.as_deref();
                let _turn = turn.map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
                erased::install(&workers.pool, work)
            }
            None => work(),
        }
    }
}

/// Runs units on the pool that the caller is in; on the calling thread if it is in none, or made for one thread.
#[derive(Debug)]
pub struct Parallel<T> {
    scratch: Scratch<T>,
    /// While what workers do is taken down.
    clock: Option<Clock>,
    /// Where other processes share the run.
    ranks: Option<Ranks>,
}

impl<T: Real> Parallel<T> {
    /// An executor for a pool of `threads` workers with `scratch` for each.
    ///
    /// # Errors
    /// [`Error::Allocation`](error::Error::Allocation).
    pub fn new(threads: usize, scratch: Requirement) -> error::Result<Self> {
        let memory = (0..threads.max(1)).map(|_| allocate::zeros(scratch.elements()));
        Ok(Self { scratch: Scratch::new(memory.collect::<error::Result<_>>()?), clock: None, ranks: None })
    }

    /// Shares the run with other processes.
    pub fn set_ranks(&mut self, ranks: Ranks) {
        self.ranks = Some(ranks);
    }

    /// The processes that share the run; none if there is this one alone.
    pub fn ranks(&self) -> Option<&Ranks> {
        self.ranks.as_ref()
    }

    /// The same for dealing out other layers.
    pub fn ranks_mut(&mut self) -> Option<&mut Ranks> {
        self.ranks.as_mut()
    }

    /// Takes down from now on what workers do, which allocates.
    pub fn record(&mut self) {
        self.clock = Some(Clock::new());
    }

    /// What was taken down, if anything was, of the sweep of this number; nothing is taken down any more.
    pub fn recorded(&mut self, sweep: usize) -> Option<Timeline> {
        let workers = self.scratch.workers();
        self.clock.take().map(|clock| clock.into_timeline(sweep, workers))
    }

    /// Makes sure that each worker has `scratch`, which may allocate.
    ///
    /// # Errors
    /// [`Error::Allocation`](error::Error::Allocation); what was there still is.
    pub fn reserve(&mut self, scratch: Requirement) -> error::Result {
        for memory in self.scratch.each().filter(|memory| memory.len() < scratch.elements()) {
            *memory = allocate::zeros(scratch.elements())?;
        }
        Ok(())
    }
}

impl<T: Real> Parallel<T> {
    /// All units of a phase.
    fn run_all<U: Units>(
        &self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let clock = self.clock.as_ref().map(|clock| (clock, clock.phase()));
        let task = |index, unit| {
            let worker = rayon::current_thread_index().unwrap_or(0);
            let piece = || self.scratch.with(worker, |scratch| task(index, unit, Stack::new(scratch)));
            match clock {
                None => piece(),
                Some((clock, phase)) => clock.timed(worker, Work::Unit { phase, unit: index }, piece),
            }
        };
        // Made for one thread, it stays off whatever pool the caller may be in.
        if self.scratch.workers() > 1 && rayon::current_thread_index().is_some() {
            return halves(0, units, &task);
        }
        let mut rest = units;
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            task(index, first.single())?;
            rest = others;
        }
        Ok(())
    }

    /// All stages of a pipeline.
    fn run_line<P: Pipeline<T>>(&self, pipeline: &P, memory: PipelineMemory<'_, T>) -> Result {
        let threads = rayon::current_thread_index().map_or(1, |_| rayon::current_num_threads());
        let workers = self.scratch.workers().min(threads).min(pipeline.stages());
        if workers <= 1 {
            return self.run_all(&mut [memory][..], |_, memory, stack| one_by_one(pipeline, memory, stack));
        }
        line::run(pipeline, memory, workers, &|stage, item, own, passed, output| {
            let worker = rayon::current_thread_index().unwrap_or(0);
            let piece = || {
                let take =
                    |scratch: &mut [T]| pipeline.take(stage, item, own, passed, output, Stack::new(scratch));
                self.scratch.with(worker, take)
            };
            match &self.clock {
                None => piece(),
                Some(clock) => clock.timed(worker, Work::Stage { stage, item }, piece),
            }
        })
    }
}

impl<T: Real> Executor<T> for Parallel<T> {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let result = self.run_all(units, task);
        self.ranks.as_ref().map_or(result, |ranks| ranks.check(result))
    }

    fn run_at<U: Units>(
        &mut self,
        owners: Owners,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let Some(ranks) = &mut self.ranks else { return self.run_all(units, task) };
        ranks.begin();
        let is_own = ranks.own(owners, units.count());
        let result = self.run_all(
            units,
            |index, unit, stack| {
                if is_own(index) { task(index, unit, stack) } else { Ok(()) }
            },
        );
        self.ranks.as_mut().map_or(Ok(()), |ranks| ranks.keep(result))
    }

    fn share<L: Fn(usize) -> usize>(
        &mut self,
        owners: Owners,
        readers: Readers,
        pieces: Pieces<'_, T, L>,
    ) -> Result {
        if let Some(ranks) = &self.ranks {
            ranks.share(owners, readers, pieces);
        }
        Ok(())
    }

    fn share_numbers<L: Fn(usize) -> usize>(
        &mut self,
        owners: Owners,
        readers: Readers,
        pieces: Pieces<'_, f64, L>,
    ) -> Result {
        self.ranks.as_mut().map_or(Ok(()), |ranks| ranks.share_numbers(owners, readers, pieces))
    }

    fn pipeline<P: Pipeline<T>>(&mut self, pipeline: &P, memory: PipelineMemory<'_, T>) -> Result {
        let Some(mut ranks) = self.ranks.take() else { return self.run_line(pipeline, memory) };
        let result = ranks.pipeline(pipeline, memory, |section, memory| self.run_line(section, memory));
        self.ranks = Some(ranks);
        result
    }
}
