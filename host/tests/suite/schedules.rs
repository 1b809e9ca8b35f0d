//! Schedules of nu and rho: text forms, what is refused, the values of every sweep against tables made by hand, and runs.

use crate::common;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use altmin::Model;
use altmin::Trainer;
use altmin::data;
use altmin::run::{Change, History, Metrics, Summary};
use altmin::settings::{Method, NuSchedule, RhoSchedule, Settings, TrainOptions};
use altmin_core::Real;

fn resolve(text: &str) -> altmin::error::Result<Settings> {
    let mut options = TrainOptions::from_toml(text, "test.toml".as_ref())?;
    // The one method that has all schedules, where the text names none.
    options.method.get_or_insert(Method::Pdadmm);
    options.resolve()
}

fn settings(text: &str) -> Settings {
    resolve(text).expect("valid")
}

fn run<T: Real>(text: &str) -> (Summary, History, Model<T>) {
    let settings = settings(text);
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("data");
    let mut trainer = Trainer::new(&settings, Arc::new(train), Arc::new(test)).expect("a trainer");
    let mut history = History::default();
    let summary = trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
    (summary, history, trainer.model())
}

/// The changes of a setting as `(sweep, new value)`; each begins where the one before has ended.
fn changes(history: &History, setting: &str, first: f64) -> Vec<(usize, f64)> {
    let of_setting: Vec<&Change> = history.changes.iter().filter(|c| c.setting == setting).collect();
    let mut before = first;
    for change in &of_setting {
        assert_eq!(change.from, before, "{change:?}");
        before = change.to;
    }
    of_setting.iter().map(|change| (change.sweep, change.to)).collect()
}

/// Numbers that are the same up to the rounding of a few products.
#[track_caller]
fn assert_table(found: &[(usize, f64)], expected: &[(usize, f64)]) {
    let same = |(a, b): (&(usize, f64), &(usize, f64))| a.0 == b.0 && (a.1 - b.1).abs() <= 1e-14 * b.1;
    let equal = found.len() == expected.len() && found.iter().zip(expected).all(same);
    assert!(equal, "{found:?} instead of {expected:?}");
}

#[test]
fn schedules_are_read_as_they_are_written() {
    for text in
        ["constant", "times:10:100", "times:0.5:3:1e-5", "rising:1.5", "balance:10:2", "balance:3:1.5"]
    {
        let schedule: RhoSchedule = text.parse().expect(text);
        assert_eq!(schedule.to_string().parse::<RhoSchedule>().expect(text), schedule);
    }
    assert_eq!("balance".parse::<RhoSchedule>().expect("short"), "balance:10:2".parse().expect("long"));
    assert_eq!("times:2:5:8".parse::<NuSchedule>().expect("a limit").to_string(), "times:2:5:8");
    for text in [
        "",
        "times",
        "times:2",
        "times:2:1.5",
        "times:2:-1",
        "times:a:1",
        "times:2:1:",
        "times:2:1:3:4",
        "rising",
        "rising:x",
        "rising:2:3",
        "balance:3",
        "balance:3:",
        "balance:1:2:3",
        "constant:1",
        "Constant",
    ] {
        let error = text.parse::<RhoSchedule>().expect_err(text);
        assert!(error.to_string().contains("rho-schedule"), "{error}");
    }
    for text in ["rising:2", "balance", "times:2", "1"] {
        let error = text.parse::<NuSchedule>().expect_err(text);
        assert!(error.to_string().contains("nu-schedule"), "{error}");
    }
}

#[test]
fn a_written_file_gives_the_same_schedules() {
    for text in [
        "",
        "nu-schedule = 'times:1.25:3:7.5'\nrho-schedule = 'balance:3:1.5'",
        "method = 'dladmm'\nnu-schedule = 'times:0.9:1'\nrho-schedule = 'rising:1.1'",
        "method = 'taylor'\nnu-schedule = 'times:2:10'\nrho-schedule = 'times:10:30'",
        "method = 'dlam'\nrho-schedule = 'times:0.1:7:0.00001'",
    ] {
        let first = settings(text);
        let again = settings(&first.to_toml().expect("writable"));
        assert_eq!(
            (again.nu_schedule, again.rho_schedule),
            (first.nu_schedule, first.rho_schedule),
            "{text}"
        );
    }
}

