//! nu and rho that change between sweeps.

use super::PdAdmm;
use crate::error::{Result, require_positive};
use crate::executor::Executor;
use crate::matrix::Memory;
use crate::method::Settings;
use crate::method::layer::Layer;
use crate::real::Real;
use crate::update::copy;

impl<T: Real, S: Memory<T>> PdAdmm<'_, T, S> {
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
    /// Values that are the present ones change no bit. May also be called before
    /// [`initialize`](PdAdmm::initialize), which forgets all but the values.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting) naming `nu`, `rho` or their `ratio`, before anything is written, else
    /// those of the executor's tasks.
    pub fn set_penalties<E: Executor<T>>(&mut self, executor: &mut E, nu: T, rho: T) -> Result {
        let settings = Settings { nu, rho, ..self.settings };
        settings.validate()?;
        if nu != self.settings.nu {
            self.carry_duals(executor, self.settings.nu / nu)?;
            self.state.layers.iter_mut().for_each(Layer::forget_factor);
        }
        self.settings = settings;
        Ok(())
    }

    fn carry_duals<E: Executor<T>>(&mut self, executor: &mut E, ratio: T) -> Result {
        // Two legal weights may be so far apart that their ratio is not a number of this type.
        require_positive("ratio of nu", ratio.to_f64())?;
        let (activation, partition) = (self.settings.activation, self.partition);
        let hidden = self.state.outputs.len() - partition.groups();
        executor.run(&mut self.state.outputs[..hidden], |unit, output, mut stack| {
            for (start, count) in partition.tiles(unit % partition.groups()) {
                let z = output.z.columns(start, count);
                copy::carry(ratio, activation, &z, &mut output.q.columns_mut(start, count), stack.rest())?;
            }
            Ok(())
        })
    }
}
