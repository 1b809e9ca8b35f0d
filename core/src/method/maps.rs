//! A network's linear maps, each stepped by least squares from its sums, all at the same time.

use core::ops::Range;

use super::numbers::{Numbers, numbers};
use crate::block::{LinearMap, Network, Place};
use crate::error::Result;
use crate::executor::{Executor, Runs, Units};
use crate::gemm::Gemm;
use crate::real::Real;
use crate::reduce;
use crate::regularizer::Regularizer;
use crate::update::StepRule;
use crate::update::sums::{Parts, add_slice};
use crate::update::weights::{self, Change, Factor, Order};
use crate::view::{dense, dense_mut};
use crate::workspace::{Requirement, Stack};

/// Elements that are copied or added up at a time.
const STRETCH: usize = 1 << 15;

/// What a map knows beside matrices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record {
    /// The decrease of the objective that its gradient predicts of the map's last step.
    pub(super) decrease: f64,
    /// `|gradient|^2` of the penalty and Omega before it.
    pub(super) slope: f64,
    /// The sums of the input are known and do not change; of the first map alone.
    input_known: bool,
    /// Their Cholesky factor is.
    factored: bool,
}

numbers!(Record { decrease: f64, slope: f64, input_known: bool, factored: bool });

/// How all maps step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<T> {
    /// Damping of the least-squares weights relative to the mean eigenvalue of the centred `p p'`.
    pub(super) damping: T,
    /// Omega, none or l2.
    pub(super) regularizer: Regularizer<T>,
    /// Samples of the sums.
    pub(super) samples: usize,
    /// Whether the first map's input is data that every pass sees again: then its sums and their factor are kept.
    pub(super) data: bool,
}

impl<T: Real> Step<T> {
    fn rule(&self) -> StepRule<T> {
        StepRule::LeastSquares { damping: self.damping }
    }

    fn lambda(&self) -> f64 {
        match self.regularizer {
            Regularizer::L2(lambda) => lambda.to_f64(),
            _ => 0.0,
        }
    }
}

/// Elements of the Cholesky factor of the first map's sums.
pub(super) fn factor<T: Real>(network: &Network<'_, T>) -> usize {
    network.maps().next().map_or(0, |map| map.n_in.saturating_mul(map.n_in))
}

/// Numbers of all maps.
pub(super) fn numbers<T: Real>(network: &Network<'_, T>) -> usize {
    network.maps().count() * Record::COUNT
}

/// Scratch of [`Maps::step`].
pub(super) fn step_workspace<T: Real, G: Gemm<T>>(gemm: &G, network: &Network<'_, T>) -> Requirement {
    let rule = StepRule::LeastSquares { damping: T::ONE };
    network.maps().fold(Requirement::NONE, |most, LinearMap { n_out, n_in, .. }| {
        let step = weights::reduce_workspace(gemm, &rule, n_out, n_in);
        most.or(step).or(weights::factor_workspace(gemm, n_in))
    })
}

/// What is added up of the first map, by its records.
pub(super) fn first_parts(records: &[f64]) -> Parts {
    let known = records.len() >= Record::COUNT && Record::read(records).input_known;
    if known { Parts::Residual } else { Parts::All }
}

/// The sums that nobody adds to, since they are known.
fn known<T: Real>(network: &Network<'_, T>, first: Parts) -> Range<usize> {
    network.places().next().map_or(0..0, |place| place.shape().counted(first)..place.end())
}

/// Sets a group's sums to zero, but for those that are known.
pub(super) fn clear<T: Real>(network: &Network<'_, T>, first: Parts, sums: &mut [T]) {
    let known = known(network, first);
    sums[..known.start].fill(T::ZERO);
    sums[known.end..].fill(T::ZERO);
}

/// The maps of a network with what is kept of them, laid out as its parameters or as its sums.
#[derive(Debug)]
pub(super) struct Maps<'s, T: Real> {
    pub(super) network: Network<'s, T>,
    pub(super) parameters: &'s mut [T],
    /// What the last step added to the parameters.
    pub(super) change: &'s mut [T],
    pub(super) sums: &'s mut [T],
    /// [`factor`] elements; empty where it is not kept.
    pub(super) factor: &'s mut [T],
    /// The parameters before the last step; empty where it cannot be undone.
    pub(super) before: &'s mut [T],
    pub(super) records: &'s mut [f64],
}

impl<T: Real> Maps<'_, T> {
    /// Adds up the groups' sums, in their order; `groups` holds them one after the other.
    pub(super) fn collect<E: Executor<T>>(&mut self, executor: &mut E, groups: &[T]) -> Result {
        let (length, known) = (self.sums.len(), known(&self.network, first_parts(self.records)));
        if length == 0 {
            return Ok(());
        }
        executor.run(Runs::new(&mut *self.sums, STRETCH), |index, stretch, _| {
            let start = index * STRETCH;
            let end = start + stretch.len();
            for part in [start..known.start.clamp(start, end), known.end.clamp(start, end)..end] {
                let sums = &mut stretch[part.start - start..part.end - start];
                sums.fill(T::ZERO);
                for group in groups.chunks_exact(length) {
                    add_slice(&group[part.clone()], sums);
                }
            }
            Ok(())
        })
    }

    /// Copies the parameters to where a step can be undone from.
    pub(super) fn keep<E: Executor<T>>(&mut self, executor: &mut E) -> Result {
        let parameters = &*self.parameters;
        executor.run(Runs::new(&mut *self.before, STRETCH), |index, before, _| {
            before.copy_from_slice(&parameters[index * STRETCH..][..before.len()]);
            Ok(())
        })
    }

    /// Takes the last step back, bit for bit.
    pub(super) fn undo(&mut self) {
        self.parameters.copy_from_slice(self.before);
    }

    /// The step of every map from the collected sums, and what it should do to the objective. `weight` gives the weight of
    /// the penalty `(weight/2)|r|^2` that a map's step is made for.
    pub(super) fn step<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        step: &Step<T>,
        weight: impl Fn(LinearMap) -> f64 + Sync,
    ) -> Result {
        let Self { network, parameters, change, sums, factor, before, records } = self;
        let count = network.maps().count();
        let places = network.places();
        let units = Each { places, count, parameters, change, sums, factor, before, records };
        executor.run(units, |_, map, stack| map.step(gemm, step, &weight, stack))
    }
}

