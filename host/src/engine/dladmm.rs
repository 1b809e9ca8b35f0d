//! dlADMM's variables: group by group, and within a group layer by layer.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::dladmm::{self, DlAdmm};
use altmin_core::method::layer::LayerShape;
use altmin_core::method::{Partition, Settings, Sweep};
use altmin_core::{Real, Result};

use super::{Memory, Run, Work, zeros};

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    hidden: Vec<dladmm::Hidden<T, Memory<T>>>,
    residuals: Vec<dladmm::Residual<T, Memory<T>>>,
    groups: Vec<dladmm::Group<T, Memory<T>>>,
}

impl<T: Real> State<T> {
    pub(super) fn new(settings: Settings<T>, partition: &Partition, shapes: &[LayerShape]) -> Result<Self> {
        let (mut hidden, mut residuals, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in shapes.iter().enumerate() {
                residuals.push(dladmm::residual(shape.sums.n_out, m, zeros)?);
                if l + 1 < shapes.len() {
                    hidden.push(dladmm::hidden(shape.sums.n_out, m, zeros)?);
                }
            }
            let last = shapes.last().map_or(0, |shape| shape.sums.n_out);
            groups.push(dladmm::group(last, m, shapes.iter().copied(), zeros)?);
        }
        Ok(Self { settings, hidden, residuals, groups })
    }

    fn bind<'a>(&'a mut self, run: Run<'a, T>) -> Result<DlAdmm<'a, T, Memory<T>>> {
        let (hidden, residuals, groups) = (&mut self.hidden, &mut self.residuals, &mut self.groups);
        let state = dladmm::State { layers: run.layers, hidden, residuals, groups };
        DlAdmm::new(self.settings, run.partition, run.problem, state)
    }
}

impl<T: Real> Work<T> for State<T> {
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        self.bind(run)?.initialize(executor, gemm)
    }

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        self.bind(run)?.sweep(executor, gemm)
    }

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        _: &G,
    ) -> Result<f64> {
        self.bind(run)?.objective(executor)
    }
}
