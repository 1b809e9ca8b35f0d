//! The weights: mini-batch steps of all subnetworks at the same time.

use super::state::{Interface, Share, Subnetwork};
use super::tile::subtract;
use super::{Settings, Splitting, State, Tssm};
use crate::block::{Gradient, Network};
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::method::backprop::Stretches;
use crate::method::{Partition, Problem};
use crate::real::Real;
use crate::reduce;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, column, column_mut, columns, columns_mut, dense_mut, reborrow};
use crate::workspace::Stack;

/// What a subnetwork does with a group of a mini-batch.
struct Batch<'b, T: Real, S> {
    settings: Settings<T>,
    partition: Partition,
    samples: &'b [u32],
    problem: Problem<'b, T>,
    interfaces: &'b [Interface<T, S>],
}

impl<'a, T: Real, S: Memory<T>> Tssm<'a, T, S> {
    /// Equations 2 and 3 over all batches of an epoch, and the guard.
    pub(super) fn train<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        order: &[u32],
        batch: usize,
    ) -> Result {
        let frozen = self.settings.frozen;
        for subnetwork in self.state.subnetworks.iter_mut().skip(frozen) {
            subnetwork.keep();
        }
        for share in self.state.shares.iter_mut() {
            share.cost = 0.0;
        }
        let count = order.len().div_ceil(batch);
        let edge = |batch: usize| order.len() * batch / count;
        for samples in (0..count).map(|batch| &order[edge(batch)..edge(batch + 1)]) {
            self.differentiate(executor, gemm, samples)?;
            self.step(executor, samples.len())?;
        }
        self.guard(order.len())
    }

    /// The gradients of a mini-batch, as sums over its groups; their costs are added to those of the epoch.
    fn differentiate<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        samples: &[u32],
    ) -> Result {
        let (groups, frozen) = (self.batches.groups(), self.settings.frozen);
        let Self { settings, networks, batches, problem, state, .. } = self;
        let State { subnetworks, interfaces, shares, .. } = state;
        let (subnetworks, networks) = (&**subnetworks, *networks);
        let partition = batches.of(samples.len());
        let batch = Batch { settings: *settings, partition, samples, problem: *problem, interfaces };
        let first = (frozen * groups).min(shares.len());
        executor.run(&mut shares[first..], |unit, share, stack| {
            let (l, g) = (frozen + unit / groups, unit % groups);
            if g >= partition.groups() {
                return Ok(());
            }
            batch.group(gemm, &networks[l], &subnetworks[l], l, g, share, stack)
        })
    }

    /// The parameters follow the gradient of the mean cost.
    fn step<E: Executor<T>>(&mut self, executor: &mut E, count: usize) -> Result {
        let (groups, used) = (self.batches.groups(), self.batches.of(count).groups());
        let (optimizer, frozen) = (self.settings.optimizer, self.settings.frozen);
        let last = self.networks.len() - 1;
        let State { subnetworks, shares, .. } = &mut self.state;
        for (l, subnetwork) in subnetworks.iter_mut().enumerate().skip(frozen) {
            let alpha = if l == last { T::ONE } else { self.settings.alpha };
            let share = alpha / T::from_usize(count);
            let shares = &shares[l * groups..][..used];
            subnetwork.steps += 1;
            let t = subnetwork.steps;
            let [parameters, gradient, first, second] = [
                &mut subnetwork.parameters,
                &mut subnetwork.gradient,
                &mut subnetwork.first,
                &mut subnetwork.second,
            ]
            .map(AsMut::as_mut);
            let stretches = Stretches { parameters, gradient, first, second };
            executor.run(stretches, |index, unit, _| {
                let at = index * Stretches::<T>::LENGTH;
                unit.gradient.fill(T::ZERO);
                for group in shares {
                    add_slice(&group.gradient.as_ref()[at..][..unit.gradient.len()], unit.gradient);
                }
                unit.gradient.iter_mut().for_each(|g| *g = share * *g);
                optimizer.step(t, unit.gradient, unit.first, unit.second, unit.parameters)
            })?;
        }
        Ok(())
    }

    /// Undoes the epoch of subnetworks whose mean cost rose by more than the guard allows.
    fn guard(&mut self, samples: usize) -> Result {
        let (groups, guard) = (self.batches.groups(), self.settings.guard);
        let State { subnetworks, shares, .. } = &mut self.state;
        for (l, subnetwork) in subnetworks.iter_mut().enumerate().skip(self.settings.frozen) {
            let sum: f64 = shares[l * groups..][..groups].iter().map(|share| share.cost).sum();
            let cost = sum / samples.max(1) as f64;
            let bound = guard.map_or(f64::MAX, |guard| subnetwork.cost + guard.to_f64());
            if cost <= bound {
                subnetwork.cost = cost;
            } else if guard.is_some() {
                subnetwork.undo();
            } else {
                return Err(Error::NonFinite { quantity: "the cost" });
            }
        }
        Ok(())
    }
}

