//! Proximal back-propagation's memory: the groups' sums, a copy of the weights, the order of mini-batches.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::network::{self, Group};
use altmin_core::method::proxprop::{self, Guard, Kept, ProxProp, Settings};
use altmin_core::method::{Partition, Sweep};
use altmin_core::update::sums::Parts;
use altmin_core::{Real, Result};

use super::batches::{Batches, Order};
use super::{Memory, Run, Size, Work, zeros};

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    kept: Vec<Kept<T, Memory<T>>>,
    groups: Vec<Group<T, Memory<T>>>,
    guard: Guard,
    order: Option<Order>,
}

impl<T: Real> State<T> {
    pub(super) fn new(
        settings: Settings<T>,
        batches: Option<Batches>,
        partition: &Partition,
        size: &Size,
    ) -> Result<Self> {
        let group = |_| network::group(Parts::All, size.layers(), zeros);
        Ok(Self {
            settings,
            kept: size.layers().map(|shape| proxprop::kept(shape, zeros)).collect::<Result<_>>()?,
            groups: (0..partition.groups()).map(group).collect::<Result<_>>()?,
            guard: Guard::default(),
            order: Order::new(batches, size.samples),
        })
    }
}

/// The method, and the order of its mini-batches.
type Bound<'a, T> = (ProxProp<'a, T, Memory<T>>, Option<&'a mut Order>);

fn bind<'a, T: Real>(state: &'a mut State<T>, run: Run<'a, T>) -> Result<Bound<'a, T>> {
    let State { settings, kept, groups, guard, order } = state;
    let state = proxprop::State { layers: run.layers, kept, groups, guard };
    Ok((ProxProp::new(*settings, run.partition, run.problem, state)?, order.as_mut()))
}

impl<T: Real> Work<T> for State<T> {
    fn initialize<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result {
        bind(self, run)?.0.initialize(executor, gemm)
    }

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let (mut method, order) = bind(self, run)?;
        let Some(order) = order else { return method.sweep(executor, gemm) };
        let mut epoch = Sweep::default();
        for batch in order.next_epoch() {
            let sweep = method.sweep_batch(executor, gemm, batch)?;
            let (output, rejected) = (epoch.output.merge(sweep.output), epoch.rejected || sweep.rejected);
            epoch = Sweep { output, rejected, ..sweep };
        }
        Ok(epoch)
    }

    fn objective<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<f64> {
        bind(self, run)?.0.objective(executor, gemm)
    }
}
