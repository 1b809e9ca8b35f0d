//! What the updates over all samples do to one tile.

use super::state::{Interface, Subnetwork, Terms};
use super::{Inner, Settings};
use crate::block::{LinearMap, Network, Sink, conv};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::loss::{OutputSolver, Target, solve_output};
use crate::matrix::Memory;
use crate::method::{Partition, Problem};
use crate::real::Real;
use crate::reduce;
use crate::update::output::ITERATIONS;
use crate::view::{MatMut, MatRef, as_ref, column, column_mut, columns, copy, dense, dense_mut, reborrow};
use crate::workspace::{Requirement, Stack};

/// What a tile may read: the subnetworks with their parameters, and the data.
pub(super) struct Frame<'f, T: Real, S> {
    pub(super) settings: Settings<T>,
    pub(super) networks: &'f [Network<'f, T>],
    pub(super) partition: Partition,
    pub(super) problem: Problem<'f, T>,
    pub(super) subnetworks: &'f [Subnetwork<T, S>],
}

/// The way back to the input alone: weights stand still.
struct Nothing;

impl<T: Real> Sink<T> for Nothing {
    fn add_dense<G: Gemm<T>>(
        &mut self,
        _: &G,
        _: LinearMap,
        _: &MatRef<'_, T>,
        _: &MatRef<'_, T>,
        _: Stack<'_, T>,
    ) -> Result {
        Ok(())
    }

    fn add_conv<G: Gemm<T>>(
        &mut self,
        _: &G,
        _: LinearMap,
        _: &conv::Bound,
        _: &MatRef<'_, T>,
        _: &MatRef<'_, T>,
        _: Stack<'_, T>,
    ) -> Result {
        Ok(())
    }
}

/// Scratch for a tile of m samples: its inputs, the record, the signal at the output, a column of it, the signal at the
/// input, the passes'.
pub(super) fn workspace<T: Real, G: Gemm<T>>(gemm: &G, network: &Network<'_, T>, m: usize) -> Requirement {
    let (input, output) = (network.input().features(), network.output().features());
    Requirement::matrix(input, m)
        .and(Requirement::vector(network.record(m)))
        .and(Requirement::matrix(output, m))
        .and(Requirement::vector(output))
        .and(Requirement::matrix(input, m))
        .and(network.workspace(gemm, m))
}

impl<'f, T: Real, S: Memory<T>> Frame<'f, T, S> {
    /// First sample and number of samples of a tile.
    pub(super) fn tile(&self, index: usize) -> (usize, usize) {
        let (tile, samples) = (self.partition.tile(), self.partition.samples());
        (index * tile, tile.min(samples - index * tile))
    }

