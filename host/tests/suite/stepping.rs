//! Sweeps in portions, observers that stop, and trainers on threads of their own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use altmin::Trainer;
use altmin::data::{self, Dataset};
use altmin::network::Measure;
use altmin::run::{History, Metrics, Observer, Outcome, Summary};
use altmin::settings::{Settings, TrainOptions};

fn settings(text: &str) -> Settings {
    TrainOptions::from_toml(text, "test.toml".as_ref()).expect(text).resolve().expect(text)
}

type Sets = (Arc<Dataset<f32>>, Arc<Dataset<f32>>);

fn sets(settings: &Settings) -> Sets {
    let (train, test) = data::load(&settings.data, &settings.data_options()).expect("data");
    (Arc::new(train), Arc::new(test))
}

fn trainer(text: &str) -> Trainer<f32> {
    let settings = settings(text);
    let (train, test) = sets(&settings);
    Trainer::new(&settings, train, test).expect(text)
}

/// Everything about sweeps but the time they took, and all weights.
fn bits(history: &History, trainer: &Trainer<f32>) -> (Vec<[u64; 6]>, Vec<u32>) {
    let of = |m: &Metrics| {
        [m.objective, m.primal_residual, m.dual_residual, m.loss, m.train_accuracy, m.test_accuracy]
            .map(f64::to_bits)
    };
    let numbers = trainer.parameters().iter();
    (history.sweeps.iter().map(of).collect(), numbers.map(|number| number.to_bits()).collect())
}

#[test]
fn steps_are_the_bits_of_a_run() {
    for threads in [1, 2] {
        for text in [
            "method = 'pdadmm'\nnu-schedule = 'times:1.5:3'\nrho-schedule = 'rising:2'",
            "method = 'pdadmm'\nhidden = '30x3'\ngrow = '1:7'",
            "method = 'proxprop'\nbatch = 'all'",
            "method = 'proxprop'\nbatch = 60\nstep-schedule = 'constant'",
            "method = 'adam'\nbatch = 50",
            "method = 'dlam'",
            "method = 'gsadmm'\nhidden = '30x3'\nbatch = 50",
        ] {
            let text = format!("{text}\nsamples = 200\nthreads = {threads}");
            let never = AtomicBool::new(false);
            let (mut whole, mut history) = (trainer(&format!("{text}\nsweeps = 20")), History::default());
            let summary = whole.run(&mut history, &never).expect(&text);
            assert_eq!((summary.sweeps, summary.outcome), (20, Outcome::SweepLimit), "{text}");
            let expected = bits(&history, &whole);
            let changes = history.changes;

            // The settings' limit is not that of steps.
            let (mut single, mut history) = (trainer(&format!("{text}\nsweeps = 8")), History::default());
            for sweep in 1..=20 {
                let outcome = single.step(1, &mut history, &never).expect(&text);
                assert_eq!(outcome, Outcome::SweepLimit, "{text}, sweep {sweep}");
                assert_eq!(single.metrics().map(|metrics| metrics.sweep), Some(sweep));
            }
            assert_eq!(bits(&history, &single), expected, "{text}, by one");
            assert_eq!(history.changes, changes, "{text}");

            let (mut mixed, mut history) = (trainer(&format!("{text}\nsweeps = 12")), History::default());
            assert_eq!(mixed.step(0, &mut history, &never).expect(&text), Outcome::SweepLimit);
            assert!(mixed.metrics().is_none() && history.sweeps.is_empty());
            mixed.step(5, &mut history, &never).expect(&text);
            mixed.run(&mut history, &never).expect(&text);
            assert_eq!(history.sweeps.len(), 12);
            mixed.step(8, &mut history, &never).expect(&text);
            assert_eq!(bits(&history, &mixed), expected, "{text}, in portions");
        }
    }
}

/// Stops a run after so many sweeps; remembers on which threads it was called.
struct Stopper<'a> {
    after: usize,
    stop: &'a AtomicBool,
    threads: Vec<ThreadId>,
    finished: bool,
}

impl Observer for Stopper<'_> {
    fn sweep(&mut self, _: &Metrics) -> io::Result<()> {
        self.threads.push(thread::current().id());
        self.stop.store(self.threads.len() >= self.after, Ordering::Relaxed);
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.finished = true;
        Ok(())
    }
}

