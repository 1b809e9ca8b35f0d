//! Theorem 1 on a run: the error of the approximation, and what bounds it.

use super::between::{Between, Frame};
use super::state::{Terms, VariablesMut};
use super::{Convention, Tssm};
use crate::error::Result;
use crate::executor::{Executor, Runs};
use crate::gemm::Gemm;
use crate::method::numbers::Numbers;
use crate::method::{Run, State};
use crate::real::Real;
use crate::theory::{Approximation, Norms, approximation_bound, risk_lipschitz};
use crate::view::{columns, copy, dense, dense_mut};
use crate::workspace::{Requirement, Stack};

impl<T: Real> Tssm<T> {
    /// Scratch that each of the executor's workers needs for [`Tssm::theorem`].
    pub(super) fn theorem_workspace<G: Gemm<T>>(&self, run: &Run<'_, T>, gemm: &G) -> Requirement {
        let Ok(parts) = self.parts(run) else { return Requirement::NONE };
        let tile = self.tile();
        parts.iter().fold(Requirement::NONE, |most, network| {
            let pass = Requirement::vector(network.record(tile)).and(network.workspace(gemm, tile));
            // What goes from one subnetwork to the next lies beside it.
            let carried = Requirement::matrix(parts.widest_cut(), tile);
            most.or(carried.and(pass)).or(network.lipschitz_workspace(gemm))
        })
    }

    /// The error that comes of splitting, at the present weights and inputs, and Theorem 1's bound of it; every
    /// subnetwork's part is left in the numbers. R is the mean or the sum as the settings' convention says.
    ///
    /// A pass through all subnetworks twice, and `rounds` passes of a single sample through every linear map, back and
    /// forth. No variable of the run is touched.
    pub(super) fn theorem<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        rounds: usize,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Approximation> {
        let (parts, mut variables) = (self.parts(run)?, self.variables_mut(run, state)?);
        let parameters = &*variables.parameters;
        executor.run(Runs::new(&mut *variables.norms, Norms::COUNT), |l, norms, stack| {
            let own = &parameters[parts.parameters(l)];
            let lipschitz = parts.get(l).lipschitz(gemm, own, rounds, stack)?;
            Norms { residual: 0.0, lipschitz }.write(norms);
            Ok(())
        })?;
        let last = parts.count() - 1;
        for l in 0..last {
            let residual =
                libm::sqrt(self.over_tiles(run, &mut variables, Some(l), executor, gemm)?.relaxation);
            Norms::update(&mut variables.norms[l * Norms::COUNT..], |norms| norms.residual = residual);
        }
        let m: f64 = self.settings.convention.samples(run.samples());
        let split = self.over_tiles(run, &mut variables, Some(last), executor, gemm)?.risk / m;
        let composed = self.over_tiles(run, &mut variables, None, executor, gemm)?.risk / m;
        let is_mean = self.settings.convention == Convention::Mean;
        let outputs = run.network.output().features();
        let bound = risk_lipschitz(self.settings.loss, outputs, run.samples(), is_mean).map(|risk| {
            approximation_bound(run.problem.target.largest_weight() * risk, Norms::all(variables.norms))
        });
        Ok(Approximation { error: (composed - split).abs(), bound })
    }

    /// What the tiles add up to, through one subnetwork from its own input or through the whole network from the data.
    fn over_tiles<E: Executor<T>, G: Gemm<T>>(
        &self,
        run: &Run<'_, T>,
        variables: &mut VariablesMut<'_, T>,
        only: Option<usize>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Terms> {
        let parts = self.parts(run)?;
        let VariablesMut { parameters, p, q, subnetworks, terms, .. } = variables;
        let frame = Frame { method: self, run: *run, parts, parameters, subnetworks };
        let between = Between { parts, samples: run.samples(), p, q };
        executor.run(Runs::new(terms, Terms::COUNT), |t, record, stack| {
            let mut terms = Terms::default();
            let (start, count) = self.tile_at(t);
            match only {
                None => frame.composed(gemm, (start, count), &mut terms, stack)?,
                Some(l) => {
                    let input = columns(&between.input(run, l), start, count);
                    let target = frame.above(&between, between.p, l);
                    frame.measure(gemm, l, (start, count), &input, target, &mut terms, stack)?;
                }
            }
            terms.write(record);
            Ok(())
        })?;
        Ok(Terms::sum(terms))
    }
}

impl<T: Real> Frame<'_, T> {
    /// Adds the whole network's R on a tile of the data.
    fn composed<G: Gemm<T>>(
        &self,
        gemm: &G,
        (start, count): (usize, usize),
        terms: &mut Terms,
        mut stack: Stack<'_, T>,
    ) -> Result {
        let last = self.parts.count() - 1;
        let carried = stack.vector(self.parts.widest_cut() * count)?;
        for l in 0..=last {
            let mut stack = stack.rest();
            let rows = self.parts.get(l).input().features();
            let input = match l {
                0 => columns(&self.run.problem.x, start, count),
                _ => dense(&carried[..rows * count], rows, count),
            };
            let record = self.forward(gemm, l, &input, &mut stack)?;
            let output = self.parts.get(l).output_of(record, count);
            if l == last {
                let target = self.run.problem.target.columns(start, count);
                terms.risk += self.method.settings.loss.value(output, target)?;
                break;
            }
            let rows = output.nrows();
            copy(&output, &mut dense_mut(&mut carried[..rows * count], rows, count));
        }
        Ok(())
    }
}