/// Maps as units of work: the first `count` of `places`.
struct Each<'m, T, P> {
    places: P,
    count: usize,
    parameters: &'m mut [T],
    change: &'m mut [T],
    sums: &'m mut [T],
    factor: &'m mut [T],
    before: &'m mut [T],
    records: &'m mut [f64],
}

impl<'m, T: Real, P: Iterator<Item = Place> + Clone + Send> Units for Each<'m, T, P> {
    type Unit = Self;

    fn count(&self) -> usize {
        self.count
    }

    fn split(self, at: usize) -> (Self, Self) {
        let Self { places, count, parameters, change, sums, factor, before, records } = self;
        let at = at.min(count);
        let mut others = places.clone();
        let front = others.by_ref().take(at);
        let (split, split_sums) = front.fold((0, 0), |(parameters, sums), place| {
            (parameters + place.map.parameters(), sums + place.shape().elements())
        });
        let before_split = split.min(before.len());
        // The factor is the first map's.
        let factor_split = if at > 0 { factor.len() } else { 0 };
        let (a, b) = parameters.split_at_mut(split);
        let (c, d) = change.split_at_mut(split);
        let (e, f) = sums.split_at_mut(split_sums);
        let (g, h) = factor.split_at_mut(factor_split);
        let (i, j) = before.split_at_mut(before_split);
        let (k, l) = records.split_at_mut(at * Record::COUNT);
        (
            Self { places, count: at, parameters: a, change: c, sums: e, factor: g, before: i, records: k },
            Self {
                places: others,
                count: count - at,
                parameters: b,
                change: d,
                sums: f,
                factor: h,
                before: j,
                records: l,
            },
        )
    }

    fn single(self) -> Self {
        self
    }
}

impl<T: Real, P: Iterator<Item = Place>> Each<'_, T, P> {
    /// The step of the only map.
    fn step<G: Gemm<T>>(
        mut self,
        gemm: &G,
        step: &Step<T>,
        weight: impl Fn(LinearMap) -> f64,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let Some(place) = self.places.next() else { return Ok(()) };
        let (shape, weight, samples) =
            (place.shape(), weight(place.map), step.samples.saturating_mul(place.pixels));
        let (mut record, w, n) = (Record::read(self.records), T::from_f64(weight), shape.n_in);
        if !record.input_known {
            shape.carve(self.sums)?.finish();
        }
        let sums = shape.read(self.sums, samples)?;
        if step.data && place.start == 0 && samples > 0 {
            record.input_known = true;
            if !self.factor.is_empty() && !record.factored {
                let (omega, lower) = (step.regularizer, &mut dense_mut(self.factor, n, n));
                record.factored = weights::factor(gemm, step.damping, w, omega, &sums, lower, stack.rest())?;
            }
        }
        let factor = record.factored.then(|| Factor { lower: dense(self.factor, n, n) });
        let map = LinearMap { offset: 0, ..place.map };
        let (mut matrix, bias) = map.write(self.parameters);
        let (change, bias_change) = map.write(self.change);
        weights::reduce(
            gemm,
            &step.rule(),
            // Least squares moves both at once.
            Order::WeightsFirst,
            w,
            step.regularizer,
            &sums,
            factor.as_ref(),
            &mut matrix,
            bias,
            &mut Change { weights: change, bias: bias_change },
            stack,
        )?;
        self.account(&mut record, map, weight, step.lambda());
        record.write(self.records);
        Ok(())
    }

    /// What the gradient `w C + lambda W` (and `w r 1` for the bias) at the weights before says of the last step.
    fn account(&self, record: &mut Record, map: LinearMap, w: f64, lambda: f64) {
        let weights = map.n_out * map.n_in;
        let ((cross, rest), (change, bias_change)) =
            (self.sums.split_at(weights), self.change.split_at(weights));
        let residual = &rest[..map.n_out];
        record.decrease = -(w * (reduce::dot(cross, change) + reduce::dot(residual, bias_change)));
        record.slope = w * w * (reduce::sum_squares(cross) + reduce::sum_squares(residual));
        if lambda > 0.0 {
            let before = &self.before[..weights];
            let mixed = 2.0 * w * reduce::dot(cross, before) + lambda * reduce::sum_squares(before);
            record.decrease -= lambda * reduce::dot(before, change);
            record.slope = (record.slope + lambda * mixed).max(0.0);
        }
    }
}
