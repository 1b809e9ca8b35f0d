//! Theorem 1 on a run: the error of the approximation, and what bounds it.

use super::state::Terms;
use super::tile::Frame;
use super::{Convention, State, Tssm};
use crate::block::Network;
use crate::error::Result;
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::real::Real;
use crate::theory::{Norms, approximation_bound, risk_lipschitz};
use crate::view::{column, columns, dense, require_length};
use crate::workspace::{Requirement, Stack};

/// Theorem 1's two sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approximation {
    /// `|R(composed) - R(split)|`: R of the whole network on the data, and of the last subnetwork on its p.
    pub error: f64,
    /// What it is at most, up to the estimates of the linear maps' norms, which come from below; `None` where nothing is
    /// promised, since the risk has no Lipschitz constant.
    pub bound: Option<f64>,
}

/// Scratch that each of the executor's workers needs for [`Tssm::approximation`], for tiles of `tile` samples.
pub fn approximation_workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    networks: &[Network<'_, T>],
    tile: usize,
) -> Requirement {
    let pass = |network: &Network<'_, T>| {
        Requirement::vector(network.record(tile)).and(network.workspace(gemm, tile))
    };
    let passes = networks.iter().map(pass).fold(Requirement::NONE, Requirement::or);
    let norms = networks.iter().map(|network| network.lipschitz_workspace(gemm));
    carried(networks, tile).and(passes).or(norms.fold(Requirement::NONE, Requirement::or))
}

/// What goes from one subnetwork to the next.
fn carried<T: Real>(networks: &[Network<'_, T>], tile: usize) -> Requirement {
    let widest = networks.iter().skip(1).map(|network| network.input().features()).max();
    Requirement::matrix(widest.unwrap_or(0), tile)
}

impl<'a, T: Real, S: Memory<T>> Tssm<'a, T, S> {
    /// The error that comes of splitting, at the present weights and inputs, and Theorem 1's bound of it; every
    /// subnetwork's part is left in `norms`, one for each. R is the mean or the sum as the settings' convention says.
    ///
    /// A pass through all subnetworks twice, and `iterations` passes of a single sample through every linear map, back and
    /// forth. No variable of the run is touched.
    ///
    /// # Errors
    /// [`Shape`](crate::error::Error::Shape) naming `norms`; [`Workspace`](crate::error::Error::Workspace) if a worker has
    /// less than [`approximation_workspace`]; [`NonFinite`](crate::error::Error::NonFinite) if a norm is.
    pub fn approximation<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        iterations: usize,
        norms: &mut [Norms],
    ) -> Result<Approximation> {
        let n = self.networks.len();
        require_length("norms", norms.len(), n)?;
        let subnetworks = &*self.state.subnetworks;
        executor.run(&mut *norms, |l, norms, stack| {
            let parameters = subnetworks[l].parameters();
            let lipschitz = self.networks[l].lipschitz(gemm, parameters, iterations, stack)?;
            *norms = Norms { residual: 0.0, lipschitz };
            Ok(())
        })?;
        let m: f64 = self.settings.convention.samples(self.partition.samples());
        for (l, norms) in norms.iter_mut().enumerate().take(n - 1) {
            norms.residual = libm::sqrt(self.over_tiles(executor, gemm, Part::One(l))?.relaxation);
        }
        let split = self.over_tiles(executor, gemm, Part::One(n - 1))?.risk / m;
        let composed = self.over_tiles(executor, gemm, Part::All)?.risk / m;
        let is_mean = self.settings.convention == Convention::Mean;
        let risk = risk_lipschitz(self.settings.loss, self.partition.samples(), is_mean);
        let bound = risk.map(|risk| approximation_bound(risk, norms));
        Ok(Approximation { error: (composed - split).abs(), bound })
    }

    /// What the tiles add up to.
    fn over_tiles<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        part: Part,
    ) -> Result<Terms> {
        let Self { settings, networks, partition, problem, state, .. } = self;
        let State { subnetworks, interfaces, terms, .. } = state;
        let (settings, partition, problem) = (*settings, *partition, *problem);
        let frame = Frame { settings, networks, partition, problem, subnetworks };
        let interfaces = &**interfaces;
        executor.run(&mut **terms, |t, terms, stack| {
            *terms = Terms::default();
            let (start, count) = frame.tile(t);
            match part {
                Part::All => frame.composed(gemm, (start, count), terms, stack),
                Part::One(l) => {
                    let input = frame.input(interfaces, l, start, count);
                    let target = interfaces.get(l).map(|above| above.p.columns(start, count));
                    frame.measure(gemm, l, (start, count), &input, target, terms, stack)
                }
            }
        })?;
        let mut all = Terms::default();
        terms.iter().for_each(|terms| all.add(*terms));
        Ok(all)
    }
}

/// What a tile passes through.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// A subnetwork, from its own input.
    One(usize),
    /// The whole network, from the data.
    All,
}

impl<T: Real, S: Memory<T>> Frame<'_, T, S> {
    /// Adds the whole network's R on a tile of the data.
    fn composed<G: Gemm<T>>(
        &self,
        gemm: &G,
        (start, count): (usize, usize),
        terms: &mut Terms,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let carried = stack.vector(carried(self.networks, count).elements())?;
        let last = self.networks.len() - 1;
        for (l, network) in self.networks.iter().enumerate() {
            let mut stack = stack.rest();
            let input = match l {
                0 => columns(&self.problem.x, start, count),
                _ => dense(&carried[..network.input().features() * count], network.input().features(), count),
            };
            let record = self.forward(gemm, l, &input, &mut stack)?;
            let output = network.output_of(record, count);
            if l == last {
                terms.risk += self.settings.loss.value(output, self.problem.target.columns(start, count))?;
                break;
            }
            for (j, to) in carried.chunks_exact_mut(output.nrows()).take(count).enumerate() {
                to.copy_from_slice(column(&output, j));
            }
        }
        Ok(())
    }
}
