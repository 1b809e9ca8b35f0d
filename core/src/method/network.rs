//! A tile of samples through the whole network, down and up, of which only sums are left.
//!
//! While the weights stand still, nothing has to be kept of a sample: the tile's activations lie in scratch until its
//! signals have come back up. Down: `z_l = W_l a_{l-1} + b_l`, `a_l = f(z_l)`. At the output a signal `delta_L`: the
//! gradient of R, or what a proximal step takes from `z_L`. Up: `e = W_l' delta_l`, `delta_{l-1} = f'(z_{l-1}) o e`, and
//! `delta_l` and `a_{l-1}` join the sums of layer l. Three products a layer and half of one for `a a'`; the first layer's
//! input is data, which takes no signal, and whose `x x'` is added up once a run.
//!
//! A mini-batch is a list of samples. Their columns are gathered tile by tile; all samples together are read where
//! they are.

use core::marker::PhantomData;

use super::layer::Layer;
use super::{Partition, Problem};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::gemm::{Gemm, Transpose};
use crate::loss::{Loss, OutputReport, OutputSolver, Target, solve_output, solve_output_workspace};
use crate::matrix::Memory;
use crate::real::Real;
use crate::update::output::ITERATIONS;
use crate::update::sums::{self, Parts, SumsShape};
use crate::view::{MatMut, MatRef, column, column_mut, columns, dense, dense_mut, reborrow};
use crate::view::{require_length, require_size};
use crate::workspace::{Requirement, Stack};

/// What a group of samples leaves behind: the sums of every layer, and its risk.
#[derive(Debug, Clone)]
pub struct Group<T, S> {
    /// One layer's sums after the other's.
    sums: S,
    risk: f64,
    report: OutputReport,
    scalar: PhantomData<T>,
}

/// Makes a group for a network whose layers have these shapes, first to last.
///
/// `parts` says whether the method needs `p p'` ([`Parts::All`]) or only `r p'`. `allocate(elements)` is called once.
///
/// # Errors
/// [`Length`](Error::Length) naming `sums` if the memory is not as long as asked for.
pub fn group<T: Real, S: Memory<T>>(
    parts: Parts,
    layers: impl Iterator<Item = SumsShape>,
    allocate: impl FnOnce(usize) -> S,
) -> Result<Group<T, S>> {
    let needed = layers.map(|shape| shape.counted(parts)).sum();
    let sums = allocate(needed);
    let found = sums.as_ref().len();
    if found != needed {
        return Err(Error::Length { argument: "sums", found, needed });
    }
    Ok(Group { sums, risk: 0.0, report: OutputReport::default(), scalar: PhantomData })
}

/// What comes up from the output layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Signal<T> {
    /// The gradient of R: back-propagation.
    Gradient,
    /// `z_L - argmin_z R(z; y) + (nu/2)|z - z_L|^2`.
    Proximal { nu: T, solver: OutputSolver },
}

/// A pass of samples through a network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'p, T: Real, S> {
    pub(super) activation: Activation<T>,
    pub(super) loss: Loss,
    pub(super) signal: Signal<T>,
    /// How the samples of the pass are cut.
    pub(super) partition: Partition,
    pub(super) problem: Problem<'p, T>,
    /// The samples of the pass, all if none is given.
    pub(super) batch: Option<&'p [u32]>,
    pub(super) layers: &'p [Layer<T, S>],
    /// Whether the groups have room for `p p'`.
    pub(super) parts: Parts,
}

