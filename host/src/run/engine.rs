//! A method with the memory that it works in, allocated once.

mod batches;

use std::ops::Range;

use altmin_core::block::{Block, Network as CoreNetwork, Shape};
use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::{
    AnyMethod, Epoch, Hyperparameters, Method as _, Name, Partition, Penalties, Problem, Run, State, Sweep,
};
use altmin_core::theory::Approximation;
use altmin_core::view::MatRef;
use altmin_core::workspace::Requirement;
use altmin_core::{Real, Result};

use crate::network::Network;
use crate::{allocate, error};

pub use batches::Batches;
use batches::Order;

/// A method at work on one network and one training set, with all that it keeps from sweep to sweep.
#[derive(Debug)]
pub struct Engine<T> {
    blocks: Vec<Block<T>>,
    input: Shape,
    cuts: Vec<usize>,
    method: AnyMethod<T>,
    scalars: Box<[T]>,
    numbers: Box<[f64]>,
    order: Option<Order>,
    scratch: Requirement,
    approximation_scratch: Requirement,
}

/// Rounds of the power iteration behind Theorem 1's bound: it comes within a per cent, as a rule.
pub const NORM_ROUNDS: usize = 100;

impl<T: Real> Engine<T> {
    /// Checks that method, network and samples fit, and allocates everything that sweeps need; weights and biases are zero.
    ///
    /// `cuts` are the numbers of blocks before each cut into subnetworks, for methods that have them. Mini-batches are drawn
    /// in the order of `batches`, where the method takes any; it is told their size by `hyperparameters`.
    ///
    /// # Errors
    /// Those of the method's constructor; [`Error::Allocation`](error::Error::Allocation).
    pub fn new<G: Gemm<T>>(
        name: Name,
        hyperparameters: &Hyperparameters<T>,
        network: &Network,
        cuts: &[usize],
        batches: Option<Batches>,
        problem: Problem<'_, T>,
        gemm: &G,
    ) -> error::Result<Self> {
        let make = |run: &Run<'_, T>| AnyMethod::new(name, hyperparameters, run);
        Self::with_method(make, network, cuts, batches, problem, gemm)
    }

    /// The same with a method of the caller's making.
    ///
    /// # Errors
    /// Those of `make`; [`Error::Allocation`](error::Error::Allocation).
    pub fn with_method<G: Gemm<T>>(
        make: impl FnOnce(&Run<'_, T>) -> Result<AnyMethod<T>>,
        network: &Network,
        cuts: &[usize],
        batches: Option<Batches>,
        problem: Problem<'_, T>,
        gemm: &G,
    ) -> error::Result<Self> {
        let (blocks, cuts) = (network.blocks_in::<T>(), cuts.to_vec());
        let run = Run { network: CoreNetwork::new(&blocks, network.input())?, cuts: &cuts, problem };
        let method = make(&run)?;
        let (memory, scratch) = (method.memory(&run), method.workspace(&run, gemm));
        Ok(Self {
            scalars: allocate::zeros(memory.scalars)?.into_boxed_slice(),
            numbers: allocate::zeros(memory.numbers)?.into_boxed_slice(),
            order: Order::new(batches, run.samples())?,
            input: network.input(),
            approximation_scratch: method.approximation_workspace(&run, gemm),
            scratch,
            method,
            cuts,
            blocks,
        })
    }

    /// Scratch that each worker of the executor needs.
    pub fn scratch(&self) -> Requirement {
        self.scratch
    }

    /// How all samples are cut.
    pub fn partition(&self) -> Partition {
        self.method.partition()
    }

    /// The network.
    pub fn network(&self) -> CoreNetwork<'_, T> {
        network(&self.blocks, self.input)
    }

    /// Weights and biases of all linear maps, as the network lays them out.
    pub fn parameters(&self) -> &[T] {
        &self.scalars[..self.network().parameters()]
    }

