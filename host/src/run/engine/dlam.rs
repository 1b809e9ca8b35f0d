//! DLAM's variables: group by group, and within a group layer by layer.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::dlam::{self, Dlam, Settings};
use altmin_core::method::layer::{LayerShape, Momentum};
use altmin_core::method::{Partition, Sweep};
use altmin_core::{Real, Result};

use super::{Memory, Run, Variables, Work, zeros};

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    momentum: Vec<Momentum<T, Memory<T>>>,
    hidden: Vec<dlam::Hidden<T, Memory<T>>>,
    residuals: Vec<dlam::Residual<T, Memory<T>>>,
    groups: Vec<dlam::Group<T, Memory<T>>>,
    /// The mean risk at the end of the last sweep.
    risk: f64,
}

impl<T: Real> State<T> {
    pub(super) fn new(settings: Settings<T>, partition: &Partition, shapes: &[LayerShape]) -> Result<Self> {
        let accelerate = settings.accelerate;
        let (mut hidden, mut residuals, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            for (l, shape) in shapes.iter().enumerate() {
                residuals.push(dlam::residual(shape.sums.n_out, m, zeros)?);
                if l + 1 < shapes.len() {
                    hidden.push(dlam::hidden(accelerate, shape.sums.n_out, m, zeros)?);
                }
            }
            let last = shapes.last().map_or(0, |shape| shape.sums.n_out);
            groups.push(dlam::group(accelerate, last, m, shapes.iter().copied(), zeros)?);
        }
        let moving = if accelerate { shapes } else { &[] };
        let momentum = moving.iter().map(|shape| Momentum::new(shape.sums, zeros)).collect::<Result<_>>()?;
        Ok(Self { settings, momentum, hidden, residuals, groups, risk: f64::NAN })
    }

    pub(super) fn variables(&self) -> Variables<'_, T> {
        let Self { hidden, residuals, groups, .. } = self;
        Variables::Dlam { hidden, residuals, groups }
    }

    fn bind<'a>(&'a mut self, run: Run<'a, T>) -> Result<Dlam<'a, T, Memory<T>>> {
        let Self { momentum, hidden, residuals, groups, .. } = self;
        let state = dlam::State { layers: run.layers, momentum, hidden, residuals, groups };
        Dlam::new(self.settings, run.partition, run.problem, state)
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
        let mut method = self.bind(run)?;
        let sweep = method.sweep(executor, gemm)?;
        self.risk = method.risk();
        Ok(sweep)
    }

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        _: &G,
    ) -> Result<f64> {
        self.bind(run)?.objective(executor)
    }

    fn set_penalties<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        _: &mut E,
        _: &G,
        _nu: T,
        rho: T,
    ) -> Result {
        self.bind(run)?.set_rho(rho)?;
        self.settings.rho = rho;
        Ok(())
    }

    fn risk(&self) -> Option<f64> {
        Some(self.risk)
    }

    fn set_epsilon<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
        epsilon: T,
    ) -> Result<f64> {
        let projection = self.bind(run)?.set_epsilon(executor, gemm, epsilon)?;
        self.settings.epsilon = epsilon;
        Ok(projection.after - projection.before)
    }
}
