//! Units of a phase dealt out to a pool's workers, each with its scratch.

use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread;

use crate::halves::halves;
use crate::pool::{index, install};
use crate::scratch::Scratch;
use crate::sync::waited;

/// Elements of scratch.
const ROOM: usize = 2;

/// A phase of so many units, run as `Parallel` runs it, with tasks that fill their scratch, let others go first, and add up
/// what they find in it; those of `failing` fail.
fn phase(workers: usize, scratches: usize, units: usize, failing: &[usize]) {
    let mut scratch = Scratch::new(vec![vec![0]; scratches]);
    scratch.each().for_each(|memory| memory.resize(ROOM, 0));
    assert_eq!(scratch.workers(), scratches);
    let runs: Vec<AtomicUsize> = (0..units).map(|_| AtomicUsize::new(0)).collect();
    let mut slots = vec![0; units];
    let result = install(workers, || {
        halves(0, &mut slots[..], &|unit, slot: &mut usize| {
            runs[unit].fetch_add(1, Ordering::Relaxed);
            scratch.with(index(), |scratch| {
                scratch.fill(unit + 1);
                thread::yield_now();
                *slot += scratch.iter().sum::<usize>();
            });
            if failing.contains(&unit) { Err(unit) } else { Ok(()) }
        })
    });
    assert!(runs.iter().all(|runs| runs.load(Ordering::Relaxed) == 1), "{runs:?}");
    assert_eq!(result, failing.iter().min().map_or(Ok(()), |&first| Err(first)));
    let expected: Vec<usize> = (0..units).map(|unit| ROOM * (unit + 1)).collect();
    assert_eq!(slots, expected);
}

/// Runs a phase in every order with at most so many switches away from a thread that could go on; how many locks were waited
/// for.
fn every_order(switches: usize, phase: impl Fn() + Send + Sync + 'static) -> usize {
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(switches);
    waited();
    orders.check(phase);
    waited()
}

#[test]
fn a_worker_never_waits_for_its_own_scratch() {
    assert_eq!(every_order(4, || phase(2, 2, 4, &[])), 0);
    assert_eq!(every_order(1, || phase(3, 3, 3, &[])), 0);
}

#[test]
fn workers_that_share_scratch_take_turns() {
    assert!(every_order(4, || phase(2, 1, 3, &[])) > 0);
    assert!(every_order(1, || phase(3, 2, 3, &[])) > 0);
}

#[test]
fn the_first_failure_is_the_phases() {
    every_order(4, || phase(2, 2, 4, &[2, 1]));
}
