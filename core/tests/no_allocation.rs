//! A counting allocator around every update and around whole sweeps: nothing is allocated.

// The suite needs all of it.
#[allow(dead_code, unused_imports)]
#[path = "suite/common/mod.rs"]
mod common;

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dladmm::{self, DlAdmm};
use altmin_core::method::dlam::{self, Dlam};
use altmin_core::method::layer::{Layer, LayerShape, Momentum};
use altmin_core::method::pdadmm::{self, DualStorage, PdAdmm};
use altmin_core::method::taylor::Taylor;
use altmin_core::method::{Partition, Problem, Settings, Sweep};
use altmin_core::update::StepRule;
use altmin_core::update::sums::SumsShape;
use altmin_core::{Activation, Loss, Optimizer, OutputSolver, Real, Regularizer, Target};
use common::counting::allocations;
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

fn settings<T: Real>(
    activation: Activation<T>,
    step: StepRule<T>,
    solver: OutputSolver,
    regularizer: Regularizer<T>,
) -> Settings<T> {
    Settings {
        nu: T::ONE,
        rho: T::from_f64(5.0),
        weight_step: step,
        input_step: step,
        activation,
        loss: Loss::CrossEntropy,
        solver,
        regularizer,
    }
}

fn cases<T: Real>() -> [Settings<T>; 5] {
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

fn shapes<T: Real>(settings: &Settings<T>) -> Vec<LayerShape> {
    let pairs = WIDTHS.windows(2).enumerate();
    pairs.map(|(index, pair)| LayerShape::new(&settings.steps(), index, pair[1], pair[0])).collect()
}

fn sums_shapes(shapes: &[LayerShape]) -> impl Iterator<Item = SumsShape> + Clone + '_ {
    shapes.iter().map(|shape| shape.sums)
}

fn zeros<T: Real>(elements: usize) -> Vec<T> {
    vec![T::ZERO; elements]
}

fn layers<T: Real>(shapes: &[LayerShape]) -> Vec<Layer<T, Vec<T>>> {
    let mut random = Random::new(1);
    let make = |&shape: &LayerShape| {
        let mut layer = Layer::new(shape, zeros).unwrap();
        let (weights, bias) = layer.parameters_mut();
        weights.iter_mut().chain(bias).for_each(|x| *x = T::from_f64(0.5 * random.number()));
        layer
    };
    shapes.iter().map(make).collect()
}

/// Runs `sweep` a few times; it may not allocate, and it must do something.
fn check<T: Real>(settings: &Settings<T>, mut sweep: impl FnMut() -> altmin_core::Result<Sweep>) {
    let mut objectives = vec![];
    for _ in 0..3 {
        let (count, result) = allocations(&mut sweep);
        assert_eq!(count, 0, "{settings:?}");
        objectives.push(result.unwrap().objective);
    }
    assert!(objectives[0] > objectives[2], "{settings:?}: {objectives:?}");
}

fn sweeps_allocate_nothing<T: Real>() {
    let mut random = Random::new(2);
    let x = Strided::<T>::dense(&random.matrix(WIDTHS[0], SAMPLES));
    let classes: Vec<u32> = (0..SAMPLES).map(|_| random.below(WIDTHS[3]) as u32).collect();
    let problem = Problem { x: x.view(), target: Target::Classes(&classes) };
    // Two groups, and a last tile that is not full.
    let partition = Partition::new(SAMPLES, 16, 2);
    for settings in cases::<T>() {
        for storage in [DualStorage::Recovered, DualStorage::Stored] {
            sweep_pdadmm(settings, partition, problem, storage);
        }
        sweep_stacked(settings, partition, problem);
        for accelerate in [false, true] {
            sweep_dlam(settings, accelerate, partition, problem);
        }
    }
}

fn sweep_pdadmm<T: Real>(
    settings: Settings<T>,
    partition: Partition,
    problem: Problem<'_, T>,
    storage: DualStorage,
) {
    let shapes = shapes(&settings);
    let mut layers = layers(&shapes);
    let (mut inputs, mut residuals, mut outputs) = (vec![], vec![], vec![]);
    for (l, &shape) in shapes.iter().enumerate() {
        for g in 0..partition.groups() {
            let (_, m) = partition.group(g);
            let last = l + 1 == shapes.len();
            let units = pdadmm::units::<T, Vec<T>>(shape, l == 0, last, storage, m, zeros).unwrap();
            inputs.push(units.0);
            residuals.push(units.1);
            outputs.push(units.2);
        }
    }
    let state = pdadmm::State {
        layers: &mut layers,
        inputs: &mut inputs,
        residuals: &mut residuals,
        outputs: &mut outputs,
    };
    let needed = pdadmm::workspace(&Portable, &settings, partition.tile(), sums_shapes(&shapes));
    let mut memory = zeros::<T>(needed.elements());
    let mut executor = Sequential::new(&mut memory);
    let mut method = PdAdmm::new(settings, partition, problem, state).unwrap();
    let (count, result) = allocations(|| method.initialize(&mut executor, &Portable));
    assert_eq!((result, count), (Ok(()), 0));
    check(&settings, || method.sweep(&mut executor, &Portable));
    let (count, result) = allocations(|| method.objective(&mut executor));
    assert!(result.is_ok() && count == 0);
    let two = T::from_f64(2.0);
    let (count, result) = allocations(|| {
        method.set_penalties(&mut executor, two * settings.nu, two * settings.rho)?;
        method.sweep(&mut executor, &Portable)
    });
    assert!(result.is_ok() && count == 0);
}

