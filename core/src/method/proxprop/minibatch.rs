//! Sweeps in mini-batches, with momentum and a falling step.
//!
//! A batch is three phases: its groups pass down and up and leave columns or sums; each map solves for its step; blocks of
//! columns of all maps move, the weights and their velocity in one pass over memory.

use super::{Carry, ProxProp};
use crate::block::Place;
use crate::error::{Error, Result};
use crate::executor::{Executor, Extent, Pieces, Runs, Spans};
use crate::gemm::Gemm;
use crate::loss::OutputReport;
use crate::method::minibatch::{Columns, Layout, Slot, Trace, blocks};
use crate::method::numbers::{Numbers, numbers};
use crate::method::pass::{self, Samples, Tally};
use crate::method::run::carve_mut;
use crate::method::{Hyperparameters, Memory, Run, Seen, State, Sweep, nu_update};
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::update::sums::{Parts, add_slice};
use crate::update::weights::{self, Change, Factor, Order, dual};
use crate::view::{MatRef, as_ref, column, columns, dense, dense_mut};
use crate::workspace::{Requirement, Stack};

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
/// primal one the sums, the step of weights and bias, and, where sums are carried, their factor.
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

impl Extent for Solving {
    fn extent(&self) -> usize {
        let (map, shape) = (self.slot.place.map, self.slot.place.shape());
        match self.slot.trace {
            Trace::Columns => (map.n_in + map.n_out).saturating_mul(self.most).saturating_add(map.n_out),
            _ => shape.elements().saturating_add(map.parameters()).saturating_add(self.factor),
        }
    }
}

/// The parts of a state's scalars.
struct Variables<'s, T> {
    parameters: &'s mut [T],
    velocity: &'s mut [T],
    solving: &'s mut [T],
    /// The groups' columns and sums, one after the other.
    groups: &'s mut [T],
    progress: &'s mut [f64],
    solved: &'s mut [f64],
    tallies: &'s mut [f64],
}

