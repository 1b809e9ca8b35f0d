//! rho and epsilon that change between sweeps.

use super::{Dlam, tile};
use crate::error::{Result, require_positive};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::method::{Hyperparameters, Method, Run, State};
use crate::real::Real;
use crate::regularizer::Regularizer;
use crate::update::StepRule;

/// What a change of epsilon did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Projection {
    /// Entries of a, or of z and a with [`Repair::Linear`](super::Repair::Linear), that have been moved to meet the new intervals.
    pub entries: usize,
    /// The square of the distance that they moved.
    pub squared: f64,
    /// F before.
    pub before: f64,
    /// F after; it may be higher.
    pub after: f64,
}

impl<T: Real> Dlam<T> {
    /// Sets rho between sweeps, above 0. F is another function from then on.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting), [`Length`](crate::Error::Length) as [`Dlam::variables`]; nothing is changed.
    pub fn set_rho(&mut self, run: &Run<'_, T>, state: &mut State<'_, T>, rho: T) -> Result {
        require_positive("rho", rho.to_f64())?;
        let mut variables = self.variables_mut(run, state)?;
        // The first layer's factor holds lambda/rho.
        let Hyperparameters { weight_step, regularizer, .. } = variables.settings;
        if let (StepRule::LeastSquares { .. }, Regularizer::L2(_)) = (weight_step, regularizer) {
            variables.layers.forget_factor();
        }
        self.base.settings.rho = rho;
        Ok(())
    }

    /// Sets epsilon between sweeps, above 0. Where it shrinks, [`Hyperparameters::repair`] says whether a or z moves so that
    /// the new intervals are met; the residuals follow, with a product for each layer whose a moves. F may rise by that, and
    /// what happened is reported.
    ///
    /// # Errors
    /// [`Setting`](crate::Error::Setting), [`Length`](crate::Error::Length) as [`Dlam::variables`], when nothing is changed, and those of
    /// the executor's tasks.
    pub fn set_epsilon<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        epsilon: T,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Projection> {
        require_positive("epsilon", epsilon.to_f64())?;
        let before = self.objective(run, state, executor, gemm)?;
        let shrinks = epsilon < self.base.settings.epsilon;
        self.base.settings.epsilon = epsilon;
        if !shrinks {
            return Ok(Projection { before, after: before, ..Projection::default() });
        }
        let mut variables = self.variables_mut(run, state)?;
        variables.pass(executor, |frame, group, mut stack| {
            for tile in group.tiles() {
                tile::project(gemm, frame, tile, group, stack.rest())?;
            }
            Ok(())
        })?;
        let squared = variables.records().map(|terms| terms.projected).sum();
        let entries = variables.records().map(|terms| terms.entries).sum();
        let after = self.objective(run, state, executor, gemm)?;
        Ok(Projection { entries, squared, before, after })
    }
}