/// dlADMM, and Taylor's ADMM with the settings that it has.
fn sweep_stacked<T: Real>(settings: Settings<T>, partition: Partition, problem: Problem<'_, T>) {
    let needs = shapes(&settings);
    let needed = dladmm::workspace(&Portable, &settings, partition.tile(), sums_shapes(&needs));
    let mut memory = zeros::<T>(needed.elements());
    let mut executor = Sequential::new(&mut memory);
    with_stacked(settings, partition, |state| {
        let mut method = DlAdmm::new(settings, partition, problem, state).unwrap();
        let (count, result) = allocations(|| method.initialize(&mut executor, &Portable));
        assert_eq!((result, count), (Ok(()), 0));
        check(&settings, || method.sweep(&mut executor, &Portable));
        let (count, result) = allocations(|| method.objective(&mut executor));
        assert!(result.is_ok() && count == 0);
        let two = T::from_f64(2.0);
        let (count, result) = allocations(|| {
            method.set_penalties(&mut executor, &Portable, two * settings.nu, two * settings.rho)?;
            method.sweep(&mut executor, &Portable)
        });
        assert!(result.is_ok() && count == 0);
    });
    if !matches!(settings.weight_step, StepRule::LeastSquares { .. }) {
        return;
    }
    with_stacked(settings, partition, |state| {
        let mut method = Taylor::new(settings, partition, problem, state).unwrap();
        let (count, result) = allocations(|| method.initialize(&mut executor, &Portable));
        assert_eq!((result, count), (Ok(()), 0));
        check(&settings, || method.sweep(&mut executor, &Portable));
        let (count, result) = allocations(|| method.objective(&mut executor));
        assert!(result.is_ok() && count == 0);
        let two = T::from_f64(2.0);
        let (count, result) = allocations(|| {
            method.set_penalties(&mut executor, &Portable, two * settings.nu, two * settings.rho)?;
            method.sweep(&mut executor, &Portable)
        });
        assert!(result.is_ok() && count == 0);
    });
}

fn with_stacked<T: Real>(
    settings: Settings<T>,
    partition: Partition,
    body: impl FnOnce(dladmm::State<'_, T, Vec<T>>),
) {
    let shapes = shapes(&settings);
    let mut layers = layers(&shapes);
    let (mut hidden, mut residuals, mut groups) = (vec![], vec![], vec![]);
    for g in 0..partition.groups() {
        let (_, m) = partition.group(g);
        for (l, shape) in shapes.iter().enumerate() {
            if l + 1 < shapes.len() {
                hidden.push(dladmm::hidden::<T, Vec<T>>(shape.sums.n_out, m, zeros).unwrap());
            }
            residuals.push(dladmm::residual::<T, Vec<T>>(shape.sums.n_out, m, zeros).unwrap());
        }
        groups.push(dladmm::group::<T, Vec<T>>(WIDTHS[3], m, shapes.iter().copied(), zeros).unwrap());
    }
    body(dladmm::State {
        layers: &mut layers,
        hidden: &mut hidden,
        residuals: &mut residuals,
        groups: &mut groups,
    });
}

/// DLAM with the same rules, but for least-squares inputs, which it does not have.
fn sweep_dlam<T: Real>(like: Settings<T>, accelerate: bool, partition: Partition, problem: Problem<'_, T>) {
    let Settings { weight_step, input_step, loss, solver, regularizer, .. } = like;
    let input_step = match input_step {
        StepRule::LeastSquares { .. } => StepRule::Vector,
        rule => rule,
    };
    let settings = dlam::Settings {
        rho: T::from_f64(0.5),
        epsilon: T::from_f64(0.25),
        weight_step,
        input_step,
        activation: Activation::Tanh,
        loss,
        solver,
        regularizer,
        repair: dlam::Repair::Linear,
        accelerate,
    };
    let shapes = shapes(&like);
    let mut layers = layers(&shapes);
    let moving = if accelerate { &shapes[..] } else { &[] };
    let mut momentum: Vec<Momentum<T, Vec<T>>> =
        moving.iter().map(|shape| Momentum::new(shape.sums, zeros).unwrap()).collect();
    let (mut hidden, mut residuals, mut groups) = (vec![], vec![], vec![]);
    for g in 0..partition.groups() {
        let (_, m) = partition.group(g);
        for (l, shape) in shapes.iter().enumerate() {
            if l + 1 < shapes.len() {
                hidden.push(dlam::hidden::<T, Vec<T>>(accelerate, shape.sums.n_out, m, zeros).unwrap());
            }
            residuals.push(dlam::residual::<T, Vec<T>>(shape.sums.n_out, m, zeros).unwrap());
        }
        let all = shapes.iter().copied();
        groups.push(dlam::group::<T, Vec<T>>(accelerate, WIDTHS[3], m, all, zeros).unwrap());
    }
    let state = dlam::State {
        layers: &mut layers,
        momentum: &mut momentum,
        hidden: &mut hidden,
        residuals: &mut residuals,
        groups: &mut groups,
    };
    let needed = dlam::workspace(&Portable, &settings, partition.tile(), sums_shapes(&shapes));
    let mut memory = zeros::<T>(needed.elements());
    let mut executor = Sequential::new(&mut memory);
    let mut method = Dlam::new(settings, partition, problem, state).unwrap();
    let (count, result) = allocations(|| method.initialize(&mut executor, &Portable));
    assert_eq!((result, count), (Ok(()), 0));
    check(&like, || method.sweep(&mut executor, &Portable));
    let (count, result) = allocations(|| method.set_epsilon(&mut executor, &Portable, T::from_f64(0.125)));
    assert!(result.is_ok() && count == 0);
    let (count, result) = allocations(|| method.violation(&mut executor));
    assert!(result.is_ok() && count == 0);
}
