//! A method at work in a test: its network, its state, exactly the scratch that it asks for; and executors that make
//! trouble.

use altmin_core::block::{Block, Network as Blocks, Shape};
use altmin_core::executor::{Executor, Sequential, Units};
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::Repair;
use altmin_core::method::{Hyperparameters, Method, Penalties, Problem, Run, State, Sweep};
use altmin_core::update::StepRule;
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Error, Loss, OutputSolver, Real, Regularizer, Result};

use super::dense::Mat;
use super::teacher::Network;

pub(crate) type Memory = Vec<f64>;

/// What fills memory that nobody has written yet: whoever reads it is found out.
pub(crate) fn poison(elements: usize) -> Memory {
    vec![f64::NAN; elements]
}

/// Settings of a layer-wise method, with the activation of its network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings<T> {
    pub(crate) nu: T,
    pub(crate) rho: T,
    pub(crate) weight_step: StepRule<T>,
    pub(crate) input_step: StepRule<T>,
    pub(crate) activation: Activation<T>,
    pub(crate) loss: Loss,
    pub(crate) solver: OutputSolver,
    pub(crate) regularizer: Regularizer<T>,
    pub(crate) epsilon: T,
    pub(crate) repair: Repair,
    pub(crate) accelerate: bool,
}

impl<T: Real> Settings<T> {
    pub(crate) fn hyperparameters(&self) -> Hyperparameters<T> {
        let Self { nu, rho, weight_step, input_step, loss, solver, regularizer, .. } = *self;
        let Self { epsilon, repair, accelerate, .. } = *self;
        Hyperparameters {
            nu,
            rho,
            weight_step,
            input_step,
            loss,
            solver,
            regularizer,
            epsilon,
            repair,
            accelerate,
            ..Default::default()
        }
    }
}

/// Layers of these widths, from the input's features to the outputs.
pub(crate) fn dense_blocks<T>(widths: &[usize], activation: Activation<T>) -> Vec<Block<T>>
where
    T: Copy,
{
    let (&outputs, hidden) = widths[1..].split_last().expect("a layer");
    let hidden = hidden.iter().flat_map(|&outputs| [Block::Dense { outputs }, Block::Activation(activation)]);
    hidden.chain([Block::Dense { outputs }]).collect()
}

/// Other weights; epsilon, which DLAM alone has, is 1.
fn penalties<T: Real>(nu: T, rho: T) -> Penalties<T> {
    Penalties { nu, rho, epsilon: T::ONE }
}

/// A method with all that it works on.
pub(crate) struct Rig<'d, M, T: Real = f64> {
    blocks: Vec<Block<T>>,
    cuts: Vec<usize>,
    input: Shape,
    problem: Problem<'d, T>,
    pub(crate) scalars: Vec<T>,
    pub(crate) numbers: Vec<f64>,
    scratch: Vec<T>,
    pub(crate) method: M,
}

impl<'d, M: Method<T>, T: Real> Rig<'d, M, T> {
    /// The method that `make` makes for a network of blocks with these parameters. All other memory holds NaN.
    pub(crate) fn of_blocks(
        blocks: Vec<Block<T>>,
        cuts: Vec<usize>,
        input: Shape,
        parameters: &[T],
        problem: Problem<'d, T>,
        make: impl FnOnce(&Run<'_, T>) -> Result<M>,
    ) -> Result<Self> {
        let network = Blocks::new(&blocks, input)?;
        let run = Run { network, cuts: &cuts, problem };
        let method = make(&run)?;
        let (memory, scratch) = (method.memory(&run), method.workspace(&run, &Portable).elements());
        let nan = T::from_f64(f64::NAN);
        let (mut scalars, numbers) = (vec![nan; memory.scalars], vec![f64::NAN; memory.numbers]);
        scalars[..network.parameters()].copy_from_slice(parameters);
        Ok(Self { cuts, input, problem, scalars, numbers, scratch: vec![nan; scratch], method, blocks })
    }

    pub(crate) fn run(&self) -> Run<'_, T> {
        let network = Blocks::new(&self.blocks, self.input).unwrap();
        Run { network, cuts: &self.cuts, problem: self.problem }
    }

    /// Calls `body` with method, run, state and scratch.
    pub(crate) fn with<A>(
        &mut self,
        body: impl FnOnce(&mut M, &Run<'_, T>, &mut State<'_, T>, &mut [T]) -> A,
    ) -> A {
        let Self { blocks, cuts, input, problem, scalars, numbers, scratch, method } = self;
        let run = Run { network: Blocks::new(blocks, *input).unwrap(), cuts, problem: *problem };
        body(method, &run, &mut State { scalars, numbers }, scratch)
    }

    pub(crate) fn initialize(&mut self) -> Result {
        self.with(|method, run, state, scratch| {
            method.initialize(run, state, &mut Sequential::new(scratch), &Portable)
        })
    }

    pub(crate) fn sweep(&mut self) -> Result<Sweep> {
        self.sweep_in(None)
    }

