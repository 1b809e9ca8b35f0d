//! A tile of samples through a network, down and up, of which only sums are left.
//!
//! While the weights stand still, nothing has to be kept of a sample: what the blocks make of a tile lies in scratch until
//! its signals have come back up. At the output a signal begins: the gradient of R, or what a proximal step takes from z.
//! On its way up it meets each linear map, whose [`Sink`] adds what it needs to its sums. Three products a map, and half
//! of one more for `p p'`; the first map's input is data, which takes no signal, and whose `x x'` is added up once a run.
//!
//! A mini-batch is a list of samples. Their columns are gathered tile by tile; samples that lie side by side are read
//! where they are.

use super::draws::Draws;
use super::numbers::{Numbers as _, numbers};
use super::{Hyperparameters, Partition, Run, Seen};
use crate::block::{Network, Sink};
use crate::error::{Error, Result};
use crate::executor::{Executor, Owners, Readers, Runs};
use crate::gemm::Gemm;
use crate::loss::{Loss, OutputReport, OutputSolver, Target, score, solve_output, solve_output_workspace};
use crate::real::Real;
use crate::reduce;
use crate::update::output::ITERATIONS;
use crate::view::{MatMut, MatRef, column, column_mut, columns, columns_mut, copy, dense, dense_mut};
use crate::view::{reborrow, require_size};

use crate::workspace::{Requirement, Stack};

/// The samples of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples<'o> {
    /// Which they are.
    pub(super) order: Option<&'o [u32]>,
    /// The first of them, where they lie side by side.
    pub(super) first: usize,
    /// How they are cut.
    pub(super) partition: Partition,
    /// What is drawn for the step that is made from them; `None` of passes that measure.
    pub(super) draws: Option<Draws>,
}

impl Samples<'_> {
    /// The same for the step of this number, counted from 0, of a run.
    pub(super) fn for_step<T>(self, settings: &Hyperparameters<T>, step: usize) -> Self {
        Self { draws: Some(Draws::new(settings, step)), ..self }
    }

    pub(super) fn count(&self) -> usize {
        self.partition.samples()
    }

    /// The network as it is in the pass of samples from `start` on; `block` is its first block's place in the whole network.
    pub(super) fn network<'n, T: Real>(
        &self,
        network: Network<'n, T>,
        start: usize,
        block: usize,
    ) -> Network<'n, T> {
        self.draws.map_or(network, |draws| network.training(draws.masks(start, block)))
    }

    /// The columns of the samples `start .. start + count` of the pass, as their step takes them; gathered where they do not lie
    /// side by side, or are changed.
    pub(super) fn columns<'s, T: Real>(
        &self,
        from: &MatRef<'s, T>,
        start: usize,
        count: usize,
        stack: &mut Stack<'s, T>,
    ) -> Result<MatRef<'s, T>> {
        let changed = self.draws.filter(|draws| draws.augmentation.is_some());
        if self.order.is_none() && changed.is_none() {
            return Ok(columns(from, self.first + start, count));
        }
        let rows = from.nrows();
        let gathered = stack.vector(rows * count)?;
        for j in 0..count {
            let place = start + j;
            let sample = self.order.map_or(self.first + place, |order| order[place] as usize);
            let (from, to) = (column(from, sample), &mut gathered[j * rows..][..rows]);
            match &changed {
                None => to.copy_from_slice(from),
                Some(draws) => draws.write(place, from, to),
            }
        }
        Ok(dense(gathered, rows, count))
    }

    /// The same samples in pieces that lie side by side: column within them, number of columns, and first sample.
    fn pieces(&self, start: usize, count: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let (pieces, width) = if self.order.is_some() { (count, 1) } else { (1, count) };
        let (order, first) = (self.order, self.first + start);
        (0..pieces)
            .map(move |piece| (piece, width, order.map_or(first, |order| order[start + piece] as usize)))
    }
}

/// What goes back up from R.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Signal<T> {
    /// Its gradient: back-propagation.
    Gradient,
    /// `z - argmin_z R(z; y) + (nu/2)|z - t|^2`.
    Proximal { nu: T, solver: OutputSolver },
}

