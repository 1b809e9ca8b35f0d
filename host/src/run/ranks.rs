//! Several processes with memories of their own that share a run, each on its part of layers and samples.
//!
//! All processes make the same calls in the same order. Each does the units of a phase that are its own and tells the others
//! what they read of them; what it does not own it does not touch, so that memory which the system hands out when it is first written is
//! not taken. Sums are made in the units' order by whoever reads them, so the bits are the same for every grid.
//!
//! A process whose work fails, with numbers that are not finite, goes on as if it had not until numbers are next shared with
//! all, so that nobody waits for it; then all processes fail.

mod grid;
mod line;
mod sharing;
pub mod threads;

pub use grid::Grid;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use altmin_core::executor::{
    Incoming, Outgoing, Owners, Pieces, Pipeline, PipelineMemory, Readers, Transport,
};
use altmin_core::real::{Values, ValuesMut};
use altmin_core::{Error, Real, Result};

use grid::Place;

/// This process among those that share a run.
#[derive(Debug, Clone)]
pub struct Ranks {
    transport: Arc<dyn Transport>,
    place: Place,
    /// Phases so far, the same for all processes.
    phase: u64,
    failure: Option<Failure>,
    sent: Arc<AtomicU64>,
}

/// What went wrong here, and is not known to the others yet.
#[derive(Debug, Clone)]
struct Failure {
    phase: u64,
    error: Error,
}

impl Ranks {
    /// This process among those of `transport`, which are cut as `grid` says. The layers, or what else a method is cut into, are
    /// dealt out so that all have about the same of their `costs`.
    ///
    /// # Errors
    /// [`Error::Argument`](crate::Error::Argument) for a grid of another number of processes.
    pub fn new(transport: Arc<dyn Transport>, grid: Grid, costs: &[f64]) -> crate::Result<Self> {
        grid.require_processes(transport.count())?;
        let place = Place::new(grid, costs, transport.rank());
        Ok(Self { transport, place, phase: 0, failure: None, sent: Arc::default() })
    }

    /// Deals out other layers.
    pub fn deal(&mut self, costs: &[f64]) {
        self.place = self.place.with(costs);
    }

    /// The first of the processes, which alone writes files and says how a run goes.
    pub fn is_first(&self) -> bool {
        self.transport.rank() == 0
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.transport.count()
    }

    /// Bytes that this process has sent to others.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether any process says so.
    pub fn any(&self, flag: bool) -> bool {
        self.all_bytes([u8::from(flag)]).into_iter().any(|[flag]| flag != 0)
    }

    /// What the first process says.
    pub fn of_first(&self, value: f64) -> f64 {
        f64::from_ne_bytes(self.all_bytes(value.to_ne_bytes())[0])
    }

    /// What each process says, by rank.
    pub(crate) fn all_bytes<const N: usize>(&self, own: [u8; N]) -> Vec<[u8; N]> {
        let (rank, mut all) = (self.transport.rank(), vec![[0; N]; self.count()]);
        all[rank] = own;
        let others = |&other: &usize| other != rank;
        let values = Values::Bytes(&own);
        let outgoing: Vec<_> = (0..self.count()).filter(others).map(|to| Outgoing { to, values }).collect();
        let incoming = all.iter_mut().enumerate().filter(|(from, _)| others(from));
        let mut incoming: Vec<_> =
            incoming.map(|(from, bytes)| Incoming { from, values: ValuesMut::Bytes(bytes) }).collect();
        self.exchange(&outgoing, &mut incoming);
        all
    }

    fn exchange(&self, outgoing: &[Outgoing<'_>], incoming: &mut [Incoming<'_>]) {
        if outgoing.is_empty() && incoming.is_empty() {
            return;
        }
        let bytes: usize = outgoing.iter().map(|message| message.values.bytes()).sum();
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        self.transport.exchange(outgoing, incoming);
    }

    fn send(&self, line: u8, message: Outgoing<'_>) {
        self.sent.fetch_add(message.values.bytes() as u64, Ordering::Relaxed);
        self.transport.send(line, message);
    }

    /// Which of so many units are done here.
    pub(super) fn own(&self, owners: Owners, count: usize) -> impl Fn(usize) -> bool + Sync + use<> {
        let place = self.place.clone();
        move |unit| place.does(owners, unit, count)
    }

    /// A phase begins.
    pub(super) fn begin(&mut self) {
        self.phase += 1;
    }

    /// What is to be said of a phase whose units were done here: an error is kept until all know of it.
    pub(super) fn keep(&mut self, result: Result) -> Result {
        if let (Err(error), None) = (result, &self.failure) {
            self.failure = Some(Failure { phase: self.phase, error });
        }
        Ok(())
    }

    /// What is to be said of a phase that every process has done: they all say the same, but one that works on with what has failed.
    pub(super) fn check(&self, result: Result) -> Result {
        if self.failure.is_some() { Ok(()) } else { result }
    }

    /// [`Executor::share`](altmin_core::executor::Executor::share).
    pub(super) fn share<T: Real, L: Fn(usize) -> usize>(
        &self,
        owners: Owners,
        readers: Readers,
        pieces: Pieces<'_, T, L>,
    ) {
        let (outgoing, mut incoming) = sharing::messages(&self.place, owners, readers, pieces);
        self.exchange(&outgoing, &mut incoming);
    }

    /// [`Executor::share_numbers`](altmin_core::executor::Executor::share_numbers).
    pub(super) fn share_numbers<L: Fn(usize) -> usize>(
        &mut self,
        owners: Owners,
        readers: Readers,
        pieces: Pieces<'_, f64, L>,
    ) -> Result {
        self.share(owners, readers, pieces);
        if readers == Readers::All { self.agree() } else { Ok(()) }
    }

    /// All processes fail if one has, with the error of the earliest phase.
    fn agree(&mut self) -> Result {
        let told = self.failure.as_ref().map_or(u64::MAX, |failure| failure.phase);
        let phases = self.all_bytes(told.to_ne_bytes());
        let first = phases.into_iter().map(u64::from_ne_bytes).min().filter(|&first| first < u64::MAX);
        let own = self.failure.take();
        match (first, own) {
            (None, _) => Ok(()),
            (Some(first), Some(own)) if own.phase == first => Err(own.error),
            (Some(_), _) => Err(Error::NonFinite { quantity: "what another process computed" }),
        }
    }

    /// The stages that are done here, of so many.
    fn stages(&self, stages: usize) -> Range<usize> {
        self.place.layers(stages)
    }

    /// Lets all items pass through the stages of all processes: `run` does those that are its own.
    pub(super) fn pipeline<T: Real, P: Pipeline<T>>(
        &mut self,
        pipeline: &P,
        memory: PipelineMemory<'_, T>,
        run: impl FnOnce(&line::Section<'_, P>, PipelineMemory<'_, T>) -> Result,
    ) -> Result {
        self.begin();
        let stages = self.stages(pipeline.stages());
        let result = line::run(self, pipeline, stages, memory, run);
        self.keep(result)
    }
}
