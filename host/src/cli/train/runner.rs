//! A training run: its observers, the files that it writes, its exit code.

use crate::cli::failure::{FAILED, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::output;
use crate::cli::processes::Processes;
use crate::data::split::Fold;
use crate::data::{self, DataOptions, Dataset, Split};
use crate::error::{Error, Result};
use crate::network::evaluate::{Evaluation, evaluate};
use crate::network::model::Model;
use crate::network::score::{Score, Scores};
use crate::report::json::JsonLines;
use crate::report::{Progress, View, table};
use crate::run::baseline;
use crate::run::checkpoint::{self, Checkpoints, Resumed, Snapshot};
use crate::run::executor::timeline::Timeline;
use crate::run::folder::{BEST_MODEL, MODEL, RunFolder};
use crate::run::observe::{History, Observer, Observers, Outcome, Summary};
use crate::run::ranks::Grid;
use crate::run::trainer::Trainer;
use crate::settings::{Keep, Precision, Settings, Use};
use altmin_core::Real;
use altmin_core::executor::Transport;
use serde::Serialize;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How a model does on test samples.
#[derive(Serialize)]
struct ScoreLine<'a> {
    data: &'a str,
    loss: f64,
    test_accuracy: f64,
}

/// A trainer of either scalar type.
pub(super) trait AnyTrainer: Snapshot {
    /// Sweeps until something stops it.
    fn run(&mut self, observer: &mut (dyn Observer + Send), stop: &AtomicBool) -> Result<Summary>;

    /// Shares the run with other processes, in a grid or the one that suits best.
    fn share_with(&mut self, transport: Arc<dyn Transport>, grid: Option<Grid>) -> Result;

    /// Goes back to the last checkpoint in a folder, if there is one.
    fn resume(&mut self, folder: &Path) -> Result<Option<Resumed>>;

    /// Writes the model that [`Keep`] names first.
    fn save(&self, path: &Path) -> Result;

    /// Takes down who works when in the sweeps that come.
    fn record_timeline(&mut self);

    /// Who worked when, if that was taken down.
    fn timeline(&self) -> Option<&Timeline>;

    /// Writes the model of the best sweep, if there was one and it is kept.
    fn save_best(&self, path: &Path) -> Result;

    /// The scores on the test samples, where the run does not say them itself.
    fn test(&self, stop: &AtomicBool) -> Result<Tested>;
}

/// Scores on the test samples.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tested {
    /// Of the model that [`save`](AnyTrainer::save) writes, where no sweep was scored on the test samples.
    pub(super) network: Option<Score>,
    /// Of a linear model on the same table.
    pub(super) linear: Option<Score>,
}

/// A trainer with its data.
struct Loaded<T: Real> {
    trainer: Trainer<T>,
    settings: Settings,
    train: Arc<Dataset<T>>,
    /// What sweeps are scored on.
    judge: Arc<Dataset<T>>,
    /// The test samples, where these are others.
    test: Option<Dataset<T>>,
}

impl<T: Real> Snapshot for Loaded<T> {
    fn write(&self, history: &History, to: &mut dyn io::Write) -> io::Result<()> {
        self.trainer.write(history, to)
    }
}

impl<T: Real> AnyTrainer for Loaded<T> {
    fn run(&mut self, observer: &mut (dyn Observer + Send), stop: &AtomicBool) -> Result<Summary> {
        self.trainer.run(observer, stop)
    }

    fn share_with(&mut self, transport: Arc<dyn Transport>, grid: Option<Grid>) -> Result {
        let grid = match grid {
            Some(grid) => grid,
            None => self.trainer.best_grid(transport.count())?,
        };
        self.trainer.share_with(transport, grid)
    }

    fn resume(&mut self, folder: &Path) -> Result<Option<Resumed>> {
        checkpoint::resume(folder, &mut self.trainer)
    }

    fn save(&self, path: &Path) -> Result {
        self.trainer.save(path)
    }

    fn record_timeline(&mut self) {
        self.trainer.record_timeline();
    }

    fn timeline(&self) -> Option<&Timeline> {
        self.trainer.timeline()
    }

