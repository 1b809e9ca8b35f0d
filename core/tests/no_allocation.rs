//! A counting allocator around every update and around whole sweeps: nothing is allocated.

// The suite needs all of it.
#[allow(dead_code, unused_imports)]
#[path = "suite/common/mod.rs"]
mod common;

use altmin_core::block::Shape;
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::dlam::{Dlam, Repair};
use altmin_core::method::pdadmm::{DualStorage, PdAdmm};
use altmin_core::method::taylor::Taylor;
use altmin_core::method::{Hyperparameters, Method, Partition, Penalties, Problem, Run};
use altmin_core::update::StepRule;
use altmin_core::{Activation, Optimizer, OutputSolver, Real, Regularizer, Result, Target};
use common::counting::allocations;
use common::rig::{Rig, dense_blocks};
use common::{Random, Scratch, Strided, World, in_both_precisions, updates};

#[test]
fn the_counter_counts() {
    let (count, kept) = allocations(|| vec![1u8; 100]);
    assert_eq!((count, kept.len()), (1, 100));
    let (count, grown) = allocations(|| {
        let mut kept = kept;
        kept.reserve(10_000);
        kept
    });
    assert!(count == 1 && grown.capacity() >= 10_000);
}

in_both_precisions!(updates_allocate_nothing, optimizers_allocate_nothing, sweeps_allocate_nothing);

fn updates_allocate_nothing<T: Real>() {
    // Small shapes, and some that every blocked loop must cut.
    for (n_out, n_in, m) in [(5, 8, 11), (1, 1, 1), (100, 130, 250)] {
        let start = World::<T>::new(3, n_out, n_in, m, 1);
        for update in updates::<T, Portable>() {
            let mut world = start.clone();
            let mut scratch = Scratch::new((update.workspace)(&world, &Portable));
            let (count, result) = allocations(|| (update.run)(&mut world, &Portable, scratch.stack()));
            assert_eq!((result, count), (Ok(()), 0), "{}", update.name);
        }
    }
}

fn optimizers_allocate_nothing<T: Real>() {
    let rate = T::from_f64(0.5);
    let optimizers =
        [Optimizer::gd(rate), Optimizer::adagrad(rate), Optimizer::adadelta(rate), Optimizer::adam(rate)];
    for optimizer in optimizers {
        let [mut first, mut second, mut x] = [T::ZERO, T::ZERO, T::ONE].map(|x| vec![x; 1000]);
        let gradient = vec![T::ONE; 1000];
        let (count, result) = allocations(|| optimizer.step(1, &gradient, &mut first, &mut second, &mut x));
        assert_eq!((result, count), (Ok(()), 0), "{optimizer:?}");
        assert!(x.iter().all(|&x| x < T::ONE));
    }
}

const WIDTHS: [usize; 4] = [7, 9, 6, 4];
const SAMPLES: usize = 50;

/// Settings, and the activation of the network.
type Case<T> = (Hyperparameters<T>, Activation<T>);

fn settings<T: Real>(
    activation: Activation<T>,
    step: StepRule<T>,
    solver: OutputSolver,
    regularizer: Regularizer<T>,
) -> Case<T> {
    let rho = T::from_f64(5.0);
    let (weight_step, input_step) = (step, step);
    (Hyperparameters { rho, weight_step, input_step, solver, regularizer, ..Default::default() }, activation)
}

fn cases<T: Real>() -> [Case<T>; 5] {
    let number = T::from_f64;
    let backtracking = StepRule::Backtracking { start: number(0.25), factor: number(2.0) };
    let least_squares = StepRule::LeastSquares { damping: number(0.5) };
    let (newton, fista, relu) = (OutputSolver::Newton, OutputSolver::Fista, Activation::Relu);
    [
        settings(Activation::Sigmoid, StepRule::Vector, newton, Regularizer::L1(number(0.125))),
        settings(relu, StepRule::Scalar, fista, Regularizer::L2(number(0.125))),
        settings(relu, backtracking, newton, Regularizer::None),
        settings(relu, least_squares, newton, Regularizer::None),
        settings(Activation::Tanh, least_squares, fista, Regularizer::L2(number(0.125))),
    ]
}

