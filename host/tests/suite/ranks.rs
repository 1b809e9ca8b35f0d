//! Several processes that share a run leave the bits of one, for every grid; here they are threads with a trainer each.

use altmin::data::{self, Dataset};
use altmin::run::checkpoint::{Checkpoints, Snapshot, resume};
use altmin::run::ranks::{Grid, threads};
use altmin::run::{Change, History, Metrics, Observer, Observers, Summary};
use altmin::settings::{Every, TrainOptions};
use altmin::{Error, Settings, Trainer};
use altmin_core::executor::Transport;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const GRIDS: [(usize, usize); 6] = [(1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (3, 2)];

/// A run of each kind, as text of settings.
const RUNS: [&str; 19] = [
    "method = 'pdadmm'",
    "method = 'pdadmm'\nstep = 'scalar'\nprecision = 'f64'",
    "method = 'pdadmm'\nstep = 'backtracking'\nregularizer = 'l2:0.01'",
    "method = 'pdadmm'\nrho-schedule = 'times:2:2'\nnu-schedule = 'times:0.5:3'\ngrow = '1:2'",
    "method = 'dladmm'",
    "method = 'dladmm'\nstep = 'backtracking'",
    "method = 'dlam'",
    "method = 'taylor'",
    "method = 'proxprop'",
    "method = 'proxprop'\nbatch = 32",
    "method = 'gd'",
    "method = 'gd'\nbatch = 32\nmomentum = 0.9",
    "method = 'adam'\nbatch = 32\nclip = 1.0",
    "method = 'muon'\nbatch = 32",
    "method = 'adadelta'",
    "method = 'gsadmm'\nsubnetworks = 3",
    "method = 'gsam'\nsubnetworks = 3\ninner = 'adam'",
    "method = 'local'\nbatch = 32",
    "method = 'local'\nbatch = 32\ninner = 'adam'\nevaluate-every = 3",
];

fn settings(text: &str) -> Settings {
    let text = format!("samples = 300\nhidden = '20x3'\nsweeps = 4\nthreads = 1\n{text}");
    let options = TrainOptions::from_toml(&text, Path::new("test.toml")).expect("readable");
    options.resolve().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A trainer of either precision, and what it says.
struct Ran {
    bits: Vec<u64>,
    said: String,
}

fn said(history: &History) -> String {
    let sweeps: Vec<_> = history.sweeps.iter().map(|metrics| Metrics { seconds: 0.0, ..*metrics }).collect();
    format!("{sweeps:?} {:?}", history.changes)
}

fn load<T: altmin_core::Real>(settings: &Settings) -> (Arc<Dataset<T>>, Arc<Dataset<T>>) {
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    (Arc::new(train), Arc::new(test))
}

fn ran<T: altmin_core::Real>(settings: &Settings, share: Option<(Arc<dyn Transport>, Grid)>) -> Ran {
    let (train, test) = load::<T>(settings);
    let mut trainer = Trainer::new(settings, train, test).expect("a trainer");
    if let Some((transport, grid)) = share {
        trainer.share_with(transport, grid).expect("a grid that fits");
    }
    let mut history = History::default();
    trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
    let bits = trainer.parameters().iter().map(|parameter| parameter.to_f64().to_bits()).collect();
    Ran { bits, said: said(&history) }
}

fn of_precision(settings: &Settings, share: Option<(Arc<dyn Transport>, Grid)>) -> Ran {
    match settings.precision {
        altmin::settings::Precision::F32 => ran::<f32>(settings, share),
        altmin::settings::Precision::F64 => ran::<f64>(settings, share),
    }
}

/// Calls `work` for each of so many processes at the same time; what they return, by rank.
fn each<R: Send>(count: usize, work: impl Fn(Arc<dyn Transport>) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let spawned: Vec<_> = threads::processes(count)
            .into_iter()
            .map(|transport| {
                let work = &work;
                scope.spawn(move || work(transport))
            })
            .collect();
        spawned.into_iter().map(|process| process.join().expect("a process that ends")).collect()
    })
}

#[test]
fn every_grid_leaves_the_bits_of_one_process() {
    for text in RUNS {
        let settings = settings(text);
        let alone = of_precision(&settings, None);
        for (layers, samples) in GRIDS {
            let grid = Grid { layers, samples };
            if grid.layers > 4 {
                continue;
            }
            let all = each(layers * samples, |transport| of_precision(&settings, Some((transport, grid))));
            for (rank, process) in all.into_iter().enumerate() {
                assert_eq!(process.said, alone.said, "{text}, {grid}, process {rank}");
                assert!(process.bits == alone.bits, "{text}, {grid}, process {rank}: other bits");
            }
        }
    }
}

/// Threads within processes change nothing either.
#[test]
fn processes_of_several_threads_leave_the_same_bits() {
    for text in ["method = 'pdadmm'", "method = 'local'\nbatch = 32", "method = 'adam'\nbatch = 32"] {
        let settings = settings(text);
        let alone = of_precision(&settings, None);
        let on_threads = Settings { threads: 2, ..settings };
        let grid = Grid { layers: 2, samples: 1 };
        for process in each(2, |transport| of_precision(&on_threads, Some((transport, grid)))) {
            assert!(process.bits == alone.bits && process.said == alone.said, "{text}");
        }
    }
}

