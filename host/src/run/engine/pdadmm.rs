//! pdADMM's variables: layer by layer, and within a layer group by group.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::layer::LayerShape;
use altmin_core::method::pdadmm::{self, DualStorage, PdAdmm};
use altmin_core::method::{Partition, Settings, Sweep};
use altmin_core::{Real, Result};

use super::{Memory, Run, Variables, Work, zeros};

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    inputs: Vec<pdadmm::Input<T, Memory<T>>>,
    residuals: Vec<pdadmm::Residual<T, Memory<T>>>,
    outputs: Vec<pdadmm::Output<T, Memory<T>>>,
}

impl<T: Real> State<T> {
    pub(super) fn new(
        settings: Settings<T>,
        storage: DualStorage,
        partition: &Partition,
        shapes: &[LayerShape],
    ) -> Result<Self> {
        let (mut inputs, mut residuals, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for (l, &shape) in shapes.iter().enumerate() {
            for g in 0..partition.groups() {
                let (first, last) = (l == 0, l + 1 == shapes.len());
                let (_, m) = partition.group(g);
                let (input, residual, output) = pdadmm::units(shape, first, last, storage, m, zeros)?;
                inputs.push(input);
                residuals.push(residual);
                outputs.push(output);
            }
        }
        Ok(Self { settings, inputs, residuals, outputs })
    }

    pub(super) fn variables(&self) -> Variables<'_, T> {
        let Self { inputs, residuals, outputs, .. } = self;
        Variables::Pdadmm { inputs, residuals, outputs }
    }

    fn bind<'a>(&'a mut self, run: Run<'a, T>) -> Result<PdAdmm<'a, T, Memory<T>>> {
        let (inputs, residuals, outputs) = (&mut self.inputs, &mut self.residuals, &mut self.outputs);
        let state = pdadmm::State { layers: run.layers, inputs, residuals, outputs };
        PdAdmm::new(self.settings, run.partition, run.problem, state)
    }
}

work_of_bound! {
    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        _: &G,
        nu: T,
        rho: T,
    ) -> Result {
        self.bind(run)?.set_penalties(executor, nu, rho)?;
        (self.settings.nu, self.settings.rho) = (nu, rho);
        Ok(())
    }
}
