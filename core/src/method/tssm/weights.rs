//! The weights: mini-batch steps of all subnetworks at the same time.

use super::state::{Interface, Share, Subnetwork};
use super::tile::{risk_signal, subtract};
use super::{Inner, Settings, Splitting, State, Tssm};
use crate::block::{Gradient, MapSums, Network};
use crate::error::{Error, Result};
use crate::executor::{Chain, Executor, Units};
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::method::backprop::Stretches;
use crate::method::{Partition, Problem};
use crate::optimizer::Optimizer;
use crate::real::Real;
use crate::reduce;
use crate::update::sums::add_slice;
use crate::view::{MatMut, MatRef, column, column_mut, columns, columns_mut, dense_mut};
use crate::workspace::Stack;

/// The batches of an epoch: as few as hold `batch` samples each at most, all as large as one another, but for one sample.
fn batches(order: &[u32], batch: usize) -> impl Iterator<Item = &[u32]> {
    let count = order.len().div_ceil(batch);
    let edge = move |batch: usize| order.len() * batch / count;
    (0..count).map(move |batch| &order[edge(batch)..edge(batch + 1)])
}

/// What a subnetwork does with a group of a mini-batch.
struct Batch<'b, T: Real, S> {
    settings: Settings<T>,
    partition: Partition,
    samples: &'b [u32],
    problem: Problem<'b, T>,
    interfaces: &'b [Interface<T, S>],
    way: Way,
}

/// Stretches of the parameters of subnetwork l, from parameter `first` on.
struct Own<'a, T> {
    l: usize,
    first: usize,
    /// Steps of the subnetwork, this one included.
    steps: u64,
    stretches: Stretches<'a, T>,
}

impl<T: Send> Units for Own<'_, T> {
    type Unit = Self;

    fn count(&self) -> usize {
        self.stretches.count()
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { l, first, steps, stretches } = self;
        let next = first + at * Stretches::<T>::LENGTH;
        let (front, back) = stretches.split(at);
        (Self { l, first, steps, stretches: front }, Self { l, first: next, steps, stretches: back })
    }

    fn single(self) -> Self {
        self
    }
}

