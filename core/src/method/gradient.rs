//! Back-propagation, with the step of an [`Optimizer`]: the baselines GD and SGD, Adagrad, Adadelta and Adam.
//!
//! The objective is `F = R + Omega`, R summed over the M samples as for every method here. The step is made from the
//! gradient of its **mean**, `F/M`, as is the custom, so that a learning rate means what it means elsewhere: with l2 that
//! adds `(lambda/M) W`, and not to the bias. A mini-batch of b samples takes `(1/b) sum grad R_j + (lambda/M) W` for it.
//!
//! Step k, counted from 0, has the length `s_k rate`, s_k of the [`StepSchedule`](super::StepSchedule). Before it the weights,
//! not the biases and not a batch normalisation's scales, decay by `1 - s_k rate weight_decay`, as in PyTorch's AdamW
//! (Loshchilov, Hutter, ICLR 2019). Where `clip` is set, the gradient of the step, l2's part included, is multiplied by `min(1, clip/(|g| + 1e-6))` first, as PyTorch's
//! `clip_grad_norm_` does (Pascanu, Mikolov, Bengio, ICML 2013).
//!
//! A sweep is one pass over the samples, three products a linear map: forward, back and the gradient's; the first map's
//! input is data and takes nothing back. The gradient is made where it is stepped by, a block of columns at a time: what an
//! optimiser reads is in cache, and no gradient is kept, but where its norm must be known before the first step by it. In
//! mini-batches that are smaller than the weights the groups leave inputs and signals of their samples, of which a block's
//! gradient is one product; else gradients, which are added up. Nothing is promised of the objective.

pub(super) mod orthogonal;

use super::batches::{Batches, Epoch};
use super::card::{Card, Defaults, LayerProducts, Setup, StateMatrices, Use};
use super::draws;
use super::minibatch::{
    Columns, Layout, Trace, blocks, gradient as gradient_of, gradient_workspace, largest_blocks,
};
use super::muon;
use super::numbers::Numbers;
use super::pass::{self, Goal, Pass, Samples, Signal, Tally};
use super::run::{carve, carve_mut};
use super::step_schedule::Schedule;
use super::{Hyperparameters, Memory, Method, Partition, Run, Seen, State, Sweep, omega};
use crate::block::{LinearMap, MapKind, Place, track};
use crate::error::{Error, Result, require_not_negative, require_positive};
use crate::executor::{Executor, Extent, Owners, Pieces, Readers, Runs, Spans};
use crate::gemm::Gemm;
use crate::loss::OutputSolver;
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::sums::Parts;
use crate::workspace::{Requirement, Stack};
use orthogonal::{Turn, Whole};

/// The settings that have an effect with every optimiser.
const USES: &[Use] = &[Use::LearningRate, Use::Batch, Use::StepSchedule, Use::WeightDecay, Use::Clip];

