//! The weights of all subnetworks by proximal sweeps.

use super::state::Subnetwork;
use super::tile;
use super::weights::Way;
use super::{Settings, State, Tssm};
use crate::block::{MapSums, Network, Place};
use crate::error::{Error, Result};
use crate::executor::{Chain, Executor, Units};
use crate::gemm::Gemm;
use crate::loss::{OutputSolver, solve_output_workspace};
use crate::matrix::Memory;
use crate::method::steering;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::update::sums::add_slice;
use crate::update::weights::{self, Change, Order};
use crate::workspace::{Requirement, Stack};

/// Elements of the sums that are added up at a time.
const STRETCH: usize = 1 << 15;

/// Scratch of a tile of m samples beside [`tile::workspace`]'s: the sums' or the output subproblem's; and that of the maps'
/// steps.
pub(super) fn workspace<T: Real, G: Gemm<T>>(
    gemm: &G,
    settings: &Settings<T>,
    network: &Network<'_, T>,
    m: usize,
) -> Requirement {
    let output = network.output().features();
    let solve = solve_output_workspace::<T>(settings.loss, OutputSolver::Newton, output);
    let pass = tile::workspace(gemm, network, m).and(MapSums::workspace(gemm, network, m).or(solve));
    let rule = StepRule::LeastSquares { damping: T::ONE };
    let step = |place: Place| weights::reduce_workspace(gemm, &rule, place.map.n_out, place.map.n_in);
    network.places().map(step).fold(pass, Requirement::or)
}

impl<'a, T: Real, S: Memory<T>> Tssm<'a, T, S> {
    /// One proximal step of all subnetworks from a batch; with a guard also what became of their costs.
    pub(super) fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        damping: T,
        samples: &[u32],
    ) -> Result {
        self.clear_costs();
        self.pass(executor, gemm, samples, Way::Back)?;
        for l in self.settings.frozen..self.networks.len() {
            self.state.subnetworks[l].cost = self.cost(l, samples.len())?;
        }
        self.keep();
        self.collect(executor, samples.len())?;
        self.step_maps(executor, gemm, damping, samples.len())?;
        let Some(guard) = self.settings.guard else { return Ok(()) };
        self.clear_costs();
        // Outputs that are not finite have no cost: that is a cost that rose.
        self.pass(executor, gemm, samples, Way::Forward)?;
        for l in self.settings.frozen..self.networks.len() {
            let found = self.cost(l, samples.len()).unwrap_or(f64::INFINITY);
            self.steer(l, found, guard.to_f64(), samples.len());
        }
        Ok(())
    }

    /// The mean cost of the last pass.
    fn cost(&self, l: usize, samples: usize) -> Result<f64> {
        let groups = self.batches.groups();
        let sum: f64 = self.state.shares[l * groups..][..groups].iter().map(|share| share.cost).sum();
        let mean = sum / samples.max(1) as f64;
        if mean.is_finite() { Ok(mean) } else { Err(Error::NonFinite { quantity: "the cost" }) }
    }

    /// Adds up the groups' sums, in their order, those of all subnetworks in one phase.
    fn collect<E: Executor<T>>(&mut self, executor: &mut E, samples: usize) -> Result {
        let (groups, used) = (self.batches.groups(), self.batches.of(samples).groups());
        let frozen = self.settings.frozen;
        let State { subnetworks, shares, .. } = &mut self.state;
        let shares = &**shares;
        let moving = subnetworks.get_mut(frozen..).unwrap_or_default();
        let stretches = |_, subnetwork: &Subnetwork<T, S>| subnetwork.sums.as_ref().len().div_ceil(STRETCH);
        let units = Chain::new(moving, frozen, stretches, |l, subnetwork| Own {
            l,
            first: 0,
            sums: subnetwork.sums.as_mut(),
        });
        executor.run(units, |_, Own { l, first, sums }, _| {
            sums.fill(T::ZERO);
            for share in &shares[l * groups..][..used] {
                add_slice(&share.sums.as_ref()[first..][..sums.len()], sums);
            }
            Ok(())
        })
    }

    /// The least-squares steps of all linear maps of all subnetworks, and what they should do to the costs.
    fn step_maps<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        damping: T,
        samples: usize,
    ) -> Result {
        let (frozen, networks) = (self.settings.frozen, self.networks);
        let subnetworks = self.state.subnetworks.get_mut(frozen..).unwrap_or_default();
        let maps = |l: usize, _: &Subnetwork<T, S>| networks[l].places().count();
        let units = Chain::new(subnetworks, frozen, maps, |l, subnetwork| Maps {
            network: &networks[l],
            first: 0,
            count: networks[l].places().count(),
            parameters: subnetwork.parameters.as_mut(),
            change: subnetwork.gradient.as_mut(),
            sums: subnetwork.sums.as_mut(),
        });
        let rule = StepRule::LeastSquares { damping };
        executor.run(units, |_, map, stack| map.step(gemm, &rule, samples, stack))?;
        let (alpha, start) = (self.settings.alpha.to_f64(), self.settings.inner.nu());
        for (l, network) in networks.iter().enumerate().skip(frozen) {
            let subnetwork = &mut self.state.subnetworks[l];
            // The gradient of the cost is alpha or nu times the sums of r p'; the signal's own length does not count.
            let weight = if l + 1 == networks.len() { subnetwork.nu } else { alpha * subnetwork.nu / start };
            subnetwork.predicted = -weight * along(network, subnetwork) / samples.max(1) as f64;
        }
        Ok(())
    }

    /// Undoes the step of subnetwork l if its cost rose, and moves its nu.
    fn steer(&mut self, l: usize, found: f64, guard: f64, samples: usize) {
        let start = self.settings.inner.nu();
        let is_last = l + 1 == self.networks.len();
        let subnetwork = &mut self.state.subnetworks[l];
        if samples == 0 {
            return;
        }
        let nu = if found <= subnetwork.cost + guard {
            let decrease = subnetwork.cost - found;
            steering::after_step(subnetwork.nu, start, decrease, subnetwork.predicted)
        } else {
            subnetwork.undo();
            steering::after_rejection(subnetwork.nu, start)
        };
        subnetwork.nu = if is_last { nu } else { nu.max(start) };
    }
}

