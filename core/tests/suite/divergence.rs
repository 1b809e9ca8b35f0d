//! What is not finite ends a sweep at once; settings and state that do not fit are refused before one begins.

use altmin_core::executor::Sequential;
use altmin_core::gemm::Portable;
use altmin_core::method::dladmm::{self, DlAdmm};
use altmin_core::method::layer::{Layer, LayerShape};
use altmin_core::method::pdadmm::{self, DualStorage, PdAdmm};
use altmin_core::method::taylor::Taylor;
use altmin_core::method::{Partition, Problem, Settings, Sweep};
use altmin_core::regularizer::Regularizer;
use altmin_core::update::StepRule;
use altmin_core::update::sums::SumsShape;
use altmin_core::view::{dense, view};
use altmin_core::{Activation, Error, Loss, Result, Target};

use crate::common::state::{self, DlMemory, PdMemory, dl_scratch, pd_scratch, poison};
use crate::common::teacher::{BACKTRACKING, Data, LEAST_SQUARES, LOSSES, Network, settings};

const RULES: [StepRule<f64>; 4] = [StepRule::Vector, StepRule::Scalar, BACKTRACKING, LEAST_SQUARES];
const SAMPLES: usize = 37;

fn small() -> (Data, Network) {
    (Data::new(5, 3, SAMPLES, 1), Network::new(&[5, 6, 4, 3], 2))
}

fn partition() -> Partition {
    Partition::new(SAMPLES, 8, 2)
}

/// The first sweep of pdADMM from this start.
fn pdadmm(settings: Settings<f64>, data: &Data, start: &Network) -> Result<Sweep> {
    let mut memory = PdMemory::new(&settings, start, partition(), DualStorage::Recovered);
    let mut scratch = pd_scratch(&settings, start, partition());
    let mut executor = Sequential::new(&mut scratch);
    let mut method = PdAdmm::new(settings, partition(), data.problem(), memory.state())?;
    method.initialize(&mut executor, &Portable)?;
    method.sweep(&mut executor, &Portable)
}

/// The first sweep of dlADMM from this start.
fn dladmm(settings: Settings<f64>, data: &Data, start: &Network) -> Result<Sweep> {
    let mut memory = DlMemory::new(&settings, start, partition());
    let mut scratch = dl_scratch(&settings, start, partition());
    let mut executor = Sequential::new(&mut scratch);
    let mut method = DlAdmm::new(settings, partition(), data.problem(), memory.state())?;
    method.initialize(&mut executor, &Portable)?;
    method.sweep(&mut executor, &Portable)
}

/// The first sweep of Taylor's ADMM from this start.
fn taylor(settings: Settings<f64>, data: &Data, start: &Network) -> Result<Sweep> {
    let mut memory = DlMemory::new(&settings, start, partition());
    let mut scratch = dl_scratch(&settings, start, partition());
    let mut executor = Sequential::new(&mut scratch);
    let mut method = Taylor::new(settings, partition(), data.problem(), memory.state())?;
    method.initialize(&mut executor, &Portable)?;
    method.sweep(&mut executor, &Portable)
}

/// The methods with every step rule that they have and both losses say that something is not finite.
fn is_seen(what: &str, data: &Data, start: &Network) {
    for rule in RULES {
        for loss in LOSSES {
            let settings = Settings { loss, ..settings(1.0, 5.0, rule) };
            let mut results =
                vec![("pdADMM", pdadmm(settings, data, start)), ("dlADMM", dladmm(settings, data, start))];
            if rule == LEAST_SQUARES {
                results.push(("Taylor's ADMM", taylor(settings, data, start)));
            }
            for (method, result) in results {
                let what = format!("{what}: {method}, {rule:?}, {loss:?}");
                assert!(matches!(result, Err(Error::NonFinite { .. })), "{what}: {result:?}");
            }
        }
    }
}

