//! Comparisons as a library: one ground for all, the same bits as a run alone, whose settings go where, how runs stand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use altmin::Model;
use altmin::Trainer;
use altmin::compare::{Better, Comparison, ComparisonObserver, Entry, Request, Series, best, is_common};
use altmin::data;
use altmin::network::{Measure, Scores};
use altmin::report::comparison::table;
use altmin::report::curves::{self, Against};
use altmin::run::{History, Metrics, Outcome, Summary};
use altmin::settings::{Method, Settings, StepRule, TrainOptions};

const SCORES: Scores = Scores::on_test(Measure::Accuracy);

/// A file's options, as `train` reads them.
fn options(toml: &str) -> TrainOptions {
    TrainOptions::from_toml(toml, Path::new("test.toml")).expect("readable")
}

fn requests(methods: &[Method]) -> Vec<Request> {
    methods.iter().map(|&method| Request::new(method.to_string(), method)).collect()
}

/// Every setting of every run, by label.
fn settings(comparison: &Comparison) -> BTreeMap<&str, &Settings> {
    comparison.entries().iter().map(|entry| (entry.label.as_str(), &entry.settings)).collect()
}

// One ground.

/// Keeps series and models.
#[derive(Default)]
struct Saved(Vec<(Series, Model<f32>)>);

impl ComparisonObserver<f32> for Saved {
    fn end(&mut self, series: Series, _: &Entry, model: &Model<f32>) -> altmin::Result {
        self.0.push((series, model.clone()));
        Ok(())
    }
}

fn run(comparison: &Comparison) -> Vec<(Series, Model<f32>)> {
    let settings = comparison.common();
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("data");
    let mut saved = Saved::default();
    let stop = AtomicBool::new(false);
    comparison.run(&Arc::new(train), &Arc::new(test), &mut saved, &stop).expect("all runs");
    saved.0
}

fn trainer(settings: &Settings) -> Trainer<f32> {
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("data");
    Trainer::new(settings, Arc::new(train), Arc::new(test)).expect("a trainer")
}

#[test]
fn all_runs_begin_with_the_weights_that_train_begins_with() {
    // Weights so large that the first sweep diverges: what is left are the initial ones.
    let shared = options("samples = 100\nhidden = '10'\ninit = 'normal:1e30'\nseed = 7");
    let comparison = Comparison::of(&requests(&[Method::Pdadmm, Method::Dladmm]), &shared).expect("valid");
    let all = run(&comparison);
    assert_eq!(all.len(), 2);
    let initial = trainer(&shared.resolve().expect("valid")).model();
    for (series, model) in &all {
        assert_eq!((series.summary.outcome, series.sweeps.len()), (Outcome::Diverged, 0));
        assert!(*model == initial, "{}", series.label);
    }
}

#[test]
fn every_sweep_has_the_bits_that_train_gives_it() {
    let shared = options("samples = 300\nhidden = '20,20'\nsweeps = 5\nseed = 3");
    let comparison = Comparison::of(&requests(&[Method::Dladmm, Method::Pdadmm]), &shared).expect("valid");
    let without_time = |sweeps: &[Metrics]| -> Vec<_> {
        sweeps.iter().map(|&metrics| Metrics { seconds: 0.0, ..metrics }).collect()
    };
    for (series, model) in run(&comparison) {
        let method = series.label.parse::<Method>().expect("a method");
        let alone = TrainOptions { method: Some(method), ..shared.clone() }.resolve().expect("valid");
        let (mut trainer, mut history) = (trainer(&alone), History::default());
        let summary = trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
        assert_eq!(without_time(&series.sweeps), without_time(&history.sweeps), "{method}");
        assert_eq!(series.summary.objective, summary.objective, "{method}");
        assert!(model == trainer.model(), "{method}");
    }
}

