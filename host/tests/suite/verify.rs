//! What was promised is found to be kept, and a formula that is wrong by 1 % is found out.

use std::sync::{Arc, LazyLock};

use altmin::data::{self, Dataset};
use altmin::run::convert;
use altmin::settings::{EpsilonRule, Method, StepRule, TrainOptions};
use altmin::verify::{Auditor, Claim, Formula, Report, Verdict};

/// Each activation, and each risk.
const NETWORKS: [(&str, &str); 8] = [
    ("relu", "cross-entropy"),
    ("relu", "least-squares"),
    ("leaky-relu:0.1", "cross-entropy"),
    ("leaky-relu:0.1", "least-squares"),
    ("sigmoid", "cross-entropy"),
    ("sigmoid", "least-squares"),
    ("tanh", "cross-entropy"),
    ("tanh", "least-squares"),
];
const STEPS: [StepRule; 4] =
    [StepRule::Vector, StepRule::Scalar, StepRule::Backtracking, StepRule::LeastSquares];
const METHODS: [Method; 3] = [Method::Pdadmm, Method::Dladmm, Method::Dlam];

/// A small run of a method inside its theorem.
fn options(method: Method, step: StepRule) -> TrainOptions {
    let rho = match method {
        Method::Pdadmm => 0.82,
        Method::Dladmm => 2.2,
        _ => 0.5,
    };
    TrainOptions {
        method: Some(method),
        step: Some(step),
        nu: Some(0.2),
        rho: Some(rho),
        epsilon: Some(0.02),
        epsilon_rule: Some(EpsilonRule::Fixed),
        pool: Some(2),
        samples: Some("30".parse().expect("a number")),
        hidden: Some("7,6".parse().expect("widths")),
        sweeps: Some(4),
        threads: Some(1),
        ..TrainOptions::default()
    }
}

/// All of these runs have the same data.
static DATA: LazyLock<Arc<Dataset<f64>>> = LazyLock::new(|| {
    let settings = options(Method::Pdadmm, StepRule::Vector).resolve().expect("settings");
    Arc::new(data::load::<f64>(&settings.data, &settings.data_options()).expect("digits").0)
});

fn auditor(options: TrainOptions) -> Auditor {
    let settings = options.resolve().expect("settings");
    Auditor::new(&settings, Arc::clone(&DATA)).expect("an auditor")
}

fn run(options: TrainOptions) -> Report {
    auditor(options).run().expect("a run")
}

#[track_caller]
fn assert_held(report: &Report) {
    assert_eq!(report.stopped, None);
    for promise in &report.promises {
        assert_eq!(promise.verdict, Verdict::Held, "{}: {promise:#?}", report.title);
        assert!(promise.checks > 0, "{}: {promise:#?}", report.title);
        assert!(promise.allowed < 1e-6, "{}: {promise:#?}", report.title);
    }
}

fn networks(method: Method, networks: &[(&str, &str)]) -> Vec<TrainOptions> {
    let network = |step, (activation, loss): (&str, &str)| TrainOptions {
        activation: Some(activation.parse().expect("an activation")),
        loss: Some(loss.parse().expect("a loss")),
        ..options(method, step)
    };
    STEPS.into_iter().flat_map(|step| networks.iter().map(move |&each| network(step, each))).collect()
}

#[test]
fn pdadmm_keeps_its_promises() {
    networks(Method::Pdadmm, &NETWORKS).into_iter().for_each(|options| assert_held(&run(options)));
}

#[test]
fn dladmm_keeps_its_promises() {
    networks(Method::Dladmm, &NETWORKS).into_iter().for_each(|options| assert_held(&run(options)));
}

#[test]
fn dlam_keeps_its_promises() {
    networks(Method::Dlam, &NETWORKS).into_iter().for_each(|options| assert_held(&run(options)));
}

fn regularized(method: Method) -> impl Iterator<Item = TrainOptions> {
    let l2 = STEPS.map(|step| (step, "l2:0.5"));
    let l1 = [StepRule::Vector, StepRule::Scalar, StepRule::Backtracking].map(|step| (step, "l1:0.2"));
    l2.into_iter().chain(l1).map(move |(step, regularizer)| TrainOptions {
        regularizer: Some(regularizer.parse().expect("a regulariser")),
        ..options(method, step)
    })
}

#[test]
fn regularised_runs_keep_their_promises() {
    for method in METHODS {
        regularized(method).for_each(|options| assert_held(&run(options)));
    }
}

