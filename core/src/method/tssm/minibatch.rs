//! Proximal sweeps inside subnetworks from mini-batches, with momentum and a falling step.

use super::Tssm;
use super::between::Between;
use super::state::{VariablesMut, subnetwork, update};
use crate::error::{Error, Result};
use crate::executor::{Executor, Pieces, Runs};
use crate::gemm::Gemm;
use crate::loss::{Loss, OutputSolver};
use crate::method::Run;
use crate::method::numbers::Numbers;
use crate::method::parts::Parts;
use crate::method::pass::{self, Pass, Samples, Tally};
use crate::method::proxprop::{MapStep, MapVariables};
use crate::real::Real;
use crate::workspace::Requirement;

impl<T: Real> Tssm<T> {
    /// How the maps of all moving subnetworks step.
    pub(super) fn map_step<'a>(&self, parts: &Parts<'a, T>) -> MapStep<'a, T> {
        MapStep { network: parts.moving_network(), largest: self.of_batch, settings: self.settings }
    }

    /// How those of subnetwork l do, whose share of a group's memory is as long as its own layout.
    fn map_step_of_subnetwork<'a>(&self, parts: &Parts<'a, T>, l: usize) -> MapStep<'a, T> {
        MapStep { network: parts.get(l), ..self.map_step(parts) }
    }

    pub(super) fn minibatch_workspace<G: Gemm<T>>(
        &self,
        gemm: &G,
        parts: &Parts<'_, T>,
        tile: usize,
        risk: (Loss, OutputSolver),
    ) -> Requirement {
        let step = self.map_step(parts).workspace(gemm);
        (self.settings.frozen..parts.count()).fold(step, |most, l| {
            let collecting = self.map_step_of_subnetwork(parts, l).layout().workspace(gemm, tile);
            most.or(pass::workspace(gemm, &parts.get(l), tile, collecting, risk))
        })
    }

    /// All batches of an epoch.
    pub(super) fn train_by_columns<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        order: Option<&[u32]>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let moving = self.settings.frozen..parts.count();
        let maps = self.map_step(parts);
        for samples in self.batches.steps(order, self.of_batch) {
            let k = subnetwork(variables.subnetworks, moving.start).steps;
            let nu = self.settings.nu.to_f64() / self.schedule.length(k);
            for l in moving.clone() {
                update(variables.subnetworks, l, |subnetwork| subnetwork.nu = nu);
            }
            variables.tallies.fill(0.0);
            self.collect_columns(run, parts, variables, (samples, k), executor, gemm)?;
            for l in moving.clone() {
                let cost = self.mean_cost(parts, variables.tallies, l, samples.count());
                if !cost.is_finite() {
                    return Err(Error::NonFinite { quantity: "the cost" });
                }
                update(variables.subnetworks, l, |subnetwork| {
                    (subnetwork.cost, subnetwork.steps) = (cost, k + 1);
                });
            }
            let VariablesMut { parameters, first, sums, groups, records, .. } = variables;
            let parameters = &mut parameters[parts.standing()..];
            let of_maps = &mut MapVariables { velocity: first, solving: sums, groups, solved: records };
            // Without a regulariser the weight of the residual makes no difference.
            maps.solve(parameters, of_maps, (samples, k), nu, false, executor, gemm)?;
            maps.advance(parameters, of_maps, samples, T::ONE, executor, gemm)?;
        }
        Ok(())
    }

    /// Passes batch k, counted from 0, through all moving subnetworks and keeps what their maps meet.
    fn collect_columns<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        parts: &Parts<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        (samples, k): (Samples<'_>, usize),
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        let VariablesMut { parameters, groups, p, q, subnetworks, tallies, .. } = variables;
        let (parameters, subnetworks) = (&**parameters, &**subnetworks);
        let between = Between { parts: *parts, samples: run.samples(), p, q };
        let (used, moving, frozen) = (samples.partition.groups(), parts.moving(), self.settings.frozen);
        let sums = self.map_step(parts).parts(k);
        let group = self.map_step(parts).layout().elements();
        let length =
            |unit: usize| self.map_step_of_subnetwork(parts, frozen + unit % moving).layout().elements();
        let units = (
            Pieces::new(&mut groups[..used * group], used * moving, length),
            Runs::new(&mut tallies[..used * moving * Tally::COUNT], Tally::COUNT),
        );
        executor.run(units, |unit, (memory, tally), stack| {
            let (g, l) = (unit / moving, frozen + unit % moving);
            let goal = self.goal(run, &between, l, subnetwork(subnetworks, l).nu);
            let pass = Pass {
                network: parts.get(l),
                parameters: &parameters[parts.parameters(l)],
                input: between.input(run, l),
                goal,
                samples,
            };
            let layout = self.map_step_of_subnetwork(parts, l).layout();
            let sink = &mut layout.collect(memory, sums);
            Tally::update(tally, |tally| pass.run(gemm, g, sink, tally, stack))
        })
    }
}