impl<T: Real> Signal<T> {
    /// Writes the signal at the outputs `z` into `delta`, of the same shape.
    pub(super) fn write(
        &self,
        loss: Loss,
        z: &MatRef<'_, T>,
        target: Target<'_, T>,
        delta: &mut MatMut<'_, T>,
        stack: Stack<'_, T>,
    ) -> Result<OutputReport> {
        let Self::Proximal { nu, solver } = *self else {
            loss.gradient(*z, target, reborrow(delta))?;
            return Ok(OutputReport::default());
        };
        copy(z, delta);
        let report = solve_output(loss, solver, nu, *z, target, reborrow(delta), ITERATIONS, stack)?;
        for j in 0..z.ncols() {
            for (t, &z) in column_mut(delta, j).iter_mut().zip(column(z, j)) {
                *t = z - *t;
            }
        }
        Ok(report)
    }
}

/// What the outputs are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal<'p, T: Real> {
    /// A low R.
    Risk { loss: Loss, target: Target<'p, T>, signal: Signal<T> },
    /// To be near a variable q: the cost `(alpha/2)|f - q|^2`, the signal `length (f - q)`.
    Penalty { alpha: T, target: MatRef<'p, T>, length: T },
}

impl<T: Real> Goal<'_, T> {
    /// The cost of the outputs `z` of the pass's samples from `start` on, and the signal, where it is wanted.
    pub(super) fn meet(
        &self,
        samples: &Samples<'_>,
        start: usize,
        z: &MatRef<'_, T>,
        mut delta: Option<&mut MatMut<'_, T>>,
        tally: &mut Tally,
        mut stack: Stack<'_, T>,
    ) -> Result {
        for (at, width, sample) in samples.pieces(start, z.ncols()) {
            let mut delta = delta.as_deref_mut().map(|delta| columns_mut(delta, at, width));
            self.meet_piece(&columns(z, at, width), sample, delta.as_mut(), tally, stack.rest())?;
        }
        Ok(())
    }

    /// The same for samples that lie side by side, from `sample` on.
    fn meet_piece(
        &self,
        z: &MatRef<'_, T>,
        sample: usize,
        delta: Option<&mut MatMut<'_, T>>,
        tally: &mut Tally,
        stack: Stack<'_, T>,
    ) -> Result {
        match *self {
            Self::Risk { loss, target, signal } => {
                let target = target.columns(sample, z.ncols());
                tally.cost += loss.value(*z, target)?;
                tally.score += score(*z, target)?;
                if let Some(delta) = delta {
                    tally.report = tally.report.merge(signal.write(loss, z, target, delta, stack)?);
                }
            }
            Self::Penalty { alpha, target, length } => {
                for j in 0..z.ncols() {
                    let (z, q) = (column(z, j), column(&target, sample + j));
                    tally.cost += 0.5 * alpha.to_f64() * reduce::sum_squared_differences(z, q);
                }
                let Some(delta) = delta else { return Ok(()) };
                for j in 0..z.ncols() {
                    let pairs = column(z, j).iter().zip(column(&target, sample + j));
                    for (delta, (&z, &q)) in column_mut(delta, j).iter_mut().zip(pairs) {
                        *delta = length * (z - q);
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a group of samples leaves beside its sums.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// The cost over its samples; NaN if an output was not finite, and then its sums are of no use.
    pub(super) cost: f64,
    /// [`score`] of its samples, where the goal is a low R.
    pub(super) score: f64,
    /// The output solver's account.
    pub(super) report: OutputReport,
}

numbers!(Tally { cost: f64, score: f64, report: OutputReport });

impl Seen {
    /// Adds what the groups of a batch have found.
    pub(super) fn add(&mut self, tallies: &[f64]) {
        for tally in Tally::all(tallies) {
            (self.risk, self.score) = (self.risk + tally.cost, self.score + tally.score);
        }
    }
}

/// A network with what goes in and what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'p, T: Real> {
    pub(super) network: Network<'p, T>,
    pub(super) parameters: &'p [T],
    /// Of all samples, those of the pass among them.
    pub(super) input: MatRef<'p, T>,
    pub(super) goal: Goal<'p, T>,
    pub(super) samples: Samples<'p>,
}

impl<'p, T: Real> Pass<'p, T> {
    /// Passes a group down and up: adds its cost to the tally, and what the maps meet to the sink.
    pub(super) fn run<G: Gemm<T>, K: Sink<T>>(
        &self,
        gemm: &G,
        group: usize,
        sink: &mut K,
        tally: &mut Tally,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let parameters = self.parameters;
        let (first, _) = self.samples.partition.group(group);
        self.tiles(gemm, group, tally, stack.rest(), |network, tally, start, input, record, mut stack| {
            let (m, signal) = (input.ncols(), stack.vector(network.signal(input.ncols()))?);
            let z = network.output_of(record, m);
            let mut delta = dense_mut(&mut signal[..z.nrows() * m], z.nrows(), m);
            self.goal.meet(&self.samples, start, &z, Some(&mut delta), tally, stack.rest())?;
            if tally.cost.is_finite() {
                sink.begin(start - first);
                network.backward(gemm, parameters, input, record, signal, None, sink, stack)?;
            }
            Ok(())
        })
    }

    /// Passes a group down alone, for its cost.
    pub(super) fn measure<G: Gemm<T>>(
        &self,
        gemm: &G,
        group: usize,
        tally: &mut Tally,
        stack: Stack<'_, T>,
    ) -> Result {
        self.tiles(gemm, group, tally, stack, |network, tally, start, input, record, stack| {
            let z = network.output_of(record, input.ncols());
            self.goal.meet(&self.samples, start, &z, None, tally, stack)
        })
    }

    /// The cost over all groups, by a pass down of each; `tallies` holds a record for each group at least.
    pub(super) fn cost<E: Executor<T>, G: Gemm<T>>(
        &self,
        tallies: &mut [f64],
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        let tallies = &mut tallies[..self.samples.partition.groups() * Tally::COUNT];
        tallies.fill(0.0);
        executor.run_at(Owners::Evenly, Runs::new(&mut *tallies, Tally::COUNT), |g, tally, stack| {
            Tally::update(tally, |tally| self.measure(gemm, g, tally, stack))
        })?;
        executor.share_numbers(Owners::Evenly, Readers::All, Tally::deal(tallies))?;
        Ok(Tally::all(tallies).map(|tally| tally.cost).sum())
    }

    /// Passes the tiles of a group down, each of which `work` then gets: the network of its pass, first sample, input and record. A
    /// tile whose cost is not finite is the last.
    fn tiles<G: Gemm<T>>(
        &self,
        gemm: &G,
        group: usize,
        tally: &mut Tally,
        mut stack: Stack<'_, T>,
        mut work: impl FnMut(&Network<'_, T>, &mut Tally, usize, &MatRef<'_, T>, &[T], Stack<'_, T>) -> Result,
    ) -> Result {
        let (first, _) = self.samples.partition.group(group);
        for (start, count) in self.samples.partition.tiles(group) {
            let mut stack = stack.rest();
            let input = self.samples.columns(&self.input, first + start, count, &mut stack)?;
            let network = self.samples.network(self.network, first + start, 0);
            let record = stack.vector(network.record(count))?;
            network.forward(gemm, self.parameters, &input, record, stack.rest())?;
            match work(&network, tally, first + start, &input, record, stack) {
                Err(Error::NonFinite { .. }) => tally.cost = f64::NAN,
                result => result?,
            }
            if !tally.cost.is_finite() {
                tally.cost = f64::NAN;
                break;
            }
        }
        Ok(())
    }
}

/// Scratch of a pass for each of the executor's workers, in tiles of m samples: gathered inputs, the record, the signal,
/// and what is beside the passes: `sums` of the sink, or the output subproblem's.
pub(super) fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    network: &Network<'_, T>,
    m: usize,
    sums: Requirement,
    (loss, solver): (Loss, OutputSolver),
) -> Requirement {
    let solve = solve_output_workspace::<T>(loss, solver, network.output().features());
    Requirement::matrix(network.input().features(), m)
        .and(Requirement::vector(network.record(m)))
        .and(Requirement::vector(network.signal(m)))
        .and(network.workspace(gemm, m).and(sums).or(solve))
}

/// `Ok` when a run's samples and targets fit its network.
///
/// # Errors
/// [`Shape`](Error::Shape) naming `x` or `target`, those of [`Loss::check_target`].
pub(super) fn check<T: Real>(loss: Loss, run: &Run<'_, T>) -> Result {
    let (features, outputs) = (run.network.input().features(), run.network.output().features());
    require_size("x", run.problem.x.shape(), (features, run.samples()))?;
    loss.check_target(run.problem.target, outputs, run.samples())
}