/// A schedule that is refused, and what the message must say.
const REFUSED: &[(&str, &[&str])] = &[
    ("method = 'dladmm'\nrho-schedule = 'balance'", &["rho-schedule", "pdadmm", "dladmm"]),
    ("method = 'taylor'\nrho-schedule = 'balance'", &["rho-schedule", "taylor"]),
    ("method = 'dlam'\nrho-schedule = 'balance:3:2'", &["rho-schedule", "dlam"]),
    ("method = 'dlam'\nnu-schedule = 'times:2:1'", &["nu-schedule", "dlam"]),
    ("method = 'proxprop'\nnu-schedule = 'times:2:1'", &["nu-schedule", "proxprop"]),
    ("method = 'proxprop'\nrho-schedule = 'rising:2'", &["rho-schedule", "proxprop"]),
    ("method = 'adam'\nrho-schedule = 'times:2:1'", &["rho-schedule", "adam"]),
    ("nu-schedule = 'times:0:1'", &["nu-schedule", "above 0"]),
    ("nu-schedule = 'times:-2:1'", &["nu-schedule", "above 0"]),
    ("rho-schedule = 'times:nan:1'", &["rho-schedule", "above 0"]),
    ("rho-schedule = 'rising:inf'", &["rho-schedule", "above 0"]),
    ("rho-schedule = 'rising:0'", &["rho-schedule", "above 0"]),
    ("rho-schedule = 'rising:1e39'", &["rho-schedule", "f32"]),
    ("rho-schedule = 'times:1e-39:1:0.1'", &["rho-schedule", "f32"]),
    ("nu-schedule = 'times:2:0'", &["nu-schedule", "at least 1"]),
    ("nu = 2\nnu-schedule = 'times:2:1:1'", &["nu-schedule", "nu = 2"]),
    ("nu = 2\nnu-schedule = 'times:0.5:1:3'", &["nu-schedule", "nu = 2"]),
    ("nu = 2\nnu-schedule = 'times:0.5:1:0'", &["nu-schedule", "above 0"]),
    ("nu-schedule = 'times:2:1:1e39'", &["nu-schedule", "f32"]),
    ("rho-schedule = 'balance:0.9:2'", &["rho-schedule", "ratio"]),
    ("rho-schedule = 'balance:10:0.5'", &["rho-schedule", "factor"]),
    ("rho-schedule = 'balance:nan:2'", &["rho-schedule", "ratio"]),
    // 10^38 is a single, 10^39 is not: the 39th change is made before sweep 40.
    ("rho = 1\nsweeps = 40\nrho-schedule = 'times:10:1'", &["rho-schedule", "rho", "f32", "sweep 40 of 40"]),
    // 2^128 is not: the 126th change of 4, after every third sweep.
    ("nu = 4\nsweeps = 1000\nnu-schedule = 'times:2:3'", &["nu-schedule", "nu", "sweep 379 of 1000"]),
    // 10^-37 is a single in full, 10^-38 is below the smallest such one.
    ("rho = 1e-30\nsweeps = 300\nrho-schedule = 'times:0.1:20'", &["rho-schedule", "sweep 161 of 300"]),
    // 10^308 is a double.
    ("rho = 1\nprecision = 'f64'\nsweeps = 400\nrho-schedule = 'times:10:1'", &["f64", "sweep 310 of 400"]),
    ("nu-schedule = 'times:2:1'\nsweeps = 9223372036854775807", &["nu-schedule", "sweep 129 of"]),
];

#[test]
fn what_a_schedule_may_not_be_is_said() {
    for (text, parts) in REFUSED {
        let error = resolve(text).expect_err(text);
        let message = error.to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
        assert!(error.is_usage() && !message.contains('\n'), "{message}");
    }
}

