//! Back-propagation's memory: the groups' gradients, the optimiser's state, the order of mini-batches.

use altmin_core::executor::Executor;
use altmin_core::gemm::Gemm;
use altmin_core::method::backprop::{self, BackProp, Moments, Settings};
use altmin_core::method::network::{self, Group};
use altmin_core::method::{Partition, Sweep};
use altmin_core::update::sums::Parts;
use altmin_core::{Real, Result};

use super::batches::{Batches, Order};
use super::{Memory, Run, Size, Work, zeros};

#[derive(Debug)]
pub(super) struct State<T> {
    settings: Settings<T>,
    moments: Vec<Moments<Memory<T>>>,
    groups: Vec<Group<T, Memory<T>>>,
    steps: u64,
    order: Option<Order>,
}

impl<T: Real> State<T> {
    pub(super) fn new(
        settings: Settings<T>,
        batches: Option<Batches>,
        partition: &Partition,
        size: &Size,
    ) -> Result<Self> {
        let group = |_| network::group(Parts::Residual, size.layers(), zeros);
        Ok(Self {
            settings,
            moments: size.layers().map(|shape| Moments::new(&settings.optimizer, shape, zeros)).collect(),
            groups: (0..partition.groups()).map(group).collect::<Result<_>>()?,
            steps: 0,
            order: Order::new(batches, size.samples),
        })
    }
}

/// The method, and the order of its mini-batches.
type Bound<'a, T> = (BackProp<'a, T, Memory<T>>, Option<&'a mut Order>);

fn bind<'a, T: Real>(state: &'a mut State<T>, run: Run<'a, T>) -> Result<Bound<'a, T>> {
    let State { settings, moments, groups, steps, order } = state;
    let state = backprop::State { layers: run.layers, moments, groups, steps };
    Ok((BackProp::new(*settings, run.partition, run.problem, state)?, order.as_mut()))
}

impl<T: Real> Work<T> for State<T> {
    fn initialize<E: Executor<T>, G: Gemm<T>>(&mut self, run: Run<'_, T>, _: &mut E, _: &G) -> Result {
        bind(self, run)?.0.initialize();
        Ok(())
    }

    fn sweep<E: Executor<T>, G: Gemm<T>>(
        &mut self,
        run: Run<'_, T>,
        executor: &mut E,
        gemm: &G,
    ) -> Result<Sweep> {
        let (mut method, order) = bind(self, run)?;
        let Some(order) = order else { return method.sweep(executor, gemm) };
        for batch in order.next_epoch() {
            method.step_batch(executor, gemm, batch)?;
        }
        method.account()
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