    /// The same for setting them, before [`Engine::initialize`] or to go back to earlier ones.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        let count = self.network().parameters();
        &mut self.scalars[..count]
    }

    /// All that the method keeps from sweep to sweep.
    pub(super) fn state(&self) -> (&[T], &[f64]) {
        (&self.scalars, &self.numbers)
    }

    /// The same for writing, to go on from an earlier state.
    pub(super) fn state_mut(&mut self) -> (&mut [T], &mut [f64]) {
        (&mut self.scalars, &mut self.numbers)
    }

    /// The epoch whose order of mini-batches is drawn next; 0 where none are.
    pub(super) fn epoch(&self) -> u32 {
        self.order.as_ref().map_or(0, Order::epoch)
    }

    /// Goes on with the order of this epoch.
    pub(super) fn set_epoch(&mut self, epoch: u32) {
        if let Some(order) = &mut self.order {
            order.set_epoch(epoch);
        }
    }

    /// The method.
    pub fn method(&self) -> &AnyMethod<T> {
        &self.method
    }

    /// Calls `work` with the method, its run and its state, and the order of the last epoch.
    fn with<R>(
        &mut self,
        problem: Problem<'_, T>,
        work: impl FnOnce(&mut AnyMethod<T>, &Run<'_, T>, &mut State<'_, T>, Option<&[u32]>) -> R,
    ) -> R {
        let Self { blocks, input, cuts, method, scalars, numbers, order, .. } = self;
        let run = Run { network: network(blocks, *input), cuts, problem };
        let order = order.as_ref().map(Order::samples);
        work(method, &run, &mut State { scalars, numbers }, order)
    }

    /// Sets the auxiliary variables by a forward pass from the present weights.
    ///
    /// # Errors
    /// Those of the method.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.with(problem, |method, run, state, _| method.initialize(run, state, executor, gemm))
    }

    /// One sweep; one epoch, where the method works in mini-batches. `problem` must be the one that the engine was made for.
    ///
    /// The objective of a composed method in mini-batches, and of back-propagation, is not that of the weights after the
    /// sweep, which no pass has seen.
    ///
    /// # Errors
    /// Those of the method; [`NonFinite`](altmin_core::Error::NonFinite) when it diverges.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.draw_order();
        self.with(problem, |method, run, state, order| method.sweep(run, state, order, executor, gemm))
    }

    /// Draws the order of the next epoch, of which [`Engine::sweep_part`] makes parts.
    pub(super) fn draw_order(&mut self) {
        if let Some(order) = &mut self.order {
            order.draw();
        }
    }

    /// Mini-batches of an epoch; 1 where every step takes all samples.
    pub(super) fn batches(&self) -> usize {
        self.order.as_ref().map_or(1, Order::batches)
    }

    /// Some mini-batches of the epoch whose order was drawn last, as [`Engine::sweep`] makes them all.
    ///
    /// # Errors
    /// As [`Engine::sweep`].
    pub(super) fn sweep_part<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        batches: Range<usize>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.with(problem, |method, run, state, order| {
            let epoch = Epoch { order, first: batches.start, end: batches.end };
            method.sweep_part(run, state, epoch, executor, gemm)
        })
    }

    /// Changes penalties between two sweeps, or before [`Engine::initialize`]; the duals are carried over. Returns by how
    /// much repairing the state raised the objective.
    ///
    /// # Errors
    /// Those of the method.
    pub fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        penalties: Penalties<T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        self.with(problem, |method, run, state, _| {
            method.set_penalties(run, state, penalties, executor, gemm)
        })
    }

    /// Brings the whole state to the first of the processes that share the run.
    ///
    /// # Errors
    /// Those of the method.
    pub(super) fn gather<E: Executor<T>>(&mut self, problem: Problem<'_, T>, executor: &mut E) -> Result {
        self.with(problem, |method, run, state, _| method.gather(run, state, executor))
    }

    /// Changes the length of gradient steps between two sweeps, or before [`Engine::initialize`].
    ///
    /// # Errors
    /// Those of the method.
    pub fn set_learning_rate(&mut self, rate: T) -> Result {
        self.method.set_learning_rate(rate)
    }

    /// The method's objective at the present state.
    ///
    /// # Errors
    /// Those of the method.
    pub fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        self.with(problem, |method, run, state, _| method.objective(run, state, executor, gemm))
    }

    /// The error that comes of splitting, and Theorem 1's bound of it; none of a method that does not split. Reads the run's
    /// variables and changes none. Workers need [`Engine::approximation_scratch`].
    ///
    /// # Errors
    /// Those of the method; [`NonFinite`](altmin_core::Error::NonFinite) where a norm overflows.
    pub fn approximation<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Option<Approximation>> {
        self.with(problem, |method, run, state, _| {
            method.approximation(run, state, NORM_ROUNDS, executor, gemm)
        })
    }

    /// Scratch of each worker for [`Engine::approximation`].
    pub fn approximation_scratch(&self) -> Requirement {
        self.approximation_scratch
    }

    /// Calls `visit` for each read-out that the method trains, from the lowest: with the blocks below it, M and c.
    ///
    /// # Errors
    /// Those of the method.
    pub fn readouts(
        &mut self,
        problem: Problem<'_, T>,
        mut visit: impl FnMut(usize, MatRef<'_, T>, &[T]),
    ) -> Result {
        self.with(problem, |method, run, state, _| {
            for (l, &cut) in run.cuts.iter().enumerate() {
                if let Some((weights, bias)) = method.readout(run, state, l)? {
                    visit(cut, weights, bias);
                }
            }
            Ok(())
        })
    }

    /// The mean risk of the last sweep, where a schedule of the method follows it.
    pub fn mean_risk(&mut self, problem: Problem<'_, T>) -> Option<f64> {
        self.with(problem, |method, run, state, _| method.mean_risk(run, state))
    }
}

/// Blocks were checked when the engine was made.
fn network<T: Real>(blocks: &[Block<T>], input: Shape) -> CoreNetwork<'_, T> {
    CoreNetwork::new(blocks, input).expect("blocks that were checked when the engine was made")
}
