//! Taylor's ADMM (Taylor, Burmeister, Xu, Singh, Patel, Goldstein, ICML 2016, Algorithm 1): forward, each block in closed
//! form.
//!
//! The problem, with the biases and weights that dlADMM's papers give it when they compare:
//!
//! `min R(z_L; y) + sum Omega(W_l) + (nu/2) sum_{l<L} (|z_l - W_l a_{l-1} - b_l|^2 + |a_l - f(z_l)|^2)` so that
//! `z_L = W_L a_{L-1} + b_L`,
//!
//! where only the last constraint has a multiplier u and a weight rho. (The paper has `beta_l` and `gamma_l` without the half
//! for nu, and no biases.) Its Lagrangian is dlADMM's equation 1, so that state, start and accounts are
//! [`dladmm`](super::dladmm)'s; what differs is the order, and that every block is minimised.
//!
//! For l = 1..L-1, each with what the others are by then:
//! - `(W_l, b_l)` by least squares from sums over samples (the paper's transpose reduction), with the damping of
//!   [`StepRule::LeastSquares`] where the paper has a pseudo-inverse;
//! - `a_l <- (w W'W + nu I)^-1 (w W'(z_{l+1} - b) + nu f(z_l))` with W, b of layer l + 1, `w = nu`, and in the last hidden layer
//!   `w = rho` and `z + u/rho` in place of z;
//! - `z_l <- argmin |z - W_l a_{l-1} - b_l|^2 + |a_l - f(z)|^2`, element by element.
//!
//! Then `(W_L, b_L)`, `z_L <- argmin R(z; y) + <u, z> + (rho/2)|z - W_L a_{L-1} - b_L|^2` and
//! `u <- u + rho (z_L - W_L a_{L-1} - b_L)`.
//!
//! **The dual** starts at `-grad R(z_L)`, where every sweep leaves it, and not at 0 as in the paper, whose first sweeps
//! without a dual step serve the same end: from 0 the first sweep may raise L_rho.
//!
//! **Guarantee**: none is in the paper, and none about stationary points is claimed here. But each block's share is known, and
//! with that start they add up: L_rho falls in every sweep by at least [`Sweep::promised`], which is what (W, b) and a report
//! ([`Reduced`](crate::update::weights::Reduced), [`Moved`](crate::update::input::Moved)), nothing for the hidden z (exact, but
//! not convex), and [`taylor_output_constant`] times `|dz_L|^2`, the dual step's rise included. For
//! `rho > sqrt(2) H` no share is negative.
//!
//! **Products** a sweep: 2 in the first layer, 4.5 in the others, and the exact input's solve. One pass over the samples a
//! layer: a, the residual, z and the sums for the next layer while a tile is in cache.

pub use super::dladmm::{Group, Hidden, Residual, State, group, hidden, residual, workspace};

use super::dladmm::{DlAdmm, Terms, Unit};
use super::layer::Layer;
use super::{Partition, Problem, Settings, Sweep};
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::gemm::Gemm;
use crate::matrix::Memory;
use crate::real::Real;
use crate::theory::taylor_output_constant;
use crate::update::StepRule;
use crate::update::weights::Order;

/// The method over a state.
#[derive(Debug)]
pub struct Taylor<'a, T: Real, S> {
    /// The same Lagrangian: its state and what does not depend on the order.
    shared: DlAdmm<'a, T, S>,
}

impl<'a, T: Real, S: Memory<T>> Taylor<'a, T, S> {
    /// Brings settings, data and state together, and checks that they fit.
    ///
    /// # Errors
    /// [`Setting`](Error::Setting), also for a step rule that is not least squares, [`Shape`](Error::Shape),
    /// [`Length`](Error::Length) naming `sums` or `solve`.
    pub fn new(
        settings: Settings<T>,
        partition: Partition,
        problem: Problem<'a, T>,
        state: State<'a, T, S>,
    ) -> Result<Self> {
        require_least_squares("damping of the weights", settings.weight_step)?;
        require_least_squares("damping of the inputs", settings.input_step)?;
        Ok(Self { shared: DlAdmm::new(settings, partition, problem, state)? })
    }

