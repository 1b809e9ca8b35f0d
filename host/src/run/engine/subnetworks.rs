//! Networks of blocks: subnetworks that train at the same time (TSSM), or a single one end to end.

use altmin_core::block::Network;
use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::tssm::{
    self, Approximation, Interface, Settings, Share, Splitting, Subnetwork, Terms, Tssm,
};
use altmin_core::method::{Partition, Problem, Sweep};
use altmin_core::theory::Norms;
use altmin_core::workspace::Requirement;
use altmin_core::{Real, Result, reduce};

use super::batches::{Batches, Order};
use super::{Engine, Run, Work, cut_network, zeros};
use crate::network::cuts::MOST_SUBNETWORKS;
use crate::network::part::{Memory, Part};

/// Rounds of the power iteration behind Theorem 1's bound: it comes within a per cent, as a rule.
const NORM_ROUNDS: usize = 100;

/// What a run over subnetworks is made of.
#[derive(Debug, Clone)]
pub struct Subnetworks<T> {
    /// The core's settings.
    pub settings: Settings<T>,
    /// The subnetworks, first to last: at least one, at most [`MOST_SUBNETWORKS`].
    pub parts: Vec<Part<T>>,
    /// Mini-batches; a step takes all samples if there are none.
    pub batches: Option<Batches>,
    /// A single part is a baseline, for which nothing is measured between sweeps.
    pub end_to_end: bool,
}

/// How the samples of a run over subnetworks are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// All of them.
    pub(crate) all: Partition,
    /// The largest mini-batch.
    pub(crate) batch: Partition,
}

impl Cut {
    /// How a run over so many samples cuts them.
    pub(crate) fn of<T: Real>(plan: &Subnetworks<T>, samples: usize) -> Self {
        let cut = |samples| cut(samples, &plan.parts);
        Self { all: cut(samples), batch: cut(Batches::largest(plan.batches, samples)) }
    }
}

/// Parts, and their parameters.
type PartsWithWeights<'a, T> = (&'a [Part<T>], &'a [Subnetwork<T, Memory<T>>]);

/// Subnetworks, and what lies between them.
pub(crate) type Variables<'a, T> = (&'a [Subnetwork<T, Memory<T>>], &'a [Interface<T, Memory<T>>]);

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    parts: Vec<Part<T>>,
    batches: Partition,
    end_to_end: bool,
    subnetworks: Vec<Subnetwork<T, Memory<T>>>,
    interfaces: Vec<Interface<T, Memory<T>>>,
    shares: Vec<Share<T, Memory<T>>>,
    terms: Vec<Terms>,
    order: Option<Order>,
    /// All samples, for steps that take them all.
    all: Vec<u32>,
    /// That of the last epoch; NaN before the first.
    objective: f64,
}

impl<T: Real> State<T> {
    /// Allocates for samples that are cut so.
    pub(super) fn new(plan: Subnetworks<T>, Cut { all, batch }: Cut) -> Result<Self> {
        let Subnetworks { settings, parts, batches, end_to_end } = plan;
        settings.validate()?;
        let samples = all.samples();
        let dual = settings.splitting == Splitting::Gsadmm;
        let guard = settings.guard.is_some();
        let networks = || parts.iter().map(Part::network);
        let between =
            networks().take(parts.len().saturating_sub(1)).map(|network| network.output().features());
        let subnetwork = |network: Network<'_, T>| tssm::subnetwork(&network, &settings.inner, guard, zeros);
        let mut shares = Vec::new();
        for network in networks() {
            shares.extend((0..batch.groups()).map(|_| tssm::share(&network, &settings.inner, zeros)));
        }
        Ok(Self {
            subnetworks: networks().map(subnetwork).collect(),
            interfaces: between
                .map(|features| tssm::interface(features, samples, dual, zeros))
                .collect::<Result<_>>()?,
            shares,
            terms: vec![Terms::default(); samples.div_ceil(all.tile().max(1))],
            order: Order::new(batches, samples),
            all: (0..samples as u32).collect(),
            settings,
            batches: batch,
            end_to_end,
            objective: f64::NAN,
            parts,
        })
    }

    /// Scratch of a worker, for tiles of both kinds.
    pub(super) fn scratch<G: Gemm<T>>(&self, gemm: &G, partition: &Partition) -> Requirement {
        let tile = partition.tile().max(self.batches.tile());
        self.parts.iter().fold(Requirement::NONE, |most, part| {
            most.or(tssm::workspace(gemm, &self.settings, &[part.network()], tile))
        })
    }

    /// Scratch of a worker for [`State::approximation`].
    pub(super) fn approximation_scratch<G: Gemm<T>>(&self, gemm: &G, partition: &Partition) -> Requirement {
        let networks: Vec<_> = self.parts.iter().map(Part::network).collect();
        tssm::approximation_workspace(gemm, &networks, partition.tile())
    }

    /// Theorem 1 at the present state.
    pub(super) fn approximation<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Approximation> {
        let mut norms = [Norms::default(); MOST_SUBNETWORKS];
        let norms = &mut norms[..self.parts.len()];
        self.with(run, |method, _| method.approximation(executor, gemm, NORM_ROUNDS, norms))
    }

