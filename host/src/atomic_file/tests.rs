//! Every file of a run with a disk that fails at each of its calls in turn: the old file or the new one, never half of one.

use super::disk::failures::Failure;
use super::*;
use crate::compare::folder::ComparisonFolder;
use crate::data::{self, Dataset};
use crate::network::score::{Measure, Scores};
use crate::report::csv::CsvRows;
use crate::run::checkpoint::{self, Checkpoints};
use crate::run::folder::RunFolder;
use crate::run::observe::{History, Metrics, Observer};
use crate::run::trainer::Trainer;
use crate::settings::{Every, Settings, TrainOptions};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

const SCORES: Scores = Scores::on_test(Measure::Accuracy);

/// The files of a folder by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> = entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            (entry.file_name().into_string().expect("text"), fs::read(entry.path()).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// An empty folder, or one with a file.
fn folder(file: Option<(&str, &[u8])>) -> TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    if let Some((name, content)) = file {
        fs::write(folder.path().join(name), content).expect("room");
    }
    folder
}

/// Panics unless the attempt went as the disk did, and its error names the file.
fn require_as_told<R: std::fmt::Debug>(result: &Result<R>, failure: Failure, name: &str) {
    match result {
        Ok(_) => assert!(failure.is_harmless(), "{failure:?} was not told"),
        Err(error) => {
            assert!(!failure.is_harmless(), "{failure:?}: {error}");
            assert!(error.to_string().contains(&format!("{name}`")), "{failure:?}: {error}");
        }
    }
}

/// Writes a file with and without an older one, at each failure of the disk.
fn old_or_new(name: &str, new: &[u8], write: impl Fn(&Path) -> Result) {
    for old in [None, Some(&b"what was there before"[..])] {
        let judge = |place: TempDir, result: Result, failure: Failure| {
            require_as_told(&result, failure, name);
            let expected = if result.is_ok() { Some(new) } else { old };
            let expected: Vec<_> =
                expected.iter().map(|content| (name.to_owned(), content.to_vec())).collect();
            assert!(files(place.path()) == expected, "{failure:?}: {result:?}");
        };
        let prepare = || folder(old.map(|old| (name, old)));
        let failed = for_each_failure(prepare, |place| write(&place.path().join(name)), judge);
        // Create, write, sync, rename and the folder's sync at least.
        assert!(failed >= 5 + 2 + 3, "{failed} failures");
    }
}

fn settings(more: &str) -> Settings {
    let text = format!("method = 'pdadmm'\nsamples = 60\nhidden = '6'\nthreads = 1\n{more}");
    TrainOptions::from_toml(&text, "test.toml".as_ref()).expect("readable").resolve().expect("valid")
}

type Data = (Arc<Dataset<f32>>, Arc<Dataset<f32>>);

fn data() -> Data {
    let settings = settings("");
    let (train, test) = data::load(&settings.data, &settings.data_options()).expect("the digits");
    (Arc::new(train), Arc::new(test))
}

fn trainer((train, test): &Data) -> Trainer<f32> {
    Trainer::new(&settings(""), Arc::clone(train), Arc::clone(test)).expect("a trainer")
}

/// Sweeps with an observer, on this thread.
fn sweep(trainer: &mut Trainer<f32>, count: usize, observer: &mut dyn Observer) {
    trainer.step(count, observer, &AtomicBool::new(false)).expect("sweeps");
}

/// Metrics of so many sweeps.
fn metrics(count: usize) -> Vec<Metrics> {
    let mut history = History::default();
    sweep(&mut trainer(&data()), count, &mut history);
    history.sweeps
}

#[test]
fn a_text_in_pieces() {
    // More than fits into a buffer, in pieces that do not divide it.
    let pieces = vec![vec![b'x'; 5_003]; 7];
    old_or_new("table.csv", &pieces.concat(), |path| {
        write(path, |file| pieces.iter().try_for_each(|piece| file.write_all(piece)))
    });
}

#[test]
fn a_model() {
    let model = trainer(&data()).model();
    let bytes = model.to_bytes().expect("a model");
    old_or_new("model.safetensors", &bytes, |path| model.save(path));
}

