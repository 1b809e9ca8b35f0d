//! Checkpoints: a run that goes on from one has the bits of a run without a break, and no other file is taken for one.

use altmin::data::{self, Dataset};
use altmin::run::checkpoint::{Checkpoints, Snapshot, resume};
use altmin::run::{History, Metrics, Observer, Outcome, Summary};
use altmin::settings::{Every, Method, TrainOptions};
use altmin::{Error, Settings, Trainer};
use altmin_core::Real;
use std::fs;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const SWEEPS: usize = 6;

fn settings(text: &str) -> Settings {
    TrainOptions::from_toml(text, Path::new("test.toml")).expect("readable").resolve().expect("valid")
}

type Data<T> = (Arc<Dataset<T>>, Arc<Dataset<T>>);

fn load<T: Real>(settings: &Settings) -> Data<T> {
    let (train, test) = data::load::<T>(&settings.data, &settings.data_options()).expect("the digits");
    (Arc::new(train), Arc::new(test))
}

fn trainer<T: Real>(settings: &Settings, (train, test): &Data<T>) -> Trainer<T> {
    Trainer::new(settings, Arc::clone(train), Arc::clone(test)).expect("a trainer")
}

/// Keeps the checkpoint of every sweep.
#[derive(Default)]
struct Every1 {
    history: History,
    files: Vec<Vec<u8>>,
}

impl Observer for Every1 {
    fn sweep(&mut self, metrics: &Metrics) -> io::Result<()> {
        self.history.sweep(metrics)
    }

    fn change(&mut self, change: &altmin::run::Change) -> io::Result<()> {
        self.history.change(change)
    }