/// What the cards of all optimisers say alike.
pub(super) const fn card(
    (name, code): (&'static str, i32),
    (title, summary): (&'static str, &'static str),
    paper: &'static str,
    defaults: fn(&Setup) -> Defaults,
) -> Card {
    Card {
        name,
        code,
        title,
        summary,
        paper,
        layers_only: false,
        uses: USES,
        in_minibatches: &[Use::Seen, Use::Augmentation],
        defaults,
        batch: None,
        composed: true,
        products: |first, _, _, _| LayerProducts::back_propagation(first),
        state: StateMatrices { hidden: 0, last: 0, cut: 0 },
        rho_threshold: None,
        theorem: "no theorem about rho",
    }
}

/// What is known of gradient descent without a run.
pub const GD: Card = Card {
    uses: &[
        Use::LearningRate,
        Use::Batch,
        Use::Momentum,
        Use::Nesterov,
        Use::StepSchedule,
        Use::WeightDecay,
        Use::Clip,
    ],
    ..card(
        ("gd", 5),
        ("gradient descent", "Gradient descent; stochastic gradient descent with --batch"),
        "H. Robbins, S. Monro, A Stochastic Approximation Method, Annals of Mathematical Statistics 22, 1951",
        |_| Defaults { learning_rate: 0.1, ..Defaults::UNUSED },
    )
};

/// What is known of Adagrad without a run.
pub const ADAGRAD: Card = card(
    ("adagrad", 6),
    ("Adagrad", "Adagrad (Duchi, Hazan, Singer 2011)"),
    "J. Duchi, E. Hazan, Y. Singer, Adaptive Subgradient Methods for Online Learning and Stochastic \
     Optimization, JMLR 12, 2011",
    |_| Defaults { learning_rate: 1e-2, ..Defaults::UNUSED },
);

/// What is known of Adadelta without a run.
pub const ADADELTA: Card = card(
    ("adadelta", 7),
    ("Adadelta", "Adadelta (Zeiler 2012)"),
    "M. D. Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv:1212.5701, 2012",
    |_| Defaults { learning_rate: 1.0, ..Defaults::UNUSED },
);

/// What is known of Adam without a run.
pub const ADAM: Card = card(
    ("adam", 8),
    ("Adam", "Adam (Kingma, Ba 2015)"),
    "D. P. Kingma, J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
    |_| Defaults { learning_rate: 1e-3, ..Defaults::UNUSED },
);

/// What is known of AdamW without a run.
pub const ADAMW: Card = card(
    ("adamw", 11),
    ("AdamW", "AdamW (Loshchilov, Hutter 2019): Adam with decoupled weight decay"),
    "I. Loshchilov, F. Hutter, Decoupled Weight Decay Regularization, ICLR 2019",
    |_| Defaults { learning_rate: 1e-3, weight_decay: 0.01, ..Defaults::UNUSED },
);

/// Why batch normalisation has no place in steps from all samples.
const MINI_BATCHES: &str = "mini-batches, of which it takes mean and variance, or a network without it";

/// `Ok` when a step of this rate does not decay all of a weight.
pub(super) fn require_some_left<T: Real>(rate: T, weight_decay: T) -> Result {
    let decay = weight_decay.to_f64();
    if rate.to_f64() * decay < 1.0 {
        return Ok(());
    }
    Err(Error::Setting { name: "weight-decay", found: decay, expected: "below one over the learning rate" })
}

/// The method at work, whichever its optimiser is.
#[derive(Debug, Clone, Copy)]
pub struct Gradient<T> {
    optimizer: Optimizer<T>,
    /// What the weights of all maps but the last follow instead, with Muon.
    turn: Option<Turn<T>>,
    settings: Hyperparameters<T>,
    batches: Batches,
    /// How the largest step's samples are cut.
    partition: Partition,
    schedule: Schedule,
}

impl<T: Real> Gradient<T> {
    /// Gradient descent for a run; in mini-batches where the settings have any, then stochastic. With momentum where the
    /// settings have any.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, an l1 regulariser among them, which has no gradient, and
    /// Nesterov's momentum without any; [`Shape`](Error::Shape) for samples or targets that do not fit the network.
    pub fn gd(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let Hyperparameters { learning_rate, momentum, nesterov, .. } = *settings;
        if nesterov && momentum == T::ZERO {
            return Err(Error::Setting { name: "momentum", found: 0.0, expected: "above 0 with Nesterov's" });
        }
        Self::new(Optimizer::momentum(learning_rate, momentum, nesterov), settings, run)
    }

    /// Adagrad; errors as [`Gradient::gd`].
    pub fn adagrad(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::adagrad(settings.learning_rate), settings, run)
    }

    /// Adadelta; errors as [`Gradient::gd`].
    pub fn adadelta(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::adadelta(settings.learning_rate), settings, run)
    }

    /// Adam, and AdamW with a weight decay of the settings; errors as [`Gradient::gd`].
    pub fn adam(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::adam(settings.learning_rate), settings, run)
    }

    /// Any optimiser, whose numbers are its own: the settings' learning rate is not looked at.
    ///
    /// # Errors
    /// As [`Gradient::gd`].
    pub fn new(optimizer: Optimizer<T>, settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::with_turn(optimizer, None, settings, run)
    }

    /// The same where the weights of all maps but the last follow `turn` instead.
    pub(super) fn with_turn(
        optimizer: Optimizer<T>,
        turn: Option<Turn<T>>,
        settings: &Hyperparameters<T>,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        let largest = Batches::new(settings.batch, run.samples())?.largest();
        let partition = Partition::for_batch(largest, &run.network);
        Self::of(optimizer, turn, settings, partition, run)
    }

    /// As [`new`](Self::new) where the samples of the largest step are cut so.
    ///
    /// # Errors
    /// As [`Gradient::gd`]; [`Shape`](Error::Shape) naming `partition` if it cuts another number of samples.
    pub fn with_partition(
        optimizer: Optimizer<T>,
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        Self::of(optimizer, None, settings, partition, run)
    }

    fn of(
        optimizer: Optimizer<T>,
        turn: Option<Turn<T>>,
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        let Hyperparameters { loss, regularizer, batch, weight_decay, clip, .. } = *settings;
        optimizer.validate()?;
        regularizer.validate()?;
        if let Regularizer::L1(lambda) = regularizer {
            let (found, expected) = (lambda.to_f64(), "l2 or none with back-propagation");
            return Err(Error::Setting { name: "l1 regulariser", found, expected });
        }
        require_not_negative("weight-decay", weight_decay.to_f64())?;
        require_some_left(turn.map_or(optimizer.rate(), |turn| turn.rate), weight_decay)?;
        clip.map_or(Ok(()), |clip| require_positive("clip", clip.to_f64()))?;
        let batches = Batches::new(batch, run.samples())?;
        batches.check_partition(partition)?;
        pass::check(loss, run)?;
        draws::check(settings, batches.are_whole(), run)?;
        if batches.are_whole() && run.network.has_batch_norm() {
            draws::require_one_network(run.network, MINI_BATCHES)?;
        }
        batches.check_batch_norm(&run.network, partition)?;
        let Hyperparameters { step_schedule, warm_up, sweeps, .. } = *settings;
        let schedule = Schedule::new(step_schedule, warm_up, sweeps, batches.count())?;
        Ok(Self { optimizer, turn, settings: *settings, batches, partition, schedule })
    }

    /// How parameters follow their gradient; with Muon, those of biases and of the last map.
    pub fn optimizer(&self) -> Optimizer<T> {
        self.optimizer
    }

    /// What the method keeps, for reading.
    ///
    /// # Errors
    /// [`Length`](Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn variables<'s>(&self, run: &Run<'_, T>, state: &'s State<'_, T>) -> Result<Variables<'s, T>> {
        state.require(self.memory(run))?;
        let [_, _, first, second, _] = carve(state.scalars, self.scalars(run));
        Ok(Variables { first, second, steps: usize::read(state.numbers) as u64 })
    }

    /// The parts of a state's scalars, in their order: parameters, gradient, two moments, what the groups leave.
    fn scalars(&self, run: &Run<'_, T>) -> [usize; 5] {
        let parameters = run.network.parameters();
        let moment = |index| if self.optimizer.moments() > index { parameters } else { 0 };
        let gradient = if self.keeps_gradient() { parameters } else { 0 };
        let groups = self.partition.groups() * self.layout(run).elements();
        [parameters, gradient, moment(0), moment(1), groups]
    }

    /// Whether the whole gradient is at hand at once.
    fn keeps_gradient(&self) -> bool {
        self.settings.clip.is_some() || self.turn.is_some()
    }

    /// What the groups leave: of maps of more weights than a batch has inputs and signals the latter, else gradients.
    fn layout<'a>(
        &self,
        run: &Run<'a, T>,
    ) -> Layout<'a, T, impl Fn(Place) -> Trace + Copy + Send + use<'a, T>> {
        let (is_whole, largest) = (self.batches.are_whole(), self.partition);
        Layout::new(run.network, largest, move |place| {
            let LinearMap { n_out, n_in, .. } = place.map;
            let columns = largest.samples().saturating_mul(n_in.saturating_add(n_out));
            let are_fewer = columns < n_in.saturating_mul(n_out).saturating_mul(largest.groups());
            if !is_whole && place.map.kind == MapKind::Dense && are_fewer {
                Trace::Columns
            } else {
                Trace::Gradient
            }
        })
    }

    /// The parts of its numbers: steps taken so far, the groups' tallies, the blocks' squared gradients.
    fn numbers(&self, run: &Run<'_, T>) -> [usize; 3] {
        [usize::COUNT, self.partition.groups() * Tally::COUNT, self.blocks(run).count()]
    }

    /// The weights and biases of all maps as they are stepped, and whether the weights do not follow the optimiser.
    fn blocks<'a>(
        &self,
        run: &Run<'a, T>,
    ) -> impl Iterator<Item = Columns<bool>> + Clone + Send + use<'a, T> {
        let whole = self.maps(run).map(|whole| whole.turns);
        blocks(self.layout(run).slots().zip(whole))
    }

    /// All maps, with what their weights follow.
    fn maps<'a>(&self, run: &Run<'a, T>) -> impl Iterator<Item = Whole> + Clone + Send + use<'a, T> {
        let turns = self.turn.is_some();
        let last = run.network.maps().filter(|map| map.kind.is_matrix()).last();
        let turns = move |map: LinearMap| turns && map.kind.is_matrix() && Some(map) != last;
        run.network.maps().map(move |map| Whole { map, turns: turns(map) })
    }

    fn pass<'p>(&self, run: &Run<'p, T>, parameters: &'p [T], samples: Samples<'p>) -> Pass<'p, T> {
        let (network, problem) = (run.network, run.problem);
        let goal = Goal::Risk { loss: self.settings.loss, target: problem.target, signal: Signal::Gradient };
        Pass { network, parameters, input: problem.x, goal, samples }
    }

    /// A step from these samples; after the last one of a sweep the norm of its gradient is known.
    fn step<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        (samples, is_last): (Samples<'_>, bool),
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let [parameters, gradient, first, second, groups] = carve_mut(state.scalars, self.scalars(run));
        let [steps, tallies, squares] = carve_mut(state.numbers, self.numbers(run));
        let k = usize::read(steps);
        let samples = samples.for_step(&self.settings, k);
        let used = samples.partition.groups();
        let groups = &mut groups[..used * self.layout(run).elements()];
        self.collect(run, parameters, groups, samples, &mut tallies[..used * Tally::COUNT], executor, gemm)?;
        tallies[used * Tally::COUNT..].fill(0.0);
        if !risk(tallies).is_finite() {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        (k + 1).write(steps);
        let slope = Slope {
            groups,
            partition: samples.partition,
            share: T::ONE / T::from_usize(samples.count()),
            l2: match self.settings.regularizer {
                Regularizer::L2(lambda) => Some(lambda / T::from_usize(self.batches.samples())),
                _ => None,
            },
        };
        let length = T::from_f64(self.schedule.length(k));
        let decay = self.settings.weight_decay;
        let pace = Pace { optimizer: self.optimizer.shortened(length), decay, t: k as u64 + 1 };
        let blocks = self.blocks(run);
        if let Some(clip) = self.settings.clip {
            let units = (Spans::new(blocks.clone(), [&mut *parameters, &mut *gradient]), &mut *squares);
            executor.run(units, |_, ((columns, [w, g]), square), stack| {
                slope.of(gemm, &columns, w, g, stack)?;
                *square = square_of(&columns, g);
                Ok(())
            })?;
            let scale = T::from_f64((clip.to_f64() / (norm(squares) + 1e-6)).min(1.0));
            let parts = [&mut *parameters, &mut *gradient, first, &mut *second];
            executor.run(Spans::new(blocks, parts), |_, (columns, [w, g, first, second]), _| {
                if columns.kind() != MapKind::Statistics {
                    g.iter_mut().for_each(|g| *g = scale * *g);
                }
                pace.follow(&columns, g, [w, first, second])
            })?;
        } else {
            let parts = [&mut *parameters, &mut *gradient, first, &mut *second];
            let units = (Spans::new(blocks, parts), squares);
            executor.run(units, |_, ((columns, [w, g, first, second]), square), mut stack| {
                let g = if g.is_empty() { stack.vector(columns.extent())? } else { g };
                slope.of(gemm, &columns, w, g, stack)?;
                if is_last {
                    *square = square_of(&columns, g);
                }
                pace.follow(&columns, g, [w, first, second])
            })?;
        }
        let Some(turn) = self.turn else { return Ok(()) };
        // The second moments of these weights are no one's.
        turn.step(self.maps(run), length, decay, [parameters, gradient, second], executor, gemm)
    }

    /// Passes the samples down and up; every group leaves what `layout` says.
    fn collect<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parameters: &[T],
        groups: &mut [T],
        samples: Samples<'_>,
        tallies: &mut [f64],
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (layout, used) = (self.layout(run), samples.partition.groups());
        let (pass, length) = (self.pass(run, parameters, samples), layout.elements());
        tallies.fill(0.0);
        let units = (Pieces::new(&mut *groups, used, |_| length), Runs::new(&mut *tallies, Tally::COUNT));
        executor.run_at(Owners::Evenly, units, |g, (memory, tally), stack| {
            let sink = &mut layout.collect(memory, Parts::All);
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })?;
        executor.share(Owners::Evenly, Readers::All, Pieces::new(groups, used, |_| length))?;
        executor.share_numbers(Owners::Evenly, Readers::All, Tally::deal(tallies))
    }

    fn omega(&self, run: &Run<'_, T>, state: &State<'_, T>) -> f64 {
        omega(self.settings.regularizer, &run.network, state.scalars)
    }

    /// R as the last pass found it, with `omega`, and the norm of its gradient.
    fn report(&self, run: &Run<'_, T>, state: &State<'_, T>, omega: f64) -> Result<Sweep> {
        let [_, tallies, squares] = carve(state.numbers, self.numbers(run));
        let report = Sweep {
            objective: risk(tallies) + omega,
            dual_residual: self.batches.samples() as f64 * norm(squares),
            promised: -f64::MAX,
            ..Sweep::default()
        };
        report.require_finite()
    }
}