    /// A sweep over the samples in this order.
    pub(crate) fn sweep_in(&mut self, order: Option<&[u32]>) -> Result<Sweep> {
        self.with(|method, run, state, scratch| {
            method.sweep(run, state, order, &mut Sequential::new(scratch), &Portable)
        })
    }

    pub(crate) fn objective(&mut self) -> Result<f64> {
        self.with(|method, run, state, scratch| {
            method.objective(run, state, &mut Sequential::new(scratch), &Portable)
        })
    }

    pub(crate) fn set_penalties(&mut self, nu: T, rho: T) -> Result<f64> {
        let penalties = penalties(nu, rho);
        self.with(|method, run, state, scratch| {
            method.set_penalties(run, state, penalties, &mut Sequential::new(scratch), &Portable)
        })
    }

    pub(crate) fn initialize_on<E: Executor<T>>(&mut self, executor: &mut E) -> Result {
        self.with(|method, run, state, _| method.initialize(run, state, executor, &Portable))
    }

    pub(crate) fn sweep_on<E: Executor<T>>(&mut self, executor: &mut E) -> Result<Sweep> {
        self.with(|method, run, state, _| method.sweep(run, state, None, executor, &Portable))
    }

    pub(crate) fn set_penalties_on<E: Executor<T>>(
        &mut self,
        executor: &mut E,
        nu: T,
        rho: T,
    ) -> Result<f64> {
        self.with(|method, run, state, _| {
            method.set_penalties(run, state, penalties(nu, rho), executor, &Portable)
        })
    }

    /// Sweeps from a new start.
    pub(crate) fn sweeps(&mut self, count: usize) -> Vec<Sweep> {
        self.initialize().unwrap();
        (0..count).map(|_| self.sweep().unwrap()).collect()
    }

    /// Elements of the scratch that the method asks for.
    pub(crate) fn scratch(&self) -> usize {
        self.scratch.len()
    }
}

impl<'d, M: Method<f64>> Rig<'d, M> {
    /// The method that `make` makes for a network of layers.
    pub(crate) fn new(
        settings: Settings<f64>,
        problem: Problem<'d, f64>,
        start: &Network,
        make: impl FnOnce(&Hyperparameters<f64>, &Run<'_, f64>) -> Result<M>,
    ) -> Result<Self> {
        let features = start.weights[0].columns;
        let widths: Vec<usize> = [features].into_iter().chain(start.weights.iter().map(|w| w.rows)).collect();
        let blocks = dense_blocks(&widths, settings.activation);
        Self::of_blocks(blocks, Vec::new(), Shape::flat(features), &parameters(start), problem, |run| {
            make(&settings.hyperparameters(), run)
        })
    }

    /// The present weights and biases.
    pub(crate) fn network(&self) -> Network {
        let matrix = |rows, columns, data: &[f64]| Mat { rows, columns, data: data.to_vec() };
        let maps: Vec<_> = self.run().network.maps().collect();
        let own = |map: &altmin_core::block::LinearMap| {
            self.scalars[map.offset..map.end()].split_at(map.n_out * map.n_in)
        };
        Network {
            weights: maps.iter().map(|map| matrix(map.n_out, map.n_in, own(map).0)).collect(),
            biases: maps.iter().map(|map| matrix(map.n_out, 1, own(map).1)).collect(),
        }
    }

    /// Sets the weights and biases.
    pub(crate) fn restart(&mut self, start: &Network) {
        let parameters = parameters(start);
        self.scalars[..parameters.len()].copy_from_slice(&parameters);
    }
}

/// Weights and biases, as a network of blocks has them one after the other.
pub(crate) fn parameters(network: &Network) -> Vec<f64> {
    let layers = network.weights.iter().zip(&network.biases);
    layers.flat_map(|(weights, bias)| [&weights.data[..], &bias.data[..]].concat()).collect()
}

/// The order in which [`Permuted`] takes the units.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    Backward,
    /// Another one in every phase.
    Shuffled,
}

/// Runs the units of a phase in another order, each with scratch that holds nothing of the one before.
pub(crate) struct Permuted {
    order: Order,
    scratch: Memory,
    state: u64,
}

impl Permuted {
    pub(crate) fn new(order: Order, scratch: Memory) -> Self {
        Self { order, scratch, state: 1 }
    }

    fn permute<A>(&mut self, list: &mut [A]) {
        match self.order {
            Order::Backward => list.reverse(),
            Order::Shuffled => {
                for end in (1..list.len()).rev() {
                    self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    list.swap(end, (self.state >> 33) as usize % (end + 1));
                }
            }
        }
    }
}

impl Executor<f64> for Permuted {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, f64>) -> Result + Sync,
    ) -> Result {
        let mut rest = units;
        let mut list = Vec::new();
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            list.push((index, first.single()));
            rest = others;
        }
        self.permute(&mut list);
        let mut failure: Option<(usize, Error)> = None;
        for (index, unit) in list {
            self.scratch.fill(f64::NAN);
            if let Err(error) = task(index, unit, Stack::new(&mut self.scratch))
                && failure.is_none_or(|(lowest, _)| index < lowest)
            {
                failure = Some((index, error));
            }
        }
        failure.map_or(Ok(()), |(_, error)| Err(error))
    }
}
