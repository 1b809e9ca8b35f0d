//! DLAM: what is not finite ends a sweep at once; settings and state that do not fit are refused before one begins.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dlam::{self, Dlam, Repair, Settings};
use altmin_core::method::layer::{LayerShape, Momentum};
use altmin_core::method::{Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::update::sums::SumsShape;
use altmin_core::{Activation, Error, OutputSolver, Result};

use crate::common::dlam_state::{LmMemory, lm_scratch};
use crate::common::state::{network, poison};
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, LOSSES, Network};

const WEIGHT_RULES: [StepRule<f64>; 4] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES];
const INPUT_RULES: [StepRule<f64>; 3] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING];
const SAMPLES: usize = 37;

fn settings() -> Settings<f64> {
    Settings {
        rho: 1.0,
        epsilon: 0.1,
        weight_step: StepRule::Vector,
        input_step: StepRule::Vector,
        activation: Activation::Relu,
        loss: altmin_core::Loss::CrossEntropy,
        solver: OutputSolver::Newton,
        regularizer: Regularizer::None,
        repair: Repair::Activations,
        accelerate: false,
    }
}

/// Every combination of step rules, losses, extrapolation and two activations.
fn all_settings() -> Vec<Settings<f64>> {
    let mut all = Vec::new();
    for weight_step in WEIGHT_RULES {
        for input_step in INPUT_RULES {
            for loss in LOSSES {
                for (activation, accelerate) in [(Activation::Relu, false), (Activation::Tanh, true)] {
                    all.push(Settings {
                        weight_step,
                        input_step,
                        loss,
                        activation,
                        accelerate,
                        ..settings()
                    });
                }
            }
        }
    }
    all
}

fn small() -> (Data, Network) {
    (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 6, 4, 3], 2))
}

fn partition() -> Partition {
    Partition::new(SAMPLES, 8, 2)
}

/// The first two sweeps from this start: extrapolation has no say in the first.
fn sweeps(settings: Settings<f64>, data: &Data, start: &Network) -> Result<Sweep> {
    let mut memory = LmMemory::new(&settings, start, partition());
    let mut scratch = lm_scratch(&settings, start, partition());
    let mut executor = Sequential::new(&mut scratch);
    let mut method = Dlam::new(settings, partition(), data.problem(), memory.state())?;
    method.initialize(&mut executor, &Portable)?;
    method.sweep(&mut executor, &Portable)?;
    method.sweep(&mut executor, &Portable)
}

fn is_seen(what: &str, data: &Data, start: &Network) {
    for settings in all_settings() {
        let result = sweeps(settings, data, start);
        assert!(matches!(result, Err(Error::NonFinite { .. })), "{what}: {settings:?}: {result:?}");
    }
}

#[test]
fn a_finite_start_passes() {
    let (data, start) = small();
    for settings in all_settings() {
        assert!(sweeps(settings, &data, &start).is_ok(), "{settings:?}");
    }
}

#[test]
fn what_is_not_finite_is_seen() {
    let (data, start) = small();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for l in 0..start.layers() {
            let mut weights = start.clone();
            weights.weights[l].data[1] = value;
            is_seen(&format!("{value} in the weights of layer {l}"), &data, &weights);
            let mut biases = start.clone();
            biases.biases[l].data[0] = value;
            is_seen(&format!("{value} in the bias of layer {l}"), &data, &biases);
        }
        for at in [0, 5 * SAMPLES - 1] {
            let mut broken = data.clone();
            broken.x.data[at] = value;
            is_seen(&format!("{value} in the data"), &broken, &start);
        }
    }
}

/// Numbers that overflow when they are squared.
#[test]
fn overflow_on_the_way_ends_the_sweep() {
    let (mut data, start) = small();
    data.x = data.x.map(|x| 1e200 * x);
    is_seen("data whose squares overflow", &data, &start);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let (data, start) = small();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let leaky = Activation::LeakyRelu { slope: bad };
        let least_squares = StepRule::LeastSquares { damping: bad };
        let mut cases = vec![
            (Settings { rho: bad, ..settings() }, "rho"),
            (Settings { epsilon: bad, ..settings() }, "epsilon"),
            (Settings { weight_step: least_squares, ..settings() }, "damping"),
            (Settings { input_step: LEAST_SQUARES, ..settings() }, "input step"),
        ];
        if bad != 0.0 {
            cases.push((Settings { activation: leaky, ..settings() }, "slope"));
            cases.push((Settings { regularizer: Regularizer::L1(bad), ..settings() }, "lambda"));
        }
        for (settings, expected) in cases {
            let result = sweeps(settings, &data, &start);
            let named = matches!(result, Err(Error::Setting { name, .. }) if name == expected);
            assert!(named, "{expected} = {bad}: {result:?}");
        }
    }
}

