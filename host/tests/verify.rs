//! What was promised is found to be kept, and a formula that is wrong by 1 % is found out.

use std::sync::Arc;

use altmin::config::{Method, StepRule, TrainOptions};
use altmin::convert;
use altmin::data;
use altmin::verify::{Auditor, Claim, Formula, Report, Verdict};

/// Activations that every table goes over.
const ACTIVATIONS: [&str; 2] = ["relu", "leaky-relu:0.1"];
const LOSSES: [&str; 2] = ["cross-entropy", "least-squares"];
const STEPS: [StepRule; 4] =
    [StepRule::Vector, StepRule::Scalar, StepRule::Backtracking, StepRule::LeastSquares];

/// A small run of a method inside its theorem.
fn options(method: Method, step: StepRule) -> TrainOptions {
    let rho = match method {
        Method::Pdadmm => Some("0.82"),
        Method::Dladmm => Some("2.2"),
        _ => None,
    };
    TrainOptions {
        method: Some(method),
        step: Some(step),
        nu: Some(0.2),
        rho: rho.map(|rho| rho.parse().expect("a number")),
        pool: Some(2),
        samples: Some("30".parse().expect("a number")),
        hidden: Some("7,6".parse().expect("widths")),
        sweeps: Some(5),
        threads: Some(1),
        ..TrainOptions::default()
    }
}

fn auditor(options: TrainOptions) -> Auditor {
    let settings = options.resolve().expect("settings");
    let (train, _) = data::load::<f64>(&settings.data, &settings.data_options()).expect("digits");
    Auditor::new(&settings, Arc::new(train)).expect("an auditor")
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

fn every_setting(method: Method) -> impl Iterator<Item = TrainOptions> {
    STEPS.into_iter().flat_map(move |step| {
        ACTIVATIONS.into_iter().flat_map(move |activation| {
            LOSSES.into_iter().map(move |loss| TrainOptions {
                activation: Some(activation.parse().expect("an activation")),
                loss: Some(loss.parse().expect("a loss")),
                ..options(method, step)
            })
        })
    })
}

#[test]
fn pdadmm_keeps_its_promises() {
    every_setting(Method::Pdadmm).for_each(|options| assert_held(&run(options)));
}

#[test]
fn dladmm_keeps_its_promises() {
    every_setting(Method::Dladmm).for_each(|options| assert_held(&run(options)));
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
    for method in [Method::Pdadmm, Method::Dladmm] {
        regularized(method).for_each(|options| assert_held(&run(options)));
    }
}

/// Falsifies every formula that a run uses, and returns those of which no promise told.
fn undetected(options: &TrainOptions, told: impl Fn(Claim) -> bool) -> Vec<Formula> {
    let settings = options.clone().resolve().expect("settings");
    let core = convert::settings::<f64>(&settings);
    let used = Formula::ALL.into_iter().filter(|formula| formula.applies(settings.method, &core));
    let silent = |formula: &Formula| {
        let report = auditor(options.clone()).falsify(*formula, 1.01).run().expect("a run");
        !report.promises.iter().any(|promise| promise.verdict == Verdict::Broken && told(promise.name))
    };
    used.filter(silent).collect()
}

#[test]
fn a_formula_that_is_wrong_by_one_percent_breaks_a_promise_of_the_theory() {
    for method in [Method::Pdadmm, Method::Dladmm] {
        for options in every_setting(method).chain(regularized(method)) {
            let silent = undetected(&options, |claim| claim != Claim::Trainer);
            assert_eq!(silent, [], "{options:?}");
        }
    }
}
