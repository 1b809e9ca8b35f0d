//! Whole sweeps with the sequential executor: the Lagrangians fall as promised, and the network learns.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::loss::{Loss, OutputSolver, Target};
use altmin_core::method::dladmm::{self, DlAdmm};
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::pdadmm::{self, DualStorage, PdAdmm};
use altmin_core::method::{Partition, Problem, Settings, Sweep};
use altmin_core::update::StepRule;
use altmin_core::view::{column, dense};
use altmin_core::workspace::Stack;
use altmin_core::{Activation, Real, Regularizer, Result};

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

type Memory<'a, T> = &'a mut [T];

/// Above the theorems' thresholds: 4 nu for pdADMM, 1 for dlADMM.
fn settings<T: Real>(step: StepRule<T>) -> Settings<T> {
    Settings {
        nu: T::ONE,
        rho: T::from_f64(5.0),
        weight_step: step,
        input_step: step,
        activation: Activation::Relu,
        loss: Loss::CrossEntropy,
        solver: OutputSolver::Newton,
        regularizer: Regularizer::None,
    }
}

fn rules<T: Real>() -> [StepRule<T>; 2] {
    [StepRule::Vector, StepRule::LeastSquares { damping: T::from_f64(0.125) }]
}

fn shapes<T: Real>(settings: &Settings<T>) -> [LayerShape; LAYERS] {
    core::array::from_fn(|l| LayerShape::new(&settings.steps(), l, WIDTHS[l + 1], WIDTHS[l]))
}

/// Memory for one matrix; none where there is too little, which whoever asked then finds out.
fn take<'a, T: Real>(stack: &mut Stack<'a, T>, elements: usize) -> Memory<'a, T> {
    stack.vector(elements).unwrap_or_default()
}

/// Each class's samples lie around a corner of their own.
fn data<'a, T: Real>(stack: &mut Stack<'a, T>) -> Result<Problem<'a, T>> {
    let x = stack.vector(WIDTHS[0] * SAMPLES)?;
    Random(11).fill(x);
    for (sample, &class) in x.chunks_exact_mut(WIDTHS[0]).zip(&CLASSES) {
        sample[class as usize] += T::from_f64(2.0);
    }
    Ok(Problem { x: dense(x, WIDTHS[0], SAMPLES), target: Target::Classes(&CLASSES) })
}

fn layer<'a, T: Real>(
    stack: &mut Stack<'a, T>,
    shapes: &[LayerShape; LAYERS],
    l: usize,
) -> Result<Layer<T, Memory<'a, T>>> {
    let mut layer = Layer::new(shapes[l], |elements| take(stack, elements))?;
    let (weights, bias) = layer.parameters_mut();
    Random(l as u64).fill(weights);
    bias.fill(T::ZERO);
    Ok(layer)
}

/// Sweeps; the Lagrangian must fall each time by what was promised.
fn descend<T: Real>(broken: Broken, start: f64, mut sweep: impl FnMut() -> Result<Sweep>) -> Checked {
    let mut before = start;
    for _ in 0..SWEEPS {
        let Sweep { objective, promised, .. } = sweep()?;
        let slack = rounding::<T>() * (1.0 + before.abs());
        require(promised > 0.0 && before - objective >= promised - slack, broken)?;
        before = objective;
    }
    Ok(())
}

