//! An executor that takes down how long every unit takes.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use altmin_core::executor::{
    Executor, Lengths, Output, Own, Passed, Pipeline, PipelineMemory, Units, one_by_one,
};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// What was taken down of a phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::bench) struct Phase {
    /// Seconds between the phase before and this one, in which one thread alone works.
    pub(in crate::bench) before: f64,
    /// Seconds of each unit.
    pub(in crate::bench) units: Vec<f64>,
}

/// Runs units one after the other on the calling thread.
#[derive(Debug)]
pub(in crate::bench) struct Recorder<T> {
    scratch: Vec<T>,
    phases: Vec<Phase>,
    stages: Vec<Vec<f64>>,
    costs: Vec<f64>,
    last: Instant,
}

impl<T: Real> Recorder<T> {
    pub(in crate::bench) fn new(scratch: Requirement) -> Self {
        Self {
            scratch: vec![T::ZERO; scratch.elements()],
            phases: Vec::new(),
            stages: Vec::new(),
            costs: Vec::new(),
            last: Instant::now(),
        }
    }

    /// Forgets what was taken down; time counts from now.
    pub(in crate::bench) fn begin(&mut self) {
        self.phases.clear();
        self.last = Instant::now();
    }

    /// What was taken down since.
    pub(in crate::bench) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// Seconds of every stage of the last pipeline for each item.
    pub(in crate::bench) fn stages(&self) -> &[Vec<f64>] {
        &self.stages
    }

    /// What the last pipeline said of its stages' costs.
    pub(in crate::bench) fn costs(&self) -> &[f64] {
        &self.costs
    }
}

impl<T: Real> Executor<T> for Recorder<T> {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let before = self.last.elapsed().as_secs_f64();
        let mut seconds = Vec::with_capacity(units.count());
        let mut rest = units;
        let mut start = Instant::now();
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            task(index, first.single(), Stack::new(&mut self.scratch))?;
            rest = others;
            let end = Instant::now();
            seconds.push((end - start).as_secs_f64());
            start = end;
        }
        self.phases.push(Phase { before, units: seconds });
        self.last = Instant::now();
        Ok(())
    }

    fn pipeline<P: Pipeline<T>>(&mut self, pipeline: &P, mut memory: PipelineMemory<'_, T>) -> Result {
        let stages = (0..pipeline.stages()).map(|_| Mutex::new(Vec::with_capacity(pipeline.items())));
        self.costs = (0..pipeline.stages()).map(|stage| pipeline.cost(stage)).collect();
        let timed = Timed { pipeline, seconds: stages.collect() };
        one_by_one(&timed, &mut memory, Stack::new(&mut self.scratch))?;
        let seconds = timed.seconds.into_iter();
        self.stages = seconds.map(|each| each.into_inner().unwrap_or_else(PoisonError::into_inner)).collect();
        Ok(())
    }
}

/// A pipeline with a clock at every stage.
struct Timed<'p, P> {
    pipeline: &'p P,
    seconds: Vec<Mutex<Vec<f64>>>,
}

impl<T: Real, P: Pipeline<T>> Pipeline<T> for Timed<'_, P> {
    fn stages(&self) -> usize {
        self.pipeline.stages()
    }

    fn items(&self) -> usize {
        self.pipeline.items()
    }

    fn lengths(&self, stage: usize) -> Lengths {
        self.pipeline.lengths(stage)
    }

    fn cost(&self, stage: usize) -> f64 {
        self.pipeline.cost(stage)
    }

    fn take(
        &self,
        stage: usize,
        item: usize,
        own: Own<'_, T>,
        passed: Option<Passed<'_, T>>,
        output: Output<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result {
        let start = Instant::now();
        let result = self.pipeline.take(stage, item, own, passed, output, stack);
        let mut seconds = self.seconds[stage].lock().unwrap_or_else(PoisonError::into_inner);
        seconds.push(start.elapsed().as_secs_f64());
        result
    }
}
