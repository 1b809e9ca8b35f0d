//! Whose turn it is in a pipeline: a stage's worker, what can be done, and what is done next.

use altmin_core::executor::QUEUE;
use smallvec::SmallVec;

/// Stages up to which nothing is allocated.
pub(super) const INLINE: usize = 64;

/// How far every stage of a pipeline is.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    stages: SmallVec<[Turn; INLINE]>,
    items: usize,
}

/// Where a stage is.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// Whose it is.
    worker: usize,
    /// Items that it has taken.
    done: usize,
    /// Somebody is at the next one.
    is_taken: bool,
    /// It takes no further one.
    has_failed: bool,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A stage takes an item.
    Take {
        /// The stage.
        stage: usize,
        /// The item.
        item: usize,
    },
    /// It waits until somebody has ended a task.
    Wait,
    /// Nothing is left to do, now or later.
    Nothing,
}

impl Turns {
    /// Nothing is done yet. Each worker has stages in a row, of equal costs together as far as that can be, and one if there
    /// are enough; without costs the first worker has all.
    pub(crate) fn new(costs: impl Iterator<Item = f64> + Clone, items: usize, workers: usize) -> Self {
        let total: f64 = costs.clone().sum();
        let mut before = 0.0;
        let enough = workers >= costs.clone().count();
        let turn = |(stage, cost): (usize, f64)| {
            let middle = (before + cost / 2.0) / total;
            before += cost;
            let dealt = ((middle * workers as f64) as usize).min(workers - 1);
            Turn { worker: if enough { stage } else { dealt }, done: 0, is_taken: false, has_failed: false }
        };
        Self { stages: costs.enumerate().map(turn).collect(), items }
    }

    /// The worker whose a stage is.
    #[allow(dead_code, reason = "asked by timings and by the test of hand-overs, not by a trainer")]
    pub(crate) fn worker(&self, stage: usize) -> usize {
        self.stages[stage].worker
    }

    /// What a worker does next, its own stages before others': what comes first if all stages move on by one item at a time,
    /// which keeps every stage supplied. That stage is taken until [`end`](Self::end) or [`fail`](Self::fail).
    pub(crate) fn next(&mut self, worker: usize) -> Next {
        let ready = (0..self.stages.len()).filter(|&stage| self.is_ready(stage));
        let order = |&stage: &usize| {
            let Turn { worker: own, done, .. } = self.stages[stage];
            (own != worker, done + stage, stage)
        };
        match ready.min_by_key(order) {
            Some(stage) => {
                self.stages[stage].is_taken = true;
                Next::Take { stage, item: self.stages[stage].done }
            }
            None if self.stages.iter().any(|turn| turn.is_taken) => Next::Wait,
            None => Next::Nothing,
        }
    }

    /// A stage has taken its item.
    pub(crate) fn end(&mut self, stage: usize) {
        let turn = &mut self.stages[stage];
        (turn.is_taken, turn.done) = (false, turn.done + 1);
    }

    /// A stage has not taken its item, and takes none any more.
    pub(super) fn fail(&mut self, stage: usize) {
        let turn = &mut self.stages[stage];
        (turn.is_taken, turn.has_failed) = (false, true);
    }

    fn is_ready(&self, stage: usize) -> bool {
        let Turn { done, is_taken, has_failed, .. } = self.stages[stage];
        let is_passed = stage.checked_sub(1).is_none_or(|before| self.stages[before].done > done);
        let has_room = self.stages.get(stage + 1).is_none_or(|after| done < after.done + QUEUE);
        !is_taken && !has_failed && done < self.items && is_passed && has_room
    }
}
