//! Proximal back-propagation with least-squares weights (after Frerix, Moellenhoff, Moeller, Cremers, 'Proximal
//! Backpropagation', ICLR 2018, with the implicit step of the weights).
//!
//! A sweep starts from a consistent network, `r = 0` and no dual:
//!
//! 1. forward: `z_l = W_l a_{l-1} + b_l` for every linear map, `a_l` what the blocks up to the next one make of it;
//! 2. output target `t_L = argmin_z R(z; y) + (nu/2)|z - z_L|^2`;
//! 3. for l = L..1: `r_l = z_l - t_l`, and the input's target by one gradient step of the penalty `(1/2)|r_l|^2`: `r` goes
//!    back through the blocks as a gradient does, `t_{l-1} = z_{l-1} - f'(z_{l-1}) o W_l' r_l` between dense layers;
//! 4. every map at once: the joint least-squares step of (W, b) from `r_l` and `a_{l-1}`
//!    ([`update::weights`](crate::update::weights)). A convolution is the map of its patches.
//!
//! Steps 1 to 3 are one pass over the samples, of which only the maps' sums are left: nothing of the size of the
//! samples is carried. Products a map: three and a half, the first one's two.
//!
//! **Guard.** The steps of all maps together may overshoot, so nu is steered as Levenberg and Marquardt do. The
//! gradient of the objective, R + Omega, is that of the penalties up to the second order in `r`, and predicts the decrease
//! `P = nu sum_l (<C_c, -D> + M|k|^2)` for the steps D, with the centred sums C_c and the row means k of r. A sweep
//! steps from the sums at hand and passes the samples through the new network, which gives its loss and the next sums.
//! If the loss is higher than before, or not finite, the step is undone bit for bit and nu multiplied by 4. Otherwise, with
//! g = (true decrease)/P, nu is divided by 1.5 where g > 0.5 and doubled where g < 0.15. **So the loss never rises from
//! sweep to sweep.** Only after a rejected sweep must the pass be made again, at the old weights and the new nu.
//!
//! A mini-batch takes steps 1 to 4 without a guard, at a fixed nu. If its outputs are not finite, the step before is
//! undone and nu multiplied by 4 instead.

use super::batches::Batches;
use super::card::{Card, Defaults, LayerProducts, StateMatrices, Use};
use super::maps::{self, Maps, Record, Step};
use super::numbers::{Numbers, numbers};
use super::pass::{self, Goal, Pass, Samples, Signal, Tally};
use super::run::{carve, carve_mut};
use super::{Hyperparameters, Memory, Method, Partition, Run, State, Sweep, steering};
use crate::block::{LinearMap, MapSums};
use crate::error::{Error, Result, require_positive};
use crate::executor::{Executor, Pieces, Runs};
use crate::gemm::Gemm;
use crate::loss::OutputReport;
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::workspace::Requirement;

/// What is known of proximal back-propagation without a run.
pub const CARD: Card = Card {
    name: "proxprop",
    code: 4,
    title: "proximal back-propagation",
    summary: "Proximal back-propagation with least-squares weights, guarded (after Frerix et al., ICLR 2018)",
    paper: "T. Frerix, T. Moellenhoff, M. Moeller, D. Cremers, Proximal Backpropagation, ICLR 2018",
    layers_only: false,
    uses: &[Use::Nu, Use::Damping, Use::Batch],
    defaults: |_| Defaults { nu: 3.0, rho: 1.0, learning_rate: 1.0 },
    composed: true,
    products: |first, _, _, _| LayerProducts {
        inner: if first { 0.0 } else { 0.5 },
        ..LayerProducts::back_propagation(first)
    },
    state: StateMatrices { hidden: 0, last: 0, cut: 0 },
    rho_threshold: None,
    theorem: "no theorem about rho",
};

/// The method at work.
#[derive(Debug, Clone, Copy)]
pub struct ProxProp<T> {
    settings: Hyperparameters<T>,
    batches: Batches,
    /// How the largest step's samples are cut.
    partition: Partition,
}

