//! A counting allocator around every update and around whole sweeps: nothing is allocated.

// The suite needs all of it.
#[allow(dead_code, unused_imports)]
#[path = "suite/common/mod.rs"]
mod common;

use altmin_core::augmentation::Augmentation;
use altmin_core::block::Shape;
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::Repair;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::proxprop::{Carry, Form};
use altmin_core::method::tssm::Inner;
use altmin_core::method::{AnyMethod, Hyperparameters, Method, Name, Partition, Penalties, Problem, Use};
use altmin_core::update::StepRule;
use altmin_core::view::dense_mut;
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Optimizer, OutputSolver, Real, Regularizer, Result, Target};
use common::counting::allocations;
use common::named::fitting;
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
    let optimizers = [
        Optimizer::gd(rate),
        Optimizer::momentum(rate, rate, true),
        Optimizer::adagrad(rate),
        Optimizer::adadelta(rate),
        Optimizer::adam(rate),
    ];
    for optimizer in optimizers {
        let [mut first, mut second, mut x] = [T::ZERO, T::ZERO, T::ONE].map(|x| vec![x; 1000]);
        let gradient = vec![T::ONE; 1000];
        let (count, result) = allocations(|| optimizer.step(1, &gradient, &mut first, &mut second, &mut x));
        assert_eq!((result, count), (Ok(()), 0), "{optimizer:?}");
        assert!(x.iter().all(|&x| x < T::ONE));
    }
}

const WIDTHS: [usize; 4] = [7, 9, 6, 4];
/// After the first activation.
const CUTS: [usize; 1] = [2];
const SAMPLES: usize = 50;
const BATCH: usize = 20;

/// Every step rule, solver and regulariser, each with an activation.
fn cases<T: Real>() -> [(Activation<T>, Hyperparameters<T>); 6] {
    let number = T::from_f64;
    let backtracking = StepRule::Backtracking { start: number(0.25), factor: number(2.0) };
    let least_squares = StepRule::LeastSquares { damping: number(0.5) };
    let (newton, fista, relu) = (OutputSolver::Newton, OutputSolver::Fista, Activation::Relu);
    let (l1, l2) = (Regularizer::L1(number(0.125)), Regularizer::L2(number(0.125)));
    [
        (Activation::Sigmoid, StepRule::Vector, newton, l1),
        (relu, StepRule::Scalar, fista, l2),
        (relu, backtracking, newton, Regularizer::None),
        (relu, least_squares, newton, Regularizer::None),
        (Activation::Tanh, least_squares, fista, l2),
        (Activation::Softplus, StepRule::Vector, newton, Regularizer::None),
    ]
    .map(|(activation, step, solver, regularizer)| {
        let (weight_step, input_step, rho) = (step, step, number(5.0));
        let settings =
            Hyperparameters { rho, weight_step, input_step, solver, regularizer, ..Default::default() };
        (activation, settings)
    })
}

/// What a method can be told beside that: each way to work has memory of its own.
fn variants<T: Real>(name: Name, settings: Hyperparameters<T>) -> Vec<Hyperparameters<T>> {
    let number = T::from_f64;
    let settings = fitting(name, settings);
    let kinds: Vec<Hyperparameters<T>> = match name {
        Name::Pdadmm => [DualStorage::Recovered, DualStorage::Stored]
            .map(|dual| Hyperparameters { dual, ..settings })
            .into(),
        Name::Dlam => [false, true]
            .map(|accelerate| {
                let (rho, epsilon, repair) = (number(0.5), number(0.25), Repair::Linear);
                Hyperparameters { rho, epsilon, repair, accelerate, ..settings }
            })
            .into(),
        Name::Gsadmm | Name::Gsam => [
            (Inner::Sgd, None),
            (Inner::Adam, None),
            (Inner::Adam, Some(T::ZERO)),
            (Inner::Proxprop, None),
            (Inner::Proxprop, Some(T::ZERO)),
        ]
        .map(|(inner, guard)| Hyperparameters { inner, guard, ..settings })
        .into(),
        Name::Proxprop => {
            let carry = Some(Carry { beta: 0.5, every: 2 });
            let kinds = [(Form::Auto, None), (Form::Dual, None), (Form::Primal, carry)];
            let momentum = number(0.5);
            kinds.map(|(form, carry)| Hyperparameters { form, carry, momentum, ..settings }).into()
        }
        Name::Local => [Inner::Sgd, Inner::Adam, Inner::Proxprop]
            .map(|inner| Hyperparameters { inner, momentum: number(0.5), ..settings })
            .into(),
        _ if name.card().uses(Use::Clip) => {
            let momentum = if name.card().uses(Use::Momentum) { number(0.5) } else { T::ZERO };
            let clip = Some(number(0.25));
            vec![settings, Hyperparameters { clip, momentum, ..settings }]
        }
        _ => vec![settings],
    };
    let batches: &[_] = if name.card().uses.contains(&Use::Batch) { &[None, Some(BATCH)] } else { &[None] };
    let image = Shape { channels: 1, height: 1, width: WIDTHS[0] };
    let flip = Some(Augmentation { image, shift: 0, flip: true });
    let changes: &[_] = if name.card().uses(Use::Augmentation) { &[None, flip] } else { &[None] };
    kinds
        .into_iter()
        .flat_map(|settings| batches.iter().map(move |&batch| Hyperparameters { batch, ..settings }))
        .flat_map(|settings| {
            let changes = changes.iter().filter(move |change| settings.batch.is_some() || change.is_none());
            changes.map(move |&augmentation| Hyperparameters { augmentation, ..settings })
        })
        .collect()
}

