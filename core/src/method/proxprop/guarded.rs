//! Sweeps over all samples, guarded: the objective never rises.

use super::ProxProp;
use crate::block::MapSums;
use crate::error::{Error, Result};
use crate::executor::{Executor, Owners, Pieces, Readers, Runs};
use crate::gemm::Gemm;
use crate::loss::OutputReport;
use crate::method::maps::{self, Maps, Record, Step};
use crate::method::numbers::{Numbers, numbers};
use crate::method::pass::{self, Tally};
use crate::method::run::{carve, carve_mut};
use crate::method::{Hyperparameters, Memory, Method as _, Run, State, Sweep, nu_update};
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::workspace::Requirement;

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
}

numbers!(Guard { nu: f64, sums_nu: f64, objective: f64, current: bool });

/// The state for writing.
struct Variables<'s, T: Real> {
    maps: Maps<'s, T>,
    guard: &'s mut [f64],
    /// The groups' sums, one after the other.
    groups: &'s mut [T],
    tallies: &'s mut [f64],
}

impl<T: Real> ProxProp<T> {
    /// The parts of a state's scalars, in their order: parameters, their last change, the maps' sums, the factor of the
    /// first map's, the parameters before the last step, the groups' sums.
    fn scalars(&self, run: &Run<'_, T>) -> [usize; 6] {
        let (parameters, sums) = (run.network.parameters(), run.network.sums());
        // With l2 the factor changes with nu.
        let keeps_factor = self.settings.regularizer == Regularizer::None;
        let factor = if keeps_factor { maps::factor(&run.network) } else { 0 };
        [parameters, parameters, sums, factor, parameters, self.partition.groups().saturating_mul(sums)]
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

    /// Steps 1 to 3.
    fn pass<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Variables { maps, guard, groups, tallies } = self.variables(run, state);
        let nu = Guard::update(guard, |guard| {
            (guard.sums_nu, guard.current) = (guard.nu, true);
            guard.nu
        });
        let pass = self.pass_over(run, maps.parameters, self.samples(), nu);
        let (used, length) = (self.partition.groups(), maps.sums.len());
        let first = maps::first_parts(maps.records);
        tallies.fill(0.0);
        let (groups, tallies) = (&mut groups[..used * length], &mut tallies[..used * Tally::COUNT]);
        let units = (Pieces::new(&mut *groups, used, |_| length), Runs::new(&mut *tallies, Tally::COUNT));
        executor.run_at(Owners::Evenly, units, |g, (memory, tally), stack| {
            maps::clear(&run.network, first, memory);
            let sink = &mut MapSums { memory, first };
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })?;
        executor.share(Owners::Evenly, Readers::All, Pieces::new(groups, used, |_| length))?;
        executor.share_numbers(Owners::Evenly, Readers::All, Tally::deal(tallies))
    }

    /// Step 4, from the sums of the last pass. If a map has no step, all of them stay.
    fn step<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Variables { mut maps, guard, groups, .. } = self.variables(run, state);
        let nu = Guard::read(guard).sums_nu;
        maps.collect(executor, groups)?;
        // Before any map steps: the failure of one takes back the steps of all.
        maps.keep(executor)?;
        let Hyperparameters { damping, regularizer, .. } = self.settings;
        let step = Step { damping, regularizer, samples: self.batches.samples(), data: true };
        let stepped = maps.step(executor, gemm, &step, |_| nu);
        if stepped.is_err() {
            self.undo(run, state);
        }
        stepped
    }

    /// Takes the last step back, bit for bit.
    fn undo(&self, run: &Run<'_, T>, state: &mut State<'_, T>) {
        let Variables { mut maps, guard, .. } = self.variables(run, state);
        maps.undo();
        Guard::update(guard, |guard| guard.current = false);
    }

    /// R + Omega, as the last pass found it.
    fn now(&self, run: &Run<'_, T>, state: &State<'_, T>) -> f64 {
        let [_, _, tallies] = carve(state.numbers, self.numbers(run));
        self.found(run, state.scalars, tallies)
    }

    pub(super) fn guarded_memory(&self, run: &Run<'_, T>) -> Memory {
        Memory { scalars: self.scalars(run).iter().sum(), numbers: self.numbers(run).iter().sum() }
    }

    pub(super) fn guarded_workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let (tile, network) = (self.partition().tile(), &run.network);
        let (sums, risk) =
            (MapSums::workspace(gemm, network, tile), (self.settings.loss, self.settings.solver));
        pass::workspace(gemm, network, tile, sums, risk).or(maps::step_workspace(gemm, network))
    }

    /// Begins with a pass at nu of the settings.
    pub(super) fn begin_guarded<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        Guard { nu: self.settings.nu.to_f64(), ..Guard::default() }.write(state.numbers);
        self.pass(run, state, executor, gemm)?;
        let objective = self.now(run, state);
        Guard::update(state.numbers, |guard| guard.objective = objective);
        if objective.is_finite() { Ok(()) } else { Err(Error::NonFinite { quantity: "the loss" }) }
    }

    /// Goes on from nu of the settings; the sums at hand are of another one.
    pub(super) fn set_guarded_nu(&self, state: &mut State<'_, T>) {
        Guard::update(state.numbers, |guard| (guard.nu, guard.current) = (self.settings.nu.to_f64(), false));
    }

    /// A sweep over all samples: the objective, R + Omega, does not rise.
    pub(super) fn guarded_sweep<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        if !Guard::read(state.numbers).current {
            self.pass(run, state, executor, gemm)?;
        }
        let before = Guard::read(state.numbers).objective;
        self.step(run, state, executor, gemm)?;
        let predicted: f64 = self.records(run, state).map(|record| record.decrease).sum();
        self.pass(run, state, executor, gemm)?;
        let (found, start) = (self.now(run, state), self.settings.nu.to_f64());
        let rejected = found > before || !found.is_finite();
        if rejected {
            self.undo(run, state);
        }
        Guard::update(state.numbers, |guard| {
            if rejected {
                guard.nu = nu_update::after_rejection(guard.nu, start);
            } else {
                guard.objective = found;
                guard.nu = nu_update::after_step(guard.nu, start, before - found, predicted);
            }
        });
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