/// What the guard knows from one sweep to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Guard {
    nu: f64,
    /// The nu with which the sums at hand were made.
    sums_nu: f64,
    /// R + Omega at the present weights.
    objective: f64,
    /// The groups' sums are those of the present weights.
    current: bool,
    /// The kept parameters are those before the last step.
    stepped: bool,
}

numbers!(Guard { nu: f64, sums_nu: f64, objective: f64, current: bool, stepped: bool });

/// The state for writing.
struct Variables<'s, T: Real> {
    maps: Maps<'s, T>,
    guard: &'s mut [f64],
    /// The groups' sums, one after the other.
    groups: &'s mut [T],
    tallies: &'s mut [f64],
}

impl<T: Real> ProxProp<T> {
    /// The method for a run; in mini-batches where the settings have any.
    ///
    /// # Errors
    /// As [`ProxProp::with_partition`].
    pub fn new(settings: &Hyperparameters<T>, run: &Run<'_, T>) -> Result<Self> {
        let largest = Batches::new(settings.batch, run.samples())?.largest();
        let partition = Partition::for_network(largest, pass::widest_tile(&run.network));
        Self::with_partition(settings, partition, run)
    }

    /// The same where the samples of the largest step are cut so.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting) for a number out of its range, an l1 regulariser among them, which has no least-squares
    /// step; [`Shape`](Error::Shape) for samples or targets that do not fit the network, or naming `partition` if it
    /// cuts another number of samples.
    pub fn with_partition(
        settings: &Hyperparameters<T>,
        partition: Partition,
        run: &Run<'_, T>,
    ) -> Result<Self> {
        let Hyperparameters { nu, damping, regularizer, loss, batch, .. } = *settings;
        require_positive("nu", nu.to_f64())?;
        require_positive("damping", damping.to_f64())?;
        regularizer.validate()?;
        if let Regularizer::L1(lambda) = regularizer {
            let (found, expected) = (lambda.to_f64(), "l2 or none with least-squares weights");
            return Err(Error::Setting { name: "l1 regulariser", found, expected });
        }
        let batches = Batches::new(batch, run.samples())?;
        batches.check_partition(partition)?;
        pass::check(loss, run)?;
        Ok(Self { settings: *settings, batches, partition })
    }

    /// The present nu.
    ///
    /// # Errors
    /// [`Length`](Error::Length) for a state that is not of [`memory`](Method::memory)'s sizes.
    pub fn nu(&self, run: &Run<'_, T>, state: &State<'_, T>) -> Result<f64> {
        state.require(self.memory(run))?;
        Ok(Guard::read(state.numbers).nu)
    }

    /// The parts of a state's scalars, in their order: parameters, their last change, the maps' sums, the factor of the
    /// first map's, the parameters before the last step, the groups' sums.
    fn scalars(&self, run: &Run<'_, T>) -> [usize; 6] {
        let (parameters, sums) = (run.network.parameters(), run.network.sums());
        // With l2 the factor changes with nu, with mini-batches the input's sums do.
        let keeps_factor = self.batches.are_whole() && self.settings.regularizer == Regularizer::None;
        let factor = if keeps_factor { maps::factor(&run.network) } else { 0 };
        [parameters, parameters, sums, factor, parameters, self.partition.groups() * sums]
    }

    /// The parts of its numbers: the guard's, the maps' records, the groups' tallies.
    fn numbers(&self, run: &Run<'_, T>) -> [usize; 3] {
        [Guard::COUNT, maps::numbers(&run.network), self.partition.groups() * Tally::COUNT]
    }