    fn snapshot(&mut self, run: &dyn Snapshot) -> io::Result<()> {
        let mut file = Vec::new();
        run.write(&self.history, &mut file)?;
        self.files.push(file);
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

fn bits<T: Real>(trainer: &Trainer<T>) -> Vec<u64> {
    trainer.parameters().iter().map(|parameter| parameter.to_f64().to_bits()).collect()
}

/// All that a history says but the time, as text: NaN is equal to itself.
fn said(history: &History) -> String {
    let sweeps: Vec<_> = history.sweeps.iter().map(|metrics| Metrics { seconds: 0.0, ..*metrics }).collect();
    format!("{sweeps:?} {:?}", history.changes)
}

/// Runs without a break, and again from the checkpoint of every sweep on each number of threads.
fn same_bits_from_everywhere<T: Real>(text: &str) {
    let settings = settings(&format!("keep = 'both'\n{text}"));
    let data = load::<T>(&settings);
    let stop = AtomicBool::new(false);
    let (mut unbroken, mut seen) = (trainer(&settings, &data), Every1::default());
    let summary = unbroken.run(&mut seen, &stop).expect("a run");
    assert_eq!(summary.outcome, Outcome::SweepLimit, "{text}");
    assert_eq!(summary.best.as_ref(), unbroken.best());
    for (sweep, file) in seen.files.iter().enumerate() {
        let on = Settings { threads: 1 + sweep % 3, ..settings.clone() };
        let mut resumed = trainer(&on, &data);
        let mut history = resumed.resume(&mut Cursor::new(file), Path::new("file")).expect("a checkpoint");
        assert_eq!(history.sweeps.len(), sweep + 1);
        resumed.run(&mut history, &stop).expect("a run");
        assert!(bits(&resumed) == bits(&unbroken), "{text}: from sweep {}", sweep + 1);
        assert_eq!(said(&history), said(&seen.history), "{text}: from sweep {}", sweep + 1);
        assert_eq!(resumed.best(), unbroken.best(), "{text}: from sweep {}", sweep + 1);
        assert!(resumed.best_model() == unbroken.best_model(), "{text}: from sweep {}", sweep + 1);
    }
}

#[test]
fn every_method_goes_on_with_the_same_bits() {
    for method in Method::ALL {
        let text =
            format!("method = '{method}'\nsamples = 150\nhidden = '12,12'\nsweeps = {SWEEPS}\nthreads = 2\n");
        same_bits_from_everywhere::<f32>(&text);
        same_bits_from_everywhere::<f64>(&format!("{text}precision = 'f64'"));
    }
}

#[test]
fn networks_of_blocks_go_on_with_the_same_bits() {
    let methods = ["proxprop", "adam", "muon", "gsadmm", "gsam"];
    for network in [
        "conv 4 3x3, relu, maxpool 2, flatten, dense 10",
        "conv 4 3 same, relu, residual 4, avgpool, dense 10",
    ] {
        for method in methods {
            let text = format!(
                "method = '{method}'\nnetwork = '{network}'\nsamples = 60\nbatch = 25\nsweeps = 4\nthreads = 2\n"
            );
            same_bits_from_everywhere::<f32>(&text);
        }
    }
}

#[test]
fn schedules_growth_carried_sums_and_rules_go_on_where_they_were() {
    let base = format!("samples = 150\nsweeps = {SWEEPS}\nthreads = 1\n");
    for text in [
        "method = 'pdadmm'\nhidden = '12,12'\nrho-schedule = 'times:2:2'\nnu-schedule = 'times:0.5:3'",
        "method = 'pdadmm'\nhidden = '12,12'\nrho-schedule = 'balance:2:1.1'",
        "method = 'pdadmm'\nhidden = '12,12'\nrho = 1e-6\nrho-schedule = 'rising:2'",
        "method = 'dladmm'\nhidden = '12,12'\nrho-schedule = 'times:1.5:1'\nstep = 'backtracking'",
        "method = 'dlam'\nhidden = '12,12'\nepsilon = 10\nepsilon-rule = 'adaptive'\naccelerate = true",
        "method = 'pdadmm'\nhidden = '12x4'\ngrow = '2:3'",
        "method = 'proxprop'\nbatch = 40\nhidden = '12x4'\ngrow = '1:2'\nstep-schedule = 'cosine'",
        // The best sweep is one of the shallow network.
        "method = 'gd'\nlearning-rate = 0.3\nbatch = 50\nhidden = '10x5'\ngrow = '1:3'",
        "method = 'proxprop'\nbatch = 40\nhidden = '12,12'\ncarry = '0.9:3'\nwarm-up = 2",
        "method = 'proxprop'\nbatch = 'all'\nhidden = '12,12'\nregularizer = 'l2:0.01'",
        "method = 'gd'\nhidden = '12,12'\nmomentum = 0.9\nbatch = 40\nclip = 0.1",
        "method = 'gsadmm'\nhidden = '12x4'\nsubnetworks = 3\ninner = 'proxprop'\ndiagnostics = true",
        "method = 'local'\nhidden = '12x4'\nbatch = 40\ninner = 'adam'",
        "method = 'local'\nhidden = '12x4'\nbatch = 40\naugment = 'shift:1'",
        "method = 'proxprop'\nhidden = '12x4'\nbatch = 40\naugment = 'shift:1,flip'\ngrow = '2:3'",
        "method = 'adam'\nhidden = '12x4'\nbatch = 40\naugment = 'flip'",
        "method = 'proxprop'\nnetwork = 'dense 12, relu, dropout 0.3, dense 10'\nbatch = 40",
        "method = 'muon'\nnetwork = 'dropout 0.1, dense 12, tanh, dropout 0.5, dense 10'\nbatch = 40",
        "method = 'local'\nnetwork = 'dense 12, relu, dropout 0.3, dense 12, relu, dense 10'\nbatch = 40",
        "method = 'local'\nnetwork = 'dense 12, batchnorm, relu, dense 12, relu, dense 10'\nbatch = 40",
        "method = 'proxprop'\nnetwork = 'batchnorm, dense 12, relu, batchnorm, dense 10'\nbatch = 40",
        "method = 'adamw'\nnetwork = 'dense 12, batchnorm, tanh, dense 10'\nbatch = 40",
    ] {
        same_bits_from_everywhere::<f64>(&format!("{base}precision = 'f64'\n{text}"));
    }
}

/// A checkpoint after two sweeps.
fn file_of(text: &str) -> Vec<u8> {
    let settings = settings(text);
    let mut seen = Every1::default();
    trainer::<f32>(&settings, &load(&settings))
        .step(2, &mut seen, &AtomicBool::new(false))
        .expect("two sweeps");
    seen.files.pop().expect("a file")
}

fn refusal(text: &str, file: &[u8]) -> Error {
    let settings = settings(text);
    let mut trainer = trainer::<f32>(&settings, &load(&settings));
    let before = bits(&trainer);
    let error = trainer.resume(&mut Cursor::new(file), Path::new("file")).expect_err("no such run");
    assert!(bits(&trainer) == before && trainer.info().sweeps == 0, "{error}");
    error
}

const PLAIN: &str = "method = 'pdadmm'\nsamples = 50\nhidden = '5,5'\nsweeps = 9\nnu = 0.5\nrho = 3\n";

#[test]
fn a_file_that_is_cut_or_changed_anywhere_is_refused() {
    let file = file_of(PLAIN);
    let settings = settings(PLAIN);
    let mut trainer = trainer::<f32>(&settings, &load(&settings));
    let mut refuse = |file: &[u8], what: &str| {
        let found = trainer.resume(&mut Cursor::new(file), Path::new("file"));
        assert!(matches!(found, Err(Error::Format { .. })), "{what}: {found:?}");
    };
    for length in (0..file.len()).step_by(97).chain(0..40) {
        refuse(&file[..length], "cut");
    }
    let mut changed = file.clone();
    for place in (0..file.len()).step_by(61).chain(0..40).chain(file.len() - 8..file.len()) {
        changed[place] ^= 1 << (place % 8);
        refuse(&changed, "changed");
        changed[place] = file[place];
    }
    refuse(&[&file[..], b"x"].concat(), "longer");
}

/// CRC-32 bit by bit, from its polynomial.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// With the checksum that belongs to the bytes.
fn sealed(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 4;
    let checksum = crc32(&file[..end]);
    file[end..].copy_from_slice(&checksum.to_le_bytes());
    file
}

#[test]
fn the_file_is_as_documented() {
    let file = file_of(PLAIN);
    assert_eq!(sealed(file.clone()), file, "the checksum is CRC-32");
    assert_eq!(&file[..8], b"ALTMINCP");
    assert_eq!(file[8..12], 3u32.to_le_bytes());
    let length = u64::from_le_bytes(file[12..20].try_into().expect("eight bytes")) as usize;
    let text = str::from_utf8(&file[20..20 + length]).expect("text");
    assert_eq!(text, settings(PLAIN).to_toml().expect("writable"));
    let word = |place: usize| u64::from_le_bytes(file[place..place + 8].try_into().expect("eight bytes"));
    // Features, outputs and samples of the training data; sweeps after both fingerprints.
    let data = 20 + length;
    assert_eq!([word(data), word(data + 8), word(data + 16)], [64, 10, 50]);
    assert_eq!((file[data + 28], word(data + 28 + 1 + 28)), (1, 2));
}

#[test]
fn whatever_else_a_sealed_file_says_is_refused_and_never_a_panic() {
    let file = file_of(PLAIN);
    let settings = settings(PLAIN);
    let data = load(&settings);
    // Most of what is no number of the state stands in front.
    for place in (12..2_000).step_by(31).chain((2_000..file.len() - 4).step_by(1_001)) {
        for byte in [0, 1, 0x7F, 0xFF] {
            let mut changed = file.clone();
            changed[place] = byte;
            // A number may be any number; sizes, words and texts may not.
            let _ =
                trainer::<f32>(&settings, &data).resume(&mut Cursor::new(sealed(changed)), Path::new("file"));
        }
    }
    // The lengths of the settings' text, and of what follows if it were empty.
    for length in [u64::MAX, 1 << 40, file.len() as u64, 0] {
        let mut changed = file.clone();
        changed[12..20].copy_from_slice(&length.to_le_bytes());
        let error = refusal(PLAIN, &sealed(changed));
        assert!(matches!(error, Error::Format { .. } | Error::OtherRun { .. }), "{error}");
    }
}

#[test]
fn another_version_other_settings_and_other_data_are_refused_by_name() {
    let file = file_of(PLAIN);
    let of_version = |version: u32| sealed([&file[..8], &version.to_le_bytes(), &file[12..]].concat());
    let says = |error: Error, found: &str, expected: &str| {
        assert!(matches!(error, Error::OtherRun { .. }), "{error}");
        assert_eq!(error.to_string(), format!("`file`: found {found}, expected {expected}"));
    };
    says(refusal(PLAIN, &of_version(4)), "version 4, of a later program", "version 3");
    says(refusal(PLAIN, &of_version(2)), "version 2", "version 3");
    let other = |from: &str, to: &str| refusal(&PLAIN.replace(from, to), &file);
    says(other("nu = 0.5", "nu = 0.25"), "nu = 0.5", "nu = 0.25");
    says(other("pdadmm", "dladmm"), "method = \"pdadmm\"", "method = \"dladmm\"");
    says(other("'5,5'", "'5,6'"), "hidden = \"5,5\"", "hidden = \"5,6\"");
    says(other("samples = 50", "samples = 51"), "samples = \"50\"", "samples = \"51\"");
    says(other("nu = 0.5", "nu = 0.5\nkeep = 'both'"), "keep = \"last\"", "keep = \"both\"");
    // The same settings, one feature of one sample of which is another.
    for of_test in [false, true] {
        let settings = settings(PLAIN);
        let (train, test) = load::<f32>(&settings);
        let changed = |data: &Arc<Dataset<f32>>| {
            let mut features = data.features().to_vec();
            *features.last_mut().expect("a feature") += 1.0;
            let names = data.classes().to_vec();
            Dataset::new("digits", features, data.labels().to_vec(), data.n_features(), names).expect("data")
        };
        let data = match of_test {
            false => (Arc::new(changed(&train)), test),
            true => (train, Arc::new(changed(&test))),
        };
        let error = trainer(&settings, &data).resume(&mut Cursor::new(&file), Path::new("file"));
        let text = error.expect_err("other data").to_string();
        let what = if of_test { "test data of 360 samples" } else { "training data of 50 samples" };
        assert!(text.contains(&format!("found {what}")) && text.contains("checksum"), "{text}");
    }
    // What has no effect on the sweeps may be another.
    for same in ["threads = 3", "time-limit = '1h'", "tolerance = 1e-9", "checkpoint-every = '5s'"] {
        let settings = settings(&format!("{PLAIN}{same}"));
        let mut trainer = trainer::<f32>(&settings, &load(&settings));
        trainer.resume(&mut Cursor::new(&file), Path::new("file")).expect(same);
    }
    let falling = "samples = 50\nhidden = '5,5'\nbatch = 20\nsweeps = 9\n";
    let error = refusal(&falling.replace('9', "10"), &file_of(falling));
    says(error, "sweeps = 9", "sweeps = 10");
}

#[test]
fn the_last_two_are_kept_and_a_damaged_one_gives_way_to_the_one_before_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = |name: &str| folder.path().join(name);
    let settings = settings(PLAIN);
    let data = load::<f32>(&settings);
    let stop = AtomicBool::new(false);
    assert!(resume(folder.path(), &mut trainer(&settings, &data)).expect("no file").is_none());
    let (mut first, mut checkpoints) =
        (trainer(&settings, &data), Checkpoints::new(folder.path(), Every::Sweeps(2), None));
    first.step(5, &mut checkpoints, &stop).expect("sweeps");
    let sweeps = |trainer: &mut Trainer<f32>| {
        let found = resume(folder.path(), trainer).expect("a checkpoint").expect("a checkpoint");
        (found.history.sweeps.len(), found.damaged.is_some())
    };
    assert_eq!(sweeps(&mut trainer(&settings, &data)), (4, false));
    checkpoints.finish(&first).expect("room");
    assert_eq!(sweeps(&mut trainer(&settings, &data)), (5, false));
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["checkpoint-before.altmin", "checkpoint.altmin"]);

