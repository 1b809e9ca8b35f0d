//! What lies between the subnetworks: the updates over all samples, tile by tile.

use super::state::{Terms, VariablesMut, subnetwork};
use super::{Inner, Splitting, Tssm};
use crate::block::{Place, Sink, conv};
use crate::error::Result;
use crate::executor::{Executor, Owners, Pieces, Readers, Runs};
use crate::gemm::Gemm;
use crate::loss::solve_output_workspace;
use crate::method::Run;
use crate::method::numbers::Numbers;
use crate::method::parts::Parts;
use crate::real::Real;
use crate::reduce;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, columns, copy, dense, dense_mut};
use crate::workspace::{Requirement, Stack};

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

/// What a tile may read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'f, T: Real> {
    pub(super) method: &'f Tssm<T>,
    pub(super) run: Run<'f, T>,
    pub(super) parts: Parts<'f, T>,
    pub(super) parameters: &'f [T],
    pub(super) subnetworks: &'f [f64],
}

/// The way back to the input alone: weights stand still.
struct Nothing;

impl<T: Real> Sink<T> for Nothing {
    fn add_dense<G: Gemm<T>>(
        &mut self,
        _: &G,
        _: Place,
        _: &MatRef<'_, T>,
        _: &MatRef<'_, T>,
        _: Stack<'_, T>,
    ) -> Result {
        Ok(())
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        _: &G,
        _: Place,
        _: &conv::Bound,
        _: &MatRef<'_, T>,
        _: &MatRef<'_, T>,
        _: Stack<'_, T>,
    ) -> Result {
        Ok(())
    }

    fn add_channels(&mut self, _: Place, _: usize, _: &[T], _: &[T]) -> Result {
        Ok(())
    }
}

impl<T: Real> Tssm<T> {
    /// Scratch of the updates over tiles of m samples.
    pub(super) fn between_workspace<G: Gemm<T>>(
        &self,
        gemm: &G,
        parts: &Parts<'_, T>,
        m: usize,
    ) -> Requirement {
        let solve = |outputs| solve_output_workspace::<T>(self.settings.loss, self.settings.solver, outputs);
        (0..parts.count()).fold(Requirement::NONE, |most, l| {
            let network = parts.get(l);
            let (input, output) = (network.input().features(), network.output().features());
            let (record, passes) = (Requirement::vector(network.record(m)), network.workspace(gemm, m));
            let signal = Requirement::vector(network.signal(m));
            let gradient = record.and(signal).and(passes.or(solve(output)));
            let image = record.and(passes).and(Requirement::vector(output));
            // In order: the gradient in the output below, and that output, at the same time.
            let below = Requirement::matrix(output, m).and(image);
            most.or(Requirement::matrix(input, m).and(gradient)).or(below)
        })
    }