#[test]
fn an_observer_stops_steps_on_the_calling_thread() {
    for threads in [1, 2] {
        let mut trainer = trainer(&format!("samples = 100\nthreads = {threads}"));
        for (after, sweeps) in [(1, 1), (3, 4)] {
            let stop = AtomicBool::new(false);
            let mut stopper = Stopper { after, stop: &stop, threads: Vec::new(), finished: false };
            assert_eq!(trainer.step(10, &mut stopper, &stop).expect("steps"), Outcome::Stopped);
            assert_eq!(stopper.threads, vec![thread::current().id(); after]);
            assert!(!stopper.finished);
            assert_eq!(trainer.info().sweeps, sweeps);
        }
    }
}

#[test]
fn steps_end_with_tolerance_and_divergence() {
    let never = AtomicBool::new(false);
    let mut near = trainer("samples = 100\ntolerance = 1e30");
    assert_eq!(near.step(10, &mut History::default(), &never).expect("steps"), Outcome::Converged);
    assert_eq!(near.info().sweeps, 2);

    let mut wild = trainer("samples = 100\nmethod = 'gd'\nlearning-rate = 1e30");
    let before = wild.parameters().to_vec();
    assert_eq!(wild.step(50, &mut History::default(), &never).expect("steps"), Outcome::Diverged);
    let sweeps = wild.info().sweeps;
    assert!(sweeps < 50);
    assert_eq!(wild.step(1, &mut History::default(), &never).expect("steps"), Outcome::Diverged);
    assert_eq!(wild.info().sweeps, sweeps);
    assert!(wild.parameters().iter().all(|number| number.is_finite()));
    // Other weights are a new beginning.
    let shapes: Vec<_> = wild.maps().map(|map| (map.n_out, map.n_in)).collect();
    let mut rest = &before[..];
    for (index, (n_out, n_in)) in shapes.into_iter().enumerate() {
        let (weights, bias);
        (weights, rest) = rest.split_at(n_out * n_in);
        (bias, rest) = rest.split_at(n_out);
        wild.set_map(index, &altmin_core::view::dense(weights, n_out, n_in), bias).expect("its own weights");
    }
    assert_eq!(wild.step(1, &mut History::default(), &never).expect("steps"), first_outcome());
}

/// How the same run begins.
fn first_outcome() -> Outcome {
    let mut wild = trainer("samples = 100\nmethod = 'gd'\nlearning-rate = 1e30");
    wild.step(1, &mut History::default(), &AtomicBool::new(false)).expect("steps")
}

#[test]
fn a_trainer_says_what_it_is() {
    let mut trainer = trainer("samples = 150\nhidden = '40,30'\nthreads = 2");
    let info = trainer.info();
    assert_eq!((info.samples, info.features, info.outputs, info.maps), (150, 64, 10, 3));
    assert_eq!(info.parameters, 64 * 40 + 40 + 40 * 30 + 30 + 30 * 10 + 10);
    assert_eq!((info.sweeps, info.threads, info.measure), (0, 2, Measure::Accuracy));
    assert_eq!(info.state_bytes, trainer.state_bytes());
    assert!(trainer.metrics().is_none());
    let mut history = History::default();
    trainer.step(3, &mut history, &AtomicBool::new(false)).expect("steps");
    assert_eq!((trainer.info().sweeps, trainer.metrics()), (3, history.sweeps.last()));
}

#[test]
fn trainers_on_threads_of_their_own_have_the_bits_of_one_after_the_other() {
    fn movable<S: Send>(_: &S) {}
    for threads in [1, 2] {
        let texts: Vec<String> = ["pdadmm", "dladmm", "proxprop", "gsadmm"]
            .iter()
            .map(|method| format!("method = '{method}'\nsamples = 150\nhidden = '25x2'\nthreads = {threads}"))
            .collect();
        let stepped = |mut trainer: Trainer<f32>| {
            let mut history = History::default();
            for _ in 0..10 {
                trainer.step(1, &mut history, &AtomicBool::new(false)).expect("a step");
            }
            bits(&history, &trainer)
        };
        let alone: Vec<_> = texts.iter().map(|text| stepped(trainer(text))).collect();
        let together: Vec<_> = thread::scope(|scope| {
            let spawned: Vec<_> = texts
                .iter()
                .map(|text| {
                    let trainer = trainer(text);
                    movable(&trainer);
                    scope.spawn(move || stepped(trainer))
                })
                .collect();
            spawned.into_iter().map(|thread| thread.join().expect("a thread that ends well")).collect()
        });
        assert_eq!(together, alone, "{threads} threads each");
    }
}
