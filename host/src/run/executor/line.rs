//! The stages of a pipeline dealt out to workers.
//!
//! Each stage has a worker of its own, which takes the items with it in their order; a worker whose stages all have to wait
//! lends a hand with another's. Nobody waits for a worker that has not begun: a single one can do everything.
//!
//! The including module says whose locks these are and what joins two pieces of work, so that a model checker runs this very
//! file.

use altmin_core::executor::{Output, Own, Passed, Pipeline, PipelineMemory, QUEUE};
use altmin_core::{Real, Result};
use smallvec::SmallVec;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError, join};
use super::turns::{INLINE, Next, Turns};

/// Calls `take(stage, item, own, passed, output)` once for every stage of every item, on so many workers.
///
/// # Errors
/// Of the tasks that failed, that of the lowest item, and of several the lowest stage.
pub(super) fn run<T: Real, P: Pipeline<T>>(
    pipeline: &P,
    mut memory: PipelineMemory<'_, T>,
    workers: usize,
    take: &(impl Fn(usize, usize, Own<'_, T>, Option<Passed<'_, T>>, Output<'_, T>) -> Result + Sync),
) -> Result {
    let stages = (0..pipeline.stages()).map(|stage| Stage::new(memory.split_first(pipeline.lengths(stage))));
    let costs = (0..pipeline.stages()).map(|stage| pipeline.cost(stage));
    let turns = Turns::new(costs, pipeline.items(), workers);
    let progress = Mutex::new(Progress { turns, waiting: 0, failed: None });
    let line = Line { stages: stages.collect(), progress, changed: Condvar::new() };
    team(0, workers, &|worker| line.work(worker, take));
    let progress = line.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    progress.failed.map_or(Ok(()), |failure| Err(failure.error))
}

/// Calls `work` for so many workers, the first of which has the index `first`, on whatever threads `join` runs its two
/// sides.
fn team(first: usize, workers: usize, work: &(impl Fn(usize) + Sync)) {
    if workers <= 1 {
        return work(first);
    }
    let half = workers / 2;
    join(|| team(first, half, work), || team(first + half, workers - half, work));
}

/// All stages, and how far each is.
struct Line<'a, T> {
    stages: SmallVec<[Stage<'a, T>; INLINE]>,
    progress: Mutex<Progress>,
    /// Somebody has ended a task.
    changed: Condvar,
}

/// A stage's memory. Its turn says who may use what, so that these locks are never waited for.
struct Stage<'a, T> {
    own: Mutex<Own<'a, T>>,
    outputs: [Mutex<Output<'a, T>>; QUEUE],
}

impl<'a, T> Stage<'a, T> {
    fn new((own, outputs): (Own<'a, T>, [Output<'a, T>; QUEUE])) -> Self {
        Self { own: Mutex::new(own), outputs: outputs.map(Mutex::new) }
    }
}

struct Progress {
    turns: Turns,
    /// Workers that wait for a change.
    waiting: usize,
    failed: Option<Failure>,
}

struct Failure {
    item: usize,
    stage: usize,
    error: altmin_core::Error,
}

impl<T: Real> Line<'_, T> {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until nothing is left to do, now or later.
    fn work(
        &self,
        worker: usize,
        take: &impl Fn(usize, usize, Own<'_, T>, Option<Passed<'_, T>>, Output<'_, T>) -> Result,
    ) {
        loop {
            let mut progress = self.lock();
            match progress.turns.next(worker) {
                Next::Nothing => return,
                Next::Wait => {
                    progress.waiting += 1;
                    progress = self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner);
                    progress.waiting -= 1;
                }
                Next::Take { stage, item } => {
                    drop(progress);
                    let mut task = Task { line: self, stage, item, result: None };
                    task.result = Some(self.take(stage, item, take));
                }
            }
        }
    }

    fn take(
        &self,
        stage: usize,
        item: usize,
        take: &impl Fn(usize, usize, Own<'_, T>, Option<Passed<'_, T>>, Output<'_, T>) -> Result,
    ) -> Result {
        let before = stage.checked_sub(1).map(|before| free(&self.stages[before].outputs[item % QUEUE]));
        let mut own = free(&self.stages[stage].own);
        let mut output = free(&self.stages[stage].outputs[item % QUEUE]);
        take(stage, item, own.reborrow(), before.as_deref().map(Output::passed), output.reborrow())
    }
}

/// What a turn gives to nobody else.
fn free<A>(lock: &Mutex<A>) -> MutexGuard<'_, A> {
    match lock.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(error)) => error.into_inner(),
        Err(TryLockError::WouldBlock) => unreachable!("a stage has its turn alone"),
    }
}

/// A stage at an item; when it ends, even by a panic, the others are told.
struct Task<'l, 'a, T: Real> {
    line: &'l Line<'a, T>,
    stage: usize,
    item: usize,
    /// None before it has one, which stays so in a panic.
    result: Option<Result>,
}

impl<T: Real> Drop for Task<'_, '_, T> {
    fn drop(&mut self) {
        let Self { line, stage, item, .. } = *self;
        let mut progress = line.lock();
        match self.result.take() {
            Some(Ok(())) => progress.turns.end(stage),
            Some(Err(error)) => {
                progress.turns.fail(stage);
                let first = progress.failed.as_ref().map(|first| (first.item, first.stage));
                if first.is_none_or(|first| (item, stage) < first) {
                    progress.failed = Some(Failure { item, stage, error });
                }
            }
            None => progress.turns.fail(stage),
        }
        if progress.waiting > 0 {
            line.changed.notify_all();
        }
    }
}