    /// Equation 4, for all cuts: each reads p, q and u as they were.
    pub(super) fn step_inputs<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let parts = self.parts(run)?;
        let VariablesMut { parameters, p, q, u, subnetworks, .. } = variables;
        let frame = Frame { method: self, run: *run, parts, parameters, subnetworks };
        let between = Between { parts, samples: run.samples(), p: &[], q };
        for l in 1..parts.count() {
            let (target, rows) = (frame.above(&between, q, l), parts.features(l - 1));
            let (q, u) = (between.matrix(q, l - 1), between.matrix(u, l - 1));
            let p = frame.cut_mut(p, l - 1);
            executor.run_at(Owners::Evenly, Runs::new(&mut *p, rows * self.tile()), |t, p, stack| {
                frame.step_input(gemm, l, self.tile_at(t), p, target, &q, &u, stack)
            })?;
            executor.share(Owners::Evenly, Readers::All, self.deal_tiles(p, rows))?;
        }
        Ok(())
    }

    /// Equations 5 and 6, for all cuts.
    pub(super) fn step_outputs<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let parts = self.parts(run)?;
        let VariablesMut { parameters, p, q, u, subnetworks, terms, .. } = variables;
        let frame = Frame { method: self, run: *run, parts, parameters, subnetworks };
        let between = Between { parts, samples: run.samples(), p, q: &[] };
        for l in 0..parts.count() - 1 {
            let (input, p) = (between.input(run, l), between.matrix(p, l));
            let (rows, q, u) = (p.nrows(), frame.cut_mut(q, l), frame.cut_mut(u, l));
            let length = rows * self.tile();
            let units =
                (Runs::new(&mut *q, length), Runs::new(&mut *u, length), Runs::new(terms, Terms::COUNT));
            executor.run_at(Owners::Evenly, units, |t, (q, u, terms), stack| {
                let (start, count) = self.tile_at(t);
                let (input, p) = (columns(&input, start, count), columns(&p, start, count));
                Terms::update(terms, |terms| frame.step_output(gemm, l, &input, &p, q, u, terms, stack))
            })?;
            executor.share(Owners::Evenly, Readers::All, self.deal_tiles(q, rows))?;
            executor.share(Owners::Evenly, Readers::All, self.deal_tiles(u, rows))?;
        }
        executor.share_numbers(Owners::Evenly, Readers::All, Terms::deal(terms))
    }

    /// Equations 7 and 8: p for l = 2..n in order, tile by tile.
    pub(super) fn step_inputs_in_order<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let parts = self.parts(run)?;
        let VariablesMut { parameters, p, subnetworks, terms, .. } = variables;
        let frame = Frame { method: self, run: *run, parts, parameters, subnetworks };
        for l in 1..parts.count() {
            let start = parts.features_before(l - 1) * run.samples();
            let (below, rest) = p.split_at_mut(start);
            let (own, above) = rest.split_at_mut(parts.features(l - 1) * run.samples());
            let between = Between { parts, samples: run.samples(), p: below, q: &[] };
            let input = between.input(run, l - 1);
            let target = (l + 1 < parts.count()).then(|| dense(above, parts.features(l), run.samples()));
            let rows = parts.features(l - 1);
            let units = (Runs::new(&mut *own, rows * self.tile()), Runs::new(terms, Terms::COUNT));
            executor.run_at(Owners::Evenly, units, |t, (p, terms), stack| {
                let (start, count) = self.tile_at(t);
                let input = columns(&input, start, count);
                Terms::update(terms, |terms| {
                    frame.step_input_in_order(gemm, l, (start, count), &input, p, target, terms, stack)
                })
            })?;
            executor.share(Owners::Evenly, Readers::All, self.deal_tiles(own, rows))?;
        }
        executor.share_numbers(Owners::Evenly, Readers::All, Terms::deal(terms))
    }

    /// Adds what the subnetworks from `first` on make of their inputs to the tiles' terms: R, or how far the variable above
    /// is from it.
    pub(super) fn measure<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        first: usize,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let parts = self.parts(run)?;
        let VariablesMut { parameters, p, q, subnetworks, terms, .. } = variables;
        let frame = Frame { method: self, run: *run, parts, parameters, subnetworks };
        let between = Between { parts, samples: run.samples(), p, q };
        let targets = if self.splitting == Splitting::Gsadmm { between.q } else { between.p };
        executor.run_at(Owners::Evenly, Runs::new(terms, Terms::COUNT), |t, terms, mut stack| {
            let (start, count) = self.tile_at(t);
            Terms::update(terms, |terms| {
                (first..parts.count()).try_for_each(|l| {
                    let input = columns(&between.input(run, l), start, count);
                    let target = frame.above(&between, targets, l);
                    frame.measure(gemm, l, (start, count), &input, target, terms, stack.rest())
                })
            })
        })?;
        executor.share_numbers(Owners::Evenly, Readers::All, Terms::deal(terms))
    }

    /// Adds what p, q and u say of the constraints to the tiles' terms.
    pub(super) fn measure_constraints<E: Executor<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        executor: &mut E,
    ) -> Result {
        let parts = self.parts(run)?;
        let VariablesMut { p, q, u, terms, .. } = variables;
        let between = Between { parts, samples: run.samples(), p, q };
        executor.run(Runs::new(terms, Terms::COUNT), |t, terms, _| {
            let (start, count) = self.tile_at(t);
            Terms::update(terms, |terms| {
                for l in 0..parts.count() - 1 {
                    let [p, q, u] = [&**p, q, u].map(|all| between.matrix(all, l));
                    for j in start..start + count {
                        terms.constrain(column(&p, j), column(&q, j), column(&u, j));
                    }
                }
            });
            Ok(())
        })
    }

    /// A matrix of so many rows over all samples, a piece a tile.
    fn deal_tiles<'v>(
        &self,
        matrix: &'v mut [T],
        rows: usize,
    ) -> Pieces<'v, T, impl Fn(usize) -> usize + use<'v, '_, T>> {
        let samples = matrix.len() / rows.max(1);
        Pieces::new(matrix, samples.div_ceil(self.tile()), move |t| rows * self.tile_at(t).1)
    }

    /// The widest tile of all samples, at least 1.
    pub(super) fn tile(&self) -> usize {
        self.partition.tile().max(1)
    }

    /// Tiles of all samples.
    pub(super) fn tiles(&self) -> usize {
        self.partition.samples().div_ceil(self.tile())
    }

    /// First sample and number of samples of a tile.
    pub(super) fn tile_at(&self, index: usize) -> (usize, usize) {
        let start = index * self.tile();
        (start, self.tile().min(self.partition.samples() - start))
    }
}