    fn variables<'s>(&self, run: &Run<'s, T>, state: &'s mut State<'_, T>) -> Variables<'s, T> {
        let [parameters, change, sums, factor, before, groups] = carve_mut(state.scalars, self.scalars(run));
        let [guard, records, tallies] = carve_mut(state.numbers, self.numbers(run));
        let maps = Maps { network: run.network, parameters, change, sums, factor, before, records };
        Variables { maps, guard, groups, tallies }
    }

    fn samples(&self) -> Samples<'static> {
        Samples { order: None, first: 0, partition: self.partition() }
    }

    fn pass_over<'p>(
        &self,
        run: &Run<'p, T>,
        parameters: &'p [T],
        samples: Samples<'p>,
        nu: f64,
    ) -> Pass<'p, T> {
        let Hyperparameters { loss, solver, .. } = self.settings;
        let signal = Signal::Proximal { nu: T::from_f64(nu), solver };
        let goal = Goal::Risk { loss, target: run.problem.target, signal };
        Pass { network: run.network, parameters, input: run.problem.x, goal, samples }
    }

    /// Steps 1 to 3.
    fn pass<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Variables { maps, guard, groups, tallies } = self.variables(run, state);
        let nu = Guard::update(guard, |guard| {
            (guard.sums_nu, guard.current) = (guard.nu, true);
            guard.nu
        });
        let pass = self.pass_over(run, maps.parameters, samples, nu);
        let (used, length) = (samples.partition.groups(), maps.sums.len());
        let first = maps::first_parts(maps.records);
        tallies.fill(0.0);
        let sums = Pieces::new(&mut groups[..used * length], used, |_| length);
        let tallies = Runs::new(&mut tallies[..used * Tally::COUNT], Tally::COUNT);
        executor.run((sums, tallies), |g, (memory, tally), stack| {
            maps::clear(&run.network, first, memory);
            let sink = &mut MapSums { memory, first };
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })
    }

    /// Step 4, from the sums of the last pass. If a map has no step, all of them stay.
    fn step<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Variables { mut maps, guard, groups, .. } = self.variables(run, state);
        let nu = Guard::read(guard).sums_nu;
        maps.collect(executor, &groups[..samples.partition.groups() * maps.sums.len()])?;
        // Before any map steps: the failure of one takes back the steps of all.
        maps.keep(executor)?;
        let Hyperparameters { damping, regularizer, .. } = self.settings;
        // Only data that every pass sees again has sums and a factor to keep.
        let data = self.batches.are_whole();
        let step = Step { damping, regularizer, samples: samples.count(), data };
        let stepped = maps.step(executor, gemm, &step, |_| nu);
        Guard::update(guard, |guard| guard.stepped = true);
        if stepped.is_err() {
            self.undo(run, state);
        }
        stepped
    }

    /// Takes the last step back, bit for bit.
    fn undo(&self, run: &Run<'_, T>, state: &mut State<'_, T>) {
        let Variables { mut maps, guard, .. } = self.variables(run, state);
        maps.undo();
        Guard::update(guard, |guard| (guard.current, guard.stepped) = (false, false));
    }

    /// R + Omega, as the last pass found it.
    fn found(&self, run: &Run<'_, T>, state: &State<'_, T>) -> f64 {
        let omega = |map: LinearMap| self.settings.regularizer.value(&map.read(state.scalars).0);
        let [_, _, tallies] = carve(state.numbers, self.numbers(run));
        Tally::all(tallies).map(|tally| tally.cost).sum::<f64>() + run.network.maps().map(omega).sum::<f64>()
    }

    /// A sweep over all samples: the objective, R + Omega, does not rise.
    fn sweep_all<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        if !Guard::read(state.numbers).current {
            self.pass(run, state, self.samples(), executor, gemm)?;
        }
        let before = Guard::read(state.numbers).objective;
        self.step(run, state, self.samples(), executor, gemm)?;
        let predicted: f64 = self.records(run, state).map(|record| record.decrease).sum();
        self.pass(run, state, self.samples(), executor, gemm)?;
        let (found, start) = (self.found(run, state), self.settings.nu.to_f64());
        let rejected = found > before || !found.is_finite();
        if rejected {
            self.undo(run, state);
        }
        Guard::update(state.numbers, |guard| {
            if rejected {
                guard.nu = steering::after_rejection(guard.nu, start);
            } else {
                guard.objective = found;
                guard.nu = steering::after_step(guard.nu, start, before - found, predicted);
            }
        });
        self.account(run, state, rejected).require_finite()
    }

    /// A step from a mini-batch, without a look at what it did to the loss.
    fn sweep_batch<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.pass(run, state, samples, executor, gemm)?;
        let found = self.found(run, state);
        let rejected = !found.is_finite();
        if !rejected {
            Guard::update(state.numbers, |guard| guard.objective = found);
            self.step(run, state, samples, executor, gemm)?;
        } else if Guard::read(state.numbers).stepped {
            self.undo(run, state);
            let start = self.settings.nu.to_f64();
            Guard::update(state.numbers, |guard| guard.nu = steering::after_rejection(guard.nu, start));
        } else {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        self.account(run, state, rejected).require_finite()
    }

    fn records<'s>(
        &self,
        run: &Run<'_, T>,
        state: &'s State<'_, T>,
    ) -> impl Iterator<Item = Record> + use<'s, T> {
        let [_, records, _] = carve(state.numbers, self.numbers(run));
        Record::all(records)
    }

    fn account(&self, run: &Run<'_, T>, state: &State<'_, T>, rejected: bool) -> Sweep {
        let slope: f64 = self.records(run, state).map(|record| record.slope).sum();
        let [_, _, tallies] = carve(state.numbers, self.numbers(run));
        Sweep {
            objective: Guard::read(state.numbers).objective,
            dual_residual: libm::sqrt(slope),
            output: Tally::all(tallies).fold(OutputReport::default(), |all, tally| all.merge(tally.report)),
            rejected,
            ..Sweep::default()
        }
    }
}

