//! Stages in a row, each of which takes what the one before it passes on.

use core::mem;

use crate::error::Result;
use crate::real::Real;
use crate::workspace::Stack;

/// How many items a stage may be ahead of the next one: so many outputs of it are kept.
pub const QUEUE: usize = 2;

/// A row of stages that every item passes through, first to last.
///
/// A stage owns memory that no other one sees, and meets the items in their order. So what it computes is the same
/// whether items pass one after the other or every stage is at another one.
pub trait Pipeline<T: Real>: Sync {
    /// How many stages there are.
    fn stages(&self) -> usize;

    /// How many items pass.
    fn items(&self) -> usize;

    /// What a stage owns, and how much it passes on.
    fn lengths(&self, stage: usize) -> Lengths;

    /// What a stage costs beside others, in any unit.
    fn cost(&self, stage: usize) -> f64;

    /// A stage takes an item. `passed` is what the stage before passed on of it, none for the first; what goes on to the next
    /// one is written to `output`.
    ///
    /// # Errors
    /// Those of the stage, which takes no further item then.
    fn take(
        &self,
        stage: usize,
        item: usize,
        own: Own<'_, T>,
        passed: Option<Passed<'_, T>>,
        output: Output<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result;
}

/// Elements of what a stage owns, and of one output of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lengths {
    /// Of [`Own::parameters`].
    pub parameters: usize,
    /// Of [`Own::scalars`].
    pub scalars: usize,
    /// Of [`Own::numbers`].
    pub numbers: usize,
    /// Of [`Output::values`].
    pub output: usize,
}

/// What a stage owns.
#[derive(Debug)]
pub struct Own<'a, T> {
    /// Its part of a network's parameters.
    pub parameters: &'a mut [T],
    /// What it keeps beside them.
    pub scalars: &'a mut [T],
    /// Its records.
    pub numbers: &'a mut [f64],
}

/// What the stage before has passed on.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a, T> {
    /// At the front of [`Output::values`].
    pub values: &'a [T],
    /// [`Output::mark`].
    pub mark: f64,
}

/// Where a stage writes what it passes on.
#[derive(Debug)]
pub struct Output<'a, T> {
    /// Whatever the stages agree on.
    pub values: &'a mut [T],
    /// And a number beside it.
    pub mark: &'a mut f64,
}

/// Memory of all stages, one after the other: what they own, and [`QUEUE`] outputs of each.
#[derive(Debug)]
pub struct PipelineMemory<'a, T> {
    /// [`Own::parameters`] of all stages.
    pub parameters: &'a mut [T],
    /// [`Own::scalars`] of all stages.
    pub scalars: &'a mut [T],
    /// [`Own::numbers`] of all stages.
    pub numbers: &'a mut [f64],
    /// [`Output::values`] of all stages.
    pub outputs: [&'a mut [T]; QUEUE],
    /// [`Output::mark`] of all stages.
    pub marks: [&'a mut [f64]; QUEUE],
}

impl<T> Own<'_, T> {
    /// The same for a shorter time.
    pub fn reborrow(&mut self) -> Own<'_, T> {
        Own { parameters: self.parameters, scalars: self.scalars, numbers: self.numbers }
    }
}

impl<T> Output<'_, T> {
    /// The same for a shorter time.
    pub fn reborrow(&mut self) -> Output<'_, T> {
        Output { values: self.values, mark: self.mark }
    }

    /// What the next stage gets.
    pub fn passed(&self) -> Passed<'_, T> {
        Passed { values: self.values, mark: *self.mark }
    }
}

impl<'a, T> PipelineMemory<'a, T> {
    /// The same for a shorter time.
    pub fn reborrow(&mut self) -> PipelineMemory<'_, T> {
        let Self { parameters, scalars, numbers, outputs: [even, odd], marks: [even_mark, odd_mark] } = self;
        let (outputs, marks) = ([&mut **even, &mut **odd], [&mut **even_mark, &mut **odd_mark]);
        PipelineMemory { parameters, scalars, numbers, outputs, marks }
    }

    /// The same without so much of what the first stages own, but with their outputs.
    ///
    /// # Panics
    /// If there is less.
    #[must_use]
    pub fn skip_owned(mut self, parameters: usize, scalars: usize, numbers: usize) -> Self {
        front(&mut self.parameters, parameters);
        front(&mut self.scalars, scalars);
        front(&mut self.numbers, numbers);
        self
    }

    /// Takes the first stage's memory away.
    ///
    /// # Panics
    /// If there is less.
    pub fn split_first(&mut self, lengths: Lengths) -> (Own<'a, T>, [Output<'a, T>; QUEUE]) {
        let Self { parameters, scalars, numbers, outputs: [even, odd], marks: [even_mark, odd_mark] } = self;
        let own = Own {
            parameters: front(parameters, lengths.parameters),
            scalars: front(scalars, lengths.scalars),
            numbers: front(numbers, lengths.numbers),
        };
        let output =
            |values, marks| Output { values: front(values, lengths.output), mark: &mut front(marks, 1)[0] };
        (own, [output(even, even_mark), output(odd, odd_mark)])
    }
}

fn front<'a, A>(slice: &mut &'a mut [A], length: usize) -> &'a mut [A] {
    let (front, back) = mem::take(slice).split_at_mut(length);
    *slice = back;
    front
}

/// Lets every item through all stages before the next one.
///
/// # Errors
/// That of the first stage that fails.
///
/// # Panics
/// If there is less memory than the stages say.
pub fn one_by_one<T: Real, P: Pipeline<T>>(
    pipeline: &P,
    memory: &mut PipelineMemory<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result {
    for item in 0..pipeline.items() {
        let (mut left, mut passed) = (memory.reborrow(), None);
        for stage in 0..pipeline.stages() {
            let (own, mut outputs) = left.split_first(pipeline.lengths(stage));
            pipeline.take(stage, item, own, passed, outputs[item % QUEUE].reborrow(), stack.rest())?;
            let [even, odd] = outputs;
            let Output { values, mark } = if item % QUEUE == 0 { even } else { odd };
            passed = Some(Passed { values, mark: *mark });
        }
    }
    Ok(())
}
