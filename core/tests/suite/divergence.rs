//! What is not finite ends a sweep at once; settings, networks, data and state that do not fit are refused before one
//! begins.

use altmin_core::block::conv::Conv;
use altmin_core::block::pool::Window;
use altmin_core::block::residual::Residual;
use altmin_core::block::{Block, Network as Blocks, Shape};
use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::pdadmm::DualStorage;
use altmin_core::method::{
    AnyMethod, Hyperparameters, Method, Name, Partition, Penalties, Problem, Run, Sweep,
};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::view::{dense, view};
use altmin_core::{Activation, Error, Loss, Result, Target};

use crate::common::named::fitting;
use crate::common::rig::{Rig, Settings};
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, LOSSES, Network, settings};

type AnyRig<'d> = Rig<'d, AnyMethod<f64>>;

const RULES: [StepRule<f64>; 4] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES];
const SAMPLES: usize = 37;

fn small() -> (Data, Network) {
    (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 6, 4, 3], 2))
}

fn partition() -> Partition {
    Partition::new(SAMPLES, 8, 2)
}

fn rig<'d>(
    name: Name,
    settings: Settings<f64>,
    partition: Partition,
    problem: Problem<'d, f64>,
    start: &Network,
) -> Result<AnyRig<'d>> {
    Rig::new(settings, problem, start, |settings, run| {
        AnyMethod::new(name, settings, run)?.recut([partition; 2], run)
    })
}

/// The methods that have an objective over layers, with the step rules that they have. DLAM's proofs are its own.
fn methods(rule: StepRule<f64>) -> impl Iterator<Item = Name> {
    let taylor = (rule == LEAST_SQUARES).then_some(Name::Taylor);
    [Name::Pdadmm, Name::Dladmm].into_iter().chain(taylor)
}

/// The first sweep from this start.
fn first_sweep(name: Name, settings: Settings<f64>, data: &Data, start: &Network) -> Result<Sweep> {
    let mut rig = rig(name, settings, partition(), data.problem(), start)?;
    rig.initialize()?;
    rig.sweep()
}

/// The methods with every step rule that they have and both losses say that something is not finite.
fn is_seen(what: &str, data: &Data, start: &Network) {
    for rule in RULES {
        for loss in LOSSES {
            for name in methods(rule) {
                let settings = Settings { loss, ..settings(1.0, 5.0, rule) };
                let result = first_sweep(name, settings, data, start);
                let what = format!("{what}: {name}, {rule:?}, {loss:?}");
                assert!(matches!(result, Err(Error::NonFinite { .. })), "{what}: {result:?}");
            }
        }
    }
}

#[test]
fn a_finite_start_passes() {
    let (data, start) = small();
    for rule in RULES {
        for name in methods(rule) {
            first_sweep(name, settings(1.0, 5.0, rule), &data, &start).unwrap();
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
    let least_squares = Settings { loss: Loss::LeastSquares, ..settings(1.0, 5.0, StepRule::Vector) };
    let mut y = data.y.clone();
    y.data[4] = f64::NAN;
    let problem = Problem { target: Target::Values(dense(&y.data, 3, SAMPLES)), ..data.problem() };
    let mut method = rig(Name::Pdadmm, least_squares, partition(), problem, &start).unwrap();
    method.initialize().unwrap();
    assert!(matches!(method.sweep(), Err(Error::NonFinite { .. })));
    // Cross-entropy asks for probabilities.
    let cross_entropy = Settings { loss: Loss::CrossEntropy, ..least_squares };
    let refused = rig(Name::Pdadmm, cross_entropy, partition(), problem, &start).map(|_| ());
    assert!(matches!(refused, Err(Error::Setting { name: "target", .. })), "{refused:?}");
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
            for name in [Name::Pdadmm, Name::Dladmm] {
                let result = first_sweep(name, settings, &data, &start);
                let named = matches!(result, Err(Error::Setting { name, .. }) if name == expected);
                assert!(named, "{expected} = {bad}: {result:?}");
            }
        }
    }
}

/// Every method by its name, with settings that it has; pdADMM with either dual.
fn all_methods() -> impl Iterator<Item = (Name, Hyperparameters<f64>)> {
    let start = Hyperparameters { rho: 5.0, ..Hyperparameters::default() };
    let all = Name::ALL.iter().map(move |&name| (name, fitting(name, start)));
    all.chain([(Name::Pdadmm, Hyperparameters { dual: DualStorage::Stored, ..start })])
}

/// As [`rig`], for settings of any method.
fn named_rig<'d>(
    (name, settings): (Name, Hyperparameters<f64>),
    problem: Problem<'d, f64>,
    start: &Network,
    make: impl FnOnce(AnyMethod<f64>, &Run<'_, f64>) -> Result<AnyMethod<f64>>,
) -> Result<AnyRig<'d>> {
    let like = self::settings(1.0, 1.0, StepRule::Vector);
    Rig::new(like, problem, start, |_, run| make(AnyMethod::new(name, &settings, run)?, run))
}

