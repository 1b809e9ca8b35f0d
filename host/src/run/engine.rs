//! A method with the memory that it works in, allocated once.
//!
//! Each method has a file of its own here: what it allocates beside the layers, and how it is called. [`Plan`] names them
//! all; a new one is a variant there, a variant of the state, and a line in each of the two places that list them.

/// [`Work`] by what a method, bound to its run, does itself; what differs from one to the other is given.
macro_rules! work_of_bound {
    ($($own:tt)*) => {
        impl<T: Real> Work<T> for State<T> {
            fn initialize<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: Run<'_, T>,
                executor: &mut E,
                gemm: &G,
            ) -> Result {
                self.bind(run)?.initialize(executor, gemm)
            }

            fn sweep<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: Run<'_, T>,
                executor: &mut E,
                gemm: &G,
            ) -> Result<Sweep> {
                self.bind(run)?.sweep(executor, gemm)
            }

            fn objective<E: Executor<T>, G: Gemm<T>>(
                &mut self,
                run: Run<'_, T>,
                executor: &mut E,
                _: &G,
            ) -> Result<f64> {
                self.bind(run)?.objective(executor)
            }

            $($own)*
        }
    };
}

mod backprop;
mod batches;
mod dladmm;
mod dlam;
mod pdadmm;
mod proxprop;
mod read;
mod stacked;
mod subnetworks;
mod taylor;

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{Partition, Problem, Settings, Steps, Sweep};
use altmin_core::update::sums::SumsShape;
use altmin_core::workspace::Requirement;
use altmin_core::{Activation, Real, Result};

use crate::network::composed::Composed;
use crate::network::part::Memory;
pub use crate::network::part::{Part, TILE};

pub use batches::Batches;
pub use read::Variables;
pub(crate) use subnetworks::Cut;
pub use subnetworks::Subnetworks;

/// Units of work that a phase should at least be cut into, so that many threads find work; layers x groups for
/// pdADMM, groups for dlADMM, which works on a layer at a time. More groups cost memory for their sums.
const UNITS: usize = 64;
const MOST_GROUPS: usize = 16;

/// Groups of a method that passes samples through the whole network, each of which has sums for all layers: as many as
/// eight threads need, and fewer where so few samples would be left to each that adding up the sums costs more than they do.
const NETWORK_GROUPS: usize = 8;
const LEAST_SAMPLES: usize = 128;

/// The sizes of a problem: widths from the input's features to the outputs, and samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// At least two widths.
    pub widths: Vec<usize>,
    /// Training samples.
    pub samples: usize,
}

impl Size {
    fn layers(&self) -> impl Iterator<Item = SumsShape> + Clone + '_ {
        self.widths.windows(2).map(|pair| SumsShape { n_in: pair[0], n_out: pair[1] })
    }
}

/// How `samples` are cut for a phase that has `at_once` units of other kinds for each group.
fn cut(samples: usize, at_once: usize) -> Partition {
    Partition::new(samples, TILE, UNITS.div_ceil(at_once).clamp(1, MOST_GROUPS))
}

/// How `samples` are cut for passes through the whole network: all groups as large as one another, and their tiles.
fn cut_network(samples: usize) -> Partition {
    let groups = (samples / LEAST_SAMPLES).clamp(2, NETWORK_GROUPS);
    let tiles = samples.div_ceil(groups * TILE).max(1);
    Partition::new(samples, samples.div_ceil(groups * tiles).next_multiple_of(16).max(16), groups)
}

/// A method with the core's settings for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plan<T> {
    /// pdADMM.
    Pdadmm {
        /// Its settings.
        settings: Settings<T>,
        /// Where its dual is kept.
        storage: DualStorage,
    },
    /// dlADMM.
    Dladmm(Settings<T>),
    /// Taylor's ADMM.
    Taylor(Settings<T>),
    /// DLAM.
    Dlam(altmin_core::method::dlam::Settings<T>),
    /// Proximal back-propagation, over all samples or in mini-batches.
    Proxprop(altmin_core::method::proxprop::Settings<T>, Option<Batches>),
    /// Back-propagation with an optimiser, over all samples or in mini-batches.
    Backprop(altmin_core::method::backprop::Settings<T>, Option<Batches>),
}

impl<T: Real> Plan<T> {
    fn validate(&self) -> Result {
        match self {
            Plan::Pdadmm { settings, .. } | Plan::Dladmm(settings) | Plan::Taylor(settings) => {
                settings.validate()
            }
            Plan::Dlam(settings) => settings.validate(),
            Plan::Proxprop(settings, _) => settings.validate(),
            Plan::Backprop(settings, _) => settings.validate(),
        }
    }

    /// How the layers step.
    fn steps(&self) -> Steps<T> {
        match self {
            Plan::Pdadmm { settings, .. } | Plan::Dladmm(settings) | Plan::Taylor(settings) => {
                settings.steps()
            }
            Plan::Dlam(settings) => settings.steps(),
            Plan::Proxprop(settings, _) => settings.steps(),
            Plan::Backprop(settings, _) => settings.steps(),
        }
    }

