//! Training as a library: what defaults reach, growth, and every way in which a run ends.

use crate::common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use altmin::Model;
use altmin::Trainer;
use altmin::data::{self, DataSource};
use altmin::run::{History, Metrics, Observer, Outcome, Summary};
use altmin::settings::{Method, Settings, TrainOptions};
use common::real_data;

/// Settings as in a file; everything else is default.
fn settings(text: &str) -> Settings {
    let options = TrainOptions::from_toml(text, "test.toml".as_ref()).expect("readable");
    options.resolve().expect("valid")
}

fn trainer(settings: &Settings) -> Trainer<f32> {
    let (train, test) = data::load::<f32>(&settings.data, &settings.data_options()).expect("data");
    Trainer::new(settings, Arc::new(train), Arc::new(test)).expect("a trainer")
}

/// Trains, and returns how it ended, every sweep, and the model.
fn run(settings: &Settings) -> (Summary, Vec<Metrics>, Model<f32>) {
    let (mut trainer, mut history) = (trainer(settings), History::default());
    let summary = trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
    assert_eq!(summary.sweeps, history.sweeps.len());
    (summary, history.sweeps, trainer.model())
}

fn median(mut values: [f64; 5]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[2]
}

/// Everything about a sweep but the time it took.
fn without_time(sweeps: &[Metrics]) -> Vec<Metrics> {
    sweeps.iter().map(|&metrics| Metrics { seconds: 0.0, ..metrics }).collect()
}

#[test]
fn defaults_read_digits() {
    for method in [Method::Pdadmm, Method::Dladmm, Method::Taylor] {
        let accuracies = [0, 1, 2, 3, 4].map(|seed| {
            let (summary, ..) = run(&settings(&format!("method = '{method}'\nseed = {seed}")));
            assert_eq!(summary.outcome, Outcome::SweepLimit);
            summary.test_accuracy
        });
        println!("{method}: test accuracy {accuracies:?}");
        assert!(median(accuracies) >= 0.95, "{method}: {accuracies:?}");
    }
}

#[test]
fn full_batch_proxprop_never_raises_the_loss_and_mini_batches_train() {
    for more in ["", "activation = 'tanh'\nnu = 0.001", "regularizer = 'l2:1'\nhidden = '50x4'"] {
        let (summary, sweeps, _) =
            run(&settings(&format!("method = 'proxprop'\nbatch = 'all'\nsweeps = 30\n{more}")));
        assert_eq!(summary.outcome, Outcome::SweepLimit);
        // The metrics are a pass of their own in another cut of the samples: equal up to single precision.
        let falls = |pair: &[Metrics]| pair[1].objective <= pair[0].objective * (1.0 + 1e-5);
        assert!(sweeps.windows(2).all(falls), "{more}");
        assert!(summary.test_accuracy > 0.93, "{more}: {}", summary.test_accuracy);
    }
    for method in ["proxprop", "adam", "adamw", "muon", "gd", "adagrad", "adadelta"] {
        let (summary, sweeps, _) = run(&settings(&format!("batch = 100\nsweeps = 15\nmethod = '{method}'")));
        assert_eq!(summary.outcome, Outcome::SweepLimit);
        println!("{method}: {} after one epoch, {}", sweeps[0].test_accuracy, summary.test_accuracy);
        assert!(summary.test_accuracy > 0.9, "{method}: {}", summary.test_accuracy);
    }
}

#[test]
fn a_grown_run_begins_as_the_shallow_one() {
    // DLAM's inserted layers do not move: see the proposition in its documentation.
    for method in [Method::Pdadmm, Method::Dladmm, Method::Taylor, Method::Proxprop, Method::Adam] {
        let batch = if method.card().batch.is_some() { "batch = 'all'" } else { "" };
        let common = format!("method = '{method}'\nsamples = 300\nsweeps = 7\n{batch}");
        let shallow = run(&settings(&format!("{common}\nhidden = '20'")));
        let (_, grown, model) = run(&settings(&format!("{common}\nhidden = '20x3'\ngrow = '1:4'")));
        assert_eq!(without_time(&grown[..4]), without_time(&shallow.1[..4]), "{method}");
        assert_ne!(without_time(&grown[4..5]), without_time(&shallow.1[4..5]), "{method}");
        let layers: Vec<_> = model.maps().collect();
        let widths: Vec<_> = layers.iter().map(|layer| (layer.n_in, layer.n_out)).collect();
        assert_eq!(widths, [(64, 20), (20, 20), (20, 20), (20, 10)]);
        assert_eq!(grown.last().map(|metrics| metrics.sweep), Some(7));
        // The inserted layers are trained too: they are no longer what they were inserted as.
        let identity = |layer: &altmin::network::Map<'_, f32>| {
            let n = layer.n_out;
            layer.weights.iter().enumerate().all(|(i, &w)| w == f32::from(u8::from(i % n == i / n)))
        };
        assert!(!identity(&layers[1]) && !identity(&layers[2]), "{method}");
    }
}