/// The argument that a refusal names.
#[track_caller]
fn argument<A: std::fmt::Debug>(result: Result<A>) -> &'static str {
    match result {
        Err(Error::Shape { argument, .. } | Error::Length { argument, .. }) => argument,
        other => panic!("{other:?}"),
    }
}

/// The bits of a state, NaN included.
fn bits(rig: &AnyRig<'_>) -> (Vec<u64>, Vec<u64>) {
    let of = |list: &[f64]| list.iter().map(|x| x.to_bits()).collect();
    (of(&rig.scalars), of(&rig.numbers))
}

/// Each of the calls that may write, on a state that is not the method's.
#[track_caller]
fn assert_all_refuse(what: &str, rig: &mut AnyRig<'_>, found: isize, list: &str) {
    let before = bits(rig);
    let check = |result: Result| match result {
        Err(Error::Length { argument, found: length, needed }) if argument == list => {
            assert_eq!(length as isize - needed as isize, found, "{what}");
        }
        other => panic!("{what}: {other:?}"),
    };
    check(rig.initialize());
    check(rig.sweep().map(|_| ()));
    check(rig.objective().map(|_| ()));
    // Other values, and the present ones, with which nothing would have to be done.
    for (nu, rho, epsilon) in [(2.0, 7.0, 1e-3), (1.0, 7.0, 0.01), (1.0, 5.0, 0.01)] {
        rig.with(|method, run, state, scratch| {
            let (penalties, executor) = (Penalties { nu, rho, epsilon }, &mut Sequential::new(scratch));
            check(method.set_penalties(run, state, penalties, executor, &Portable).map(|_| ()));
            assert_eq!(method.mean_risk(run, state), None, "{what}");
        });
    }
    assert_eq!(bits(rig), before, "{what}");
}

/// One element too few or too many, found before anything is written: with its old length the state and the method go on
/// as if nothing had been asked of them.
#[test]
fn a_state_of_another_length_is_refused() {
    let (data, start) = small();
    for method in all_methods() {
        let new = || named_rig(method, data.problem(), &start, |method, _| Ok(method)).unwrap();
        let (mut undisturbed, mut rig) = (new(), new());
        undisturbed.initialize().unwrap();
        rig.initialize().unwrap();
        for (list, by) in [("scalars", -1), ("scalars", 1), ("numbers", -1), ("numbers", 1)] {
            let what = format!("{}: {list} {by:+}", method.0);
            let right = (rig.scalars.clone(), rig.numbers.clone());
            let wrong = if list == "scalars" { &mut rig.scalars } else { &mut rig.numbers };
            wrong.resize(wrong.len().checked_add_signed(by).unwrap(), f64::NAN);
            assert_all_refuse(&what, &mut rig, by, list);
            (rig.scalars, rig.numbers) = right;
        }
        for _ in 0..2 {
            assert_eq!(rig.sweep(), undisturbed.sweep(), "{}", method.0);
        }
        assert_eq!(bits(&rig), bits(&undisturbed), "{}", method.0);
    }
}

/// The state of a run with step rules that solve nothing lacks the memory of a solve.
#[test]
fn a_state_made_for_other_settings_is_refused() {
    let (data, start) = small();
    let made_for = settings(1.0, 5.0, StepRule::Vector);
    for used_with in [
        Settings { weight_step: LEAST_SQUARES, ..made_for },
        Settings { input_step: LEAST_SQUARES, ..made_for },
    ] {
        for name in [Name::Pdadmm, Name::Dladmm] {
            let new = |settings| rig(name, settings, partition(), data.problem(), &start).unwrap();
            let (mut made, used) = (new(made_for), new(used_with));
            made.method = used.method;
            assert_eq!(argument(made.initialize()), "scalars", "{name}");
            assert_eq!(argument(made.sweep()), "scalars", "{name}");
        }
    }
}

#[test]
fn data_of_another_shape_is_refused() {
    let (data, start) = small();
    let (good, x) = (data.problem(), &data.x.data);
    let cases = [
        (Problem { x: view("x", x, 4, SAMPLES, 5).unwrap(), ..good }, "x"),
        (Problem { x: view("x", x, 5, SAMPLES - 1, 5).unwrap(), ..good }, "target"),
        (Problem { target: Target::Classes(&data.classes[1..]), ..good }, "target"),
        (Problem { target: Target::Values(dense(&data.y.data, SAMPLES, 3)), ..good }, "target"),
    ];
    for method in all_methods() {
        for (problem, expected) in cases {
            let refused = named_rig(method, problem, &start, |method, _| Ok(method)).map(|_| ());
            assert_eq!(argument(refused), expected, "{}", method.0);
        }
    }
}

#[test]
fn a_partition_of_other_samples_is_refused() {
    let (data, start) = small();
    for method in all_methods() {
        let cut = |samples| {
            let partition = Partition::new(samples, 8, 2);
            named_rig(method, data.problem(), &start, |method, run| method.recut([partition; 2], run))
        };
        assert!(cut(SAMPLES).is_ok());
        for samples in [0, SAMPLES - 1, SAMPLES + 1] {
            assert_eq!(argument(cut(samples).map(|_| ())), "partition", "{}", method.0);
        }
    }
}