    // Killed between the two renames.
    let newest = fs::read(path("checkpoint.altmin")).expect("a file");
    fs::remove_file(path("checkpoint.altmin")).expect("a file");
    assert_eq!(sweeps(&mut trainer(&settings, &data)), (4, false));

    fs::write(path("checkpoint.altmin"), &newest[..newest.len() / 2]).expect("room");
    let mut resumed = trainer(&settings, &data);
    let found = resume(folder.path(), &mut resumed).expect("a checkpoint").expect("a checkpoint");
    assert_eq!(found.history.sweeps.len(), 4);
    let text = found.damaged.as_ref().expect("a reason").to_string();
    assert!(text.contains("checkpoint.altmin`") && text.contains("checksum"), "{text}");
    // The damaged file does not take the place of the one that was gone on from.
    let before = fs::read(path("checkpoint-before.altmin")).expect("a file");
    let mut checkpoints = Checkpoints::new(folder.path(), Every::Sweeps(1), Some(&found));
    resumed.step(1, &mut checkpoints, &stop).expect("a sweep");
    assert!(fs::read(path("checkpoint-before.altmin")).expect("a file") == before);
    assert_eq!(sweeps(&mut trainer(&settings, &data)), (5, false));
    assert!(bits(&resumed) == bits(&first));
    resumed.step(1, &mut checkpoints, &stop).expect("a sweep");
    assert!(fs::read(path("checkpoint-before.altmin")).expect("a file") != before);