#[test]
fn the_lemmas_hold_from_other_states_than_those_of_a_run() {
    for method in METHODS {
        for options in networks(method, &NETWORKS) {
            let report = auditor(options).scatter(0.3).run().expect("a run");
            let broken: Vec<_> = report.promises.iter().filter(|p| p.verdict == Verdict::Broken).collect();
            assert!(broken.is_empty(), "{}: {broken:#?}", report.title);
        }
    }
}

/// Falsifies every formula that a run uses, and returns those of which no promise told, neither in the run nor from states
/// around it: from a forward pass, DLAM's hidden z have nowhere to go.
fn undetected(options: &TrainOptions, told: impl Fn(Claim) -> bool) -> Vec<Formula> {
    let settings = options.clone().resolve().expect("settings");
    let core = convert::settings::<f64>(&settings);
    let used = Formula::ALL.into_iter().filter(|formula| formula.applies(settings.method, &core));
    let silent = |formula: &Formula| {
        [None, Some(0.3)].into_iter().all(|scatter| {
            let mut auditor = auditor(options.clone()).falsify(*formula, 1.01);
            if let Some(size) = scatter {
                auditor = auditor.scatter(size);
            }
            let report = auditor.run().expect("a run");
            !report.promises.iter().any(|promise| promise.verdict == Verdict::Broken && told(promise.name))
        })
    };
    used.filter(silent).collect()
}

/// Each activation and each risk once.
fn falsified(method: Method) {
    let few = [NETWORKS[0], NETWORKS[3], NETWORKS[4], NETWORKS[7]];
    for options in networks(method, &few).into_iter().chain(regularized(method)) {
        let silent = undetected(&options, |claim| claim != Claim::Trainer);
        assert_eq!(silent, [], "{options:?}");
    }
}

#[test]
fn a_formula_of_pdadmm_that_is_wrong_by_one_percent_breaks_a_promise_of_the_theory() {
    falsified(Method::Pdadmm);
}

#[test]
fn a_formula_of_dladmm_that_is_wrong_by_one_percent_breaks_a_promise_of_the_theory() {
    falsified(Method::Dladmm);
}

#[test]
fn a_formula_of_dlam_that_is_wrong_by_one_percent_breaks_a_promise_of_the_theory() {
    falsified(Method::Dlam);
}

#[test]
fn outside_of_a_theorem_nothing_is_promised_and_what_is_needed_is_said() {
    let needs = |options: TrainOptions, claim| {
        let report = run(options);
        assert!(!report.is_broken(), "{report:#?}");
        let promise = report.promise(claim).expect("a promise");
        assert_eq!(promise.verdict, Verdict::NotPromised);
        promise.needs.clone().expect("what is needed")
    };
    let with_rho = |method, rho| TrainOptions { rho: Some(rho), ..options(method, StepRule::Vector) };
    // 4 nu s^2 = 0.8 for nu = 0.2 and ReLU; 2 H = 1 for cross-entropy.
    assert!(needs(with_rho(Method::Pdadmm, 0.5), Claim::Descent).starts_with("rho above 0.8 "));
    assert!(needs(with_rho(Method::Dladmm, 0.9), Claim::Descent).starts_with("rho above 1 "));
    assert!(needs(with_rho(Method::Dladmm, 0.4), Claim::BoundedObjective).starts_with("rho above 0.5 "));
    let dlam = options(Method::Dlam, StepRule::Vector);
    let adaptive = TrainOptions { epsilon_rule: Some(EpsilonRule::Adaptive), ..dlam.clone() };
    assert!(needs(adaptive, Claim::NeverRises).starts_with("--epsilon-rule fixed"));
    let accelerated = TrainOptions { accelerate: Some(true), ..dlam };
    assert!(needs(accelerated, Claim::Descent).contains("no --accelerate"));
}

#[test]
fn accelerated_dlam_never_raises_its_objective() {
    let options = TrainOptions { accelerate: Some(true), ..options(Method::Dlam, StepRule::Vector) };
    let report = run(options);
    for claim in [Claim::NeverRises, Claim::Feasible, Claim::BoundedObjective, Claim::CarriedResidual] {
        let promise = report.promise(claim).expect("a promise");
        assert!(promise.verdict == Verdict::Held && promise.checks > 0, "{promise:#?}");
    }
}
