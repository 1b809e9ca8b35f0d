//! What is not finite ends a sweep at once; settings and state that do not fit are refused before one begins.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dladmm::DlAdmm;
use altmin_core::method::pdadmm::PdAdmm;
use altmin_core::method::taylor::Taylor;
use altmin_core::method::{AnyMethod, Method, Partition, Problem, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::view::{dense, view};
use altmin_core::{Activation, Error, Loss, Result, Target};

use crate::common::rig::Rig;
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, LOSSES, Network, Settings, settings};

const RULES: [StepRule<f64>; 4] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES];
const SAMPLES: usize = 37;

fn small() -> (Data, Network) {
    (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 6, 4, 3], 2))
}

fn partition() -> Partition {
    Partition::new(SAMPLES, 8, 2)
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Pd,
    Dl,
    Taylor,
}

fn rig<'d>(
    kind: Kind,
    settings: Settings<f64>,
    partition: Partition,
    problem: Problem<'d, f64>,
    start: &Network,
) -> Result<Rig<'d, AnyMethod<f64>>> {
    Rig::new(settings, problem, start, |settings, run| match kind {
        Kind::Pd => PdAdmm::with_partition(settings, partition, run).map(AnyMethod::Pdadmm),
        Kind::Dl => DlAdmm::with_partition(settings, partition, run).map(AnyMethod::Dladmm),
        Kind::Taylor => Taylor::with_partition(settings, partition, run).map(AnyMethod::Taylor),
    })
}

/// The first sweep from this start.
fn sweep(kind: Kind, settings: Settings<f64>, data: &Data, start: &Network) -> Result<Sweep> {
    let mut run = rig(kind, settings, partition(), data.problem(), start)?;
    run.initialize()?;
    run.sweep()
}

/// The methods that have a step rule.
fn kinds(rule: StepRule<f64>) -> &'static [Kind] {
    if rule == LEAST_SQUARES { &[Kind::Pd, Kind::Dl, Kind::Taylor] } else { &[Kind::Pd, Kind::Dl] }
}

/// The methods with every step rule that they have and both losses say that something is not finite.
fn is_seen(what: &str, data: &Data, start: &Network) {
    for rule in RULES {
        for loss in LOSSES {
            let settings = Settings { loss, ..settings(1.0, 5.0, rule) };
            for &kind in kinds(rule) {
                let result = sweep(kind, settings, data, start);
                let what = format!("{what}: {kind:?}, {rule:?}, {loss:?}");
                assert!(matches!(result, Err(Error::NonFinite { .. })), "{what}: {result:?}");
            }
        }
    }
}

#[test]
fn a_finite_start_passes() {
    let (data, start) = small();
    for rule in RULES {
        for &kind in kinds(rule) {
            assert!(sweep(kind, settings(1.0, 5.0, rule), &data, &start).is_ok(), "{kind:?}, {rule:?}");
        }
    }
}

#[test]
fn weights_and_biases_that_are_not_finite_end_the_first_sweep() {
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
    }
}

#[test]
fn data_that_is_not_finite_ends_the_first_sweep() {
    let (data, start) = small();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for at in [0, 5 * SAMPLES - 1] {
            let mut broken = data.clone();
            broken.x.data[at] = value;
            is_seen(&format!("{value} in the data"), &broken, &start);
        }
    }
}

#[test]
fn targets_that_are_not_finite_are_seen() {
    let (data, start) = small();
    let settings = Settings { loss: Loss::LeastSquares, ..settings(1.0, 5.0, StepRule::Vector) };
    let mut y = data.y.clone();
    y.data[4] = f64::NAN;
    let problem = Problem { target: Target::Values(dense(&y.data, 3, SAMPLES)), ..data.problem() };
    let mut run = rig(Kind::Pd, settings, partition(), problem, &start).unwrap();
    run.initialize().unwrap();
    assert!(matches!(run.sweep(), Err(Error::NonFinite { .. })));
    // Cross-entropy asks for probabilities.
    let settings = Settings { loss: Loss::CrossEntropy, ..settings };
    let refused = rig(Kind::Pd, settings, partition(), problem, &start).map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::Setting { name: "target", .. }), "{refused}");
}

