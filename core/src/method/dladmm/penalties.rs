//! nu and rho that change between sweeps.

use super::DlAdmm;
use super::frame::linear_weight;
use crate::error::Result;
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::method::Settings;
use crate::method::layer::Layer;
use crate::real::Real;
use crate::view::{column, column_mut};

impl<T: Real, S: Memory<T>> DlAdmm<'_, T, S> {
    /// Changes nu and rho between two sweeps; a, W, b, z and u stay as they are.
    ///
    /// - nu: no variable depends on it. What the first layer keeps of its weight w is made anew.
    /// - rho: the last layer carries `r = W a + b - z - u/rho`, which is made anew from the variables, in one pass over
    ///   the samples and with one product of the last layer. Adding `u/rho_old - u/rho_new` would do without the
    ///   product, but when rho rises the rounding of `u/rho_old`, which may be a million times larger than what is left,
    ///   would stay in r for good.
    ///
    /// The Lagrangian changes by `(rho_new - rho_old)/2 |z_L - W a - b|^2` and, for nu, by the penalties' change; it may
    /// rise. Property 2 rests on `u = -grad R(z_L)`, which holds after every sweep whatever rho is, so it holds for every
    /// sweep whose own rho is above [`dladmm_rho_threshold`](crate::theory::dladmm_rho_threshold). Theorem 4.2 is about
    /// runs whose nu and rho stay in the end.
    ///
    /// Values that are the present ones change no bit. May also be called before
    /// [`initialize`](DlAdmm::initialize), which forgets all but the values.
    ///
    /// # Errors
    /// [`Setting`](crate::error::Error::Setting) naming `nu` or `rho`, before anything is written, else those of the
    /// executor's tasks.
    pub fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        nu: T,
        rho: T,
    ) -> Result {
        let settings = Settings { nu, rho, ..self.settings };
        settings.validate()?;
        if rho != self.settings.rho {
            self.shift(executor, gemm, rho)?;
        }
        let layers = self.state.layers.len();
        if linear_weight(&settings, 0, layers) != self.weight(0) {
            self.state.layers.iter_mut().for_each(Layer::forget_factor);
        }
        self.settings = settings;
        Ok(())
    }

    /// `r <- W a + b - z - u/rho` in the last layer.
    fn shift<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, rho: T) -> Result {
        let (last, inverse) = (self.state.layers.len() - 1, T::ONE / rho);
        self.pass(executor, |frame, g, unit, mut stack| {
            for (start, count) in frame.partition.tiles(g) {
                let a = frame.input(unit.hidden, g, start, count);
                let mut r = unit.residuals[last].r.columns_mut(start, count);
                frame.layers[last].forward(gemm, &a, &mut r, stack.rest())?;
                let (z, u) = (unit.group.z.columns(start, count), unit.group.u.columns(start, count));
                for j in 0..count {
                    for ((r, &z), &u) in
                        column_mut(&mut r, j).iter_mut().zip(column(&z, j)).zip(column(&u, j))
                    {
                        *r -= z + inverse * u;
                    }
                }
            }
            Ok(())
        })
    }
}
