//! The least-squares steps of a network's maps from a batch: solved for map by map, then taken in blocks of columns, the
//! weights and their velocity in one pass over memory.

use super::Carry;
use crate::block::{MapKind, Network, Place, scale_step, track};
use crate::error::Result;
use crate::executor::{Executor, Extent, Runs, Spans};
use crate::gemm::Gemm;
use crate::method::Hyperparameters;
use crate::method::minibatch::{Columns, Layout, Slot, Trace, blocks, largest_blocks};
use crate::method::numbers::{Numbers, numbers};
use crate::method::partition::Partition;
use crate::method::pass::Samples;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::update::sums::{Parts, add_slice};
use crate::update::weights::{self, Change, Factor, Order, dual};
use crate::view::{MatRef, as_ref, column, columns, dense, dense_mut};
use crate::workspace::{Requirement, Stack};

/// How all maps of a network, or of a part of one, step from batches.
#[derive(Debug, Clone, Copy)]
pub(in crate::method) struct MapStep<'a, T> {
    pub(in crate::method) network: Network<'a, T>,
    /// How the largest batch is cut.
    pub(in crate::method) largest: Partition,
    /// Of which form, sums that are carried, damping, momentum and Omega are looked at.
    pub(in crate::method) settings: Hyperparameters<T>,
}

/// What is kept of the maps beside their parameters.
#[derive(Debug)]
pub(in crate::method) struct MapVariables<'s, T> {
    /// Laid out as the parameters.
    pub(in crate::method) velocity: &'s mut [T],
    /// Where steps are solved for.
    pub(in crate::method) solving: &'s mut [T],
    /// What the groups of a batch have left, one after the other.
    pub(in crate::method) groups: &'s mut [T],
    /// A record for each map.
    pub(in crate::method) solved: &'s mut [f64],
}

impl<'a, T: Real> MapStep<'a, T> {
    /// Elements of velocity, of the memory for solving and of all groups.
    pub(in crate::method) fn scalars(&self) -> [usize; 3] {
        let solving = self.solvings().map(|solving| solving.extent()).fold(0, usize::saturating_add);
        let groups = self.largest.groups().saturating_mul(self.layout().elements());
        [self.network.parameters(), solving, groups]
    }

    /// Numbers of the maps' records.
    pub(in crate::method) fn numbers(&self) -> usize {
        self.network.places().count() * Solved::COUNT
    }

    /// What a group of samples leaves of each map.
    pub(in crate::method) fn layout(
        &self,
    ) -> Layout<'a, T, impl Fn(Place) -> Trace + Copy + Send + use<'a, T>> {
        let (form, most) = (self.settings.form, self.largest.samples());
        Layout::new(self.network, self.largest, move |place| form.trace(place, most))
    }

    /// What batch k, counted from 0, adds up of maps that leave sums.
    pub(in crate::method) fn parts(&self, k: usize) -> Parts {
        let renews = self.settings.carry.is_none_or(|carry| carry.renews(k));
        if renews { Parts::All } else { Parts::Residual }
    }

    /// Scratch of [`solve`](Self::solve) and [`advance`](Self::advance).
    pub(in crate::method) fn workspace<G: Gemm<T>>(&self, gemm: &G) -> Requirement {
        let (layout, most) = (self.layout(), self.largest.samples());
        let rule = StepRule::LeastSquares { damping: T::ONE };
        let solve = layout.slots().fold(Requirement::NONE, |needed, slot| {
            let map = slot.place.map;
            needed.or(match slot.trace {
                Trace::Gradient => Requirement::NONE,
                Trace::Columns => dual::solve_workspace(gemm, map.n_out, map.n_in, most)
                    .or(Requirement::matrix(most, 2).and(gemm.workspace(most, 1, map.n_in.max(map.n_out)))),
                Trace::Sums => weights::reduce_workspace(gemm, &rule, map.n_out, map.n_in)
                    .or(weights::factor_workspace(gemm, map.n_in)),
            })
        });
        largest_blocks(layout.slots()).fold(solve, |needed, columns| {
            let n_out = columns.slot.place.map.n_out;
            needed.or(dual::add_step_workspace(gemm, n_out, columns.count, most))
        })
    }