/// Nine in ten of the samples are classified rightly by the network alone, sample by sample in plain loops.
fn learnt<T: Real>(layers: &[Layer<T, Memory<'_, T>>], problem: &Problem<'_, T>) -> bool {
    let correct = CLASSES.iter().enumerate().filter(|&(j, &class)| {
        let mut signal = [0.0; 8];
        for (to, from) in signal.iter_mut().zip(column(&problem.x, j)) {
            *to = from.to_f64();
        }
        for (l, layer) in layers.iter().enumerate() {
            let (weights, (n_out, n_in)) = (layer.weights(), layer.shape());
            let mut next = [0.0; 8];
            for (i, next) in next.iter_mut().enumerate().take(n_out) {
                let product: f64 = (0..n_in).map(|k| weights[(i, k)].to_f64() * signal[k]).sum();
                let z = product + layer.bias()[i].to_f64();
                *next = if l + 1 < LAYERS { relu(z) } else { z };
            }
            signal = next;
        }
        let of_class = signal[class as usize];
        signal[..WIDTHS[LAYERS]].iter().all(|&other| other <= of_class)
    });
    10 * correct.count() >= 9 * SAMPLES
}

/// pdADMM with the dual recovered and stored.
pub fn pdadmm<T: Real>(mut stack: Stack<'_, T>) -> Checked {
    for rule in rules() {
        for storage in [DualStorage::Recovered, DualStorage::Stored] {
            sweep_pdadmm(settings(rule), storage, stack.rest())?;
        }
    }
    Ok(())
}

fn sweep_pdadmm<T: Real>(settings: Settings<T>, storage: DualStorage, mut stack: Stack<'_, T>) -> Checked {
    let partition = Partition::new(SAMPLES, 16, GROUPS);
    let shapes = shapes(&settings);
    let needed = pdadmm::workspace(&Portable, &settings, partition.tile(), shapes.iter().map(|s| s.sums));
    let scratch = stack.vector(needed.elements())?;
    let problem = data(&mut stack)?;
    let mut layers =
        [layer(&mut stack, &shapes, 0)?, layer(&mut stack, &shapes, 1)?, layer(&mut stack, &shapes, 2)?];
    let mut unit = |l: usize, g: usize| {
        let (_, m) = partition.group(g);
        pdadmm::units(shapes[l], l == 0, l + 1 == LAYERS, storage, m, |elements| take(&mut stack, elements))
    };
    let (a, b, c) = (unit(0, 0)?, unit(0, 1)?, unit(1, 0)?);
    let (d, e, f) = (unit(1, 1)?, unit(2, 0)?, unit(2, 1)?);
    let state = pdadmm::State {
        layers: &mut layers,
        inputs: &mut [a.0, b.0, c.0, d.0, e.0, f.0],
        residuals: &mut [a.1, b.1, c.1, d.1, e.1, f.1],
        outputs: &mut [a.2, b.2, c.2, d.2, e.2, f.2],
    };
    let mut executor = Sequential::new(scratch);
    let mut method = PdAdmm::new(settings, partition, problem, state)?;
    method.initialize(&mut executor, &Portable)?;
    let start = method.objective(&mut executor)?;
    descend::<T>(Broken::PdAdmm, start, || method.sweep(&mut executor, &Portable))?;
    require(learnt(method.layers(), &problem), Broken::PdAdmm)
}

/// dlADMM.
pub fn dladmm<T: Real>(mut stack: Stack<'_, T>) -> Checked {
    for rule in rules() {
        sweep_dladmm(settings(rule), stack.rest())?;
    }
    Ok(())
}

fn sweep_dladmm<T: Real>(settings: Settings<T>, mut stack: Stack<'_, T>) -> Checked {
    let partition = Partition::new(SAMPLES, 16, GROUPS);
    let shapes = shapes(&settings);
    let needed = dladmm::workspace(&Portable, &settings, partition.tile(), shapes.iter().map(|s| s.sums));
    let scratch = stack.vector(needed.elements())?;
    let problem = data(&mut stack)?;
    let mut layers =
        [layer(&mut stack, &shapes, 0)?, layer(&mut stack, &shapes, 1)?, layer(&mut stack, &shapes, 2)?];
    let samples = |g: usize| partition.group(g).1;
    let mut hidden =
        |l: usize, g: usize| dladmm::hidden(WIDTHS[l + 1], samples(g), |elements| take(&mut stack, elements));
    let mut hidden = [hidden(0, 0)?, hidden(1, 0)?, hidden(0, 1)?, hidden(1, 1)?];
    let mut residual = |l: usize, g: usize| {
        dladmm::residual(WIDTHS[l + 1], samples(g), |elements| take(&mut stack, elements))
    };
    let mut residuals = [
        residual(0, 0)?,
        residual(1, 0)?,
        residual(2, 0)?,
        residual(0, 1)?,
        residual(1, 1)?,
        residual(2, 1)?,
    ];
    let mut group = |g: usize| {
        let layers = shapes.iter().copied();
        dladmm::group(WIDTHS[LAYERS], samples(g), layers, |elements| take(&mut stack, elements))
    };
    let mut groups = [group(0)?, group(1)?];
    let state = dladmm::State {
        layers: &mut layers,
        hidden: &mut hidden,
        residuals: &mut residuals,
        groups: &mut groups,
    };
    let mut executor = Sequential::new(scratch);
    let mut method = DlAdmm::new(settings, partition, problem, state)?;
    method.initialize(&mut executor, &Portable)?;
    let start = method.objective(&mut executor)?;
    descend::<T>(Broken::DlAdmm, start, || method.sweep(&mut executor, &Portable))?;
    require(learnt(method.layers(), &problem), Broken::DlAdmm)
}