impl<T: Real> ProxProp<T> {
    fn layout<'a>(
        &self,
        run: &Run<'a, T>,
    ) -> Layout<'a, T, impl Fn(Place) -> Trace + Copy + Send + use<'a, T>> {
        let (form, most) = (self.settings.form, self.partition.samples());
        Layout::new(run.network, self.partition, move |place| form.trace(place, most))
    }

    fn solvings<'a>(&self, run: &Run<'a, T>) -> impl Iterator<Item = Solving> + Clone + Send + use<'a, T> {
        let (most, mut start) = (self.partition.samples(), 0);
        // With l2 the factor changes with nu.
        let keeps_factor = self.settings.carry.is_some() && self.settings.regularizer == Regularizer::None;
        self.layout(run).slots().enumerate().map(move |(index, slot)| {
            let n = slot.place.map.n_in;
            let factor = if keeps_factor && slot.trace == Trace::Sums { n.saturating_mul(n) } else { 0 };
            let solving = Solving { slot, index, start, most, factor };
            start += solving.extent();
            solving
        })
    }

    pub(super) fn minibatch_memory(&self, run: &Run<'_, T>) -> Memory {
        let (scalars, numbers) = self.minibatch_parts(run);
        Memory { scalars: scalars.iter().sum(), numbers: numbers.iter().sum() }
    }

    /// The parts of a state's scalars and of its numbers, in their order.
    fn minibatch_parts(&self, run: &Run<'_, T>) -> ([usize; 4], [usize; 3]) {
        let (parameters, groups) = (run.network.parameters(), self.partition.groups());
        let solving = self.solvings(run).map(|solving| solving.extent()).sum();
        let scalars = [parameters, parameters, solving, groups * self.layout(run).elements()];
        let maps = run.network.places().count();
        (scalars, [Progress::COUNT, maps * Solved::COUNT, groups * Tally::COUNT])
    }

    fn minibatch_variables<'s>(&self, run: &Run<'_, T>, state: &'s mut State<'_, T>) -> Variables<'s, T> {
        let (scalars, numbers) = self.minibatch_parts(run);
        let [parameters, velocity, solving, groups] = carve_mut(state.scalars, scalars);
        let [progress, solved, tallies] = carve_mut(state.numbers, numbers);
        Variables { parameters, velocity, solving, groups, progress, solved, tallies }
    }

    pub(super) fn minibatch_workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let (tile, layout) = (self.partition.tile(), self.layout(run));
        let risk = (self.settings.loss, self.settings.solver);
        let pass = pass::workspace(gemm, &run.network, tile, layout.workspace(gemm, tile), risk);
        let rule = StepRule::LeastSquares { damping: T::ONE };
        let solve = layout.slots().fold(Requirement::NONE, |most, slot| {
            let (map, m) = (slot.place.map, self.partition.samples());
            most.or(match slot.trace {
                Trace::Columns => dual::solve_workspace(gemm, map.n_out, map.n_in, m)
                    .or(Requirement::matrix(m, 2).and(gemm.workspace(m, 1, map.n_in.max(map.n_out)))),
                _ => weights::reduce_workspace(gemm, &rule, map.n_out, map.n_in)
                    .or(weights::factor_workspace(gemm, map.n_in)),
            })
        });
        let step = blocks(layout.slots().map(|slot| (slot, ()))).fold(Requirement::NONE, |most, columns| {
            let map = columns.slot.place.map;
            most.or(dual::add_step_workspace(gemm, map.n_out, columns.count, self.partition.samples()))
        });
        pass.or(solve).or(step)
    }

    pub(super) fn begin_minibatches(&self, run: &Run<'_, T>, state: &mut State<'_, T>) {
        let Variables { velocity, progress, .. } = self.minibatch_variables(run, state);
        velocity.fill(T::ZERO);
        Progress { nu: self.settings.nu.to_f64(), ..Progress::default() }.write(progress);
    }

    /// All samples once, in mini-batches.
    pub(super) fn minibatch_epoch<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let mut variables = self.minibatch_variables(run, state);
        let (mut sweep, mut length, mut seen) = (Sweep::default(), 1.0, Seen::default());
        let mut steps = self.batches.steps(order, self.partition).peekable();
        while let Some(samples) = steps.next() {
            length = self.schedule.length(Progress::read(variables.progress).steps);
            let nu = Progress::read(variables.progress).nu / length;
            self.collect(run, &mut variables, samples, nu, executor, gemm)?;
            let is_last = steps.peek().is_none();
            let risk: f64 = Tally::all(variables.tallies).map(|tally| tally.cost).sum();
            let report = Tally::all(variables.tallies).map(|tally| tally.report);
            sweep.output = report.fold(sweep.output, OutputReport::merge);
            if risk.is_finite() {
                seen.add(variables.tallies);
                // Omega takes a pass over the weights.
                let found =
                    if is_last { self.found(run, variables.parameters, variables.tallies) } else { risk };
                Progress::update(variables.progress, |progress| progress.objective = found);
                self.solve(run, &mut variables, samples, nu, is_last, executor, gemm)?;
                let kept = 1.0 - self.settings.weight_decay.to_f64() / nu;
                self.advance(run, &mut variables, samples, T::from_f64(kept), executor, gemm)?;
                Progress::update(variables.progress, |progress| {
                    (progress.steps, progress.kept) = (progress.steps + 1, kept);
                });
            } else {
                self.take_back(run, &mut variables)?;
                sweep.rejected = true;
            }
        }
        let Progress { nu, objective, .. } = Progress::read(variables.progress);
        let slope: f64 = Solved::all(variables.solved).map(|solved| solved.slope).sum();
        sweep.seen = (!sweep.rejected).then_some(seen);
        (sweep.objective, sweep.dual_residual) = (objective, nu / length * libm::sqrt(slope));
        sweep.require_finite()
    }

    /// Steps 1 to 3 over a batch.
    fn collect<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut Variables<'_, T>,
        samples: Samples<'_>,
        nu: f64,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let (layout, used) = (self.layout(run), samples.partition.groups());
        let (length, k) = (layout.elements(), Progress::read(variables.progress).steps);
        let renews = self.settings.carry.is_none_or(|carry| carry.renews(k));
        let parts = if renews { Parts::All } else { Parts::Residual };
        let pass = self.pass_over(run, variables.parameters, samples, nu);
        variables.tallies.fill(0.0);
        let memory = Pieces::new(&mut variables.groups[..used * length], used, |_| length);
        let tallies = Runs::new(&mut variables.tallies[..used * Tally::COUNT], Tally::COUNT);
        executor.run((memory, tallies), |g, (memory, tally), stack| {
            let sink = &mut layout.collect(memory, parts);
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })
    }

    /// Solves for the step of every map; nothing of the weights is written.
    fn solve<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut Variables<'_, T>,
        samples: Samples<'_>,
        nu: f64,
        is_last: bool,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let k = Progress::read(variables.progress).steps;
        let batch = Batch { samples, groups: variables.groups, length: self.layout(run).elements() };
        let (parameters, solving) = (&*variables.parameters, &mut *variables.solving);
        let solved = Runs::new(&mut *variables.solved, Solved::COUNT);
        let units = (Spans::new(self.solvings(run), [solving]), solved);
        let Hyperparameters { damping, regularizer, .. } = self.settings;
        let w = T::from_f64(nu);
        executor.run(units, |_, ((solving, [memory]), solved), mut stack| {
            let (slot, map) = (solving.slot, solving.slot.place.map);
            let (matrix, _) = map.read(parameters);
            let mut record = Solved::read(solved);
            if slot.trace == Trace::Columns {
                let m = samples.count();
                let (p, rest) = memory.split_at_mut(map.n_in * solving.most);
                let (r, bias) = rest.split_at_mut(map.n_out * solving.most);
                let (p, r) = (&mut p[..map.n_in * m], &mut r[..map.n_out * m]);
                batch.copy(slot, p, r);
                let (p, r) = (&mut dense_mut(p, map.n_in, m), &mut dense_mut(r, map.n_out, m));
                if is_last {
                    let (p, r) = (as_ref(p), as_ref(r));
                    record.slope = slope(gemm, &p, &r, stack.rest())?;
                }
                let solution = dual::solve(gemm, damping, w, regularizer, &matrix, p, r, bias, stack)?;
                record.shrinkage = solution.shrinkage.to_f64();
            } else {
                let step = Primal { batch, solving, carry: self.settings.carry, k, damping, w, regularizer };
                step.solve(gemm, &matrix, memory, &mut record, stack)?;
            }
            record.write(solved);
            Ok(())
        })
    }

    /// `V <- momentum V + D`, `W <- kept W + V`, and the biases as with all of them kept.
    fn advance<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut Variables<'_, T>,
        samples: Samples<'_>,
        kept: T,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let Variables { parameters, velocity, solving, solved, .. } = variables;
        let (solving, solved) = (&**solving, &**solved);
        let maps = self.solvings(run).map(|solving| (solving.slot, solving));
        let (momentum, m) = (self.settings.momentum, samples.count());
        executor.run(Spans::new(blocks(maps), [parameters, velocity]), |_, (columns, [w, v]), stack| {
            let memory = &solving[columns.map.start..][..columns.map.extent()];
            let solved = Solved::read(&solved[columns.map.index * Solved::COUNT..]);
            add_step(gemm, &columns, memory, solved, momentum, m, w, v, stack)?;
            let weights = columns.weights();
            if kept == T::ONE {
                add_slice(v, w);
            } else {
                w[..weights].iter_mut().zip(&*v).for_each(|(w, &v)| *w = kept * *w + v);
                add_slice(&v[weights..], &mut w[weights..]);
            }
            Ok(())
        })
    }

    /// Undoes the last step, up to rounding, forgets the momentum and multiplies nu by 4.
    fn take_back(&self, run: &Run<'_, T>, variables: &mut Variables<'_, T>) -> Result {
        let kept = Progress::read(variables.progress).kept;
        if kept == 0.0 {
            return Err(Error::NonFinite { quantity: "the loss" });
        }
        let grown = T::from_f64(1.0 / kept);
        for map in run.network.maps() {
            let (w, v) = (&mut variables.parameters[map.offset..], &mut variables.velocity[map.offset..]);
            let (w, v) = (&mut w[..map.parameters()], &mut v[..map.parameters()]);
            w.iter_mut().zip(&*v).for_each(|(w, &v)| *w -= v);
            w[..map.n_out * map.n_in].iter_mut().for_each(|w| *w *= grown);
            v.fill(T::ZERO);
        }
        let start = self.settings.nu.to_f64();
        Progress::update(variables.progress, |progress| {
            progress.nu = nu_update::after_rejection(progress.nu, start);
            progress.kept = 0.0;
        });
        Ok(())
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
        let change = &memory[solving.slot.place.shape().elements()..][columns.first * map.n_out..];
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
