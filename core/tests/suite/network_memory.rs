//! Methods over convolutions and fully connected blocks allocate nothing, work with exactly the scratch that they ask for and
//! are refused with less.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network, Shape};
use altmin_core::executor::{Executor, Units};
use altmin_core::gemm::Portable;
use altmin_core::method::gradient::Gradient;
use altmin_core::method::proxprop::ProxProp;
use altmin_core::method::tssm::{Convention, Inner, Splitting, Tssm};
use altmin_core::method::{Hyperparameters, Method, Partition, Problem, Run, Sweep};
use altmin_core::optimizer::Optimizer;
use altmin_core::view::dense;
use altmin_core::workspace::{Requirement, Stack};
use altmin_core::{Activation, Error, Loss, Real, Regularizer, Result, Target};

use crate::common::counting::allocations;
use crate::common::rig::Rig;
use crate::common::{Random, Scratch, in_both_precisions};

/// One unit after the other in scratch with canaries behind it.
struct Watched<T>(Scratch<T>);

impl<T: Real> Executor<T> for Watched<T> {
    fn run<U: Units>(
        &mut self,
        units: U,
        task: impl Fn(usize, U::Unit, Stack<'_, T>) -> Result + Sync,
    ) -> Result {
        let mut rest = units;
        for index in 0..rest.count() {
            let (first, others) = rest.split(1);
            task(index, first.single(), self.0.stack())?;
            rest = others;
        }
        Ok(())
    }
}

const TILE: usize = 4;
const BATCH: usize = 8;
const INPUT: Shape = Shape { channels: 1, height: 6, width: 5 };

/// A network, cut after its third block.
fn blocks<T: Real>() -> Vec<Block<T>> {
    let relu = Block::Activation(Activation::Relu);
    let pair = Block::Residual(Residual { outputs: 3, stride: 1, activation: Activation::Tanh });
    let pool = Block::MaxPool(Window { size: 2, stride: 2 });
    let dense = |outputs| Block::Dense { outputs };
    vec![Block::Conv(Conv::square(2, 3, 1, 1)), relu, pool, pair, Block::Flatten, dense(7), relu, dense(3)]
}

/// Samples of the largest step.
fn largest(batch: Option<usize>, samples: usize) -> usize {
    batch.filter(|&batch| batch < samples).map_or(samples, |batch| samples.div_ceil(samples.div_ceil(batch)))
}

in_both_precisions!(
    subnetworks_take_what_they_ask_for,
    gradients_take_what_they_ask_for,
    proximal_sweeps_take_what_they_ask_for
);

fn subnetworks_take_what_they_ask_for<T: Real>() {
    let number = T::from_f64;
    for splitting in [Splitting::Gsadmm, Splitting::Gsam] {
        for inner in [Inner::Adam, Inner::Proxprop] {
            for guard in [None, Some(number(0.5))] {
                for samples in [0, 1, 11] {
                    for (batch, frozen) in [(None, 0), (Some(BATCH), 0), (Some(BATCH), 1)] {
                        let settings = Hyperparameters {
                            alpha: number(2.0),
                            tau: number(20.0),
                            convention: Convention::Sum,
                            inner,
                            nu: number(2.0),
                            damping: number(0.5),
                            guard,
                            batch,
                            frozen,
                            ..Default::default()
                        };
                        let parts = [samples, largest(batch, samples)].map(|m| Partition::new(m, TILE, 2));
                        let make = |run: &Run<'_, T>| Tssm::with_partitions(splitting, &settings, parts, run);
                        check(&format!("{splitting:?} {settings:?}"), samples, make);
                    }
                }
            }
        }
    }
}

fn gradients_take_what_they_ask_for<T: Real>() {
    let number = T::from_f64;
    for optimizer in [Optimizer::gd(number(0.01)), Optimizer::adam(number(0.01))] {
        for samples in [0, 1, 11] {
            for batch in [None, Some(BATCH)] {
                let regularizer = Regularizer::L2(number(0.1));
                let settings = Hyperparameters { batch, regularizer, ..Default::default() };
                let part = Partition::new(largest(batch, samples), TILE, 2);
                let make = |run: &Run<'_, T>| Gradient::with_partition(optimizer, &settings, part, run);
                check(&format!("{optimizer:?} {batch:?}"), samples, make);
            }
        }
    }
}

fn proximal_sweeps_take_what_they_ask_for<T: Real>() {
    let number = T::from_f64;
    for (loss, regularizer) in
        [(Loss::CrossEntropy, Regularizer::None), (Loss::LeastSquares, Regularizer::L2(number(0.1)))]
    {
        for samples in [0, 1, 11] {
            for batch in [None, Some(BATCH)] {
                let settings = Hyperparameters { batch, loss, regularizer, ..Default::default() };
                let part = Partition::new(largest(batch, samples), TILE, 2);
                let make = |run: &Run<'_, T>| ProxProp::with_partition(&settings, part, run);
                check(&format!("proxprop {loss:?} {batch:?}"), samples, make);
            }
        }
    }
}

fn check<T: Real, M: Method<T>>(what: &str, samples: usize, make: impl FnOnce(&Run<'_, T>) -> Result<M>) {
    let what = format!("{what}, {samples} samples");
    let mut random = Random::new(7);
    let mut numbers = |count: usize| -> Vec<T> {
        random.matrix(count, 1).data.iter().map(|&x| T::from_f64(0.5 * x)).collect()
    };
    let x = numbers(INPUT.features() * samples);
    let classes: Vec<u32> = (0..samples as u32).map(|j| j % 3).collect();
    let problem = Problem { x: dense(&x, INPUT.features(), samples), target: Target::Classes(&classes) };
    let count = Network::new(&blocks::<T>(), INPUT).unwrap().parameters();
    let mut rig = Rig::of_blocks(blocks(), vec![3], INPUT, &numbers(count), problem, make).unwrap();
    let mut executor = Watched(Scratch::of(rig.scratch()));
    let theorem = rig.with(|method, run, _, _| method.approximation_workspace(run, &Portable));
    let mut for_theorem = Watched(Scratch::new(theorem));
    let order: Vec<u32> = (0..samples as u32).rev().collect();
    let (allocated, (sweeps, objective, found)) = allocations(|| {
        rig.with(|method, run, state, _| {
            method.initialize(run, state, &mut executor, &Portable).unwrap();
            let mut sweeps = [Sweep::default(); 3];
            for sweep in &mut sweeps {
                *sweep = method.sweep(run, state, Some(&order), &mut executor, &Portable).unwrap();
            }
            let objective = method.objective(run, state, &mut executor, &Portable).unwrap();
            (sweeps, objective, method.approximation(run, state, 20, &mut for_theorem, &Portable).unwrap())
        })
    });
    assert_eq!(allocated, 0, "{what}");
    assert!(executor.0.is_intact() && for_theorem.0.is_intact(), "{what}: written behind the workspace");
    assert!(objective.is_finite(), "{what}: {objective}");
    let bounds = found.and_then(|found| Some((found.error, found.bound?)));
    assert!(bounds.is_none_or(|(error, bound)| error <= bound), "{what}: {found:?}");
    assert!(samples == 0 || sweeps[2] != sweeps[0], "{what}: nothing moved");
    if samples > TILE {
        if found.is_some() {
            let mut short = Watched(Scratch::of(theorem.elements() - 1));
            let refused =
                rig.with(|method, run, state, _| method.approximation(run, state, 20, &mut short, &Portable));
            assert!(matches!(refused, Err(Error::Workspace { .. })), "{what}: {refused:?}");
        }
        assert_eq!(found.is_some(), theorem != Requirement::NONE);
        let mut none = Watched(Scratch::of(10));
        let refused = rig.sweep_on(&mut none);
        assert!(matches!(refused, Err(Error::Workspace { .. })), "{what}: {refused:?}");
    }
}