impl Terms {
    fn constrain<T: Real>(&mut self, p: &[T], q: &[T], u: &[T]) {
        self.gap += reduce::sum_squared_differences(p, q);
        self.coupling += reduce::dot(u, p) - reduce::dot(u, q);
    }
}

impl<'f, T: Real> Frame<'f, T> {
    /// Of a variable of all cuts what the output of subnetwork l should be; none of the last.
    pub(super) fn above<'b>(
        &self,
        between: &Between<'b, T>,
        all: &'b [T],
        l: usize,
    ) -> Option<MatRef<'b, T>> {
        (l + 1 < self.parts.count()).then(|| between.matrix(all, l))
    }

    /// Of a variable of all cuts that of the cut after subnetwork l.
    fn cut_mut<'v>(&self, all: &'v mut [T], l: usize) -> &'v mut [T] {
        let (start, rows) = (self.parts.features_before(l), self.parts.features(l));
        &mut all[start * self.run.samples()..][..rows * self.run.samples()]
    }

    fn parameters(&self, l: usize) -> &'f [T] {
        &self.parameters[self.parts.parameters(l)]
    }

    /// Passes a tile through subnetwork l and returns the record.
    pub(super) fn forward<'s, G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        input: &MatRef<'_, T>,
        stack: &mut Stack<'s, T>,
    ) -> Result<&'s mut [T]> {
        let network = self.parts.get(l);
        let record = stack.vector(network.record(input.ncols()))?;
        network.forward(gemm, self.parameters(l), input, record, stack.rest())?;
        Ok(record)
    }

    /// The gradient of R or Omega_l, as sums over the tile, in the input of subnetwork l; with `target` for Omega_l (times
    /// 1/alpha), without for R (with proximal sweeps times 1/nu, and at the proximal target).
    fn input_gradient<'s, G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        (start, count): (usize, usize),
        input: &MatRef<'_, T>,
        target: Option<MatRef<'_, T>>,
        stack: &mut Stack<'s, T>,
    ) -> Result<MatMut<'s, T>> {
        let network = self.parts.get(l);
        let mut gradient = stack.matrix(network.input().features(), count)?;
        let mut stack = stack.rest();
        let record = self.forward(gemm, l, input, &mut stack)?;
        let output = network.output_of(record, count);
        let signal = stack.vector(network.signal(count))?;
        let rows = output.nrows();
        let mut delta = dense_mut(&mut signal[..rows * count], rows, count);
        match target {
            Some(target) => subtract(&output, &columns(&target, start, count), &mut delta),
            None => {
                let (loss, target) = (self.method.settings.loss, self.run.problem.target);
                let target = target.columns(start, count);
                let signal = self.method.signal(subnetwork(self.subnetworks, l).nu);
                signal.write(loss, &output, target, &mut delta, stack.rest())?;
            }
        }
        let dx = Some(&mut gradient);
        network.backward(gemm, self.parameters(l), input, record, signal, dx, &mut Nothing, stack)?;
        Ok(gradient)
    }

    /// What [`Frame::input_gradient`] counts for: 1/M, alpha/M where there is a target, nu/M for the proximal signal; without
    /// the M in sums.
    fn share(&self, l: usize, is_penalty: bool) -> T {
        let weight = match self.method.settings.inner {
            _ if is_penalty => self.method.settings.alpha,
            Inner::Sgd | Inner::Adam => T::ONE,
            Inner::Proxprop => T::from_f64(subnetwork(self.subnetworks, l).nu),
        };
        weight / self.samples()
    }

    /// What stands for M.
    fn samples(&self) -> T {
        self.method.settings.convention.samples(self.run.samples())
    }

    /// Equation 4: `p <- p - (grad Omega_l + u + rho (p - q))/tau`, R in the place of Omega for the last.
    fn step_input<G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        tile: (usize, usize),
        p: &mut [T],
        target: Option<MatRef<'_, T>>,
        q: &MatRef<'_, T>,
        u: &MatRef<'_, T>,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (rows, share) = (q.nrows(), self.share(l, target.is_some()));
        let mut p = dense_mut(p, rows, tile.1);
        let g = self.input_gradient(gemm, l, tile, &as_ref(&p), target, &mut stack)?;
        let (rho, length) = (self.method.settings.rho, T::ONE / self.method.settings.tau);
        for j in 0..tile.1 {
            let fixed = column(q, tile.0 + j).iter().zip(column(u, tile.0 + j));
            let pairs = column_mut(&mut p, j).iter_mut().zip(column(&as_ref(&g), j));
            for ((p, &g), (&q, &u)) in pairs.zip(fixed) {
                *p -= length * (share * g + u + rho * (*p - q));
            }
        }
        Ok(())
    }

    /// Equations 5 and 6: `q <- (alpha f(p_l) + rho M p + M u)/(rho M + alpha)`, `u <- u + rho (p - q)`.
    fn step_output<G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        input: &MatRef<'_, T>,
        p: &MatRef<'_, T>,
        q: &mut [T],
        u: &mut [T],
        terms: &mut Terms,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let (rows, count) = p.shape();
        let record = self.forward(gemm, l, input, &mut stack)?;
        let f = self.parts.get(l).output_of(record, count);
        let (alpha, rho) = (self.method.settings.alpha, self.method.settings.rho);
        let m = self.samples();
        let scale = T::ONE / (rho * m + alpha);
        let moved = stack.vector(rows)?;
        for j in 0..count {
            let (q, u) = (&mut q[j * rows..][..rows], &mut u[j * rows..][..rows]);
            let (p, f) = (column(p, j), column(&f, j));
            for (i, moved) in moved.iter_mut().enumerate() {
                let new = scale * (alpha * f[i] + rho * m * p[i] + m * u[i]);
                *moved = new - q[i];
                q[i] = new;
                u[i] += rho * (p[i] - new);
            }
            terms.moved += reduce::sum_squares(moved);
            terms.relaxation += reduce::sum_squared_differences(q, f);
            terms.constrain(p, q, u);
        }
        Ok(())
    }

    /// Equations 7 and 8: `p <- p - (grad_p Omega_{l-1} + grad_p Omega_l)/tau`; `below` is the tile of the input of
    /// subnetwork l - 1.
    fn step_input_in_order<G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        tile: (usize, usize),
        below: &MatRef<'_, T>,
        p: &mut [T],
        target: Option<MatRef<'_, T>>,
        terms: &mut Terms,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let rows = self.parts.features(l - 1);
        let (own, penalty) = (self.share(l, target.is_some()), self.share(l, true));
        let g = self.input_gradient(gemm, l, tile, &dense(p, rows, tile.1), target, &mut stack)?;
        let record = self.forward(gemm, l - 1, below, &mut stack)?;
        let f = self.parts.get(l - 1).output_of(record, tile.1);
        let length = T::ONE / self.method.settings.tau;
        let moved = stack.vector(rows)?;
        for j in 0..tile.1 {
            let (p, f, g) = (&mut p[j * rows..][..rows], column(&f, j), column(&as_ref(&g), j));
            for (i, moved) in moved.iter_mut().enumerate() {
                *moved = -length * (penalty * (p[i] - f[i]) + own * g[i]);
                p[i] += *moved;
            }
            terms.moved += reduce::sum_squares(moved);
        }
        Ok(())
    }

    /// Adds what subnetwork l makes of a tile of its input to the terms: R, or how far `target` is from it.
    pub(super) fn measure<G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        (start, count): (usize, usize),
        input: &MatRef<'_, T>,
        target: Option<MatRef<'_, T>>,
        terms: &mut Terms,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let record = self.forward(gemm, l, input, &mut stack)?;
        let output = self.parts.get(l).output_of(record, count);
        let Some(target) = target else {
            let target = self.run.problem.target.columns(start, count);
            terms.risk += self.method.settings.loss.value(output, target)?;
            return Ok(());
        };
        for j in 0..count {
            let (output, target) = (column(&output, j), column(&target, start + j));
            terms.relaxation += reduce::sum_squared_differences(output, target);
        }
        Ok(())
    }

    /// Writes what subnetwork l makes of a tile of its input.
    pub(super) fn output<G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        input: &MatRef<'_, T>,
        to: &mut [T],
        mut stack: Stack<'_, T>,
    ) -> Result {
        let record = self.forward(gemm, l, input, &mut stack)?;
        let output = self.parts.get(l).output_of(record, input.ncols());
        let (rows, count) = output.shape();
        copy(&output, &mut dense_mut(&mut to[..rows * count], rows, count));
        Ok(())
    }
}

/// `to <- a - b`.
fn subtract<T: Real>(a: &MatRef<'_, T>, b: &MatRef<'_, T>, to: &mut MatMut<'_, T>) {
    for j in 0..a.ncols() {
        for ((to, &a), &b) in column_mut(to, j).iter_mut().zip(column(a, j)).zip(column(b, j)) {
            *to = a - b;
        }
    }
}