    /// How samples are cut.
    fn partition(&self, size: &Size) -> Partition {
        match self {
            Plan::Pdadmm { .. } => cut(size.samples, size.widths.len() - 1),
            Plan::Dladmm(_) | Plan::Taylor(_) | Plan::Dlam(_) => cut(size.samples, 1),
            Plan::Proxprop(_, batches) | Plan::Backprop(_, batches) => {
                cut_network(Batches::largest(*batches, size.samples))
            }
        }
    }
}

/// The variables of a run of one method over one training set.
#[derive(Debug)]
pub struct Engine<T> {
    partition: Partition,
    layers: Vec<Layer<T, Memory<T>>>,
    state: State<T>,
    scratch: Requirement,
}

/// What a method works on.
struct Run<'a, T: Real> {
    layers: &'a mut [Layer<T, Memory<T>>],
    partition: Partition,
    problem: Problem<'a, T>,
}

/// A method with its settings and its own memory.
trait Work<T: Real> {
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result;

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep>;

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64>;

    /// Other weights of penalties and constraints; a method without them takes no notice.
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        _run: Run<'_, T>,
        _executor: &mut E,
        _gemm: &G,
        _nu: T,
        _rho: T,
    ) -> Result {
        Ok(())
    }

    /// The mean risk that a rule for epsilon looks at; none where there is no epsilon.
    fn risk(&self) -> Option<f64> {
        None
    }

    /// Another epsilon; by how much that raised the objective. A method without one takes no notice.
    fn set_epsilon<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        _run: Run<'_, T>,
        _executor: &mut E,
        _gemm: &G,
        _epsilon: T,
    ) -> Result<f64> {
        Ok(0.0)
    }
}

#[derive(Debug)]
enum State<T> {
    Pdadmm(pdadmm::State<T>),
    Dladmm(dladmm::State<T>),
    Taylor(taylor::State<T>),
    Dlam(dlam::State<T>),
    Proxprop(proxprop::State<T>),
    Backprop(backprop::State<T>),
    Subnetworks(subnetworks::State<T>),
}

/// The same call for whichever method it is.
macro_rules! each {
    ($state:expr, $work:ident => $call:expr) => {
        match $state {
            State::Pdadmm($work) => $call,
            State::Dladmm($work) => $call,
            State::Taylor($work) => $call,
            State::Dlam($work) => $call,
            State::Proxprop($work) => $call,
            State::Backprop($work) => $call,
            State::Subnetworks($work) => $call,
        }
    };
}