    fn save_best(&self, path: &Path) -> Result {
        self.trainer.best_model().map_or(Ok(()), |model| model.save(path))
    }

    fn test(&self, stop: &AtomicBool) -> Result<Tested> {
        let score = |model: &Model<T>, test: &Dataset<T>| -> Result<Score> {
            let Evaluation { loss, accuracy, .. } = evaluate(model, test, self.settings.threads)?;
            Ok(Score { loss, accuracy })
        };
        let network =
            self.test.as_ref().map(|test| score(&self.trainer.model_to_save()?, test)).transpose()?;
        let linear = baseline::linear(&self.settings, &self.train, &self.judge, stop)?;
        let test = self.test.as_ref().unwrap_or(&self.judge);
        Ok(Tested { network, linear: linear.map(|model| score(&model, test)).transpose()? })
    }
}

/// A trainer with its data, before the first sweep.
pub(super) fn load(settings: &Settings, fold: Option<Fold>) -> Result<Box<dyn AnyTrainer>> {
    match settings.precision {
        Precision::F32 => load_in::<f32>(settings, fold),
        Precision::F64 => load_in::<f64>(settings, fold),
    }
}

fn load_in<T: Real>(settings: &Settings, fold: Option<Fold>) -> Result<Box<dyn AnyTrainer>> {
    let options = DataOptions { fold, ..settings.data_options() };
    let Split { train, validation, test } = data::load_split::<T>(&settings.data, &options)?;
    // What is to be said of the data is to be said once.
    if fold.is_none_or(|fold| fold.index == 0) {
        output::notes_of(&train);
    }
    let (judge, test) = match validation {
        Some(validation) => (validation, Some(test)),
        None => (test, None),
    };
    let (train, judge) = (Arc::new(train), Arc::new(judge));
    let trainer = Trainer::new(settings, Arc::clone(&train), Arc::clone(&judge))?;
    Ok(Box::new(Loaded { trainer, settings: settings.clone(), train, judge, test }))
}

/// What stdout is called.
const OUTPUT: &str = "the output";

/// Where the results of a run go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destinations<'a> {
    /// The run's folder.
    pub(super) folder: Option<Folder<'a>>,
    /// JSON lines on stdout.
    pub(super) json: bool,
    /// A progress bar instead of curves.
    pub(super) plain: bool,
    /// No curves, no progress bar and no table.
    pub(super) quiet: bool,
    /// Into the folder who worked when in a sweep.
    pub(super) timeline: bool,
}

