//! dlADMM over its variables.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::layer::LayerShape;
use altmin_core::method::{Partition, Settings, Sweep};
use altmin_core::{Real, Result};

use super::stacked::Stacked;
use super::{Memory, Run, Variables, Work};

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    variables: Stacked<T>,
}

impl<T: Real> State<T> {
    pub(super) fn new(settings: Settings<T>, partition: &Partition, shapes: &[LayerShape]) -> Result<Self> {
        Ok(Self { settings, variables: Stacked::new(partition, shapes)? })
    }

    pub(super) fn variables(&self) -> Variables<'_, T> {
        self.variables.variables()
    }

    fn bind<'a>(&'a mut self, run: Run<'a, T>) -> Result<DlAdmm<'a, T, Memory<T>>> {
        let state = self.variables.state(run.layers);
        DlAdmm::new(self.settings, run.partition, run.problem, state)
    }
}

work_of_bound! {
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
        nu: T,
        rho: T,
    ) -> Result {
        self.bind(run)?.set_penalties(executor, gemm, nu, rho)?;
        (self.settings.nu, self.settings.rho) = (nu, rho);
        Ok(())
    }
}
