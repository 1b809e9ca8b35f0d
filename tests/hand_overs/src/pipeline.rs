//! Stages of a pipeline dealt out to workers.

use altmin_core::executor::{Lengths, Output, Own, Passed, Pipeline, PipelineMemory, one_by_one};
use altmin_core::workspace::Stack;
use altmin_core::{Error, Result};
use loom::thread;

use crate::line::run;
use crate::pool::install;
use crate::turns::Turns;

/// Stages that mix what they own with what they get, so that every order of items but the right one shows.
struct Row {
    stages: usize,
    items: usize,
    /// Items and stages that fail.
    failing: &'static [(usize, usize)],
}

impl Pipeline<f64> for Row {
    fn stages(&self) -> usize {
        self.stages
    }

    fn items(&self) -> usize {
        self.items
    }

    fn lengths(&self, _: usize) -> Lengths {
        Lengths { parameters: 0, scalars: 1, numbers: 1, output: 1 }
    }

    fn cost(&self, _: usize) -> f64 {
        1.0
    }

    fn take(
        &self,
        stage: usize,
        item: usize,
        own: Own<'_, f64>,
        passed: Option<Passed<'_, f64>>,
        output: Output<'_, f64>,
        _: Stack<'_, f64>,
    ) -> Result {
        assert_eq!(own.numbers, [item as f64], "a stage meets the items in their order");
        own.numbers[0] += 1.0;
        assert_eq!(passed.is_none(), stage == 0);
        if let Some(passed) = passed {
            assert_eq!(passed.mark, item as f64, "what was passed on is of the same item");
            own.scalars[0] += passed.values[0];
        }
        *output.mark = f64::NAN;
        thread::yield_now();
        output.values[0] = 2.0 * own.scalars[0] + (item + 3 * stage) as f64;
        *output.mark = item as f64;
        match self.failing.contains(&(item, stage)) {
            true => Err(Error::Setting { name: "a stage", found: (10 * item + stage) as f64, expected: "" }),
            false => Ok(()),
        }
    }
}

struct State {
    scalars: Vec<f64>,
    numbers: Vec<f64>,
    outputs: [Vec<f64>; 2],
    marks: [Vec<f64>; 2],
}

impl State {
    fn new(stages: usize) -> Self {
        let zeros = || vec![0.0; stages];
        Self {
            scalars: (0..stages).map(|stage| stage as f64).collect(),
            numbers: zeros(),
            outputs: [zeros(), zeros()],
            marks: [zeros(), zeros()],
        }
    }

    fn memory(&mut self) -> PipelineMemory<'_, f64> {
        PipelineMemory {
            parameters: &mut [],
            scalars: &mut self.scalars,
            numbers: &mut self.numbers,
            outputs: self.outputs.each_mut().map(|values| &mut values[..]),
            marks: self.marks.each_mut().map(|marks| &mut marks[..]),
        }
    }
}

/// The row on so many workers is the row on one.
fn check(row: &Row, workers: usize) {
    let (mut alone, mut state) = (State::new(row.stages), State::new(row.stages));
    let expected = one_by_one(row, &mut alone.memory(), Stack::new(&mut []));
    let take = |stage, item, own: Own<'_, f64>, passed: Option<Passed<'_, f64>>, output: Output<'_, f64>| {
        row.take(stage, item, own, passed, output, Stack::new(&mut []))
    };
    let found = install(workers, || run(row, state.memory(), workers, &take));
    assert_eq!(found, expected);
    if expected.is_ok() {
        assert_eq!((state.scalars, state.numbers), (alone.scalars, alone.numbers));
        assert_eq!((state.outputs, state.marks), (alone.outputs, alone.marks));
    }
}

fn every_order(switches: usize, row: Row, workers: usize) {
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(switches);
    orders.check(move || check(&row, workers));
}

#[test]
fn two_workers_do_what_one_does() {
    every_order(2, Row { stages: 2, items: 3, failing: &[] }, 2);
    every_order(1, Row { stages: 3, items: 4, failing: &[] }, 2);
}

#[test]
fn so_do_three() {
    every_order(1, Row { stages: 3, items: 2, failing: &[] }, 3);
}

#[test]
fn there_may_be_nothing_to_do() {
    every_order(2, Row { stages: 2, items: 0, failing: &[] }, 2);
}

#[test]
fn the_failure_of_the_earliest_item_is_the_pipelines() {
    every_order(2, Row { stages: 2, items: 3, failing: &[(1, 1), (2, 0)] }, 2);
    every_order(1, Row { stages: 3, items: 3, failing: &[(1, 0), (0, 2)] }, 2);
}

#[test]
fn stages_are_dealt_in_a_row_by_their_costs() {
    let dealt = |costs: &[f64], workers: usize| -> Vec<usize> {
        let turns = Turns::new(costs.iter().copied(), 1, workers);
        (0..costs.len()).map(|stage| turns.worker(stage)).collect()
    };
    assert_eq!(dealt(&[1.0; 6], 2), [0, 0, 0, 1, 1, 1]);
    assert_eq!(dealt(&[1.0; 6], 3), [0, 0, 1, 1, 2, 2]);
    assert_eq!(dealt(&[4.0, 1.0, 1.0, 1.0, 1.0], 2), [0, 1, 1, 1, 1]);
    assert_eq!(dealt(&[1.0, 9.0, 1.0], 3), [0, 1, 2]);
    assert_eq!(dealt(&[1.0, 2.0], 7), [0, 1]);
    assert_eq!(dealt(&[0.0; 3], 2), [0, 0, 0]);
}
