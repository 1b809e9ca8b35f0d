//! A pipeline whose stages belong to several processes in a row.
//!
//! Each process runs its own stages as a pipeline, with a stage before them that receives what the process below sends and one
//! after them that sends on. What is on its way is bounded: an item is sent when the one [`QUEUE`] before it has been taken from the
//! line, of which a message back tells.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use altmin_core::executor::{
    Incoming, Lengths, Outgoing, Output, Own, Passed, Pipeline, PipelineMemory, QUEUE,
};
use altmin_core::real::{Values, ValuesMut};
use altmin_core::workspace::Stack;
use altmin_core::{Error, Real, Result};

use super::Ranks;

/// Lines of messages: items upwards, and that they have been taken.
const ITEMS: u8 = 1;
const TAKEN: u8 = 2;

/// What goes before an item: whether it comes, and its mark.
type Head = [f64; 2];
const COMES: f64 = 1.0;
const FAILED: f64 = 0.0;

/// The stages of one process, with what receives before and sends after them.
#[derive(Debug)]
pub(crate) struct Section<'p, P> {
    pipeline: &'p P,
    ranks: &'p Ranks,
    stages: Range<usize>,
    /// Who sends, and to whom is sent.
    below: Option<usize>,
    above: Option<usize>,
    received: AtomicUsize,
    sent: AtomicUsize,
    /// The process below sends no more.
    is_cut: AtomicBool,
}

impl<P> Section<'_, P> {
    /// The stage of the whole pipeline, and whether it is one that receives or sends.
    fn stage(&self, stage: usize) -> Kind {
        let own = stage.checked_sub(usize::from(self.below.is_some()));
        match own.map(|own| self.stages.start + own) {
            None => Kind::Receives,
            Some(stage) if stage < self.stages.end => Kind::Own(stage),
            Some(_) => Kind::Sends,
        }
    }

    fn receive<T: Real>(&self, from: usize, output: Output<'_, T>) -> Result {
        let mut head: Head = [0.0; 2];
        let transport = &self.ranks.transport;
        transport.receive(ITEMS, Incoming { from, values: ValuesMut::F64(&mut head) });
        self.received.fetch_add(1, Ordering::Relaxed);
        let [comes, mark] = head;
        if comes == COMES {
            transport.receive(ITEMS, Incoming { from, values: T::values_mut(output.values) });
            *output.mark = mark;
        } else {
            self.is_cut.store(true, Ordering::Relaxed);
        }
        self.ranks.send(TAKEN, Outgoing { to: from, values: Values::Bytes(&[1]) });
        if comes == COMES { Ok(()) } else { Err(CUT) }
    }

    fn send<T: Real>(&self, to: usize, passed: Option<Passed<'_, T>>) {
        // As many as may be on their way were sent before.
        if self.sent.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            self.wait_until_taken(to);
        }
        let (comes, mark) = passed.map_or((FAILED, 0.0), |passed| (COMES, passed.mark));
        self.ranks.send(ITEMS, Outgoing { to, values: Values::F64(&[comes, mark]) });
        if let Some(Passed { values, .. }) = passed {
            self.ranks.send(ITEMS, Outgoing { to, values: T::values(values) });
        }
    }

    fn wait_until_taken(&self, by: usize) {
        let mut taken = [0];
        self.ranks.transport.receive(TAKEN, Incoming { from: by, values: ValuesMut::Bytes(&mut taken) });
    }
}

/// What a stage of a section is.
enum Kind {
    Receives,
    Own(usize),
    Sends,
}

/// Stands for the error that another process has.
const CUT: Error = Error::NonFinite { quantity: "what another process computed" };

impl<T: Real, P: Pipeline<T>> Pipeline<T> for Section<'_, P> {
    fn stages(&self) -> usize {
        self.stages.len() + usize::from(self.below.is_some()) + usize::from(self.above.is_some())
    }

    fn items(&self) -> usize {
        self.pipeline.items()
    }

    fn lengths(&self, stage: usize) -> Lengths {
        match self.stage(stage) {
            Kind::Receives => {
                let output = self.pipeline.lengths(self.stages.start - 1).output;
                Lengths { output, ..Lengths::default() }
            }
            Kind::Own(stage) => self.pipeline.lengths(stage),
            Kind::Sends => Lengths::default(),
        }
    }

    fn cost(&self, stage: usize) -> f64 {
        match self.stage(stage) {
            Kind::Own(stage) => self.pipeline.cost(stage),
            Kind::Receives | Kind::Sends => 0.0,
        }
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
        match (self.stage(stage), self.below, self.above) {
            (Kind::Own(stage), ..) => self.pipeline.take(stage, item, own, passed, output, stack),
            (Kind::Receives, Some(below), _) => self.receive(below, output),
            (Kind::Sends, _, Some(above)) => {
                self.send(above, passed);
                Ok(())
            }
            (Kind::Receives | Kind::Sends, ..) => Ok(()),
        }
    }
}

/// Runs the stages of this process on all items by `run`, which gets them with their memory.
///
/// # Errors
/// Those of `run`; the processes above are told and fail too.
pub(super) fn run<T: Real, P: Pipeline<T>>(
    ranks: &Ranks,
    pipeline: &P,
    stages: Range<usize>,
    mut memory: PipelineMemory<'_, T>,
    run: impl FnOnce(&Section<'_, P>, PipelineMemory<'_, T>) -> Result,
) -> Result {
    let beside = ranks.place.beside();
    let section = Section {
        pipeline,
        ranks,
        below: beside.0,
        above: beside.1,
        received: AtomicUsize::new(0),
        sent: AtomicUsize::new(0),
        is_cut: AtomicBool::new(false),
        stages: stages.clone(),
    };
    // What is received lies where the stage below would leave it.
    let first = stages.start - usize::from(section.below.is_some());
    for stage in 0..first {
        memory.split_first(pipeline.lengths(stage));
    }
    for stage in first..stages.start {
        let Lengths { parameters, scalars, numbers, .. } = pipeline.lengths(stage);
        memory = memory.skip_owned(parameters, scalars, numbers);
    }
    let result = run(&section, memory);
    section.finish::<T>(pipeline.items());
    result
}

impl<P> Section<'_, P> {
    /// Receives what is still sent and tells the process above of what does not come, so that nobody waits and nothing is left on
    /// the way.
    fn finish<T: Real>(&self, items: usize)
    where
        P: Pipeline<T>,
    {
        if let Some(below) = self.below {
            let mut room = Vec::new();
            while self.received.load(Ordering::Relaxed) < items && !self.is_cut.load(Ordering::Relaxed) {
                room.resize(self.pipeline.lengths(self.stages.start - 1).output, T::ZERO);
                let mut mark = 0.0;
                // That it does not come is known from the flag.
                let _ = self.receive(below, Output { values: &mut room, mark: &mut mark });
            }
        }
        if let Some(above) = self.above {
            let sent = self.sent.load(Ordering::Relaxed);
            if sent < items {
                self.send::<T>(above, None);
            }
            let sent = self.sent.load(Ordering::Relaxed);
            (0..sent.min(QUEUE)).for_each(|_| self.wait_until_taken(above));
        }
    }
}