/// A run that gets too large on its way is stopped as well: numbers that overflow when they are squared.
#[test]
fn overflow_on_the_way_ends_the_sweep() {
    let (data, mut start) = small();
    start.weights[0] = start.weights[0].map(|w| 1e200 * w);
    is_seen("weights whose squares overflow", &data, &start);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let (data, start) = small();
    let good = settings(1.0, 5.0, StepRule::Vector);
    let leaky = |slope| Settings { activation: Activation::LeakyRelu { slope }, ..good };
    let regularizer = |regularizer| Settings { regularizer, ..good };
    let weight = |weight_step| Settings { weight_step, ..good };
    let input = |input_step| Settings { input_step, ..good };
    let backtracking = |start, factor| StepRule::Backtracking { start, factor };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let least_squares = StepRule::LeastSquares { damping: bad };
        let mut cases = vec![
            (Settings { nu: bad, ..good }, "nu"),
            (Settings { rho: bad, ..good }, "rho"),
            (weight(least_squares), "damping"),
            (input(least_squares), "damping"),
            (weight(backtracking(bad, 2.0)), "backtracking start"),
            (input(backtracking(0.1, bad)), "backtracking factor"),
            (input(backtracking(0.1, 1.0)), "backtracking factor"),
        ];
        if bad != 0.0 {
            cases.push((leaky(bad), "slope"));
            cases.push((regularizer(Regularizer::L1(bad)), "lambda"));
            cases.push((regularizer(Regularizer::L2(bad)), "lambda"));
        }
        let l1 = Settings { regularizer: Regularizer::L1(0.1), ..weight(LEAST_SQUARES) };
        cases.push((l1, "l1 regulariser"));
        for (settings, expected) in cases {
            for result in [Kind::Pd, Kind::Dl].map(|kind| sweep(kind, settings, &data, &start)) {
                let named = matches!(result, Err(Error::Setting { name, .. }) if name == expected);
                assert!(named, "{expected} = {bad}: {result:?}");
            }
        }
    }
}

/// The argument that a refusal names.
fn argument<A: std::fmt::Debug>(result: Result<A>) -> &'static str {
    match result.unwrap_err() {
        Error::Shape { argument, .. } | Error::Length { argument, .. } => argument,
        other => panic!("{other}"),
    }
}

#[test]
fn data_of_another_shape_is_refused() {
    let (data, start) = small();
    let settings = settings(1.0, 5.0, StepRule::Vector);
    let refusals = |problem: Problem<'_, f64>| {
        let [one, other] = [Kind::Pd, Kind::Dl]
            .map(|kind| argument(rig(kind, settings, partition(), problem, &start).map(|_| ())));
        assert_eq!(one, other);
        one
    };
    let (good, x) = (data.problem(), &data.x.data);
    let narrow = view("x", x, 4, SAMPLES, 5).unwrap();
    assert_eq!(refusals(Problem { x: narrow, ..good }), "x");
    assert_eq!(refusals(Problem { x: view("x", x, 5, SAMPLES - 1, 5).unwrap(), ..good }), "x");
    let target = Target::Classes(&data.classes[1..]);
    assert_eq!(refusals(Problem { target, ..good }), "target");
    let target = Target::Values(dense(&data.y.data, SAMPLES, 3));
    assert_eq!(refusals(Problem { target, ..good }), "target");
}

/// By one element, either way: pdADMM's, as `layerwise` has it of the others.
#[test]
fn a_state_of_another_length_is_refused() {
    let (data, start) = small();
    for (list, by) in [("scalars", -1), ("scalars", 1), ("numbers", -1), ("numbers", 1)] {
        let settings = settings(1.0, 5.0, LEAST_SQUARES);
        let mut run = rig(Kind::Pd, settings, partition(), data.problem(), &start).unwrap();
        run.initialize().unwrap();
        run.sweep().unwrap();
        let length = |old: usize| old.checked_add_signed(by).unwrap();
        match list {
            "scalars" => run.scalars.resize(length(run.scalars.len()), 0.5),
            _ => run.numbers.resize(length(run.numbers.len()), 0.5),
        }
        assert_eq!(argument(run.initialize()), list);
        assert_eq!(argument(run.sweep()), list);
        assert_eq!(argument(run.objective()), list);
        assert_eq!(argument(run.set_penalties(2.0, 10.0)), list);
    }
}

#[test]
fn too_little_scratch_is_refused() {
    let (data, start) = small();
    for rule in RULES {
        for &kind in kinds(rule) {
            let settings = settings(1.0, 5.0, rule);
            let mut run = rig(kind, settings, partition(), data.problem(), &start).unwrap();
            run.initialize().unwrap();
            let refused = run.with(|method, run, state, _| {
                method.sweep(run, state, None, &mut Sequential::new(&mut []), &Portable)
            });
            assert!(matches!(refused, Err(Error::Workspace { .. })), "{kind:?}, {rule:?}: {refused:?}");
        }
    }
}

/// No samples are no divergence: nothing moves, and the Lagrangian is Omega.
#[test]
fn without_samples_nothing_moves() {
    let (data, start) = (Data::new(5, 3, 0, 1), small().1);
    let none = Partition::new(0, 8, 2);
    for rule in RULES {
        let settings = Settings { regularizer: Regularizer::L2(2.0), ..settings(1.0, 5.0, rule) };
        let omega: f64 = start.weights.iter().map(|weights| weights.squared()).sum();
        for &kind in kinds(rule) {
            let mut run = rig(kind, settings, none, data.problem(), &start).unwrap();
            run.initialize().unwrap();
            for _ in 0..3 {
                let report = run.sweep().unwrap();
                assert!((report.objective - omega).abs() < 1e-12 * omega, "{kind:?}, {rule:?}");
                assert_eq!(report.promised, 0.0, "{kind:?}, {rule:?}");
            }
            assert_eq!(run.network(), start, "{kind:?}, {rule:?}");
        }
    }
}
