//! DLAM: what is not finite ends a sweep at once; settings that do not fit are refused before one begins.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::{Method, Partition, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::{Activation, Error, Result};

use crate::common::dlam_run::{self, INPUT_RULES, rig};
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, LOSSES, Network, Settings};

const WEIGHT_RULES: [StepRule<f64>; 4] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES];
const SAMPLES: usize = 37;

fn settings() -> Settings<f64> {
    dlam_run::settings(1.0, 0.1)
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
    let mut run = rig(settings, partition(), data.problem(), start)?;
    run.initialize()?;
    run.sweep()?;
    run.sweep()
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
fn too_little_scratch_is_refused() {
    let (data, start) = small();
    for settings in all_settings() {
        let mut run = rig(settings, partition(), data.problem(), &start).unwrap();
        run.initialize().unwrap();
        let refused = run.with(|method, run, state, _| {
            method.sweep(run, state, None, &mut Sequential::new(&mut []), &Portable)
        });
        assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
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
        let mut run = rig(settings, none, data.problem(), &start).unwrap();
        run.initialize().unwrap();
        for _ in 0..3 {
            let report = run.sweep().unwrap();
            assert!((report.objective - omega).abs() < 1e-12 * omega && report.promised == 0.0);
        }
        assert_eq!(run.network(), start);
        assert_eq!(run.risk(), 0.0);
    }
}