    /// Solves for the step D of every map at the proximal weight `nu`, from what the groups of batch k, counted from 0,
    /// have left; nothing of the weights is written. The slope is found where it is asked for.
    pub(in crate::method) fn solve<E: Executor<T>, G: Gemm<T>>(
        &self,
        parameters: &[T],
        variables: &mut MapVariables<'_, T>,
        (samples, k): (Samples<'_>, usize),
        nu: f64,
        with_slope: bool,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let MapVariables { solving, groups, solved, .. } = variables;
        let batch = Batch { samples, groups, length: self.layout().elements() };
        let units = (Spans::new(self.solvings(), [&mut **solving]), Runs::new(solved, Solved::COUNT));
        let Hyperparameters { damping, regularizer, carry, .. } = self.settings;
        let w = T::from_f64(nu);
        executor.run(units, |_, ((solving, [memory]), solved), mut stack| {
            let (slot, map) = (solving.slot, solving.slot.place.map);
            let (matrix, _) = map.read(parameters);
            let mut record = Solved::read(solved);
            let m = samples.count();
            if slot.trace == Trace::Gradient {
                record.slope = batch.step_channels(slot, &parameters[map.offset..map.end()], damping, memory);
            } else if slot.trace == Trace::Columns {
                let (p, rest) = memory.split_at_mut(map.n_in * solving.most);
                let (r, bias) = rest.split_at_mut(map.n_out * solving.most);
                let (p, r) = (&mut p[..map.n_in * m], &mut r[..map.n_out * m]);
                batch.copy(slot, p, r);
                let (p, r) = (&mut dense_mut(p, map.n_in, m), &mut dense_mut(r, map.n_out, m));
                if with_slope {
                    let (p, r) = (as_ref(p), as_ref(r));
                    record.slope = slope(gemm, &p, &r, stack.rest())?;
                }
                let solution = dual::solve(gemm, damping, w, regularizer, &matrix, p, r, bias, stack)?;
                record.shrinkage = solution.shrinkage.to_f64();
            } else {
                let step = Primal { batch, solving, carry, k, damping, w, regularizer };
                step.solve(gemm, &matrix, memory, &mut record, stack)?;
            }
            record.write(solved);
            Ok(())
        })
    }

    /// `V <- momentum V + D`, `W <- kept W + V`, and the biases as with all of them kept.
    pub(in crate::method) fn advance<E: Executor<T>, G: Gemm<T>>(
        &self,
        parameters: &mut [T],
        variables: &mut MapVariables<'_, T>,
        samples: Samples<'_>,
        kept: T,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let MapVariables { velocity, solving, solved, .. } = variables;
        let (solving, solved) = (&**solving, &**solved);
        let maps = self.solvings().map(|solving| (solving.slot, solving));
        let (momentum, m) = (self.settings.momentum, samples.count());
        executor.run(Spans::new(blocks(maps), [parameters, velocity]), |_, (columns, [w, v]), stack| {
            let memory = &solving[columns.map.start..][..columns.map.extent()];
            let solved = Solved::read(&solved[columns.map.index * Solved::COUNT..]);
            add_step(gemm, &columns, memory, solved, momentum, m, w, v, stack)?;
            let weights = columns.regularized();
            if kept == T::ONE {
                add_slice(v, w);
            } else {
                w[..weights].iter_mut().zip(&*v).for_each(|(w, &v)| *w = kept * *w + v);
                add_slice(&v[weights..], &mut w[weights..]);
            }
            Ok(())
        })
    }

    /// Undoes the last step, which kept this share of the weights, up to rounding, and forgets the momentum.
    pub(in crate::method) fn take_back(&self, parameters: &mut [T], velocity: &mut [T], kept: f64) {
        let grown = T::from_f64(1.0 / kept);
        for map in self.network.maps() {
            let (w, v) = (&mut parameters[map.offset..map.end()], &mut velocity[map.offset..map.end()]);
            w.iter_mut().zip(&*v).for_each(|(w, &v)| *w -= v);
            w[..map.regularized()].iter_mut().for_each(|w| *w *= grown);
            v.fill(T::ZERO);
        }
    }

    /// `|r p'|^2 + |r 1|^2` over all maps, as the last solution that was asked for it has it.
    pub(in crate::method) fn slope(solved: &[f64]) -> f64 {
        Solved::all(solved).map(|solved| solved.slope).sum()
    }

    fn solvings(&self) -> impl Iterator<Item = Solving> + Clone + Send + use<'a, T> {
        let (most, mut start) = (self.largest.samples(), 0);
        // With l2 the factor changes with nu.
        let keeps_factor = self.settings.carry.is_some() && self.settings.regularizer == Regularizer::None;
        self.layout().slots().enumerate().map(move |(index, slot)| {
            let n = slot.place.map.n_in;
            let factor = if keeps_factor && slot.trace == Trace::Sums { n.saturating_mul(n) } else { 0 };
            let solving = Solving { slot, index, start, most, factor };
            start += solving.extent();
            solving
        })
    }
}

/// What a map's solution leaves beside matrices.
#[derive(Debug, Clone, Copy, Default)]
struct Solved {
    /// The share of the weights that an l2 regulariser takes.
    shrinkage: f64,
    /// `|r p'|^2 + |r 1|^2`.
    slope: f64,
    /// Of carried sums there is a factor: the inputs are not constant.
    factored: bool,
}

numbers!(Solved { shrinkage: f64, slope: f64, factored: bool });