    /// The layers, for their weights.
    pub fn layers(&self) -> &[Layer<T, S>] {
        self.shared.layers()
    }

    /// The whole state, for reading.
    pub fn state(&self) -> &State<'a, T, S> {
        self.shared.state()
    }

    /// Sets a, z, r and u by a forward pass from the layers' weights: `a = f(z)`, `r = 0` but for the last layer's shift,
    /// `u = -grad R(z_L)`.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        self.shared.initialize(executor, gemm)
    }

    /// One sweep of Algorithm 1. Of the report, `dual_residual` is `rho |dz_L|`.
    ///
    /// # Errors
    /// [`NonFinite`](Error::NonFinite) as soon as weights, the Lagrangian or a change are not finite, else what the
    /// updates say.
    pub fn sweep<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result<Sweep> {
        let joint = Order::WeightsFirst;
        self.start(executor, gemm)?;
        let mut weights_promised = self.shared.reduce(executor, gemm, 0, joint)?;
        for l in 0..self.layers().len() - 1 {
            self.shared.prepare_input(executor, gemm, l + 1)?;
            self.forward(executor, gemm, l)?;
            weights_promised += self.shared.reduce(executor, gemm, l + 1, joint)?;
        }
        self.shared.finish(executor, gemm)?;
        let Settings { rho, loss, .. } = self.shared.settings;
        let constant = taylor_output_constant(rho.to_f64(), loss.lipschitz::<f64>());
        self.shared.account(weights_promised, constant).require_finite()
    }

    /// The sums for the first layer's weights.
    fn start<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G) -> Result {
        self.shared.pass(executor, |frame, g, Unit { hidden, residuals, group }, mut stack| {
            group.terms = Terms::default();
            group.before.as_mut_slice().copy_from_slice(group.z.as_slice());
            frame.clear_sums(group, 0)?;
            for (start, count) in frame.partition.tiles(g) {
                frame.accumulate(gemm, hidden, residuals, group, g, 0, start, count, stack.rest())?;
            }
            Ok(())
        })
    }

    /// The input of layer `l + 1`, then what follows the weights of layer `l`: its residual and z; the sums for the weights
    /// above.
    fn forward<E: Executor<T>, G: Gemm<T>>(&mut self, executor: &mut E, gemm: &G, l: usize) -> Result {
        self.shared.pass(executor, |frame, g, Unit { hidden, residuals, group }, mut stack| {
            frame.clear_sums(group, l + 1)?;
            for (start, count) in frame.partition.tiles(g) {
                frame.step_activation(gemm, hidden, residuals, group, l, start, count, stack.rest())?;
                frame.follow_and_step_linear(gemm, hidden, residuals, g, l, start, count, stack.rest())?;
                frame.account_hidden(&hidden[l], &residuals[l], group, start, count, stack.rest())?;
                frame.accumulate(gemm, hidden, residuals, group, g, l + 1, start, count, stack.rest())?;
            }
            Ok(())
        })
    }

    /// Changes nu and rho between two sweeps: [`DlAdmm::set_penalties`], with which Taylor's ADMM shares its state.
    ///
    /// # Errors
    /// Those of [`DlAdmm::set_penalties`].
    pub fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        executor: &mut E,
        gemm: &G,
        nu: T,
        rho: T,
    ) -> Result {
        self.shared.set_penalties(executor, gemm, nu, rho)
    }

    /// The Lagrangian of the present state, by a pass of its own; a sweep reports it anyway.
    ///
    /// # Errors
    /// Those of the executor's tasks.
    pub fn objective<E: Executor<T>>(&mut self, executor: &mut E) -> Result<f64> {
        self.shared.objective(executor)
    }
}

/// Every block is minimised: the majorised rules, which have no damping, are other methods.
fn require_least_squares<T: Real>(name: &'static str, rule: StepRule<T>) -> Result {
    match rule {
        StepRule::LeastSquares { .. } => Ok(()),
        _ => Err(Error::Setting {
            name,
            found: 0.0,
            expected: "least-squares steps, damped by more than 0, in Taylor's ADMM",
        }),
    }
}