#[test]
fn runs_that_differ_in_what_they_must_share_are_refused() {
    let entry = |label: &str, toml: &str| Entry {
        label: label.to_owned(),
        settings: options(toml).resolve().expect("valid"),
    };
    let base = "method = 'dladmm'";
    let pair = |other: &str| Comparison::new(vec![entry("a", base), entry("b", &format!("{base}\n{other}"))]);
    for own in ["rho = 2", "step = 'vector'", "sweeps = 9", "regularizer = 'l2:1'", "grow = '1:3'"] {
        pair(own).expect(own);
    }
    for shared in [
        "seed = 1",
        "samples = 50",
        "holdout = true",
        "pool = 2",
        "hidden = '5'",
        "activation = 'tanh'",
        "loss = 'least-squares'",
        "init = 'xavier'",
        "precision = 'f64'",
        "kernel = 'portable'",
        "threads = 97",
    ] {
        let error = pair(shared).expect_err(shared);
        let key = shared.split(' ').next().expect("a key");
        assert!(error.is_usage() && error.to_string().contains(key), "{error}");
        assert!(is_common(key));
    }
    assert!(Comparison::new(Vec::new()).is_err());
}

// Whose settings go where.

#[test]
fn options_for_all_go_to_those_that_have_a_use_for_them() {
    let shared =
        options("step = 'vector'\nrho = 7\nbatch = 50\nlearning-rate = 0.5\ndamping = 0.7\nsweeps = 3");
    let comparison = Comparison::of(&requests(Method::ALL), &shared).expect("valid");
    let all = settings(&comparison);
    assert_eq!(all.len(), Method::ALL.len());
    for (label, settings) in &all {
        let alone = options(&format!("method = '{label}'")).resolve().expect("valid");
        let steps = ["pdadmm", "dladmm", "dlam"].contains(label);
        let expected = if steps { StepRule::Vector } else { alone.step };
        assert_eq!((settings.sweeps, settings.step), (3, expected), "{label}");
        let rho = steps || ["taylor", "gsadmm"].contains(label);
        assert_eq!(settings.rho, if rho { 7.0 } else { alone.rho }, "{label}");
        let gradient =
            ["gd", "adagrad", "adadelta", "adam", "adamw", "muon", "gsadmm", "gsam"].contains(label);
        assert_eq!(settings.learning_rate, if gradient { 0.5 } else { alone.learning_rate }, "{label}");
        let batch = gradient || ["proxprop", "local"].contains(label);
        assert_eq!(settings.batch, batch.then_some(50), "{label}");
        // Vector steps have no damping; Taylor's weights and those of proximal sweeps do.
        let damped = ["taylor", "proxprop", "local"].contains(label);
        assert_eq!(settings.damping, if damped { 0.7 } else { alone.damping }, "{label}");
    }
}

#[test]
fn a_setting_of_one_method_wins_for_it_alone() {
    let mut list = requests(&[Method::Adam, Method::Dladmm]);
    list.push(Request::new("fast", Method::Adam));
    list[2].set("learning-rate", "1e-2").expect("a setting");
    list[1].set("input-step", "vector").expect("a setting");
    list[1].set("time-limit", "5s").expect("a setting");
    let comparison = Comparison::of(&list, &options("learning-rate = 0.25\nsweeps = 4")).expect("valid");
    let all = settings(&comparison);
    assert_eq!((all["adam"].learning_rate, all["fast"].learning_rate), (0.25, 0.01));
    assert_eq!((all["dladmm"].input_step, all["dladmm"].step), (StepRule::Vector, StepRule::LeastSquares));
    assert_eq!(all["dladmm"].time_limit, Some(Duration::from_secs(5)));
    assert_eq!((all["adam"].time_limit, all["dladmm"].sweeps), (None, 4));
}

// Series made by hand.

