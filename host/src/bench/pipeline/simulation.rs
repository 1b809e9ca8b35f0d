//! A pipeline on any number of workers, from the seconds of its stages.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::prediction::list::Time;
use crate::run::executor::turns::{Next, Turns};

/// A stage at an item, on a worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// Who does it.
    pub worker: usize,
    /// The stage.
    pub stage: usize,
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends.
    pub end: f64,
}

/// Who works when, from the first task to the end of the last: the tasks as they begin.
///
/// Workers choose as those of the executor do; what they take from one another, such as bandwidth to memory, is not in it.
/// `seconds[stage][item]` says how long tasks take, `costs` whose stages are whose.
///
/// # Panics
/// If there are no workers.
pub fn simulate(costs: &[f64], seconds: &[Vec<f64>], workers: usize) -> Vec<Task> {
    let items = seconds.first().map_or(0, Vec::len);
    let mut turns = Turns::new(costs.iter().copied(), items, workers);
    let mut tasks = Vec::new();
    let mut running: BinaryHeap<Reverse<(Time, usize, usize)>> = BinaryHeap::new();
    let mut idle: Vec<usize> = (0..workers).collect();
    let mut now = 0.0;
    loop {
        idle.retain(|&worker| {
            let Next::Take { stage, item } = turns.next(worker) else { return true };
            let end = now + seconds[stage][item];
            tasks.push(Task { worker, stage, start: now, end });
            running.push(Reverse((Time(end), worker, stage)));
            false
        });
        let Some(&Reverse((first, ..))) = running.peek() else { return tasks };
        now = first.0;
        while let Some(&Reverse((_, worker, stage))) = running.peek().filter(|next| next.0.0 == first) {
            running.pop();
            turns.end(stage);
            idle.push(worker);
        }
        idle.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(tasks: &[Task]) -> f64 {
        tasks.iter().map(|task| task.end).fold(0.0, f64::max)
    }

    #[test]
    fn equal_stages_fill_and_drain() {
        for (stages, items) in [(1, 1), (3, 5), (7, 4), (20, 30)] {
            let seconds = vec![vec![2.0; items]; stages];
            let tasks = simulate(&vec![1.0; stages], &seconds, stages);
            assert_eq!(span(&tasks), 2.0 * (items + stages - 1) as f64, "{stages} {items}");
            let alone = simulate(&vec![1.0; stages], &seconds, 1);
            assert_eq!(span(&alone), 2.0 * (items * stages) as f64);
        }
    }

    #[test]
    fn the_slowest_stage_sets_the_pace_and_queues_keep_the_others_near() {
        let seconds = [vec![1.0; 40], vec![3.0; 40], vec![1.0; 40]];
        let tasks = simulate(&[1.0, 3.0, 1.0], &seconds, 3);
        assert_eq!(span(&tasks), 1.0 + 3.0 * 40.0 + 1.0);
        let begins =
            |stage: usize| tasks.iter().filter(move |task| task.stage == stage).map(|task| task.start);
        for (item, (first, second)) in begins(0).zip(begins(1)).enumerate().skip(4) {
            // Two outputs are kept: item k waits until the second stage has taken item k - 2.
            assert_eq!(first, second - 3.0, "{item}");
        }
    }

    #[test]
    fn two_workers_share_three_stages_without_waiting() {
        let tasks = simulate(&[1.0; 3], &vec![vec![1.0; 200]; 3], 2);
        let work = 600.0;
        assert!(span(&tasks) >= work / 2.0 && span(&tasks) <= work / 2.0 + 3.0, "{}", span(&tasks));
    }

    #[test]
    fn no_task_begins_before_its_turn() {
        let number = |index: usize| 0.5 + (index as f64 * 0.618_033_988_749_895).fract();
        for (stages, items, workers) in [(5, 17, 2), (9, 12, 4), (4, 30, 7), (12, 6, 3)] {
            let seconds: Vec<Vec<f64>> =
                (0..stages).map(|stage| (0..items).map(|item| number(31 * stage + item)).collect()).collect();
            let costs: Vec<f64> = seconds.iter().map(|each| each.iter().sum()).collect();
            let tasks = simulate(&costs, &seconds, workers);
            assert_eq!(tasks.len(), stages * items);
            let of = |stage: usize| tasks.iter().filter(move |task| task.stage == stage).collect::<Vec<_>>();
            for stage in 0..stages {
                let own = of(stage);
                assert!(own.windows(2).all(|pair| pair[0].end <= pair[1].start));
                if stage > 0 {
                    let before = of(stage - 1);
                    assert!(own.iter().zip(&before).all(|(own, before)| own.start >= before.end));
                    // Item k of the stage before is written over what item k - 2 was.
                    assert!(before.iter().skip(2).zip(&own).all(|(before, own)| before.start >= own.end));
                }
            }
            for worker in 0..workers {
                let own: Vec<_> = tasks.iter().filter(|task| task.worker == worker).collect();
                assert!(own.windows(2).all(|pair| pair[0].end <= pair[1].start));
            }
        }
    }
}
