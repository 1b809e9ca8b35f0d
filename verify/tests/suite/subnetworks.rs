//! What TSSM promises is found to be kept, and a formula that is wrong by 1 % is found out.

use std::path::Path;
use std::sync::Arc;

use altmin::data;
use altmin::run::convert;
use altmin::settings::TrainOptions;
use altmin::verify::{Claim, Formula, Report, SplitAuditor, Verdict};

const NETWORKS: [&str; 5] = [
    "hidden = '7,6'\nsubnetworks = 3\npool = 2",
    "hidden = '8,7,6'\nactivation = 'tanh'\ncut = '2'\npool = 2",
    "network = 'conv 3 3x2 pad 1 stride 2, leaky-relu:0.1, maxpool 2 stride 1, flatten, dense 9, sigmoid, dense 10'\ncut = '2,4'",
    "network = 'conv 3 3x3 stride 2, relu, residual 4 stride 2, residual 4, avgpool, dense 10'\ncut = '2,3'",
    "network = 'avgpool 2, residual 2, flatten, dense 8, relu, dense 10'\ncut = '1,4'",
];

fn auditor(text: &str) -> SplitAuditor {
    let text = format!("{text}\nsamples = 30\nsweeps = 3\nthreads = 1\nprecision = 'f64'");
    let options = TrainOptions::from_toml(&text, Path::new("some.toml")).expect(&text);
    let settings = options.resolve().expect(&text);
    let (train, _) = data::load::<f64>(&settings.data, &settings.data_options()).expect("digits");
    SplitAuditor::new(&settings, Arc::new(train)).expect(&text)
}

#[track_caller]
fn assert_held(report: &Report, unpromised: &[Claim]) {
    assert_eq!(report.stopped, None);
    for promise in &report.promises {
        let verdict = match unpromised.contains(&promise.name) {
            true => Verdict::NotPromised,
            false => Verdict::Held,
        };
        assert_eq!(promise.verdict, verdict, "{}: {promise:#?}", report.title);
        let says_what_is_needed = promise.needs.is_some();
        assert_eq!(says_what_is_needed, verdict == Verdict::NotPromised, "{promise:#?}");
        assert!(verdict == Verdict::NotPromised || promise.checks > 0, "{}: {promise:#?}", report.title);
    }
}

/// The runs of a method: every network, each optimiser, both conventions.
fn runs(method: &str) -> impl Iterator<Item = String> {
    let kinds = [
        "batch = 12\ninner = 'adam'",
        "batch = 30\ninner = 'sgd'\nlearning-rate = 0.1\ntau2 = 7\nalpha = 3",
        "batch = 'all'\nconvention = 'sum'\ntau2 = 40\nrho = 2",
        "batch = 10\ninner = 'sgd'\nlearning-rate = 2\nguard = 0\nfreeze = 1",
    ];
    let gsadmm = method == "gsadmm";
    NETWORKS.into_iter().enumerate().map(move |(index, network)| {
        let kind = kinds[index % kinds.len()];
        let kind = if gsadmm { kind.to_owned() } else { kind.replace("\nrho = 2", "") };
        format!("method = '{}'\n{network}\n{kind}", if gsadmm { "gsadmm" } else { "gsam" })
    })
}

#[test]
fn gsadmm_keeps_its_promises() {
    runs("gsadmm").for_each(|run| assert_held(&auditor(&run).run().expect("a run"), &[Claim::Descent]));
}

#[test]
fn gsam_keeps_its_promises() {
    runs("gsam").for_each(|run| assert_held(&auditor(&run).run().expect("a run"), &[Claim::Descent]));
}

#[test]
fn with_least_squares_theorem_1_is_not_promised() {
    let unpromised = [Claim::Descent, Claim::Approximation, Claim::ApproximationBound];
    for method in ["gsadmm", "gsam"] {
        let run = format!("method = '{method}'\n{}\nloss = 'least-squares'\nbatch = 10", NETWORKS[0]);
        let report = auditor(&run).run().expect("a run");
        assert_held(&report, &unpromised);
        let needs = report.promise(Claim::Approximation).and_then(|promise| promise.needs.clone());
        assert!(needs.expect("what is needed").contains("least squares has none"));
    }
}

#[test]
fn a_formula_that_is_wrong_by_one_percent_breaks_a_promise() {
    for run in runs("gsadmm").chain(runs("gsam")) {
        let options = TrainOptions::from_toml(&run, Path::new("some.toml")).expect(&run);
        let settings = TrainOptions { sweeps: Some(2), ..options }.resolve().expect(&run);
        let core = convert::settings::<f64>(&settings);
        let used = Formula::ALL.into_iter().filter(|formula| formula.applies(settings.method, &core));
        let silent = |formula: &Formula| {
            let report = auditor(&run).falsify(*formula, 1.01).run().expect("a run");
            !report.is_broken()
        };
        let silent: Vec<Formula> = used.filter(silent).collect();
        assert_eq!(silent, [], "{run}");
    }
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let refused = |text: &str, words: &str| {
        let options = TrainOptions::from_toml(text, Path::new("some.toml")).expect(text);
        let settings = options.resolve().expect(text);
        let (train, _) = data::load::<f64>(&settings.data, &settings.data_options()).expect("digits");
        let error = SplitAuditor::new(&settings, Arc::new(train)).expect_err(text).to_string();
        assert!(error.contains(words), "{error}");
    };
    refused("method = 'gsadmm'\ninner = 'proxprop'", "sgd or adam");
    refused("method = 'adam'", "gsadmm or gsam");
    refused("method = 'gsam'\nsamples = 50", "at most 50");
    refused("method = 'gsam'\nsamples = 50\nbatch = 10\ncut = '9'", "cut");
}
