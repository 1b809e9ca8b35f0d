//! Sweeps in mini-batches, with momentum and a falling step.
//!
//! A batch is three phases: its groups pass down and up and leave columns or sums; each map solves for its step; blocks of
//! columns of all maps move, the weights and their velocity in one pass over memory.

use super::ProxProp;
use super::map_step::{MapStep, MapVariables};
use crate::error::{Error, Result};
use crate::executor::{Executor, Owners, Pieces, Readers, Runs};
use crate::gemm::Gemm;
use crate::loss::OutputReport;
use crate::method::batches::Epoch;
use crate::method::numbers::{Numbers, numbers};
use crate::method::pass::{self, Samples, Tally};
use crate::method::run::carve_mut;
use crate::method::{Memory, Run, Seen, State, Sweep, nu_update};
use crate::real::Real;
use crate::workspace::Requirement;

/// What is known from one batch to the next.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// nu of the settings, multiplied by 4 for every batch that was not finite.
    nu: f64,
    /// Batches so far.
    steps: usize,
    /// R of the last batch that was finite; after the last one of an epoch with Omega.
    objective: f64,
    /// The share of the weights that the last batch kept before it added the velocity; 0 where there is no step to undo.
    kept: f64,
}

numbers!(Progress { nu: f64, steps: usize, objective: f64, kept: f64 });

/// The parts of a state's scalars and numbers.
struct Variables<'s, T> {
    parameters: &'s mut [T],
    maps: MapVariables<'s, T>,
    progress: &'s mut [f64],
    tallies: &'s mut [f64],
}

impl<T: Real> ProxProp<T> {
    fn maps<'a>(&self, run: &Run<'a, T>) -> MapStep<'a, T> {
        MapStep { network: run.network, largest: self.partition, settings: self.settings }
    }

    pub(super) fn minibatch_memory(&self, run: &Run<'_, T>) -> Memory {
        let (scalars, numbers) = self.minibatch_parts(run);
        Memory { scalars: scalars.iter().sum(), numbers: numbers.iter().sum() }
    }

    /// The parts of a state's scalars and of its numbers, in their order.
    fn minibatch_parts(&self, run: &Run<'_, T>) -> ([usize; 4], [usize; 3]) {
        let maps = self.maps(run);
        let [velocity, solving, groups] = maps.scalars();
        let scalars = [run.network.parameters(), velocity, solving, groups];
        (scalars, [Progress::COUNT, maps.numbers(), self.partition.groups() * Tally::COUNT])
    }

    fn minibatch_variables<'s>(&self, run: &Run<'_, T>, state: &'s mut State<'_, T>) -> Variables<'s, T> {
        let (scalars, numbers) = self.minibatch_parts(run);
        let [parameters, velocity, solving, groups] = carve_mut(state.scalars, scalars);
        let [progress, solved, tallies] = carve_mut(state.numbers, numbers);
        Variables { parameters, maps: MapVariables { velocity, solving, groups, solved }, progress, tallies }
    }

    pub(super) fn minibatch_workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let (tile, maps) = (self.partition.tile(), self.maps(run));
        let risk = (self.settings.loss, self.settings.solver);
        let pass = pass::workspace(gemm, &run.network, tile, maps.layout().workspace(gemm, tile), risk);
        pass.or(maps.workspace(gemm))
    }

    pub(super) fn begin_minibatches(&self, run: &Run<'_, T>, state: &mut State<'_, T>) {
        let Variables { maps, progress, .. } = self.minibatch_variables(run, state);
        maps.velocity.fill(T::ZERO);
        Progress { nu: self.settings.nu.to_f64(), ..Progress::default() }.write(progress);
    }

    /// Goes on with nu of the settings.
    pub(super) fn set_minibatch_nu(&self, run: &Run<'_, T>, state: &mut State<'_, T>) {
        let Variables { progress, .. } = self.minibatch_variables(run, state);
        Progress::update(progress, |progress| progress.nu = self.settings.nu.to_f64());
    }

    /// All samples once, in mini-batches.
    pub(super) fn minibatch_epoch<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        epoch: Epoch<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let maps = self.maps(run);
        let mut variables = self.minibatch_variables(run, state);
        let (mut sweep, mut length, mut seen) = (Sweep::default(), 1.0, Seen::default());
        let mut steps = self.batches.steps(epoch, self.partition).peekable();
        while let Some(samples) = steps.next() {
            let Progress { nu, steps: k, .. } = Progress::read(variables.progress);
            let samples = samples.for_step(&self.settings, k);
            length = self.schedule.length(k);
            let nu = nu / length;
            self.collect(run, &mut variables, (samples, k), nu, executor, gemm)?;
            let is_last = steps.peek().is_none();
            let risk: f64 = Tally::all(variables.tallies).map(|tally| tally.cost).sum();
            let report = Tally::all(variables.tallies).map(|tally| tally.report);
            sweep.output = report.fold(sweep.output, OutputReport::merge);
            if !risk.is_finite() {
                self.take_back(run, &mut variables)?;
                sweep.rejected = true;
                continue;
            }
            seen.add(variables.tallies);
            // Omega takes a pass over the weights.
            let found = if is_last { self.found(run, variables.parameters, variables.tallies) } else { risk };
            let kept = 1.0 - self.settings.weight_decay.to_f64() / nu;
            let Variables { parameters, maps: of_maps, .. } = &mut variables;
            maps.solve(parameters, of_maps, (samples, k), nu, is_last, executor, gemm)?;
            maps.advance(parameters, of_maps, samples, T::from_f64(kept), executor, gemm)?;
            Progress::update(variables.progress, |progress| {
                (progress.steps, progress.kept, progress.objective) = (k + 1, kept, found);
            });
        }
        let Progress { nu, objective, .. } = Progress::read(variables.progress);
        let slope = MapStep::<T>::slope(variables.maps.solved);
        sweep.seen = (!sweep.rejected).then_some(seen);
        (sweep.objective, sweep.dual_residual) = (objective, nu / length * libm::sqrt(slope));
        sweep.require_finite()
    }

    /// Steps 1 to 3 over batch k.
    fn collect<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut Variables<'_, T>,
        (samples, k): (Samples<'_>, usize),
        nu: f64,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let maps = self.maps(run);
        let (layout, parts, used) = (maps.layout(), maps.parts(k), samples.partition.groups());
        let length = layout.elements();
        let pass = self.pass_over(run, variables.parameters, samples, nu);
        variables.tallies.fill(0.0);
        let memory = &mut variables.maps.groups[..used * length];
        let tallies = &mut variables.tallies[..used * Tally::COUNT];
        let units = (Pieces::new(&mut *memory, used, |_| length), Runs::new(&mut *tallies, Tally::COUNT));
        executor.run_at(Owners::Evenly, units, |g, (memory, tally), stack| {
            let sink = &mut layout.collect(memory, parts);
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })?;
        executor.share(Owners::Evenly, Readers::All, Pieces::new(memory, used, |_| length))?;
        executor.share_numbers(Owners::Evenly, Readers::All, Tally::deal(tallies))
    }

    /// Undoes the last step, up to rounding, forgets the momentum and multiplies nu by 4.
    fn take_back(&self, run: &Run<'_, T>, variables: &mut Variables<'_, T>) -> Result {
        let kept = Progress::read(variables.progress).kept;
        if kept == 0.0 {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        self.maps(run).take_back(variables.parameters, variables.maps.velocity, kept);
        let start = self.settings.nu.to_f64();
        Progress::update(variables.progress, |progress| {
            progress.nu = nu_update::after_rejection(progress.nu, start);
            progress.kept = 0.0;
        });
        Ok(())
    }
}
