//! Back-propagation, with the step of an [`Optimizer`]: the baselines GD and SGD, Adagrad, Adadelta and Adam.
//!
//! The objective is `F = R + Omega`, R summed over the M samples as for every method here. The step is made from the
//! gradient of its **mean**, `F/M`, as is the custom, so that a learning rate means what it means elsewhere: with l2 that
//! adds `(lambda/M) W`, and not to the bias. A mini-batch of b samples takes `(1/b) sum grad R_j + (lambda/M) W` for it.
//!
//! A sweep is one pass over the samples, three products a linear map: forward, back and the gradient's; the first map's
//! input is data and takes nothing back. The gradient is made where it is stepped by, a block of columns at a time: what an
//! optimiser reads is in cache. In mini-batches that are smaller than the weights the groups leave inputs and signals of
//! their samples, of which a block's gradient is one product; else gradients, which are added up. Nothing is promised of the
//! objective.

use super::batches::Batches;
use super::card::{Card, Defaults, LayerProducts, Setup, StateMatrices, Use};
use super::minibatch::{Layout, Trace, blocks, gradient as gradient_of, gradient_workspace};
use super::numbers::Numbers;
use super::pass::{self, Goal, Pass, Samples, Signal, Tally};
use super::run::{carve, carve_mut};
use super::{Hyperparameters, Memory, Method, Partition, Run, State, Sweep, widest_tile};
use crate::block::{LinearMap, Place};
use crate::error::{Error, Result};
use crate::executor::{Executor, Pieces, Runs, Spans};
use crate::gemm::Gemm;
use crate::loss::{Loss, OutputSolver};
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::sums::Parts;
use crate::workspace::Requirement;

/// What the cards of all optimisers say alike.
const fn card(
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
        uses: &[Use::LearningRate, Use::Batch],
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
pub const GD: Card = card(
    ("gd", 5),
    ("gradient descent", "Gradient descent; stochastic gradient descent with --batch"),
    "H. Robbins, S. Monro, A Stochastic Approximation Method, Annals of Mathematical Statistics 22, 1951",
    |_| Defaults { learning_rate: 0.1, ..Defaults::UNUSED },
);

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

/// The method at work, whichever its optimiser is.
#[derive(Debug, Clone, Copy)]
pub struct Gradient<T> {
    optimizer: Optimizer<T>,
    loss: Loss,
    regularizer: Regularizer<T>,
    batches: Batches,
    /// How the largest step's samples are cut.
    partition: Partition,
}

impl<T: Real> Gradient<T> {
    /// Gradient descent for a run; in mini-batches where the settings have any, then stochastic.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, an l1 regulariser among them, which has no gradient;
    /// [`Shape`](Error::Shape) for samples or targets that do not fit the network.
    pub fn gd(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::gd(settings.learning_rate), settings, run)
    }

    /// Adagrad; errors as [`Gradient::gd`].
    pub fn adagrad(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::adagrad(settings.learning_rate), settings, run)
    }

    /// Adadelta; errors as [`Gradient::gd`].
    pub fn adadelta(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::adadelta(settings.learning_rate), settings, run)
    }

    /// Adam; errors as [`Gradient::gd`].
    pub fn adam(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        Self::new(Optimizer::adam(settings.learning_rate), settings, run)
    }

    /// Any optimiser, whose numbers are its own: the settings' learning rate is not looked at.
    ///
    /// # Errors
    /// As [`Gradient::gd`].
    pub fn new(optimizer: Optimizer<T>, settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let largest = Batches::new(settings.batch, run.samples())?.largest();
        let partition = Partition::for_network(largest, widest_tile(&run.network));
        Self::with_partition(optimizer, settings, partition, run)
    }

    /// The same where the samples of the largest step are cut so.
    ///
    /// # Errors
    /// As [`Gradient::gd`]; [`Shape`](Error::Shape) naming `partition` if it cuts another number of samples.
    pub fn with_partition(
        optimizer: Optimizer<T>,
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        let Hyperparameters { loss, regularizer, batch, .. } = *settings;
        optimizer.validate()?;
        regularizer.validate()?;
        if let Regularizer::L1(lambda) = regularizer {
            let (found, expected) = (lambda.to_f64(), "l2 or none with back-propagation");
            return Err(Error::Setting { name: "l1 regulariser", found, expected });
        }
        let batches = Batches::new(batch, run.samples())?;
        batches.check_partition(partition)?;
        pass::check(loss, run)?;
        Ok(Self { optimizer, loss, regularizer, batches, partition })
    }

    /// How parameters follow their gradient.
    pub fn optimizer(&self) -> Optimizer<T> {
        self.optimizer
    }

    /// What the method keeps, for reading.
    ///
    /// # Errors
    /// [`Length`](Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn variables<'s>(&self, run: &Run<'_, T>, state: &'s State<'_, T>) -> Result<Variables<'s, T>> {
        state.require(self.memory(run))?;
        let [_, gradient, first, second, _] = carve(state.scalars, self.scalars(run));
        Ok(Variables { gradient, first, second, steps: usize::read(state.numbers) as u64 })
    }

    /// The parts of a state's scalars, in their order: parameters, gradient, two moments, the groups' gradients.
    fn scalars(&self, run: &Run<'_, T>) -> [usize; 5] {
        let parameters = run.network.parameters();
        let moment = |index| if self.optimizer.moments() > index { parameters } else { 0 };
        let groups = self.partition.groups() * self.layout(run).elements();
        [parameters, parameters, moment(0), moment(1), groups]
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
            if !is_whole && !place.is_convolution && are_fewer { Trace::Columns } else { Trace::Gradient }
        })
    }

    /// The parts of its numbers: steps taken so far, the groups' tallies.
    fn numbers(&self) -> [usize; 2] {
        [usize::COUNT, self.partition.groups() * Tally::COUNT]
    }

    fn pass<'p>(&self, run: &Run<'p, T>, parameters: &'p [T], samples: Samples<'p>) -> Pass<'p, T> {
        let (network, problem) = (run.network, run.problem);
        let goal = Goal::Risk { loss: self.loss, target: problem.target, signal: Signal::Gradient };
        Pass { network, parameters, input: problem.x, goal, samples }
    }

    /// A step from these samples.
    fn step<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let [parameters, gradient, first, second, groups] = carve_mut(state.scalars, self.scalars(run));
        let [steps, tallies] = carve_mut(state.numbers, self.numbers());
        let layout = self.layout(run);
        let (used, length) = (samples.partition.groups(), layout.elements());
        let groups = &mut groups[..used * length];
        let pass = self.pass(run, parameters, samples);
        tallies.fill(0.0);
        let units = (Pieces::new(&mut *groups, used, |_| length), tallies_of(tallies, used));
        executor.run(units, |g, (memory, tally), stack| {
            let sink = &mut layout.collect(memory, Parts::All);
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })?;
        if !risk(tallies).is_finite() {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        let t = usize::update(steps, |steps| {
            *steps += 1;
            *steps
        });
        let share = T::ONE / T::from_usize(samples.count());
        let Self { optimizer, regularizer, .. } = *self;
        let decay = match regularizer {
            Regularizer::L2(lambda) => Some(lambda / T::from_usize(self.batches.samples())),
            _ => None,
        };
        let blocks = blocks(layout.slots().map(|slot| (slot, ())));
        let units = Spans::new(blocks, [parameters, gradient, first, second]);
        executor.run(units, |_, (columns, [w, g, first, second]), stack| {
            gradient_of(gemm, columns, groups, samples.partition, share, g, stack)?;
            if let Some(decay) = decay {
                let weights = columns.weights();
                g[..weights].iter_mut().zip(&w[..weights]).for_each(|(g, &w)| *g += decay * w);
            }
            optimizer.step(t as u64, g, first, second, w)
        })
    }

    fn omega(&self, run: &Run<'_, T>, state: &State<'_, T>) -> f64 {
        let value = |map: LinearMap| self.regularizer.value(&map.read(state.scalars).0);
        run.network.maps().map(value).sum()
    }

    /// R as the last pass found it, with `omega`, and the norm of its gradient.
    fn report(&self, run: &Run<'_, T>, state: &State<'_, T>, omega: f64) -> Result<Sweep> {
        let gradient = self.variables(run, state)?.gradient;
        let squared = |map: LinearMap| {
            let (weights, bias) = gradient[map.offset..map.end()].split_at(map.n_out * map.n_in);
            reduce::sum_squares(weights) + reduce::sum_squares(bias)
        };
        let squared: f64 = run.network.maps().map(squared).sum();
        let [_, tallies] = carve(state.numbers, self.numbers());
        let report = Sweep {
            objective: risk(tallies) + omega,
            dual_residual: self.batches.samples() as f64 * libm::sqrt(squared),
            promised: -f64::MAX,
            ..Sweep::default()
        };
        report.require_finite()
    }
}