/// Scratch of a pass for each of the executor's workers: the activations of a tile, two signals, its gathered inputs.
pub(super) fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    loss: Loss,
    solver: OutputSolver,
    tile: usize,
    layers: impl Iterator<Item = SumsShape> + Clone,
) -> Requirement {
    let (mut features, mut total, mut widest, mut inner) = (0, 0usize, 0, Requirement::NONE);
    for (index, SumsShape { n_out, n_in }) in layers.enumerate() {
        if index == 0 {
            features = n_in;
        }
        total = total.saturating_add(n_out);
        widest = n_out.max(widest);
        inner = inner
            .or(gemm.workspace(n_out, tile, n_in))
            .or(gemm.workspace(n_in, tile, n_out))
            .or(sums::accumulate_workspace(gemm, n_out, n_in, tile))
            .or(solve_output_workspace::<T>(loss, solver, n_out));
    }
    let signals = Requirement::matrix(widest, tile).and(Requirement::matrix(widest, tile));
    Requirement::matrix(features, tile).and(Requirement::matrix(total, tile)).and(signals).and(inner)
}

/// `Ok` when layers and groups fit one another, the samples and their targets.
pub(super) fn check<T: Real, S: Memory<T>>(
    loss: Loss,
    partition: Partition,
    problem: &Problem<'_, T>,
    parts: Parts,
    layers: &[Layer<T, S>],
    groups: &[Group<T, S>],
) -> Result {
    require_size("layers", (layers.len().min(1), 1), (1, 1))?;
    require_length("groups", groups.len(), partition.groups())?;
    let samples = problem.x.ncols();
    if partition.samples() > samples {
        let (found, expected) = ((partition.samples(), 1), (samples, 1));
        return Err(Error::Shape { argument: "partition", found, expected });
    }
    let mut n_in = problem.x.nrows();
    for layer in layers {
        let n_out = layer.shape().0;
        require_size("weights", layer.shape(), (n_out, n_in))?;
        n_in = n_out;
    }
    let needed = layers.iter().map(|layer| layer.sums_shape().counted(parts)).sum();
    for group in groups {
        let found = group.sums.as_ref().len();
        if found != needed {
            return Err(Error::Length { argument: "sums", found, needed });
        }
    }
    loss.check_target(problem.target, n_in, samples)
}

/// `Ok` when a mini-batch can be cut by `partition` and names samples that there are.
pub(super) fn check_batch(partition: Partition, samples: usize, batch: &[u32]) -> Result {
    if batch.len() > partition.samples() {
        let (found, expected) = ((batch.len(), 1), (partition.samples(), 1));
        return Err(Error::Shape { argument: "batch", found, expected });
    }
    match batch.iter().find(|&&sample| sample as usize >= samples) {
        Some(&sample) => Err(Error::Setting {
            name: "batch",
            found: f64::from(sample),
            expected: "indices below the number of samples",
        }),
        None => Ok(()),
    }
}

/// R over the groups, added up in their order; not finite if any output is not.
pub(super) fn risk<T, S>(groups: &[Group<T, S>]) -> f64 {
    groups.iter().map(|group| group.risk).sum()
}

/// The output solver's account over the groups.
pub(super) fn report<T, S>(groups: &[Group<T, S>]) -> OutputReport {
    groups.iter().fold(OutputReport::default(), |all, group| all.merge(group.report))
}

/// Groups that have no samples in this pass have no risk either.
pub(super) fn retire<T, S>(groups: &mut [Group<T, S>]) {
    for group in groups {
        (group.risk, group.report) = (0.0, OutputReport::default());
    }
}

/// The sums of every group from `start` on.
pub(super) fn sums_of<T: Real, S: Memory<T>>(
    groups: &[Group<T, S>],
    start: usize,
) -> impl Iterator<Item = &[T]> {
    groups.iter().map(move |group| &group.sums.as_ref()[start..])
}

impl<'p, T: Real, S: Memory<T>> Pass<'p, T, S> {
    /// Passes all samples down and up; the groups then hold the sums and the risk at the layers' weights.
    ///
    /// A group whose outputs are not finite stops there: its risk is NaN and its sums are of no use.
    pub(super) fn run<E: Executor<T>, G: Gemm<T>>(
        &self,
        executor: &mut E,
        gemm: &G,
        groups: &mut [Group<T, S>],
    ) -> Result {
        executor.run(groups, |g, group, mut stack| {
            (group.risk, group.report) = (0.0, OutputReport::default());
            group.sums.as_mut().fill(T::ZERO);
            let (first, _) = self.partition.group(g);
            for (start, count) in self.partition.tiles(g) {
                if !self.tile(gemm, first + start, count, group, stack.rest())? {
                    group.risk = f64::NAN;
                    break;
                }
            }
            Ok(())
        })
    }

