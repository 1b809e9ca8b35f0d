//! nu and rho that change between sweeps.

use super::PdAdmm;
use super::variables::{Sizes, VariablesMut};
use crate::error::{Result, require_positive};
use crate::executor::{Executor, Units as _};
use crate::method::partition::{tile_of, tile_of_mut};
use crate::method::{Method, Penalties, Run, State};
use crate::real::Real;
use crate::update::copy;

impl<T: Real> PdAdmm<T> {
    /// Changes nu and rho between two sweeps; the duals stay as they are, so that the next sweep is that of a run which
    /// has come to this p, W, b, z and u under the new weights.
    ///
    /// - rho: u is the multiplier itself and not scaled by rho, so nothing moves.
    /// - nu: u is recovered from `u = nu (q - f(z))` (Lemma 4), so q moves to `f(z) + (nu_old/nu_new)(q - f(z))`
    ///   ([`copy::carry`]), in one pass over the samples. It moves as well where u is stored: Lemma 4 goes on holding,
    ///   and a run does not depend on where its duals live. What a layer keeps of nu is made anew.
    ///
    /// The Lagrangian changes by `(nu_new - nu_old)/2 |r|^2 + (rho_new - rho_old)/2 |p - q|^2` and, with nu, by what
    /// moving q changes; it may rise. Lemma 1 rests on Lemma 4 before and after a sweep, so it holds for every sweep
    /// whose own nu and rho are within its condition ([`pdadmm_rho_threshold`](crate::theory::pdadmm_rho_threshold)):
    /// raising nu or lowering rho may leave it. Theorem 3 is about runs whose nu and rho stay in the end.
    ///
    /// Values that are the present ones change no bit. May also be called before the state is initialised, which forgets
    /// all but the values.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting) naming `nu`, `rho` or their `ratio` and
    /// [`Length`](crate::error::Error::Length), before anything is written, else those of the executor's tasks.
    pub(super) fn change_penalties<E: Executor<T>>(
        &mut self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        Penalties { nu, rho, .. }: Penalties<T>,
        executor: &mut E,
    ) -> Result {
        require_positive("nu", nu.to_f64())?;
        require_positive("rho", rho.to_f64())?;
        state.require(self.memory(run))?;
        if nu != self.settings.nu {
            self.carry_duals(run, state, self.settings.nu / nu, executor)?;
        }
        (self.settings.nu, self.settings.rho) = (nu, rho);
        Ok(())
    }

    fn carry_duals<E: Executor<T>>(
        &self,
        run: &Run<'_, T>,
        state: &mut State<'_, T>,
        ratio: T,
        executor: &mut E,
    ) -> Result {
        // Two legal weights may be so far apart that their ratio is not a number of this type.
        require_positive("ratio of nu", ratio.to_f64())?;
        let (frame, groups) = (self.frame(run)?, self.partition.groups());
        let (sizes, activation) = (frame.sizes, frame.activation);
        let variables = &mut VariablesMut::new(sizes, state)?;
        let VariablesMut { layers, z, q, .. } = variables;
        let (hidden, _) = sizes.deal(q, Sizes::q).split(sizes.units() - groups);
        executor.run_at(self.units(), hidden, |unit, q, mut stack| {
            let (z, n_out) = (sizes.of(z, unit, Sizes::z), sizes.n_out(unit));
            for (start, count) in self.partition.tiles(unit % groups) {
                let (z, mut q) = (tile_of(z, n_out, start, count), tile_of_mut(q, n_out, start, count));
                copy::carry(ratio, activation, &z, &mut q, stack.rest())?;
            }
            Ok(())
        })?;
        layers.forget_factor();
        self.share_outputs(sizes, variables, executor)
    }
}