    pub(super) fn is_end_to_end(&self) -> bool {
        self.end_to_end
    }

    /// The subnetworks with their parameters.
    pub(super) fn parts(&self) -> PartsWithWeights<'_, T> {
        (&self.parts, &self.subnetworks)
    }

    pub(super) fn variables(&self) -> Variables<'_, T> {
        (&self.subnetworks, &self.interfaces)
    }

    /// Weights and bias of every linear map.
    pub(super) fn maps(&self) -> impl Iterator<Item = (&[T], &[T])> {
        self.parts.iter().zip(&self.subnetworks).flat_map(|(part, subnetwork)| {
            let parameters = subnetwork.parameters();
            part.network()
                .maps()
                .map(move |map| parameters[map.offset..map.end()].split_at(map.n_out * map.n_in))
        })
    }

    /// The same for writing.
    pub(super) fn maps_mut(&mut self) -> impl Iterator<Item = (&mut [T], &mut [T])> {
        self.parts.iter().zip(&mut self.subnetworks).flat_map(|(part, subnetwork)| {
            part.network().maps().scan(subnetwork.parameters_mut(), |rest, map| {
                let (own, after) = std::mem::take(rest).split_at_mut(map.parameters());
                *rest = after;
                Some(own.split_at_mut(map.n_out * map.n_in))
            })
        })
    }

    /// Calls `work` with the method and the samples' order.
    fn with<R>(
        &mut self,
        run: &Run<'_, T>,
        work: impl FnOnce(&mut Tssm<'_, T, Memory<T>>, &[u32]) -> Result<R>,
    ) -> Result<R> {
        let Self { settings, parts, batches, subnetworks, interfaces, shares, terms, order, all, .. } = self;
        // On the stack, since a sweep allocates nothing.
        let mut networks = [parts[0].network(); MOST_SUBNETWORKS];
        networks.iter_mut().zip(parts.iter()).for_each(|(network, part)| *network = part.network());
        let state = tssm::State { subnetworks, interfaces, shares, terms };
        let networks = &networks[..parts.len()];
        let Run { partition, problem, .. } = *run;
        let mut method = Tssm::new(*settings, networks, partition, *batches, problem, state)?;
        work(&mut method, order.as_ref().map_or(all, Order::samples))
    }
}

/// How samples are cut for passes through these networks.
fn cut<T: Real>(samples: usize, parts: &[Part<T>]) -> Partition {
    let wide = cut_network(samples);
    let tile = parts.iter().map(|part| part.tile(wide.tile())).min().unwrap_or(1);
    Partition::new(samples, tile, wide.groups())
}

impl<T: Real> Engine<T> {
    /// The error that comes of splitting, and Theorem 1's bound of it; none of a network that is not split into subnetworks.
    /// Reads the run's variables and changes none. Workers need [`Engine::approximation_scratch`].
    ///
    /// # Errors
    /// Those of the core; [`NonFinite`](altmin_core::Error::NonFinite) where a norm overflows.
    pub fn approximation<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        problem: Problem<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Option<Approximation>> {
        let Self { partition, layers, state, .. } = self;
        let super::State::Subnetworks(state) = state else { return Ok(None) };
        let run = Run { layers, partition: *partition, problem };
        state.approximation(&run, executor, gemm).map(Some)
    }

    /// The subnetworks and what lies between them, for reading; none of a network of layers.
    pub(crate) fn subnetworks(&self) -> Option<Variables<'_, T>> {
        match &self.state {
            super::State::Subnetworks(state) => Some(state.variables()),
            _ => None,
        }
    }

    /// Scratch of each worker for [`Engine::approximation`].
    pub fn approximation_scratch<G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        match &self.state {
            super::State::Subnetworks(state) => state.approximation_scratch(gemm, &self.partition),
            _ => Requirement::NONE,
        }
    }
}

impl<T: Real> Work<T> for State<T> {
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.objective = f64::NAN;
        self.with(&run, |method, _| method.initialize(executor, gemm))
    }

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        if let Some(order) = &mut self.order {
            order.draw();
        }
        let (batch, end_to_end) = (self.batches.samples(), self.end_to_end);
        let samples = run.partition.samples() as f64;
        let sweep = self.with(&run, |method, order| {
            if !end_to_end {
                return method.epoch(executor, gemm, order, batch);
            }
            method.epoch_of_weights(executor, gemm, order, batch)?;
            // As other baselines report it: the gradient of the summed risk at the last step.
            let gradients = method.state().subnetworks.iter().map(Subnetwork::gradient);
            let squared: f64 = gradients.map(reduce::sum_squares).sum();
            let dual_residual = samples * squared.sqrt();
            Ok(Sweep { objective: f64::NAN, dual_residual, promised: -f64::MAX, ..Sweep::default() })
        })?;
        self.objective = sweep.objective;
        Ok(sweep)
    }

    /// That of the last sweep: the method works it out on its way and has no other.
    fn objective<E: Executor<T>, G: Gemm<T>>(&mut self, _: Run<'_, T>, _: &mut E, _: &G) -> Result<f64> {
        Ok(self.objective)
    }
}