    /// R alone, by a pass down: leaves the groups' sums as they are.
    pub(super) fn measure<E: Executor<T>, G: Gemm<T>>(
        &self,
        executor: &mut E,
        gemm: &G,
        groups: &mut [Group<T, S>],
    ) -> Result {
        executor.run(groups, |g, group, mut stack| {
            group.risk = 0.0;
            let (first, _) = self.partition.group(g);
            for (start, count) in self.partition.tiles(g) {
                let mut stack = stack.rest();
                let x = self.inputs(first + start, count, &mut stack)?;
                let values = stack.vector(self.width() * count)?;
                self.down(gemm, &x, values, stack)?;
                let n_out = self.n_out();
                let z = dense(&values[(self.width() - n_out) * count..], n_out, count);
                for (at, width, target) in self.targets(first + start, count) {
                    group.risk += self.loss.value(columns(&z, at, width), target)?;
                }
            }
            Ok(())
        })
    }

    /// Outputs of all layers together.
    fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.shape().0).sum()
    }

    /// Outputs of the last layer.
    fn n_out(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.shape().0)
    }

    /// One tile, down and up; false if its outputs are not finite.
    fn tile<G: Gemm<T>>(
        &self,
        gemm: &G,
        first: usize,
        count: usize,
        group: &mut Group<T, S>,
        mut stack: Stack<'_, T>,
    ) -> Result<bool> {
        let mut stack = stack.rest();
        let x = self.inputs(first, count, &mut stack)?;
        let (width, n_out) = (self.width(), self.n_out());
        let values = stack.vector(width * count)?;
        self.down(gemm, &x, values, stack.rest())?;
        let (hidden, output) = values.split_at(count * (width - n_out));
        let widest = self.layers.iter().map(|layer| layer.shape().0).max().unwrap_or(0);
        let (signal, other) = (stack.vector(widest * count)?, stack.vector(widest * count)?);
        let z = dense(output, n_out, count);
        let mut delta = dense_mut(&mut signal[..n_out * count], n_out, count);
        match self.output(first, &z, &mut delta, group, stack.rest()) {
            Err(Error::NonFinite { .. }) => return Ok(false),
            result => result?,
        }
        if !group.risk.is_finite() {
            return Ok(false);
        }
        self.up(gemm, &x, hidden, (signal, other), group, stack)?;
        Ok(true)
    }

    /// The inputs of the samples `first .. first + count` of the pass, gathered if it is a mini-batch.
    fn inputs<'s>(&self, first: usize, count: usize, stack: &mut Stack<'s, T>) -> Result<MatRef<'s, T>>
    where
        'p: 's,
    {
        let x = self.problem.x;
        let Some(batch) = self.batch else { return Ok(columns(&x, first, count)) };
        let rows = x.nrows();
        let gathered = stack.vector(rows * count)?;
        for (j, &sample) in batch[first..][..count].iter().enumerate() {
            gathered[j * rows..][..rows].copy_from_slice(column(&x, sample as usize));
        }
        Ok(dense(gathered, rows, count))
    }

    /// The targets of the same samples: first column, number of columns and target of each piece that lies together.
    fn targets(&self, first: usize, count: usize) -> impl Iterator<Item = (usize, usize, Target<'_, T>)> {
        let (pieces, width) = if self.batch.is_some() { (count, 1) } else { (1, count) };
        (0..pieces).map(move |piece| {
            let sample = self.batch.map_or(first, |batch| batch[first + piece] as usize);
            (piece, width, self.problem.target.columns(sample, width))
        })
    }

    /// `a_l = f(z_l)` of every hidden layer, and `z_L`, one after the other.
    fn down<G: Gemm<T>>(
        &self,
        gemm: &G,
        x: &MatRef<'_, T>,
        values: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = x.ncols();
        let (mut below, mut rest): (&[T], &mut [T]) = (&[], values);
        for (l, layer) in self.layers.iter().enumerate() {
            let (n_out, n_in) = layer.shape();
            let (here, above) = rest.split_at_mut(n_out * m);
            let p = if l == 0 { *x } else { dense(below, n_in, m) };
            layer.forward(gemm, &p, &mut dense_mut(here, n_out, m), stack.rest())?;
            if l + 1 < self.layers.len() {
                self.activation.apply_in_place(here);
            }
            (below, rest) = (here, above);
        }
        Ok(())
    }

    /// Risk and signal of the output layer.
    fn output(
        &self,
        first: usize,
        z: &MatRef<'_, T>,
        delta: &mut MatMut<'_, T>,
        group: &mut Group<T, S>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        for (start, count, target) in self.targets(first, z.ncols()) {
            let z = columns(z, start, count);
            let mut delta = crate::view::columns_mut(delta, start, count);
            group.risk += self.loss.value(z, target)?;
            match self.signal {
                Signal::Gradient => self.loss.gradient(z, target, delta)?,
                Signal::Proximal { nu, solver } => {
                    crate::view::copy(&z, &mut delta);
                    let t = reborrow(&mut delta);
                    let report = solve_output(self.loss, solver, nu, z, target, t, ITERATIONS, stack.rest())?;
                    group.report = group.report.merge(report);
                    for j in 0..count {
                        for (t, &z) in column_mut(&mut delta, j).iter_mut().zip(column(&z, j)) {
                            *t = z - *t;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The signals from the output to the first layer, each of which joins its layer's sums.
    fn up<G: Gemm<T>>(
        &self,
        gemm: &G,
        x: &MatRef<'_, T>,
        hidden: &[T],
        (mut signal, mut other): (&mut [T], &mut [T]),
        group: &mut Group<T, S>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let m = x.ncols();
        let (mut values, mut sums) = (hidden, group.sums.as_mut());
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let (n_out, n_in) = layer.shape();
            let delta = dense(&signal[..n_out * m], n_out, m);
            let (lower, own) = sums.split_at_mut(sums.len() - layer.sums_shape().counted(self.parts));
            if l == 0 {
                return self.accumulate(gemm, layer, &delta, x, own, stack);
            }
            let (deeper, a) = values.split_at(values.len() - n_in * m);
            self.accumulate(gemm, layer, &delta, &dense(a, n_in, m), own, stack.rest())?;
            let e = &mut other[..n_in * m];
            let (yes, no) = (Transpose::Yes, Transpose::No);
            let target = dense_mut(e, n_in, m);
            gemm.gemm(T::ONE, layer.weights(), yes, delta, no, T::ZERO, target, stack.rest())?;
            self.activation.backward(a, e)?;
            (values, sums) = (deeper, lower);
            core::mem::swap(&mut signal, &mut other);
        }
        Ok(())
    }

    fn accumulate<G: Gemm<T>>(
        &self,
        gemm: &G,
        layer: &Layer<T, S>,
        delta: &MatRef<'_, T>,
        p: &MatRef<'_, T>,
        memory: &mut [T],
        stack: Stack<'_, T>,
    ) -> Result {
        let shape = layer.sums_shape();
        if self.parts == Parts::All {
            let mut sums = shape.carve(memory)?;
            return sums::accumulate(gemm, delta, p, layer.parts(), &mut sums, stack);
        }
        let (cross, residual) = memory.split_at_mut(shape.n_out * shape.n_in);
        let mut cross = dense_mut(cross, shape.n_out, shape.n_in);
        sums::accumulate_residual(gemm, delta, p, &mut cross, residual, stack)
    }
}