#[test]
fn a_checkpoint() {
    let data = data();
    let mut run = trainer(&data);
    sweep(&mut run, 3, &mut History::default());
    let parameters: Vec<Vec<f32>> = (0..=4)
        .map(|sweeps| {
            let mut run = trainer(&data);
            sweep(&mut run, sweeps, &mut History::default());
            run.parameters().to_vec()
        })
        .collect();
    // Two checkpoints are there, and a third is written.
    let prepare = || {
        let (place, mut run) = (folder(None), trainer(&data));
        let mut checkpoints = Checkpoints::new(place.path(), Every::Sweeps(100), None);
        for _ in 0..2 {
            sweep(&mut run, 1, &mut checkpoints);
            checkpoints.finish(&run).expect("room");
        }
        sweep(&mut run, 1, &mut checkpoints);
        (place, run, checkpoints)
    };
    let failed = for_each_failure(
        prepare,
        |(_, run, checkpoints)| checkpoints.finish(run),
        |(place, mut run, mut checkpoints), result, failure| {
            require_as_told(&result, failure, "checkpoint.altmin");
            let newest = if result.is_ok() { 3 } else { 2 };
            let resume = || {
                let mut resumed = trainer(&data);
                let found = checkpoint::resume(place.path(), &mut resumed).expect("whole").expect("one");
                (found, resumed)
            };
            let (found, resumed) = resume();
            assert!(found.damaged.is_none(), "{failure:?}");
            assert_eq!(found.history.sweeps.len(), newest, "{failure:?}");
            assert_eq!(resumed.parameters(), parameters[newest], "{failure:?}");
            let names = files(place.path()).into_iter().map(|(name, _)| name);
            assert!(names.into_iter().all(|name| name.starts_with("checkpoint")), "{failure:?}");
            // The disk is well again, and so are the checkpoints that follow.
            sweep(&mut run, 1, &mut checkpoints);
            checkpoints.finish(&run).expect("room");
            let (found, resumed) = resume();
            assert_eq!((found.history.sweeps.len(), resumed.parameters()), (4, &parameters[4][..]));
        },
    );
    assert!(failed >= 10, "{failed} failures");
}

#[test]
fn the_settings_and_curves_of_a_run() {
    let (settings, sweeps) = (settings(""), metrics(3));
    let config = settings.to_toml().expect("writable");
    let judge = |place: TempDir, result: Result<RunFolder>, failure: Failure| {
        require_as_told(&result, failure, "config.toml");
        match result {
            Ok(_) => {
                let expected = [("config.toml".to_owned(), config.clone().into_bytes())];
                assert!(files(&place.path().join("run")) == expected, "{failure:?}");
            }
            // A run that could not begin leaves nothing.
            Err(_) => assert!(!place.path().join("run").exists(), "{failure:?}"),
        }
    };
    let create = |place: &mut TempDir| RunFolder::create(&place.path().join("run"), &settings);
    assert!(for_each_failure(|| folder(None), create, judge) >= 10);
    old_or_new("config.toml", config.as_bytes(), |path| {
        RunFolder::reopen(path.parent().expect("a folder"), &settings).map(|_| ())
    });
    let of = |path: &Path| RunFolder::reopen(path.parent().expect("a folder"), &settings);
    let whole = folder(None);
    let curves = |path: &Path| {
        let folder = RunFolder::of(path.parent().expect("a folder"));
        folder.write_curves("run", &sweeps, SCORES)
    };
    of(&whole.path().join("config.toml")).expect("room");
    let path = whole.path().join("curves.svg");
    curves(&path).expect("room");
    old_or_new("curves.svg", &fs::read(path).expect("a file"), curves);
}

#[test]
fn the_tables_of_a_comparison() {
    let text = "a table\n".repeat(3_000);
    old_or_new("table.txt", text.as_bytes(), |path| {
        ComparisonFolder::of(path.parent().expect("a folder")).write("table.txt", &text)
    });
}

#[test]
fn rows_that_are_appended_are_whole() {
    let sweeps = metrics(4);
    let rows = |sweeps: &[Metrics]| {
        let mut file = Vec::new();
        let mut rows = CsvRows::new(&mut file, SCORES);
        sweeps.iter().for_each(|metrics| rows.sweep(metrics).expect("room"));
        drop(rows);
        file
    };
    // As many rows as were written without an error, of a new run and of one that goes on after two sweeps.
    for before in [0, 2] {
        let prepare = || {
            let old = rows(&sweeps[..3]);
            folder((before > 0).then_some(("metrics.csv", &old[..])))
        };
        let failed = for_each_failure(
            prepare,
            |place| {
                let folder = RunFolder::of(place.path());
                let metrics = match before {
                    0 => folder.metrics(SCORES),
                    _ => folder.metrics_after(&sweeps[..before], SCORES),
                };
                let mut written = before;
                metrics.map(|mut rows| {
                    while written < sweeps.len() && rows.sweep(&sweeps[written]).is_ok() {
                        written += 1;
                    }
                    written
                })
            },
            |place, written, failure| match written {
                Ok(written) => {
                    let found = fs::read(place.path().join("metrics.csv")).expect("a file");
                    // A row whose flush alone has failed is there.
                    let more = (written + 1).min(sweeps.len());
                    let whole = [&sweeps[..written], &sweeps[..more]].map(rows);
                    assert!(whole.contains(&found), "{failure:?}: {}", String::from_utf8_lossy(&found));
                    assert!(written == sweeps.len() || !failure.is_harmless(), "{failure:?}");
                }
                Err(error) => {
                    assert!(error.to_string().contains("metrics.csv`"), "{failure:?}: {error}");
                    let left = files(place.path());
                    assert!(left.len() <= 1, "{failure:?}");
                    assert!(
                        left.iter()
                            .all(|(_, found)| [rows(&sweeps[..3]), rows(&sweeps[..2])].contains(found))
                    );
                }
            },
        );
        assert!(failed >= 10, "{failed} failures");
    }
}