/// A map with its part of the memory in which steps are solved for: of a dual step `p_c`, `r~` and the bias's step, of a
/// primal one the sums, the step of weights and bias, and, where sums are carried, their factor; of what is no matrix the step.
#[derive(Debug, Clone, Copy)]
struct Solving {
    slot: Slot,
    index: usize,
    start: usize,
    /// Samples of the largest batch.
    most: usize,
    /// Elements of the factor that is kept.
    factor: usize,
}

impl Solving {
    /// Where the step of weights and bias begins, where it is there at full length.
    fn change(&self) -> usize {
        if self.slot.trace == Trace::Sums { self.slot.place.shape().elements() } else { 0 }
    }
}

impl Extent for Solving {
    fn extent(&self) -> usize {
        let (map, shape) = (self.slot.place.map, self.slot.place.shape());
        match self.slot.trace {
            Trace::Gradient => map.parameters(),
            Trace::Columns => (map.n_in + map.n_out).saturating_mul(self.most).saturating_add(map.n_out),
            Trace::Sums => shape.elements().saturating_add(map.parameters()).saturating_add(self.factor),
        }
    }
}

/// What a batch's groups have left.
#[derive(Clone, Copy)]
struct Batch<'b, T> {
    samples: Samples<'b>,
    groups: &'b [T],
    /// Elements of a group.
    length: usize,
}

impl<T: Real> Batch<'_, T> {
    fn groups(&self) -> impl Iterator<Item = (usize, &[T])> {
        let partition = self.samples.partition;
        let groups = self.groups.chunks_exact(self.length.max(1)).take(partition.groups());
        groups.enumerate().map(move |(g, group)| (partition.group(g).1, group))
    }

    /// The step of what is no matrix, to `change`, and the square of its gradient: a channel's weight and bias are solved for,
    /// running mean and variance follow the batch's.
    fn step_channels(&self, slot: Slot, parameters: &[T], damping: T, change: &mut [T]) -> f64 {
        let (place, m) = (slot.place, self.samples.count());
        let mut groups = self.groups().map(|(_, group)| slot.of(group));
        // Mean and variance are of a batch that passes at once, in one group.
        let Some(sums) = groups.next() else { return 0.0 };
        if place.map.kind == MapKind::Statistics {
            change.copy_from_slice(parameters);
            track(change, sums, m);
            change.iter_mut().zip(parameters).for_each(|(change, &before)| *change -= before);
            return 0.0;
        }
        scale_step(sums, m * place.pixels, damping, change);
        reduce::sum_squares(sums)
    }

    /// The groups' columns side by side.
    fn copy(&self, slot: Slot, p: &mut [T], r: &mut [T]) {
        let map = slot.place.map;
        let mut first = 0;
        for (count, group) in self.groups() {
            let (from_p, from_r) = slot.columns(group, count);
            for j in 0..count {
                p[(first + j) * map.n_in..][..map.n_in].copy_from_slice(column(&from_p, j));
                r[(first + j) * map.n_out..][..map.n_out].copy_from_slice(column(&from_r, j));
            }
            first += count;
        }
    }
}

/// `|r p'|^2 + |r 1|^2`, by the products of samples: `|r p'|^2 = <r'r, p'p>`.
fn slope<T: Real, G: Gemm<T>>(
    gemm: &G,
    p: &MatRef<'_, T>,
    r: &MatRef<'_, T>,
    mut stack: Stack<'_, T>,
) -> Result<f64> {
    use crate::gemm::Transpose::{No, Yes};
    let m = p.ncols();
    let (along_p, along_r) = (stack.vector(m)?, stack.vector(m)?);
    let mut squared = 0.0;
    for j in 0..m {
        for (matrix, along) in [(p, &mut *along_p), (r, &mut *along_r)] {
            let target = dense_mut(along, m, 1);
            gemm.gemm(T::ONE, *matrix, Yes, columns(matrix, j, 1), No, T::ZERO, target, stack.rest())?;
        }
        squared += reduce::dot(along_p, along_r);
    }
    let mut row_sums = 0.0;
    for i in 0..r.nrows() {
        let sum: f64 = (0..m).map(|j| r[(i, j)].to_f64()).sum();
        row_sums += sum * sum;
    }
    Ok(squared + row_sums)
}

/// The primal step of a map.
#[derive(Clone, Copy)]
struct Primal<'b, T> {
    batch: Batch<'b, T>,
    solving: Solving,
    carry: Option<Carry>,
    /// Which batch it is, counted from 0.
    k: usize,
    damping: T,
    w: T,
    regularizer: Regularizer<T>,
}

