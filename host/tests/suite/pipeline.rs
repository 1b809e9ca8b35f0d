//! A pipeline on a pool: the same as one item after the other, whatever workers do meanwhile.

use altmin::run::executor::{Parallel, Threads};
use altmin_core::executor::{Executor, Lengths, Output, Own, Passed, Pipeline, PipelineMemory};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Stages of differing sizes that take their time.
struct Row {
    stages: usize,
    items: usize,
    failing: &'static [(usize, usize)],
    panicking: Option<(usize, usize)>,
    /// How many stages work at present, and at most did.
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

impl Row {
    fn new(stages: usize, items: usize) -> Self {
        let (busy, busiest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { stages, items, failing: &[], panicking: None, busy, busiest }
    }
}

impl Pipeline<f64> for Row {
    fn stages(&self) -> usize {
        self.stages
    }

    fn items(&self) -> usize {
        self.items
    }

    fn lengths(&self, stage: usize) -> Lengths {
        Lengths { parameters: 1 + stage % 2, scalars: stage % 3, numbers: 1, output: 1 + stage % 4 }
    }

    fn cost(&self, stage: usize) -> f64 {
        stage as f64
    }

    fn take(
        &self,
        stage: usize,
        item: usize,
        own: Own<'_, f64>,
        passed: Option<Passed<'_, f64>>,
        output: Output<'_, f64>,
        mut stack: Stack<'_, f64>,
    ) -> Result {
        let busy = 1 + self.busy.fetch_add(1, Ordering::SeqCst);
        self.busiest.fetch_max(busy, Ordering::SeqCst);
        thread::sleep(Duration::from_micros((37 * stage as u64 + 101 * item as u64) % 400));
        assert!(self.panicking != Some((item, stage)), "planned");
        let scratch = stack.vector(4)?;
        scratch.fill(item as f64);
        own.numbers[0] = own.numbers[0] * 1.25 + scratch.iter().sum::<f64>();
        let got = passed.map_or(item as f64, |passed| passed.values.iter().sum::<f64>() + passed.mark);
        own.parameters.iter_mut().chain(own.scalars).for_each(|value| *value = *value * 0.75 + got);
        output.values.fill(own.parameters[0] / (1.0 + stage as f64));
        *output.mark = own.numbers[0];
        self.busy.fetch_sub(1, Ordering::SeqCst);
        match self.failing.contains(&(item, stage)) {
            true => Err(Error::Setting { name: "a stage", found: (100 * item + stage) as f64, expected: "" }),
            false => Ok(()),
        }
    }
}

/// All memory afterwards, or the error.
fn run(row: &Row, threads: usize) -> Result<Vec<u64>> {
    let sum = |of: fn(Lengths) -> usize| (0..row.stages).map(|stage| of(row.lengths(stage))).sum::<usize>();
    let mut parameters = vec![1.0; sum(|lengths| lengths.parameters)];
    let mut scalars = vec![2.0; sum(|lengths| lengths.scalars)];
    let mut numbers = vec![3.0; row.stages];
    let mut outputs = [(); 2].map(|()| vec![0.0; sum(|lengths| lengths.output)]);
    let mut marks = [(); 2].map(|()| vec![0.0; row.stages]);
    let memory = PipelineMemory {
        parameters: &mut parameters,
        scalars: &mut scalars,
        numbers: &mut numbers,
        outputs: outputs.each_mut().map(|values| &mut values[..]),
        marks: marks.each_mut().map(|marks| &mut marks[..]),
    };
    let (team, mut executor) = (
        Threads::new(threads).expect("threads"),
        Parallel::new(threads, Requirement::vector(4)).expect("room"),
    );
    team.enter(|| executor.pipeline(row, memory))?;
    let [even, odd] = outputs;
    let all = [parameters, scalars, numbers, even, odd].concat();
    Ok(all.into_iter().map(f64::to_bits).collect())
}

#[test]
fn any_number_of_workers_gives_the_same_bits() {
    for (stages, items) in [(1, 5), (2, 9), (5, 12), (9, 4), (70, 3), (4, 0)] {
        let alone = run(&Row::new(stages, items), 1).expect("no failure");
        for threads in [2, 3, 5] {
            assert_eq!(
                run(&Row::new(stages, items), threads).expect("no failure"),
                alone,
                "{stages} {items}"
            );
        }
    }
}

#[test]
fn stages_work_at_the_same_time() {
    let row = Row::new(6, 30);
    run(&row, 3).expect("no failure");
    assert_eq!(row.busiest.load(Ordering::SeqCst), 3);
    let row = Row::new(2, 30);
    run(&row, 5).expect("no failure");
    assert_eq!(row.busiest.load(Ordering::SeqCst), 2, "there are no more than stages");
}

#[test]
fn the_failure_of_the_earliest_item_counts() {
    for threads in [1, 2, 4] {
        let row = Row { failing: &[(7, 0), (6, 3), (6, 2), (9, 1)], ..Row::new(5, 12) };
        let Error::Setting { found, .. } = run(&row, threads).expect_err("a failure") else {
            panic!("another error");
        };
        assert_eq!(found, 602.0, "{threads}");
    }
}

#[test]
fn a_panic_ends_the_pipeline_and_nothing_hangs() {
    for threads in [1, 2, 4] {
        let row = Row { panicking: Some((3, 2)), ..Row::new(5, 12) };
        let caught = catch_unwind(AssertUnwindSafe(|| run(&row, threads)));
        let text = caught.expect_err("a panic").downcast::<&str>().map_or_else(|_| "other", |text| *text);
        assert_eq!(text, "planned");
    }
}