#[test]
fn a_finite_start_passes() {
    let (data, start) = small();
    for rule in RULES {
        assert!(pdadmm(settings(1.0, 5.0, rule), &data, &start).is_ok());
        assert!(dladmm(settings(1.0, 5.0, rule), &data, &start).is_ok());
    }
    assert!(taylor(settings(1.0, 5.0, LEAST_SQUARES), &data, &start).is_ok());
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
    let mut memory = PdMemory::new(&settings, &start, partition(), DualStorage::Recovered);
    let mut scratch = pd_scratch(&settings, &start, partition());
    let mut executor = Sequential::new(&mut scratch);
    let mut method = PdAdmm::new(settings, partition(), problem, memory.state()).unwrap();
    method.initialize(&mut executor, &Portable).unwrap();
    assert!(matches!(method.sweep(&mut executor, &Portable), Err(Error::NonFinite { .. })));
    // Cross-entropy asks for probabilities.
    let settings = Settings { loss: Loss::CrossEntropy, ..settings };
    let mut memory = PdMemory::new(&settings, &start, partition(), DualStorage::Recovered);
    let refused = PdAdmm::new(settings, partition(), problem, memory.state()).unwrap_err();
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
            for result in [pdadmm(settings, &data, &start), dladmm(settings, &data, &start)] {
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
fn pdadmm_refuses_blocks_of_another_shape() {
    let (data, start) = small();
    let rule = LEAST_SQUARES;
    let settings = settings(1.0, 5.0, rule);
    let refusal = |break_it: &dyn Fn(&mut PdMemory)| {
        let mut memory = PdMemory::new(&settings, &start, partition(), DualStorage::Stored);
        assert!(PdAdmm::new(settings, partition(), data.problem(), memory.state()).is_ok());
        break_it(&mut memory);
        argument(PdAdmm::new(settings, partition(), data.problem(), memory.state()))
    };
    let m = partition().group(0).1;
    // Blocks as `units` makes them for another layer, of `n_out` outputs and `n_in` inputs, over `m` samples.
    let units = |n_out, n_in, first, last, m| {
        let shape = LayerShape { sums: SumsShape { n_out, n_in }, solve: 0 };
        pdadmm::units(shape, first, last, DualStorage::Stored, m, poison).unwrap()
    };
    assert_eq!(refusal(&|memory| memory.inputs[2] = units(4, 7, false, false, m).0), "p");
    assert_eq!(refusal(&|memory| memory.inputs[2] = units(4, 6, false, false, m + 1).0), "p");
    assert_eq!(refusal(&|memory| memory.inputs[0] = units(6, 5, false, false, m).0), "p");
    assert_eq!(refusal(&|memory| memory.inputs[2] = units(3, 6, false, false, m).0), "sums");
    assert_eq!(refusal(&|memory| memory.residuals[1] = units(5, 5, true, false, m).1), "r");
    assert_eq!(refusal(&|memory| memory.outputs[0] = units(6, 5, true, false, m - 1).2), "z");
    assert_eq!(refusal(&|memory| memory.outputs[0] = units(6, 5, true, true, m).2), "q");
    assert_eq!(refusal(&|memory| memory.outputs[4] = units(3, 4, false, false, m).2), "q");
    assert_eq!(refusal(&|memory| drop(memory.inputs.pop())), "inputs");
    assert_eq!(refusal(&|memory| drop(memory.residuals.pop())), "residuals");
    assert_eq!(refusal(&|memory| drop(memory.outputs.pop())), "outputs");
    assert_eq!(refusal(&|memory| memory.layers.swap(0, 1)), "weights");
    let none = |memory: &mut PdMemory| {
        memory.layers.clear();
        memory.inputs.clear();
        memory.residuals.clear();
        memory.outputs.clear();
    };
    assert_eq!(refusal(&none), "layers");
}

#[test]
fn dladmm_refuses_blocks_of_another_shape() {
    let (data, start) = small();
    let settings = settings(1.0, 5.0, LEAST_SQUARES);
    let refusal = |break_it: &dyn Fn(&mut DlMemory)| {
        let mut memory = DlMemory::new(&settings, &start, partition());
        assert!(DlAdmm::new(settings, partition(), data.problem(), memory.state()).is_ok());
        break_it(&mut memory);
        argument(DlAdmm::new(settings, partition(), data.problem(), memory.state()))
    };
    let m = partition().group(0).1;
    let shapes = |n_out, n_in| [LayerShape { sums: SumsShape { n_out, n_in }, solve: 0 }].into_iter();
    assert_eq!(refusal(&|memory| memory.hidden[0] = dladmm::hidden(7, m, poison).unwrap()), "a");
    assert_eq!(refusal(&|memory| memory.hidden[0] = dladmm::hidden(6, m + 1, poison).unwrap()), "a");
    assert_eq!(refusal(&|memory| memory.residuals[2] = dladmm::residual(4, m, poison).unwrap()), "r");
    assert_eq!(refusal(&|memory| memory.groups[0] = dladmm::group(4, m, shapes(9, 9), poison).unwrap()), "z");
    assert_eq!(
        refusal(&|memory| memory.groups[0] = dladmm::group(3, m, shapes(2, 2), poison).unwrap()),
        "sums"
    );
    assert_eq!(refusal(&|memory| drop(memory.hidden.pop())), "hidden");
    assert_eq!(refusal(&|memory| drop(memory.residuals.pop())), "residuals");
    assert_eq!(refusal(&|memory| drop(memory.groups.pop())), "groups");
    assert_eq!(refusal(&|memory| memory.layers.swap(0, 1)), "weights");
    let none = |memory: &mut DlMemory| {
        memory.layers.clear();
        memory.hidden.clear();
        memory.residuals.clear();
    };
    assert_eq!(refusal(&none), "layers");
}

/// Layers that were made for another step rule lack the memory of their solve.
#[test]
fn layers_made_for_other_settings_are_refused() {
    let (data, start) = small();
    let made_for = settings(1.0, 5.0, StepRule::Vector);
    for used_with in [
        Settings { weight_step: LEAST_SQUARES, ..made_for },
        Settings { input_step: LEAST_SQUARES, ..made_for },
    ] {
        let mut memory = PdMemory::new(&made_for, &start, partition(), DualStorage::Recovered);
        let refused = PdAdmm::new(used_with, partition(), data.problem(), memory.state());
        assert_eq!(argument(refused), "solve");
        let mut memory = DlMemory::new(&made_for, &start, partition());
        assert_eq!(argument(DlAdmm::new(used_with, partition(), data.problem(), memory.state())), "solve");
    }
}

#[test]
fn data_of_another_shape_is_refused() {
    let (data, start) = small();
    let settings = settings(1.0, 5.0, StepRule::Vector);
    let refusals = |problem: Problem<'_, f64>| {
        let mut pd = PdMemory::new(&settings, &start, partition(), DualStorage::Recovered);
        let mut dl = DlMemory::new(&settings, &start, partition());
        let one = argument(PdAdmm::new(settings, partition(), problem, pd.state()));
        assert_eq!(one, argument(DlAdmm::new(settings, partition(), problem, dl.state())));
        one
    };
    let (good, x) = (data.problem(), &data.x.data);
    let narrow = view("x", x, 4, SAMPLES, 5).unwrap();
    assert_eq!(refusals(Problem { x: narrow, ..good }), "weights");
    assert_eq!(refusals(Problem { x: view("x", x, 5, SAMPLES - 1, 5).unwrap(), ..good }), "x");
    let target = Target::Classes(&data.classes[1..]);
    assert_eq!(refusals(Problem { target, ..good }), "target");
    let target = Target::Values(dense(&data.y.data, SAMPLES, 3));
    assert_eq!(refusals(Problem { target, ..good }), "target");
}

#[test]
fn memory_of_another_length_is_refused() {
    let shape = LayerShape { sums: SumsShape { n_out: 3, n_in: 4 }, solve: 16 };
    let lengths = [12, 3, 12, 3, shape.sums.elements(), 16];
    for (broken, name) in
        ["weights", "bias", "change", "bias change", "sums", "solve"].into_iter().enumerate()
    {
        for wrong in [-1isize, 1] {
            let mut call = 0;
            let allocate = |asked: usize| {
                assert_eq!(asked, lengths[call]);
                let length = if call == broken { asked.checked_add_signed(wrong).unwrap() } else { asked };
                call += 1;
                poison(length)
            };
            assert_eq!(argument(Layer::<f64, Vec<f64>>::new(shape, allocate)), name);
        }
    }
}

#[test]
fn too_little_scratch_is_refused() {
    let (data, start) = small();
    for rule in RULES {
        let settings = settings(1.0, 5.0, rule);
        let mut memory = PdMemory::new(&settings, &start, partition(), DualStorage::Recovered);
        let mut executor = Sequential::new(&mut []);
        let mut method = PdAdmm::new(settings, partition(), data.problem(), memory.state()).unwrap();
        assert!(matches!(method.sweep(&mut executor, &Portable), Err(Error::Workspace { .. })));
        let mut memory = DlMemory::new(&settings, &start, partition());
        let mut method = DlAdmm::new(settings, partition(), data.problem(), memory.state()).unwrap();
        assert!(matches!(method.sweep(&mut executor, &Portable), Err(Error::Workspace { .. })));
    }
    let settings = settings(1.0, 5.0, LEAST_SQUARES);
    let mut memory = DlMemory::new(&settings, &start, partition());
    let mut method = Taylor::new(settings, partition(), data.problem(), memory.state()).unwrap();
    let refused = method.sweep(&mut Sequential::new(&mut []), &Portable);
    assert!(matches!(refused, Err(Error::Workspace { .. })));
}

/// No samples are no divergence: nothing moves, and the Lagrangian is Omega.
#[test]
fn without_samples_nothing_moves() {
    let (data, start) = (Data::new(5, 3, 0, 1), small().1);
    let none = Partition::new(0, 8, 2);
    for rule in RULES {
        let settings = Settings { regularizer: Regularizer::L2(2.0), ..settings(1.0, 5.0, rule) };
        let omega: f64 = start.weights.iter().map(|weights| weights.squared()).sum();
        let mut memory = PdMemory::new(&settings, &start, none, DualStorage::Recovered);
        let mut scratch = pd_scratch(&settings, &start, none);
        let mut executor = Sequential::new(&mut scratch);
        let mut method = PdAdmm::new(settings, none, data.problem(), memory.state()).unwrap();
        method.initialize(&mut executor, &Portable).unwrap();
        for _ in 0..3 {
            let report = method.sweep(&mut executor, &Portable).unwrap();
            assert!((report.objective - omega).abs() < 1e-12 * omega && report.promised == 0.0);
        }
        assert_eq!(state::network(method.layers()), start);
        let mut memory = DlMemory::new(&settings, &start, none);
        let mut scratch = dl_scratch(&settings, &start, none);
        let mut executor = Sequential::new(&mut scratch);
        let mut method = DlAdmm::new(settings, none, data.problem(), memory.state()).unwrap();
        method.initialize(&mut executor, &Portable).unwrap();
        for _ in 0..3 {
            let report = method.sweep(&mut executor, &Portable).unwrap();
            assert!((report.objective - omega).abs() < 1e-12 * omega && report.promised == 0.0);
        }
        assert_eq!(state::network(method.layers()), start);
    }
    let settings = Settings { regularizer: Regularizer::L2(2.0), ..settings(1.0, 5.0, LEAST_SQUARES) };
    let mut memory = DlMemory::new(&settings, &start, none);
    let mut scratch = dl_scratch(&settings, &start, none);
    let mut executor = Sequential::new(&mut scratch);
    let mut method = Taylor::new(settings, none, data.problem(), memory.state()).unwrap();
    method.initialize(&mut executor, &Portable).unwrap();
    let report = method.sweep(&mut executor, &Portable).unwrap();
    assert!(report.promised == 0.0);
    assert_eq!(state::network(method.layers()), start);
}