fn series(label: &str, test: &[f64]) -> Series {
    let sweep = |(index, &accuracy): (usize, &f64)| Metrics {
        sweep: index + 1,
        objective: 8.0 - index as f64,
        primal_residual: 0.5,
        dual_residual: 0.25,
        loss: 1.0 / (index + 1) as f64,
        train_accuracy: accuracy,
        test_accuracy: accuracy,
        seconds: 0.5 * (index + 1) as f64,
        approximation_error: None,
        approximation_bound: None,
    };
    let sweeps: Vec<_> = test.iter().enumerate().map(sweep).collect();
    let last = sweeps.last().copied();
    let summary = Summary {
        method: Method::Pdadmm,
        data: "made up".into(),
        sweeps: sweeps.len(),
        outcome: Outcome::SweepLimit,
        objective: last.map_or(f64::NAN, |last| last.objective),
        train_accuracy: last.map_or(f64::NAN, |last| last.train_accuracy),
        test_accuracy: last.map_or(f64::NAN, |last| last.test_accuracy),
        best: None,
        seconds: last.map_or(0.0, |last| last.seconds),
        state_bytes: 1_000,
        threads: 1,
        approximation_error: None,
        approximation_bound: None,
    };
    Series { label: label.into(), sweeps, summary }
}

#[test]
fn an_accuracy_is_reached_at_the_first_sweep_that_has_it() {
    let series = series("a", &[0.3, 0.9, 0.8, 0.95, 0.94]);
    let reached = |accuracy| {
        let reached = series.reached(accuracy);
        (reached.sweeps, reached.seconds)
    };
    // Meeting it is enough; falling back later does not undo it.
    assert_eq!(reached(0.9), (Some(2), Some(1.0)));
    assert_eq!(reached(0.91), (Some(4), Some(2.0)));
    assert_eq!(reached(0.3), (Some(1), Some(0.5)));
    assert_eq!(reached(0.951), (None, None));
    let best = series.best_test().expect("sweeps");
    assert_eq!((best.sweep, best.test_accuracy), (4, 0.95));
    // 342 of 360 is 0.95, and the quotient must be seen to be.
    assert_eq!(self::series("b", &[342.0 / 360.0]).reached(0.95).sweeps, Some(1));
}

#[test]
fn a_run_without_sweeps_or_accuracy_stands_nowhere() {
    let nothing = series("a", &[]).standing(&[0.5]);
    assert_eq!((nothing.loss, nothing.best_test_accuracy, nothing.seconds_per_sweep()), (None, None, None));
    assert_eq!(nothing.reached[0].sweeps, None);
    let unknown = series("b", &[f64::NAN, f64::NAN]);
    assert_eq!((unknown.best_test(), unknown.reached(0.1).sweeps), (None, None));
}

#[test]
fn the_best_are_all_that_tie_for_it() {
    let values = [Some(2.0), None, Some(1.0), Some(f64::NAN), Some(1.0)];
    assert_eq!(best(&values, Better::Low), [false, false, true, false, true]);
    assert_eq!(best(&values, Better::High), [true, false, false, false, false]);
    assert_eq!(best(&[None, Some(f64::NAN)], Better::High), [false, false]);
}