/// What the gradient of a mean objective is made of.
struct Slope<'g, T> {
    /// What the groups of samples have left.
    groups: &'g [T],
    partition: Partition,
    /// One over the samples.
    share: T,
    /// What of the weights an l2 regulariser adds.
    l2: Option<T>,
}

impl<T: Real> Slope<'_, T> {
    /// The gradient of some columns, at `w`, to `to`.
    fn of<G: Gemm<T>>(
        &self,
        gemm: &G,
        columns: &Columns<bool>,
        w: &[T],
        to: &mut [T],
        stack: Stack<'_, T>,
    ) -> Result {
        gradient_of(gemm, *columns, self.groups, self.partition, self.share, to, stack)?;
        if let Some(l2) = self.l2 {
            let weights = columns.regularized();
            to[..weights].iter_mut().zip(&w[..weights]).for_each(|(g, &w)| *g += l2 * w);
        }
        Ok(())
    }
}

/// How parameters follow their gradient in one step.
struct Pace<T> {
    optimizer: Optimizer<T>,
    /// Decoupled weight decay.
    decay: T,
    /// The number of the step, counted from 1.
    t: u64,
}

impl<T: Real> Pace<T> {
    /// Some columns, whose weights are left for the next phase where Muon has them.
    fn follow(&self, columns: &Columns<bool>, g: &mut [T], [w, first, second]: [&mut [T]; 3]) -> Result {
        if columns.kind() == MapKind::Statistics {
            // What came is the mean over the samples already.
            track(w, g, 1);
            return Ok(());
        }
        let from = if columns.map { columns.weights() } else { 0 };
        Turn::look_ahead(&mut g[..from], first);
        self.optimizer.decay(self.decay, &mut w[from..columns.regularized().max(from)]);
        self.optimizer.step(self.t, &g[from..], tail(first, from), tail(second, from), &mut w[from..])
    }
}