/// A run that diverges does so for all processes, after the same sweep, and nobody waits.
#[test]
fn a_run_that_diverges_does_so_everywhere() {
    for text in [
        "method = 'gd'\nlearning-rate = 1e10",
        "method = 'local'\nbatch = 32\ninner = 'adam'\nlearning-rate = 1e30",
        "method = 'pdadmm'\nnu = 1e30\nrho = 1e35",
    ] {
        let settings = settings(text);
        let outcome = |share: Option<(Arc<dyn Transport>, Grid)>| {
            let (train, test) = load::<f32>(&settings);
            let mut trainer = Trainer::new(&settings, train, test).expect("a trainer");
            if let Some((transport, grid)) = share {
                trainer.share_with(transport, grid).expect("a grid that fits");
            }
            let mut history = History::default();
            let summary = trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
            (summary.outcome, summary.sweeps)
        };
        let alone = outcome(None);
        for (layers, samples) in GRIDS {
            let grid = Grid { layers, samples };
            for process in each(layers * samples, |transport| outcome(Some((transport, grid)))) {
                assert_eq!(process, alone, "{text}, {grid}");
            }
        }
    }
}

/// Raises the flag after so many sweeps.
struct StopAfter<'f>(usize, &'f AtomicBool);

impl Observer for StopAfter<'_> {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        if metrics.sweep == self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn change(&mut self, _: &Change) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

/// One process is told to stop; the checkpoint of the first one is gone on from on every other grid, and by one process.
#[test]
fn a_checkpoint_of_one_grid_is_resumed_on_another() {
    for text in RUNS {
        let settings = settings(&format!("checkpoint-every = '2'\n{text}"));
        if settings.precision != altmin::settings::Precision::F32 {
            continue;
        }
        let alone = of_precision(&settings, None);
        let parent = tempfile::tempdir().expect("a folder");
        let begun = Grid { layers: 2, samples: 2 };
        each(4, |transport| {
            let (train, test) = load::<f32>(&settings);
            let mut trainer = Trainer::new(&settings, train, test).expect("a trainer");
            let rank = transport.rank();
            trainer.share_with(transport, begun).expect("a grid that fits");
            let stop = AtomicBool::new(false);
            let mut checkpoints = Checkpoints::new(parent.path(), Every::Sweeps(2), None);
            let mut observers = Observers::new();
            if rank == 0 {
                observers.add("checkpoints".to_owned(), &mut checkpoints);
            }
            if rank == 3 {
                observers.add("stop".to_owned(), StopAfter(3, &stop));
            }
            let summary = trainer.run(&mut observers, &stop).expect("a run");
            assert_eq!(summary.sweeps, 3, "{text}: all stop together");
            drop(observers);
            if rank == 0 {
                checkpoints.finish(&trainer as &dyn Snapshot).expect("a checkpoint");
            }
        });
        let go_on = |share: Option<(Arc<dyn Transport>, Grid)>| {
            let (train, test) = load::<f32>(&settings);
            let mut trainer = Trainer::new(&settings, train, test).expect("a trainer");
            if let Some((transport, grid)) = share {
                trainer.share_with(transport, grid).expect("a grid that fits");
            }
            let mut history = resume(parent.path(), &mut trainer).expect("readable").expect("one").history;
            assert_eq!(history.sweeps.len(), 3, "{text}");
            trainer.run(&mut history, &AtomicBool::new(false)).expect("a run");
            let bits = trainer.parameters().iter().map(|value| f64::from(*value).to_bits()).collect();
            Ran { bits, said: said(&history) }
        };
        let mut resumed = vec![go_on(None)];
        for (layers, samples) in [(3, 1), (1, 2)] {
            let grid = Grid { layers, samples };
            resumed.extend(each(layers * samples, |transport| go_on(Some((transport, grid)))));
        }
        for process in resumed {
            assert!(process.bits == alone.bits && process.said == alone.said, "{text}");
        }
    }
}

#[test]
fn processes_that_differ_are_refused_by_all() {
    let of = |samples: &str, method: &str| {
        TrainOptions::from_toml(
            &format!("method = '{method}'\nsamples = {samples}\nhidden = '20x3'"),
            Path::new("test.toml"),
        )
        .and_then(TrainOptions::resolve)
        .expect("valid")
    };
    let same = of("300", "pdadmm");
    for (other, what) in
        [(of("301", "pdadmm"), "settings of process 0"), (of("300", "dlam"), "settings of process 0")]
    {
        let errors = each(3, |transport| {
            let settings = if transport.rank() == 1 { &other } else { &same };
            let (train, test) = load::<f32>(settings);
            let mut trainer = Trainer::new(settings, train, test).expect("a trainer");
            trainer.share_with(transport, Grid { layers: 3, samples: 1 }).expect_err("refused").to_string()
        });
        for error in errors {
            assert!(error.contains("process") && error.contains(what) && error.contains('1'), "{error}");
        }
    }
}

#[test]
fn a_grid_that_does_not_fit_is_refused() {
    let settings = settings("method = 'pdadmm'");
    for (grid, what) in [((2, 2), "a grid of 3"), ((5, 1), "at most 4"), ((3, 2), "a grid of 3")] {
        let grid = Grid { layers: grid.0, samples: grid.1 };
        for error in each(3, |transport| {
            let (train, test) = load::<f32>(&settings);
            let mut trainer = Trainer::new(&settings, train, test).expect("a trainer");
            trainer.share_with(transport, grid).expect_err("refused")
        }) {
            assert!(matches!(&error, Error::Argument { .. }) && error.to_string().contains(what), "{error}");
        }
    }
}
