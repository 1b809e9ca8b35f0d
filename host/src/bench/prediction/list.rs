//! List scheduling: tasks that wait for others, dealt out to a number of workers.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// Tasks with what they wait for. A task waits for earlier ones alone, so there is no circle.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    tasks: Vec<Task>,
}

#[derive(Debug, Clone, PartialEq)]
struct Task {
    seconds: f64,
    waits_for: Vec<usize>,
}

/// A time that can be compared; none is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::bench) struct Time(pub(in crate::bench) f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Graph {
    /// Nothing to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task that takes so long, 0 or more, and waits for these; returns its number.
    ///
    /// # Panics
    /// If it would wait for a task that is not there yet, or `seconds` is negative or not a number.
    pub fn add(&mut self, seconds: f64, waits_for: &[usize]) -> usize {
        let number = self.tasks.len();
        assert!(seconds >= 0.0 && waits_for.iter().all(|&other| other < number));
        self.tasks.push(Task { seconds, waits_for: waits_for.to_vec() });
        number
    }

    /// Adds tasks that may run at the same time, all after `after`, and a task without length that waits for them all:
    /// a phase and its barrier, whose number is returned.
    pub fn add_phase(&mut self, seconds: &[f64], after: Option<usize>) -> usize {
        let first = self.tasks.len();
        let after: Vec<usize> = after.into_iter().collect();
        seconds.iter().for_each(|&seconds| {
            self.add(seconds, &after);
        });
        let all: Vec<usize> = (first..self.tasks.len()).collect();
        self.add(0.0, if all.is_empty() { &after } else { &all })
    }

    /// Seconds of all tasks together: what a single worker takes.
    pub fn work(&self) -> f64 {
        self.tasks.iter().map(|task| task.seconds).sum()
    }

    /// Seconds of the longest chain of tasks that wait for one another: what no number of workers goes below.
    pub fn critical_path(&self) -> f64 {
        let mut ends: Vec<f64> = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let start = task.waits_for.iter().map(|&other| ends[other]).fold(0.0, f64::max);
            ends.push(start + task.seconds);
        }
        ends.into_iter().fold(0.0, f64::max)
    }

    /// When the last task ends, if each worker that has nothing to do takes the first task, in the order in which they were
    /// added, that waits for nothing any more.
    ///
    /// At most `work / workers + (1 - 1/workers) critical path` (Graham 1966), hence less than twice the best schedule's.
    ///
    /// # Panics
    /// If there are no workers.
    pub fn makespan(&self, workers: usize) -> f64 {
        assert!(workers > 0);
        let mut waiting: Vec<usize> = self.tasks.iter().map(|task| task.waits_for.len()).collect();
        let mut followers: Vec<Vec<usize>> = vec![Vec::new(); self.tasks.len()];
        for (number, task) in self.tasks.iter().enumerate() {
            task.waits_for.iter().for_each(|&other| followers[other].push(number));
        }
        let mut ready: BTreeSet<usize> = (0..waiting.len()).filter(|&task| waiting[task] == 0).collect();
        let mut running: BinaryHeap<Reverse<(Time, usize)>> = BinaryHeap::new();
        let mut now = 0.0;
        loop {
            while running.len() < workers
                && let Some(task) = ready.pop_first()
            {
                running.push(Reverse((Time(now + self.tasks[task].seconds), task)));
            }
            let Some(Reverse((Time(end), task))) = running.pop() else { return now };
            now = end;
            for &follower in &followers[task] {
                waiting[follower] -= 1;
                if waiting[follower] == 0 {
                    ready.insert(follower);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, uniform};

    #[test]
    fn nothing_takes_no_time() {
        let graph = Graph::new();
        assert_eq!((graph.work(), graph.critical_path(), graph.makespan(3)), (0.0, 0.0, 0.0));
    }

    #[test]
    fn independent_tasks_are_dealt_out_in_order() {
        let mut graph = Graph::new();
        graph.add_phase(&[3.0, 3.0, 2.0, 2.0, 2.0], None);
        // Two workers: 3 2 2 and 3 2. Three: 3 2, 3 2, 2.
        let spans = [1, 2, 3, 5, 9].map(|workers| graph.makespan(workers));
        assert_eq!(spans, [12.0, 7.0, 5.0, 3.0, 3.0]);
        assert_eq!((graph.work(), graph.critical_path()), (12.0, 3.0));
    }

    #[test]
    fn a_barrier_keeps_the_next_phase_back() {
        let mut graph = Graph::new();
        let barrier = graph.add_phase(&[1.0, 4.0], None);
        let serial = graph.add(0.5, &[barrier]);
        graph.add_phase(&[2.0, 2.0, 2.0], Some(serial));
        // 4 until the barrier, 0.5 alone, then 2 and 2 after one another on one of two workers.
        assert_eq!([1, 2, 3].map(|workers| graph.makespan(workers)), [11.5, 8.5, 6.5]);
        assert_eq!(graph.critical_path(), 6.5);
    }

    #[test]
    fn a_diamond_waits_for_both_sides() {
        let mut graph = Graph::new();
        let top = graph.add(1.0, &[]);
        let left = graph.add(5.0, &[top]);
        let right = graph.add(2.0, &[top]);
        let below = graph.add(1.0, &[right]);
        graph.add(1.0, &[left, below]);
        assert_eq!([1, 2, 3].map(|workers| graph.makespan(workers)), [10.0, 7.0, 7.0]);
    }

    #[test]
    fn more_workers_may_be_slower() {
        // Graham's anomaly: the order of the list decides, and a worker that is free too early takes the wrong task.
        let mut graph = Graph::new();
        let a = graph.add(3.0, &[]);
        let others = [2.0, 2.0, 2.0].map(|seconds| graph.add(seconds, &[]));
        for seconds in [4.0; 4] {
            graph.add(seconds, &[others[2]]);
        }
        graph.add(9.0, &[a]);
        assert_eq!((graph.makespan(3), graph.makespan(4)), (12.0, 15.0));
    }

    /// The shortest of all schedules, by trying every ready task at every turn; one of the lists gives the best.
    fn best(graph: &Graph, workers: usize, done: &mut Vec<Option<f64>>, free: &mut Vec<f64>) -> f64 {
        if done.iter().all(Option::is_some) {
            return done.iter().flatten().copied().fold(0.0, f64::max);
        }
        let mut least = f64::INFINITY;
        for (number, task) in graph.tasks.iter().enumerate() {
            let ends: Option<Vec<f64>> = task.waits_for.iter().map(|&other| done[other]).collect();
            let (None, Some(ends)) = (done[number], ends) else { continue };
            let worker = (0..workers).min_by(|&a, &b| free[a].total_cmp(&free[b])).expect("a worker");
            let before = free[worker];
            let end = ends.into_iter().fold(before, f64::max) + task.seconds;
            (done[number], free[worker]) = (Some(end), end);
            least = least.min(best(graph, workers, done, free));
            (done[number], free[worker]) = (None, before);
        }
        least
    }

    #[test]
    fn no_schedule_is_below_the_bounds_or_above_grahams() {
        let number = |graph: u32, at: u64| uniform(graph.into(), Purpose::Features, 0, at);
        for index in 0..120 {
            let mut graph = Graph::new();
            let tasks = 2 + (number(index, 0) * 5.0) as u64;
            for task in 0..tasks {
                let waits = |other: &usize| number(index, 100 * (task + 1) + *other as u64) < 0.35;
                let waits_for: Vec<usize> = (0..task as usize).filter(waits).collect();
                graph.add((number(index, 7 + task) * 9.0).ceil(), &waits_for);
            }
            for workers in 1..=3 {
                let (work, path) = (graph.work(), graph.critical_path());
                let (found, w) = (graph.makespan(workers), workers as f64);
                let count = graph.tasks.len();
                let optimum = best(&graph, workers, &mut vec![None; count], &mut vec![0.0; workers]);
                assert!(optimum >= path.max(work / w) - 1e-9, "{graph:?}");
                assert!(found >= optimum - 1e-9, "{graph:?}");
                assert!(found <= work / w + (1.0 - 1.0 / w) * path + 1e-9, "{graph:?}");
                assert!(found <= (2.0 - 1.0 / w) * optimum + 1e-9, "{graph:?}");
            }
            assert_eq!(graph.makespan(1), graph.work());
            assert_eq!(graph.makespan(99), graph.critical_path());
        }
    }
}