#[test]
fn blocks_of_another_shape_are_refused() {
    let (data, start) = small();
    let m = partition().group(0).1;
    let shapes = |n_out, n_in| [LayerShape { sums: SumsShape { n_out, n_in }, solve: 0 }].into_iter();
    for accelerate in [false, true] {
        let settings = Settings { accelerate, ..settings() };
        let refusal = |break_it: &dyn Fn(&mut LmMemory)| {
            let mut memory = LmMemory::new(&settings, &start, partition());
            assert!(Dlam::new(settings, partition(), data.problem(), memory.state()).is_ok());
            break_it(&mut memory);
            match Dlam::new(settings, partition(), data.problem(), memory.state()).unwrap_err() {
                Error::Shape { argument, .. } | Error::Length { argument, .. } => argument,
                other => panic!("{other}"),
            }
        };
        let hidden = |on: bool, n: usize, m: usize| dlam::hidden(on, n, m, poison).unwrap();
        let group =
            |on: bool, n: usize, widest| dlam::group(on, n, m, shapes(widest, widest), poison).unwrap();
        assert_eq!(refusal(&|memory| memory.hidden[0] = hidden(accelerate, 7, m)), "a");
        assert_eq!(refusal(&|memory| memory.hidden[0] = hidden(accelerate, 6, m + 1)), "a");
        assert_eq!(refusal(&|memory| memory.hidden[0] = hidden(!accelerate, 6, m)), "a before");
        assert_eq!(refusal(&|memory| memory.residuals[2] = dlam::residual(4, m, poison).unwrap()), "r");
        assert_eq!(refusal(&|memory| memory.groups[0] = group(accelerate, 4, 9)), "z");
        assert_eq!(refusal(&|memory| memory.groups[0] = group(!accelerate, 3, 9)), "z before");
        assert_eq!(refusal(&|memory| memory.groups[0] = group(accelerate, 3, 2)), "sums");
        assert_eq!(refusal(&|memory| drop(memory.hidden.pop())), "hidden");
        assert_eq!(refusal(&|memory| drop(memory.residuals.pop())), "residuals");
        assert_eq!(refusal(&|memory| drop(memory.groups.pop())), "groups");
        assert_eq!(refusal(&|memory| memory.layers.swap(0, 1)), "weights");
        let other = || Momentum::new(SumsShape { n_out: 2, n_in: 2 }, poison).unwrap();
        if accelerate {
            assert_eq!(refusal(&|memory| memory.momentum[1] = other()), "momentum");
            assert_eq!(refusal(&|memory| drop(memory.momentum.pop())), "momentum");
        } else {
            assert_eq!(refusal(&|memory| memory.momentum.push(other())), "momentum");
        }
        let none = |memory: &mut LmMemory| {
            memory.layers.clear();
            memory.hidden.clear();
            memory.residuals.clear();
        };
        assert_eq!(refusal(&none), "layers");
    }
}

#[test]
fn too_little_scratch_is_refused() {
    let (data, start) = small();
    for settings in all_settings() {
        let mut memory = LmMemory::new(&settings, &start, partition());
        let mut executor = Sequential::new(&mut []);
        let mut method = Dlam::new(settings, partition(), data.problem(), memory.state()).unwrap();
        assert!(matches!(method.sweep(&mut executor, &Portable), Err(Error::Workspace { .. })));
    }
}

/// No samples are no divergence: nothing moves, and F is Omega.
#[test]
fn without_samples_nothing_moves() {
    let (data, start) = (Data::new(5, 3, 0, 1), small().1);
    let none = Partition::new(0, 8, 2);
    let omega: f64 = start.weights.iter().map(|weights| weights.squared()).sum();
    for settings in all_settings() {
        let settings = Settings { regularizer: Regularizer::L2(2.0), ..settings };
        let mut memory = LmMemory::new(&settings, &start, none);
        let mut scratch = lm_scratch(&settings, &start, none);
        let mut executor = Sequential::new(&mut scratch);
        let mut method = Dlam::new(settings, none, data.problem(), memory.state()).unwrap();
        method.initialize(&mut executor, &Portable).unwrap();
        for _ in 0..3 {
            let report = method.sweep(&mut executor, &Portable).unwrap();
            assert!((report.objective - omega).abs() < 1e-12 * omega && report.promised == 0.0);
        }
        assert_eq!(network(method.layers()), start);
        assert_eq!(method.risk(), 0.0);
    }
}