impl<T: Real> Engine<T> {
    /// Allocates everything that sweeps need; weights and biases are zero.
    ///
    /// # Errors
    /// [`Setting`](altmin_core::Error::Setting).
    pub fn new<G: Gemm<T>>(plan: Plan<T>, size: &Size, gemm: &G) -> Result<Self> {
        plan.validate()?;
        let partition = plan.partition(size);
        let steps = plan.steps();
        let shapes: Vec<LayerShape> = size
            .layers()
            .enumerate()
            .map(|(index, shape)| LayerShape::new(&steps, index, shape.n_out, shape.n_in))
            .collect();
        let layers = shapes.iter().map(|&shape| Layer::new(shape, zeros)).collect::<Result<_>>()?;
        let (state, scratch) = match plan {
            Plan::Pdadmm { settings, storage } => (
                State::Pdadmm(pdadmm::State::new(settings, storage, &partition, &shapes)?),
                altmin_core::method::pdadmm::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            Plan::Dladmm(settings) => (
                State::Dladmm(dladmm::State::new(settings, &partition, &shapes)?),
                altmin_core::method::dladmm::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            Plan::Taylor(settings) => (
                State::Taylor(taylor::State::new(settings, &partition, &shapes)?),
                altmin_core::method::taylor::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            Plan::Dlam(settings) => (
                State::Dlam(dlam::State::new(settings, &partition, &shapes)?),
                altmin_core::method::dlam::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            Plan::Proxprop(settings, batches) => (
                State::Proxprop(proxprop::State::new(settings, batches, &partition, size)?),
                altmin_core::method::proxprop::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
            Plan::Backprop(settings, batches) => (
                State::Backprop(backprop::State::new(settings, batches, &partition, size)?),
                altmin_core::method::backprop::workspace(gemm, &settings, partition.tile(), size.layers()),
            ),
        };
        Ok(Self { partition, layers, state, scratch })
    }

    /// The same for a network of blocks.
    ///
    /// # Errors
    /// [`Setting`](altmin_core::Error::Setting).
    pub fn of_blocks<G: Gemm<T>>(plan: Subnetworks<T>, samples: usize, gemm: &G) -> Result<Self> {
        let cut = Cut::of(&plan, samples);
        Self::of_cut_blocks(plan, cut, gemm)
    }

    /// The same with samples that are cut in another way than their number alone would have it.
    pub(crate) fn of_cut_blocks<G: Gemm<T>>(plan: Subnetworks<T>, cut: Cut, gemm: &G) -> Result<Self> {
        let (state, partition) = (subnetworks::State::new(plan, cut)?, cut.all);
        let scratch = state.scratch(gemm, &partition);
        Ok(Self { partition, layers: Vec::new(), state: State::Subnetworks(state), scratch })
    }

    /// Scratch that each worker of the executor needs.
    pub fn scratch(&self) -> Requirement {
        self.scratch
    }

    /// Weights (n_out x n_in, column-major) and bias of every linear map, first to last: of layers, or of blocks.
    pub fn maps(&self) -> impl Iterator<Item = (&[T], &[T])> {
        let blocks = match &self.state {
            State::Subnetworks(state) => Some(state.maps()),
            _ => None,
        };
        self.layers.iter().map(Layer::parameters).chain(blocks.into_iter().flatten())
    }

    /// The same for setting them, before [`Engine::initialize`] or to go back to earlier ones.
    pub fn maps_mut(&mut self) -> impl Iterator<Item = (&mut [T], &mut [T])> {
        let blocks = match &mut self.state {
            State::Subnetworks(state) => Some(state.maps_mut()),
            _ => None,
        };
        self.layers.iter_mut().map(Layer::parameters_mut).chain(blocks.into_iter().flatten())
    }

    /// The network as it stands; `activation` is that between layers.
    pub fn composed(&self, activation: Activation<T>) -> Composed<'_, T> {
        match &self.state {
            State::Subnetworks(state) => {
                let (parts, subnetworks) = state.parts();
                Composed::Blocks { parts, subnetworks }
            }
            _ => Composed::Layers { layers: &self.layers, activation },
        }
    }

    /// The layers, first to last; none of a network of blocks.
    pub fn layers(&self) -> &[Layer<T, Memory<T>>] {
        &self.layers
    }

    /// The layers for setting their weights, before [`Engine::initialize`] or to go back to earlier ones.
    pub fn layers_mut(&mut self) -> &mut [Layer<T, Memory<T>>] {
        &mut self.layers
    }

    /// The objective is R of the composed network and Omega: the method has no variables beside the weights.
    pub fn is_composed(&self) -> bool {
        match &self.state {
            State::Proxprop(_) | State::Backprop(_) => true,
            State::Subnetworks(state) => state.is_end_to_end(),
            _ => false,
        }
    }

    /// Sets the auxiliary variables by a forward pass from the present weights.
    ///
    /// # Errors
    /// Those of the core.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Self { partition, layers, state, .. } = self;
        let run = Run { layers, partition: *partition, problem };
        each!(state, work => work.initialize(run, executor, gemm))
    }

    /// One sweep; one epoch, where the method works in mini-batches. `problem` must be the one that
    /// [`Engine::initialize`] saw.
    ///
    /// The objective of a composed method in mini-batches, and of back-propagation, is not that of the weights after the
    /// sweep, which no pass has seen.
    ///
    /// # Errors
    /// Those of the core; [`NonFinite`](altmin_core::Error::NonFinite) when the method diverges.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let Self { partition, layers, state, .. } = self;
        let run = Run { layers, partition: *partition, problem };
        each!(state, work => work.sweep(run, executor, gemm))
    }

    /// Changes nu and rho between two sweeps, or before [`Engine::initialize`]; the duals are carried over.
    ///
    /// # Errors
    /// Those of the core.
    pub fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
        nu: T,
        rho: T,
    ) -> Result {
        let Self { partition, layers, state, .. } = self;
        let run = Run { layers, partition: *partition, problem };
        each!(state, work => work.set_penalties(run, executor, gemm, nu, rho))
    }

    /// The mean risk of DLAM's last sweep, by which its epsilon is steered; none for other methods.
    pub fn risk(&self) -> Option<f64> {
        each!(&self.state, work => Work::<T>::risk(work))
    }

    /// Changes DLAM's epsilon between two sweeps; returns by how much putting a back into its intervals raised F.
    ///
    /// # Errors
    /// Those of the core.
    pub fn set_epsilon<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
        epsilon: T,
    ) -> Result<f64> {
        let Self { partition, layers, state, .. } = self;
        let run = Run { layers, partition: *partition, problem };
        each!(state, work => work.set_epsilon(run, executor, gemm, epsilon))
    }

    /// The method's objective at the present state.
    ///
    /// # Errors
    /// Those of the core.
    pub fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let Self { partition, layers, state, .. } = self;
        let run = Run { layers, partition: *partition, problem };
        each!(state, work => work.objective(run, executor, gemm))
    }
}

/// Memory that the system hands out as zeros without touching it.
fn zeros<T: Real>(elements: usize) -> Memory<T> {
    vec![T::ZERO; elements].into_boxed_slice()
}