#[test]
fn schedules_that_stay_in_range_are_allowed() {
    for text in [
        "rho = 1\nsweeps = 39\nrho-schedule = 'times:10:1'",
        "rho = 1\nsweeps = 3900\nrho-schedule = 'times:10:100'",
        "rho = 1\nsweeps = 309\nprecision = 'f64'\nrho-schedule = 'times:10:1'",
        "nu = 4\nsweeps = 378\nnu-schedule = 'times:2:3'",
        "nu = 4\nsweeps = 100000\nnu-schedule = 'times:2:3:1e30'",
        "nu = 4\nsweeps = 100000\nnu-schedule = 'times:0.5:3:4'",
        "sweeps = 9223372036854775807\nrho-schedule = 'times:1:1'",
        "sweeps = 9223372036854775807\nrho-schedule = 'rising:2'",
        "rho-schedule = 'balance:1:1'",
    ] {
        resolve(text).expect(text);
    }
}

#[test]
fn a_schedule_that_the_method_has_no_use_for_is_refused_as_a_flag() {
    for (method, setting) in [("adam", "rho-schedule"), ("proxprop", "nu-schedule"), ("dlam", "nu-schedule")]
    {
        let text = format!("method = '{method}'\n{setting} = 'constant'");
        let flags = TrainOptions::from_toml(&text, "test.toml".as_ref()).expect("readable");
        let settings = flags.clone().resolve().expect("constant changes nothing");
        let message = flags.check_effect(&settings).expect_err("no effect").to_string();
        assert!(message.contains(setting) && message.contains(method), "{message}");
    }
    let flags = TrainOptions {
        method: Some(Method::Pdadmm),
        rho_schedule: "times:2:50".parse().ok(),
        nu_schedule: "times:2:50".parse().ok(),
        ..TrainOptions::default()
    };
    flags.check_effect(&flags.clone().resolve().expect("valid")).expect("pdadmm has both");
}

#[test]
fn the_warning_looks_at_the_first_value() {
    let growing = settings("method = 'dladmm'\nrho = 0.5\nrho-schedule = 'times:10:5'");
    let warning = growing.rho_warning().expect("0.5 is not above 1");
    assert!(warning.contains("rho = 0.5 at first"), "{warning}");
    let falling = settings("method = 'dladmm'\nrho = 1.5\nrho-schedule = 'times:0.1:5'");
    assert_eq!(falling.rho_warning(), None);
}

const SMALL: &str = "samples = 200\nhidden = '12'\n";
const QUICK: &str = "samples = 400\nhidden = '30'\n";

#[test]
fn times_follows_its_table() {
    for method in ["pdadmm", "dladmm"] {
        let text = format!(
            "{SMALL}method = '{method}'\nsweeps = 10\nnu = 0.5\nrho = 0.001\n\
             rho-schedule = 'times:10:3'\nnu-schedule = 'times:2:2:3'"
        );
        let (_, history, _) = run::<f32>(&text);
        assert_table(&changes(&history, "rho", 0.001), &[(4, 0.01), (7, 0.1), (10, 1.0)]);
        // 0.5, 1, 2, and then not 4 but 3, where it stays.
        assert_table(&changes(&history, "nu", 0.5), &[(3, 1.0), (5, 2.0), (7, 3.0)]);
        assert_eq!(history.changes.len(), 6, "nothing else changes");
        let text =
            format!("{SMALL}method = '{method}'\nsweeps = 7\nrho = 8\nrho-schedule = 'times:0.5:2:1.5'");
        let (_, history, _) = run::<f32>(&text);
        assert_table(&changes(&history, "rho", 8.0), &[(3, 4.0), (5, 2.0), (7, 1.5)]);
    }
}