/// The folder of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Folder<'a> {
    /// To be created.
    New(&'a Path),
    /// Of a run that goes on.
    Resumed(&'a Path),
    /// Of a run that goes on, to which another process writes.
    ReadOnly(&'a Path),
}

impl Destinations<'_> {
    /// Those of the processes that share a run and are not its first.
    fn of_others(&self) -> Self {
        let folder = match self.folder {
            Some(Folder::Resumed(path) | Folder::ReadOnly(path)) => Some(Folder::ReadOnly(path)),
            Some(Folder::New(_)) | None => None,
        };
        Self { folder, json: false, plain: true, quiet: true, timeline: false }
    }
}

/// Where the results go, and what was there before.
#[derive(Default)]
struct Place {
    folder: Option<RunFolder>,
    history: History,
    checkpoints: Option<Checkpoints>,
}

impl Place {
    /// Creates the folder, or sets the trainer to the last checkpoint in it.
    fn open(trainer: &mut dyn AnyTrainer, settings: &Settings, folder: Option<Folder<'_>>) -> Result<Self> {
        let (folder, path, resumed) = match folder {
            None => return Ok(Self::default()),
            Some(Folder::New(path)) => (RunFolder::create(path, settings)?, path, None),
            Some(Folder::ReadOnly(path)) => {
                let history = trainer.resume(path)?.map_or_else(History::default, |resumed| resumed.history);
                return Ok(Self { history, ..Self::default() });
            }
            Some(Folder::Resumed(path)) => {
                let resumed = trainer.resume(path)?;
                if resumed.is_none() && settings.checkpoint_every.is_none() {
                    let expected =
                        "the folder of a run with --checkpoint-every: this one holds no checkpoint";
                    return Err(Error::argument("resume", path.display(), expected));
                }
                say(resumed.as_ref());
                checkpoint::remove_left_behind(path)?;
                (RunFolder::reopen(path, settings)?, path, resumed)
            }
        };
        let every = settings.checkpoint_every;
        Ok(Self {
            folder: Some(folder),
            checkpoints: every.map(|every| Checkpoints::new(path, every, resumed.as_ref())),
            history: resumed.map_or_else(History::default, |resumed| resumed.history),
        })
    }
}

/// Says what a run goes on from, where that is not its newest checkpoint.
fn say(resumed: Option<&Resumed>) {
    match resumed {
        None => output::note("note", "no checkpoint was written yet: the run begins anew"),
        Some(Resumed { damaged: Some(error), history }) => {
            let sweep = history.sweeps.last().map_or(0, |metrics| metrics.sweep);
            let text = format!("{error}; going on from the checkpoint before it, of sweep {sweep}");
            output::note("warning", &text);
        }
        Some(_) => {}
    }
}

/// Runs the trainer, writes its results and returns the exit code.
///
/// A file that cannot be written does not keep the others from being written; each such failure is reported, and the exit
/// code is then that of a failure.
pub(super) fn run(
    trainer: &mut dyn AnyTrainer,
    settings: &Settings,
    to: &Destinations<'_>,
    interrupt: &Interrupt,
    (processes, grid): (&Processes, Option<Grid>),
) -> std::result::Result<u8, Failure> {
    // The first process writes and says everything.
    let to = if processes.is_first() { to } else { &to.of_others() };
    let mut place = Place::open(trainer, settings, to.folder)?;
    match (processes.transport(), grid) {
        (Some(transport), grid) => trainer.share_with(transport, grid)?,
        (None, Some(grid)) => grid.require_processes(1)?,
        (None, None) => {}
    }
    if to.timeline {
        trainer.record_timeline();
    }
    let (result, mut failures) = observed(trainer, settings, to, interrupt.stop(), &mut place)?;
    // A reader that has closed the pipe, without a folder to write to, is no error of the run.
    if result.is_err() && failures.iter().any(|failure| matches!(failure, Failure::ReaderGone)) {
        return Err(Failure::ReaderGone);
    }
    let summary = result?;
    if let Some(checkpoints) = place.checkpoints.as_mut().filter(|_| summary.outcome != Outcome::Diverged) {
        failures.extend(checkpoints.finish(trainer).err().map(Failure::from));
    }
    if let Some(folder) = &place.folder {
        let title = format!("{} on {}", summary.method, summary.data);
        failures.extend(trainer.save(&folder.file(MODEL)).err().map(Failure::from));
        if settings.keep == Keep::Both {
            failures.extend(trainer.save_best(&folder.file(BEST_MODEL)).err().map(Failure::from));
        }
        if let Some(timeline) = trainer.timeline() {
            failures.extend(folder.write_timeline(timeline).err().map(Failure::from));
        }
        failures.extend(
            folder.write_curves(&title, &place.history.sweeps, settings.scores()).err().map(Failure::from),
        );
    }
    failures.extend(show(trainer, &summary, settings, to, interrupt.stop()));
    Ok(exit_code(&summary, settings, failures, interrupt))
}

/// Says how the run ended and what it is worth; returns what could not be shown.
fn show(
    trainer: &dyn AnyTrainer,
    summary: &Summary,
    settings: &Settings,
    to: &Destinations<'_>,
    stop: &AtomicBool,
) -> Vec<Failure> {
    if to.quiet && !to.json {
        return Vec::new();
    }
    let mut failures = Vec::new();
    // Who has interrupted a run waits for nothing more.
    let tested = match summary.outcome {
        Outcome::Stopped => Ok(Tested::default()),
        _ => trainer.test(stop),
    };
    let Tested { network, linear } = tested.unwrap_or_else(|error| {
        failures.push(Failure::from(error));
        Tested::default()
    });
    if to.json {
        let scores = Scores::on_test(settings.measure());
        for (kind, score) in [("test", network), ("linear", linear)] {
            let Some(Score { loss, accuracy }) = score else { continue };
            let line = ScoreLine { data: &summary.data, loss, test_accuracy: accuracy };
            failures.extend(output::print_scores(kind, &line, scores).err().map(Failure::from));
        }
    } else {
        let text = table::summary(summary, settings.scores(), network, linear);
        failures.extend(output::print(&text).err().map(Failure::from));
        let own = network.map_or(summary.test_accuracy, |score| score.accuracy);
        if linear.is_some_and(|linear| linear.accuracy >= own) {
            output::note(
                "note",
                "a linear model does as well on the test samples: these data may need no network",
            );
        }
    }
    failures
}

type Observed = (Result<Summary>, Vec<Failure>);

/// Runs with observers; returns the result, and what observers could not write.
fn observed(
    trainer: &mut dyn AnyTrainer,
    settings: &Settings,
    to: &Destinations<'_>,
    stop: &AtomicBool,
    Place { folder, history, checkpoints }: &mut Place,
) -> std::result::Result<Observed, Failure> {
    let mut observers = Observers::new();
    let shown = !to.json && !to.quiet;
    let title = format!("{} on {}", settings.method, settings.data);
    let view = (shown && !to.plain)
        .then(|| View::begin(&title, settings.sweeps, settings.scores(), &history.sweeps))
        .flatten();
    if let Some(folder) = folder {
        let metrics = match to.folder {
            Some(Folder::Resumed(_)) => folder.metrics_after(&history.sweeps, settings.scores())?,
            _ => folder.metrics(settings.scores())?,
        };
        observers.add(folder.file("metrics.csv").display().to_string(), metrics);
        if settings.evaluate_every.is_some() {
            let done = history.sweeps.last().map_or(0, |metrics| metrics.sweep);
            let evaluations = folder.evaluations(done, settings.scores())?;
            observers.add(folder.file("evaluations.csv").display().to_string(), evaluations);
        }
        observers.add("curves".to_owned(), history);
    }
    if let Some(checkpoints) = checkpoints {
        observers.add("checkpoints".to_owned(), checkpoints);
    }
    if to.json {
        observers.add(OUTPUT.to_owned(), JsonLines::new(io::stdout(), settings.scores()));
    } else if let Some(view) = view {
        observers.add("the curves on the terminal".to_owned(), view);
    } else if shown && io::stderr().is_terminal() {
        observers.add("the progress bar".to_owned(), Progress::new(settings.sweeps, settings.scores()));
    }
    let result = trainer.run(&mut observers, stop);
    let failures = observers.take_failures().into_iter().map(|(what, error)| match &what[..] {
        OUTPUT if output::has_no_reader(&error) => Failure::ReaderGone,
        _ => Failure::new(format!("cannot write {what}: {error}"), None),
    });
    Ok((result, failures.collect()))
}

/// What to try where a run has diverged.
fn hint_after_divergence(settings: &Settings) -> &'static str {
    if settings.method.card().rho_threshold.is_some() {
        "try a rho above the threshold printed by `altmin info`"
    } else if settings.uses(Use::LearningRate) {
        "try a smaller --learning-rate"
    } else if settings.uses(Use::Nu) {
        "try a larger --nu"
    } else {
        "scale the input features down"
    }
}

