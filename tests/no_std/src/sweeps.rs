//! Whole runs of every method with the sequential executor, in memory that was there when the program was loaded:
//! objectives fall as promised, and networks learn.

use altmin_core::block::{Block, Network, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::loss::Target;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{AnyMethod, Hyperparameters, Method, Name, Partition, Problem, Run, State};
use altmin_core::update::StepRule;
use altmin_core::view::{column, dense};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Real, Result};

use crate::plain::{Random, relu, rounding};
use crate::{Broken, Checked, require};

const WIDTHS: [usize; 4] = [6, 8, 8, 3];
const LAYERS: usize = 3;
const GROUPS: usize = 2;
const SAMPLES: usize = 48;
const SWEEPS: usize = 60;

/// The classes in turn.
static CLASSES: [u32; SAMPLES] = {
    let mut classes = [0; SAMPLES];
    let mut j = 0;
    while j < SAMPLES {
        classes[j] = (j % WIDTHS[LAYERS]) as u32;
        j += 1;
    }
    classes
};

/// Each class's samples lie around a corner of their own.
fn data<'a, T: Real>(stack: &mut Stack<'a, T>) -> Result<Problem<'a, T>> {
    let x = stack.vector(WIDTHS[0] * SAMPLES)?;
    Random(11).fill(x);
    for (sample, &class) in x.chunks_exact_mut(WIDTHS[0]).zip(&CLASSES) {
        sample[class as usize] += T::from_f64(2.0);
    }
    Ok(Problem { x: dense(x, WIDTHS[0], SAMPLES), target: Target::Classes(&CLASSES) })
}

/// Dense layers with ReLU between them.
fn blocks<T: Real>() -> [Block<T>; 2 * LAYERS - 1] {
    core::array::from_fn(|at| match at % 2 {
        0 => Block::Dense { outputs: WIDTHS[at / 2 + 1] },
        _ => Block::Activation(Activation::Relu),
    })
}

/// Nine in ten of the samples are classified rightly by the network alone, sample by sample in plain loops.
fn learnt<T: Real>(run: &Run<'_, T>, parameters: &[T]) -> bool {
    let correct = CLASSES.iter().enumerate().filter(|&(j, &class)| {
        let mut signal = [0.0; 8];
        for (to, from) in signal.iter_mut().zip(column(&run.problem.x, j)) {
            *to = from.to_f64();
        }
        for (l, map) in run.network.maps().enumerate() {
            let (weights, bias) = map.read(parameters);
            let mut next = [0.0; 8];
            for (i, next) in next.iter_mut().enumerate().take(map.n_out) {
                let product: f64 = (0..map.n_in).map(|k| weights[(i, k)].to_f64() * signal[k]).sum();
                let z = product + bias[i].to_f64();
                *next = if l + 1 < LAYERS { relu(z) } else { z };
            }
            signal = next;
        }
        let of_class = signal[class as usize];
        signal[..WIDTHS[LAYERS]].iter().all(|&other| other <= of_class)
    });
    10 * correct.count() >= 9 * SAMPLES
}

/// What must hold of a run.
#[derive(Clone, Copy)]
enum Promise {
    /// The objective falls in every sweep by what is promised.
    Falls,
    /// It does, and the network classifies the samples.
    FallsAndLearns,
    /// The objective is lower in the end than at the start.
    Lower,
}

/// All methods: the layer-wise ones with steps by columns and by least squares, pdADMM with the dual recovered and stored.
pub fn check<T: Real>(mut stack: Stack<'_, T>, numbers: &mut [f64]) -> Checked {
    let least_squares = StepRule::LeastSquares { damping: T::from_f64(0.125) };
    let mut run = |name, input_step, weight_step, dual, promise, broken| {
        // Above the theorems' thresholds: 4 nu for pdADMM, 1 for dlADMM, less for Taylor's ADMM.
        let rho = T::from_f64(5.0);
        let settings = Hyperparameters { rho, weight_step, input_step, dual, ..Hyperparameters::default() };
        sweep(name, &settings, promise, broken, stack.rest(), numbers)
    };
    for step in [StepRule::Vector, least_squares] {
        for dual in [DualStorage::Recovered, DualStorage::Stored] {
            run(Name::Pdadmm, step, step, dual, Promise::FallsAndLearns, Broken::PdAdmm)?;
        }
        let dual = DualStorage::default();
        run(Name::Dladmm, step, step, dual, Promise::FallsAndLearns, Broken::DlAdmm)?;
        run(Name::Dlam, StepRule::Vector, step, dual, Promise::Falls, Broken::Dlam)?;
    }
    let dual = DualStorage::default();
    run(Name::Taylor, least_squares, least_squares, dual, Promise::FallsAndLearns, Broken::Taylor)?;
    for &name in Name::ALL.iter().filter(|name| !name.card().layers_only) {
        run(name, least_squares, least_squares, dual, Promise::Lower, Broken::Others)?;
    }
    Ok(())
}

fn sweep<T: Real>(
    name: Name,
    settings: &Hyperparameters<T>,
    promise: Promise,
    broken: Broken,
    mut stack: Stack<'_, T>,
    numbers: &mut [f64],
) -> Checked {
    let blocks = blocks();
    let network = Network::new(&blocks, Shape::flat(WIDTHS[0]))?;
    let run = Run { network, cuts: &[2], problem: data(&mut stack)? };
    let partition = Partition::new(SAMPLES, 16, GROUPS);
    let mut method = AnyMethod::new(name, settings, &run)?.recut([partition; 2], &run)?;

    let memory = method.memory(&run);
    let mut executor = Sequential::new(stack.vector(method.workspace(&run, &Portable).elements())?);
    let numbers = numbers.get_mut(..memory.numbers).ok_or(Broken::Refused)?;
    let mut state = State { scalars: stack.vector(memory.scalars)?, numbers };
    for (l, map) in network.maps().enumerate() {
        let (mut weights, bias) = map.write(state.scalars);
        Random(l as u64).matrix(&mut weights);
        bias.fill(T::ZERO);
    }

    method.initialize(&run, &mut state, &mut executor, &Portable)?;
    let start = method.objective(&run, &mut state, &mut executor, &Portable)?;
    let mut before = start;
    for _ in 0..SWEEPS {
        let report = method.sweep(&run, &mut state, None, &mut executor, &Portable)?;
        if !matches!(promise, Promise::Lower) {
            let slack = rounding::<T>() * (1.0 + before.abs());
            let falls = before - report.objective >= report.promised - slack;
            require(report.promised > 0.0 && falls, broken)?;
        }
        before = report.objective;
    }
    let end = method.objective(&run, &mut state, &mut executor, &Portable)?;
    require(end < start, broken)?;
    let must_learn = matches!(promise, Promise::FallsAndLearns);
    require(!must_learn || learnt(&run, state.parameters(&network)), broken)
}