/// How far a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the output, for its cost alone.
    Forward,
    /// And back, for what the weights step from.
    Back,
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
        let optimizer = match self.settings.inner {
            Inner::Optimizer(optimizer) => optimizer,
            Inner::Proximal { damping, .. } => {
                return batches(order, batch)
                    .try_for_each(|samples| self.sweep(executor, gemm, damping, samples));
            }
        };
        self.keep();
        self.clear_costs();
        for samples in batches(order, batch) {
            self.pass(executor, gemm, samples, Way::Back)?;
            self.step(executor, &optimizer, samples.len())?;
        }
        self.guard(order.len())
    }

    /// Copies what a guard may go back to.
    pub(super) fn keep(&mut self) {
        let frozen = self.settings.frozen;
        self.state.subnetworks.iter_mut().skip(frozen).for_each(Subnetwork::keep);
    }

    pub(super) fn clear_costs(&mut self) {
        self.state.shares.iter_mut().for_each(|share| share.cost = 0.0);
    }

    /// The gradients of a mini-batch, or its linear maps' sums, group by group; the costs are added to those that are there.
    pub(super) fn pass<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        samples: &[u32],
        way: Way,
    ) -> Result {
        let (groups, frozen) = (self.batches.groups(), self.settings.frozen);
        let Self { settings, networks, batches, problem, state, .. } = self;
        let State { subnetworks, interfaces, shares, .. } = state;
        let (subnetworks, networks) = (&**subnetworks, *networks);
        let partition = batches.of(samples.len());
        let batch = Batch { settings: *settings, partition, samples, problem: *problem, interfaces, way };
        let first = (frozen * groups).min(shares.len());
        executor.run(&mut shares[first..], |unit, share, stack| {
            let (l, g) = (frozen + unit / groups, unit % groups);
            if g >= partition.groups() {
                return Ok(());
            }
            batch.group(gemm, &networks[l], &subnetworks[l], l, g, share, stack)
        })
    }

    /// The parameters follow the gradient of the mean cost, those of all subnetworks in one phase.
    fn step<E: Executor<T>>(&mut self, executor: &mut E, optimizer: &Optimizer<T>, count: usize) -> Result {
        let (groups, used) = (self.batches.groups(), self.batches.of(count).groups());
        let frozen = self.settings.frozen;
        let last = self.networks.len() - 1;
        let State { subnetworks, shares, .. } = &mut self.state;
        let (shares, alpha) = (&**shares, self.settings.alpha);
        let samples = T::from_usize(count);
        let moving = subnetworks.get_mut(frozen..).unwrap_or_default();
        moving.iter_mut().for_each(|subnetwork| subnetwork.steps += 1);
        let stretches = |_, subnetwork: &Subnetwork<T, S>| {
            subnetwork.parameters.as_ref().len().div_ceil(Stretches::<T>::LENGTH)
        };
        let units = Chain::new(moving, frozen, stretches, |l, subnetwork| {
            let Subnetwork { parameters, gradient, first, second, steps, .. } = subnetwork;
            let [parameters, gradient, first, second] =
                [parameters, gradient, first, second].map(AsMut::as_mut);
            Own { l, first: 0, steps: *steps, stretches: Stretches { parameters, gradient, first, second } }
        });
        executor.run(units, |_, Own { l, first, steps, stretches: unit }, _| {
            let share = if l == last { T::ONE } else { alpha } / samples;
            unit.gradient.fill(T::ZERO);
            for group in &shares[l * groups..][..used] {
                add_slice(&group.sums.as_ref()[first..][..unit.gradient.len()], unit.gradient);
            }
            unit.gradient.iter_mut().for_each(|g| *g = share * *g);
            optimizer.step(steps, unit.gradient, unit.first, unit.second, unit.parameters)
        })
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
        if self.way == Way::Back {
            share.sums.as_mut().fill(T::ZERO);
        }
        let (parameters, nu) = (subnetwork.parameters(), subnetwork.nu);
        let (first, _) = self.partition.group(g);
        for (start, count) in self.partition.tiles(g) {
            let samples = &self.samples[first + start..][..count];
            let mut stack = stack.rest();
            let input = self.input(l, samples, &mut stack)?;
            let record = stack.vector(network.record(count))?;
            network.forward(gemm, parameters, &input, record, stack.rest())?;
            let output = network.output_of(record, count);
            let mut delta = stack.matrix(output.nrows(), count)?;
            share.cost += self.signal(l, nu, samples, &output, &mut delta, stack.rest())?;
            if self.way == Way::Forward {
                continue;
            }
            let memory = share.sums.as_mut();
            match self.settings.inner {
                Inner::Optimizer(_) => {
                    let sink = &mut Gradient(memory);
                    network.backward(gemm, parameters, &input, record, &mut delta, None, sink, stack)?;
                }
                Inner::Proximal { .. } => {
                    let sink = &mut MapSums { network, memory };
                    network.backward(gemm, parameters, &input, record, &mut delta, None, sink, stack)?;
                }
            }
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

    /// What goes back from the output, as sums and without alpha or nu, and the cost: `(alpha/2)|f - q|^2`, p for gsAM, or
    /// R.
    fn signal(
        &self,
        l: usize,
        nu: f64,
        samples: &[u32],
        output: &MatRef<'_, T>,
        delta: &mut MatMut<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result<f64> {
        let Settings { splitting, alpha, loss, inner, .. } = self.settings;
        let length = T::from_f64(inner.nu() / nu);
        let mut cost = 0.0;
        for (j, &sample) in samples.iter().enumerate() {
            let sample = sample as usize;
            let (output, mut delta) = (columns(output, j, 1), columns_mut(delta, j, 1));
            let Some(above) = self.interfaces.get(l) else {
                let target = self.problem.target.columns(sample, 1);
                cost += loss.value(output, target)?;
                if self.way == Way::Back {
                    risk_signal(&self.settings, nu, &output, target, &mut delta, stack.rest())?;
                }
                continue;
            };
            let target = if splitting == Splitting::Gsadmm { &above.q } else { &above.p };
            subtract(&output, &target.columns(sample, 1), &mut delta);
            let delta = column_mut(&mut delta, 0);
            cost += 0.5 * alpha.to_f64() * reduce::sum_squares(delta);
            if length != T::ONE {
                delta.iter_mut().for_each(|delta| *delta *= length);
            }
        }
        Ok(cost)
    }
}