/// Reports what went wrong and gives the exit code for how the run ended.
pub(super) fn exit_code(
    summary: &Summary,
    settings: &Settings,
    failures: Vec<Failure>,
    interrupt: &Interrupt,
) -> u8 {
    let failed = failures.iter().any(|failure| !matches!(failure, Failure::ReaderGone));
    for failure in failures {
        failure.report();
    }
    match summary.outcome {
        Outcome::Diverged => {
            let text = format!("diverged after {} sweeps; the last good state is kept", summary.sweeps);
            Failure::new(text, Some(hint_after_divergence(settings))).report();
            FAILED
        }
        _ if failed => FAILED,
        Outcome::Stopped => interrupt.exit_code(),
        Outcome::SweepLimit | Outcome::Converged | Outcome::NoImprovement | Outcome::TimeLimit => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::observe::Metrics;
    use crate::settings::{Method, TrainOptions};
    use std::fs;

    /// Three sweeps of made-up numbers; `full` says that the model finds no room.
    struct Fake {
        outcome: Outcome,
        full: bool,
    }

    impl Snapshot for Fake {
        fn write(&self, _: &History, to: &mut dyn io::Write) -> io::Result<()> {
            to.write_all(b"state")
        }
    }

    impl AnyTrainer for Fake {
        fn share_with(&mut self, _: Arc<dyn Transport>, _: Option<Grid>) -> Result {
            Ok(())
        }

        fn resume(&mut self, _: &Path) -> Result<Option<Resumed>> {
            Ok(None)
        }

        fn run(&mut self, observer: &mut (dyn Observer + Send), _: &AtomicBool) -> Result<Summary> {
            for sweep in 1..=3 {
                let metrics = Metrics {
                    sweep,
                    objective: 10.0 / sweep as f64,
                    primal_residual: 1.0,
                    dual_residual: 2.0,
                    loss: 0.5,
                    train_accuracy: 0.75,
                    test_accuracy: 0.5,
                    seconds: sweep as f64,
                    approximation_error: None,
                    approximation_bound: None,
                };
                observer.sweep(&metrics).map_err(|error| Error::io("write", Path::new("out"), error))?;
            }
            let summary = Summary {
                method: Method::Pdadmm,
                data: "made up".into(),
                sweeps: 3,
                outcome: self.outcome,
                objective: 10.0 / 3.0,
                train_accuracy: 0.75,
                test_accuracy: 0.5,
                best: None,
                seconds: 3.0,
                state_bytes: 1_000,
                threads: 1,
                approximation_error: None,
                approximation_bound: None,
            };
            observer.finish(&summary).map_err(|error| Error::io("write", Path::new("out"), error))?;
            Ok(summary)
        }

        fn save(&self, path: &Path) -> Result {
            if self.full {
                return Err(Error::io("write", path, io::ErrorKind::StorageFull.into()));
            }
            fs::write(path, "model").map_err(|error| Error::io("write", path, error))
        }

        fn record_timeline(&mut self) {}

        fn timeline(&self) -> Option<&Timeline> {
            None
        }

        fn save_best(&self, path: &Path) -> Result {
            self.save(path)
        }

        fn test(&self, _: &AtomicBool) -> Result<Tested> {
            Ok(Tested::default())
        }
    }

    fn exit_code_of(outcome: Outcome, full: bool, out: Option<&Path>) -> u8 {
        let settings = TrainOptions::default().resolve().expect("defaults are valid");
        let to = Destinations {
            folder: out.map(Folder::New),
            json: false,
            plain: false,
            quiet: true,
            timeline: false,
        };
        run(&mut Fake { outcome, full }, &settings, &to, &Interrupt::default(), (&Processes::default(), None))
            .expect("results")
    }

    #[test]
    fn outcomes_have_exit_codes() {
        let codes = [
            Outcome::SweepLimit,
            Outcome::Converged,
            Outcome::NoImprovement,
            Outcome::TimeLimit,
            Outcome::Stopped,
            Outcome::Diverged,
        ]
        .map(|outcome| exit_code_of(outcome, false, None));
        assert_eq!(codes, [0, 0, 0, 0, 130, 1]);
    }

    #[test]
    fn a_stopped_run_leaves_all_its_files() {
        let parent = tempfile::tempdir().expect("temporary folder");
        let out = parent.path().join("new/run");
        assert_eq!(exit_code_of(Outcome::Stopped, false, Some(&out)), 130);
        let mut names: Vec<_> = fs::read_dir(&out)
            .expect("the folder")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("name"))
            .collect();
        names.sort();
        assert_eq!(names, ["config.toml", "curves.svg", "metrics.csv", "model.safetensors"]);
        let metrics = fs::read_to_string(out.join("metrics.csv")).expect("metrics");
        assert_eq!(metrics.lines().count(), 4);
    }

    #[test]
    fn a_model_without_room_costs_neither_curves_nor_metrics() {
        let parent = tempfile::tempdir().expect("temporary folder");
        let out = parent.path().join("run");
        assert_eq!(exit_code_of(Outcome::SweepLimit, true, Some(&out)), 1);
        assert!(out.join("curves.svg").exists() && out.join("metrics.csv").exists());
    }
}