#[test]
fn a_factor_of_1_changes_no_bit_and_another_one_does() {
    for method in ["pdadmm", "dladmm"] {
        let text = format!("{SMALL}method = '{method}'\nsweeps = 6\n");
        let plain = run::<f32>(&text);
        let same = run::<f32>(&format!("{text}rho-schedule = 'times:1:1'\nnu-schedule = 'times:1:2'"));
        assert!(same.1.changes.is_empty());
        assert_eq!(without_time(&same.1.sweeps), without_time(&plain.1.sweeps));
        for schedule in ["rho-schedule = 'times:2:5'", "nu-schedule = 'times:2:5'"] {
            let other = run::<f32>(&format!("{text}{schedule}"));
            assert_eq!(without_time(&other.1.sweeps[..5]), without_time(&plain.1.sweeps[..5]));
            assert_ne!(without_time(&other.1.sweeps[5..]), without_time(&plain.1.sweeps[5..]), "{schedule}");
        }
    }
}

fn without_time(sweeps: &[Metrics]) -> Vec<Metrics> {
    sweeps.iter().map(|&metrics| Metrics { seconds: 0.0, ..metrics }).collect()
}

/// rho of each sweep, from the changes.
fn values(history: &History, first: f64) -> Vec<f64> {
    let changes = changes(history, "rho", first);
    let value = |sweep| changes.iter().rev().find(|c| c.0 <= sweep).map_or(first, |c| c.1);
    (1..=history.sweeps.len()).map(value).collect()
}

/// After each sweep the rule of Boyd et al., equation 3.13, on the residuals that are reported; not after the first, which
/// starts where both residuals are 0.
#[test]
fn balance_follows_the_residuals() {
    for (rule, mu, tau) in [("balance", 10.0, 2.0), ("balance:3:1.5", 3.0, 1.5)] {
        for first in [0.05, 4.0, 1000.0] {
            let text =
                format!("{QUICK}sweeps = 30\nrho = {first}\nprecision = 'f64'\nrho-schedule = '{rule}'");
            let (_, history, _) = run::<f64>(&text);
            let mut expected = vec![first, first];
            for metrics in &history.sweeps[1..29] {
                let (r, s) = (metrics.primal_residual, metrics.dual_residual);
                let rho = expected[expected.len() - 1];
                expected.push(match () {
                    () if r > mu * s => tau * rho,
                    () if s > mu * r => rho / tau,
                    () => rho,
                });
            }
            assert_eq!(values(&history, first), expected, "{rule} from {first}");
            assert_ne!(expected[29], first, "{rule} from {first} has something to do");
        }
    }
}

#[test]
fn balance_keeps_the_residuals_together() {
    let apart = |history: &History| {
        let ratio = |m: &Metrics| {
            let ratio = m.primal_residual / m.dual_residual;
            ratio.max(ratio.recip())
        };
        history.sweeps[9..].iter().map(ratio).fold(0.0, f64::max)
    };
    for (first, mu) in [(0.1, 10.0), (4.1, 10.0), (100.0, 10.0), (4.1, 4.0)] {
        let text = format!("{QUICK}sweeps = 60\nrho = {first}\n");
        let (summary, history, _) = run::<f32>(&format!("{text}rho-schedule = 'balance:{mu}:2'"));
        // Beyond mu rho moves at once, so they part by no more than a step moves them.
        let most = apart(&history);
        assert!(most <= 2.0 * mu, "rho from {first}, mu {mu}: {most}");
        assert!(summary.test_accuracy > 0.8, "rho from {first}, mu {mu}: {}", summary.test_accuracy);
    }
    assert!(apart(&run::<f32>(&format!("{QUICK}sweeps = 60")).1) > 20.0, "they part without it");
}

