//! The weights: all moving subnetworks take a batch at the same time.

use super::parts::Parts;
use super::state::{Kept, Subnetwork, subnetwork, update};
use super::{Inner, Splitting, Tssm};
use crate::block::{GradientSums, LinearMap, MapSums};
use crate::error::{Error, Result};
use crate::executor::{Executor, Pieces, Runs};
use crate::gemm::Gemm;
use crate::method::descent::Stretches;
use crate::method::maps::{self, Maps, Record, Step};
use crate::method::numbers::Numbers;
use crate::method::pass::{Goal, Pass, Samples, Tally};
use crate::method::{Run, steering};
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::view::{MatRef, dense};

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
        kept: &mut Kept<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let parts = self.parts(run)?;
        let Some(optimizer) = self.optimizer() else {
            let mut steps = self.batches.steps(order, self.of_batch);
            return steps.try_for_each(|samples| self.sweep_maps(run, &parts, kept, samples, executor, gemm));
        };
        self.keep(&parts, kept);
        kept.tallies.fill(0.0);
        let mut seen = 0;
        for samples in self.batches.steps(order, self.of_batch) {
            self.pass(run, &parts, kept, samples, Way::Back, executor, gemm)?;
            self.follow(&parts, kept, &optimizer, samples, executor)?;
            seen += samples.count();
        }
        self.guard(&parts, kept, seen)
    }

    /// Passes a batch through all moving subnetworks; their costs are added to those that are there.
    fn pass<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        kept: &mut Kept<'_, T>,
        samples: Samples<'_>,
        way: Way,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Kept { parameters, groups, p, q, subnetworks, records, tallies, .. } = kept;
        let (parameters, subnetworks) = (&**parameters, &**subnetworks);
        let between = Between { parts: *parts, samples: run.samples(), p, q };
        let (used, moving, frozen) = (samples.partition.groups(), parts.moving(), self.settings.frozen);
        let is_proximal = self.settings.inner == Inner::Proxprop;
        let length = |l: usize| {
            let network = parts.get(l);
            if is_proximal { network.sums() } else { network.parameters() }
        };
        let group: usize = (frozen..parts.count()).map(length).sum();
        let first = maps::first_parts(records);
        let units = (
            Pieces::new(&mut groups[..used * group], used * moving, |unit| length(frozen + unit % moving)),
            Runs::new(&mut tallies[..used * moving * Tally::COUNT], Tally::COUNT),
        );
        executor.run(units, |unit, (memory, tally), stack| {
            let (g, l) = (unit / moving, frozen + unit % moving);
            let network = parts.get(l);
            let goal = self.goal(run, &between, l, subnetwork(subnetworks, l).nu);
            let parameters = &parameters[parts.parameters(l)];
            let input = between.input(run, l);
            let pass = Pass { network, parameters, input, goal, samples };
            Tally::update(tally, |tally| match way {
                Way::Forward => pass.measure(gemm, g, tally, stack),
                Way::Back if is_proximal => {
                    let first = if l == frozen { first } else { maps::first_parts(&[]) };
                    maps::clear(&network, first, memory);
                    pass.run(gemm, g, &mut MapSums { memory, first }, tally, stack)
                }
                Way::Back => {
                    memory.fill(T::ZERO);
                    pass.run(gemm, g, &mut GradientSums(memory), tally, stack)
                }
            })
        })
    }

    /// What subnetwork l is for: to be near q, p for gsAM, or a low R.
    fn goal<'p>(&self, run: &Run<'p, T>, between: &Between<'p, T>, l: usize, nu: f64) -> Goal<'p, T> {
        if l + 1 == between.parts.count() {
            let (loss, target) = (self.settings.loss, run.problem.target);
            return Goal::Risk { loss, target, signal: self.signal(nu) };
        }
        let target = if self.splitting == Splitting::Gsadmm { between.q } else { between.p };
        let target = between.matrix(target, l);
        Goal::Penalty { alpha: self.settings.alpha, target, length: T::from_f64(self.first_nu() / nu) }
    }

    /// The parameters follow the gradient of the mean cost, those of all subnetworks in one phase.
    fn follow<E: Executor<T>>(
        &self,
        parts: &Parts<'_, T>,
        kept: &mut Kept<'_, T>,
        optimizer: &Optimizer<T>,
        samples: Samples<'_>,
        executor: &mut E,
    ) -> Result {
        let Kept { parameters, gradient, first, second, groups, subnetworks, .. } = kept;
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
    fn keep(&self, parts: &Parts<'_, T>, kept: &mut Kept<'_, T>) {
        let Kept { parameters, first, second, before, subnetworks, .. } = kept;
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
    fn undo(&self, parts: &Parts<'_, T>, kept: &mut Kept<'_, T>, l: usize) {
        let Kept { parameters, first, second, before, subnetworks, .. } = kept;
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
    fn guard(&self, parts: &Parts<'_, T>, kept: &mut Kept<'_, T>, samples: usize) -> Result {
        for l in self.settings.frozen..parts.count() {
            let cost = self.mean_cost(parts, kept.tallies, l, samples);
            let before = subnetwork(kept.subnetworks, l).cost;
            let bound = self.settings.guard.map_or(f64::MAX, |guard| before + guard.to_f64());
            if cost <= bound {
                update(kept.subnetworks, l, |subnetwork| subnetwork.cost = cost);
            } else if self.settings.guard.is_some() {
                self.undo(parts, kept, l);
            } else {
                return Err(Error::NonFinite { quantity: "the cost" });
            }
        }
        Ok(())
    }

    /// One proximal step of all subnetworks from a batch; with a guard also what became of their costs.
    fn sweep_maps<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        kept: &mut Kept<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (frozen, count) = (self.settings.frozen, samples.count());
        kept.tallies.fill(0.0);
        self.pass(run, parts, kept, samples, Way::Back, executor, gemm)?;
        for l in frozen..parts.count() {
            let cost = self.mean_cost(parts, kept.tallies, l, count);
            if !cost.is_finite() {
                return Err(Error::NonFinite { quantity: "the cost" });
            }
            update(kept.subnetworks, l, |subnetwork| subnetwork.cost = cost);
        }
        self.step_maps(parts, kept, samples, executor, gemm)?;
        let Some(guard) = self.settings.guard else { return Ok(()) };
        kept.tallies.fill(0.0);
        self.pass(run, parts, kept, samples, Way::Forward, executor, gemm)?;
        for l in frozen..parts.count() {
            self.steer(parts, kept, l, guard.to_f64(), count);
        }
        Ok(())
    }

    /// The least-squares steps of all linear maps of all subnetworks.
    fn step_maps<E: Executor<T>, G: Gemm<T>>(
        &self,
        parts: &Parts<'_, T>,
        kept: &mut Kept<'_, T>,
        samples: Samples<'_>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Kept { parameters, gradient, sums, factor, before, groups, subnetworks, records, .. } = kept;
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
    fn steer(&self, parts: &Parts<'_, T>, kept: &mut Kept<'_, T>, l: usize, guard: f64, samples: usize) {
        if samples == 0 {
            return;
        }
        let found = self.mean_cost(parts, kept.tallies, l, samples);
        let (start, Subnetwork { nu, cost, .. }) = (self.first_nu(), subnetwork(kept.subnetworks, l));
        // Outputs that are not finite have no cost: that is a cost that rose.
        let nu = if found <= cost + guard {
            let own = parts.moving_parameters(l);
            let maps = parts.moving_network().maps().zip(Record::all(kept.records));
            let own = maps.filter(|(map, _)| own.contains(&map.offset));
            let predicted: f64 = own.map(|(_, record)| record.decrease).sum();
            steering::after_step(nu, start, cost - found, predicted / samples as f64)
        } else {
            self.undo(parts, kept, l);
            steering::after_rejection(nu, start)
        };
        let is_last = l + 1 == parts.count();
        update(kept.subnetworks, l, |subnetwork| subnetwork.nu = if is_last { nu } else { nu.max(start) });
    }
}

/// What lies between the subnetworks, for reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between<'b, T: Real> {
    pub(super) parts: Parts<'b, T>,
    /// M.
    pub(super) samples: usize,
    /// The inputs p, cut by cut; those below a subnetwork at least, where no others are asked for.
    pub(super) p: &'b [T],
    /// The outputs q; empty for gsAM.
    pub(super) q: &'b [T],
}

impl<'b, T: Real> Between<'b, T> {
    /// The matrix of the cut after subnetwork l, features x M.
    pub(super) fn matrix(&self, all: &'b [T], l: usize) -> MatRef<'b, T> {
        let start = self.parts.features_before(l) * self.samples;
        dense(&all[start..], self.parts.features(l), self.samples)
    }

    /// The input of subnetwork l over all samples.
    pub(super) fn input(&self, run: &Run<'b, T>, l: usize) -> MatRef<'b, T> {
        l.checked_sub(1).map_or(run.problem.x, |below| self.matrix(self.p, below))
    }
}