    for name in ["checkpoint.altmin", "checkpoint-before.altmin"] {
        fs::write(path(name), "nothing").expect("room");
    }
    let error = resume(folder.path(), &mut trainer(&settings, &data)).expect_err("both are damaged");
    assert!(error.to_string().contains("checkpoint.altmin`"), "{error}");
}

#[test]
fn a_run_that_has_converged_does_not_go_on() {
    let text = format!("{PLAIN}tolerance = 1e6");
    let settings = settings(&text);
    let data = load::<f32>(&settings);
    let stop = AtomicBool::new(false);
    let (mut first, mut seen) = (trainer(&settings, &data), Every1::default());
    let summary = first.run(&mut seen, &stop).expect("a run");
    assert_eq!((summary.outcome, summary.sweeps), (Outcome::Converged, 2));
    let mut resumed = trainer(&settings, &data);
    let file = seen.files.pop().expect("a file");
    resumed.resume(&mut Cursor::new(file), Path::new("file")).expect("a checkpoint");
    let again = resumed.run(&mut History::default(), &stop).expect("a run");
    assert_eq!(Summary { seconds: summary.seconds, ..again }, summary);
    assert!(bits(&resumed) == bits(&first));
}

#[test]
fn one_that_finds_no_room_ends_nothing_and_is_told_at_the_end() {
    let parent = tempfile::tempdir().expect("temporary folder");
    let folder = parent.path().join("gone");
    let settings = settings(PLAIN);
    let mut trainer = trainer::<f32>(&settings, &load(&settings));
    let mut checkpoints = Checkpoints::new(&folder, Every::Sweeps(1), None);
    let stop = AtomicBool::new(false);
    assert_eq!(trainer.step(2, &mut checkpoints, &stop).expect("sweeps"), Outcome::SweepLimit);
    let error = checkpoints.finish(&trainer).expect_err("no folder").to_string();
    assert!(error.contains("checkpoint.altmin"), "{error}");
    fs::create_dir(&folder).expect("a folder");
    checkpoints.finish(&trainer).expect("a folder by now");
    assert!(folder.join("checkpoint.altmin").is_file());
}
