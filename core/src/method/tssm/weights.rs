//! The weights: all moving subnetworks take a batch at the same time.

use super::between::Between;
use super::state::{Subnetwork, VariablesMut, subnetwork, update};
use super::{Inner, Splitting, Tssm};
use crate::block::{GradientSums, LinearMap, MapSums};
use crate::error::{Error, Result};
use crate::executor::{Executor, Owners, Pieces, Readers, Runs};
use crate::gemm::Gemm;
use crate::method::batches::Epoch;
use crate::method::descent::Stretches;
use crate::method::maps::{self, Maps, Record, Step};
use crate::method::numbers::Numbers;
use crate::method::parts::Parts;
use crate::method::pass::{Goal, Pass, Samples, Tally};
use crate::method::{Run, nu_update};
use crate::optimizer::Optimizer;
use crate::real::Real;

/// How far a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To the output, for its cost alone.
    Forward,
    /// And back, for what the weights step from.
    Back,
}

impl<T: Real> Tssm<T> {
    /// Equations 2 and 3 over all batches of an epoch, and the guard.
    pub(super) fn train<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let parts = self.parts(run)?;
        if self.steps_in_minibatches() {
            return self.train_in_minibatches(run, &parts, variables, order, executor, gemm);
        }
        let Some(optimizer) = self.optimizer() else {
            let mut steps = self.batches.steps(Epoch::whole(order), self.of_batch);
            return steps
                .try_for_each(|samples| self.sweep_maps(run, &parts, variables, samples, executor, gemm));
        };
        self.keep(&parts, variables);
        variables.tallies.fill(0.0);
        let mut seen = 0;
        for samples in self.batches.steps(Epoch::whole(order), self.of_batch) {
            self.pass(run, &parts, variables, samples, Way::Back, executor, gemm)?;
            self.follow(&parts, variables, &optimizer, samples, executor)?;
            seen += samples.count();
        }
        self.guard(&parts, variables, seen)
    }

    /// Passes a batch through all moving subnetworks; their costs are added to those that are there.
    fn pass<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        samples: Samples<'_>,
        way: Way,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let VariablesMut { parameters, groups, p, q, subnetworks, records, tallies, .. } = variables;
        let (parameters, subnetworks, records) = (&**parameters, &**subnetworks, &**records);
        let between = Between { parts: *parts, samples: run.samples(), p, q };
        let (used, moving, frozen) = (samples.partition.groups(), parts.moving(), self.settings.frozen);
        let (inner, in_minibatches) = (self.settings.inner, self.steps_in_minibatches());
        let length = |l: usize| match inner {
            Inner::Sgd | Inner::Adam => parts.get(l).parameters(),
            Inner::Proxprop if in_minibatches => self.map_step_of_subnetwork(parts, l).layout().elements(),
            Inner::Proxprop => parts.get(l).sums(),
        };
        let group: usize = (frozen..parts.count()).map(length).sum();
        let k = subnetwork(subnetworks, frozen).steps;
        let (groups, tallies) = (&mut groups[..used * group], &mut tallies[..used * moving * Tally::COUNT]);
        let of_unit = |unit: usize| length(frozen + unit % moving);
        let units =
            (Pieces::new(&mut *groups, used * moving, of_unit), Runs::new(&mut *tallies, Tally::COUNT));
        executor.run_at(Owners::Evenly, units, |unit, (memory, tally), stack| {
            let (g, l) = (unit / moving, frozen + unit % moving);
            let network = parts.get(l);
            let goal = self.goal(run, &between, l, subnetwork(subnetworks, l).nu);
            let parameters = &parameters[parts.parameters(l)];
            let input = between.input(run, l);
            let pass = Pass { network, parameters, input, goal, samples };
            Tally::update(tally, |tally| match (way, inner) {
                (Way::Forward, _) => pass.measure(gemm, g, tally, stack),
                (Way::Back, Inner::Proxprop) if in_minibatches => {
                    let maps = self.map_step_of_subnetwork(parts, l);
                    let layout = maps.layout();
                    pass.run(gemm, g, &mut layout.collect(memory, maps.parts(k)), tally, stack)
                }
                (Way::Back, Inner::Proxprop) => {
                    let first = maps::first_parts(if l == frozen { records } else { &[] });
                    maps::clear(&network, first, memory);
                    pass.run(gemm, g, &mut MapSums { memory, first }, tally, stack)
                }
                (Way::Back, Inner::Sgd | Inner::Adam) => {
                    memory.fill(T::ZERO);
                    pass.run(gemm, g, &mut GradientSums(memory), tally, stack)
                }
            })
        })?;
        if way == Way::Back {
            executor.share(Owners::Evenly, Readers::All, Pieces::new(groups, used * moving, of_unit))?;
        }
        executor.share_numbers(Owners::Evenly, Readers::All, Tally::deal(tallies))
    }

    /// What subnetwork l is for: to be near q, p for gsAM, or a low R.
    fn goal<'p>(&self, run: &Run<'p, T>, between: &Between<'p, T>, l: usize, nu: f64) -> Goal<'p, T> {
        if l + 1 == between.parts.count() {
            let (loss, target) = (self.settings.loss, run.problem.target);
            return Goal::Risk { loss, target, signal: self.signal(nu) };
        }
        let target = if self.splitting == Splitting::Gsadmm { between.q } else { between.p };
        let (alpha, target) = (self.settings.alpha, between.matrix(target, l));
        let length = if self.steps_in_minibatches() {
            alpha.to_f64() / (alpha.to_f64() + nu)
        } else {
            self.first_nu() / nu
        };
        Goal::Penalty { alpha, target, length: T::from_f64(length) }
    }

    /// The parameters follow the gradient of the mean cost, those of all subnetworks in one phase.
    fn follow<E: Executor<T>>(
        &self,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        optimizer: &Optimizer<T>,
        samples: Samples<'_>,
        executor: &mut E,
    ) -> Result {
        let VariablesMut { parameters, gradient, first, second, groups, subnetworks, .. } = variables;
        let frozen = self.settings.frozen;
        (frozen..parts.count()).for_each(|l| update(subnetworks, l, |subnetwork| subnetwork.steps += 1));
        let (used, last) = (samples.partition.groups(), parts.count() - 1);
        let groups = &groups[..used * gradient.len()];
        let (count, alpha) = (T::from_usize(samples.count()), self.settings.alpha);
        let parameters = &mut parameters[parts.standing()..];
        let stretches = Stretches { parameters, gradient, first, second };
        stretches.follow(executor, groups, |mut at, mut stretch| {
            for (l, end) in (frozen..).zip(parts.ends()) {
                let (own, others) = stretch.split_at(end.saturating_sub(at));
                let share = if l == last { T::ONE } else { alpha } / count;
                own.gradient.iter_mut().for_each(|g| *g = share * *g);
                own.step(optimizer, subnetwork(subnetworks, l).steps)?;
                (at, stretch) = (at.max(end), others);
            }
            Ok(())
        })
    }

    /// Copies what a guard may go back to, if there is one.
    fn keep(&self, parts: &Parts<'_, T>, variables: &mut VariablesMut<'_, T>) {
        let VariablesMut { parameters, first, second, before, subnetworks, .. } = variables;
        let parameters = &parameters[parts.standing()..];
        let mut rest = &mut **before;
        for part in [parameters, first, second] {
            let Some((to, after)) = rest.split_at_mut_checked(part.len()) else { return };
            to.copy_from_slice(part);
            rest = after;
        }
        for l in self.settings.frozen..parts.count() {
            update(subnetworks, l, |subnetwork| subnetwork.kept_steps = subnetwork.steps);
        }
    }

    /// Takes subnetwork l back to the copy.
    fn undo(&self, parts: &Parts<'_, T>, variables: &mut VariablesMut<'_, T>, l: usize) {
        let VariablesMut { parameters, first, second, before, subnetworks, .. } = variables;
        let (own, parameters) = (parts.moving_parameters(l), &mut parameters[parts.standing()..]);
        let mut rest = &**before;
        for part in [parameters, first, second] {
            let (from, after) = rest.split_at(part.len());
            if let (Some(to), Some(from)) = (part.get_mut(own.clone()), from.get(own.clone())) {
                to.copy_from_slice(from);
            }
            rest = after;
        }
        update(subnetworks, l, |subnetwork| subnetwork.steps = subnetwork.kept_steps);
    }

    /// The mean cost of subnetwork l over so many samples, by its groups' tallies.
    fn mean_cost(&self, parts: &Parts<'_, T>, tallies: &[f64], l: usize, samples: usize) -> f64 {
        let own = Tally::all(tallies).skip(l - self.settings.frozen).step_by(parts.moving());
        own.map(|tally| tally.cost).sum::<f64>() / samples.max(1) as f64
    }

    /// Undoes the epoch of subnetworks whose mean cost rose by more than the guard allows.
    fn guard(&self, parts: &Parts<'_, T>, variables: &mut VariablesMut<'_, T>, samples: usize) -> Result {
        for l in self.settings.frozen..parts.count() {
            let cost = self.mean_cost(parts, variables.tallies, l, samples);
            let before = subnetwork(variables.subnetworks, l).cost;
            let bound = self.settings.guard.map_or(f64::MAX, |guard| before + guard.to_f64());
            if cost <= bound {
                update(variables.subnetworks, l, |subnetwork| subnetwork.cost = cost);
            } else if self.settings.guard.is_some() {
                self.undo(parts, variables, l);
            } else {
                return Err(Error::NonFinite { quantity: "the cost" });
            }
        }
        Ok(())
    }

    /// Passes a batch down and up, and keeps the mean costs.
    pub(super) fn pass_back<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        variables.tallies.fill(0.0);
        self.pass(run, parts, variables, samples, Way::Back, executor, gemm)?;
        for l in self.settings.frozen..parts.count() {
            let cost = self.mean_cost(parts, variables.tallies, l, samples.count());
            if !cost.is_finite() {
                return Err(Error::NonFinite { quantity: "the cost" });
            }
            update(variables.subnetworks, l, |subnetwork| subnetwork.cost = cost);
        }
        Ok(())
    }

    /// One proximal step of all subnetworks from a batch; with a guard also what became of their costs.
    fn sweep_maps<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.pass_back(run, parts, variables, samples, executor, gemm)?;
        self.step_maps(parts, variables, samples, executor, gemm)?;
        let Some(guard) = self.settings.guard else { return Ok(()) };
        variables.tallies.fill(0.0);
        self.pass(run, parts, variables, samples, Way::Forward, executor, gemm)?;
        for l in self.settings.frozen..parts.count() {
            self.update_nu(parts, variables, l, guard.to_f64(), samples.count());
        }
        Ok(())
    }

    /// The least-squares steps of all linear maps of all subnetworks.
    fn step_maps<E: Executor<T>, G: Gemm<T>>(
        &self,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let VariablesMut { parameters, gradient, sums, factor, before, groups, subnetworks, records, .. } =
            variables;
        let groups = &groups[..samples.partition.groups() * sums.len()];
        let parameters = &mut parameters[parts.standing()..];
        let network = parts.moving_network();
        let mut maps = Maps { network, parameters, change: gradient, sums, factor, before, records };
        maps.collect(executor, groups)?;
        maps.keep(executor)?;
        let (alpha, start, last) = (self.settings.alpha.to_f64(), self.first_nu(), parts.count() - 1);
        // The gradient of the cost is alpha or nu times the sums of r p'; the signal's own length does not count.
        let weight = |map: LinearMap| {
            let l = parts.of_parameter(map.offset);
            let nu = subnetwork(subnetworks, l).nu;
            if l == last { nu } else { alpha * nu / start }
        };
        let step = Step {
            damping: self.settings.damping,
            regularizer: self.settings.regularizer,
            samples: samples.count(),
            data: self.sees_data(),
        };
        maps.step(executor, gemm, &step, weight)
    }

    /// Undoes the step of subnetwork l if its cost rose, and moves its nu.
    fn update_nu(
        &self,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        l: usize,
        guard: f64,
        samples: usize,
    ) {
        if samples == 0 {
            return;
        }
        let found = self.mean_cost(parts, variables.tallies, l, samples);
        let (start, Subnetwork { nu, cost, .. }) = (self.first_nu(), subnetwork(variables.subnetworks, l));
        // Outputs that are not finite have no cost: that is a cost that rose.
        let nu = if found <= cost + guard {
            let own = parts.moving_parameters(l);
            let maps = parts.moving_network().maps().zip(Record::all(variables.records));
            let own = maps.filter(|(map, _)| own.contains(&map.offset));
            let predicted: f64 = own.map(|(_, record)| record.decrease).sum();
            nu_update::after_step(nu, start, cost - found, predicted / samples as f64)
        } else {
            self.undo(parts, variables, l);
            nu_update::after_rejection(nu, start)
        };
        let is_last = l + 1 == parts.count();
        update(variables.subnetworks, l, |subnetwork| {
            subnetwork.nu = if is_last { nu } else { nu.max(start) }
        });
    }
}