impl<T: Real> Primal<'_, T> {
    fn solve<G: Gemm<T>>(
        &self,
        gemm: &G,
        weights: &MatRef<'_, T>,
        memory: &mut [T],
        record: &mut Solved,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Self { solving, damping, w, regularizer, .. } = *self;
        let (map, shape) = (solving.slot.place.map, solving.slot.place.shape());
        let (sums, rest) = memory.split_at_mut(shape.elements());
        let (change, factor) = rest.split_at_mut(map.parameters());
        // Carried sums are those of as many samples as the largest batch has.
        let samples = if self.carry.is_some() { solving.most } else { self.batch.samples.count() };
        let count = samples.saturating_mul(solving.slot.place.pixels);
        let scale = samples as f64 / self.batch.samples.count() as f64;
        let renewed = self.add(sums, scale);
        let (cross, residual) = sums[..shape.counted(Parts::Residual)].split_at(map.n_out * map.n_in);
        record.slope = (reduce::sum_squares(cross) + reduce::sum_squares(residual)) / (scale * scale);
        if renewed {
            shape.carve(sums)?.finish();
        }
        let sums = shape.read(sums, count)?;
        if renewed && !factor.is_empty() {
            let lower = &mut dense_mut(factor, map.n_in, map.n_in);
            record.factored = weights::factor(gemm, damping, w, regularizer, &sums, lower, stack.rest())?;
        }
        let kept = (!factor.is_empty() && record.factored)
            .then(|| Factor { lower: dense(factor, map.n_in, map.n_in) });
        let (change, bias) = change.split_at_mut(map.n_out * map.n_in);
        let change = &mut Change { weights: dense_mut(change, map.n_out, map.n_in), bias };
        let (rule, order) = (StepRule::LeastSquares { damping }, Order::WeightsFirst);
        weights::direction(gemm, &rule, order, w, regularizer, &sums, kept.as_ref(), weights, change, stack)?;
        Ok(())
    }

    /// The sum of the groups' sums, times `scale`; those of the inputs join the mean, where they are carried. Whether they
    /// are new.
    fn add(&self, sums: &mut [T], scale: f64) -> bool {
        let (slot, scale) = (self.solving.slot, T::from_f64(scale));
        let (own, inputs) = sums.split_at_mut(slot.place.shape().counted(Parts::Residual));
        own.fill(T::ZERO);
        for (_, group) in self.batch.groups() {
            add_slice(&slot.of(group)[..own.len()], own);
        }
        let Some(carry) = self.carry else {
            inputs.fill(T::ZERO);
            for (_, group) in self.batch.groups() {
                add_slice(&slot.of(group)[own.len()..], inputs);
            }
            return true;
        };
        own.iter_mut().for_each(|sum| *sum = scale * *sum);
        if !carry.renews(self.k) {
            return false;
        }
        let share = carry.share(self.k);
        // The first batch's share is 1, and what was there does not count.
        let kept = T::from_f64(1.0 - share);
        if self.k == 0 {
            inputs.fill(T::ZERO);
        } else {
            inputs.iter_mut().for_each(|mean| *mean = kept * *mean);
        }
        let share = T::from_f64(share) * scale;
        for (_, group) in self.batch.groups() {
            let sums = &slot.of(group)[own.len()..];
            inputs.iter_mut().zip(sums).for_each(|(mean, &sum)| *mean += share * sum);
        }
        true
    }
}

/// `V <- momentum V + D` for some columns, from the map's memory.
fn add_step<T: Real, G: Gemm<T>>(
    gemm: &G,
    columns: &Columns<Solving>,
    memory: &[T],
    solved: Solved,
    momentum: T,
    m: usize,
    w: &[T],
    v: &mut [T],
    stack: Stack<'_, T>,
) -> Result {
    let (map, solving) = (columns.slot.place.map, columns.map);
    if solving.slot.trace != Trace::Columns {
        let change = &memory[solving.change()..][columns.first * map.n_out..];
        // Running numbers have no momentum.
        let momentum = if map.kind == MapKind::Statistics { T::ZERO } else { momentum };
        v.iter_mut().zip(change).for_each(|(v, &d)| *v = momentum * *v + d);
        return Ok(());
    }
    let (p, rest) = memory.split_at(map.n_in * solving.most);
    let (r, bias) = rest.split_at(map.n_out * solving.most);
    let p = dense(&p[..map.n_in * m], map.n_in, m);
    let r = dense(&r[..map.n_out * m], map.n_out, m);
    let rows = p.rows(columns.first, columns.count);
    let (weights, bias_velocity) = v.split_at_mut(columns.weights());
    for (v, &d) in bias_velocity.iter_mut().zip(bias) {
        *v = momentum * *v + d;
    }
    let old = dense(&w[..columns.weights()], map.n_out, columns.count);
    let weights = &mut dense_mut(weights, map.n_out, columns.count);
    let solution = dual::Solution { shrinkage: T::from_f64(solved.shrinkage) };
    dual::add_step(gemm, solution, momentum, &old, &r, &rows, weights, stack)
}
