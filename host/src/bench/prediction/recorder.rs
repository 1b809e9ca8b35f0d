//! An executor that takes down how long every unit takes.

use std::time::Instant;

use altmin_core::executor::{Executor, Units};
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Real, Result};

/// What was taken down of a phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Phase {
    /// Seconds between the phase before and this one, in which one thread alone works.
    pub(super) before: f64,
    /// Seconds of each unit.
    pub(super) units: Vec<f64>,
}

/// Runs units one after the other on the calling thread.
#[derive(Debug)]
pub(super) struct Recorder<T> {
    scratch: Vec<T>,
    phases: Vec<Phase>,
    last: Instant,
}

impl<T: Real> Recorder<T> {
    pub(super) fn new(scratch: Requirement) -> Self {
        Self { scratch: vec![T::ZERO; scratch.elements()], phases: Vec::new(), last: Instant::now() }
    }

    /// Forgets what was taken down; time counts from now.
    pub(super) fn begin(&mut self) {
        self.phases.clear();
        self.last = Instant::now();
    }

    /// What was taken down since.
    pub(super) fn phases(&self) -> &[Phase] {
        &self.phases
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
}
