//! Proximal sweeps inside subnetworks from mini-batches, with momentum and a falling step.

use super::Tssm;
use super::state::{VariablesMut, subnetwork, update};
use crate::error::Result;
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::loss::{Loss, OutputSolver};
use crate::method::Run;
use crate::method::batches::Epoch;
use crate::method::parts::Parts;
use crate::method::pass;
use crate::method::proxprop::{MapStep, MapVariables};
use crate::real::Real;
use crate::workspace::Requirement;

impl<T: Real> Tssm<T> {
    /// How the maps of all moving subnetworks step.
    pub(super) fn map_step<'a>(&self, parts: &Parts<'a, T>) -> MapStep<'a, T> {
        MapStep { network: parts.moving_network(), largest: self.of_batch, settings: self.settings }
    }

    /// How those of subnetwork l do, whose share of a group's memory is as long as its own layout.
    pub(super) fn map_step_of_subnetwork<'a>(&self, parts: &Parts<'a, T>, l: usize) -> MapStep<'a, T> {
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
    pub(super) fn train_in_minibatches<E: Executor<T>, G: Gemm<T>>(
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
        for samples in self.batches.steps(Epoch::whole(order), self.of_batch) {
            let k = subnetwork(variables.subnetworks, moving.start).steps;
            let nu = self.settings.nu.to_f64() / self.schedule.length(k);
            for l in moving.clone() {
                update(variables.subnetworks, l, |subnetwork| subnetwork.nu = nu);
            }
            self.pass_back(run, parts, variables, samples, executor, gemm)?;
            let VariablesMut { parameters, first, sums, groups, records, .. } = variables;
            let parameters = &mut parameters[parts.standing()..];
            let of_maps = &mut MapVariables { velocity: first, solving: sums, groups, solved: records };
            // Without a regulariser the weight of the residual makes no difference.
            maps.solve(parameters, of_maps, (samples, k), nu, false, executor, gemm)?;
            maps.advance(parameters, of_maps, samples, T::ONE, executor, gemm)?;
            for l in moving.clone() {
                update(variables.subnetworks, l, |subnetwork| subnetwork.steps = k + 1);
            }
        }
        Ok(())
    }
}