/// What follows the first elements of a moment, which is empty where none is kept.
fn tail<T>(moment: &mut [T], from: usize) -> &mut [T] {
    let from = from.min(moment.len());
    &mut moment[from..]
}

/// `|g|^2` of a block; what follows no gradient has none.
fn square_of<T: Real>(columns: &Columns<bool>, g: &[T]) -> f64 {
    if columns.kind() == MapKind::Statistics { 0.0 } else { reduce::sum_squares(g) }
}

/// The norm of a gradient from its blocks' squares, added up in their order.
fn norm(squares: &[f64]) -> f64 {
    libm::sqrt(squares.iter().sum())
}

/// R over the groups, added up in their order.
fn risk(tallies: &[f64]) -> f64 {
    Tally::all(tallies).map(|tally| tally.cost).sum()
}

/// What the method keeps beside the parameters, each laid out as they are.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'s, T> {
    /// The optimiser's first state; empty where it keeps none.
    pub first: &'s [T],
    /// Its second state; empty where it keeps none.
    pub second: &'s [T],
    /// Steps taken so far.
    pub steps: u64,
}

impl<T: Real> Method<T> for Gradient<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        let (scalars, numbers) = (self.scalars(run), self.numbers(run));
        Memory { scalars: scalars.iter().sum(), numbers: numbers.iter().sum() }
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let risk = (self.settings.loss, OutputSolver::Newton);
        let (tile, layout) = (self.partition().tile(), self.layout(run));
        let pass = pass::workspace(gemm, &run.network, tile, layout.workspace(gemm, tile), risk);
        let largest = largest_blocks(layout.slots()).map(|columns| columns.extent()).max().unwrap_or(0);
        let made = if self.keeps_gradient() { Requirement::NONE } else { Requirement::vector(largest) };
        pass.or(made.and(gradient_workspace(gemm, layout.slots()))).or(Turn::workspace(gemm, self.maps(run)))
    }

    fn partition(&self) -> Partition {
        self.partition.of(self.batches.samples())
    }

    fn recut(&self, [_, batch]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        self.batches.check_partition(batch)?;
        self.batches.check_batch_norm(&run.network, batch)?;
        Ok(Self { partition: batch, ..*self })
    }

    /// The moments and the count of steps stay.
    fn set_learning_rate(&mut self, rate: T) -> Result {
        let (optimizer, turn) = match self.turn {
            Some(_) => {
                let (aside, turn) = muon::steps(rate);
                (aside, Some(turn))
            }
            None => (self.optimizer.with_rate(rate), None),
        };
        optimizer.validate()?;
        require_some_left(rate, self.settings.weight_decay)?;
        (self.optimizer, self.turn) = (optimizer, turn);
        Ok(())
    }

    /// The optimiser has taken no step.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        _: &mut E,
        _: &G,
    ) -> Result {
        state.require(self.memory(run))?;
        let [_, gradient, first, second, _] = carve_mut(state.scalars, self.scalars(run));
        [gradient, first, second].into_iter().for_each(|part| part.fill(T::ZERO));
        state.numbers.fill(0.0);
        Ok(())
    }

    /// One step from all samples, or an epoch of mini-batches.
    ///
    /// The report's objective is that of the weights before the step, the dual residual the norm of its gradient; after
    /// mini-batches R and its gradient are as the last one had them, and Omega is the present one. Nothing is promised,
    /// which the least finite number stands for.
    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.sweep_part(run, state, Epoch::whole(order), executor, gemm)
    }

    fn sweep_part<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        epoch: Epoch<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        state.require(self.memory(run))?;
        self.batches.check(epoch.order)?;
        let before = self.batches.are_whole().then(|| self.omega(run, state));
        let mut seen = Seen::default();
        let mut steps = self.batches.steps(epoch, self.partition).peekable();
        while let Some(samples) = steps.next() {
            let is_last = steps.peek().is_none();
            self.step(run, state, (samples, is_last), executor, gemm)?;
            let [_, tallies, _] = carve(state.numbers, self.numbers(run));
            seen.add(tallies);
        }
        let omega = before.unwrap_or_else(|| self.omega(run, state));
        let seen = (!self.batches.are_whole()).then_some(seen);
        Ok(Sweep { seen, ..self.report(run, state, omega)? })
    }

    /// R + Omega at the present weights, by a pass down of its own.
    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        state.require(self.memory(run))?;
        let samples = Samples { order: None, first: 0, partition: self.partition(), draws: None };
        let pass = self.pass(run, state.scalars, samples);
        let [_, tallies, _] = carve_mut(state.numbers, self.numbers(run));
        Ok(pass.cost(tallies, executor, gemm)? + self.omega(run, state))
    }
}