/// Lists of blocks that other methods train, and what the layer-wise ones say: the first block that does not fit, its place
/// and what should stand there.
#[test]
fn networks_that_are_not_layers_are_refused() {
    let layer = Block::Dense { outputs: 3 };
    let f = |activation| Block::Activation(activation);
    let leaky = |slope| f(Activation::LeakyRelu { slope });
    let (relu, tanh) = (f(Activation::Relu), f(Activation::Tanh));
    let conv = Block::Conv(Conv::square(3, 1, 1, 0));
    let window = Window { size: 1, stride: 1 };
    let residual = Block::Residual(Residual { outputs: 3, stride: 1, activation: Activation::Relu });
    let (dense_here, activation_here) = ("a dense block here", "an activation here");
    let (dense_last, same) = ("a dense block at the end", "the first activation again");
    let cases = [
        (vec![conv, relu, layer], 0, "conv", dense_here),
        (vec![layer, relu, conv], 2, "conv", dense_here),
        (vec![layer, conv, layer], 1, "conv", activation_here),
        (vec![residual], 0, "residual", dense_here),
        (vec![Block::Flatten, layer], 0, "flatten", dense_here),
        (vec![Block::MaxPool(window), layer], 0, "maxpool", dense_here),
        (vec![layer, Block::AveragePool(window), layer], 1, "avgpool", activation_here),
        (vec![layer, relu, layer, Block::GlobalAveragePool], 3, "global average pool", activation_here),
        (vec![relu, layer], 0, "activation", dense_here),
        (vec![relu], 0, "activation", dense_here),
        (vec![layer, relu], 1, "activation", dense_last),
        (vec![layer, relu, layer, tanh], 3, "activation", dense_last),
        (vec![layer, relu, relu, layer], 2, "activation", dense_here),
        (vec![layer, layer], 1, "dense", activation_here),
        (vec![layer, relu, layer, layer, layer], 3, "dense", activation_here),
        (vec![layer, relu, layer, tanh, layer], 3, "activation", same),
        (vec![layer, leaky(0.1), layer, leaky(0.2), layer], 3, "activation", same),
    ];
    let data = small().0;
    for (blocks, at, name, place) in &cases {
        let network = Blocks::new(blocks, Shape::flat(5)).unwrap();
        let run = Run { network, cuts: &[], problem: data.problem() };
        let input = network.step(*at).input;
        for (method, settings) in all_methods() {
            match (AnyMethod::new(method, &settings, &run), method.card().layers_only) {
                (Ok(_), false) => {}
                (Err(Error::Block { index, block, input: found, expected }), true) => {
                    assert_eq!((index, block, found), (*at, *name, input), "{method}: {blocks:?}");
                    assert!(expected.starts_with(place), "{method}: {blocks:?}: {expected}");
                }
                (other, _) => panic!("{method}: {blocks:?}: {other:?}"),
            }
        }
    }
}

/// By every method with every step rule that it has.
#[test]
fn too_little_scratch_is_refused() {
    let (data, start) = small();
    let refuse = |what: &str, mut rig: AnyRig<'_>| {
        rig.initialize().unwrap();
        for length in [0, 1] {
            let scratch = &mut vec![f64::NAN; length];
            let refused = rig.sweep_on(&mut Sequential::new(scratch));
            let seen = matches!(refused, Err(Error::Workspace { found, needed }) if found < needed);
            assert!(seen, "{what}: {refused:?}");
        }
    };
    for rule in RULES {
        for name in methods(rule) {
            let settings = settings(1.0, 5.0, rule);
            let rig = rig(name, settings, partition(), data.problem(), &start).unwrap();
            refuse(&format!("{name}, {rule:?}"), rig);
        }
    }
    for method in all_methods() {
        let rig = named_rig(method, data.problem(), &start, |method, _| Ok(method)).unwrap();
        refuse(&format!("{}", method.0), rig);
    }
}

/// No samples are no divergence: nothing moves, and the Lagrangian is Omega.
#[test]
fn without_samples_nothing_moves() {
    let (data, start) = (Data::new(5, 3, 0, 1), small().1);
    let none = Partition::new(0, 8, 2);
    let omega: f64 = start.weights.iter().map(|weights| weights.squared()).sum();
    for rule in RULES {
        let settings = Settings { regularizer: Regularizer::L2(2.0), ..settings(1.0, 5.0, rule) };
        for name in methods(rule) {
            let mut method = rig(name, settings, none, data.problem(), &start).unwrap();
            method.initialize().unwrap();
            for _ in 0..3 {
                let report = method.sweep().unwrap();
                assert!((report.objective - omega).abs() < 1e-12 * omega && report.promised == 0.0);
            }
            assert_eq!(method.network(), start);
        }
    }
}
