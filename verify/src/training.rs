//! The run as the method makes it.

use altmin_core::Result;
use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::{AnyMethod, Hyperparameters, Method, Penalties, State, Sweep};
use altmin_core::theory::Approximation;
use altmin_core::view::require_length;

use super::setup::Setup;

/// The method at work on a setup, with the memory that it keeps.
#[derive(Debug)]
pub(super) struct Training<'a, E, G> {
    setup: Setup<'a>,
    method: AnyMethod<f64>,
    scalars: Vec<f64>,
    numbers: Vec<f64>,
    penalties: Penalties<f64>,
    executor: &'a mut E,
    gemm: &'a G,
}

impl<'a, E: Executor<f64>, G: Gemm<f64>> Training<'a, E, G> {
    /// The method before its first sweep, at the initial parameters.
    pub(super) fn new(setup: Setup<'a>, method: AnyMethod<f64>, executor: &'a mut E, gemm: &'a G) -> Self {
        let memory = method.memory(&setup.run);
        let mut scalars = vec![0.0; memory.scalars];
        scalars[..setup.parameters.len()].copy_from_slice(setup.parameters);
        let Hyperparameters { nu, rho, epsilon, .. } = setup.hyperparameters;
        let (numbers, penalties) = (vec![0.0; memory.numbers], Penalties { nu, rho, epsilon });
        Self { setup, method, scalars, numbers, penalties, executor, gemm }
    }

    /// Sets the variables from the parameters.
    pub(super) fn initialize(&mut self) -> Result {
        let Self { setup, method, scalars, numbers, executor, gemm, .. } = self;
        method.initialize(&setup.run, &mut State { scalars, numbers }, *executor, *gemm)
    }

    /// Sweep k, counted from 0.
    ///
    /// # Errors
    /// A shape naming `order` for one that is not of all samples; those of the method.
    pub(super) fn sweep(&mut self, k: usize) -> Result<Sweep> {
        let Self { setup, method, scalars, numbers, executor, gemm, .. } = self;
        let order = setup.order.map(|order| order(k));
        if let Some(order) = &order {
            require_length("order", order.len(), setup.run.samples())?;
        }
        let state = &mut State { scalars, numbers };
        method.sweep(&setup.run, state, order.as_deref(), *executor, *gemm)
    }

    /// The batches of these samples, in their order.
    pub(super) fn sweep_over(&mut self, order: &[u32]) -> Result<Sweep> {
        let Self { setup, method, scalars, numbers, executor, gemm, .. } = self;
        method.sweep(&setup.run, &mut State { scalars, numbers }, Some(order), *executor, *gemm)
    }

    /// All that the method keeps.
    pub(super) fn state(&self) -> (Vec<f64>, Vec<f64>) {
        (self.scalars.clone(), self.numbers.clone())
    }

    /// Goes on from there.
    pub(super) fn restore(&mut self, (scalars, numbers): (Vec<f64>, Vec<f64>)) {
        (self.scalars, self.numbers) = (scalars, numbers);
    }

    /// What the method does between two sweeps: DLAM's epsilon changes by its rule.
    pub(super) fn prepare(&mut self) -> Result {
        let Self { setup, method, scalars, numbers, penalties, executor, gemm } = self;
        let state = &mut State { scalars, numbers };
        let Some(risk) = method.mean_risk(&setup.run, state) else { return Ok(()) };
        let epsilon = setup.epsilon_rule.next(penalties.epsilon, risk);
        if epsilon != penalties.epsilon {
            penalties.epsilon = epsilon;
            method.set_penalties(&setup.run, state, *penalties, *executor, *gemm)?;
        }
        Ok(())
    }

    /// Both sides of TSSM's Theorem 1 as the method reports them, with norms from so many rounds.
    pub(super) fn approximation(&mut self, rounds: usize) -> Result<Option<Approximation>> {
        let Self { setup, method, scalars, numbers, executor, gemm, .. } = self;
        let state = &mut State { scalars, numbers };
        method.approximation(&setup.run, state, rounds, *executor, *gemm)
    }

    /// DLAM's epsilon.
    pub(super) fn epsilon(&self) -> f64 {
        self.penalties.epsilon
    }

    /// Reads the method's state.
    pub(super) fn read<R>(
        &mut self,
        reader: impl FnOnce(&AnyMethod<f64>, &Setup<'a>, &State<'_, f64>) -> Result<R>,
    ) -> Result<R> {
        let Self { setup, method, scalars, numbers, .. } = self;
        reader(method, setup, &State { scalars, numbers })
    }
}