fn sweeps_allocate_nothing<T: Real>() {
    let mut random = Random::new(2);
    let x = Strided::<T>::dense(&random.matrix(WIDTHS[0], SAMPLES));
    let classes: Vec<u32> = (0..SAMPLES).map(|_| random.below(WIDTHS[3]) as u32).collect();
    let problem = Problem { x: x.view(), target: Target::Classes(&classes) };
    for (activation, settings) in cases::<T>() {
        for &name in Name::ALL {
            for settings in variants(name, settings) {
                check(name, &settings, activation, problem);
            }
        }
    }
}

/// Calls that may not allocate.
#[track_caller]
fn free<A>(what: &str, call: impl FnOnce() -> Result<A>) -> A {
    let (count, result) = allocations(call);
    assert_eq!(count, 0, "{what}");
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// All that a run asks of a method; the sweeps must do something, and what is promised to fall falls.
fn check<T: Real>(
    name: Name,
    settings: &Hyperparameters<T>,
    activation: Activation<T>,
    problem: Problem<'_, T>,
) {
    let what = format!("{name}, {activation:?}, {settings:?}");
    let blocks = dense_blocks(&WIDTHS, activation);
    let mut random = Random::new(1);
    let parameters: Vec<T> = WIDTHS
        .windows(2)
        .flat_map(|pair| vec![(); pair[1] * (pair[0] + 1)])
        .map(|()| T::from_f64(0.5 * random.number()))
        .collect();
    // Two groups, and a last tile that is not full.
    let of_batch = if settings.batch.is_some() { SAMPLES.div_ceil(SAMPLES.div_ceil(BATCH)) } else { SAMPLES };
    let partitions = [SAMPLES, of_batch].map(|samples| Partition::new(samples, 16, 2));
    let mut rig = Rig::of_blocks(blocks, CUTS.into(), Shape::flat(WIDTHS[0]), &parameters, problem, |run| {
        AnyMethod::new(name, settings, run)?.recut(partitions, run)
    })
    .unwrap();
    let order: Vec<u32> = (0..SAMPLES as u32).rev().collect();
    let order = settings.batch.map(|_| &order[..]);
    free(&what, || rig.initialize());
    let before = free(&what, || rig.objective());
    for _ in 0..3 {
        free(&what, || rig.sweep_in(order));
    }
    let after = free(&what, || rig.objective());
    predict(&what, &mut rig);
    assert!(!name.card().layers_only || after < before, "{what}: {before}, then {after}");
    assert!(rig.scalars[..parameters.len()] != parameters, "{what}: the network is as it was");
    let two = T::from_f64(2.0);
    let (nu, rho, epsilon) = (two * settings.nu, two * settings.rho, settings.epsilon / two);
    free(&what, || {
        rig.with(|method, run, state, scratch| {
            let executor = &mut Sequential::new(scratch);
            method.set_penalties(run, state, Penalties { nu, rho, epsilon }, executor, &Portable)
        })
    });
    free(&what, || rig.sweep_in(order));
    rig.with(|method, run, state, scratch| {
        let (count, _) = allocations(|| method.mean_risk(run, state));
        assert_eq!(count, 0, "{what}");
        if let AnyMethod::Dlam(dlam) = &*method {
            free(&what, || dlam.violation(run, state, &mut Sequential::new(scratch)));
        }
        let mut scratch = vec![T::ZERO; method.approximation_workspace(run, &Portable).elements()];
        let executor = &mut Sequential::new(&mut scratch);
        free(&what, || method.approximation(run, state, 3, executor, &Portable));
    });
}

/// What the network says, for as many samples as there are.
fn predict<T: Real>(what: &str, rig: &mut Rig<'_, AnyMethod<T>, T>) {
    rig.with(|_, run, state, _| {
        let mut scratch = vec![T::ZERO; run.network.apply_workspace(&Portable, SAMPLES).elements()];
        let mut z = vec![T::ZERO; WIDTHS[3] * SAMPLES];
        free(what, || {
            let (z, stack) = (&mut dense_mut(&mut z, WIDTHS[3], SAMPLES), Stack::new(&mut scratch));
            run.network.apply(&Portable, state.parameters(&run.network), &run.problem.x, z, stack)
        });
        assert!(z.iter().any(|&z| z != T::ZERO));
    });
}