/// rho grows after a sweep whose Lagrangian is above that of the state before it, under the same weights: what another rho
/// makes of a state is `(rho_new - rho_old)/2 r^2` more, r the primal residual.
#[test]
fn rising_follows_the_objective() {
    for method in ["pdadmm", "dladmm"] {
        let first = 0.05;
        let text = format!(
            "{QUICK}method = '{method}'\nsweeps = 40\nrho = {first}\nprecision = 'f64'\nstep = 'vector'\nnu = 1"
        );
        let (_, history, _) = run::<f64>(&format!("{text}\nrho-schedule = 'rising:1.5'"));
        let found = values(&history, first);
        let mut expected = vec![first, first];
        let mut before = history.sweeps[0].objective;
        for metrics in &history.sweeps[1..39] {
            let rho = expected[expected.len() - 1];
            let next = if metrics.objective > before { 1.5 * rho } else { rho };
            before = metrics.objective + 0.5 * (next - rho) * metrics.primal_residual.powi(2);
            expected.push(next);
        }
        assert_eq!(found, expected, "{method}");
        println!("{method}: rho ends at {}", found[39]);
        assert!(found[39] > first, "{method}: the objective has risen");
    }
}

#[test]
fn the_schedule_of_the_dladmm_paper_trains() {
    // KDD 2019, section 5.1.2, with its backtracking.
    let text = "samples = 700\nmethod = 'dladmm'\nnu = 1e-6\nrho = 1e-6\nrho-schedule = 'times:10:100'\nsweeps = 200\n\
                step = 'backtracking'";
    let (summary, history, _) = run::<f32>(text);
    assert_table(&changes(&history, "rho", 1e-6), &[(101, 1e-5)]);
    assert_eq!(summary.sweeps, 200);
    assert!(summary.test_accuracy > 0.85, "{}", summary.test_accuracy);
}

#[test]
fn growth_goes_on_with_the_present_values() {
    for method in ["pdadmm", "dladmm"] {
        let text = format!(
            "samples = 200\nhidden = '12x3'\ngrow = '1:4'\nmethod = '{method}'\nsweeps = 8\nrho = 2\n\
             rho-schedule = 'times:3:2'\nnu = 0.5\nnu-schedule = 'times:2:4'"
        );
        let (summary, history, model) = run::<f32>(&text);
        assert_table(&changes(&history, "rho", 2.0), &[(3, 6.0), (5, 18.0), (7, 54.0)]);
        assert_table(&changes(&history, "nu", 0.5), &[(5, 1.0)]);
        assert_eq!((summary.sweeps, model.maps().count()), (8, 4));
    }
}

#[test]
fn threads_and_repetition_change_no_bit() {
    for (method, schedules) in [
        ("pdadmm", "rho-schedule = 'balance:2:1.5'\nnu-schedule = 'times:1.3:2'"),
        ("pdadmm", "rho = 0.05\nstep = 'vector'\nnu = 1\nrho-schedule = 'rising:1.5'"),
        ("dladmm", "rho-schedule = 'times:2:2'\nnu-schedule = 'times:1.3:3'\nregularizer = 'l2:0.5'"),
        ("dladmm", "rho = 0.05\nstep = 'vector'\nrho-schedule = 'rising:1.5'"),
    ] {
        let one = |threads| {
            let (_, history, model) = run::<f32>(&format!(
                "{QUICK}method = '{method}'\nsweeps = 12\nthreads = {threads}\n{schedules}"
            ));
            assert!(!history.changes.is_empty(), "{method}, {schedules}");
            (without_time(&history.sweeps), history.changes, model.parameters)
        };
        let first = one(1);
        for threads in [1, 2, 5] {
            assert!(one(threads) == first, "{method}, {threads} threads, {schedules}");
        }
    }
}

#[test]
fn schedules_work_on_mnist() {
    let Some(mnist) = common::real_data("mnist") else { return };
    let text = format!(
        "data = '{}'\npool = 2\nsamples = 2000\nholdout = true\nsweeps = 12\nrho-schedule = 'balance:3:2'\n\
         nu-schedule = 'times:0.8:3'",
        mnist.display()
    );
    let (summary, history, _) = run::<f32>(&text);
    assert_table(&changes(&history, "nu", 1.0), &[(4, 0.8), (7, 0.64), (10, 0.512)]);
    assert!(summary.test_accuracy > 0.5, "{}", summary.test_accuracy);
}