/// Initialises the method that `make` makes and sweeps a few times, with other penalties in the end: nothing of it may
/// allocate, and it must do something.
fn check<'d, T: Real, M: Method<T>>(
    activation: Activation<T>,
    problem: Problem<'d, T>,
    penalties: Penalties<T>,
    make: impl FnOnce(&Run<'_, T>) -> Result<M>,
) -> Rig<'d, M, T> {
    let mut random = Random::new(1);
    let parameters: usize = WIDTHS.windows(2).map(|pair| pair[1] * (pair[0] + 1)).sum();
    let parameters: Vec<T> = (0..parameters).map(|_| T::from_f64(0.5 * random.number())).collect();
    let blocks = dense_blocks(&WIDTHS, activation);
    let mut rig =
        Rig::of_blocks(blocks, Vec::new(), Shape::flat(WIDTHS[0]), &parameters, problem, make).unwrap();
    let (count, result) = allocations(|| rig.initialize());
    assert_eq!((result, count), (Ok(()), 0));
    let mut objectives = vec![];
    for _ in 0..3 {
        let (count, result) = allocations(|| rig.sweep());
        assert_eq!(count, 0);
        objectives.push(result.unwrap().objective);
    }
    assert!(objectives[0] > objectives[2], "{activation:?}: {objectives:?}");
    let (count, result) = allocations(|| rig.objective());
    assert!(result.is_ok() && count == 0);
    let (count, result) = allocations(|| {
        rig.with(|method, run, state, scratch| {
            method.set_penalties(run, state, penalties, &mut Sequential::new(scratch), &Portable)
        })?;
        rig.sweep()
    });
    assert!(result.is_ok() && count == 0);
    rig
}

fn sweeps_allocate_nothing<T: Real>() {
    let mut random = Random::new(2);
    let x = Strided::<T>::dense(&random.matrix(WIDTHS[0], SAMPLES));
    let classes: Vec<u32> = (0..SAMPLES).map(|_| random.below(WIDTHS[3]) as u32).collect();
    let problem = Problem { x: x.view(), target: Target::Classes(&classes) };
    // Two groups, and a last tile that is not full.
    let partition = Partition::new(SAMPLES, 16, 2);
    let two = T::from_f64(2.0);
    for (settings, activation) in cases::<T>() {
        let Hyperparameters { nu, rho, .. } = settings;
        let penalties = Penalties { nu: two * nu, rho: two * rho, epsilon: T::ONE };
        for dual in [DualStorage::Recovered, DualStorage::Stored] {
            let settings = Hyperparameters { dual, ..settings };
            check(activation, problem, penalties, |run| PdAdmm::with_partition(&settings, partition, run));
        }
        check(activation, problem, penalties, |run| DlAdmm::with_partition(&settings, partition, run));
        if matches!(settings.weight_step, StepRule::LeastSquares { .. }) {
            check(activation, problem, penalties, |run| Taylor::with_partition(&settings, partition, run));
        }
        for accelerate in [false, true] {
            sweep_dlam(settings, accelerate, partition, problem);
        }
    }
}

/// DLAM with the same rules, but for least-squares inputs, which it does not have; a smaller epsilon lets z and a move.
fn sweep_dlam<T: Real>(
    like: Hyperparameters<T>,
    accelerate: bool,
    partition: Partition,
    problem: Problem<'_, T>,
) {
    let input_step = match like.input_step {
        StepRule::LeastSquares { .. } => StepRule::Vector,
        rule => rule,
    };
    let (rho, epsilon, repair) = (T::from_f64(0.5), T::from_f64(0.25), Repair::Linear);
    let settings = Hyperparameters { rho, epsilon, input_step, repair, accelerate, ..like };
    let penalties = Penalties { nu: T::ONE, rho, epsilon: T::from_f64(0.125) };
    let mut rig =
        check(Activation::Tanh, problem, penalties, |run| Dlam::with_partition(&settings, partition, run));
    let (count, result) = allocations(|| {
        rig.with(|method, run, state, scratch| method.violation(run, state, &mut Sequential::new(scratch)))
    });
    assert!(result.is_ok() && count == 0);
    let (count, _) = allocations(|| rig.with(|method, run, state, _| method.variables(run, state).is_ok()));
    assert_eq!(count, 0);
}