impl<T: Real, S: Memory<T>> Batch<'_, T, S> {
    /// The gradient and the cost of a group, tile by tile.
    fn group<G: Gemm<T>>(
        &self,
        gemm: &G,
        network: &Network<'_, T>,
        subnetwork: &Subnetwork<T, S>,
        l: usize,
        g: usize,
        share: &mut Share<T, S>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        share.gradient.as_mut().fill(T::ZERO);
        let (first, _) = self.partition.group(g);
        for (start, count) in self.partition.tiles(g) {
            let samples = &self.samples[first + start..][..count];
            let mut stack = stack.rest();
            let input = self.input(l, samples, &mut stack)?;
            let record = stack.vector(network.record(count))?;
            network.forward(gemm, subnetwork.parameters(), &input, record, stack.rest())?;
            let output = network.output_of(record, count);
            let mut delta = stack.matrix(output.nrows(), count)?;
            share.cost += self.signal(l, samples, &output, &mut delta)?;
            let mut sink = Gradient(share.gradient.as_mut());
            let parameters = subnetwork.parameters();
            network.backward(gemm, parameters, &input, record, &mut delta, None, &mut sink, stack)?;
        }
        Ok(())
    }

    /// The samples' inputs, side by side.
    fn input<'s>(&self, l: usize, samples: &[u32], stack: &mut Stack<'s, T>) -> Result<MatRef<'s, T>> {
        let from = match l.checked_sub(1) {
            None => self.problem.x,
            Some(below) => self.interfaces[below].p.view(),
        };
        let rows = from.nrows();
        let gathered = stack.vector(rows * samples.len())?;
        let mut to = dense_mut(gathered, rows, samples.len());
        for (j, &sample) in samples.iter().enumerate() {
            column_mut(&mut to, j).copy_from_slice(column(&from, sample as usize));
        }
        Ok(crate::view::dense(gathered, rows, samples.len()))
    }

    /// The gradient in the output, as sums and without alpha, and the cost: `(alpha/2)|f - q|^2`, p for gsAM, or R.
    fn signal(
        &self,
        l: usize,
        samples: &[u32],
        output: &MatRef<'_, T>,
        delta: &mut MatMut<'_, T>,
    ) -> Result<f64> {
        let Settings { splitting, alpha, loss, .. } = self.settings;
        let mut cost = 0.0;
        for (j, &sample) in samples.iter().enumerate() {
            let sample = sample as usize;
            let (output, mut delta) = (columns(output, j, 1), columns_mut(delta, j, 1));
            let Some(above) = self.interfaces.get(l) else {
                let target = self.problem.target.columns(sample, 1);
                cost += loss.value(output, target)?;
                loss.gradient(output, target, reborrow(&mut delta))?;
                continue;
            };
            let target = if splitting == Splitting::Gsadmm { &above.q } else { &above.p };
            subtract(&output, &target.columns(sample, 1), &mut delta);
            cost += 0.5 * alpha.to_f64() * reduce::sum_squares(column_mut(&mut delta, 0));
        }
        Ok(cost)
    }
}