/// `sum over maps of <r p', D> + <r 1, d>`.
fn along<T: Real, S: Memory<T>>(network: &Network<'_, T>, subnetwork: &Subnetwork<T, S>) -> f64 {
    let (change, sums) = (subnetwork.gradient.as_ref(), subnetwork.sums.as_ref());
    let of = |place: Place| {
        let change = &change[place.map.offset..place.map.end()];
        // r p' and the row sums of r lie side by side, as weights and bias do.
        reduce::dot(&sums[place.start..][..change.len()], change)
    };
    network.places().map(of).sum()
}

/// The sums of subnetwork l, from element `first` on, cut into stretches.
struct Own<'a, T> {
    l: usize,
    first: usize,
    sums: &'a mut [T],
}

impl<T: Send> Units for Own<'_, T> {
    type Unit = Self;

    fn count(&self) -> usize {
        self.sums.len().div_ceil(STRETCH)
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { l, first, sums } = self;
        let at = (at * STRETCH).min(sums.len());
        let (front, back) = sums.split_at_mut(at);
        (Self { l, first, sums: front }, Self { l, first: first + at, sums: back })
    }

    fn single(self) -> Self {
        self
    }
}

/// The linear maps `first .. first + count` of a network: their parameters, the last change of these, their sums.
struct Maps<'m, 'n, T: Real> {
    network: &'m Network<'n, T>,
    first: usize,
    count: usize,
    parameters: &'m mut [T],
    change: &'m mut [T],
    sums: &'m mut [T],
}

impl<'m, 'n, T: Real> Maps<'m, 'n, T> {
    fn places(&self) -> impl Iterator<Item = Place> {
        self.network.places().skip(self.first).take(self.count)
    }
}

impl<'m, 'n, T: Real> Units for Maps<'m, 'n, T> {
    type Unit = Self;

    fn count(&self) -> usize {
        self.count
    }

    fn split(self, at: usize) -> (Self, Self) {
        let front = self.places().take(at);
        let (parameters, sums) = front.fold((0, 0), |(parameters, sums), place| {
            (parameters + place.map.parameters(), sums + place.shape().elements())
        });
        let at = at.min(self.count);
        let (network, first, count) = (self.network, self.first, self.count);
        let parameters = (self.parameters.split_at_mut(parameters), self.change.split_at_mut(parameters));
        let (((a, b), (c, d)), (e, f)) = (parameters, self.sums.split_at_mut(sums));
        (
            Self { network, first, count: at, parameters: a, change: c, sums: e },
            Self { network, first: first + at, count: count - at, parameters: b, change: d, sums: f },
        )
    }

    fn single(self) -> Self {
        self
    }
}

impl<T: Real> Maps<'_, '_, T> {
    /// The step of the only map.
    fn step<G: Gemm<T>>(self, gemm: &G, rule: &StepRule<T>, samples: usize, stack: Stack<'_, T>) -> Result {
        let Some(place) = self.places().next() else { return Ok(()) };
        let shape = place.shape();
        shape.carve(self.sums)?.finish();
        let sums = shape.read(self.sums, samples.saturating_mul(place.pixels))?;
        let map = crate::block::LinearMap { offset: 0, ..place.map };
        let (mut weights, bias) = map.write(self.parameters);
        let (change, bias_change) = map.write(self.change);
        let mut change = Change { weights: change, bias: bias_change };
        let (order, omega) = (Order::WeightsFirst, Regularizer::None);
        // Neither w nor the order has a share in a least-squares step without a regulariser.
        weights::reduce(
            gemm,
            rule,
            order,
            T::ONE,
            omega,
            &sums,
            None,
            &mut weights,
            bias,
            &mut change,
            stack,
        )?;
        Ok(())
    }
}