    /// A tile of the input of subnetwork l; `below` holds the interfaces below it at least.
    pub(super) fn input<'b>(
        &self,
        below: &'b [Interface<T, S>],
        l: usize,
        start: usize,
        count: usize,
    ) -> MatRef<'b, T>
    where
        'f: 'b,
    {
        match l.checked_sub(1) {
            None => columns(&self.problem.x, start, count),
            Some(l) => below[l].p.columns(start, count),
        }
    }

    /// Passes a tile through subnetwork l and returns the record.
    pub(super) fn forward<'s, G: Gemm<T>>(
        &self,
        gemm: &G,
        l: usize,
        input: &MatRef<'_, T>,
        stack: &mut Stack<'s, T>,
    ) -> Result<&'s mut [T]> {
        let network = &self.networks[l];
        let record = stack.vector(network.record(input.ncols()))?;
        network.forward(gemm, self.subnetworks[l].parameters(), input, record, stack.rest())?;
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
        let network = &self.networks[l];
        let mut gradient = stack.matrix(network.input().features(), count)?;
        let mut stack = stack.rest();
        let record = self.forward(gemm, l, input, &mut stack)?;
        let output = network.output_of(record, count);
        let mut delta = stack.matrix(output.nrows(), count)?;
        match target {
            Some(target) => subtract(&output, &target, &mut delta),
            None => {
                let target = self.problem.target.columns(start, count);
                let nu = self.subnetworks[l].nu;
                risk_signal(&self.settings, nu, &output, target, &mut delta, stack.rest())?;
            }
        }
        let parameters = self.subnetworks[l].parameters();
        let dx = Some(&mut gradient);
        network.backward(gemm, parameters, input, record, &mut delta, dx, &mut Nothing, stack)?;
        Ok(gradient)
    }

    /// What [`Frame::input_gradient`] counts for: 1/M, alpha/M where there is a target, nu/M for the proximal signal; without
    /// the M in sums.
    fn share(&self, l: usize, is_penalty: bool) -> T {
        let weight = match self.settings.inner {
            _ if is_penalty => self.settings.alpha,
            Inner::Optimizer(_) => T::ONE,
            Inner::Proximal { .. } => T::from_f64(self.subnetworks[l].nu),
        };
        weight / self.samples()
    }

    /// What stands for M.
    fn samples(&self) -> T {
        self.settings.convention.samples(self.partition.samples())
    }

    /// Equation 4: `p <- p - (grad Omega_l + u + rho (p - q))/tau`, R in the place of Omega for the last.
    pub(super) fn step_input<G: Gemm<T>>(
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
        let (rho, length) = (self.settings.rho, T::ONE / self.settings.tau);
        for j in 0..tile.1 {
            let fixed = column(q, j).iter().zip(column(u, j));
            let pairs = column_mut(&mut p, j).iter_mut().zip(column(&as_ref(&g), j));
            for ((p, &g), (&q, &u)) in pairs.zip(fixed) {
                *p -= length * (share * g + u + rho * (*p - q));
            }
        }
        Ok(())
    }

    /// Equations 5 and 6: `q <- (alpha f(p_l) + rho M p + M u)/(rho M + alpha)`, `u <- u + rho (p - q)`.
    pub(super) fn step_output<G: Gemm<T>>(
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
        let f = self.networks[l].output_of(record, count);
        let (alpha, rho) = (self.settings.alpha, self.settings.rho);
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
            terms.gap += reduce::sum_squared_differences(p, q);
            terms.coupling += reduce::dot(u, p) - reduce::dot(u, q);
        }
        Ok(())
    }

    /// Equations 7 and 8: `p <- p - (grad_p Omega_{l-1} + grad_p Omega_l)/tau`; `below` is the tile of the input of
    /// subnetwork l - 1.
    pub(super) fn step_input_in_order<G: Gemm<T>>(
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
        let rows = self.networks[l].input().features();
        let (own, penalty) = (self.share(l, target.is_some()), self.share(l, true));
        let g = self.input_gradient(gemm, l, tile, &dense(p, rows, tile.1), target, &mut stack)?;
        let record = self.forward(gemm, l - 1, below, &mut stack)?;
        let f = self.networks[l - 1].output_of(record, tile.1);
        let length = T::ONE / self.settings.tau;
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

    /// Adds what subnetwork l makes of a tile of its input to the report: R, or how far `target` is from it.
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
        let output = self.networks[l].output_of(record, count);
        match target {
            Some(target) => {
                for j in 0..count {
                    terms.relaxation +=
                        reduce::sum_squared_differences(column(&output, j), column(&target, j));
                }
            }
            None => {
                terms.risk += self.settings.loss.value(output, self.problem.target.columns(start, count))?;
            }
        }
        Ok(())
    }
}

/// The signal of R at the output of the last subnetwork, summed: its gradient, or `z - argmin R + (nu/2)|z - t|^2`.
pub(super) fn risk_signal<T: Real>(
    settings: &Settings<T>,
    nu: f64,
    z: &MatRef<'_, T>,
    target: Target<'_, T>,
    delta: &mut MatMut<'_, T>,
    stack: Stack<'_, T>,
) -> Result {
    let loss = settings.loss;
    if let Inner::Optimizer(_) = settings.inner {
        return loss.gradient(*z, target, reborrow(delta));
    }
    let (nu, solver) = (T::from_f64(nu), OutputSolver::Newton);
    copy(z, delta);
    solve_output(loss, solver, nu, *z, target, reborrow(delta), ITERATIONS, stack)?;
    for j in 0..z.ncols() {
        for (t, &z) in column_mut(delta, j).iter_mut().zip(column(z, j)) {
            *t = z - *t;
        }
    }
    Ok(())
}

/// `to <- a - b`.
pub(super) fn subtract<T: Real>(a: &MatRef<'_, T>, b: &MatRef<'_, T>, to: &mut MatMut<'_, T>) {
    for j in 0..a.ncols() {
        for ((to, &a), &b) in column_mut(to, j).iter_mut().zip(column(a, j)).zip(column(b, j)) {
            *to = a - b;
        }
    }
}