#[test]
fn a_tolerance_ends_a_run_at_the_first_sweep_that_meets_it() {
    for method in [Method::Pdadmm, Method::Dladmm, Method::Taylor] {
        let common = format!("method = '{method}'\nsamples = 300\nhidden = '20'\nsweeps = 60");
        let (_, all, _) = run(&settings(&common));
        let worst = |metrics: &Metrics| metrics.primal_residual.max(metrics.dual_residual);
        // Between the residuals of the second sweep and those of the last. (pdADMM's first starts where both are 0.)
        let tolerance = (worst(&all[1]) * worst(&all[59])).sqrt();
        let (summary, sweeps, _) = run(&settings(&format!("{common}\ntolerance = {tolerance:e}")));
        assert_eq!(summary.outcome, Outcome::Converged, "{method}");
        let (last, before) = sweeps.split_last().expect("a sweep");
        assert!(worst(last) <= tolerance && before.len() > 1, "{method}");
        assert!(before[1..].iter().all(|metrics| worst(metrics) > tolerance), "{method}");
    }
}

#[test]
fn a_tolerance_does_not_end_a_run_before_it_has_grown() {
    let text = "samples = 300\nhidden = '20x3'\ngrow = '1:4'\nsweeps = 9\ntolerance = 1e30";
    let (summary, _, model) = run(&settings(text));
    assert_eq!((summary.outcome, summary.sweeps, model.maps().count()), (Outcome::Converged, 6, 4));
}

#[test]
fn a_time_limit_ends_a_run_after_the_sweep_in_which_it_passes() {
    let limit = 0.05;
    let (summary, sweeps, _) = run(&settings("sweeps = 1000000\ntime-limit = '50ms'"));
    assert_eq!(summary.outcome, Outcome::TimeLimit);
    let (last, before) = sweeps.split_last().expect("a sweep");
    assert!(last.seconds >= limit && before.iter().all(|metrics| metrics.seconds < limit));
    assert_eq!(settings("time-limit = '50ms'").time_limit, Some(Duration::from_millis(50)));
}

/// Asks to stop while sweep `at` is reported.
struct StopAt<'a> {
    at: usize,
    stop: &'a AtomicBool,
    last: usize,
}

impl Observer for StopAt<'_> {
    fn sweep(&mut self, metrics: &Metrics) -> std::io::Result<()> {
        self.last = metrics.sweep;
        if metrics.sweep == self.at {
            self.stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stop_ends_a_run_after_its_sweep_and_the_run_can_go_on() {
    let settings = settings("samples = 300\nhidden = '20'\nsweeps = 8\nkernel = 'portable'");
    let (mut trainer, stop) = (trainer(&settings), AtomicBool::new(false));
    let mut observer = StopAt { at: 3, stop: &stop, last: 0 };
    let summary = trainer.run(&mut observer, &stop).expect("a run");
    assert_eq!((summary.outcome, summary.sweeps, observer.last), (Outcome::Stopped, 3, 3));
    stop.store(false, Ordering::Relaxed);
    let summary = trainer.run(&mut observer, &stop).expect("the rest of it");
    assert_eq!((summary.outcome, summary.sweeps, observer.last), (Outcome::SweepLimit, 8, 8));
    assert_eq!(trainer.model(), run(&settings).2);
}

/// Settings far below the theorems' thresholds under which single precision overflows after some good sweeps.
const DIVERGING: [&str; 2] = [
    "method = 'pdadmm'\nstep = 'least-squares'\nnu = 1e3\nrho = 1e-8",
    "method = 'dladmm'\nstep = 'vector'\nnu = 1e3\nrho = 1e-8",
];

#[test]
fn divergence_ends_a_run_with_the_last_good_weights() {
    let common = "samples = 200\nhidden = '10x6'\nactivation = 'leaky-relu:10'\nkernel = 'portable'";
    for text in DIVERGING {
        let (summary, sweeps, model) = run(&settings(&format!("{common}\n{text}\nsweeps = 200")));
        assert_eq!(summary.outcome, Outcome::Diverged, "{text}");
        assert!(!sweeps.is_empty() && sweeps.iter().all(|metrics| metrics.loss.is_finite()), "{text}");
        let (good, _, same) = run(&settings(&format!("{common}\n{text}\nsweeps = {}", sweeps.len())));
        assert_eq!(good.outcome, Outcome::SweepLimit);
        assert_eq!(model, same, "{text}");
        assert!(model.parameters.iter().copied().all(f32::is_finite), "{text}");
    }
}

#[test]
fn divergence_at_once_leaves_the_initial_weights() {
    let settings = settings("samples = 100\nhidden = '10'\ninit = 'normal:1e30'");
    let initial = trainer(&settings).model();
    let (summary, sweeps, model) = run(&settings);
    assert_eq!((summary.outcome, sweeps.len()), (Outcome::Diverged, 0));
    assert_eq!(model, initial);
}

#[test]
fn few_images_of_mnist_teach_the_methods_of_admm() {
    let Some(folder) = real_data("mnist") else { return };
    for method in [Method::Pdadmm, Method::Dladmm, Method::Taylor] {
        let text = format!("method = '{method}'\npool = 2\nsamples = 2000\nhidden = '100'\nsweeps = 15");
        let settings = Settings { data: DataSource::Directory(folder.clone()), ..settings(&text) };
        let (summary, ..) = run(&settings);
        println!("{method}: test accuracy {}", summary.test_accuracy);
        assert!(summary.test_accuracy > 0.6, "{method}: {}", summary.test_accuracy);
    }
}