#[test]
fn the_table_marks_the_best_of_each_column() {
    let all = [series("first", &[0.5, 0.91, 0.92]), series("second", &[0.6, 0.96]), series("none", &[])];
    let standings: Vec<_> = all.iter().map(|series| series.standing(&[0.9, 0.99])).collect();
    let text = table(&standings, SCORES);
    let rows = |label: &str| -> Vec<Vec<&str>> {
        text.lines()
            .filter(|line| line.starts_with(label))
            .map(|line| line.split_whitespace().collect())
            .collect()
    };
    let [result, progress] = &rows("first")[..] else { panic!("{text}") };
    assert_eq!(
        result[1..],
        [
            "sweep-limit",
            "3",
            "1.5000",
            "0.5000*",
            "0.3333*",
            "92.00",
            "%",
            "92.00",
            "%",
            "92.00",
            "%",
            "3",
            "1.00",
            "kB*"
        ]
    );
    assert_eq!(progress[1..], ["6.000e0", "5.000e-1", "2.500e-1", "2*", "1.0000*", "-", "-"]);
    let [result, progress] = &rows("second")[..] else { panic!("{text}") };
    assert_eq!(
        result[1..],
        [
            "sweep-limit",
            "2",
            "1.0000",
            "0.5000*",
            "0.5000",
            "96.00",
            "%*",
            "96.00",
            "%*",
            "96.00",
            "%*",
            "2",
            "1.00",
            "kB*"
        ]
    );
    assert_eq!(progress[4..6], ["2*", "1.0000*"]);
    let [result, progress] = &rows("none")[..] else { panic!("{text}") };
    assert_eq!(result[4..9], ["-", "-", "-", "-", "-"]);
    assert_eq!(progress[1..], ["-"; 7]);
    // One run alone is no best.
    assert!(!table(&standings[..1], SCORES).contains('*'));
    assert!(text.lines().all(|line| !line.ends_with(' ')));
}

#[test]
fn pictures_of_odd_series_are_drawn() {
    let with = |label: &str, change: fn(&mut Metrics)| {
        let mut series = series(label, &[0.5, 0.6, 0.7]);
        series.sweeps.iter_mut().for_each(change);
        series
    };
    let odd = [
        with("zero residuals", |m| (m.primal_residual, m.dual_residual) = (0.0, 0.0)),
        with("below zero", |m| m.objective = -m.objective),
        with("lost", |m| (m.objective, m.loss) = (f64::NAN, f64::INFINITY)),
        with("huge", |m| (m.objective, m.dual_residual) = (f64::MAX, 1e299)),
        with("tiny", |m| (m.primal_residual, m.dual_residual) = (f64::MIN_POSITIVE, 5e-324)),
        with("no time", |m| m.seconds = 0.0),
        with("little time", |m| m.seconds = 1e-300),
        with("endless", |m| m.seconds = f64::INFINITY),
        series("nothing", &[]),
    ];
    let all: Vec<_> = odd.iter().cycle().take(30).cloned().collect();
    let sets = odd.iter().map(|one| vec![one.clone()]).chain([vec![], odd.to_vec(), all]);
    for set in sets {
        for against in [Against::Sweeps, Against::Seconds] {
            let svg = curves::comparison(
                "a <title> & more",
                &set.iter().map(Series::line).collect::<Vec<_>>(),
                against,
                SCORES,
            )
            .expect("drawn");
            roxmltree::Document::parse(&svg).expect("well-formed");
        }
    }
}

#[test]
fn a_method_without_residuals_leaves_the_others_their_logarithmic_axis() {
    let mut falling = series("falling", &[0.5; 40]);
    for (index, metrics) in falling.sweeps.iter_mut().enumerate() {
        metrics.primal_residual = 10f64.powf(4.0 - 0.2 * index as f64);
    }
    let mut none = series("none", &[0.5; 40]);
    none.sweeps.iter_mut().for_each(|metrics| metrics.primal_residual = 0.0);
    let svg = curves::comparison("residuals", &[falling.line(), none.line()], Against::Sweeps, SCORES)
        .expect("drawn");
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let corners = |node: roxmltree::Node| -> Vec<(f64, f64)> {
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let points = node.attribute("points").unwrap_or_default().split_whitespace();
        points.filter_map(|point| point.split_once(',')).map(|(x, y)| (number(x), number(y))).collect()
    };
    let lines: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("polyline"))
        .map(corners)
        .filter(|points| points.len() == 40)
        .collect();
    // Two in every panel but that of primal residuals.
    assert_eq!(lines.len(), 9);
    // Even steps of a logarithm are even steps on the axis: third, after both objectives. Pixels are whole.
    let steps: Vec<f64> = lines[2].windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    assert!(steps.iter().all(|&step| step > 0.0 && (step - steps[0]).abs() <= 1.0), "{steps:?}");
}