/// The tallies of the first groups.
fn tallies_of(tallies: &mut [f64], used: usize) -> Runs<'_, f64> {
    Runs::new(&mut tallies[..used * Tally::COUNT], Tally::COUNT)
}

/// R over the groups, added up in their order.
fn risk(tallies: &[f64]) -> f64 {
    Tally::all(tallies).map(|tally| tally.cost).sum()
}

/// What the method keeps beside the parameters, each laid out as they are.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'s, T> {
    /// The gradient of the last step's mean objective.
    pub gradient: &'s [T],
    /// The optimiser's first state; empty where it keeps none.
    pub first: &'s [T],
    /// Its second state; empty where it keeps none.
    pub second: &'s [T],
    /// Steps taken so far.
    pub steps: u64,
}

impl<T: Real> Method<T> for Gradient<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        let (scalars, numbers) = (self.scalars(run), self.numbers());
        Memory { scalars: scalars.iter().sum(), numbers: numbers.iter().sum() }
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let risk = (self.loss, OutputSolver::Newton);
        let (tile, layout) = (self.partition().tile(), self.layout(run));
        let pass = pass::workspace(gemm, &run.network, tile, layout.workspace(gemm, tile), risk);
        pass.or(gradient_workspace(gemm, layout.slots()))
    }

    fn partition(&self) -> Partition {
        self.partition.of(self.batches.samples())
    }

    fn recut(&self, [_, batch]: [Partition; 2], _: &Run<'_, T>) -> Result<Self> {
        self.batches.check_partition(batch)?;
        Ok(Self { partition: batch, ..*self })
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
        state.require(self.memory(run))?;
        self.batches.check(order)?;
        let before = self.batches.are_whole().then(|| self.omega(run, state));
        for samples in self.batches.steps(order, self.partition) {
            self.step(run, state, samples, executor, gemm)?;
        }
        let omega = before.unwrap_or_else(|| self.omega(run, state));
        self.report(run, state, omega)
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
        let samples = Samples { order: None, first: 0, partition: self.partition() };
        let pass = self.pass(run, state.scalars, samples);
        let [_, tallies] = carve_mut(state.numbers, self.numbers());
        tallies.fill(0.0);
        executor.run(tallies_of(tallies, samples.partition.groups()), |g, tally, stack| {
            Tally::update(tally, |tally| pass.measure(gemm, g, tally, stack))
        })?;
        Ok(risk(tallies) + self.omega(run, state))
    }
}