impl<T: Real> Method<T> for ProxProp<T> {
    fn memory(&self, run: &Run<'_, T>) -> Memory {
        Memory { scalars: self.scalars(run).iter().sum(), numbers: self.numbers(run).iter().sum() }
    }

    fn workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let (tile, network) = (self.partition().tile(), &run.network);
        let (sums, risk) =
            (MapSums::workspace(gemm, network, tile), (self.settings.loss, self.settings.solver));
        pass::workspace(gemm, network, tile, sums, risk).or(maps::step_workspace(gemm, network))
    }

    fn partition(&self) -> Partition {
        self.partition.of(self.batches.samples())
    }

    fn recut(&self, [_, batch]: [Partition; 2], run: &Run<'_, T>) -> Result<Self> {
        Self::with_partition(&self.settings, batch, run)
    }

    /// Begins at nu of the settings. Where all samples are in one pass, makes it.
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        state.require(self.memory(run))?;
        state.numbers.fill(0.0);
        Guard { nu: self.settings.nu.to_f64(), ..Guard::default() }.write(state.numbers);
        if !self.batches.are_whole() {
            return Ok(());
        }
        self.pass(run, state, self.samples(), executor, gemm)?;
        let objective = self.found(run, state);
        Guard::update(state.numbers, |guard| guard.objective = objective);
        if objective.is_finite() { Ok(()) } else { Err(Error::NonFinite { quantity: "the loss" }) }
    }

    /// One sweep over all samples, after which R + Omega is not higher, or an epoch of mini-batches.
    ///
    /// The dual residual is the norm of the gradient of the objective as the penalties have it; nothing is carried that
    /// a primal residual could tell of. After mini-batches the objective is the last one's R before its step, and Omega.
    /// Where there is no step from the present weights, they are what they were.
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
        if self.batches.are_whole() {
            return self.sweep_all(run, state, executor, gemm);
        }
        let mut epoch = Sweep::default();
        for samples in self.batches.steps(order, self.partition) {
            let sweep = self.sweep_batch(run, state, samples, executor, gemm)?;
            let (output, rejected) = (epoch.output.merge(sweep.output), epoch.rejected || sweep.rejected);
            epoch = Sweep { output, rejected, ..sweep };
        }
        Ok(epoch)
    }

    /// R + Omega of all samples at the present weights, by a pass down of its own. The sums at hand stay.
    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        state.require(self.memory(run))?;
        let Variables { maps, tallies, .. } = self.variables(run, state);
        let samples = self.samples();
        let pass = self.pass_over(run, maps.parameters, samples, 1.0);
        tallies.fill(0.0);
        let used = samples.partition.groups() * Tally::COUNT;
        executor.run(Runs::new(&mut tallies[..used], Tally::COUNT), |g, tally, stack| {
            Tally::update(tally, |tally| pass.measure(gemm, g, tally, stack))
        })?;
        Ok(self.found(run, state))
    }
}
